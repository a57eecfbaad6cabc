#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The batch scripts of slurm/ on a Slurm cluster: test_slurm.sh BUILD_FOLDER CASE
set -euo pipefail
build=$(cd "$1" && pwd)
case=$2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../mpi/jobs.sh"
source "$here/cluster.sh"

# What is in $PATH notes who calls and which GPUs Slurm gave, and becomes the program, which has the null
# trainer beside it as the trainer for GPUs.
mkdir -p bin programs share/cnnmpi
ln -s "$slurm_scripts" share/cnnmpi/slurm
cp "$build/cnnmpi" "$build/cnn-exec" programs/
cat >programs/cnntrain-cudnn <<END
#!/bin/sh
exec '$null' seconds=\${SECONDS_AN_EPOCH:-0.05} note='$work/notes' tell='$work/told'
END
cat >bin/cnnmpi <<END
#!/bin/sh
echo "\$SLURM_JOB_ID \$SLURMD_NODENAME \${CUDA_VISIBLE_DEVICES:-none} \$\$" >>'$work/calls'
exec '$work/programs/cnnmpi' "\$@"
END
chmod +x programs/cnntrain-cudnn bin/cnnmpi
PATH=$work/bin:$PATH
export LD_LIBRARY_PATH=$build/tests/fakes/nvml${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}

# On this host's two nodes there is room for two tasks with two CPUs each.
small=(--ntasks-per-node=2 --cpus-per-task=2)
without_gpus=(--gpus-per-node=0)
# gpu_job NAME REPEATS: both own frameworks on GPUs, one data set, so 2 runs a repeat
gpu_job() {
    cat >"$1.yaml" <<END
name: $1
repeats: $2
train: {epochs: 2}
factors:
  framework: [native, layered]
  architecture: [arch1]
  dataset: [blobs]
contrast: framework
backend: cudnn
schedule: {sharing: allow}
datasets:
  blobs: {type: synthetic, count: 100, height: 12, width: 12, channels: 1, classes: 3}
END
}
# all_done FILE NUMBER: so many runs are done, each once
all_done() {
    $rows "$1" >table || fail "$1 cannot be read"
    count table '^run [0-9]+ done' "$2"
    count table '^attempt [0-9]+ [0-9]+ done' "$2"
}
# kept FILE BEFORE: rows that were finished in BEFORE are in FILE, bit for bit
kept() {
    grep -E '^run [0-9]+ done' "$2" >finished || true
    $rows "$1" | grep -Fxf finished | cmp -s - finished || fail "finished rows of $1 have changed"
}
# nodes JOB: the nodes that its ranks were on, sorted
nodes() { awk -v job="$1" '$1 == job { print $2 }' calls | sort | tr '\n' ' '; }
# given JOB: node and GPUs of each of its ranks, sorted
given() { awk -v job="$1" '$1 == job { print $2 ":" $3 }' calls | sort | tr '\n' ' '; }
# pid_of_rank JOB RANK
pid_of_rank() {
    local pid
    for pid in $(awk -v job="$1" '$1 == job { print $4 }' calls); do
        if grep -qxzE "(PMIX|OMPI_COMM_WORLD)_RANK=$2" "/proc/$pid/environ" 2>/dev/null; then
            echo "$pid"
            return
        fi
    done
    fail "rank $2 of job $1 is not there"
}
# rank_gone JOB: its only rank has ended
rank_gone() { [[ ! -e /proc/$(awk -v job="$1" '$1 == job { print $4 }' calls) ]]; }

