#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs every fuzz target of build/fuzz. Stops at the first finding and prints how to reproduce it.
# Usage: run.sh [SECONDS | --short]
#   SECONDS   time per target (default 60), inputs of up to 1 MiB; new inputs are kept in build/fuzz/corpus for the next run
#   --short   20000 inputs of up to 4 KiB and 200 of up to 1 MiB per target; reproducible if address randomization can be
#             disabled
# Findings are kept in build/fuzz/findings.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."

build=build/fuzz
run=()
if [ "${1:-}" = --short ]; then
  rounds=("-runs=20000 -seed=1 -reload=0 -max_len=4096" "-runs=200 -seed=2 -reload=0 -max_len=1048576 -len_control=0")
  corpus=$build/short
  rm -rf $corpus
  # libFuzzer uses values from memory as inputs, including addresses.
  if setarch -R true 2>/dev/null; then run=(setarch -R); fi
else
  rounds=("-max_total_time=${1:-60} -max_len=1048576")
  corpus=$build/corpus
fi
mkdir -p $build/findings
for seeds in $build/fuzz/*.seeds; do
  format=$(basename "$seeds" .seeds)
  mkdir -p "$corpus/$format"
  IFS=';' read -r -a inputs <"$seeds" || true
  for round in "${rounds[@]}"; do
    echo "fuzz $format: $round" >&2
    read -r -a amount <<<"$round"
    UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 ASAN_OPTIONS=allocator_may_return_null=0 "${run[@]}" \
      "$(find $build -type f -name "fuzz_$format" -perm -u+x)" "${amount[@]}" -timeout=60 -rss_limit_mb=2048 \
      -malloc_limit_mb=512 -print_final_stats=1 -print_funcs=0 -verbosity=0 -artifact_prefix="$build/findings/$format-" \
      "$corpus/$format" "${inputs[@]}"
  done
done
