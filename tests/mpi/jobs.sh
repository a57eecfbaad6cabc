# SPDX-License-Identifier: Apache-2.0
# Functions of the tests that run whole jobs with a trainer that trains nothing. Sourced with $build set;
# leaves the shell in a folder of its own, which is removed at the end.
null=$build/tests/null_trainer
rows=$build/tests/print_rows
program=$build/cnnmpi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=0} # Open MPI leaves some at its end
unset CNNMPI_DATA CNNMPI_TRAINERS CUDA_VISIBLE_DEVICES SLURM_STEP_GPUS

fail() {
    printf 'FAILED: %s\n' "$*"
    exit 1
}
# job NAME REPEATS RETRIES GRACE [ARGUMENT...]: two frameworks that both are the null trainer, two
# data sets, so 4 runs a repeat; ARGUMENTs go to the trainer. EXTRA (variables): schedule, limits.
job() {
    local name=$1 repeats=$2 retries=$3 grace=$4 words=
    shift 4
    for word in "$null" "$@"; do words="$words, '$word'"; done
    cat >"$name.yaml" <<END
name: $name
repeats: $repeats
seed: 3
train: {epochs: 2}
factors:
  framework: [{name: one, command: [${words:2}]}, {name: two, command: [${words:2}]}]
  architecture: [arch1]
  dataset: [blobs, spots]
contrast: framework
backend: ${backend:-onednn}
schedule: {sharing: ${sharing:-allow}, assign: ${assign:-balanced}, warmup: ${warmup:-0}}
limits: {retries: $retries, grace_seconds: $grace, run_seconds: ${run_seconds:-auto}, rank_seconds: ${rank_seconds:-120}}
datasets:
  blobs: {type: synthetic, count: 100, height: 12, width: 12, channels: 1, classes: 3}
  spots: {type: synthetic, count: 100, height: 12, width: 12, channels: 1, classes: 3}
END
}
# run RANKS STATUS ARGUMENT...: output goes to log. After a status other than 0 mpirun lingers, to kill
# what ranks have left; they leave nothing.
run() {
    local ranks=$1 want=$2 got=0
    shift 2
    OMPI_MCA_odls_base_sigkill_timeout=0 timeout "${SECONDS_TO_WAIT:-60}" mpirun -np "$ranks" "$program" "$@" \
        >log 2>&1 </dev/null || got=$?
    [[ $got -eq $want ]] || { cat log; fail "exit status $got instead of $want: $ranks ranks, $*"; }
}
says() {
    grep -qF -- "$2" "$1" || { cat "$1"; fail "'$2' is missing from $1"; }
}
# count FILE PATTERN NUMBER: lines that match
count() {
    local n
    n=$(grep -cE -- "$2" "$1") || true
    [[ $n -eq $3 ]] || { cat "$1"; fail "$n instead of $3 lines of $1 match: $2"; }
}
# await SECONDS COMMAND...: until it succeeds
await() {
    local until=$((SECONDS + $1))
    shift
    until "$@"; do
        [[ $SECONDS -lt $until ]] || fail "waited in vain for: $*"
        sleep 0.05
    done
}
# notes PATTERN NUMBER: so many lines of the trainers' notes match.
notes() { [[ -e notes && $(grep -c "$1" notes) -ge $2 ]]; }
# Trainers that took a note are gone.
trainers_gone() {
    local pid
    for pid in $(awk '$3 != "end" { print $3 }' notes); do
        if [[ -e /proc/$pid && $(cut -d' ' -f3 "/proc/$pid/stat" 2>/dev/null) != Z ]]; then
            return 1
        fi
    done
}

ranks_gone() { ! pgrep -f "^$build/cnnmpi ${1:-dead}.yaml" >/dev/null; }
