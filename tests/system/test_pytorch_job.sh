#!/usr/bin/env bash
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
# Same seeds, weights and batches: the mean test errors agree to half a point.
awk '/^Test error, % of/ && !/minus/ {table = 1; next} /^$/ {table = 0}
    table && / n +mean/ {next} table {n++; mean = $(NF - 4); if (n == 1 || mean < least) least = mean
        if (n == 1 || mean > most) most = mean}
    END {exit !(n == 3 && most - least <= 0.5)}' out || { cat out; fail "test errors of the frameworks differ"; }
echo ok
