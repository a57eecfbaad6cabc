# SPDX-License-Identifier: Apache-2.0
# Shared by the batch scripts, which source it: starts cnnmpi on all ranks of the allocation and waits for it.
#
#   launch SECONDS [--mpirun] [JOB.yaml [CNNMPI-OPTION...]]
#
# $program: path of cnnmpi. SECONDS: how long mpirun lets its ranks live after SIGTERM. Leaves cnnmpi's exit
# status in $status. docs/slurm.md says what each line is for, and what to change.

# end_launcher PID: ends mpirun once every rank has ended
end_launcher() {
    local ended=()
    until [[ -s $CNNMPI_EXIT_FILE || ${#ended[@]} -ge $((SLURM_NTASKS > 1 ? SLURM_NTASKS - 1 : 1)) ]]; do
        sleep 2
        mapfile -t ended < <(compgen -G "$CNNMPI_EXIT_FILE.rank*")
    done
    sleep 10 # the usual end
    kill -KILL "$1"
}

launch() {
    local seconds=$1 launcher=srun job watcher=
    shift
    if [[ ${1:-} == --mpirun ]]; then
        launcher=mpirun
        shift
    fi
    job=${1:-$(dirname "$program")/../share/cnnmpi/jobs/all.yaml}
    if [[ $launcher == srun ]]; then
        set -- srun --mpi=pmix --cpus-per-task="${SLURM_CPUS_PER_TASK:-1}" --cpu-bind=cores \
            "$program" "$job" --resume --progress plain "${@:2}"
    else
        set -- mpirun --enable-recovery --map-by "ppr:${SLURM_NTASKS_PER_NODE:-1}:node" --bind-to none \
            --mca odls_base_sigkill_timeout "$seconds" \
            "$program" "$job" --resume --progress plain "${@:2}"
    fi
    # With --enable-recovery the other ranks go on when one dies, but mpirun returns 0 whatever happens, and after
    # a death on another node it does not end at all. So rank 0 writes the exit status to a file; ranks that end
    # because rank 0 has died leave FILE.rankN.
    export CNNMPI_EXIT_FILE=$PWD/cnnmpi-$SLURM_JOB_ID.exit
    rm -f "$CNNMPI_EXIT_FILE"* # of this job before it was requeued

    # Slurm warns this shell alone, which bash notices only where it waits for a process in the background.
    step=
    trap '[[ -z $step ]] || kill -USR1 "$step" 2>/dev/null' USR1
    trap : TERM # scancel tells the ranks, too: they close the file
    "$@" &
    step=$!
    if [[ $launcher == mpirun ]]; then
        end_launcher "$step" 2>/dev/null &
        watcher=$!
    fi
    wait "$step"
    while kill -0 "$step" 2>/dev/null; do # a signal has ended the waiting
        wait "$step"
    done
    wait "$step"
    status=$?
    [[ -z $watcher ]] || kill "$watcher" 2>/dev/null
    if [[ -s $CNNMPI_EXIT_FILE ]]; then
        read -r status <"$CNNMPI_EXIT_FILE"
    elif [[ $status -eq 0 ]]; then
        status=3 # rank 0 has died
    fi
    rm -f "$CNNMPI_EXIT_FILE"*
}
