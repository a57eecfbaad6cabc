# SPDX-License-Identifier: Apache-2.0
# A Slurm cluster on this host: slurmctld and two slurmd, n1 and n2, with 4 CPUs and 2 GPUs each that are not
# there. They are ordinary processes of the caller: no root, no systemd, no munge. Sourced after
# tests/mpi/jobs.sh, in the folder $work; the cluster ends with the shell, however that ends.
for name in $(compgen -e); do
    [[ $name != SLURM* && $name != SBATCH* && $name != SRUN* && $name != SALLOC* ]] || unset "$name"
done
# Debian keeps the daemons where not everybody looks.
PATH=$PATH:/usr/sbin:/sbin
for name in slurmctld slurmd sbatch srun scontrol squeue scancel setpriv; do
    command -v "$name" >/dev/null || { echo "$name is not installed"; exit 77; }
done
cluster=$work/cluster
slurm_scripts=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../slurm" && pwd)
export SLURM_CONF=$cluster/slurm.conf
daemons=()

# Both nodes are this host: without this, files of Open MPI's shared memory on one "node" would be taken
# for the other's.
export OMPI_MCA_btl=tcp,self OMPI_MCA_mpi_yield_when_idle=1
export OMPI_MCA_btl_tcp_if_include=lo OMPI_MCA_oob_tcp_if_include=lo

# free_port: one that nobody listens on
free_port() {
    local port
    for _ in {1..50}; do
        port=$((10000 + RANDOM % 20000))
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
    done
    return 1
}
# The GPUs are files that every host has; NVML's stand-in is told by a task prolog which node it is on.
configure() {
    local me host node
    me=$(id -un) host=$(hostname -s)
    mkdir -p "$cluster"/{log,state,spool/n1,spool/n2,tmp/n1,tmp/n2}
    cat >"$SLURM_CONF" <<END
ClusterName=here
SlurmctldHost=$host(127.0.0.1)
SlurmUser=$me
SlurmdUser=$me
AuthType=auth/none
AuthInfo=cred_expire=5
CredType=cred/none
SlurmctldPort=$(free_port)
SlurmctldPidFile=$cluster/slurmctld.pid
SlurmdPidFile=$cluster/slurmd.%n.pid
SlurmctldLogFile=$cluster/log/slurmctld
SlurmdLogFile=$cluster/log/slurmd.%n
StateSaveLocation=$cluster/state
SlurmdSpoolDir=$cluster/spool/%n
TmpFS=$cluster/tmp/%n
TaskProlog=$cluster/task_prolog
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
ReturnToService=2
KillWait=8
GresTypes=gpu
NodeName=n1 NodeHostname=$host NodeAddr=127.0.0.1 Port=$(free_port) CPUs=4 RealMemory=2000 Gres=gpu:2
NodeName=n2 NodeHostname=$host NodeAddr=127.0.0.1 Port=$(free_port) CPUs=4 RealMemory=2000 Gres=gpu:2
PartitionName=main Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP
END
    cat >"$cluster/gres.conf" <<END
NodeName=n1 Name=gpu File=/dev/null
NodeName=n1 Name=gpu File=/dev/zero
NodeName=n2 Name=gpu File=/dev/full
NodeName=n2 Name=gpu File=/dev/random
END
    printf '#!/bin/sh\necho "export FAKE_NVML=%s/$SLURMD_NODENAME.gpus"\n' "$cluster" >"$cluster/task_prolog"
    chmod +x "$cluster/task_prolog"
    for node in n1 n2; do
        for i in 0 1; do
            echo "gpu uuid=GPU-$node-$i;name=NVIDIA Fake;pci=beef:0$i:00.0;sm=1000"
        done >"$cluster/$node.gpus"
    done
}
# daemon PROGRAM [ARGUMENT...]: in the foreground of its own background, gone when this shell is
daemon() {
    setpriv --pdeathsig KILL "$@" >>"$cluster/log/daemons" 2>&1 </dev/null &
    daemons+=($!)
}
nodes_idle() { [[ $(sinfo -h -N -t idle -o %N 2>/dev/null | wc -l) -eq 2 ]]; }
jobs_gone() { [[ -z $(squeue -h 2>/dev/null) ]]; }

start_cluster() {
    configure
    daemon slurmctld -D -i
    daemon slurmd -D -N n1
    daemon slurmd -D -N n2
    (await 60 nodes_idle) || { tail -n 30 "$cluster"/log/*; fail "the cluster does not start"; }
}
stop_cluster() {
    local status=$?
    trap - EXIT
    if ! jobs_gone; then
        scancel -u "$(id -un)" 2>/dev/null || true
        (await 20 jobs_gone) || true
    fi
    if [[ $status -ne 0 && $status -ne 77 ]]; then
        tail -n 20 "$cluster"/log/* || true
    fi
    kill "${daemons[@]}" 2>/dev/null || true
    for _ in {1..100}; do
        kill -0 "${daemons[@]}" 2>/dev/null || break
        sleep 0.05
    done
    kill -KILL "${daemons[@]}" 2>/dev/null || true
    wait
    rm -rf "$work"
    exit "$status"
}
trap stop_cluster EXIT

# submit SBATCH-ARGUMENT...: prints the job's number. Its output goes to the file log-NUMBER.
submit() {
    local id
    id=$(sbatch --parsable --output=log-%j "$@") || fail "sbatch $*"
    echo "$id"
}
# state JOB, such as RUNNING, COMPLETED, TIMEOUT; field JOB NAME: as scontrol tells it
field() { scontrol show job -o "$1" 2>/dev/null | tr ' ' '\n' | sed -n "s/^$2=//p"; }
state() { field "$1" JobState; }
state_is() { [[ $(state "$1") == "$2" ]]; }
ended() { [[ $(state "$1") =~ ^(COMPLETED|FAILED|TIMEOUT|CANCELLED|NODE_FAIL|BOOT_FAIL|DEADLINE|OUT_OF_MEMORY)$ ]]; }
# outcome JOB SECONDS STATE EXIT:SIGNAL: waits for the end of a job, and looks at it.
outcome() {
    local until=$((SECONDS + $2))
    until ended "$1"; do
        [[ $SECONDS -lt $until ]] || { squeue; tail -n 40 "log-$1"; fail "job $1 does not end"; }
        sleep 0.3
    done
    [[ $(state "$1") == "$3" && $(field "$1" ExitCode) =~ ^$4$ ]] ||
        { tail -n 60 "log-$1"; fail "job $1 is $(state "$1") with $(field "$1" ExitCode), not $3 with $4"; }
}
