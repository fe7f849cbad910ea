# SPDX-License-Identifier: Apache-2.0
#
# Definitions of the window's code and of its tests, which share a precompiled header.
set(NIB_UI_DEFINITIONS QT_NO_CAST_FROM_ASCII QT_NO_FOREACH QT_NO_URL_CAST_FROM_STRING)

#
# nib_library(<name> [SOURCES ...] [DEPENDS nib::a ...] [LIBRARIES external ...])
#
# One static library for the current folder, as nib::<name>. Its headers are reached as
# "<folder>/<header>" and only by targets that depend on it: each library exports one include
# directory that holds a link to this folder alone. A folder that includes a header of a folder
# it does not depend on, or of Qt, does not compile.
function(nib_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS;LIBRARIES" ${ARGN})
  get_filename_component(folder ${CMAKE_CURRENT_SOURCE_DIR} NAME)
  set(view ${CMAKE_BINARY_DIR}/include/${name})
  file(MAKE_DIRECTORY ${view})
  file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR} ${view}/${folder} SYMBOLIC)
  if(ARG_SOURCES)
    add_library(nib_${name} STATIC ${ARG_SOURCES})
    target_include_directories(nib_${name} PUBLIC ${view})
    nib_static_choice(libraries ${ARG_LIBRARIES})
    target_link_libraries(nib_${name} PUBLIC ${ARG_DEPENDS} PRIVATE ${libraries} nib_warnings)
    nib_precompile(nib_${name})
  else()
    add_library(nib_${name} INTERFACE)
    target_include_directories(nib_${name} INTERFACE ${view})
    target_link_libraries(nib_${name} INTERFACE ${ARG_DEPENDS})
  endif()
  add_library(nib::${name} ALIAS nib_${name})
endfunction()

# Shared libraries by their path, with the archive beside them for programs that set NIB_STATIC.
function(nib_static_choice out)
  set(choices)
  foreach(library ${ARGN})
    string(REGEX REPLACE "\\.so$" ".a" archive "${library}")
    if(NOT archive STREQUAL library AND EXISTS ${archive})
      list(APPEND choices "$<IF:$<BOOL:$<TARGET_PROPERTY:NIB_STATIC>>,${archive},${library}>")
    else()
      list(APPEND choices ${library})
    endif()
  endforeach()
  set(${out} ${choices} PARENT_SCOPE)
endfunction()

# The precompiled header of the Qt-free code: the standard library and JSON, built once for all.
function(nib_precompile target)
  if(NIB_SANITIZE OR CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    return()
  endif()
  if(NOT TARGET nib_pch)
    find_package(nlohmann_json REQUIRED)
    file(WRITE ${CMAKE_BINARY_DIR}/pch.cpp "")
    add_library(nib_pch STATIC ${CMAKE_BINARY_DIR}/pch.cpp)
    target_link_libraries(nib_pch PRIVATE nlohmann_json::nlohmann_json nib_warnings Threads::Threads)
    target_precompile_headers(nib_pch PRIVATE
      <algorithm> <array> <cmath> <cstdint> <filesystem> <functional> <map> <memory> <optional>
      <span> <stop_token> <string> <string_view> <variant> <vector> <nlohmann/json.hpp>)
  endif()
  target_precompile_headers(${target} REUSE_FROM nib_pch)
endfunction()
