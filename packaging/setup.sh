#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs the distribution's packages that the build and the tests need; quick where all are there.
# For Debian 12. Usage: setup.sh [fuzz | lint | docs]
#   fuzz: what './nib fuzz' needs, too
#   lint, docs: what './nib lint' or './nib docs' needs alone
set -euo pipefail

packages=(
  # build
  g++ cmake ninja-build ccache pkg-config
  # libraries
  qt6-base-dev qt6-charts-dev qt6-svg-dev libqt6opengl6-dev libgl-dev libegl-dev libopengl-dev libvulkan-dev
  libeigen3-dev libopenblas-pthread-dev libdnnl-dev libsqlite3-dev nlohmann-json3-dev
  libpcre2-dev libutf8proc-dev libssh-dev nettle-dev libstemmer-dev libyaml-cpp-dev
  # tests and pictures without a screen; a real sshd to deploy to
  xvfb xauth fonts-dejavu-core openssh-server openssh-client
)
case ${1:-} in
  fuzz) packages+=(clang-16 libclang-rt-16-dev) ;;
  docs) packages=(doxygen) ;;
  # Another version lays some lines out in another way; Debian 12 has this one.
  lint) packages=(git clang-format-14) ;;
esac

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "setup: please install as root: ${missing[*]}" >&2; exit 1; }
  as_root=(sudo)
fi
echo "Installing: ${missing[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq >&2
# An SSH server is installed for the tests only: it must not start by itself.
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
