#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Time and memory of `cnnmpi report` on files of simulated runs.

    bench/report.py [--build build] [--runs 180 100000] [--repeats 5]

Files are made by tests/simulate_file of the build folder (built with tests) in a temporary folder and
removed again; 100,000 runs take 320 MB and some minutes to write. Times are the least of the repeats.
"""
import argparse
import os
import pathlib
import subprocess
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent.parent
FACTORS = ["factors.architecture=[arch1, arch2]", "factors.dataset=[mnist, fashion_mnist, idc]"]
CELLS = 12
REPORTS = [
    ("report", []),
    ("report --full", ["--full"]),
    ("report --format csv -o", ["--format", "csv", "--force", "-o", "csv"]),
    ("report --runs -o", ["--runs", "--force", "-o", "runs.csv"]),
]


def run(command, folder):
    """Wall seconds, CPU seconds, peak memory in MB of a command."""
    start = time.perf_counter()
    child = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.perf_counter() - start
    if status:
        raise SystemExit(f"{' '.join(map(str, command))} failed")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def make_file(build, runs, path, folder):
    command = [build / "tests/simulate_file", HERE / "jobs/simulate.yaml", "64", path]
    for setting in FACTORS + [f"repeats={runs // CELLS}"]:
        command += ["--set", setting]
    run(command, folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--build", default=HERE / "build", type=pathlib.Path)
    parser.add_argument("--runs", nargs="+", type=int, default=[180, 100000])
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    build = given.build.resolve()
    print("| runs | command | wall | CPU | peak memory |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for runs in given.runs:
            path = pathlib.Path(folder) / f"{runs}.h5"
            make_file(build, runs, path, folder)
            for name, options in REPORTS:
                seen = [run([build / "cnnmpi", "report", path] + options, folder)
                        for _ in range(given.repeats)]
                wall, cpu, memory = (min(s[i] for s in seen) for i in range(3))
                print(f"| {runs // CELLS * CELLS:,} | `{name}` | {wall:.2f} s | {cpu:.2f} s "
                      f"| {memory:.0f} MB |", flush=True)
            path.unlink()


if __name__ == "__main__":
    main()
