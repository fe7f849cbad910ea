#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The house's rules that a machine can keep, over the files that git tracks. Prints every finding, fails on any.
set -uo pipefail
# report() runs in this shell, not in its pipe's.
shopt -s lastpipe
cd "$(dirname "$(readlink -f "$0")")/../.."

failed=0
# report TITLE: prints what comes in on standard input, and counts it as a failure.
report() {
  local found
  found=$(cat)
  [ -z "$found" ] && return
  printf '\033[1m%s\033[0m\n%s\n' "$1" "$found" >&2
  failed=1
}

mapfile -t sources < <(git ls-files '*.cpp' '*.hpp')

clang-format-14 --dry-run "${sources[@]}" 2>&1 | grep -F 'warning:' | sed 's/ \[-Wclang.*//' | sort -u | head -n 40 |
  report "Not as .clang-format has it (clang-format-14 -i FILE):"

# Characters, not bytes. Raw strings hold other formats' lines.
LC_ALL=C.UTF-8 awk '
  FNR == 1 { raw = 0 }
  /R"[^"(]*\(/ { raw = 1 }
  length($0) > 110 && !raw { print FILENAME ":" FNR ": " length($0) " columns" }
  /\)[^"(]*"/ { raw = 0 }' "${sources[@]}" | report "Lines over 110 columns:"

grep -nE '^ *///<? *(Of|The same|Likewise|As|What|Whether|How|Up to) ' "${sources[@]}" |
  report "Docstrings that begin with neither a noun nor a verb:"

wc -l "${sources[@]}" | awk '$2 != "total" && $1 > 600 { print $2 ": " $1 " lines" }' | report "Files over 600 lines:"

grep -nE '^#include *<Q[A-Z]' $(git ls-files 'core/*.cpp' 'core/*.hpp') | report "Qt in core:"

grep -nE '\b(TODO|FIXME|XXX)\b' "${sources[@]}" | report "Unfinished:"

git ls-files '*.sh' nib .ci/run | xargs -n 1 bash -n 2>&1 | report "Shell syntax:"

# Since the rule is kept; a shallow or exported checkout does not have that commit.
first=$(sed -n '/^[0-9a-f]/{p;q}' .git-blame-ignore-revs)
if git merge-base --is-ancestor "$first" HEAD 2>/dev/null; then
  git log --no-merges --format='%h %s' "$first..HEAD" | awk 'length($0) > 72 + 1 + length($1)' |
    report "Commit subjects over 72 characters:"
fi

[ $failed -eq 0 ] && echo "lint: nothing found in ${#sources[@]} source files" >&2
exit $failed
