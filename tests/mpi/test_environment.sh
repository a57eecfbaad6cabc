#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The environment of runs: test_environment.sh BUILD_FOLDER CASE
set -euo pipefail
build=$(cd "$1" && pwd)
case=$2
source "$(dirname "${BASH_SOURCE[0]}")/jobs.sh"

# One variable of each class that is cleared, and some that are not.
cleared=(OMP_SCHEDULE=dynamic OMP_THREAD_LIMIT=1 GOMP_SPINCOUNT=0 KMP_BLOCKTIME=0 DNNL_MAX_CPU_ISA=AVX
    ONEDNN_MAX_CPU_ISA=SSE41 MKL_CBWR=AVX2 OPENBLAS_CORETYPE=Haswell BLIS_ARCH_TYPE=1 CUDA_LAUNCH_BLOCKING=1
    CUBLAS_WORKSPACE_CONFIG=:0:0 CUDNN_CONV_WSCAP_DBG=1 NVIDIA_TF32_OVERRIDE=0 TF_ENABLE_ONEDNN_OPTS=0
    XLA_FLAGS=--xla_cpu_enable_fast_math=true TORCH_ALLOW_TF32_CUBLAS_OVERRIDE=1 PYTORCH_JIT=0 JAX_ENABLE_X64=1
    MALLOC_ARENA_MAX=1 GLIBC_TUNABLES=glibc.malloc.arena_max=1 "LD_PRELOAD=$build/tests/write_fails.so")
kept=(CUDA_HOME=/cuda CUDA_CACHE_PATH=/cache CUDA_MPS_LOG_DIRECTORY=/mps TORCH_HOME=/torch
    XLA_PYTHON_CLIENT_PREALLOCATE=false MINE=own HF_TOKEN=hush CNN_TORCH_DEVICE=cpu)

# environment RUN NAME: prints the variable's value in the trainer of a run, "unset" without
environment() {
    local line
    line=$(grep -a "^$1 $2=" variables | head -1) || { echo unset; return; }
    echo "${line#"$1 $2="}"
}
got() { # got RUN NAME VALUE
    [[ $(environment "$1" "$2") == "$3" ]] || fail "run $1 has $2=$(environment "$1" "$2"), not $3"
}

case $case in
made)
    job made 1 0 10 env="$work/variables"
    # no LD_PRELOAD for mpirun itself
    OMPI_MCA_odls_base_sigkill_timeout=0 timeout 60 mpirun -np 2 env "${cleared[@]}" "${kept[@]}" OMP_NUM_THREADS=64 \
        OMP_PROC_BIND=spread OMP_PLACES=threads "$program" made.yaml >log 2>&1 </dev/null || { cat log; fail "no success"; }
    for run in 0 1 2 3; do
        for variable in "${cleared[@]}"; do got $run "${variable%%=*}" unset; done
        for variable in "${kept[@]}"; do got $run "${variable%%=*}" "${variable#*=}"; done
        got $run OMP_PLACES cores
        [[ $(environment $run OMP_NUM_THREADS) -lt 64 ]] || fail "OMP_NUM_THREADS is inherited"
        [[ $(environment $run OMP_PROC_BIND) != spread ]] || fail "OMP_PROC_BIND is inherited"
    done
    says log 'trainers do not get these variables, which change runs: '
    for variable in "${cleared[@]}"; do grep 'trainers do not get' log | grep -qw "${variable%%=*}" || fail "$variable is not named"; done
    for variable in "${kept[@]}"; do ! grep -qw "${variable%%=*}" log || fail "$variable is named"; done
    $rows made.h5 >table
    count table '^environment' 1
    count table '^environment 0 "CNN_TORCH_DEVICE=cpu OMP_PLACES=cores OMP_PROC_BIND=(true|false) OMP_WAIT_POLICY=(active|passive) "$' 1
    ! grep -aqE 'hush|HF_TOKEN' made.h5 || fail "a secret is on record"
    "$program" report made.h5 >report
    ! grep -q 'environments of' report || fail "equal environments are called different"
    "$program" report made.h5 --full >report
    says report 'environment'
    says report 'CNN_TORCH_DEVICE=cpu'
    ;;
pass_set)
    job said 1 0 10 env="$work/variables"
    cat >>said.yaml <<'END'
run_environment:
  pass: [OMP_SCHEDULE, OMP_PROC_BIND, LD_PRELOAD]
  set: {OMP_PLACES: threads, MALLOC_ARENA_MAX: 2, MINE: of the job}
