# gRPC, Protobuf and Abseil, which must be of one build: Debian's, or a newer one.
#
#   PENSTOCK_GRPC=debian   gRPC 1.51 of Debian 12 (default)
#   PENSTOCK_GRPC=source   gRPC 1.60 or newer, either installed below PENSTOCK_GRPC_PREFIX, or built
#                          here from PENSTOCK_GRPC_SOURCE, an archive or unpacked folder that holds the
#                          submodules (third_party/protobuf, third_party/abseil-cpp, ...)
#
# Both give the targets gRPC::grpc++ and protobuf::libprotobuf, absl::*, and the variables
# GRPC_CPP_PLUGIN, Protobuf_PROTOC_EXECUTABLE and PENSTOCK_PROTO_IMPORTS (flags of protoc).
# deploy/README.md says when to use which.

set(PENSTOCK_GRPC debian CACHE STRING "Which gRPC: debian or source")
set_property(CACHE PENSTOCK_GRPC PROPERTY STRINGS debian source)
set(PENSTOCK_GRPC_PREFIX "" CACHE PATH "Where gRPC 1.60 or newer is installed (PENSTOCK_GRPC=source)")
set(PENSTOCK_GRPC_SOURCE "" CACHE PATH "Archive or folder of gRPC's source (PENSTOCK_GRPC=source)")
set(PENSTOCK_GRPC_OLDEST_SOURCE 1.60)

function(penstock_check_grpc_choice)
  if(NOT PENSTOCK_GRPC MATCHES "^(debian|source)$")
    message(FATAL_ERROR "PENSTOCK_GRPC: found \"${PENSTOCK_GRPC}\", allowed debian or source")
  endif()
  if(PENSTOCK_GRPC STREQUAL debian)
    return()
  endif()
  if(NOT PENSTOCK_GRPC_PREFIX AND NOT PENSTOCK_GRPC_SOURCE)
    message(FATAL_ERROR
      "PENSTOCK_GRPC=source needs to know where gRPC ${PENSTOCK_GRPC_OLDEST_SOURCE} or newer is: give "
      "-DPENSTOCK_GRPC_PREFIX=/opt/grpc (where `cmake --install` has put it, with its own Protobuf and "
      "Abseil), or -DPENSTOCK_GRPC_SOURCE=grpc.tar.gz (an archive or folder of its source with its "
      "submodules). deploy/README.md has the commands.")
  endif()
  if(PENSTOCK_GRPC_PREFIX AND PENSTOCK_GRPC_SOURCE)
    message(FATAL_ERROR "PENSTOCK_GRPC_PREFIX and PENSTOCK_GRPC_SOURCE: found both, allowed one")
  endif()
  foreach(given PENSTOCK_GRPC_PREFIX PENSTOCK_GRPC_SOURCE)
    if(${given} AND NOT EXISTS "${${given}}")
      message(FATAL_ERROR "${given}: found \"${${given}}\", which does not exist")
    endif()
  endforeach()
endfunction()

# Debian's programs of the same names must not be found instead.
macro(penstock_grpc_programs_below folder)
  find_program(GRPC_CPP_PLUGIN grpc_cpp_plugin PATHS "${folder}/bin" NO_DEFAULT_PATH REQUIRED)
  find_program(Protobuf_PROTOC_EXECUTABLE protoc PATHS "${folder}/bin" NO_DEFAULT_PATH REQUIRED)
endmacro()

