#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What disks, folders, data and trainers can do to a job: test_misfortune.sh BUILD_FOLDER CASE
set -euo pipefail
build=$(cd "$1" && pwd)
case=$2
source "$(dirname "${BASH_SOURCE[0]}")/jobs.sh"

# disk SIZE: a file system of its own at ./disk, for as long as the test runs.
disk() {
    mkdir disk
    mount -t tmpfs -o size="$1" none disk 2>/dev/null || {
        echo "skipped: this place lets nobody mount a file system"
        exit 77
    }
    trap 'umount -l "$work/disk"; rm -rf "$work"' EXIT
}
# Number of blocks in `table` whose two runs were on different devices.
split_blocks() {
    awk '$1 == "gpu" { b = int($2 / 2); d = $0; sub(/^gpu [0-9]+ /, "", d); sub(/" ".*/, "", d)
        if (b in device && device[b] != d) n++; device[b] = d } END { print n + 0 }' table
}
is_empty() { [[ -z $(ls -A "$1") ]]; }
npy() { # npy FILE TYPE SHAPE: the data come from standard input
    printf '\x93NUMPY\x01\x00\x76\x00%-117s\n' "{'descr': '$2', 'fortran_order': False, 'shape': $3, }" >"$1"
    cat >>"$1"
}

case $case in
full_disk)
    # A results file that does not fit is told before the first run, and leaves nothing behind.
    disk 200k
    job big 20 0 10 note="$work/notes"
    run 2 3 big.yaml --output disk/big.h5
    says log 'No space left on device'
    says log disk/big.h5
    [[ ! -e notes ]] || fail "a run began"
    is_empty disk || { ls -la disk; fail "something was left on the disk"; }
    # Neither does --force give up the file that is there for one that does not fit.
    job small 1 0 10 note="$work/notes"
    echo precious >disk/big.h5
    run 2 3 big.yaml --output disk/big.h5 --force
    [[ $(cat disk/big.h5) == precious ]] || fail "the old file is gone"
    ;;
no_output)
    # Without standard input, output or error nothing is printed into files that take their places; and a
    # job goes on when the reader of its output has gone.
    job mute 1 0 10
    "$program" mute.yaml --progress plain <&- >&- 2>&- || fail "a job without output gives $?"
    mkdir heard && cp mute.yaml heard/
    (cd heard && "$program" mute.yaml) >log 2>&1
    $rows mute.h5 >table
    count table '^run [0-9]+ done' 4
    [[ $(stat -c %s mute.h5) -eq $(stat -c %s heard/mute.h5) ]] || fail "something was added to the results file"
    "$program" report mute.h5 >log
    job pipe 1 0 10
    mkfifo reader
    "$program" pipe.yaml --progress plain >reader 2>log &
    head -n 1 reader >first
    status=0
    wait $! || status=$?
    [[ $status -eq 3 ]] || { cat log; fail "a closed pipe gives $status"; }
    says log 'cannot write to standard output'
    $rows pipe.h5 >table
    count table '^run [0-9]+ done' 4
    ;;
disk_fills)
    # Once the file is made it has all its room: a disk that fills up later does no harm.
    disk 8m
    job room 6 0 10 seconds=0.1 note="$work/notes"
    mpirun -np 2 "$program" room.yaml --output disk/room.h5 >log 2>&1 </dev/null &
    launcher=$!
    await 60 notes end 1
    cat /dev/zero >disk/filler 2>/dev/null || true
    [[ $(df --output=avail disk | tail -1) -eq 0 ]] || fail "the disk is not full"
    status=0
    wait "$launcher" || status=$?
    [[ $status -eq 0 ]] || { cat log; fail "a disk that fills up gives $status"; }
    $rows disk/room.h5 >table
    count table '^run [0-9]+ done' 24
    "$program" report disk/room.h5 >report
    says report 'equivalent'
    # A new job finds no room, not even for its lock's first byte.
    run 2 3 room.yaml --output disk/other.h5
    says log 'No space left on device'
    ;;
read_only)
    disk 8m
    job plain 1 0 10 do=exit when=2 note="$work/notes"
    run 2 1 plain.yaml --output disk/plain.h5
    mount -o remount,ro disk
    rm notes
    $rows disk/plain.h5 >before
    for more in '--output disk/new.h5' '--output disk/deep/new.h5' '--output disk/plain.h5 --resume' \
        '--output disk/plain.h5 --force'; do
        run 2 3 plain.yaml $more
        says log 'Read-only file system'
        says log disk/
        [[ ! -e notes ]] || fail "a run began"
    done
    # Readers need no right to write.
    "$program" report disk/plain.h5 >report 2>&1 || { cat report; fail "no report"; }
    "$program" status disk/plain.h5 >status 2>&1 || { cat status; fail "no status"; }
    $rows disk/plain.h5 | cmp - before || fail "the file has changed"
    mount -o remount,rw disk
    run 2 1 plain.yaml --output disk/plain.h5 --resume
    ;;