start_cluster
case $case in
two_nodes)
    # Two ranks on each of two nodes, by srun and by mpirun; then what is done is not done again.
    for launcher in '' --mpirun; do
        rm -f notes two.h5 two.h5.lock
        job two 3 0 10 note="$work/notes"
        id=$(submit "${small[@]}" "${without_gpus[@]}" "$slurm_scripts/multinode.sbatch" $launcher two.yaml)
        outcome "$id" 90 COMPLETED 0:0
        [[ $(nodes "$id") == 'n1 n1 n2 n2 ' ]] || { cat calls; fail "four ranks on two nodes"; }
        all_done two.h5 12
        [[ $(awk '/^run/ { print $7 }' table | sort -u | wc -l) -eq 4 ]] || { cat table; fail "four ranks work"; }
        says "log-$id" 'the Slurm allocation ends at 20'
        [[ $(grep -c '^What was found' "log-$id") -eq 1 ]] || fail "the report is not there once"
        [[ $(wc -l <notes) -eq 24 ]] || { cat notes; fail "a run was trained twice"; }
    done
    id=$(submit "${small[@]}" "${without_gpus[@]}" "$slurm_scripts/multinode.sbatch" two.yaml)
    outcome "$id" 90 COMPLETED 0:0
    [[ $(wc -l <notes) -eq 24 ]] || fail "a finished job was trained again"
    # One node; options go on to cnnmpi; a job that fails says so.
    id=$(submit "${small[@]}" "${without_gpus[@]}" "$slurm_scripts/all.sbatch" two.yaml --set repeats=1 \
        --output one.h5)
    outcome "$id" 90 COMPLETED 0:0
    [[ $(nodes "$id" | tr ' ' '\n' | sort -u | wc -w) -eq 1 ]] || { cat calls; fail "one node"; }
    all_done one.h5 4
    id=$(submit "${small[@]}" "${without_gpus[@]}" "$slurm_scripts/all.sbatch" two.yaml --set epochz=1)
    outcome "$id" 90 FAILED 2:0
    ;;
