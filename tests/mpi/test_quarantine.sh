#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Devices on which everything fails: test_quarantine.sh BUILD_FOLDER CASE
set -euo pipefail
build=$(cd "$1" && pwd)
case=$2
source "$(dirname "${BASH_SOURCE[0]}")/jobs.sh"

# run_with STATUS BAD RANKS ARGUMENT...: ranks, of which number BAD has a device on which trainers with
# where=BAD_DEVICE fail.
run_with() {
    local want=$1 bad=$2 ranks=$3 got=0 words=() r
    shift 3
    for ((r = 0; r < ranks; r++)); do
        [[ $r -eq 0 ]] || words+=(:)
        [[ $r -eq $bad ]] && words+=(-x BAD_DEVICE=exit)
        words+=(-np 1 "$program" "$@")
    done
    timeout 120 mpirun "${words[@]}" >log 2>&1 </dev/null || got=$?
    [[ $got -eq $want ]] || { cat log; fail "exit status $got instead of $want"; }
}
# Both runs of a block were done on one rank.
check_whole() {
    awk '$1 == "run" { b = int($2 / 2); if (b in rank && rank[b] != $7) bad = 1; rank[b] = $7 }
        END { exit bad }' table || { cat table; fail "a block is on two devices"; }
}

case $case in
bad_rank | bad_first_rank)
    [[ $case == bad_rank ]] && bad=1 || bad=0
    job sick 6 1 10 do=exit where=BAD_DEVICE
    run_with 0 $bad 3 sick.yaml
    $rows sick.h5 >table
    count table '^run [0-9]+ done' 24
    count table "^run [0-9]+ done( -?[0-9]+){3} $bad " 0
    check_whole
    # What was tried there is recorded: runs of three cells, in two or more blocks, twice each.
    tried=$(awk -v bad=$bad '$1 == "attempt" && $6 == bad && $4 == "exit"' table | wc -l)
    [[ $tried -ge 6 && $tried -le 12 ]] || { cat table; fail "$tried attempts on the bad device"; }
    awk -v bad=$bad '$1 == "attempt" && $6 == bad && $4 != "exit" { exit 1 }' table || fail "attempts"
    # The next attempts of these runs come after them.
    awk '$1 == "attempt" && $4 == "done" && $3 != 0 && $3 != 2 { exit 1 }' table || { cat table; fail "places"; }
    # It is said on the screen, in the file, in the report and by status.
    count log 'QUARANTINE: the job continues without ' 1
    says log "(rank $bad): runs of 3 cells failed in a row, the last one with 'exit code 9"
    count table "^session 0 3 \".*rank $bad.*\"" 1
    "$program" report sick.h5 >report
    count report '^ *quarantine ' 1
    "$program" status sick.h5 >status
    count status '^ *quarantine ' 1
    ;;
block_whole)
    # The device breaks after its first run: that run's block is repeated whole elsewhere, and the
    # superseded result is kept as an attempt.
    job late 6 0 10 do=exit where=BAD_DEVICE after=1 note="$work/notes"
    run_with 0 1 2 late.yaml
    says log 'QUARANTINE'
    $rows late.h5 >table
    count table '^run [0-9]+ done( -?[0-9]+){3} 0 ' 24
    check_whole
    torn=$(awk '$1 == "attempt" && $6 == 1 && $4 == "done" { print $2 }' table)
    [[ $(wc -w <<<"$torn") -eq 1 ]] || { cat table; fail "the first run on the bad device"; }
    count table "^attempt $torn 0 done 0 1 0 " 1
    count table "^attempt $torn 1 done 0 0 0 " 1
    count table "^run $torn done( -?[0-9]+){3} 0 0 2 " 1 # two attempts
    count log '\[24/24\]' 1
    ;;
dynamic)
    assign=dynamic job free 6 0 10 do=exit where=BAD_DEVICE
    run_with 0 1 3 free.yaml
    $rows free.h5 >table
    count table '^run [0-9]+ done' 24
    check_whole
    ;;
last_device)
    # Where all fail nobody is left to take the blocks: the last one goes on, and the job ends.
    job all 4 0 10 do=exit where=BAD_DEVICE
    BAD_DEVICE=1 run 2 1 all.yaml
    count log 'QUARANTINE' 1
    says log 'its device is the last one'
    $rows all.h5 >table
    count table '^run [0-9]+ failed' 16
    # A later session gives everything another chance.
    run 2 0 all.yaml --resume
    $rows all.h5 >table
    count table '^run [0-9]+ done' 16
    count table '^session 1 2 ""' 1
    ;;
occupied)
    # Whatever of a trainer may still use the device: no further run starts there, not even a retry.
    job taken 6 1 10 do=unsupervised where=BAD_DEVICE
    run_with 0 1 3 taken.yaml
    says log "(rank 1): processes of a trainer did not end, the last one with 'the trainer's supervisor was killed"
    $rows taken.h5 >table
    count table '^run [0-9]+ done' 24
    count table "^run [0-9]+ done( -?[0-9]+){3} 1 " 0
    check_whole
    [[ $(awk '$1 == "attempt" && $6 == 1' table | wc -l) -eq 1 ]] || { cat table; fail "attempts"; }
    ;;
occupied_last)
    # With no other device the job stops, and says how to continue.
    job alone 2 1 10 do=unsupervised where=BAD_DEVICE
    BAD_DEVICE=1 run 1 75 alone.yaml
    says log 'then continue with --resume'
    $rows alone.h5 >table
    count table '^attempt' 1
    run 1 0 alone.yaml --resume
    $rows alone.h5 >table
    count table '^run [0-9]+ done' 8
    ;;
one_cell)
    # Cells that fail everywhere are no reason.
    job half 6 0 10 do=exit when=2
    run 2 1 half.yaml
    if grep -q QUARANTINE log; then fail "a good device was quarantined"; fi
    $rows half.h5 >table
    count table '^run [0-9]+ failed' 12
    ;;
resumed)
    # What an earlier session has finished is never done again, not even for a block that is repeated:
    # that block is split then. (The other run of the block hangs at first, then fails on its device.)
    [[ $(nproc) -ge 2 ]] || { echo "skipped: one core is one device only"; exit 77; }
    job kept 6 0 10 do=env where=BAD_DEVICE after=3 note="$work/notes"
    BAD_DEVICE=hang taskset -c 0 "$program" kept.yaml >log 2>&1 </dev/null &
    rank=$!
    await 60 notes ' [0-9]*$' 4
    kill -KILL "$rank"
    wait "$rank" || true
    $rows kept.h5 | grep '^run [0-9]* done' >finished
    [[ $(wc -l <finished) -eq 3 ]] || { cat finished; fail "not three runs were done"; }
    run_with 0 0 2 kept.yaml --resume
    says log QUARANTINE
    $rows kept.h5 >table
    count table '^run [0-9]+ done' 24
    grep -Fxf finished table | cmp - finished || fail "finished rows have changed"
    [[ $(grep -cE '^attempt [0-9]+ 0 exit 1 0 9 ' table) -ge 3 ]] || { cat table; fail "attempts"; }
    count table '^session 1 2 ".*rank 0.*"' 1
    ;;
*)
    fail "no case called $case"
    ;;
esac
