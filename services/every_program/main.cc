// Every program of Penstock in one file; the name by which it is called says which it is.
#include <array>
#include <string_view>

// deploy/cmake/targets.cmake names their mains so, and lists them: PROGRAM(gateway) PROGRAM(...
#define PROGRAM(name) int penstock_main_of_##name(int argc, char** argv);
PENSTOCK_PROGRAMS
#undef PROGRAM

namespace {

struct Program {
  std::string_view name;
  int (*main)(int argc, char** argv);
};

#define PROGRAM(name) Program{#name, penstock_main_of_##name},
constexpr std::array kPrograms = {PENSTOCK_PROGRAMS};
#undef PROGRAM

}  // namespace

int main(int argc, char** argv) {
  std::string_view called = argc > 0 ? argv[0] : "";
  called.remove_prefix(called.rfind('/') + 1);
  for (const Program& program : kPrograms) {
    if (program.name == called) return program.main(argc, argv);
  }
  return penstock_main_of_penstock(argc, argv);
}
