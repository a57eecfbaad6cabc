# SPDX-License-Identifier: Apache-2.0
"""check_figures.py PAGE FIGURES TABLES RUNS: the figures of a page and of --figures show the values of the
report's CSV files.

- the data in the page are the CSV files that gnuplot reads, byte for byte;
- forest plots, boxes and runs have the digits of comparisons.csv, cells.csv and runs.csv;
- every value is drawn where its axes say, within a pixel: panels, ranges and plots are read from each
  gnuplot script, coordinates from its SVG;
- identifiers are unique, and every figure has a description.
"""
import csv
import html
import math
import pathlib
import re
import sys

page = pathlib.Path(sys.argv[1]).read_text()
figures, tables = pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])


def rows_of(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def number(text):
    return float(text) if text else math.nan


# ---- the page ------------------------------------------------------------------------------------
data = dict(re.findall(r'<pre class="csv" data-csv="(\w+)"[^>]*>(.*?)</pre>', page, re.S))
files = {path.stem: path.read_text() for path in figures.glob("*.csv")}
assert set(data) == set(files), set(data) ^ set(files)
for name, text in data.items():
    assert html.unescape(text) == files[name], name
identifiers = re.findall(r'\bid="([^"]*)"', page)
assert len(identifiers) == len(set(identifiers)), "an identifier stands twice"
drawings = re.findall(r'<svg class="drawing" role="img"[^>]*aria-label="([^"]*)"', page)
assert len(drawings) == page.count('<svg class="drawing"') and all(len(d) > 40 for d in drawings)
assert 30 < len(drawings) <= 60, len(drawings)

# ---- values --------------------------------------------------------------------------------------
comparisons = rows_of(tables / "comparisons.csv")
compared = 0
for measure, estimate in (("train_seconds", "paired_ratio"), ("test_error", "paired_difference")):
    mine = rows_of(figures / f"forest_{measure}.csv")
    theirs = [row for row in comparisons if row["measure"] == measure]
    assert len(mine) == len(theirs) == 6
    for a, b in zip(mine, theirs):
        for name, column in (("estimate", estimate), ("interval_low", estimate + "_lower"),
                             ("interval_high", estimate + "_upper")):
            assert a[name] == b[column] != "", (measure, name, a, b[column])
            compared += 1
runs = {row["run"]: row for row in rows_of(sys.argv[4])}
for path in sorted(figures.glob("boxes_*_runs.csv")):
    measure = re.match(r"boxes_(\w+)_\d+_runs", path.stem).group(1)
    drawn = rows_of(path)
    assert len(drawn) == 30, path
    for row in drawn:
        assert row["value"] == runs[row["run"]][measure], (path, row)
        compared += 1
cells = rows_of(tables / "cells.csv")
for path in sorted(figures.glob("boxes_*_boxes.csv")):
    measure, combination = re.match(r"boxes_(\w+)_(\d+)_boxes", path.stem).groups()
    for row in rows_of(path):
        assert any(all(cell[c] == row[c] for c in ("q1", "median", "q3")) for cell in cells
                   if cell["measure"] == measure and cell["framework"] == row["level"]), (path, row)
        compared += 1

# ---- places --------------------------------------------------------------------------------------
PAIR = re.compile(r"(-?\d+\.\d+),(-?\d+\.\d+)")


class Drawing:
    """All coordinates of an SVG, by pixel."""

    def __init__(self, text):
        self.at = {}
        for part in re.findall(r"translate\(([^)]*)\)|\bd='([^']*)'|points = '([^']*)'", text):
            for x, y in PAIR.findall("".join(part)):
                x, y = float(x), float(y)
                self.at.setdefault((int(x), int(y)), []).append((x, y))

    def has(self, x, y):
        near = (p for i in (-1, 0, 1) for k in (-1, 0, 1) for p in self.at.get((int(x) + i, int(y) + k), ()))
        return any(abs(p[0] - x) <= 1 and abs(p[1] - y) <= 1 for p in near)


class Axis:
    def __init__(self, low, high, is_log, start, end):
        self.log, self.start, self.end = is_log, start, end
        self.low, self.high = (math.log(low), math.log(high)) if is_log else (low, high)

    def place(self, value):
        value = math.log(value) if self.log else value
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def corners(style, v):
    """The points that a plot draws for a row of values v."""
    if style.endswith("errorbars") and any(map(math.isnan, v[:4])):
        return []  # no interval: the plot of points draws the estimate
    if style == "vectors":
        return [(v[0], v[1]), (v[0] + v[2], v[1] + v[3])]
    if style == "xerrorbars":
        return [(v[0], v[1]), (v[2], v[1]), (v[3], v[1])]
    if style == "yerrorbars":
        return [(v[0], v[1]), (v[0], v[2]), (v[0], v[3])]
    if style == "boxxyerror":
        return [(v[2], v[4]), (v[3], v[5])] if v[2] or v[3] else []  # a bar of length 0
    if style == "filledcurves":
        return [(v[0], v[1]), (v[0], v[2])]
    assert style in ("points", "lines", "linespoints"), style
    return [(v[0], v[1])]


def check(script):
    text = script.read_text()
    width, height = map(int, re.search(r"size (\d+),(\d+)\n", text).groups())
    drawing = Drawing(script.with_suffix(".svg").read_text())
    margin, ranges, logs, found = {}, {}, set(), 0
    for line in re.sub(r"\\\n", "", text).split("\n"):
        if m := re.match(r"set (.)margin at screen (\S+)", line):
            margin[m[1]] = float(m[2])
        elif m := re.match(r"set ([xy])range \[(.*):(.*)\]", line):
            ranges[m[1]] = float(m[2]), float(m[3])
        elif m := re.match(r"(un)?set logscale ([xy])", line):
            (logs.discard if m[1] else logs.add)(m[2])
        elif line.startswith("plot "):
            x = Axis(*ranges["x"], "x" in logs, width * margin["l"], width * margin["r"])
            y = Axis(*ranges["y"], "y" in logs, height * (1 - margin["b"]), height * (1 - margin["t"]))
            for file, using, style in re.findall(r"'([\w.]*)' using ('\S+'|\S+\(\S+\)\S*) with (\w+)", line):
                name = file or name
                if style == "labels":
                    continue
                for row in rows_of(script.parent / name):
                    v = [number(row[c]) for c in re.findall(r"'(\w+)'", using)]
                    for cx, cy in corners(style, v):
                        if math.isnan(cx) or math.isnan(cy):
                            continue
                        px, py = x.place(cx), y.place(cy)
                        assert drawing.has(px, py), (script.name, style, row, px, py)
                        found += 1
    assert found, script
    return found


scripts = sorted(figures.glob("*.gp"))
kinds = {re.match(r"[a-z]+", s.stem)[0] for s in scripts}
assert kinds == {"forest", "boxes", "comparison", "pairs", "device", "components", "timeline", "drift", "curves",
                 "power", "evidence"}, kinds
places = sum(check(script) for script in scripts)
print(f"{len(scripts)} figures, {compared} values compared, {places} places found")
