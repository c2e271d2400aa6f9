# Compiler, linker and flags. All flags go through the interface target penstock_flags.

if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang" OR CMAKE_CXX_COMPILER_VERSION VERSION_LESS 19)
  message(FATAL_ERROR
    "Penstock is built with clang 19 or newer, found ${CMAKE_CXX_COMPILER_ID} "
    "${CMAKE_CXX_COMPILER_VERSION}. Debian's g++ 12 miscompiles coroutines (a capturing lambda beside "
    "a braced temporary inside one co_await expression ends in a double free), so GCC is refused. "
    "Configure with a preset (cmake --preset dev) or -DCMAKE_CXX_COMPILER=clang++-19.")
endif()

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)

set(PENSTOCK_SANITIZER "" CACHE STRING "Value for -fsanitize=, empty for none")
option(PENSTOCK_FRAME_POINTERS "Keep frame pointers, for profiles" OFF)
option(PENSTOCK_FAILPOINTS "Compile failpoints in (test builds only)" OFF)
option(PENSTOCK_FUZZ "Build libFuzzer targets" OFF)

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  # base_dir and no hash_dir let a second clone on the same machine hit the cache of the first.
  set(CMAKE_CXX_COMPILER_LAUNCHER
    "${CMAKE_COMMAND};-E;env;CCACHE_BASEDIR=${PROJECT_SOURCE_DIR};CCACHE_NOHASHDIR=true;${CCACHE_PROGRAM}")
endif()

add_library(penstock_flags INTERFACE)
target_compile_options(penstock_flags INTERFACE
  -fdebug-prefix-map=${PROJECT_SOURCE_DIR}=.)
target_compile_definitions(penstock_flags INTERFACE
  BOOST_ASIO_NO_DEPRECATED
  BOOST_ASIO_SEPARATE_COMPILATION
  $<$<BOOL:${PENSTOCK_FAILPOINTS}>:PENSTOCK_FAILPOINTS=1>
  $<$<BOOL:${PENSTOCK_FUZZ}>:PENSTOCK_FUZZ=1>)
target_link_options(penstock_flags INTERFACE -fuse-ld=lld-19 -Wl,--as-needed)
if(PENSTOCK_SANITIZER)
  target_compile_options(penstock_flags INTERFACE
    -fsanitize=${PENSTOCK_SANITIZER} -fno-sanitize-recover=all -fno-omit-frame-pointer -O1 -gline-tables-only)
  target_link_options(penstock_flags INTERFACE -fsanitize=${PENSTOCK_SANITIZER})
endif()
if(PENSTOCK_FUZZ)
  # Without it libFuzzer does not see which branches an input takes, and only guesses.
  target_compile_options(penstock_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(PENSTOCK_FRAME_POINTERS)
  target_compile_options(penstock_flags INTERFACE -fno-omit-frame-pointer -g1)
endif()

# Warnings are for our own code; generated code is compiled with penstock_flags only.
add_library(penstock_warnings INTERFACE)
target_compile_options(penstock_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor
  -Wthread-safety -Werror)