END
    OMP_SCHEDULE=static OMP_PROC_BIND=close MALLOC_ARENA_MAX=7 MINE=own GOMP_SPINCOUNT=1 run 2 0 said.yaml
    for run in 0 1 2 3; do
        got $run OMP_SCHEDULE static
        got $run OMP_PROC_BIND close
        got $run OMP_PLACES threads
        got $run MALLOC_ARENA_MAX 2
        got $run MINE 'of the job'
        got $run GOMP_SPINCOUNT unset
        got $run LD_PRELOAD unset
    done
    says log 'do not get these variables, which change runs: GOMP_SPINCOUNT (run_environment'
    $rows said.h5 >table
    count table '^environment 0 "MALLOC_ARENA_MAX=2 MINE OMP_PLACES=threads OMP_PROC_BIND=close OMP_SCHEDULE=static OMP_WAIT_POLICY=[a-z]+ "$' 1
    # What belongs to the protocol is refused before anything runs.
    rm said.h5
    for name in CNN_EVENTS_FD CUDA_VISIBLE_DEVICES OMP_NUM_THREADS LD_PRELOAD HF_TOKEN; do
        run 2 2 said.yaml --set run_environment.set.$name=1
        says log "error: "
        says log "$name"
        [[ ! -e said.h5 ]] || fail "a file was made"
    done
    ;;
differ)
    # Between ranks ...
    job apart 2 0 10 env="$work/variables"
    echo 'run_environment: {pass: [OMP_SCHEDULE, GOMP_SPINCOUNT]}' >>apart.yaml
    timeout 60 mpirun -np 1 env OMP_SCHEDULE=static GOMP_SPINCOUNT=5 "$program" apart.yaml : \
        -np 1 env OMP_SCHEDULE=dynamic "$program" apart.yaml >log 2>&1 </dev/null || { cat log; fail "no success"; }
    says log 'the environments of ranks differ'
    "$program" report apart.h5 >report
    tr -s ' \n' ' ' <report >flat
    says flat "WARNING the environments of runs differ in GOMP_SPINCOUNT: '5' in 4 runs, not set in 4 runs"
    says flat "WARNING the environments of runs differ in OMP_SCHEDULE: 'static' in 4 runs, 'dynamic' in 4 runs"
    # ... between sessions, where a value that is passed on has changed ...
    job twice 2 0 10 do=exit when=2 where=FIRST_SESSION
    echo 'run_environment: {pass: [OMP_SCHEDULE]}' >>twice.yaml
    FIRST_SESSION=1 OMP_SCHEDULE=static run 1 1 twice.yaml
    OMP_SCHEDULE=static run 1 0 twice.yaml --resume
    "$program" report twice.h5 >report
    ! grep -q 'environments of' report || { cat report; fail "equal environments are called different"; }
    FIRST_SESSION=1 OMP_SCHEDULE=static run 1 1 twice.yaml --force
    run 1 0 twice.yaml --resume
    "$program" report twice.h5 | tr -s ' \n' ' ' >flat
    says flat "differ in OMP_SCHEDULE: 'static' in 4 runs, not set in 4 runs"
    # ... and between files.
    OMP_SCHEDULE=dynamic run 1 0 twice.yaml --output third.h5 --set seed=9
    "$program" report twice.h5 third.h5 | tr -s ' \n' ' ' >flat
    says flat "differ in OMP_SCHEDULE: 'static' in 4 runs, not set in 4 runs, 'dynamic' in 8 runs"
    # A job that passes or sets other variables is another job.
    FIRST_SESSION=1 run 1 1 twice.yaml --force
    for other in 'run_environment.pass=[OMP_SCHEDULE, OMP_X]' 'run_environment={}' 'run_environment.set.OMP_X=1'; do
        run 1 2 twice.yaml --resume --set "$other"
        says log 'trained otherwise'
        says log 'environment '
    done
    run 1 0 twice.yaml --resume
    ;;
threads)
    # A smaller team of OpenMP threads: not inherited, and where the job asks for it no run is done.
    [[ $(nproc) -ge 2 ]] || { echo "skipped: one core has a team of one thread only"; exit 77; }
    cat >real.yaml <<'END'
