# SPDX-License-Identifier: Apache-2.0
#
# nib_test(<folder> SOURCES a_test.cpp ... [DEPENDS nib::a ...] [LABELS unit ui model peer slow] [GUI])
#
# The test program of one folder, <folder>_test. Each source holds one test class, ends with NIB_TEST(<Class>) and
# #include "<source>.moc", and is a test of its own for CTest: <folder>.<source without _test>, in a process of its own.
# With GUI the classes get a QApplication and run offscreen. NIBBLESMITH_TEST_DATA points at the shared data where present.
find_package(Qt6 6.4 REQUIRED COMPONENTS Test)
# Qt defines the folder's path for every test (for QFINDTESTDATA, which nothing here uses): a precompiled header could not be
# shared, nor a compiler cache by two checkouts.
get_target_property(definitions Qt6::Test INTERFACE_COMPILE_DEFINITIONS)
list(FILTER definitions EXCLUDE REGEX "QT_TESTCASE_")
set_target_properties(Qt6::Test PROPERTIES INTERFACE_COMPILE_DEFINITIONS "${definitions}")

function(nib_test folder)
  cmake_parse_arguments(ARG "GUI" "" "SOURCES;DEPENDS;LABELS" ${ARGN})
  set(program ${folder}_test)
  nib_test_main(main ${ARG_GUI})
  add_executable(${program} ${ARG_SOURCES})
  set_target_properties(${program} PROPERTIES AUTOMOC ON)
  target_link_libraries(${program} PRIVATE ${ARG_DEPENDS} ${main} nib_warnings Qt6::Test)
  target_include_directories(${program} PRIVATE ${CMAKE_SOURCE_DIR}/tests/support ${CMAKE_SOURCE_DIR}/tests/corrupt)
  if(ARG_GUI)
    # Also where a folder's code needs no window: the precompiled header is used with the same definitions alone.
    target_link_libraries(${program} PRIVATE Qt6::Widgets Qt6::Charts)
  endif()
  if(NOT NIB_SANITIZE)
    target_precompile_headers(${program} REUSE_FROM ${main}_precompiled)
  endif()
  if(NOT ARG_LABELS)
    set(ARG_LABELS unit)
  endif()
  foreach(source ${ARG_SOURCES})
    get_filename_component(class ${source} NAME_WE)
    string(REGEX REPLACE "_test$" "" short ${class})
    add_test(NAME ${folder}.${short} COMMAND ${program} ${class})
    set_tests_properties(${folder}.${short} PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT 600)
    if(ARG_GUI)
      set_tests_properties(${folder}.${short} PROPERTIES ENVIRONMENT "QT_QPA_PLATFORM=offscreen")
    endif()
  endforeach()
endfunction()

# What all test programs of a kind share, built once: main() and the precompiled header.
function(nib_test_main out gui)
  set(name nib_test_main)
  set(qt Qt6::Test)
  set(headers <QtCore/QtCore> <QtTest/QtTest> <nlohmann/json.hpp>)
  if(gui)
    set(name nib_test_main_gui)
    find_package(Qt6 6.4 REQUIRED COMPONENTS Widgets Charts)
    set(qt Qt6::Test Qt6::Widgets Qt6::Charts)
    set(headers <QtWidgets/QtWidgets> <QtCharts/QtCharts> <QtTest/QtTest> <nlohmann/json.hpp>)
  endif()
  set(${out} ${name} PARENT_SCOPE)
  if(TARGET ${name})
    return()
  endif()
  find_package(nlohmann_json REQUIRED)
  set(support ${CMAKE_SOURCE_DIR}/tests/support)
  add_library(${name} OBJECT ${support}/test_main.cpp ${support}/test_data.cpp)
  target_link_libraries(${name} PRIVATE ${qt} nib_warnings)
  target_compile_definitions(${name} PRIVATE $<$<BOOL:${gui}>:NIB_TEST_GUI>
    NIB_SOURCE_DIR="${CMAKE_SOURCE_DIR}" NIB_BINARY_DIR="${CMAKE_BINARY_DIR}")
  if(NIB_SANITIZE)
    return()
  endif()
  # An executable like those that reuse the header: a library's code is position independent in another way.
  file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/${name}_precompiled.cpp CONTENT "int main() {}\n")
  add_executable(${name}_precompiled ${CMAKE_BINARY_DIR}/${name}_precompiled.cpp)
  target_link_libraries(${name}_precompiled PRIVATE ${qt} nlohmann_json::nlohmann_json Threads::Threads nib_warnings)
  if(gui)
    target_compile_definitions(${name}_precompiled PRIVATE ${NIB_UI_DEFINITIONS})
  endif()
  target_precompile_headers(${name}_precompiled PRIVATE <any> <array> <cmath> <filesystem> <fstream> <functional> <map>
    <memory> <optional> <random> <span> <stop_token> <string> <thread> <variant> <vector> ${headers})
endfunction()
