# SPDX-License-Identifier: Apache-2.0
# Compiler settings shared by every target.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

find_program(NIB_CCACHE ccache)
if(NIB_CCACHE)
  # Precompiled headers need these sloppiness settings to be cacheable; checkouts in different places share the cache, and
  # so do machines and roots with the same compiler, whenever it was installed.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1
      CCACHE_COMPILERCHECK=content
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime,locale ${NIB_CCACHE})
endif()

find_package(Threads REQUIRED)
include(CheckCXXCompilerFlag)

# Warnings for our own code (errors in CI and for developers, never in a build by users); third-party headers come in as
# system includes.
add_library(nib_warnings INTERFACE)
target_compile_options(nib_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion $<$<BOOL:${NIB_WERROR}>:-Werror>
  # GCC from 13 on takes a reference that comes out of the first argument for one into a temporary key of the call.
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_GREATER_EQUAL:$<CXX_COMPILER_VERSION>,13>>:-Wno-dangling-reference>
  # GCC 12 reports these inside libstdc++ and Eigen templates at -O3, wrongly.
  $<$<CXX_COMPILER_ID:GNU>:-Wno-error=maybe-uninitialized -Wno-error=array-bounds -Wno-error=stringop-overflow>)

if(NIB_SANITIZE)
  add_compile_options(-fsanitize=${NIB_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${NIB_SANITIZE})
  add_compile_definitions(NIB_SANITIZED)
endif()
