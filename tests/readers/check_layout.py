#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A results file of an older layout is read: check_layout.py CNNMPI FILE.h5.gz ROWS.csv

ROWS.csv is what the cnnmpi that wrote the file printed for `report FILE --runs`. Every column of it
must be printed alike today; columns that came later are empty."""
import csv
import gzip
import subprocess
import sys
import tempfile

program, packed, rows = sys.argv[1:]
RENAMED = {}  # columns of older layouts whose names have changed


def run(*arguments):
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False)


def table(text):
    return list(csv.DictReader(text.splitlines()))


with tempfile.TemporaryDirectory() as folder:
    path = f"{folder}/old.h5"
    with gzip.open(packed) as source, open(path, "wb") as target:
        target.write(source.read())
    printed = run("report", path, "--runs")
    assert printed.returncode == 0, printed.stderr
    with open(rows, encoding="utf-8") as file:
        expected = table(file.read())
    found = table(printed.stdout)
    assert len(found) == len(expected) > 0, (len(found), len(expected))
    for old, new in zip(expected, found):
        for name, value in old.items():
            assert new[RENAMED.get(name, name)] == value, (old["run"], name, value, new.get(name))
    later = [name for name in found[0] if name not in expected[0] and name not in RENAMED.values()]
    assert later, "nothing came later: the layout is not an older one"
    assert all(row[name] in ("", "-1") for row in found for name in later), later
    for arguments in (("report", path), ("report", path, "--full"), ("status", path)):
        result = run(*arguments)
        assert result.returncode == 0, (arguments, result.stderr)
print(f"{len(found)} runs, {len(expected[0])} columns alike, {len(later)} later ones empty")
