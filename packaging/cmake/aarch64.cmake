# SPDX-License-Identifier: Apache-2.0
# Cross-building the device runner for 64-bit Arm Linux with Debian's compiler and its arm64 libraries:
#   cmake --preset runner -B build/runner-aarch64 --toolchain packaging/cmake/aarch64.cmake
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
# Multiarch: libraries lie in /usr/lib/aarch64-linux-gnu beside the machine's own, headers are shared.
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
