#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `cnnmpi compare` on files of real quick jobs and of simulated ones.
#   test_compare.sh BUILD_FOLDER PYTHON
. "$(dirname "$0")/common.sh" "$1"
python=$2
cnnmpi=$build/cnnmpi
simulate=$build/tests/simulate_file
"$python" -c 'import h5py' 2>/dev/null || { echo 'skipped: h5py is not installed'; exit 77; }
edit() { "$python" "$here/compare_edit.py" "$@"; }
later() { edit "$1" start_time+=1e6 attempt_start_time+=1e6; }
silent_about_change() {
    ! grep -iqE 'changed|change ' "$1" || { cat "$1"; fail "it speaks of a change"; }
}

# ---- real jobs ------------------------------------------------------------------------------------
cp "$here/tiny.yaml" .
expect 0 mpirun -np 2 "$cnnmpi" tiny.yaml --output before.h5 --quiet
expect 0 mpirun -np 2 "$cnnmpi" tiny.yaml --output after.h5 --quiet
expect 0 "$cnnmpi" compare before.h5 after.h5 --control native
says out "control  native: on the shared devices the same program, libraries, driver, model and"
says out "equal final weights for 4 of 4 seeds"
says out "the same weights for each of 2 seeds"
says out "Assumption: a session makes native and the other levels slower by the same factor"
expect 2 "$cnnmpi" compare before.h5 before.h5
says err "hold the same runs"

# A limit needs a control, and is decided by the interval: 2 blocks cannot tell 0.1 %.
expect 2 "$cnnmpi" compare before.h5 after.h5 --fail-on slower:3%
says err "--fail-on needs --control LEVEL"
expect 5 "$cnnmpi" compare before.h5 after.h5 --control native --fail-on slower:0.1%
says out "cannot tell (status 5"
expect 0 "$cnnmpi" compare before.h5 after.h5 --control native --fail-on slower:0.1% --undecided pass

# ---- simulated ones ------------------------------------------------------------------------------
cat >job.yaml <<'END'
name: upgrade
repeats: 16
seed: 3
train: {epochs: 2}
factors:
  framework:
    - {name: own, simulate: {time: {run: 20, device: 0.02, device_framework: 0.005, residual: 0.004},
        error: {mean: 0.1, seed: 0.002}, machine_seed: 7, devices_per_node: 4}}
    - {name: torch, simulate: {time: {run: 30, device: 0.02, device_framework: 0.005, residual: 0.004},
        error: {mean: 0.1, seed: 0.002, residual: 0.0004}, machine_seed: 7, devices_per_node: 4}}
    - {name: jax, simulate: {time: {run: 25, device: 0.02, device_framework: 0.005, residual: 0.004},
        error: {mean: 0.1, seed: 0.002, residual: 0.0004}, machine_seed: 7, devices_per_node: 4}}
  architecture: [arch1, arch2]
  dataset: [mnist]
limits: {retries: 0}
END
ratio=factors.framework.1.simulate.time.ratio
faster=factors.framework.2.simulate.time.ratio
expect 0 "$simulate" job.yaml 8 b.h5
# The session makes everything 4 % slower; torch is slower by another 5 %.
expect 0 "$simulate" job.yaml 8 a.h5 --set seed=9 --set factors.framework.0.simulate.time.run=20.8 \
    --set factors.framework.1.simulate.time.run=31.2 --set factors.framework.2.simulate.time.run=26 --set $ratio=1.05
later a.h5
expect 0 "$cnnmpi" compare b.h5 a.h5
says out "these two sessions differ in 6 of 6 cells tested"
says out "No control is named."
silent_about_change out
# The stated truth of `own` differs with its seconds: then it is no control, and nothing is judged by it.
expect 5 "$cnnmpi" compare b.h5 a.h5 --control own --fail-on slower:3%
says out "own is REFUSED: the truth that its job states differs"
silent_about_change out
expect 0 "$cnnmpi" compare b.h5 a.h5 --control own --fail-on slower:3% --undecided pass

# With a control: 5 % is found, and exceeds a limit of 3 % but not one of 8 %.
expect 0 "$simulate" job.yaml 8 slow.h5 --set seed=9 --set $ratio=1.05 --set $faster=1.0
later slow.h5
expect 4 "$cnnmpi" compare b.h5 slow.h5 --control own --fail-on slower:3%
says out "Training time: CHANGED in 2 of 4 cells tested"
says out "Limit, slower by 3 %: EXCEEDED (status 4); 2 cells beyond it, 2 within, of 4 tested."
says out 'stated truth, torch'
says out '"ratio":1.05'
expect 0 "$cnnmpi" compare b.h5 slow.h5 --control own --fail-on slower:8%
says out "no cell is slower by more than that (status 0)"
# Swapped, torch is faster, and the order is doubted.
expect 0 "$cnnmpi" compare slow.h5 b.h5 --control own --fail-on slower:3%
says out "the file after began before the file before: are they swapped?"
says out "% less time"

