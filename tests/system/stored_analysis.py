# SPDX-License-Identifier: Apache-2.0
"""stored_analysis.py FILE FOLDER: every figure of /analysis is that of a report's CSV tables."""
import csv
import math
import sys

import h5py


def text(cell):
    return b"".join(cell).rstrip(b"\0").decode()


def rows(folder, name):
    with open(f"{folder}/{name}.csv", newline="", encoding="utf-8") as f:
        return list(csv.DictReader(f))


def compare(analysis, prefix, at, row):
    """Columns of a row that are variables, too, by their names after the prefix."""
    same = 0
    for column, cell in row.items():
        variable = analysis.get(prefix + column)
        if variable is None or "CLASS" in variable.attrs or variable.dtype.kind == "S":
            continue
        stored = variable[at]
        shown = math.nan if cell == "" else float(cell)
        unknown = math.isnan(shown) and (stored != stored or stored == -1)
        assert unknown or stored == shown, (prefix + column, at, stored, cell)
        same += 1
    return same


def is_over(variable, dimension):
    """Whether a variable has this first dimension, and measures as its second."""
    dims = [d[0].name.rsplit("/")[-1] for d in variable.dims if len(d)]
    return dims == [dimension, "measure"]


def count(analysis, *dimensions):
    """Variables of numbers over these dimensions."""
    return sum(1 for v in analysis.values()
               if "CLASS" not in v.attrs and v.dtype.kind != "S" and
               tuple(d[0].name.rsplit("/")[-1] for d in v.dims) == dimensions)


def main(path, folder):
    with h5py.File(path) as f:
        a = f["analysis"]
        measures = [text(x) for x in a["measure_name"]]
        components = [text(x) for x in a["component_name"]]
        combinations = [text(x) for x in f["combination_label"]]
        cells = [text(x) for x in f["cell_label"]]
        pairs = list(zip(*(a["comparison_" + x][()] for x in ("combination", "a", "b"))))
        levels = [text(x) for x in f["level_label"][0]]

        def combination(row):
            return combinations.index(f"{row['architecture']} / {row['dataset']}")

        def cell(row):
            return cells.index(f"{row['framework']} / {row['architecture']} / {row['dataset']}")

        counted = {}
        for row in rows(folder, "cells"):
            at = cell(row)
            n = compare(a, "", (at, measures.index(row["measure"])),
                        {k: v for k, v in row.items() if k in a and is_over(a[k], "cell_index")})
            counts = {k: v for k, v in row.items() if "runs_" + k in a}
            counted["cells"] = (n, compare(a, "runs_", at, counts))
        for row in rows(folder, "comparisons"):
            pair = (combination(row), levels.index(row["a_name"]), levels.index(row["b_name"]))
            at = (pairs.index(pair), measures.index(row["measure"]))
            conditions = {k: v for k, v in row.items() if k.startswith("condition_")}
            figures = {k: v for k, v in row.items() if k not in conditions}
            counted["comparisons"] = (compare(a, "", at, figures), compare(a, "", at[0], conditions))
        for row in rows(folder, "components"):
            name = f"residual of {row['level']}" if row["level"] else row["component"]
            at = (combination(row), measures.index(row["measure"]), components.index(name))
            figures = {k: v for k, v in row.items() if k not in ("component", "level")}
            counted["components"] = compare(a, "component_", at, figures)
        for row in rows(folder, "models"):
            at = (combination(row), measures.index(row["measure"]))
            counted["models"] = compare(a, "model_", at, row)
        for row in rows(folder, "blocking"):
            counted["blocking"] = compare(a, "overall_", measures.index(row["measure"]), row)
        for at, row in enumerate(rows(folder, "seed_groups")):
            counted["seed_groups"] = compare(a, "seed_", at, row)
        for row in rows(folder, "seeds"):
            counted["seeds"] = compare(a, "seeds_", cell(row), row)
        flagged = sum((a["outlier"][()] > 0).ravel())
        assert flagged == len(rows(folder, "outliers")), flagged
        done = (f["status"][()] == 1) & (f["warmup"][()] == 0)
        assert a["scope_runs"][()] == done.sum() and a["scope_devices"][()] == 2
        print(counted)
        number = {"cells": (count(a, "cell_index", "measure"), 6),
                  "comparisons": (count(a, "comparison", "measure"), count(a, "comparison") - 3),
                  "components": count(a, "combination_index", "measure", "component"),
                  "models": count(a, "combination_index", "measure"),
                  "blocking": count(a, "measure"),
                  "seed_groups": count(a, "seed_group"), "seeds": count(a, "cell_index") - 6}
        assert counted == number, (counted, number)


main(*sys.argv[1:])
