#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# jobs/pytorch.yaml through cnnmpi: three frameworks in one block, one of which shares no code with ours.
. "$(dirname "$0")/common.sh" "$1"
[[ -d /usr/share/datasets/fashion-mnist ]] || { echo "skipped: dataset-fashion-mnist is not installed"; exit 77; }
mkdir python
for python in python3 /usr/bin/python3; do
    "$python" -c 'import numpy, torch' 2>/dev/null && { ln -s "$(command -v $python)" python/python3; break; }
done
[[ -e python/python3 ]] || { echo "skipped: no python3 with NumPy and PyTorch"; exit 77; }
export PATH=$work/python:$PATH
expect 0 mpirun -np 2 "$build/cnnmpi" "$source_tree/jobs/pytorch.yaml" --output torch.h5 \
    --set repeats=2 --set datasets.fashion_mnist.limit=640 --set datasets.fashion_mnist.test_limit=200
says out "torch / arch1 / fashion_mnist"
says out "6 planned: 6 done"
! grep -q UNEQUAL out || { cat out; fail "the frameworks differ in parameters, images or threads"; }
# Same seeds, weights and batches: the mean test errors agree to half a point.
expect 0 "$build/cnnmpi" report torch.h5 --format csv --runs
python3 - out <<'END' || { cat out; fail "test errors of the frameworks differ"; }
import csv, statistics, sys
errors = {}
for row in csv.DictReader(open(sys.argv[1])):
    errors.setdefault(row["framework"], []).append(float(row["test_error"]))
means = [statistics.mean(values) for values in errors.values()]
assert sorted(errors) == ["layered", "native", "torch"], errors
assert all(len(values) == 2 for values in errors.values()), errors
assert max(means) - min(means) <= 0.005, errors
END
echo ok
