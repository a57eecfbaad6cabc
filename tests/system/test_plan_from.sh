#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `plan JOB --from FILE` on files whose truth is known: expected seconds, time of the whole, and the
# difference that the plan's blocks would find must come out.
. "$(dirname "$0")/common.sh" "$1"
cnnmpi=$build/cnnmpi
cat >truth.yaml <<'END'
name: truth
repeats: 15
seed: 1
train: {epochs: 2}
factors:
  framework:
    - {name: one, simulate: {time: {run: 100, residual: 0.01}, devices_per_node: 4}}
    - {name: other, simulate: {time: {run: 100, ratio: 1.2, residual: 0.01}, devices_per_node: 4}}
  architecture: [arch1, arch2]
  dataset: [mnist]
schedule: {warmup: 1}
limits: {retries: 0}
END
plan() { expect 0 "$cnnmpi" plan truth.yaml --from pilot.h5 "$@"; }
# near WHAT VALUE TRUTH SHARE
near() {
    awk -v x="$2" -v truth="$3" -v share="$4" 'BEGIN { d = x / truth - 1; exit !(d < share && -d < share) }' ||
        { cat out; fail "$1 is $2, not about $3"; }
}
# seconds CELL N, found COMBINATION N: the N-th field after these words in the table of that.
field() {
    awk -v table="$1" -v start="  $2 " -v n="$3" 'index($0, table) == 1 { inside = 1 }
        inside && index($0, start) == 1 { $0 = substr($0, length(start)); print $n; exit }' out
}
seconds() { field "Expected seconds" "$@"; }
found() { field "Detectable" "$@"; }

"$build/tests/simulate_file" truth.yaml 4 pilot.h5 --set repeats=400
plan --ranks 4
says out "1600 planned: 1600 done"
says out "simulated (1608 runs)"
! grep -qw nan out || fail "nan in the plan"
longest=$(awk '{ if (length > n) n = length } END { print n }' out)
[[ $longest -le 100 ]] || fail "a line of $longest characters"
for architecture in arch1 arch2; do
    near "training of one" "$(seconds "one / $architecture / mnist" 2)" 100.005 0.002
    near "training of other" "$(seconds "other / $architecture / mnist" 2)" 120.006 0.002
    near "its spread" "$(seconds "other / $architecture / mnist" 3)" 1.2 0.1
    # The log ratio's sd is 0.01 sqrt(2). Free of the position, 13 degrees of freedom, 15
    # blocks find with power 0.8 (R's noncentral pt): 0.0110687; with sig.level = 0.025 0.0124931, and
    # 22 blocks find log(1.01).
    near "sd" "$(found "$architecture / mnist" 4)" 1.41421 0.08
    near "seconds found" "$(found "$architecture / mnist" 5)" 1.33573 0.08
    near "share found" "$(found "$architecture / mnist" 6)" 1.11302 0.08
    near "share found after Holm" "$(found "$architecture / mnist" 7)" 1.25714 0.08
    near "blocks to differ" "$(found "$architecture / mnist" 8)" 22 0.15
done
# Queues of 9, 9, 8 and 8 blocks, warm-ups included: 9 x 220 s; and 31 on one device.
says out "whole plan    about 33:0"
near "one device" "$(plan; awk '/whole plan/ { split($4, t, ":"); print t[1] * 3600 + t[2] * 60 + t[3] }' out)" 6820.34 0.002

# Of the file's own plan `plan` says what `report` finds.
plan --ranks 4 --set repeats=400
detectable=$(found "arch1 / mnist" 7) needed=$(found "arch1 / mnist" 8) equal=$(found "arch1 / mnist" 9)
expect 0 "$cnnmpi" report pilot.h5 --table equivalence
awk -v d="$detectable" -v n="$needed" -v e="$equal" '/arch1/ && !seen++ { found = $(NF - 2) - d < 0.006 && d - $(NF - 2) < 0.006 &&
    $(NF - 1) == n && $NF == e } END { exit !found }' out ||
    { cat out; fail "the plan says $detectable, $needed, $equal"; }

