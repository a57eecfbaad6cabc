# SPDX-License-Identifier: Apache-2.0
"""Every run was trained exactly once, and its row is its own: check_scale.py FILE NOTES LOG RUNS RANKS.

Three independent witnesses: the results file, the trainers' notes (a line at their start, "RUN SEED
PID", one at their end, "RUN SEED end"), and the log's lines "[DONE/PLANNED]". Null trainers return their
run's seed as checksum of the weights, so that a row that another run has written is found.
"""
import collections
import re
import sys

import h5py
import numpy as np


def expect(good, what):
    if not good:
        sys.exit(f"check_scale.py: {what}")


def check_rows(f, runs):
    """Every row is whole, and of one attempt, the first."""
    expect(f["run"].shape == (runs,), f"{f['run'].shape[0]} rows")
    for name, value in [("status", 1), ("attempts", 1), ("epochs_done", 2), ("session", 0)]:
        wrong = np.flatnonzero(f[name][()] != value)
        expect(len(wrong) == 0, f"{name} of {len(wrong)} rows is not {value}: {wrong[:10]}")
    for name in ["start_time", "life_seconds", "train_seconds", "epoch_seconds", "epoch_test_error"]:
        expect(np.isfinite(f[name][()]).all(), f"{name} has gaps")
    done = f["attempt_outcome"][()] != 0
    expect((np.sort(f["attempt_run"][()][done]) == np.arange(runs)).all(), "attempts and runs differ")
    expect((f["attempt_number"][()][done] == f["attempt_number"][()].min()).all(), "a later attempt")
    seeds = [b"%016x" % seed for seed in f["seed"][()]]
    sums = [bytes(row).rstrip(b"\0") for row in f["weight_checksum"][()]]
    expect(sums == seeds, "a row has the results of another run")


def check_devices(f, runs, ranks):
    """Each rank has done what the plan gave it; counts of blocks of two runs differ by at most 1."""
    rank = f["rank"][()]
    expect((rank == f["planned_device"][()]).all(), "a run was trained on another rank than planned")
    expect((rank == f["attempt_rank"][()][f["attempt_outcome"][()] != 0]).all(), "attempts elsewhere")
    count = np.bincount(rank, minlength=ranks)
    expect(len(count) == ranks and count.sum() == runs and np.ptp(count) <= 2, f"runs by rank: {count}")
    return count


def check_notes(path, f):
    """One process began and ended each run, with the seed of its row."""
    begun, ended = collections.Counter(), collections.Counter()
    with open(path) as notes:
        for line in notes:
            run, seed, what = line.split()
            (ended if what == "end" else begun)[(int(run), int(seed))] += 1
    planned = collections.Counter(enumerate(f["seed"][()].tolist()))
    expect(begun == planned, f"starts: lost {planned - begun}, more than once {begun - planned}")
    expect(ended == planned, f"ends: lost {planned - ended}, more than once {ended - planned}")


def check_log(path, runs):
    with open(path, errors="replace") as log:
        said = [int(n) for n in re.findall(rf"\[(\d+)/{runs}\]", log.read())]
    expect(said == list(range(1, runs + 1)), f"{len(said)} lines of finished runs in the log")


def main():
    file, notes, log, runs, ranks = sys.argv[1:]
    with h5py.File(file, "r") as f:
        check_rows(f, int(runs))
        count = check_devices(f, int(runs), int(ranks))
        check_notes(notes, f)
    check_log(log, int(runs))
    print(f"each of {runs} runs exactly once; {count.min()} to {count.max()} a rank")


main()
