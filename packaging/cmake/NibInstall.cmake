# SPDX-License-Identifier: Apache-2.0
# Where things go: bin/, lib/nibblesmith/plugins/, share/nibblesmith/. The programs find both relative to themselves.
include(GNUInstallDirs)

foreach(program nibblesmith nsmith nsmith_runner)
  if(TARGET ${program})
    install(TARGETS ${program} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  endif()
endforeach()

if(NIB_WORKBENCH)
  install(DIRECTORY ${CMAKE_BINARY_DIR}/plugins/ DESTINATION ${CMAKE_INSTALL_LIBDIR}/nibblesmith/plugins
          FILES_MATCHING PATTERN "*.so" PATTERN "CMakeFiles" EXCLUDE PATTERN "*_autogen" EXCLUDE)
  install(DIRECTORY ${CMAKE_SOURCE_DIR}/resources/ DESTINATION ${CMAKE_INSTALL_DATADIR}/nibblesmith
          PATTERN "training" EXCLUDE PATTERN "screenshots" EXCLUDE PATTERN "__pycache__" EXCLUDE)
  install(FILES ${CMAKE_SOURCE_DIR}/packaging/nibblesmith.desktop DESTINATION ${CMAKE_INSTALL_DATADIR}/applications)
endif()
