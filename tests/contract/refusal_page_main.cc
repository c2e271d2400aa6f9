// refusal_page: writes REFUSALS.md of refusals.yaml to standard output. Exit code 1: it is no
// table.
#include <iostream>

#include "tests/contract/refusal_page.h"

int main() {
  const auto table = penstock::contract::ReadRefusalTable();
  if (!table.ok()) {
    std::cerr << "refusal_page: " << table.status().message() << '\n';
    return 1;
  }
  std::cout << penstock::contract::RefusalPage(*table);
  return 0;
}