# The figures are those of R.
if command -v Rscript >/dev/null; then
    for f in b slow; do expect 0 "$cnnmpi" report $f.h5 --runs -o $f.csv; done
    expect 0 "$cnnmpi" compare b.h5 slow.h5 --control own --table cells --format csv -o cells.csv
    expect 4 "$cnnmpi" compare b.h5 slow.h5 --control own --fail-on slower:3% --table limit --format csv -o limit.csv
    expect 0 Rscript "$here/compare_by_r.R" b.csv slow.csv cells.csv own limit.csv
    says out "agrees: 4 cells"
fi
expect 4 "$cnnmpi" compare b.h5 slow.h5 --control own --fail-on slower:3% --format csv -o tables
for t in cells circumstances limit summary; do [[ -s tables/$t.csv ]] || fail "no table $t"; done
expect 0 "$cnnmpi" compare b.h5 slow.h5 --control own --format latex -o tables.tex

# ---- controls that are none ----------------------------------------------------------------------
expect 2 "$cnnmpi" compare b.h5 slow.h5 --control nothing
says err "--control nothing: 'b.h5' has the levels own, torch, jax of framework"
refused() { # REASON EDIT...
    local reason=$1
    shift
    cp slow.h5 edited.h5
    edit edited.h5 "$@"
    expect 5 "$cnnmpi" compare b.h5 edited.h5 --control own --fail-on slower:3%
    says out "own is REFUSED: $reason"
    silent_about_change out
}
refused "its drivers: none on record before, 535.1 after" 0:driver=535.1
refused "its versions: " 0:versions=other
refused "its device models: simulated before, newer after" 0:device_model=newer
refused "its threads: 1 before, 2 after" 0:threads=2
refused "the files share no device" host=elsewhere
says out "0 shared (8 before, 8 after)"
# A driver of the others leaves the control alone, and is among the circumstances.
cp slow.h5 edited.h5
edit edited.h5 1:versions='torch 2.5'
expect 4 "$cnnmpi" compare b.h5 edited.h5 --control own --fail-on slower:3%
says out "versions, torch"
says out "torch 2.5"

# ---- cells, plans, states -------------------------------------------------------------------------
cp slow.h5 edited.h5
edit edited.h5 2:data_checksum=0000 2:parameters=5
cp b.h5 other.h5
edit other.h5 2:data_checksum=1111 2:parameters=6
expect 4 "$cnnmpi" compare other.h5 edited.h5 --control own --fail-on slower:3%
says out "Cells that are left out"
says out "parameters 6 before, 5 after"
says out "CHANGED in 2 of 2 cells tested"
# Another plan: other repeats, one architecture less, other epochs.
expect 0 "$simulate" job.yaml 8 plan.h5 --set repeats=12 --set seed=4 --set 'factors.architecture=[arch1]'
later plan.h5
expect 0 "$cnnmpi" compare b.h5 plan.h5 --control own
says out "3 compared, 3 left out"
says out "only in b.h5"
expect 0 "$simulate" job.yaml 8 epochs.h5 --set train.epochs=3
later epochs.h5
expect 2 "$cnnmpi" compare b.h5 epochs.h5 --control own
says err "share no cell: own, arch1/mnist is trained otherwise: \"epochs\":2 before, \"epochs\":3 after"
# Four blocks of eight are left: no verdict.
cp slow.h5 interim.h5
edit interim.h5 2:status=0
expect 5 "$cnnmpi" compare b.h5 interim.h5 --control own --fail-on slower:3%
says out "INTERIM comparison"
! grep -q CHANGED out || fail "an unfinished file has a verdict"
# Files of older layouts.
for version in 3 4; do gunzip -c "$here/../readers/layouts/layout_$version.h5.gz" >layout_$version.h5; done
cp layout_4.h5 later_4.h5
later later_4.h5
expect 0 "$cnnmpi" compare layout_4.h5 later_4.h5
expect 2 "$cnnmpi" compare layout_4.h5 b.h5
says err "share no cell"

# ---- the command line ------------------------------------------------------------------------------
expect 2 "$cnnmpi" compare b.h5
says err "compare takes two results files"
expect 2 "$cnnmpi" compare b.h5 slow.h5 plan.h5
says err "compare takes two files, before and after"
for limit in slower slower:3 slower:% slower:-1% faster:3% slower:x%; do
    expect 2 "$cnnmpi" compare b.h5 slow.h5 --control own --fail-on $limit
    says err "--fail-on $limit: expected slower:P%"
done
expect 2 "$cnnmpi" compare b.h5 slow.h5 --format html -o x.html
says err "--format html is of report"
expect 2 "$cnnmpi" compare b.h5 slow.h5 --undecided pass
says err "--undecided is about the limit of --fail-on"
expect 2 "$cnnmpi" report b.h5 --control own
says err "--control is not an option of \`cnnmpi report\`"
head -c 100 b.h5 >broken.h5
expect 3 "$cnnmpi" compare b.h5 broken.h5
[[ $(wc -l <err) -eq 1 ]] || { cat err; fail "more than one line about a broken file"; }