repeats: 1
train: {epochs: 1}
factors: {framework: [native, layered], architecture: [tiny], dataset: [blobs]}
backend: onednn
limits: {retries: 0, run_seconds: 60}
datasets: {blobs: {type: synthetic, count: 300, height: 12, width: 12, channels: 1, classes: 3}}
architectures: {tiny: [{conv2d: {filters: 8}}, relu, {maxpool: 2}, {dense: classes}]}
END
    weights() { "$program" report "$1" --runs | grep -oE ',[0-9a-f]{16},'; } # of data and weights
    "$program" real.yaml >log 2>&1 </dev/null || { cat log; fail "no success"; }
    weights real.h5 >plain
    [[ $(wc -l <plain) -eq 4 ]] || { cat plain; fail "no checksums"; }
    for limit in OMP_THREAD_LIMIT=1 OMP_MAX_ACTIVE_LEVELS=0 ONEDNN_MAX_CPU_ISA=SSE41; do
        env $limit "$program" real.yaml --force >log 2>&1 </dev/null || { cat log; fail "$limit reaches the runs"; }
        weights real.h5 | cmp - plain || fail "$limit changes weights"
    done
    "$program" report real.h5 >report
    says report ', fp-math strict'
    for limit in OMP_THREAD_LIMIT=1 OMP_MAX_ACTIVE_LEVELS=0; do
        status=0
        env $limit "$program" real.yaml --force --set "run_environment.pass=[${limit%=*}]" >log 2>&1 </dev/null || status=$?
        [[ $status -eq 1 ]] || { cat log; fail "$limit gives $status"; }
        $rows real.h5 >table
        count table '^run [01] failed' 2
        count table "^attempt [01] 0 error 0 0 3 .*OpenMP gives a team of 1 of the [0-9]+ threads asked for: ${limit%=*} is" 2
    done
    ;;
factors)
    # Free factors: values in the specification, variables, cores; the contrast is one of two factors.
    [[ $(nproc) -ge 2 ]] || { echo "skipped: one core has one level of threads only"; exit 77; }
    job free 2 0 10 env="$work/variables" do=exit when=3 where=FIRST_SESSION
    set=(--set 'factors.num_workers=[0, 4]' --set 'factors."env.OMP_PLACES"=[cores, threads]'
        --set 'factors."env.MINE"=[own]' --set 'factors.compiler=[gcc]' --set 'factors.threads=[1, 2]'
        --set 'contrast=[framework, threads]')
    alone() { # alone STATUS ARGUMENT...: without mpirun, which would bind the rank to one core
        local got=0 want=$1
        shift
        "$program" free.yaml "${set[@]}" "$@" >log 2>&1 </dev/null || got=$?
        [[ $got -eq $want ]] || { cat log; fail "exit status $got instead of $want: $*"; }
    }
    alone 2 --set 'factors.threads=[1, 4096]'
    says log 'the factor threads has a level of 4096, but rank 0 on '
    [[ ! -e free.h5 ]] || fail "a file was made"
    "$program" plan free.yaml "${set[@]}" --ranks 1 >log
    says log 'framework x threads * one x threads 1, one x threads 2, two x threads 1'
    says log 'num_workers           0, 4'
    says log 'one x threads 1 / arch1 / blobs / num_workers 0 / env.OMP_PLACES cores '
    FIRST_SESSION=1 alone 1
    alone 2 --resume --set 'factors."env.MINE"=[other]'
    says log "level 1 of its factor env.MINE is env.MINE own, the job's env.MINE other"
    alone 0 --resume
    "$program" report free.h5 --runs >runs.csv
    python3 - <<'END' || fail "runs and factors differ"
import csv
its = {}
for line in open("variables", errors="replace"):
    run, _, rest = line.rstrip("\n").partition(" ")
    name, _, value = rest.partition("=")
    its[run, name] = value
runs = list(csv.DictReader(open("runs.csv")))
assert len(runs) == 2 * 2 * 2 * 2 * 2 * 2, len(runs)
assert len({run["framework x threads"] for run in runs}) == 4
for run in runs:
    n, threads = run["run"], run["framework x threads"][-1]
    workers, places = run["num_workers"], run["env.OMP_PLACES"]
    assert its[n, "its threads"] == its[n, "OMP_NUM_THREADS"] == its[n, "its cpus"] == run["threads"] == threads, (run, its)
    assert its[n, "its factors"] == '{"num_workers":%s,"compiler":"gcc"}' % workers, its[n, "its factors"]
    assert its[n, "OMP_PLACES"] == places and its[n, "MINE"] == "own" and run["env.MINE"] == "own"
assert len({run["device"] for run in runs}) == 1, "the device is the rank's, whatever its runs use of it"
assert {run["environment"] for run in runs} == {"0", "1"}
END
    $rows free.h5 >table
    count table '^environment' 2
    "$program" report free.h5 --full >report
    ! grep -qE 'environments of|UNEQUAL' report || { cat report; fail "declared differences are reported as others are"; }
    # what no level varies stands once, in the head
    [[ $(grep -cE 'compiler gcc|env.MINE' report) -le 1 ]] || { cat report; fail "constant factors clutter tables"; }
    says report 'architecture arch1, env.MINE own, compiler gcc'
    says report 'blobs/num_workers 0/env.OMP_PLACES cores'
    says report 'two x threads 2'
    "$program" status free.h5 >log
    ! grep -q 'compiler gcc' log || { cat log; fail "status names factors that do not vary"; }
    ;;
*)
    fail "no case called $case"
    ;;
esac
