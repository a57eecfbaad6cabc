#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# trainers/setup with packages of this test's own, without a network: an environment that is interrupted,
# made, there already, refused for a wrong hash, and not to be had.
. "$(dirname "$0")/../system/common.sh" "$1"
python3 -c 'import venv, ensurepip' 2>/dev/null || { echo "skipped: python3 has no venv (python3-venv)"; exit 77; }
mkdir -p trainers/requirements wheels
cp "$source_tree/trainers/setup" trainers/setup
export CNNMPI_ENVIRONMENTS=$work/environments PIP_CONFIG_FILE=/dev/null PIP_NO_INDEX=1 PIP_FIND_LINKS=$work/wheels
export PIP_CACHE_DIR=$work/cache CNN_PYTHON=python3
list=$work/trainers/requirements/tensorflow.txt
python=$CNNMPI_ENVIRONMENTS/tensorflow/bin/python3

# wheel NAME: a package of one module; prints its requirement.
wheel() {
    python3 - "$1" <<'END'
import hashlib, sys, zipfile
name = sys.argv[1]
path = f"wheels/{name}-1.0-py3-none-any.whl"
info = f"{name}-1.0.dist-info"
files = {f"{name}.py": "answer = 42\n",
         f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
         f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"}
files[f"{info}/RECORD"] = "".join(f"{file},,\n" for file in [*files, f"{info}/RECORD"])
with zipfile.ZipFile(path, "w") as archive:
    for file, text in files.items():
        archive.writestr(file, text)
print(f"{name}==1.0 --hash=sha256:{hashlib.sha256(open(path, 'rb').read()).hexdigest()}")
END
}
{ echo "# 2 kB to download"; wheel first; wheel second; } >"$list"

# Killed while pip reads the second package, when the first one is done. The rest is as a kill would have
# left it in the middle of an installation.
mv wheels/second-1.0-py3-none-any.whl second.whl
mkfifo wheels/second-1.0-py3-none-any.whl
setsid trainers/setup keras >out 2>err </dev/null &
setup=$!
exec 3>wheels/second-1.0-py3-none-any.whl # goes on when pip opens it
until [[ -e $CNNMPI_ENVIRONMENTS/tensorflow.part/done/first==1.0 ]]; do
    kill -0 "$setup" || { cat out err; fail "setup has ended"; }
    sleep 0.05
done
says out "tensorflow: 2 kB to download, into $CNNMPI_ENVIRONMENTS/tensorflow"
kill -KILL -- "-$setup"
wait "$setup" || true
exec 3>&-
[[ ! -e $python ]] || fail "an incomplete environment has its name"
mv second.whl wheels/second-1.0-py3-none-any.whl
mv wheels/first-1.0-py3-none-any.whl first.whl # it is not downloaded twice
packages=$(echo "$CNNMPI_ENVIRONMENTS"/tensorflow.part/environment/lib/python3*/site-packages)
mkdir "$packages/first-1.0.dist-info"
printf 'Metadata-Version: 2.1\nName: first\nVersion: 1.0\n' >"$packages/first-1.0.dist-info/METADATA"

expect 0 trainers/setup keras
says out "tensorflow is ready"
"$python" -c 'import first, second; assert first.answer + second.answer == 84' || fail "its packages"
[[ $(ls "$CNNMPI_ENVIRONMENTS") == tensorflow ]] || fail "left: $(ls "$CNNMPI_ENVIRONMENTS")"
expect 0 trainers/setup tensorflow
says out "tensorflow is there"
mv first.whl wheels/first-1.0-py3-none-any.whl

# Other pins make it anew; what fails leaves the old one as it is.
cp "$list" good
sed -i '$s/sha256:..../sha256:0000/' "$list"
expect 1 trainers/setup tensorflow
says err "DO NOT MATCH THE HASHES"
echo "absent==1.0 --hash=sha256:$(printf '0%.0s' {1..64})" >>good
cp good "$list"
expect 3 trainers/setup tensorflow
says err "Not all packages could be had"
"$python" -c 'import first, second' || fail "the old environment"
cp "$CNNMPI_ENVIRONMENTS/tensorflow/requirements.txt" "$list"
expect 0 trainers/setup tensorflow
says out "tensorflow is there"
expect 2 trainers/setup caffe
expect 2 trainers/setup
echo ok
