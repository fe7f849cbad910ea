#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Cross-builds nsmith-runner for 64-bit Arm Linux and puts it where `nsmith deploy` looks for it.
#   packaging/runner/build-aarch64.sh [--install] [DIRECTORY]
# --install fetches the Debian packages first (with sudo where needed); DIRECTORY is that of the workbench's
# programs (build/dev/bin).
set -eu
cd "$(dirname "$0")/../.."

install=no
if [ "${1:-}" = --install ]; then
  install=yes
  shift
fi
programs=${1:-build/dev/bin}
packages="g++-aarch64-linux-gnu nettle-dev:arm64 libpcre2-dev:arm64 libutf8proc-dev:arm64"

complete() {
  command -v aarch64-linux-gnu-g++ >/dev/null && [ -e /usr/lib/aarch64-linux-gnu/libnettle.a ] &&
    [ -e /usr/lib/aarch64-linux-gnu/libpcre2-8.a ] && [ -e /usr/lib/aarch64-linux-gnu/libutf8proc.a ]
}

if [ "$install" = yes ] && ! complete; then
  sudo=
  [ "$(id -u)" = 0 ] || sudo=sudo
  echo "Installing: $packages" >&2
  $sudo dpkg --add-architecture arm64
  $sudo apt-get update -qq
  # shellcheck disable=SC2086
  $sudo apt-get install -y -qq --no-install-recommends $packages
fi
if ! complete; then
  echo "needs these Debian packages: $packages" >&2
  echo "run $0 --install, or install them after dpkg --add-architecture arm64 && apt-get update" >&2
  exit 1
fi

build=build/runner-aarch64
cmake --preset runner -B "$build" --toolchain packaging/cmake/aarch64.cmake >/dev/null
cmake --build "$build" --target nsmith_runner
mkdir -p "$programs"
cp "$build/bin/nsmith-runner" "$programs/nsmith-runner-aarch64"
ls -l "$programs/nsmith-runner-aarch64"

# Under emulation both the oldest and the newest instructions are tried; figures from there mean nothing.
qemu=$(command -v qemu-aarch64 || command -v qemu-aarch64-static || true)
if [ -n "$qemu" ]; then
  for cpu in cortex-a72 max; do
    printf '%s: ' "$cpu"
    "$qemu" -cpu "$cpu" "$programs/nsmith-runner-aarch64" --version
  done
fi
