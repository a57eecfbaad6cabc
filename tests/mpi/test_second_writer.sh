#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Other programs at a results file while its job runs: test_second_writer.sh BUILD_FOLDER CASE
# Needs $PYTHON with h5py.
set -euo pipefail
build=$(cd "$1" && pwd)
case=$2
source "$(dirname "${BASH_SOURCE[0]}")/jobs.sh"
"${PYTHON:=python3}" -c 'import h5py' 2>/dev/null || {
    echo "skipped: $PYTHON has no h5py"
    exit 77
}
unset HDF5_USE_FILE_LOCKING

# A program that opens FILE in a MODE and leaves a mark. Its status is 0 if it could.
other() { # other FILE MODE
    "$PYTHON" - "$1" "$2" <<'END_OF_PYTHON'
import sys, h5py
with h5py.File(sys.argv[1], sys.argv[2]) as f:
    f['status'][:]
    if sys.argv[2] != 'r':
        f.attrs['note'] = 'checked by me'
END_OF_PYTHON
}
# One that has the file open until it is killed: pid in $holder.
hold() { # hold FILE MODE
    "$PYTHON" - "$1" "$2" <<'END_OF_PYTHON' &
import sys, time, h5py
f = h5py.File(sys.argv[1], sys.argv[2])
open('held', 'w').close()
time.sleep(600)
END_OF_PYTHON
    holder=$!
    await 60 test -e held
}
start() { # start RANKS ARGUMENT...
    local ranks=$1
    shift
    mpirun -np "$ranks" "$program" "$@" >log 2>&1 </dev/null &
    launcher=$!
    await 60 notes ' ' 1
}
end() { # end STATUS
    local status=0
    wait "$launcher" || status=$?
    [[ $status -eq $1 ]] || { cat log; fail "exit status $status instead of $1"; }
}
all_done() {
    $rows both.h5 >table
    count table '^run [0-9]+ done' "$1"
}

case $case in
refused)
    # Readers may, writers may not, however HDF5's own locking is set for the job.
    job both 2 0 10 seconds=0.8 note="$work/notes"
    for setting in 1: 2:FALSE 3:BEST_EFFORT; do
        rm -f notes both.h5
        if [[ ${setting#*:} ]]; then export HDF5_USE_FILE_LOCKING=${setting#*:}; fi
        start "${setting%:*}" both.yaml
        unset HDF5_USE_FILE_LOCKING
        other both.h5 r
        for mode in r+ a; do
            ! other both.h5 "$mode" 2>refusal || fail "h5py may write with mode $mode"
            grep -q 'unable to lock file' refusal || { cat refusal; fail "another reason"; }
        done
        end 0
        all_done 8
        ! grep -q 'cannot keep other programs' log || fail "the file is said to be unprotected"
    done
    # Once the job is over they may again.
    other both.h5 r+
    ;;
ignored)
    # A program that asks for no locks is noticed before more is written over what it has changed.
    job both 3 0 1 seconds=3 note="$work/notes"
    start 2 both.yaml
    HDF5_USE_FILE_LOCKING=FALSE other both.h5 r+
    end 3
    says log 'another program has changed the structure of the results file'
    says log 'continue with --resume'
    "$PYTHON" -c "import h5py; assert h5py.File('both.h5').attrs['note'] == 'checked by me'"
    run 2 0 both.yaml --resume
    all_done 12
    "$PYTHON" -c "import h5py; assert h5py.File('both.h5').attrs['note'] == 'checked by me'"
    # Also one that the job meets only when it closes the file.
    rm -f notes both.h5
    job both 1 0 1 seconds=0.5 note="$work/notes"
    start 1 both.yaml
    HDF5_USE_FILE_LOCKING=FALSE "$PYTHON" -c "import h5py; h5py.File('both.h5', 'r+')['mine'] = range(1000)"
    end 3
    says log 'another program has changed the structure of the results file'
    "$PYTHON" -c "import h5py; assert h5py.File('both.h5')['mine'][999] == 999"
    all_done 4
    run 1 0 both.yaml --resume
    ;;
damaged)
    # A program that truncates the file, or writes rubbish into it: nothing is said to be kept.
    for damage in 'truncate -s 5000 both.h5' 'dd if=/dev/urandom of=both.h5 bs=4096 count=4 conv=notrunc status=none'; do
        rm -f notes both.h5
        job both 3 0 1 seconds=0.5 note="$work/notes"
        start 2 both.yaml
        await 60 notes ' end' 2
        $damage
        end 3
        says log 'another program has changed the structure of the results file'
        says log 'its finished runs cannot be read any more'
        ! grep -q 'are kept' log || { cat log; fail "lost runs are said to be kept"; }
    done
    ;;
open_before)
    # A reader that has the file open stops no job; a writer does.
    job both 2 0 1 seconds=0.2 note="$work/notes"
    start 2 both.yaml
    kill -TERM "$launcher"
    wait "$launcher" || true
    hold both.h5 r
    run 2 0 both.yaml --resume
    all_done 8
    kill "$holder"
    wait "$holder" 2>/dev/null || true
    rm held
    hold both.h5 r+
    run 2 3 both.yaml --resume
    says log 'is open for writing in another program'
    kill "$holder"
    wait "$holder" 2>/dev/null || true
    run 2 0 both.yaml --resume
    ;;
conflict)
    # Where flock and fcntl conflict the flock is left out, since it would keep the job itself from writing.
    # lock_conflict.c is such a file system.
    job both 1 0 10 note="$work/notes"
    for ranks in 1 2 3; do
        ASAN_OPTIONS=$ASAN_OPTIONS:verify_asan_link_order=0 \
            run "$ranks" 0 both.yaml --force
        ! grep -q 'cannot keep other programs' log || fail "the file is said to be unprotected"
        rm -f both.h5
        status=0
        ASAN_OPTIONS=$ASAN_OPTIONS:verify_asan_link_order=0 timeout 60 mpirun -np "$ranks" \
            -x LD_PRELOAD="$build/tests/lock_conflict.so" "$program" both.yaml >log 2>&1 </dev/null || status=$?
        [[ $status -eq 0 ]] || { cat log; fail "exit status $status"; }
        count log 'cannot keep other programs from writing to both.h5' 1
        all_done 4
    done
    ;;
*)
    fail "no case '$case'"
    ;;
esac