# Unpacks an archive; the folder that holds gRPC's CMakeLists.txt goes to `result`.
function(penstock_grpc_source_folder result)
  set(folder "${PENSTOCK_GRPC_SOURCE}")
  if(NOT IS_DIRECTORY "${folder}")
    include(FetchContent)
    FetchContent_Declare(penstock_grpc_source URL "${PENSTOCK_GRPC_SOURCE}" SOURCE_SUBDIR none
      DOWNLOAD_EXTRACT_TIMESTAMP ON)
    FetchContent_MakeAvailable(penstock_grpc_source)
    set(folder "${penstock_grpc_source_SOURCE_DIR}")
  endif()
  foreach(needed CMakeLists.txt third_party/protobuf/CMakeLists.txt third_party/abseil-cpp/CMakeLists.txt)
    if(NOT EXISTS "${folder}/${needed}")
      message(FATAL_ERROR
        "PENSTOCK_GRPC_SOURCE ${PENSTOCK_GRPC_SOURCE}: ${needed} is missing. The archives that code hosts "
        "make by themselves leave submodules out; clone with --recurse-submodules instead")
    endif()
  endforeach()
  set(${result} "${folder}" PARENT_SCOPE)
endfunction()

penstock_check_grpc_choice()
if(PENSTOCK_GRPC STREQUAL debian)
  find_package(Protobuf 3.21 REQUIRED)
  find_package(absl REQUIRED)
  find_package(gRPC 1.51 REQUIRED)
elseif(PENSTOCK_GRPC_PREFIX)
  list(PREPEND CMAKE_PREFIX_PATH "${PENSTOCK_GRPC_PREFIX}")
  foreach(package absl Protobuf)
    find_package(${package} CONFIG REQUIRED PATHS "${PENSTOCK_GRPC_PREFIX}" NO_DEFAULT_PATH)
  endforeach()
  find_package(gRPC CONFIG REQUIRED PATHS "${PENSTOCK_GRPC_PREFIX}" NO_DEFAULT_PATH)
  if(gRPC_VERSION VERSION_LESS PENSTOCK_GRPC_OLDEST_SOURCE)
    message(FATAL_ERROR "PENSTOCK_GRPC_PREFIX: found gRPC ${gRPC_VERSION}, allowed "
      "${PENSTOCK_GRPC_OLDEST_SOURCE} or newer")
  endif()
  penstock_grpc_programs_below("${PENSTOCK_GRPC_PREFIX}")
else()
  penstock_grpc_source_folder(folder)
  set(gRPC_INSTALL OFF CACHE BOOL "" FORCE)
  set(gRPC_BUILD_TESTS OFF CACHE BOOL "" FORCE)
  # Debian's, also where the source has them as submodules: they are no part of gRPC's interface, and
  # Debian mends them.
  foreach(library CARES RE2 SSL ZLIB)
    set(gRPC_${library}_PROVIDER package CACHE STRING "" FORCE)
  endforeach()
  set(ABSL_PROPAGATE_CXX_STD ON CACHE BOOL "" FORCE)
  set(protobuf_INSTALL OFF CACHE BOOL "" FORCE)
  set(protobuf_BUILD_TESTS OFF CACHE BOOL "" FORCE)
  add_subdirectory("${folder}" "${CMAKE_BINARY_DIR}/grpc" EXCLUDE_FROM_ALL SYSTEM)
  get_directory_property(found_version DIRECTORY "${folder}" DEFINITION PACKAGE_VERSION)
  if(found_version VERSION_LESS PENSTOCK_GRPC_OLDEST_SOURCE)
    message(FATAL_ERROR "PENSTOCK_GRPC_SOURCE: found gRPC \"${found_version}\", allowed "
      "${PENSTOCK_GRPC_OLDEST_SOURCE} or newer")
  endif()
  add_library(gRPC::grpc++ ALIAS grpc++)
  # Build rules that name a target run the program it builds.
  set(GRPC_CPP_PLUGIN $<TARGET_FILE:grpc_cpp_plugin>)
  set(Protobuf_PROTOC_EXECUTABLE $<TARGET_FILE:protobuf::protoc>)
  # A protoc that is not installed does not find the google/protobuf/*.proto that belong to it.
  set(PENSTOCK_PROTO_IMPORTS -I "${folder}/third_party/protobuf/src")
endif()
