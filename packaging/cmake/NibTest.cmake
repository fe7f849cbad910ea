# SPDX-License-Identifier: Apache-2.0
#
# nib_test(<name> SOURCE file.cpp [DEPENDS nib::a ...] [LIBRARIES external ...] [LABELS unit ui model peer slow] [GUI])
#
# One Qt Test program. The source ends with QTEST_GUILESS_MAIN(...) (QTEST_MAIN with GUI, which runs offscreen)
# and #include "<source>.moc". NIBBLESMITH_TEST_DATA points at the shared data where it is present.
find_package(Qt6 6.4 REQUIRED COMPONENTS Test)

function(nib_test name)
  cmake_parse_arguments(ARG "GUI" "SOURCE" "DEPENDS;LIBRARIES;LABELS" ${ARGN})
  add_executable(${name} ${ARG_SOURCE})
  set_target_properties(${name} PROPERTIES AUTOMOC ON)
  target_link_libraries(${name} PRIVATE ${ARG_DEPENDS} ${ARG_LIBRARIES} nib_warnings Qt6::Test)
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests/support)
  target_compile_definitions(${name} PRIVATE
    NIB_SOURCE_DIR="${CMAKE_SOURCE_DIR}" NIB_BINARY_DIR="${CMAKE_BINARY_DIR}")
  add_test(NAME ${name} COMMAND ${name})
  if(NOT ARG_LABELS)
    set(ARG_LABELS unit)
  endif()
  set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABELS}" SKIP_REGULAR_EXPRESSION "^SKIPPED_ALL"
    TIMEOUT 600)
  if(ARG_GUI)
    set_tests_properties(${name} PROPERTIES ENVIRONMENT "QT_QPA_PLATFORM=offscreen")
  endif()
endfunction()
