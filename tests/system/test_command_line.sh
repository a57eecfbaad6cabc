#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Exit statuses and messages of the commands.
. "$(dirname "$0")/common.sh" "$1"
cnnmpi=$build/cnnmpi
cp "$here/tiny.yaml" .

expect 0 "$cnnmpi" --help
says out "Usage:"
expect 0 "$cnnmpi" version
expect 2 "$cnnmpi"
says err "no job file given"
expect 2 "$cnnmpi" tiny.yaml --resme
says err "did you mean --resume?"
expect 2 "$cnnmpi" tiny.yaml --resume --force
expect 2 "$cnnmpi" reprot tiny.h5
says err "did you mean report?"
expect 2 "$cnnmpi" statsu
says err "did you mean status?"
expect 2 "$cnnmpi" tiny.yaml --progress liev
says err "auto, live or plain; did you mean live?"
expect 2 "$cnnmpi" tiny.yaml --output new/
says err "this is a folder"
[[ ! -e new ]] || fail "--output new/ made a folder"
expect 2 "$cnnmpi" tiny.yaml --set
# Options that a command would ignore, and names that it could not keep.
expect 2 "$cnnmpi" tiny.yaml --ranks 4
says err "mpirun -np 4"
expect 2 "$cnnmpi" report tiny.h5 --set seed=1
expect 2 "$cnnmpi" report --ranks 2 tiny.h5
expect 2 "$cnnmpi" plan tiny.yaml --resume
expect 2 "$cnnmpi" data --status tiny.yaml
says err "--status is not an option of"
expect 2 "$cnnmpi" tiny.yaml --output $'a\xff.h5'
says err "UTF-8"
[[ ! -e tiny.h5 ]] || fail "a wrong command line left a results file"
expect 3 "$cnnmpi" absent.yaml
says err "absent.yaml"

# A wrong job file: every error in one pass, each with its place, and nothing is written.
printf 'repeats: many\nfactors:\n  framework: [nativ, layered]\n  architecture: [arch1]\n  dataset: [mnist]\nepoks: 3\n' >bad.yaml
for command in "" plan data; do
    expect 2 "$cnnmpi" $command bad.yaml
    says err "bad.yaml:1:10: error:"
    says err "bad.yaml:3:15: error:"
    says err "did you mean 'native'?"
    says err "bad.yaml:6:1: error:"
done
[[ ! -e bad.h5 ]] || fail "a wrong job left a results file"
# What follows a byte that is no text is not cut off, whatever the command.
{ cat tiny.yaml; printf '\0repeats: 3\n'; } >cut.yaml
for command in "" plan data; do
    expect 2 "$cnnmpi" $command cut.yaml
    says err "byte 0x00"
done
expect 2 "$cnnmpi" tiny.yaml --set train.epochs=0
says err "--set train.epochs=0"

# Missing data: status 3, before anything runs.
sed 's/\[blobs\]/[idc]/' tiny.yaml >missing.yaml
expect 3 "$cnnmpi" missing.yaml
says err "idc"
[[ ! -e tiny.h5 ]] || fail "missing data left a results file"
expect 3 "$cnnmpi" tiny.yaml --set datasets.blobs.limit=1000
says err "error: data set 'blobs': limit is 1000"
expect 2 "$cnnmpi" plan tiny.yaml --set 'architectures.small.0={maxpool: {window: 99, padding: valid}}'
says err "99x99 does not fit"
[[ -n $(tail -n 1 err) ]] || fail "an empty line after the error"
expect 3 "$cnnmpi" data missing.yaml
expect 0 "$cnnmpi" data tiny.yaml
says out "blobs"

expect 0 "$cnnmpi" plan tiny.yaml --ranks 3
says out "native"
# A margin that is finer than one test image is warned of; one that is not, is not.
expect 0 "$cnnmpi" plan tiny.yaml --set analysis.margin_error=0.0001
says out 'test images of'
says out 'more than the margin'
expect 0 "$cnnmpi" plan tiny.yaml --set analysis.margin_error=0.5
! grep -q 'test images of' out || fail "a warning without need"
# Which variance components the plan can tell apart: one device says nothing of devices.
expect 0 "$cnnmpi" plan tiny.yaml --ranks 1 --set repeats=4
says out "  device             all runs were on one device"
says out "  block              yes"
expect 0 "$cnnmpi" plan tiny.yaml --ranks 2 --set repeats=4
says out "  device             yes"
says out "  device x contrast  yes"
expect 0 "$cnnmpi" plan "$source_tree/jobs/all.yaml" --ranks 4

