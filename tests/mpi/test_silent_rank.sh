#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Ranks that fall silent, and writes that hang, under mpirun --enable-recovery: test_silent_rank.sh BUILD_FOLDER CASE
set -euo pipefail
build=$(cd "$1" && pwd)
case=$2
source "$(dirname "${BASH_SOURCE[0]}")/jobs.sh"
far=$build/tests/far_ranks.so
export OMPI_MCA_btl=self,tcp
unset CNNMPI_EXIT_FILE

# start RANKS [MPIRUN-OPTION...]: the job silent.yaml, in the background; its output goes to log
start() {
    OMPI_MCA_odls_base_sigkill_timeout=0 timeout 120 mpirun --enable-recovery -np "$1" "${@:2}" \
        "$program" silent.yaml --progress plain >log 2>&1 </dev/null &
    launcher=$!
}
# pid_of_rank N
pid_of_rank() {
    local pid
    for pid in $(pgrep -x cnnmpi); do
        if grep -qxz "OMPI_COMM_WORLD_RANK=$1" "/proc/$pid/environ" 2>/dev/null &&
            [[ $(readlink "/proc/$pid/cwd") == "$work" ]]; then
            echo "$pid"
            return
        fi
    done
    fail "there is no rank $1"
}
# ended STATUS: the job ends, and the exit file has this status
ended() {
    local got
    wait "$launcher" || { cat log; fail "mpirun returns $?"; }
    got=$(head -n 1 silent.h5.exit) || { cat log; fail "there is no exit file"; }
    [[ $got -eq $1 ]] || { cat log; fail "exit status $got instead of $1"; }
}
# all_done NUMBER: runs
all_done() {
    $rows silent.h5 >table
    count table '^run [0-9]+ done' "$1"
}
# kept: rows that are finished in `before` have not changed
kept() { $rows silent.h5 | grep -Fxf before | cmp -s - before || fail "finished rows have changed"; }
finished() { $rows silent.h5 2>/dev/null | grep -E '^run [0-9]+ done'; }
gone() { [[ ! -e /proc/$1 || $(cut -d' ' -f3 "/proc/$1/stat" 2>/dev/null) == Z ]]; }
log_says() { grep -qF -- "$1" log; }
needs_network() {
    (await 30 eval "log_says 'runs to do' || ! kill -0 $launcher 2>/dev/null") || { cat log; fail "it does not begin"; }
    if log_says 'signs of life do not pass'; then
        wait "$launcher"
        echo "skipped: this host has no address but that of the loop"
        exit 77
    fi
}

case $case in
killed)
    # On rank 0's host a rank that falls silent is killed, and so is its trainer.
    rank_seconds=4 job silent 3 0 10 seconds=0.1 note="$work/notes"
    start 3
    (await 60 notes . 3)
    kill -STOP "$(pid_of_rank 1)"
    ended 0
    says log '(rank 1): its rank gave no sign of life for'
    says log 's and was killed'
    all_done 12
    (await 10 trainers_gone) || fail "a trainer outlives its rank"
    ;;
continued)
    # Elsewhere it counts as dead after the whole lease. Continued later it ends itself and its trainer, and
    # changes nothing.
    rank_seconds=4 job silent 3 0 10 seconds=0.1 note="$work/notes"
    start 3 -x LD_PRELOAD="$far" -x CNN_FAR=1
    needs_network
    (await 60 notes . 3)
    pid=$(pid_of_rank 1)
    kill -STOP "$pid"
    (await 60 log_says 'QUARANTINE') || { cat log; fail "nobody notices"; }
    finished | awk '$7 != 1' >before || true
    kill -CONT "$pid"
    (await 60 gone "$pid") || fail "the rank does not end"
    ended 0
    says log '(rank 1): its rank gave no sign of life for'
    grep -qE 'rank 1 on .* ends: (it was silent|rank 0 has not)' log || { cat log; fail "it does not say why"; }
    all_done 12
    kept
    (await 10 trainers_gone) || fail "a trainer outlives its rank"
    ;;
slow_write)
    # A write that hangs for longer than the lease silences nobody: the job waits for it.
    rank_seconds=2 job silent 3 0 10 seconds=0.1
    start 3 -x LD_PRELOAD="$far" -x CNN_BLOCK_RANK=1 -x CNN_BLOCK_SECONDS=4
    ended 0
    count log QUARANTINE 0
    all_done 12
    ;;
late_write)
    # A rank falls silent amid a write that takes effect when all is over: its row is nobody else's until
    # --resume.
    rank_seconds=4 job silent 3 0 10 seconds=0.1 note="$work/notes"
    start 3 -x LD_PRELOAD="$far" -x CNN_FAR=1 -x CNN_BLOCK_RANK=1 -x CNN_BLOCK_FILE="$work/go"
    needs_network
    (await 60 test -e go.blocked) || { cat log; fail "no write hangs"; }
    pid=$(pid_of_rank 1)
    kill -STOP "$pid"
    (await 60 log_says 'its block is left for --resume') || { cat log; fail "nobody notices"; }
    (await 60 test -s silent.h5.exit)
    finished >before
    count before . 10
    kill -CONT "$pid"
    (await 60 gone "$pid") || fail "the rank does not end"
    touch go
    (await 60 test -e go.written) || fail "the late write does not come"
    ended 75
    kept
    run 3 0 silent.yaml --resume
    all_done 12
    kept
    ;;
fenced)
    # Rank 0 is stopped: the others end by themselves, since nobody acknowledges them, and their trainers.
    rank_seconds=4 job silent 3 0 10 do=hang where=HANG note="$work/notes"
    start 3 -x HANG=1
    (await 60 notes . 3)
    pid=$(pid_of_rank 0)
    kill -STOP "$pid"
    (await 60 eval '[[ $(grep -c "ends: rank 0 has not acknowledged its signs of life" log) -eq 2 ]]') ||
        { cat log; fail "the ranks go on"; }
    kill -KILL "$pid"
    wait "$launcher" || true
    (await 10 trainers_gone) || fail "a trainer outlives its rank"
    run 3 0 silent.yaml --resume
    all_done 12
    ;;
suspended)
    # The host sleeps for an hour, and all ranks with it: nobody has died. Once with all on one host.
    for far_or_near in near far; do
        rm -f suspend silent.h5 notes
        rank_seconds=4 job silent 3 0 10 seconds=0.1 note="$work/notes"
        options=(-x LD_PRELOAD="$far" -x CNN_SUSPENDED="$work/suspend")
        [[ $far_or_near == near ]] || options+=(-x CNN_FAR=1)
        start 3 "${options[@]}"
        [[ $far_or_near == near ]] || needs_network
        (await 60 notes . 3) || { cat log; fail "it does not begin"; }
        touch suspend
        ended 0
        count log QUARANTINE 0
        all_done 12
    done
    ;;
in_mpi_init)
    # A rank that dies before it has found the others: they end within two minutes.
    job silent 1 0 10
    cat >start <<EOF
#!/bin/sh
[ "\$OMPI_COMM_WORLD_RANK" != 1 ] || kill -KILL \$\$
exec '$program' "\$@"
EOF
    chmod +x start
    program=$work/start
    start 3
    wait "$launcher" || { cat log; fail "mpirun returns $?"; }
    count log 'error: the ranks have not found each other in two minutes' 2
    ;;
*)
    fail "no case called $case"
    ;;
esac
