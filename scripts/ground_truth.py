#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The tables of docs/analysis.md from build/tests/ground_truth.

    scripts/ground_truth.py BUILD --write docs/analysis.md [--jobs N] [--studies N] [--keep FILE]
    scripts/ground_truth.py BUILD --write docs/analysis.md --from FILE ...
    scripts/ground_truth.py BUILD --check docs/analysis.md

The first runs every row (10,000 studies each), N at a time, and puts the tables between the marks in
the document; with --keep, each row is appended to FILE as it ends, and rows that FILE has are not run
again. The second takes the output of earlier runs. The third compares the rows of the document with
those of the program, without running any. Exit status 1: a row failed, or the document lacks one."""
import argparse
import concurrent.futures
import pathlib
import re
import subprocess
import sys

BEGIN, END = "<!-- ground truth: begin -->", "<!-- ground truth: end -->"
TITLES = {"faster": "Faster or slower, though the ratio is 1",
          "equivalent": "Equivalent times, though the ratio is exactly at the margin",
          "varies": "Varies less or more, though the spreads are equal",
          "error": "Error lower or higher, though the errors are equal",
          "varies-error": "Errors vary less or more over seeds, though the spreads are equal",
          "equal-error": "Equivalent errors, though the difference is exactly at the margin",
          "devices-like-these": "Faster or slower for devices like these, though their mean ratio is 1",
          "report": "Any difference of any measure, of means or spreads (not judged)"}
N = (3, 8, 15, 20, 30)
ROW = re.compile(r"(\S+) +(\S+) +(\d+) +(\d+) +([\d.]+) \[ *([\d.]+), *([\d.]+)\] +(\S+) +(\S+) +(\S+) +(\S+) +(\S+)(.*)")

FAILED = re.compile(r"FALSE CLAIMS|COVERAGE|WITHHELD")  # behind a row that is judged


def program(build):
    return str(build / "tests/ground_truth")


def run(build, order, jobs, studies, keep):
    """The program's lines of every row. Long rows begin first."""
    command = [program(build), "--all"] + (["--studies", str(studies)] if studies else [])
    lines = keep.read_text().splitlines() if keep and keep.exists() else []
    rows = sorted((row[:3] for row in order if row[:3] not in read(lines)), key=lambda row: -row[2])

    def run_row(row):
        return subprocess.run(command + ["--row", "/%s/%s/%d/" % row], stdout=subprocess.PIPE, text=True)

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for ended in pool.map(run_row, rows):
            if ended.returncode not in (0, 1):
                sys.exit(f"failed: {' '.join(ended.args)}")
            lines += [line for line in ended.stdout.splitlines() if ROW.match(line)]
            if keep:
                keep.write_text("\n".join(lines) + "\n")
    return lines


def read(lines):
    rows = {}
    for match in map(ROW.match, lines):
        if match:
            f = match.groups()
            rows[f[0], f[1], int(f[2])] = f[3:]
    return rows


def listed(build):
    """Rows of the program, in its order, with the settings' titles."""
    text = subprocess.run([program(build), "--all", "--list"], stdout=subprocess.PIPE, text=True,
                          check=True).stdout
    fields = [line.split(None, 4) for line in text.splitlines()]
    return [(f[0], f[1], int(f[2]), f[4]) for f in fields if len(f) == 5 and f[3].isdigit()]


def one(value):
    return "-" if value == "nan" else value


def tables(rows, order):
    lines = []
    for verdict, title in TITLES.items():
        settings = list(dict.fromkeys((s, t) for v, s, _, t in order if v == verdict))
        if not settings:
            continue
        judged = "share of studies" if verdict not in ("equivalent", "equal-error") else "share of comparisons"
        studies = sorted({int(r[0]) for (v, _, _), r in rows.items() if v == verdict})
        columns = [n for n in N if any((v, m) == (verdict, n) for v, _, m, _ in order)]
        counts = ", ".join(f"{n:,}" for n in studies)
        lines += ["", f"**{title}**: {judged} with a false claim, %; studies of each row: {counts}", "",
                  "| setting | " + " | ".join(f"n = {n}" for n in columns) +
                  " | coverage, % | withheld, % | power, % | before, % |", "|---" * (5 + len(columns)) + "|"]
        for setting, text in settings:
            cells = [rows.get((verdict, setting, n)) for n in columns]
            false = [f"{c[1]} [{c[2]}, {c[3]}]{c[9].rstrip()}" if c else "" for c in cells]
            rest = [", ".join(one(c[k]) for c in cells if c) for k in (5, 6, 7, 8)]
            lines.append(f"| {text} | " + " | ".join(false + rest) + " |")
    return lines


def write(path, lines):
    text = path.read_text()
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    head = "Numbers in the last four columns: by n. Repeated rows have four times the studies."
    path.write_text(before + "\n".join([BEGIN, head] + lines + [END]) + after)


def check(path, order):
    text = path.read_text().split(BEGIN)[1].split(END)[0]
    found, verdict, columns = set(), None, []
    for line in text.splitlines():
        for name, title in TITLES.items():
            if line.startswith(f"**{title}**"):
                verdict = name
        cells = [c.strip() for c in line.strip("|").split("|")]
        if cells[0] == "setting":
            columns = [int(c[4:]) for c in cells if c.startswith("n = ")]
        elif len(cells) == 5 + len(columns) and cells[0] != "---" and verdict:
            found |= {(verdict, cells[0], n) for n, c in zip(columns, cells[1:]) if c}
    wanted = {(v, t, n) for v, _, n, t in order}
    for row in sorted(wanted ^ found):
        print(("missing in the document: " if row in wanted else "not in the program: ") + str(row))
    return bool(wanted ^ found)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--write", type=pathlib.Path)
    parser.add_argument("--check", type=pathlib.Path)
    parser.add_argument("--from", dest="files", nargs="+", type=pathlib.Path)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--studies", type=int)
    parser.add_argument("--keep", type=pathlib.Path)
    a = parser.parse_args()
    order = listed(a.build)
    if a.check:
        return check(a.check, order)
    found = ([line for f in a.files for line in f.read_text().splitlines()] if a.files
             else run(a.build, order, a.jobs, a.studies, a.keep))
    failed = [line for line in found if ROW.match(line) and FAILED.search(line) and "(not judged)" not in line]
    lines = tables(read(found), order)
    if a.write:
        write(a.write, lines)
    else:
        print("\n".join(lines))
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
