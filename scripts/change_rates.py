#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The table of docs/compare.md from build/tests/change_rates.

    scripts/change_rates.py BUILD --write docs/compare.md [--studies N] [--from FILE]
    scripts/change_rates.py BUILD --check docs/compare.md

The first runs every row (1,000 studies each: minutes) and puts the table between the marks in the
document, or takes the output of an earlier run. The second compares the rows of the document with
those of the program, without running any. Exit status 1: a row failed, or the document lacks one."""
import argparse
import pathlib
import re
import subprocess
import sys

BEGIN, END = "<!-- change rates: begin -->", "<!-- change rates: end -->"

FAILED = re.compile("FALSE ALARMS|COVERAGE|EQUIVALENCE|EXIT [04]$", re.M)  # behind a row that is judged


def settings(lines):
    return [line.split("|")[1].strip() for line in lines
            if line.startswith("|") and not line.startswith(("|---", "| setting"))]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--write", type=pathlib.Path)
    parser.add_argument("--check", type=pathlib.Path)
    parser.add_argument("--from", dest="file", type=pathlib.Path)
    parser.add_argument("--studies", default="1000")
    a = parser.parse_args()
    program = str(a.build / "tests/change_rates")
    if a.check:
        listed = subprocess.run([program, "--list"], stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
        found = settings(a.check.read_text().split(BEGIN)[1].split(END)[0].splitlines())
        for row in sorted(set(listed) ^ set(found)):
            print(("missing in the document: " if row in listed else "not in the program: ") + row)
        if listed != found and sorted(listed) == sorted(found):
            print("the rows of the document are in another order than the program's")
        return listed != found
    failed = False
    if a.file:
        text = a.file.read_text()
    else:
        run = subprocess.run([program, "--all", "--studies", a.studies], stdout=subprocess.PIPE, text=True)
        text, failed = run.stdout, run.returncode != 0
    failed |= bool(FAILED.search(text))
    before, rest = a.write.read_text().split(BEGIN)
    a.write.write_text(f"{before}{BEGIN}\n{text.strip()}\n{END}{rest.split(END)[1]}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
