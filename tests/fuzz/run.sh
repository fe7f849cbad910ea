#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs every fuzz target of build/fuzz for some seconds each; fails at the first finding and says how to repeat it.
# Usage: run.sh [SECONDS]      what is found stays in build/fuzz/findings, new inputs in build/fuzz/corpus
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."

seconds=${1:-60}
build=build/fuzz
mkdir -p $build/findings
for seeds in $build/fuzz/*.seeds; do
  format=$(basename "$seeds" .seeds)
  mkdir -p "$build/corpus/$format"
  IFS=';' read -r -a inputs <"$seeds" || true
  echo "fuzz $format for $seconds s" >&2
  UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 ASAN_OPTIONS=allocator_may_return_null=0 \
    "$(find $build -type f -name "fuzz_$format" -perm -u+x)" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 \
    -malloc_limit_mb=512 -max_len=65536 -print_final_stats=1 -verbosity=0 -artifact_prefix="$build/findings/$format-" \
    "$build/corpus/$format" "${inputs[@]}"
done
