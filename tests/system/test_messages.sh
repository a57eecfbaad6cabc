#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What is printed says what happened, and what to do.
. "$(dirname "$0")/common.sh" "$1"
cnnmpi=$build/cnnmpi
cat >sim.yaml <<'EOF'
repeats: 2
factors:
  framework:
    - {name: one, simulate: {time: {run: 1}, sleep: 0.2}}
    - {name: two, simulate: {time: {run: 1}, sleep: 0.2}}
  architecture: [arch1]
  dataset: [mnist]
schedule: {sharing: allow}
EOF

# Processes of another MPI's launcher, each of which believes to be alone.
for name in PMI_SIZE MV2_COMM_WORLD_SIZE; do
    expect 3 env $name=2 "$cnnmpi" sim.yaml
    says err "the launcher started 2 processes ($name)"
    says err "Open MPI"
    [[ ! -e sim.h5 ]] || fail "a job of another MPI's launcher ran"
done
expect 3 env PMI_SIZE=2 PMI_RANK=1 "$cnnmpi" sim.yaml
[[ ! -s err ]] || fail "the second process printed"
if command -v mpirun.mpich >/dev/null; then
    expect 3 mpirun.mpich -np 2 "$cnnmpi" sim.yaml
    [[ $(grep -c "MPICH" err) -eq 1 ]] || { cat err; fail "MPICH's launcher is not named once"; }
fi
expect 0 env PMI_SIZE=1 "$cnnmpi" sim.yaml --quiet
rm sim.h5

# Out of memory, and for how much.
if [[ -f /usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz ]]; then
    got=0
    bash -c "ulimit -v 100000; exec '$build/cnntrain-onednn' --epochs 1 --limit 500" >out 2>err || got=$?
    [[ $got -ne 0 ]] || fail "100 MB were enough"
    grep -qE "out of memory: [0-9]+ bytes|cannot (allocate|map)|failed to map" err || { cat err; fail "no word of memory"; }
fi

# A job file that is no job file any more.
{ cat sim.yaml; head -c 1100000 /dev/zero | tr '\\0' '#'; } >long.yaml
expect 2 "$cnnmpi" plan long.yaml
says err "larger than the 1048576 bytes"

# After a signal: an interim report, and how to go on in the last line.
for signal in INT TERM; do
    got=0
    rm -f sim.h5
    "$cnnmpi" sim.yaml --progress plain --set repeats=100 >out 2>err &
    job=$!
    until "$cnnmpi" report sim.h5 --runs 2>/dev/null | grep -q ",done,"; do sleep 0.02; done
    kill -$signal $job
    wait $job || got=$?
    [[ $got -eq $([[ $signal == INT ]] && echo 130 || echo 143) ]] || { cat out err; fail "status $got"; }
    says out "interim: "
    tail -n 1 out | grep -q "stopped by SIG$signal: .* of 200 runs are left; .*--resume" ||
        { tail -n 3 out; fail "the last line does not say how to go on"; }
done
expect 0 "$cnnmpi" sim.yaml --force --quiet
expect 0 "$cnnmpi" report sim.h5
! grep -q interim out || fail "a whole job is called interim"
echo ok