data_vanish)
    # Data that go away during a job fail its runs, and say so; once they are back --resume goes on.
    mkdir data
    head -c 3840 /dev/urandom | npy data/images.npy '|u1' '(60, 8, 8, 1)'
    for ((i = 0; i < 60; i++)); do printf "\\x0$((i % 2))"; done | npy data/labels.npy '|u1' '(60,)'
    cat >real.yaml <<END
repeats: 30
train: {epochs: 1}
factors: {framework: [native, layered], architecture: [tiny], dataset: [own]}
backend: onednn
schedule: {sharing: allow}
limits: {retries: 0}
datasets: {own: {type: npy, images: data/images.npy, labels: data/labels.npy}}
architectures: {tiny: [{dense: classes}]}
END
    mpirun -np 2 "$program" real.yaml >log 2>&1 </dev/null &
    launcher=$!
    await 60 grep -q 'trained in' log
    mv data away
    status=0
    wait "$launcher" || status=$?
    [[ $status -eq 1 ]] || { cat log; fail "vanished data give $status"; }
    says log 'data/images.npy'
    $rows real.h5 >before
    grep '^run [0-9]* done' before >kept || fail "nothing was kept"
    grep '^run [0-9]* failed' before >failed || fail "nothing failed"
    grep '^attempt [0-9]* 0 error .*images\.npy' before >/dev/null || { cat before; fail "the reason is not told"; }
    # With the data away nothing begins, and the file stays as it is.
    cksum <real.h5 >sum
    run 2 3 real.yaml --resume
    says log 'data/images.npy'
    cksum <real.h5 | cmp - sum || fail "the file was touched"
    mv away data
    run 2 0 real.yaml --resume
    $rows real.h5 >table
    count table '^run [0-9]+ done' 60
    grep -Fxf kept table | cmp - kept || fail "finished rows have changed"
    ;;
trainers)
    # Everything that a trainer can do wrong costs its own attempt only. Two cells, so that no device
    # is blamed.
    ways=exit,crash,abort,hang,stop,stubborn,garbage,error,silent,late,orphan,skip,again,after,long,bytes,half,flood,closed,diverge,nan,none
    run_seconds=6 job odd 11 0 10 "do=$ways" note="$work/notes"
    sed -i 's/dataset: .*/dataset: [blobs]/' odd.yaml
    run 3 1 odd.yaml
    $rows odd.h5 >table
    n=0
    # outcome, exit code, reason
    while read -r way outcome code reason; do
        grep -qE "^attempt $n 0 $outcome 0 [0-2] $code .*$reason" table ||
            { grep -E "^attempt $n " table; fail "$way (run $n) is not $outcome $code $reason"; }
        n=$((n + 1))
    done <<'WAYS'
exit exit 9 "exit code 9
crash signal -11 "killed by signal 11
abort signal -6 "killed by signal 6
hang timeout -9 "longer than the time limit of 6 s
stop timeout -9 "longer than the time limit of 6 s
stubborn timeout -9 "longer than the time limit of 6 s
garbage protocol -9 "an event must be one JSON object
error error 1 "no luck today
silent protocol 0 "ended without a done event
late exit 9 "exit code 9
orphan timeout -9 "longer than the time limit of 6 s
skip protocol -9 "event of epoch 7, when epoch 1 was due
again protocol -9 "a second ready event
after protocol (0|-9) "an event after done
long protocol -9 "an event line that is too long
bytes protocol -9 "
half protocol 0 "
flood exit 9 "exit code 9
closed protocol 0 "ended without a done event
diverge diverged 0
nan diverged 0
none done 0
WAYS
    [[ $n -eq 22 ]] || fail "$n ways were looked at"
    count table '^run [0-9]+ failed' 19
    count table '^run [0-9]+ diverged' 2
    await 10 trainers_gone
    if pgrep -f "note=$work/notes"; then fail "a process has outlived its run"; fi
    # What trainers say is data: no control characters get through.
    if LC_ALL=C grep -nP '[\x00-\x08\x0b-\x1f\x7f]' log; then fail "control characters in the log"; fi
    ;;
