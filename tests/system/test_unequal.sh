#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Trainers that differ in parameters, images and threads: the report says so and gives no verdict on
# time, unless the job declares it.
. "$(dirname "$0")/common.sh" "$1"
cnnmpi=$build/cnnmpi null=$build/tests/null_trainer
echo 81 >images
cat >unequal.yaml <<END
repeats: 8
train: {epochs: 2}
factors:
  framework:
    - {name: plain, command: ['$null']}
    - {name: same, command: ['$null', log=same]}
    - {name: large, command: ['$null', parameters=12345, 'images=$work/images', seconds=0.02]}
    - {name: wide, command: ['$null', threads=64]}
  architecture: [arch1]
  dataset: [blobs]
backend: onednn
schedule: {sharing: allow}
datasets:
  blobs: {type: synthetic, count: 100, height: 12, width: 12, channels: 1, classes: 3}
END
line() { tr -s ' \n' ' ' <out >line; }
expect 0 mpirun -np 2 "$cnnmpi" unequal.yaml
line
says line "UNEQUAL levels differ in parameters, training images and threads: no verdict on time in 5 of 6"
says line "- plain against large: parameters 10 and 12,345; training images 80 and 81"
says line "Training time (primary), plain against large: no verdict (unequal in parameters and training images)"
says line "Training time (primary), same against wide: no verdict (unequal in threads): difference"
grep -q "large against wide: .* Spread from run to run (secondary): no verdict (unequal" line || fail "spread of unequal levels"
says line "Test error (secondary), plain against large: equivalent"
says line "of levels unequal in parameters and training images."
first() { grep -n -m1 -- "$1" out | cut -d: -f1; }
[[ $(first UNEQUAL) -lt $(first 'Conditions in which') && $(first 'Conditions in which') -lt $(first 'p differ') ]] ||
    fail "the report does not say first what is unequal"
[[ $(first 'Unequal contenders') -lt $(first 'Training time (primary)') ]] ||
    fail "a verdict stands before the unequal contenders"

# Programs see it: in CSV and LaTeX, and in the group that the job has stored.
expect 0 "$cnnmpi" report unequal.h5 --format csv -o csv
[[ $(wc -l <csv/conditions.csv) -eq 10 ]] || { cat csv/conditions.csv; fail "lines of conditions.csv"; }
says csv/conditions.csv "arch1,blobs,plain,large,train_images,80,81,8,unequal"
says csv/conditions.csv "arch1,blobs,large,wide,threads,"
expect 0 "$cnnmpi" report unequal.h5 --format latex -o unequal.tex
says unequal.tex "Conditions in which"
python3 - <<'PY' || fail "comparisons.csv"
import csv
for row in csv.DictReader(open("csv/comparisons.csv")):
    levels = (row["a_name"], row["b_name"])
    differ = {"parameters": "large" in levels, "threads": "wide" in levels, "test_images": False}
    for condition, unequal in differ.items():
        assert row["condition_" + condition] == ("2" if unequal else "0"), (condition, row)
    withheld = any(differ.values()) and row["measure"] in ("train_seconds", "seconds_per_epoch")
    assert (row["verdict_reason_name"] == "unequal") == withheld, row
    assert not withheld or row["verdict_name"] == "inconclusive", row
PY
python=python3
[[ -x /usr/bin/python3 ]] && python=/usr/bin/python3 # Debian's has h5py as a package
if "$python" -c "import h5py" 2>/dev/null; then
    "$python" - <<'PY' || fail "the stored analysis"
import h5py
stored = h5py.File("unequal.h5")["analysis"]
parameters, threads = stored["condition_parameters"], stored["condition_threads"]
assert list(parameters) == [0, 2, 0, 2, 0, 2], list(parameters)
assert list(threads) == [0, 0, 2, 0, 2, 2], list(threads)
meanings = threads.attrs["flag_meanings"]
assert (meanings.decode() if isinstance(meanings, bytes) else str(meanings)) == "equal declared unequal"
PY
fi

# Declared: the verdict is given, and the declaration printed.
expect 0 mpirun -np 2 "$cnnmpi" unequal.yaml --output declared.h5 \
    --set 'compare.allow=[parameters, train_images, threads]'
line
says line "compare the job allows the levels of the contrast to differ in parameters, training images and threads"
says line "Declared differences: "
says out "plain faster"
! grep -q 'UNEQUAL\|withheld\|no verdict (' out || { cat out; fail "a declared difference is withheld"; }
# What was declared for one file is not declared for another.
expect 2 "$cnnmpi" report unequal.h5 declared.h5
says err "their jobs allow levels to differ in other conditions"
expect 2 "$cnnmpi" unequal.yaml --output declared.h5 --resume
says err "it was begun with compare: {allow: [parameters, train_images, threads]}, the job has compare: {allow: []}"

# The plan knows it of simulated frameworks and of an earlier file; what the contrast varies is no fault.
cat >lies.yaml <<'END'
repeats: 8
train: {epochs: 2}
factors:
  framework:
    - {name: small, simulate: {time: {run: 100, residual: 0.01}, reports: {parameters: 61326}}}
    - {name: large, simulate: {time: {run: 120, residual: 0.01}, reports: {parameters: 61706}}}
  architecture: [arch1, arch2]
  dataset: [mnist]
schedule: {sharing: allow}
END
expect 0 "$cnnmpi" plan lies.yaml --ranks 2
says out "Warning: parameters differ, so that no verdict on time will be given: small / arch1 / mnist, 61,326; large / arch1 / mnist, 61,706"
expect 0 "$cnnmpi" plan lies.yaml --ranks 2 --set compare.allow=[parameters,threads]
says out "parameters differ, which the job allows (compare: allow): small"
says out "threads may differ, which the job allows (compare: allow)"
! grep -q Warning out || { cat out; fail "a warning of what is declared"; }
expect 0 "$cnnmpi" lies.yaml
expect 0 "$cnnmpi" plan lies.yaml --from lies.h5 --ranks 2
line
says line "There will be no verdict on time: in the file the levels differ in parameters, which this job does not declare (compare: allow): arch1 / mnist (small, large); arch2 / mnist (small, large)"
expect 0 "$cnnmpi" plan lies.yaml --from lies.h5 --ranks 2 --set compare.allow=[parameters]
! grep -q 'no verdict' out || { cat out; fail "a note on what is declared"; }
cat >paths.yaml <<'END'
contrast: architecture
factors: {framework: [native], architecture: [arch1, arch2], dataset: [blobs]}
datasets:
  blobs: {type: synthetic, count: 100, height: 28, width: 28, channels: 1, classes: 3}
END
expect 0 "$cnnmpi" plan paths.yaml --ranks 1
says out "parameters differ, as the contrast architecture makes them: native / arch1 / blobs, "
! grep -q 'no verdict on time' out || { cat out; fail "a warning of what the contrast varies"; }
echo ok
