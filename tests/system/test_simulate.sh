#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Simulated frameworks: whole jobs without data, on a virtual cluster.
. "$(dirname "$0")/common.sh" "$1"
cnnmpi=$build/cnnmpi
rows=$build/tests/print_rows
export CNNMPI_DATA=/nowhere OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_rmaps_base_oversubscribe=1
cp "$here/../../jobs/simulate.yaml" .

# No command misses the data set that the job names.
expect 0 "$cnnmpi" data simulate.yaml
says out "no data set is read"
expect 0 "$cnnmpi" plan simulate.yaml --ranks 8
says out "sim_a / arch1 / mnist"

# Four ranks stand for two nodes, and every column says that it is a simulation.
expect 0 mpirun -np 4 "$cnnmpi" simulate.yaml --output a.h5
says out "models    simulated (80 runs)"
says out "trying again"
expect 0 "$cnnmpi" report a.h5 --full
says out "simulated node 1, device 1 (20 runs)"
says out "simulated node 0 (40 runs)"
says out "backends  simulate (80 runs)"
$rows a.h5 >a

# The same truth and seed: the same times and checksums, whatever became of the first attempts.
expect 0 mpirun -np 4 "$cnnmpi" simulate.yaml --output b.h5
$rows b.h5 >b
results() { awk '/^run/ { print $2, $3, $4, $5, $6, $7, $9, $11, $13, $14 }' "$1"; }
results a >a.results
results b >b.results
diff a.results b.results >&2 || fail "another run of the same job drew other values"
[[ $(awk '{ print $10 }' a.results | sort -u | wc -l) -gt 40 ]] || fail "checksums do not differ"

# The same job in memory, without processes, is the same study.
expect 0 "$build/tests/simulate_file" simulate.yaml 4 memory.h5
$rows memory.h5 >memory
results memory | diff a.results - >&2 || fail "the study in memory differs from the real one"

# A job with another seed, and one with the same machines: other values.
expect 0 mpirun -np 4 "$cnnmpi" simulate.yaml --output c.h5 --set seed=2
$rows c.h5 >c
results c >c.results
! cmp -s a.results c.results || fail "the seed does not matter"

# Failures, hangs and divergence really happen.
cat >bad.yaml <<'END'
repeats: 6
seed: 3
train: {epochs: 4}
factors:
  framework:
    - {name: fails, simulate: {time: {run: 1}, failures: 1}}
    - {name: diverges, simulate: {time: {run: 1}, divergence: 1}}
    - {name: hangs, simulate: {time: {run: 1}, hangs: 0.5}}
  architecture: [arch1]
  dataset: [mnist]
limits: {retries: 0, run_seconds: 1}
END
expect 1 mpirun -np 4 "$cnnmpi" bad.yaml --output bad.h5
$rows bad.h5 >bad
count() {
    local n
    n=$(grep -cE -- "$1" bad) || true
    [[ $n -ge $2 && $n -le $3 ]] || { cat bad >&2; fail "$n lines match: $1"; }
}
count '^run [0-9]+ failed' 7 11
count '^run [0-9]+ diverged' 6 6
count '^attempt [0-9]+ 0 error .* 1 .*"simulated failure: an error event"' 1 4
count '^attempt [0-9]+ 0 exit 0 . 9 .*"exit code 9: simulated failure' 1 4
count '^attempt [0-9]+ 0 signal 0 . -9 ' 1 4
count '^attempt [0-9]+ 0 timeout' 1 5

# Simulated seconds take real ones when asked to.
cat >slow.yaml <<'END'
repeats: 1
factors:
  framework:
    - {name: a, simulate: {time: {run: 100}, sleep: 0.005}}
    - {name: b, simulate: {time: {run: 100}, sleep: 0.005}}
  architecture: [arch1]
  dataset: [mnist]
END
expect 0 "$cnnmpi" slow.yaml
$rows slow.h5 | awk '/^attempt/ && $0 !~ /0x1\..*p-1 / { exit 1 }' || fail "a run did not last half a second"

# Alone, the trainer says what it is for.
expect 2 "$build/cnntrain-simulate" --path native --dataset mnist
says err "only plays what a job states"
