#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Many ranks, many runs, none lost and none done twice: test_scale.sh BUILD_FOLDER [RUNS [RANKS]]. The
# file and what the trainers have noted are read by h5py (exit status 77 without it).
set -euo pipefail
build=$(cd "$1" && pwd)
runs=${2:-1000}
ranks=${3:-64}
check=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/check_scale.py
python=${PYTHON:-python3}
source "$(dirname "${BASH_SOURCE[0]}")/jobs.sh"

"$python" -c 'import h5py' 2>/dev/null || { echo "skipped: no h5py for $python"; exit 77; }
job many $((runs / 4)) 0 10 seconds=0.001 note="$work/notes"
began=$SECONDS
timeout $((120 + runs / 10)) mpirun -np "$ranks" "$program" many.yaml >log 2>&1 </dev/null ||
    { got=$?; tail -n 50 log; fail "exit status $got: $ranks ranks, $runs runs"; }
printf '%d runs on %d ranks: %d s\n' $((runs / 4 * 4)) "$ranks" $((SECONDS - began))
"$python" "$check" many.h5 notes log $((runs / 4 * 4)) "$ranks" || fail "the file, the notes or the log"
