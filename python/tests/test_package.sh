#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# test_package.sh PYTHON: the wheel builds without a network, has the tree's version, and what it installs can
# be imported from elsewhere.
set -euo pipefail
python=$1
here=$(cd "$(dirname "$0")/.." && pwd)
"$python" -c 'import setuptools, wheel, numpy' 2>/dev/null && "$python" -m pip --version >/dev/null 2>&1 ||
    { echo "skipped: $python lacks pip, setuptools, wheel or NumPy"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r "$here" "$work/python" # setuptools writes into the folder
cd "$work"
"$python" -m pip wheel -q --no-index --no-deps --no-build-isolation -w wheels ./python >log 2>&1 || { cat log; exit 1; }
version=$(sed -n 's/^project(cnnmpi VERSION \([0-9.]*\).*/\1/p' "$here/../CMakeLists.txt")
wheel=wheels/cnnmpi-$version-py3-none-any.whl
[[ -f $wheel ]] || { echo "no $wheel, but:"; ls wheels; exit 1; }
mkdir installed
"$python" -m zipfile -e "$wheel" installed
for file in cnnmpi/py.typed cnnmpi/trainer.py cnnmpi/contender.py cnnmpi/results.py; do
    [[ -f installed/$file ]] || { echo "$file is not in the wheel"; exit 1; }
done
[[ ! -e installed/examples && ! -e installed/tests ]] || { echo "too much in the wheel"; exit 1; }
cd /
PYTHONPATH=$work/installed "$python" -c 'from cnnmpi import contender, trainer; assert trainer.PROTOCOLS[0] == 1'
echo ok
