#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# check-trainer: the shipped trainers pass it (test_check_trainer.sh BUILD TRAINER: one of them), and what
# is wrong with a command or a trainer is said.
. "$(dirname "$0")/common.sh" "$1"
check() { expect "$1" "$build/cnnmpi" check-trainer "${@:2}"; }
case $2 in
native | layered)
    check 0 --path "$2" -- "$build/cnntrain-onednn"
    says out "23 passed, 0 failed, 0 not applicable"
    ;;
pytorch)
    for python in python3 /usr/bin/python3; do
        "$python" -c 'import numpy, torch' 2>/dev/null && found=$python && break
    done
    [[ ${found:-} ]] || { echo "skipped: no python3 with NumPy and PyTorch"; exit 77; }
    CNN_TORCH_DEVICE=cpu check 0 -- "$found" "$source_tree/trainers/pytorch.py"
    says out "23 passed, 0 failed, 0 not applicable"
    ;;
simulate)
    check 0 -- "$build/cnntrain-simulate"
    says out "1 passed, 0 failed, 22 not applicable"
    grep -qE "^  version +pass " out || fail "version"
    ;;
usage)
    check 2
    says err "no trainer given: cnnmpi check-trainer -- COMMAND..."
    check 2 python3 trainer.py
    says err "the trainer's command stands behind --"
    check 2 --path keras -- true
    says err "layered or native"
    check 2 --timeout 0 -- true
    check 3 -- no-such-program
    says err "the program 'no-such-program' is not in \$PATH"
    expect 2 "$build/cnnmpi" report --json x.h5
    says err "--json is not an option of \`cnnmpi report\`"
    # A program that is no trainer; one that never answers, and is ended.
    check 1 -- true
    says out "'20 steps': ended without a done event"
    check 1 --timeout 0.2 -- sleep 600
    says out "no event for 0.2 s; it was ended"
    # Stopped, it leaves no file.
    mkdir tmp
    TMPDIR=$work/tmp "$build/cnnmpi" check-trainer -- sleep 600 &
    until [[ $(ls tmp/*/Y.npy 2>/dev/null) ]]; do sleep 0.05; done
    got=0
    kill -TERM $!
    wait $! || got=$?
    [[ $got -eq 143 && -z $(ls tmp) ]] || fail "status $got, left: $(ls tmp)"
    ;;
esac
echo ok