gpus)
    # Whatever way GPUs are asked for, each rank has one of its own; what Slurm gave comes first.
    # bound GIVEN SBATCH-OPTION... [-- OPTION]: on two nodes, two ranks each
    bound() {
        local want=$1 id options=() rest=()
        shift
        while [[ $# -gt 0 && $1 != -- ]]; do options+=("$1") && shift; done
        [[ $# -eq 0 ]] || rest=("${@:2}")
        rm -f told bound.h5
        id=$(submit "${small[@]}" "${options[@]}" "$slurm_scripts/multinode.sbatch" "${rest[@]}" bound.yaml)
        outcome "$id" 90 COMPLETED 0:0
        [[ $(given "$id") == "$want" ]] || { cat calls; fail "${options[*]}: Slurm gave $(given "$id")"; }
        all_done bound.h5 8
        for uuid in GPU-n{1,2}-{0,1}; do
            count "log-$id" "^ +[0-3] .*beef:.*$uuid, NVIDIA Fake" 1
            count told " $uuid PCI_BUS_ID (native|layered)-by" 2
            count table "^gpu [0-9]+ \"$uuid\" \"NVIDIA Fake\" [01] 1000 " 2
        done
    }
    export SECONDS_AN_EPOCH=0.15 # long enough for telemetry to look
    gpu_job bound 4
    bound 'n1:0,1 n1:0,1 n2:0,1 n2:0,1 ' --gpus-per-node=2
    bound 'n1:0,1 n1:0,1 n2:0,1 n2:0,1 ' --gpus-per-node=2 -- --mpirun
    bound 'n1:0 n1:1 n2:0 n2:1 ' --gpus-per-node=2 --gpu-bind=single:1
    bound 'n1:0 n1:1 n2:0 n2:1 ' --gpus-per-node=2 --gpus-per-task=1
    # Two jobs on one node: the second has the second GPU, and cnnmpi does not take the first.
    export SECONDS_AN_EPOCH=0.5
    gpu_job one 3
    sed 's/one/other/' one.yaml >other.yaml
    alone=(--nodelist=n2 --ntasks-per-node=1 --cpus-per-task=2 --gpus-per-node=1)
    first=$(submit "${alone[@]}" "$slurm_scripts/all.sbatch" one.yaml)
    second=$(submit "${alone[@]}" "$slurm_scripts/all.sbatch" --mpirun other.yaml)
    outcome "$first" 90 COMPLETED 0:0
    outcome "$second" 90 COMPLETED 0:0
    [[ $(given "$first") == 'n2:0 ' && $(given "$second") == 'n2:1 ' ]] || { cat calls; fail "one GPU each"; }
    says "log-$first" GPU-n2-0
    says "log-$second" GPU-n2-1
    # More ranks than GPUs: refused before anything runs.
    sed -i 's/sharing: allow/sharing: refuse/' one.yaml
    id=$(submit "${small[@]}" --gpus-per-node=1 "$slurm_scripts/all.sbatch" one.yaml --output none.h5)
    outcome "$id" 90 FAILED 3:0
    says "log-$id" 'have one GPU, GPU-n1-0'
    [[ ! -e none.h5 ]] || fail "a file was made for nothing"
    ;;
cancel)
    # A second job on the same file is refused while the first runs. scancel stops a job, which closes its
    # file; submitted again, it goes on. By srun, and by mpirun. Runs take longer than mpirun by
    # itself would let them; it stays until KillWait is over, its ranks do not.
    job long 5 0 6 seconds=1.2 note="$work/notes"
    for launcher in '' --mpirun; do
        rm -f notes long.h5 long.h5.lock
        id=$(submit --nodelist=n1 "${small[@]}" "${without_gpus[@]}" "$slurm_scripts/all.sbatch" $launcher \
            long.yaml)
        (await 60 notes ' end$' 2) || { tail -n 40 "log-$id"; fail "nothing is trained"; }
        if [[ -z $launcher ]]; then
            other=$(submit --nodelist=n2 "${small[@]}" "${without_gpus[@]}" "$slurm_scripts/all.sbatch" long.yaml)
            outcome "$other" 60 FAILED 3:0
            says "log-$other" 'long.h5'
            state_is "$id" RUNNING || fail "the first job is $(state "$id")"
        fi
        scancel "$id"
        outcome "$id" 30 CANCELLED '.*'
        (await 10 trainers_gone) || fail "a trainer outlives its job"
        # Under srun ranks have the time to close the file and to say what there is.
        [[ -n $launcher ]] || says "log-$id" 'runs are not in these figures'
        $rows long.h5 >before || fail "the file of a cancelled job cannot be read"
        done_=$(grep -cE '^run [0-9]+ done' before)
        [[ $done_ -ge 2 && $done_ -lt 20 ]] || { cat before; fail "$done_ runs were done"; }
        [[ $(grep -cv ' end$' notes) -eq $done_ ]] || { cat notes; fail "runs under way were cut short"; }
        id=$(submit "${small[@]}" "${without_gpus[@]}" "$slurm_scripts/multinode.sbatch" long.yaml)
        outcome "$id" 90 COMPLETED 0:0
        all_done long.h5 20
        kept long.h5 before
    done
    ;;
limits)
    # Jobs of a minute, Slurm's shortest: two end in time, by srun and by mpirun, and are requeued until all
    # is done; the third has a run that is too long, is killed, and can be continued.
    mkdir once
    touch once/0 # so that run 3 alone hangs
    job pieces 12 0 5 seconds=0.8 note="$work/notes" # 77 s of training, for one rank
    run_seconds=200 job stuck 1 0 5 seconds=0.1 do=hang when=3 once="$work/once"
    alone=(--ntasks-per-node=1 --cpus-per-task=2 "${without_gpus[@]}")
    # Slurm looks twice a minute: the warning comes after 10 to 40 s, long before the end.
    pieces=$(submit "${alone[@]}" --time=1 --signal=B:USR1@20 "$slurm_scripts/requeue.sbatch" pieces.yaml)
    parts=$(submit "${alone[@]}" --time=1 --signal=B:USR1@20 "$slurm_scripts/requeue.sbatch" --mpirun pieces.yaml \
        --output parts.h5)
    stuck=$(submit "${alone[@]}" --time=1 "$slurm_scripts/all.sbatch" stuck.yaml)
    # Meanwhile one without a limit, which is warned by hand: its first half is not put back.
    job warned 6 0 5 seconds=0.3 note="$work/warned_notes"
    touch warned_notes
    for most in 0 100; do
        was=$(wc -l <warned_notes)
        warned=$(CNNMPI_REQUEUES=$most submit "${alone[@]}" --time=UNLIMITED "$slurm_scripts/requeue.sbatch" \
            --mpirun warned.yaml)
        (await 60 eval '[[ $(wc -l <warned_notes) -ge $((was + 4)) ]]') ||
            { tail -n 40 "log-$warned"; fail "nothing is trained"; }
        scancel --batch --signal=USR1 "$warned"
        if [[ $most -eq 0 ]]; then
            (await 60 rank_gone "$warned") || fail "a warning does not end the job"
            outcome "$warned" 12 FAILED 75:0 # mpirun must not linger until the end of the time
            says "log-$warned" 'out of time after 0 requeues'
            says "log-$warned" 'SIGUSR1: no further block begins'
            $rows warned.h5 >warned_before
        fi
    done
    outcome "$warned" 90 COMPLETED 0:0
    [[ $(field "$warned" Restarts) -eq 1 ]] || fail "it was not requeued"
    all_done warned.h5 24
    kept warned.h5 warned_before
    [[ $(wc -l <warned_notes) -eq 48 ]] || { cat warned_notes; fail "a run was trained twice, or was torn"; }

    outcome "$stuck" 150 TIMEOUT '.*'
    $rows stuck.h5 >before || fail "the file of a killed job cannot be read"
    [[ $(grep -cE '^run [0-9]+ done' before) -ge 1 ]] || { cat before; fail "what was done is lost"; }
    id=$(submit "${alone[@]}" "$slurm_scripts/all.sbatch" --mpirun stuck.yaml)
    outcome "$id" 60 COMPLETED 0:0
    all_done stuck.h5 4
    kept stuck.h5 before
    for id in "$pieces" "$parts"; do
        outcome "$id" 150 COMPLETED 0:0
        [[ $(field "$id" Restarts) -ge 1 ]] || fail "it was not requeued"
        says "log-$id" 'back into the queue (requeue 1 of at most 100)'
        says "log-$id" 'SIGUSR1: no block begins that needs more than'
        says "log-$id" 'the Slurm allocation ends at 20'
    done
    all_done pieces.h5 48
    all_done parts.h5 48
    [[ $(wc -l <notes) -eq 192 ]] || fail "a run was trained twice, or was torn"
    ;;
killed)
    # Rank 0 that dies takes its job with it, soon, and its trainers; what was done is kept.
    for launcher in '' --mpirun; do
        rm -f notes dead.h5 dead.h5.lock
        job dead 6 0 1 seconds=0.6 note="$work/notes"
        id=$(submit "${small[@]}" "${without_gpus[@]}" "$slurm_scripts/multinode.sbatch" $launcher dead.yaml)
        (await 60 notes ' end$' 2) || { tail -n 40 "log-$id"; fail "nothing is trained"; }
        kill -KILL "$(pid_of_rank "$id" 0)"
        outcome "$id" 60 FAILED '.*'
        (await 10 trainers_gone) || fail "a trainer outlives its job"
        $rows dead.h5 >before || fail "the file of a dead job cannot be read"
        [[ $(grep -cE '^run [0-9]+ done' before) -ge 1 ]] || { cat before; fail "what was done is lost"; }
        id=$(submit "${small[@]}" "${without_gpus[@]}" "$slurm_scripts/multinode.sbatch" $launcher dead.yaml)
        outcome "$id" 90 COMPLETED 0:0
        all_done dead.h5 24
        kept dead.h5 before
    done
    ;;
survived)
    # Another rank that dies is done without, by mpirun: on its own node and elsewhere. (Slurm's plugin for PMIx
    # ends a step of srun at any rank's death.)
    for launcher in --mpirun; do
        for rank in 1 3; do
            rm -f notes dead.h5 dead.h5.lock
            seconds=0.3
            if [[ -n ${id:-} ]]; then # as if the next job had been requeued; it lasts beyond the patience
                seconds=2.5
                echo 9 >"cnnmpi-$((id + 1)).exit"
            fi
            job dead 5 0 1 seconds=$seconds note="$work/notes"
            id=$(submit "${small[@]}" "${without_gpus[@]}" "$slurm_scripts/multinode.sbatch" $launcher dead.yaml)
            (await 60 notes ' end$' 2) || { tail -n 40 "log-$id"; fail "nothing is trained"; }
            kill -KILL "$(pid_of_rank "$id" "$rank")"
            outcome "$id" 90 COMPLETED 0:0
            (await 10 trainers_gone) || fail "a trainer outlives its job"
            says "log-$id" "(rank $rank): its rank has died"
            [[ $(grep -c '^What was found' "log-$id") -eq 1 ]] || fail "the report is not there once"
            $rows dead.h5 >table || fail "dead.h5 cannot be read"
            count table '^run [0-9]+ done' 20
            [[ -z $(find . -maxdepth 1 -name '*.exit') ]] || fail "the exit file is left"
        done
    done
    ;;
*)
    fail "no case called $case"
    ;;
esac
