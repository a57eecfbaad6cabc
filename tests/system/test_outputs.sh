#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Outputs replace no input, no results file by a report, and nothing but regular files.
. "$(dirname "$0")/common.sh" "$1"
cnnmpi=$build/cnnmpi
cat >job.yaml <<'EOF'
repeats: 2
factors:
  framework:
    - {name: one, simulate: {time: {run: 1, residual: 0.01}}}
    - {name: two, simulate: {time: {run: 1, residual: 0.01}}}
  architecture: [arch1]
  dataset: [mine]
datasets: {mine: {type: npy, images: X.npy, labels: Y.npy}}
schedule: {sharing: allow}
EOF
printf 'images' >X.npy
printf 'labels' >Y.npy
# unchanged COMMAND...: it is refused and changes none of these.
unchanged() {
    local files=(job.yaml X.npy Y.npy) before
    [[ ! -e b.h5 ]] || files+=(b.h5)
    before=$(cat "${files[@]}" | sha256sum)
    expect 2 "$@"
    [[ $(cat "${files[@]}" | sha256sum) == "$before" ]] || fail "an input changed: $*"
}

# The output of a job is none of its inputs, by whatever name.
ln -s job.yaml link
ln job.yaml hard
mkdir folder
for name in job.yaml "$PWD/job.yaml" ./folder/../job.yaml link hard; do
    unchanged "$cnnmpi" job.yaml --output "$name" --force
    says err "is the job file itself"
done
for name in X.npy "$PWD/Y.npy"; do
    unchanged "$cnnmpi" job.yaml --output "$name" --force
    says err "is a file of a data set"
done
unchanged mpirun -np 2 "$cnnmpi" job.yaml --output job.yaml --force
[[ $(grep -c "job file itself" err) -eq 1 ]] || fail "more than one rank printed"

# Links are followed; what is neither a regular file nor absent is refused.
mkfifo pipe
for name in pipe /dev/null folder; do
    kind=$(stat -c %F "$name")
    expect 2 "$cnnmpi" job.yaml --output "$name"
    expect 2 "$cnnmpi" job.yaml --output "$name" --force
    [[ $(stat -c %F "$name") == "$kind" ]] || fail "$name became another kind of file"
done
says err "is a folder"
ln -s b.h5 results
expect 0 "$cnnmpi" job.yaml --output results --quiet
[[ -L results && -f b.h5 && ! -L b.h5 ]] || fail "a dangling link was not followed"
expect 2 "$cnnmpi" job.yaml --output results --quiet
says err "--resume"
expect 0 "$cnnmpi" job.yaml --output results --quiet --force
[[ -L results ]] || fail "a link was replaced"
ln -s round trip
ln -s trip round
expect 2 "$cnnmpi" job.yaml --output round --force
says err "symbolic link that leads nowhere"

# A report replaces neither its input nor another results file.
cp b.h5 other.h5
ln b.h5 b.hard
for name in b.h5 results b.hard "$PWD/b.h5"; do
    for options in --runs --full "--format latex" "--format csv --table cells"; do
        unchanged "$cnnmpi" report b.h5 $options -o "$name" --force
        says err "is the results file 'b.h5' itself"
    done
done
expect 2 "$cnnmpi" report b.h5 --runs -o other.h5 --force
says err "is a results file"
cmp -s b.h5 other.h5 || fail "a report replaced another results file"
ln -s ../b.h5 folder/cells.csv
unchanged "$cnnmpi" report b.h5 --format csv -o folder --force
rm folder/cells.csv
# The lock of a running job: held here by another process.
expect 2 "$cnnmpi" report b.h5 -o folder
ln -s report.txt report.link
expect 0 "$cnnmpi" report b.h5 -o report.link
[[ -L report.link && -s report.txt ]] || fail "a report does not follow links"
python3 - <<'EOF' &
import fcntl, os, struct, time
fd = os.open("report.txt", os.O_RDWR)
fcntl.fcntl(fd, 37, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0))  # F_OFD_SETLK
open("locked", "w").close()
while not os.path.exists("end"):
    time.sleep(0.01)
EOF
holder=$!
until [[ -e locked ]]; do sleep 0.01; done
size=$(stat -c %s report.txt)
expect 3 "$cnnmpi" report b.h5 --full -o report.txt --force
says err "in use"
[[ $(stat -c %s report.txt) -eq $size ]] || fail "a locked file was replaced"
touch end
wait "$holder"
expect 0 "$cnnmpi" report b.h5 --full -o report.txt --force
# Devices and pipes are written to. (grep -q would close the pipe before the report ends.)
"$cnnmpi" report b.h5 -o /dev/stdout | grep "What was found" >/dev/null || fail "nothing on /dev/stdout"

# A file that may grow no further: an error, and no half of a report.
for name in limited.txt report.txt; do
    got=0
    (ulimit -f 2 && exec "$cnnmpi" report b.h5 --full -o "$name" --force) 2>err || got=$?
    [[ $got -eq 3 ]] || fail "status $got at the largest size of a file"
    says err "File too large"
    [[ ! -e $name ]] || fail "half of a report was left"
done

# Paths as people write them.
export HOME=$work/home SCRATCH=$work/scratch
mkdir "$HOME" "$SCRATCH"
expect 0 "$cnnmpi" job.yaml --output='~/a.h5' --quiet
expect 0 "$cnnmpi" job.yaml --set 'output=$SCRATCH/b.h5' --quiet
expect 0 "$cnnmpi" job.yaml --set 'output=${SCRATCH}/c$$.h5' --quiet
[[ -f $HOME/a.h5 && -f $SCRATCH/b.h5 && -f "$SCRATCH/c\$.h5" ]] || fail "$(ls -R)"
expect 0 "$cnnmpi" report b.h5 --output='$SCRATCH/report.txt'
[[ -s $SCRATCH/report.txt ]] || fail "a report's path was not expanded"
expect 2 "$cnnmpi" job.yaml --set 'output=$NOWHERE/b.h5'
says err "no variable NOWHERE"
expect 2 "$cnnmpi" job.yaml --output='~other/b.h5'
says err "another user"
expect 2 mpirun -np 2 "$cnnmpi" job.yaml --set 'output=$NOWHERE/b.h5'
[[ -z $(find . -name '*~*' -o -name '$*') ]] || fail "a folder was made: $(ls)"
# A file whose job names a variable that is gone can still be read, and resumed where it is set.
expect 0 env -u SCRATCH "$cnnmpi" report "$SCRATCH/b.h5"
expect 0 "$cnnmpi" job.yaml --set 'output=$SCRATCH/b.h5' --resume
echo ok
