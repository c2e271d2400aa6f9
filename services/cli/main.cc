// The `penstock` command.

#include "services/cli/program.h"

int main(int argc, char** argv) {
  return penstock::cli::RunProgram({argv + (argc > 0 ? 1 : 0), argv + argc});
}
