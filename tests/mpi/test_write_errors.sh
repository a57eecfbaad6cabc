#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A disk that fails for good, from one write on: test_write_errors.sh BUILD_FOLDER PHASE [every | RANKS...].
# The phases of a job: make (its results file), runs, analysis, all. Each time the job ends in bounded time with
# one error and status 3, rows that were finished stay, and on a mended disk --resume finishes. 4 writes of the
# phase with each number of ranks, of which the first, another or all fail; with 1, 2 and 3 ranks these are the
# first, the last and 10 between them. Or every write of a job of two runs.
set -euo pipefail
build=$(cd "$1" && pwd)
phase=$2
source "$(dirname "${BASH_SOURCE[0]}")/jobs.sh"

# try RANKS FAILING_RANK WRITE ERRNO MESSAGE
try() {
    local ranks=$1 rank=$2 write=$3 error=$4 message=$5 got=0
    rm -f disk.h5*
    OMPI_MCA_odls_base_sigkill_timeout=0 ASAN_OPTIONS=$ASAN_OPTIONS:verify_asan_link_order=0 timeout 60 \
        mpirun -np "$ranks" -x LD_PRELOAD="$build/tests/write_fails.so" -x CNN_FAIL_RANK="$rank" \
        -x CNN_FAIL_FROM="$write" -x CNN_FAIL_ERRNO="$error" "$program" disk.yaml \
        >log 2>&1 </dev/null || got=$?
    [[ $got -eq 3 ]] || { cat log; fail "exit status $got: rank $rank of $ranks, write $write"; }
    count log '^cnnmpi: error: ' 1
    says log "$message"
    [[ ! -e disk.h5.part && ! -e disk.h5.lock ]] || fail "something was left beside the results file"
    : >kept
    if [[ -e disk.h5 ]]; then
        says log 'continue with --resume'
        $rows disk.h5 >before
        grep '^run [0-9]* done' before >kept || true
    fi
    run "$ranks" 0 disk.yaml --resume
    $rows disk.h5 >after
    count after '^run [0-9]+ done' "$runs"
    { grep -Fxf kept after || true; } | cmp - kept || fail "finished rows have changed"
}
# Numbers of the phase's first and last write on rank 0, from the log of a whole job.
find_phase() {
    rm -f writes disk.h5*
    ASAN_OPTIONS=$ASAN_OPTIONS:verify_asan_link_order=0 mpirun -np "$1" \
        -x LD_PRELOAD="$build/tests/write_fails.so" -x CNN_WRITES_LOG="$work/writes" "$program" disk.yaml \
        >log 2>&1 </dev/null || { cat log; fail "the job"; }
    # HDF5 writes its head once at the end of the runs and once at the end of the analysis.
    read -r first last < <(awk -v phase="$phase" '
        $1 == "make" { made = NR } $1 == "head" { heads++; if (heads == 1) ran = NR }
        END { if (heads != 2) exit 1
              if (phase == "make") print 1, made
              else if (phase == "runs") print made + 1, ran
              else if (phase == "analysis") print ran + 1, NR
              else print 1, NR }' writes) || { cat writes; fail "the phases are not found"; }
}

if [[ ${3:-} == every ]]; then
    job disk 1 0 10
    sed -i 's/dataset: .*/dataset: [blobs]/' disk.yaml
    runs=2
    find_phase 1
    for ((write = first; write <= last; write++)); do
        try 1 all "$write" 28 'No space left on device'
        try 1 all "$write" 5 'Input/output error'
    done
    exit
fi
job disk 3 0 10
runs=12
for ranks in "${@:3}"; do
    find_phase "$ranks"
    # 12 places in all: 4 for each number of ranks, with another rank and another error each time.
    for i in 0 1 2 3; do
        write=$((first + (last - first) * (4 * i + ranks - 1) / 14))
        [[ $i -eq 3 && $ranks -eq 3 ]] && write=$last
        who=(0 all 0 all)
        # The other ranks write rows and HDF5's head, and nothing in the other phases.
        [[ $phase == runs && $ranks -gt 1 ]] && who=(0 1 all $((ranks - 1)))
        [[ ${who[i]} == 0 || ${who[i]} == all ]] || write=$((1 + (write - first) / ranks / 2))
        if [[ $(((i + ranks) % 2)) -eq 0 ]]; then
            try "$ranks" "${who[i]}" "$write" 28 'No space left on device'
        else
            try "$ranks" "${who[i]}" "$write" 5 'Input/output error'
        fi
    done
done
