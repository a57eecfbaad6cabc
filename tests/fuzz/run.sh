#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# run.sh BUILD_FOLDER TARGET [RUNS [SECONDS]]: runs a fuzz target from its seeds, for so many inputs (0:
# for ever) and at most so many seconds. What it finds is kept in BUILD_FOLDER/fuzz/found/TARGET when
# CNN_FUZZ_KEEP is set; an input that breaks something is left beside it, and how to repeat it is told.
set -euo pipefail
build=$(cd "$1" && pwd)
target=$2 runs=${3:-0} seconds=${4:-0}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
program=$build/fuzz/fuzz_$target
[[ -x $program ]] || { echo "skipped: $program was not built (tests/fuzz/build.sh says why)"; exit 77; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
found=$work/found
[[ ${CNN_FUZZ_KEEP:-} ]] && found=$build/fuzz/found/$target
mkdir -p "$found" "$build/fuzz/broken"
seeds=()
[[ -d $here/corpus/$target ]] && seeds+=("$here/corpus/$target")
options=(-max_len=4096)
case $target in
job)
    seeds+=("$here/../../jobs" "$here/../system")
    options=(-max_len=8192 -dict="$here/job.dict")
    ;;
results)
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
    "$build/tests/make_results_file" "$work/whole.h5"
    export CNN_FUZZ_RESULTS=$work/whole.h5
    options=(-max_len=32 -len_control=0)
    ;;
esac
[[ $runs -gt 0 ]] && options+=(-runs="$runs")
[[ $seconds -gt 0 ]] && options+=(-max_total_time="$seconds")

# Nothing may take more memory than its input can honestly need: the largest inputs unpack to 4 MB.
export ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1
status=0
"$program" -seed=1 -rss_limit_mb=700 -malloc_limit_mb=16 -timeout=10 -print_final_stats=1 -verbosity=1 \
    -artifact_prefix="$build/fuzz/broken/$target-" "${options[@]}" "$found" "${seeds[@]}" >"$work/log" 2>&1 ||
    status=$?
if [[ $status -ne 0 ]]; then
    grep -m 1 -A 60 -E 'does not hold|runtime error|ERROR: ' "$work/log" || tail -n 60 "$work/log"
    echo "FAILED: fuzz_$target ended with status $status"
    echo "again: $program FILE, with the file that is named above"
    exit 1
fi
grep -E '^stat::(number_of_executed_units|new_units_added|peak_rss_mb)' "$work/log"
tail -n 3 "$work/log" | grep '^Done' || true