# Tables that nobody can read are no success.
for command in "plan tiny.yaml" "data tiny.yaml" help version; do
    got=0
    "$cnnmpi" $command >/dev/full 2>err || got=$?
    [[ $got -eq 3 ]] || fail "status $got of $command with a full standard output"
    says err "standard output"
done

# A run on one rank, its report, and what protects its file.
expect 0 "$cnnmpi" tiny.yaml
says out "arch1"
expect 0 "$cnnmpi" report tiny.h5
expect 0 "$cnnmpi" report tiny.h5 --status
expect 0 "$cnnmpi" status tiny.h5
says out "state     complete"
expect 3 "$cnnmpi" status absent.h5
expect 2 "$cnnmpi" status
says err "no results file given"
expect 2 "$cnnmpi" status tiny.h5 --ranks 2
before=$(sha256sum <tiny.h5)
expect 2 "$cnnmpi" tiny.yaml
says err "--resume"
expect 0 "$cnnmpi" tiny.yaml --resume
[[ $before == "$(sha256sum <tiny.h5)" ]] || fail "a finished file changed"
expect 2 "$cnnmpi" tiny.yaml --resume --set train.learning_rate=0.06
says err '"learning_rate":0.05 there, "learning_rate":0.06 here'
expect 3 "$cnnmpi" report tiny.yaml
expect 3 "$cnnmpi" report absent.h5
# The rows themselves.
expect 0 "$cnnmpi" report tiny.h5 --runs
[[ $(head -c 30 out) == run,status,framework,archit* ]] || { cat out; fail "columns of --runs"; }
says out ",done,native,small,blobs,"
expect 0 "$cnnmpi" report --attempts tiny.h5 -o attempts.csv
says attempts.csv ",done,native,small,blobs,"
expect 2 "$cnnmpi" report --attempts tiny.h5 -o attempts.csv
expect 2 "$cnnmpi" report --runs tiny.h5 --format latex
expect 2 "$cnnmpi" report --runs --attempts tiny.h5

# The published study needs no file; its tables as files.
expect 0 "$cnnmpi" report --published
says out "6 of 6 statistics of training time are reproduced"
expect 0 "$cnnmpi" report --published --format csv --table published_claims
says out "claim_name,claim,verdict"
expect 2 "$cnnmpi" report --published --format csv
says err "-o FOLDER"
expect 2 "$cnnmpi" report --published --table claims
says err "published_claims"
expect 0 "$cnnmpi" report --published --format csv -o tables
[[ $(ls tables) == $(printf 'published_%s.csv\n' accuracies accuracy_variances claims time_variances times) ]] ||
    fail "tables: $(ls tables)"
expect 2 "$cnnmpi" report --published --format csv --output tables
says err "--force"
expect 0 "$cnnmpi" report --published --format csv --output tables --force
expect 0 "$cnnmpi" report --published --format latex -o study.tex
[[ ! -s out ]] || fail "-o printed"
says study.tex '\begin{tabular}'
expect 2 "$cnnmpi" report --published --format latex -o study.tex
expect 3 "$cnnmpi" report --published -o absent/study.txt
got=0
"$cnnmpi" report --published >/dev/full 2>err || got=$?
[[ $got -eq 3 ]] || fail "status $got of a report with a full standard output"
expect 2 "$cnnmpi" report --published tiny.h5
expect 2 "$cnnmpi" report --published --format pdf
says err "text, csv, latex, html, json or markdown"
expect 2 "$cnnmpi" tiny.yaml --full
# What --status calls complete, --resume leaves alone: warm-up runs do not count.
expect 0 "$cnnmpi" tiny.yaml --force --quiet --set schedule.warmup=1
if /usr/bin/python3 -c "import h5py" 2>/dev/null; then
    /usr/bin/python3 -c "import h5py; h5py.File('tiny.h5', 'r+')['status'][0] = 0"
    expect 0 "$cnnmpi" tiny.yaml --resume --quiet --set schedule.warmup=1
    expect 0 "$cnnmpi" report tiny.h5 --status
    /usr/bin/python3 -c "import h5py; h5py.File('tiny.h5', 'r+')['status'][3] = 0"
    expect 75 "$cnnmpi" report tiny.h5 --status
fi
expect 0 "$cnnmpi" tiny.yaml --force --quiet
[[ ! -s out ]] || fail "--quiet printed"
echo ok