# What the file lacks is unknown, by name; what it cannot serve at all is an error.
plan --set 'factors.dataset=[mnist, idc]'
grep -q 'one / arch1 / idc .*unknown: the file has no cell of' out || { cat out; fail "idc is not unknown"; }
says out "unknown: the file lacks the time of 4 of 8 cells"
near "training of one beside idc" "$(seconds "one / arch1 / mnist" 2)" 100.005 0.002
expect 2 "$cnnmpi" plan truth.yaml --from pilot.h5 --set 'factors.dataset=[idc]'
says err "'pilot.h5' says nothing about this plan: one / arch1 / idc"
expect 2 "$cnnmpi" plan truth.yaml --from pilot.h5 --set train.epochs=3
expect 3 "$cnnmpi" plan truth.yaml --from absent.h5
says err "cannot open 'absent.h5'"
expect 3 "$cnnmpi" plan truth.yaml --from truth.yaml
says err "no HDF5 file"
expect 2 "$cnnmpi" plan truth.yaml --from
expect 2 "$cnnmpi" truth.yaml --from pilot.h5
says err "--from is not an option of"

# An epoch's seconds: of three epochs they are half as many again, but their spread is not known.
sed 's/run: 100/epoch: 50/' truth.yaml >epochs.yaml
"$build/tests/simulate_file" epochs.yaml 4 epochs.h5 --set repeats=100
expect 0 "$cnnmpi" plan epochs.yaml --from epochs.h5 --set train.epochs=3
near "training of 3 epochs" "$(seconds "one / arch1 / mnist" 2)" 150.0075 0.004
says out "from runs of 2 epochs"
says out "unknown: runs of other epochs have another spread: arch1 / mnist (one, other); arch2 / mnist"

# With real processes; one framework always fails.
cat >fails.yaml <<'END'
repeats: 3
factors:
  framework:
    - {name: good, simulate: {time: {run: 1}}}
    - {name: bad, simulate: {time: {run: 1}, failures: 1}}
  architecture: [arch1]
  dataset: [mnist]
limits: {retries: 0}
END
expect 1 "$cnnmpi" fails.yaml --quiet
expect 0 "$cnnmpi" plan fails.yaml --from fails.h5
says out "6 planned: 3 done, 3 without a result, 0 not ended yet"
grep -q "bad / arch1 / mnist .*unknown: every run failed" out || { cat out; fail "bad is not unknown"; }

# Real training: an unfinished file, and one that was trained otherwise.
cp "$here/tiny.yaml" .
expect 0 "$cnnmpi" tiny.yaml --quiet
expect 0 "$cnnmpi" plan tiny.yaml --from tiny.h5 --set repeats=9
says out "backends      onednn (8 runs)"
says out "whole plan    about"
expect 0 "$cnnmpi" plan tiny.yaml --from tiny.h5 --set train.epochs=20
says out "from runs of 2 epochs"
expect 2 "$cnnmpi" plan tiny.yaml --from tiny.h5 --set train.batch_size=8
says err '"batch_size":16 there, "batch_size":8 here'
expect 2 "$cnnmpi" plan tiny.yaml --from tiny.h5 --set datasets.blobs.count=240
says err '"count":120 there, "count":240 here'
expect 2 "$cnnmpi" plan tiny.yaml --from tiny.h5 --set backend=cudnn
says err "backend onednn there, cudnn here"
if /usr/bin/python3 -c "import h5py" 2>/dev/null; then
    /usr/bin/python3 -c "import h5py; h5py.File('tiny.h5', 'r+')['status'][2:5] = 0"
    expect 0 "$cnnmpi" plan tiny.yaml --from tiny.h5
    says out "8 planned: 5 done, 0 without a result, 3 not ended yet"
fi
echo ok
