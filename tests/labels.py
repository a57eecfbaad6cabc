#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""labels.py BUILD_FOLDER: every test has exactly one tier, and labels of docs/testing.md alone; every
documented ctest command names labels and tests that there are, and fails where it finds none."""
import json
import pathlib
import re
import subprocess
import sys

TIERS = {"check", "ci", "all"}
root = pathlib.Path(__file__).resolve().parent.parent
breaches = []


def documented_labels():
    """Rows of the table of labels: | `unit` | ... |"""
    return set(re.findall(r"^\| `([a-z]+)` \|", (root / "docs/testing.md").read_text(), re.M)) - TIERS


def cmake_labels():
    text = (root / "cmake/TestLabels.cmake").read_text()
    return set(re.search(r"set\(CNN_TEST_LABELS ([a-z ]+)\)", text)[1].split())


def registered(build):
    answer = subprocess.run(["ctest", "--test-dir", build, "--show-only=json-v1"], check=True,
                            capture_output=True, text=True).stdout
    tests = {}
    for test in json.loads(answer)["tests"]:
        properties = {p["name"]: p["value"] for p in test.get("properties", [])}
        tests[test["name"]] = set(properties.get("LABELS", []))
    return tests


def check_tests(tests, known):
    for name, labels in tests.items():
        if len(labels & TIERS) != 1:
            breaches.append(f"{name}: needs one tier, has {sorted(labels & TIERS)}")
        if not labels - TIERS:
            breaches.append(f"{name}: no label says what it tests")
        for label in labels - TIERS - known:
            breaches.append(f"{name}: label '{label}' is not in docs/testing.md")


def check_command(place, command, tests, known):
    if "--test-dir" not in command:
        breaches.append(f"{place}: no --test-dir: {command}")
    if "--no-tests=error" not in command:
        breaches.append(f"{place}: no --no-tests=error: {command}")
    for label in re.findall(r" -L '?\^?([a-z|()]+)", command):
        for word in re.findall(r"[a-z]+", label):
            if word not in known | TIERS:
                breaches.append(f"{place}: no label '{word}': {command}")
    if " -L gpu" in command and "CNN_REQUIRE_GPU=1" not in command:
        breaches.append(f"{place}: without CNN_REQUIRE_GPU=1 a GPU test may be skipped: {command}")
    for pattern in re.findall(r" -R '?([^' ]+)", command):
        if pattern != pattern.upper() and not any(re.search(pattern, name) for name in tests):
            breaches.append(f"{place}: no test matches '{pattern}': {command}")


def main(build):
    tests, known = registered(build), documented_labels()
    if known != cmake_labels():
        breaches.append(f"docs/testing.md and cmake/TestLabels.cmake differ: {sorted(known ^ cmake_labels())}")
    check_tests(tests, known)
    commands = 0
    files = subprocess.run(["git", "ls-files", "*.md"], cwd=root, capture_output=True, text=True).stdout.split()
    for file in files or [str(p.relative_to(root)) for p in root.glob("[!b]*/**/*.md")]:
        for number, line in enumerate((root / file).read_text().splitlines(), 1):
            for command in re.findall(r"(?:^ {4,}|`|\$ )((?:[A-Z_]+=\S+ )*ctest [^`\n]*)", line):
                commands += 1
                check_command(f"{file}:{number}", command, tests, known)
    for breach in breaches:
        print(breach)
    print(f"{len(tests)} tests, {commands} documented commands, {len(breaches)} breaches")
    return 0 if not breaches and len(tests) > 20 and commands > 3 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
