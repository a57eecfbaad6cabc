#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# jobs/published-small.yaml through cnnmpi with real TensorFlow and Keras: one cell of each framework.
. "$(dirname "$0")/common.sh" "$1"
cnnmpi=$build/cnnmpi
job=$source_tree/jobs/published-small.yaml
[[ -d /usr/share/datasets/fashion-mnist ]] || { echo "skipped: dataset-fashion-mnist is not installed"; exit 77; }

# Without an environment no run starts, and the message holds the command that makes it.
CNNMPI_ENVIRONMENTS=$work/none expect 3 "$cnnmpi" "$job" --output none.h5 --set 'factors.dataset=[fashion_mnist]'
says err "trainers/setup tensorflow"
[[ ! -e none.h5 ]] || fail "a results file without runs"

environments=${CNNMPI_ENVIRONMENTS:-${XDG_CACHE_HOME:-$HOME/.cache}/cnnmpi/environments}
[[ -x $environments/tensorflow/bin/python3 ]] ||
    { echo "skipped: no environment tensorflow; trainers/setup tensorflow makes it"; exit 77; }
expect 0 mpirun -np 1 "$cnnmpi" "$job" --output small.h5 --set repeats=1 --set 'factors.architecture=[arch1]' \
    --set 'factors.dataset=[fashion_mnist]' --set backend=onednn
says out "2 planned: 2 done"
! grep -q UNEQUAL out || { cat out; fail "the frameworks differ in parameters, images or threads"; }
expect 0 "$cnnmpi" report small.h5 --full
says out "Training time beside the published study: TensorFlow over Keras, there and here"
expect 0 "$cnnmpi" report small.h5 --format csv --runs
python3 - out <<'END' || { cat out; fail "the runs"; }
import csv, sys
rows = list(csv.DictReader(open(sys.argv[1])))
keras, tensorflow = sorted(rows, key=lambda row: row["framework"])
assert (keras["framework"], tensorflow["framework"]) == ("keras", "tensorflow"), rows
assert "Keras" in keras["versions"] and "graph" in tensorflow["versions"], rows
assert keras["data_checksum"] == tensorflow["data_checksum"] != "", rows
assert {row["parameters"] for row in rows} == {"28938"}, rows
# The same weights and batches: at most an image apart, of 100.
assert abs(float(keras["test_error"]) - float(tensorflow["test_error"])) <= 0.0101, rows
END
echo ok
