#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The tables of docs/analysis.md from build/tests/ground_truth.

    scripts/ground_truth.py BUILD --write docs/analysis.md [--jobs N] [--studies N]
    scripts/ground_truth.py BUILD --write docs/analysis.md --from FILE ...
    scripts/ground_truth.py BUILD --check docs/analysis.md

The first runs every row (10,000 studies each: minutes to an hour of one core) in N processes and puts
the tables between the marks in the document; the second takes the output of earlier runs. The third
compares the rows of the document with those of the program, without running any. Exit status 1: a
row failed, or the document lacks one."""
import argparse
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
N = (3, 8, 15, 30)
ROW = re.compile(r"(\S+) +(\S+) +(\d+) +(\d+) +([\d.]+) \[ *([\d.]+), *([\d.]+)\] +(\S+) +(\S+) +(\S+) +(\S+) +(\S+)(.*)")


def program(build):
    return str(build / "tests/ground_truth")


def run(build, jobs, studies):
    command = [program(build), "--all"] + (["--studies", str(studies)] if studies else [])
    parts = [subprocess.Popen(command + ["--part", f"{i + 1}/{jobs}"], stdout=subprocess.PIPE, text=True)
             for i in range(jobs)]
    texts = [part.communicate()[0] for part in parts]
    return texts, any(part.returncode for part in parts)


def read(texts):
    rows = {}
    for text in texts:
        for match in map(ROW.match, text.splitlines()):
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
        counts = ", ".join(f"{n:,}" for n in studies)
        lines += ["", f"**{title}**: {judged} with a false claim, %; studies of each row: {counts}", "",
                  "| setting | " + " | ".join(f"n = {n}" for n in N) +
                  " | coverage, % | withheld, % | power, % | before, % |", "|---" * 9 + "|"]
        for setting, text in settings:
            cells = [rows.get((verdict, setting, n)) for n in N]
            false = [f"{c[1]} [{c[2]}, {c[3]}]{c[9].rstrip()}" if c else "" for c in cells]
            rest = [", ".join(one(c[k]) for c in cells if c) for k in (5, 6, 7, 8)]
            lines.append(f"| {text} | " + " | ".join(false + rest) + " |")
    return lines


def write(path, lines):
    text = path.read_text()
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    head = "Numbers in the last four columns: by n. The larger number of studies is of repeated rows."
    path.write_text(before + "\n".join([BEGIN, head] + lines + [END]) + after)


def check(path, order):
    text = path.read_text().split(BEGIN)[1].split(END)[0]
    found, verdict = set(), None
    for line in text.splitlines():
        for name, title in TITLES.items():
            if line.startswith(f"**{title}**"):
                verdict = name
        cells = [c.strip() for c in line.strip("|").split("|")]
        if len(cells) == 9 and cells[0] not in ("setting", "---") and verdict:
            found |= {(verdict, cells[0], n) for n, c in zip(N, cells[1:5]) if c}
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
    a = parser.parse_args()
    order = listed(a.build)
    if a.check:
        return check(a.check, order)
    texts, failed = ([f.read_text() for f in a.files], False) if a.files else run(a.build, a.jobs, a.studies)
    rows = read(texts)
    lines = tables(rows, order)
    if a.write:
        write(a.write, lines)
    else:
        print("\n".join(lines))
    return failed


if __name__ == "__main__":
    sys.exit(main())
