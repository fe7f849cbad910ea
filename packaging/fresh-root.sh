#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs a command of this checkout on a machine that has nothing: a new Debian root (debootstrap minbase, git and sudo),
# the committed files copied in, an ordinary user with sudo. What passes here passes for a newcomer.
#
# Usage: fresh-root.sh SUITE COMMAND...      fresh-root.sh bookworm './nib test'
#
# The mirror and its keys are those of this machine's apt configuration. The compiler cache is shared with the root, and
# ../shared where it is present. Needs root and the right to mount; ends with 77 where the machine does not allow it.
# NIB_KEEP_ROOT=1 leaves the root for a look.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."

suite=${1:?usage: fresh-root.sh SUITE COMMAND...}
shift
[ $# -gt 0 ] || { echo "fresh-root: expected a command after the suite" >&2; exit 2; }
readonly user=newcomer

say() { printf '\033[1mfresh-root %s: %s\033[0m (%d s)\n' "$suite" "$*" "$SECONDS" >&2; }
refuse() { say "NOT POSSIBLE HERE: $*" ; exit 77; }

# The Debian mirror that apt uses here: the first package list whose release calls itself Debian.
mirror() {
  apt-get indextargets --format '$(LABEL)|$(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
    sed -n 's/^Debian|//p' | head -n 1
}

keyring() {
  local file
  for file in /usr/share/keyrings/debian-archive-keyring.gpg /usr/share/keyrings/debian-archive-keyring.pgp; do
    [ -r "$file" ] && { echo "$file"; return; }
  done
}

# Mounts are seen by this process and its children alone, and end with them.
if [ "${NIB_IN_NAMESPACE:-}" != 1 ]; then
  [ "$(id -u)" -eq 0 ] || refuse "expected to run as root, found user $(id -un)"
  unshare --mount --propagation private mount -t tmpfs none /mnt 2>/dev/null || refuse "mounting is not allowed"
  root=$(mktemp -d "${TMPDIR:-/var/tmp}/nibblesmith-root.XXXXXX")
  status=0
  NIB_IN_NAMESPACE=1 NIB_ROOT=$root unshare --mount --propagation private "$0" "$suite" "$@" || status=$?
  if [ "${NIB_KEEP_ROOT:-}" = 1 ]; then say "left in $root"; else rm -rf --one-file-system "$root"; fi
  exit $status
fi

root=$NIB_ROOT
command -v debootstrap >/dev/null || { apt-get update -qq; apt-get install -y -qq --no-install-recommends debootstrap; } >&2
uri=$(mirror)
[ -n "$uri" ] || { apt-get update -qq >&2; uri=$(mirror); }
[ -n "$uri" ] || refuse "no Debian mirror in the apt configuration"
keys=$(keyring)
[ -n "$keys" ] || refuse "no keyring of Debian's archive"

chmod 755 "$root"
say "debootstrap"
debootstrap --variant=minbase --include=git,sudo,ca-certificates --keyring="$keys" "$suite" "$root" "$uri" \
  >"$root.log" 2>&1 || { tail -n 30 "$root.log" >&2; rm -f "$root.log"; refuse "debootstrap failed"; }
rm -f "$root.log"
# How this machine reaches the mirror: proxies, certificates, name service.
apt-config dump | grep -E '^Acquire::(https?|Retries)' >"$root/etc/apt/apt.conf.d/90mirror" || true
cp /etc/resolv.conf /etc/hosts "$root/etc/"
cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/" 2>/dev/null || true

chroot "$root" useradd --create-home --shell /bin/bash $user
echo "$user ALL=(ALL) NOPASSWD: ALL" >"$root/etc/sudoers.d/$user"
home=/home/$user
mkdir -p "$root$home/checkout"
git -c safe.directory='*' archive HEAD | tar -x -C "$root$home/checkout"
# A checkout, as users have it: some tests and tools ask git for the files.
chroot "$root" sh -c "cd $home/checkout && git init -q . && git add -A &&
  git -c user.name=$user -c user.email=$user@localhost commit -qm checkout"

mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
cache=${CCACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/ccache}
mkdir -p "$cache" "$root$home/.cache/ccache"
# The cache belongs to whoever runs this; in the root the newcomer writes to it, too.
chmod -R a+rwX "$cache"
mount --bind "$cache" "$root$home/.cache/ccache"
if [ -d ../shared ]; then
  mkdir -p "$root$home/shared"
  mount --rbind ../shared "$root$home/shared"
fi
chroot "$root" chown -R $user: $home/checkout
chroot "$root" chown $user: $home $home/.cache

say "as $user: $*"
status=0
chroot "$root" sudo -u $user -H env ${CI:+CI=$CI} CCACHE_UMASK=000 sh -c "cd $home/checkout && $*" || status=$?
say "ended with $status"
exit $status
