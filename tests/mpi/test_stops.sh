#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Stops in good time: SIGUSR1 and the end of a Slurm allocation. test_stops.sh BUILD_FOLDER CASE
set -euo pipefail
build=$(cd "$1" && pwd)
case=$2
source "$(dirname "${BASH_SOURCE[0]}")/jobs.sh"
unset SLURM_JOB_ID

# squeue_says COMMAND: a squeue that runs it; questions go to the file `questions`.
squeue_says() {
    mkdir -p bin
    printf '#!/bin/bash\necho "$@ [$SLURM_TIME_FORMAT]" >>"%s/questions"\n%s\n' "$work" "$1" >bin/squeue
    chmod +x bin/squeue
    PATH=$work/bin:$PATH
    export SLURM_JOB_ID=4711 SLURM_TIME_FORMAT=relative
}
# (the shell's child catches it too, until it has become cnnmpi)
catches_usr1() { [[ $(<"/proc/$1/comm") == cnnmpi ]] && (((0x$(awk '/^SigCgt/ { print $2 }' "/proc/$1/status") >> 9) & 1)); }
# Blocks are done whole or not at all; prints how many are. Runs of a block are neighbours.
whole_blocks() {
    $rows "$1" | awk '$1 == "run" { done_[int($2 / 2)] += $3 == "done"; if ($3 == "failed") bad = 1 }
        END { for (b in done_) { if (done_[b] == 1) bad = 1; n += done_[b] == 2 }; print n; exit bad }'
}

case $case in
usr1)
    # The block under way is finished, none begins. The signal reaches trainers too, as srun sends it.
    job warned 4 0 10 seconds=0.2 note="$work/notes"
    "$program" warned.yaml >log 2>&1 </dev/null &
    rank=$!
    await 60 notes ' ' 1
    kill -USR1 "$rank" "$(awk '{ print $3 }' notes)"
    status=0
    wait "$rank" || status=$?
    [[ $status -eq 75 ]] || { cat log; fail "SIGUSR1 gave $status"; }
    says log 'SIGUSR1: no further block begins'
    blocks=$(whole_blocks warned.h5) || fail "a block was torn"
    [[ $blocks -ge 1 && $blocks -lt 8 ]] || fail "$blocks blocks were done"
    $rows warned.h5 >before
    count before '^attempt' $((2 * blocks))
    grep '^run [0-9]* done' before >kept
    run 2 0 warned.yaml --resume
    $rows warned.h5 >table
    count table '^run [0-9]+ done' 16
    grep -Fxf kept table | cmp - kept || fail "finished rows have changed"
    # The signal is handled from the program's first moments on.
    rm -f notes
    "$program" warned.yaml --force >log 2>&1 </dev/null &
    rank=$!
    await 60 catches_usr1 "$rank"
    kill -USR1 "$rank"
    status=0
    wait "$rank" || status=$?
    [[ $status -eq 75 ]] || { cat log; fail "an early SIGUSR1 gave $status"; }
    ;;
usr1_mpirun)
    # mpirun passes it on, perhaps twice; when all ranks return 75 it does so, too.
    job warned 4 0 10 seconds=0.2 note="$work/notes"
    mpirun -np 2 "$program" warned.yaml >log 2>&1 </dev/null &
    launcher=$!
    await 60 notes ' ' 2
    kill -USR1 "$launcher"
    await 20 grep -q 'SIGUSR1: ' log
    kill -USR1 "$launcher" 2>/dev/null || true
    status=0
    wait "$launcher" || status=$?
    [[ $status -eq 75 ]] || { cat log; fail "SIGUSR1 to mpirun gave $status"; }
    blocks=$(whole_blocks warned.h5) || fail "a block was torn"
    [[ $blocks -ge 1 && $blocks -lt 8 ]] || fail "$blocks blocks were done"
    # A second signal of another kind still stops at once.
    rm -f notes
    job hasty 4 0 60 seconds=30 note="$work/notes"
    "$program" hasty.yaml >log 2>&1 </dev/null &
    rank=$!
    await 60 notes ' ' 1
    kill -USR1 "$rank"
    await 20 grep -q 'SIGUSR1: ' log
    kill -TERM "$rank"
    await 20 grep -q 'no new run starts' log
    sleep 1 # signals within half a second count once
    kill -TERM "$rank"
    status=0
    wait "$rank" || status=$?
    [[ $status -eq 143 ]] || { cat log; fail "SIGUSR1, then SIGTERM twice gave $status"; }
    await 5 trainers_gone
    ;;
allocation_end)
    # Blocks begin as long as the slowest runs of their cells leave time: 5 s are kept to close.
    squeue_says "date -d '+9 seconds' +%Y-%m-%dT%H:%M:%S"
    job short 12 0 10 seconds=0.2 note="$work/notes"
    begin=$SECONDS
    run 1 75 short.yaml
    [[ $((SECONDS - begin)) -le 30 ]] || fail "the end of the allocation did not end the job"
    says log 'the Slurm allocation ends at 20'
    says log 'continue later with --resume'
    blocks=$(whole_blocks short.h5) || fail "a block was torn"
    [[ $blocks -ge 1 && $blocks -lt 24 ]] || fail "$blocks blocks were done"
    [[ $(cat questions) == '-h -j 4711 -o %e [standard]' ]] || { cat questions; fail "squeue was asked"; }
    # No time at all: nothing begins. The lives are known from the file.
    squeue_says "date -d '+5 seconds' +%Y-%m-%dT%H:%M:%S"
    $rows short.h5 | grep -v '^session' >table
    run 2 75 short.yaml --resume
    $rows short.h5 | grep -v '^session' | cmp - table || fail "runs began that could not be finished"
    # Time enough.
    squeue_says "date -d '+9999 seconds' +%Y-%m-%dT%H:%M:%S"
    run 2 0 short.yaml --resume
    [[ $(whole_blocks short.h5) -eq 24 ]] || fail "not all blocks are done"
    ;;
allocation_unknown)
    # An end that cannot be learned is said, and stops nothing.
    for answer in 'echo N/A' 'echo slurm_load_jobs error: nobody is there >&2; exit 1'; do
        squeue_says "$answer"
        job free 1 0 10
        run 1 0 free.yaml --force
        says log "the end of the Slurm allocation is unknown: squeue says '"
    done
    PATH=/usr/bin:/bin
    if ! command -v squeue >/dev/null; then
        run 1 0 free.yaml --force
        says log 'cannot run'
    fi
    ;;
*)
    fail "no case called $case"
    ;;
esac
