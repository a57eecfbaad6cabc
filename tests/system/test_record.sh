#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# bench/record: its stages leave their files, a job that was cut off is gone on with, a failure is told.
. "$(dirname "$0")/common.sh" "$1"
record="$source_tree/bench/record"
expect 2 "$record" kept
expect 2 "$record" kept machine nonsense
says err "no stage 'nonsense'"
[[ ! -e kept/machine.txt ]] || fail "a stage ran before all of them were known"
expect 0 "$record" --build "$build" kept machine
says kept/machine.txt 'commit '
says kept/machine.txt "$("$build/cnnmpi" --version | head -1)"

# The job's stage twice: the second time it goes on with what is there, and repeats nothing.
once() { "$record" --build "$build" --precisions fp32 --job "$here/tiny.yaml" kept job -- --set repeats=1; }
expect 0 once
expect 0 "$build/cnnmpi" report kept/fp32.h5 --status
says kept/fp32.txt 'What was found'
[[ -n $(find kept/fp32-tables -name '*.csv' -size +0) ]] || fail "no tables as CSV"
"$build/cnnmpi" report kept/fp32.h5 --runs >first
[[ $(wc -l <first) -eq 5 ]] || fail "not four runs"
expect 0 once
"$build/cnnmpi" report kept/fp32.h5 --runs | cmp - first || fail "a finished run was repeated"
expect 3 "$record" --build "$build" --precisions fp32 --job "$work/none.yaml" other job
echo ok
