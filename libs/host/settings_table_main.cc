// Prints the table of settings: settings_table penstock.descriptors > deploy/config/SETTINGS.md
#include <cstdio>

#include "libs/host/settings_table.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s DESCRIPTOR_SET\n", argv[0]);
    return 2;
  }
  const auto table = penstock::host::SettingsTableFromFile(argv[1]);
  if (!table.ok()) {
    std::fprintf(stderr, "settings_table: %s\n", std::string(table.status().message()).c_str());
    return 1;
  }
  std::fputs(table->c_str(), stdout);
  return 0;
}
