#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What a job stores under /analysis is what a report finds; studies of one plan are pooled, others refused.
. "$(dirname "$0")/common.sh" "$1"
python=python3
[[ -x /usr/bin/python3 ]] && python=/usr/bin/python3 # Debian's has h5py as a package
"$python" -c "import h5py" 2>/dev/null || { echo "skipped: no h5py"; exit 77; }
run() { # some runs are planned to fail: exit status 1
    mpirun -np 2 "$build/cnnmpi" "$here/study.yaml" --quiet "$@" >log 2>&1 </dev/null || [[ $? -eq 1 ]] ||
        { cat log; fail "job $*"; }
}
run --output first.h5
expect 0 "$build/cnnmpi" report first.h5 --format csv -o first
"$python" "$here/stored_analysis.py" first.h5 first

# Another study of the plan, with another seed: its blocks are added, and it counts as a second look.
run --output second.h5 --set seed=6
expect 0 "$build/cnnmpi" report second.h5 first.h5
says out 'first.h5'
says out 'second.h5'
expect 0 "$build/cnnmpi" report first.h5 second.h5 --format csv -o both
planned() { "$python" -c "import csv; print(sum(int(r['planned']) for r in csv.DictReader(open('$1/cells.csv'))))"; }
[[ $(planned both) -eq $((2 * $(planned first))) ]] || fail "$(planned both) runs in the pool of two"

run --output longer.h5 --set train.epochs=3
expect 2 "$build/cnnmpi" report first.h5 longer.h5
says err "'first.h5' and 'longer.h5' are no parts of one study"
says err '"epochs":2 and "epochs":3'
cp first.h5 copy.h5
expect 2 "$build/cnnmpi" report first.h5 copy.h5
says err 'hold the same runs'
echo ok
