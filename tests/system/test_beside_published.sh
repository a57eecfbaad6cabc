#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The report of a job with the study's frameworks and cells sets its figures beside the printed ones: of
# jobs/published.yaml with simulated frameworks, whose truth is known.
. "$(dirname "$0")/common.sh" "$1"
cnnmpi=$build/cnnmpi
# study FILE LEVEL LEVEL: TensorFlow takes 0.8 of Keras's time and errs by 0.5 points more.
study() {
    local keras='{name: keras, simulate: {time: {run: 100, residual: 0.01}, error: {mean: 0.1, residual: 0.001}}}'
    local tensorflow='{name: tensorflow, simulate: {time: {run: 100, ratio: 0.8, residual: 0.01}, '
    tensorflow+='error: {mean: 0.1, effect: 0.005, residual: 0.001}}}'
    expect 0 mpirun -np 1 "$cnnmpi" "$source_tree/jobs/published.yaml" --quiet --output "$1" --set repeats=8 \
        --set train.epochs=1 --set "factors.framework=[${!2}, ${!3}]"
    expect 0 "$cnnmpi" report "$1" --format csv --table study_times
    cp out "$1.times"
    expect 0 "$cnnmpi" report "$1" --format csv --table study_errors
    cp out "$1.errors"
}
study forward.h5 keras tensorflow
study backward.h5 tensorflow keras

# The figures there are those of the study's tables, the figures here are the truth, whichever level
# stands first.
python3 - "$source_tree/share/published.csv" <<'END' || { cat ./*.times ./*.errors; fail "figures"; }
import csv, sys

NAMES = {"A1": "arch1", "A2": "arch2", "MNIST": "mnist", "F-MNIST": "fashion_mnist", "cancer": "idc"}


def read(path):
    return list(csv.DictReader(open(path)))


printed = {}
for row in read(sys.argv[1]):
    keras, tensorflow = float(row["keras_mean"]), float(row["tensorflow_mean"])
    study = row["architecture"], row["dataset"]
    printed.setdefault(study, {})[row["measure"]] = keras, tensorflow


def case(name):
    return printed[tuple(NAMES[word] for word in name.split())]


for job in "forward.h5", "backward.h5":
    times, errors = read(f"{job}.times"), read(f"{job}.errors")
    assert len(times) == len(errors) == 6, job
    assert len({row["study"] for row in times}) == 6, times
    for row in times:
        keras, tensorflow = case(row["study"])["time"]
        assert abs(float(row["published_ratio"]) - tensorflow / keras) < 1e-9, row
        lower, upper = float(row["ratio_low"]), float(row["ratio_high"])
        assert lower < float(row["ratio"]) < upper and 0.78 < lower and upper < 0.82, row
        assert row["verdict"] == "faster", row
        direction = "faster" if tensorflow < keras else "slower"
        if row["study"] == "A2 MNIST":
            direction = "not significant"
        assert row["published_verdict"] == direction, row
    for row in errors:
        keras, tensorflow = case(row["study"])["accuracy"]
        assert abs(float(row["published_difference"]) - (keras - tensorflow)) < 1e-9, row
        lower, upper = float(row["difference_low"]), float(row["difference_high"])
        assert lower < float(row["difference"]) < upper and 0.002 < lower and upper < 0.008, row
        assert row["verdict"] == "more", row
        assert row["published_verdict"] == ("more" if tensorflow < keras else "less"), row
END

# In the text as well, with both frameworks named.
expect 0 "$cnnmpi" report backward.h5 --full
says out "Training time beside the published study: TensorFlow over Keras, there and here"
says out "Test error beside the published study: TensorFlow minus Keras, there and here"
echo ok