never_ends)
    # A trainer that is done, or has closed its events, and does not end costs a minute, and its own attempt.
    # One that dies a minute after its last event has crashed: it was not late.
    run_seconds=300 job late 1 0 10 do=linger,mute,tardy,none
    SECONDS_TO_WAIT=150 run 4 1 late.yaml
    $rows late.h5 >table
    count table '^attempt 3 0 done' 1
    count table '^attempt 2 0 signal 0 [0-3] -11' 1
    count table '^attempt 0 0 timeout 0 [0-3] -9 .*did not end within 60 s after its done event' 1
    count table '^attempt 1 0 timeout 0 [0-3] -9 .*did not end within 60 s after it had closed its events' 1
    ;;
data_change)
    # Data that change while a job runs, or between sessions, never mix with what was trained before.
    echo 1111aaaa >data
    job pinned 5 0 10 seconds=0.05 data="$work/data" note="$work/notes"
    "$program" pinned.yaml >log 2>&1 </dev/null &
    rank=$!
    await 60 notes ' end' 4
    echo 2222bbbb >data
    wait "$rank" && fail "exit status 0"
    says log 'its data have the checksum 2222bbbb, those of run'
    says log '1111aaaa: the data changed'
    $rows pinned.h5 >table
    done=$(grep -c '^run [0-9]* done' table)
    [[ $done -ge 4 && $done -lt 20 ]] || { cat table; fail "$done runs are done"; }
    count table '^run [0-9]+ failed' $((20 - done))
    count table '^attempt [0-9]+ 0 protocol' $((20 - done))
    run 2 1 pinned.yaml --resume
    $rows pinned.h5 >table
    count table '^run [0-9]+ done' "$done"
    echo 1111aaaa >data
    run 2 0 pinned.yaml --resume
    $rows pinned.h5 >table
    count table '^run [0-9]+ done' 20
    "$program" report pinned.h5 >report
    if grep -q 'not verified' report; then fail "verified data are called not verified"; fi
    ;;
images_change)
    # Nor do runs of a cell that report other numbers of images.
    echo 80 >images
    job counted 5 0 10 seconds=0.05 images="$work/images" note="$work/notes"
    "$program" counted.yaml >log 2>&1 </dev/null &
    rank=$!
    await 60 notes ' end' 4
    echo 79 >images
    wait "$rank" && fail "exit status 0"
    says log '79 training images, but 80 in run'
    "$program" report counted.h5 >report # these trainers send no checksum
    says report 'not verified: the trainers of'
    ;;
split_block)
    # Resumed with other devices, a block that was half done is on two of them: it is marked, and left
    # out of the paired tests; what was finished stays bit for bit.
    [[ $(nproc) -ge 2 ]] || { echo "skipped: one core is one device only"; exit 77; }
    # The fourth run hangs, so that the kill comes amid its block.
    job torn 4 0 10 seconds=0.05 note="$work/notes" do=hang where=FIRST_SESSION after=3
    FIRST_SESSION=1 "$program" torn.yaml >log 2>&1 </dev/null &
    rank=$!
    await 60 notes ' [0-9]*$' 4
    kill -KILL "$rank"
    wait "$rank" || true
    await 10 trainers_gone
    $rows torn.h5 | grep '^run [0-9]* done' >kept
    [[ $(wc -l <kept) -eq 3 ]] || { cat kept; fail "not three runs were done"; }
    sharing=refuse job torn 4 0 10 seconds=0.05 note="$work/notes" do=hang where=FIRST_SESSION after=3
    run 2 0 torn.yaml --resume # each rank has a core of its own, the first session had both
    says log 'dealt again'
    $rows torn.h5 >table
    count table '^run [0-9]+ done' 16
    grep -Fxf kept table | cmp - kept || fail "finished rows have changed"
    [[ $(split_blocks) -eq 1 ]] || { cat table; fail "$(split_blocks) blocks are split"; }
    "$program" report torn.h5 --full >report
    says report 'Blocks that paired tests leave out: 1 of 8'
    says report 'its runs were on several devices'
    ;;
same_device)
    # A block that is half done goes back to the device that has begun it, if that is still there.
    [[ $(nproc) -ge 2 ]] || { echo "skipped: one core is one device only"; exit 77; }
    for first in 0 1; do
        rm -f notes notes.count
        sharing=refuse job home 4 0 10 seconds=0.05 note="$work/notes" do=hang where=FIRST_SESSION after=3
        FIRST_SESSION=1 taskset -c $first "$program" home.yaml --force >log 2>&1 </dev/null &
        rank=$!
        await 60 notes ' [0-9]*$' 4
        kill -KILL "$rank"
        wait "$rank" || true
        await 10 trainers_gone
        run 2 0 home.yaml --resume # of the two ranks one has the core of the first session
        $rows home.h5 >table
        count table '^run [0-9]+ done' 16
        [[ $(split_blocks) -eq 0 ]] || { cat table; fail "a block of core $first is split"; }
    done
    ;;
*)
    fail "no case called $case"
    ;;
esac
