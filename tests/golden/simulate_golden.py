#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes simulate_draws.csv: simulated runs as src/simulate/draw.h describes them, computed without
our code.

    python3 tests/golden/simulate_golden.py > tests/golden/simulate_draws.csv
"""
import csv
import math
import struct
import sys

SIMULATE = 7  # the purpose of these random numbers
NODE, DEVICE, DEVICE_FRAMEWORK, BLOCK, RESIDUAL, SEED, RUN_RESIDUAL = range(7)
ERROR = 16  # added for the test error's
OUTLIER, DIVERGENCE, NONDETERMINISM, FAILURE, HANG, END = range(32, 38)
MASK32, MASK64 = 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF


def philox(key, counter):
    k, c = [key & MASK32, key >> 32], list(counter)
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(p1 >> 32) ^ c[1] ^ k[0], p1 & MASK32, (p0 >> 32) ^ c[3] ^ k[1], p0 & MASK32]
        k = [(k[0] + 0x9E3779B9) & MASK32, (k[1] + 0xBB67AE85) & MASK32]
    return c


def fnv1a(data, h=0xCBF29CE484222325):
    for byte in data:
        h = ((h ^ byte) * 0x100000001B3) & MASK64
    return h


def name(*names):
    return fnv1a(b"".join(n.encode() + b"\0" for n in names))


def uniform(seed, component, index):
    w = philox(seed, (index & MASK32, index >> 32, component, SIMULATE))
    return ((w[0] * 2.0**32 + w[1] + 0.5) * 2.0**-64, (w[2] * 2.0**32 + w[3] + 0.5) * 2.0**-64)


def standard(seed, component, index, df=0):
    u, v = uniform(seed, component, index)
    if df:
        return math.sqrt(df * (u ** (-2 / df) - 1)) * math.cos(2 * math.pi * v) * math.sqrt((df - 2) / df)
    return math.sqrt(-2 * math.log(u)) * math.cos(2 * math.pi * v)


def effects(r, sd, measure):
    node, device = name(r["node"]), name(r["node"], r["device"])
    both = name(r["node"], r["device"], r["framework"])
    machine = r["machine_seed"] if r["machine_seed"] >= 0 else r["job_seed"]
    return (sd["node"] * standard(machine, measure + NODE, node)
            + sd["device"] * standard(machine, measure + DEVICE, device)
            + sd["device_framework"] * standard(machine, measure + DEVICE_FRAMEWORK, both)
            + sd["block"] * standard(r["job_seed"], measure + BLOCK, r["block"]))


def simulate(r):
    job, run = r["job_seed"], r["run"]
    time, error = r["time"], r["error"]
    deterministic = uniform(job, NONDETERMINISM, run)[1] >= r["nondeterminism"]
    x = math.log(time["run"] * time["ratio"]) + time["drift"] * r["order"] + effects(r, time, 0)
    x += time["residual"] * standard(job, RESIDUAL, run, time["df"])
    outlier = uniform(job, OUTLIER, run)[1] < time["outlier_probability"]
    x += math.log(time["outlier_factor"]) if outlier else 0
    cell = fnv1a(r["cell"].encode() + b"\0" + struct.pack("<I", r["seed"]))
    e = error["mean"] + error["effect"] + effects(r, error, ERROR)
    e += error["seed"] * standard(job, ERROR + SEED, r["seed"])
    e += error["residual"] * (standard(job, ERROR + RESIDUAL, cell, error["df"]) if deterministic
                              else standard(job, ERROR + RUN_RESIDUAL, run, error["df"]))
    attempt = run << 32 | r["attempt"]
    end = "done"
    if uniform(job, FAILURE, attempt)[1] < r["failures"]:
        end = ("error", "exit", "signal")[int(3 * uniform(job, END, attempt)[0])]
    elif uniform(job, HANG, attempt)[1] < r["hangs"]:
        end = "hang"
    elif uniform(job, DIVERGENCE, run)[1] < r["divergence"]:
        end = "diverged"
    return {"seconds": repr(math.exp(x)), "test_error": repr(min(max(e, 0), 1)),
            "deterministic": int(deterministic), "end": end}


BASE = {
    "framework": "sim_a", "cell": "sim_a / arch1 / mnist", "node": "n0", "device": "d1", "job_seed": 7,
    "machine_seed": -1, "seed": 12345, "run": 3, "block": 1, "order": 5, "attempt": 0, "failures": 0,
    "hangs": 0, "divergence": 0, "nondeterminism": 0,
    "time": {"run": 300, "ratio": 1.02, "drift": 0.001, "node": 0.02, "device": 0.03,
             "device_framework": 0.005, "block": 0.01, "residual": 0.015, "df": 0,
             "outlier_probability": 0, "outlier_factor": 1},
    "error": {"mean": 0.1, "effect": 0.01, "node": 0.001, "device": 0.002, "device_framework": 0.001,
              "block": 0.001, "residual": 0.004, "df": 0, "seed": 0.003},
}
CHANGES = [
    {}, {"node": "n1"}, {"device": "d2"}, {"framework": "sim_b"}, {"block": 2}, {"order": 6}, {"run": 4},
    {"seed": 1}, {"job_seed": 2147483647}, {"machine_seed": 11}, {"cell": "sim_b / größe"},
    {"time.df": 3}, {"error.df": 2.5}, {"nondeterminism": 1}, {"time.residual": 0},
    {"time.outlier_probability": 1, "time.outlier_factor": 2.5}, {"error.mean": 0, "error.effect": -1},
    {"failures": 1}, {"failures": 1, "run": 5}, {"failures": 1, "run": 6}, {"failures": 1, "attempt": 1},
    {"failures": 0.5}, {"failures": 0.5, "attempt": 1}, {"failures": 0.5, "attempt": 2}, {"hangs": 1},
    {"divergence": 1}, {"divergence": 0.5, "run": 8}, {"divergence": 0.5, "run": 9},
]


def with_changes(changes):
    r = {k: dict(v) if isinstance(v, dict) else v for k, v in BASE.items()}
    for key, value in changes.items():
        part, _, member = key.rpartition(".")
        (r[part] if part else r)[member] = value
    return r


def flat(r):
    row = {k: v for k, v in r.items() if not isinstance(v, dict)}
    for part in ("time", "error"):
        row.update({f"{part}.{k}": v for k, v in r[part].items()})
    return row


rows = [flat(r) | simulate(r) for r in map(with_changes, CHANGES)]
writer = csv.DictWriter(sys.stdout, rows[0].keys(), lineterminator="\n")
writer.writeheader()
writer.writerows(rows)
