#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# No text from files or names steers a terminal: control characters, C1 and changes of direction.
. "$(dirname "$0")/common.sh" "$1"
cnnmpi=$build/cnnmpi
cp "$here/tiny.yaml" .
esc=$'\e[31m\a' c1=$'\xc2\x9b31m' bidi=$'\xe2\x80\xae'

# clean: neither output of the last command holds a byte that steers a terminal.
clean() {
    local steering='[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xaa-\xae]|\xe2\x81[\xa6-\xa9]'
    ! LC_ALL=C grep -qP "$steering" out err || { cat -v out err; fail "$1"; }
}

# Names in job files.
for name in "$c1" "$bidi" "$esc"; do
    sed "s/blobs/x${name}y/" tiny.yaml >names.yaml
    for command in "" plan data; do
        expect 2 "$cnnmpi" $command names.yaml
        says err "names.yaml:"
        clean "a name of a job file, $command"
    done
done
sed 's/blobs/"x\\u202ey"/' tiny.yaml >names.yaml
expect 2 "$cnnmpi" plan names.yaml
says err "control characters"
clean "an escape in a job file"

# Names of files, of any command.
for name in "$esc" "$c1" "$bidi" $'\xff'; do
    expect 3 "$cnnmpi" "a$name.yaml"
    clean "a job that is not there"
    for command in plan data report status; do
        expect 3 "$cnnmpi" $command "a$name"
        clean "$command of a file that is not there"
    done
    expect 2 "$cnnmpi" --"$name" tiny.yaml
    clean "an option"
    expect 2 "$build/cnntrain-simulate" --architecture "$name"
    clean "an argument of a trainer"
done

# A damaged picture.
mkdir -p t/p/0 t/p/1
for class in 0 1; do printf 'no picture' >"t/p/$class/e${esc}${c1}.png"; done
cat >png.yaml <<'EOF'
repeats: 1
factors: {framework: [native, layered], architecture: [arch1], dataset: [mine]}
datasets: {mine: {type: png_tree, path: t}}
EOF
expect 3 "$cnnmpi" data png.yaml
says out "?[31m"
clean "a damaged picture"
cat >png.json <<EOF
{"protocol": 1, "seed": 1, "threads": 1,
 "network": {"name": "n\u009b", "layers": [{"dense": "classes"}]},
 "dataset": {"name": "d", "source": {"type": "png_tree", "path": "$PWD/t"}}}
EOF
got=0
"$build/cnntrain-onednn" --spec png.json >out 2>err || got=$?
[[ $got -eq 3 ]] || { cat -v out err; fail "exit status $got of a trainer"; }
says err "?[31m"
clean "a damaged picture, by a trainer"

# What a results file holds, whoever wrote it.
expect 0 "$cnnmpi" tiny.yaml --quiet
/usr/bin/env python3 - <<'EOF'
data = open("tiny.h5", "rb").read()
steering = [b"\x1b[31m ", b"\x07\xc2\x9b31m", b"\xe2\x80\xae\xe2\x81\xa6"]
parts = data.split(b"oneDNN")
assert len(parts) > 3
out = parts[0]
for i, part in enumerate(parts[1:]):
    out += steering[i % 3] + part
open("tiny.h5", "wb").write(out)
EOF
for options in "" --full --runs --attempts "--full --format latex"; do
    expect 0 "$cnnmpi" report tiny.h5 $options
    clean "report $options"
done
expect 0 "$cnnmpi" report tiny.h5 --runs
says out "?[31m"
expect 0 "$cnnmpi" status tiny.h5
clean "status"
expect 0 "$cnnmpi" plan tiny.yaml --from tiny.h5
clean "plan --from"
echo ok
