# The few functions with which every folder declares its targets.

# penstock_library(NAME <name> SRCS <file>... [DEPS <target>...] [TESTS <file>_test.cc...]
#                  [TEST_DEPS <target>...] [LABELS <label>...])
#
# A static library penstock_<name> and, with TESTS, one test program <name>_test. Sources are included
# from the root of the repository ("libs/base/clock.h"). Labels of a test: unit unless given; add `tsan`
# for a core that does not link gRPC.
function(penstock_library)
  cmake_parse_arguments(ARG "" "NAME" "SRCS;DEPS;TESTS;TEST_DEPS;LABELS" ${ARGN})
  if(ARG_SRCS)
    add_library(penstock_${ARG_NAME} STATIC ${ARG_SRCS})
    target_include_directories(penstock_${ARG_NAME} PUBLIC ${PROJECT_SOURCE_DIR})
    target_link_libraries(penstock_${ARG_NAME} PUBLIC penstock_flags ${ARG_DEPS} PRIVATE penstock_warnings)
  else()
    add_library(penstock_${ARG_NAME} INTERFACE)
    target_include_directories(penstock_${ARG_NAME} INTERFACE ${PROJECT_SOURCE_DIR})
    target_link_libraries(penstock_${ARG_NAME} INTERFACE penstock_flags ${ARG_DEPS})
  endif()
  if(ARG_TESTS)
    penstock_test(NAME ${ARG_NAME}_test SRCS ${ARG_TESTS}
      DEPS penstock_${ARG_NAME} ${ARG_TEST_DEPS} LABELS ${ARG_LABELS})
  endif()
endfunction()

# penstock_test(NAME <name> SRCS <file>... [DEPS <target>...] [LABELS <label>...])
function(penstock_test)
  cmake_parse_arguments(ARG "" "NAME" "SRCS;DEPS;LABELS" ${ARGN})
  if(NOT ARG_LABELS)
    set(ARG_LABELS unit)
  endif()
  add_executable(${ARG_NAME} ${ARG_SRCS})
  target_include_directories(${ARG_NAME} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${ARG_NAME} PRIVATE ${ARG_DEPS} GTest::gmock GTest::gtest_main penstock_flags penstock_warnings)
  if(PENSTOCK_SANITIZER)
    # What they test is optimised; they themselves compile in half the time.
    target_compile_options(${ARG_NAME} PRIVATE -O0)
  endif()
  add_test(NAME ${ARG_NAME} COMMAND ${ARG_NAME} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  set_tests_properties(${ARG_NAME} PROPERTIES LABELS "${ARG_LABELS}")
  foreach(label IN LISTS ARG_LABELS)
    add_dependencies(${label}_tests ${ARG_NAME})
  endforeach()
endfunction()

# penstock_binary(NAME <name> SRCS <file>... [DEPS <target>...]): a program in build/<preset>/bin.
function(penstock_binary)
  cmake_parse_arguments(ARG "" "NAME" "SRCS;DEPS" ${ARGN})
  add_executable(${ARG_NAME} ${ARG_SRCS})
  target_include_directories(${ARG_NAME} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${ARG_NAME} PRIVATE ${ARG_DEPS} penstock_flags penstock_warnings)
  set_target_properties(${ARG_NAME} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
  add_dependencies(programs ${ARG_NAME})
  if(NOT PENSTOCK_SANITIZER)
    # No symbol of it is named anywhere, so --as-needed would drop it.
    target_link_options(${ARG_NAME} PRIVATE
      -Wl,--push-state,--no-as-needed ${PENSTOCK_JEMALLOC_LIBRARY} -Wl,--pop-state)
  endif()
endfunction()

# penstock_every_program(NAME <name> SRCS <file>... PROGRAMS <binary>...)
#
# A program that is all of these, of which each has its main in main.cc. SRCS chooses among the functions
# penstock_main_of_<binary>(argc, argv), which the macro PENSTOCK_PROGRAMS lists as PROGRAM(<binary>).
function(penstock_every_program)
  cmake_parse_arguments(ARG "" "NAME" "SRCS;PROGRAMS" ${ARGN})
  set(mains)
  set(listed "")
  foreach(program IN LISTS ARG_PROGRAMS)
    get_target_property(folder ${program} SOURCE_DIR)
    get_target_property(libraries ${program} LINK_LIBRARIES)
    add_library(${program}_main OBJECT ${folder}/main.cc)
    target_include_directories(${program}_main PRIVATE ${PROJECT_SOURCE_DIR})
    target_link_libraries(${program}_main PRIVATE ${libraries})
    target_compile_definitions(${program}_main PRIVATE main=penstock_main_of_${program})
    list(APPEND mains $<TARGET_OBJECTS:${program}_main> ${libraries})
    string(APPEND listed "PROGRAM(${program}) ")
  endforeach()
  penstock_binary(NAME ${ARG_NAME} SRCS ${ARG_SRCS} DEPS ${mains})
  target_compile_definitions(${ARG_NAME} PRIVATE "PENSTOCK_PROGRAMS=${listed}")
endfunction()

# penstock_fuzz(NAME <x>_fuzz SRCS <file>... [DEPS <target>...])
#
# In preset fuzz a libFuzzer target; in the others the test <x>_corpus_test, which gives the same code every file of
# tests/fuzz/corpus/<x>.
function(penstock_fuzz)
  cmake_parse_arguments(ARG "" "NAME" "SRCS;DEPS" ${ARGN})
  string(REGEX REPLACE "_fuzz$" "" stem ${ARG_NAME})
  set(corpus tests/fuzz/corpus/${stem})
  if(NOT IS_DIRECTORY ${PROJECT_SOURCE_DIR}/${corpus})
    message(FATAL_ERROR "${ARG_NAME} needs a corpus, ${corpus}: at least ten files that it should begin with")
  endif()
  if(NOT PENSTOCK_FUZZ)
    penstock_corpus_test(NAME ${stem}_corpus_test CORPUS ${corpus} SRCS ${ARG_SRCS} DEPS ${ARG_DEPS})
    return()
  endif()
  add_executable(${ARG_NAME} ${ARG_SRCS})
  target_include_directories(${ARG_NAME} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${ARG_NAME} PRIVATE ${ARG_DEPS} penstock_flags penstock_warnings)
  target_link_options(${ARG_NAME} PRIVATE -fsanitize=fuzzer)
  set_target_properties(${ARG_NAME} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/fuzz)
  add_dependencies(fuzz_targets ${ARG_NAME})
endfunction()

# penstock_corpus_test(NAME <name> CORPUS <folder> SRCS <file>... [DEPS <target>...])
function(penstock_corpus_test)
  cmake_parse_arguments(ARG "" "NAME;CORPUS" "SRCS;DEPS" ${ARGN})
  add_executable(${ARG_NAME} ${ARG_SRCS} ${PROJECT_SOURCE_DIR}/tests/fuzz/replay_corpus.cc)
  target_include_directories(${ARG_NAME} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${ARG_NAME} PRIVATE ${ARG_DEPS} penstock_flags penstock_warnings)
  add_test(NAME ${ARG_NAME} COMMAND ${ARG_NAME} ${ARG_CORPUS} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  set_tests_properties(${ARG_NAME} PROPERTIES LABELS unit)
  add_dependencies(unit_tests ${ARG_NAME})
endfunction()

# What one preset needs, so that none builds the whole tree: all programs, and the tests of each label.
add_custom_target(programs)
foreach(label unit mesh tsan e2e bench chaos)
  add_custom_target(${label}_tests)
endforeach()
add_custom_target(fuzz_targets)
