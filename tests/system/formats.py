#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reports of simulated studies in every format: formats.py CNNMPI SOURCE_TREE, in an empty folder.

JSON follows its schema and has the figures of CSV. Ten names made to break LaTeX, HTML, CSV and JSON
come back unharmed. LaTeX is compiled where pdflatex and xelatex are there.
"""
import csv
import io
import json
import math
import pathlib
import shutil
import subprocess
import sys
import xml.etree.ElementTree as xml

cnnmpi, tree = sys.argv[1:]

NAMES = [
    '=HYPERLINK("http://a.b","c")',
    "<script>alert(1)</script>",
    "\\input{/etc/passwd}\\end{document}",
    "a_b^c~d#e$f%g&h{i}j -- k--l",
    "it's \"quoted\" `so` ``twice'' ?` ,,x",
    "-- --full %s %n %%",
    "Größe, naïve, Ελλ, 中文, 😀 ß Ø ð",
    "a|b*c*[d](javascript:e)&lt;&#60;",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    '{"a": [1, null]}]]>\\',
]


def run(*arguments, status=0):
    done = subprocess.run([cnnmpi, *arguments], capture_output=True)
    assert done.returncode == status, (arguments, done.returncode, done.stdout, done.stderr)
    return done.stdout.decode()


def study(path, **settings):
    """A study of two simulated frameworks on one device."""
    job = {
        "repeats": 4,
        "seed": 1,
        "factors": {
            "framework": [
                {"name": "one", "simulate": {"time": {"run": 1, "residual": 0.01}}},
                {"name": "two", "simulate": {"time": {"run": 1, "ratio": 1.1, "residual": 0.01}}},
            ],
            "architecture": ["arch1"],
            "dataset": ["mnist"],
        },
    }
    job.update(settings)
    pathlib.Path("job.yaml").write_text(json.dumps(job, ensure_ascii=False))
    run("job.yaml", "--quiet", "--force", "--output", path)


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text, newline="")))


def check_same(number, text, where):
    if number is None:
        assert text == "", where
    elif isinstance(number, str):  # a name, or an infinity
        assert text.lstrip("'") == number or text == number, where
    else:
        assert math.isclose(float(text), number, rel_tol=0, abs_tol=0), where


def check_figures():
    """JSON against the schema, and every figure against CSV."""
    study("figures.h5", factors={
        "framework": [
            {"name": "one", "simulate": {"time": {"run": 1, "residual": 0.01}}},
            {"name": "two", "simulate": {"time": {"run": 1, "ratio": 1.1, "residual": 0.01}, "failures": 0.1}},
        ],
        "architecture": ["arch1", "arch2"],
        "batch_size": [16, 32],
        "dataset": ["mnist"],
    })
    text = run("report", "figures.h5", "--format", "json")
    report = json.loads(text, parse_constant=lambda word: sys.exit(f"{word} is no JSON"))
    schema = json.load(open(f"{tree}/share/report.schema.json"))
    import jsonschema
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(report)
    broken = json.loads(text)
    del broken["tables"]["verdicts"]["rows"][0]["verdict"]
    assert not jsonschema.Draft202012Validator(schema).is_valid(broken)
    run("report", "figures.h5", "--format", "csv", "-o", "csv")
    assert {path.stem for path in pathlib.Path("csv").iterdir()} == set(report["tables"])
    compared = 0
    for name, table in report["tables"].items():
        lines = rows_of(pathlib.Path(f"csv/{name}.csv").read_text())
        assert len(lines) == len(table["rows"]), name
        types = {column["name"]: column["type"] for column in table["columns"]}
        if lines:
            assert list(lines[0]) == list(types), name
        for line, row in zip(lines, table["rows"]):
            for column, value in row.items():
                check_same(value, line[column], (name, column, value, line[column]))
                assert value is None or isinstance(value, {"string": str, "integer": int, "number": (int, float, str)}[types[column]]), (name, column, value)
                compared += 1
    assert compared > 3000, compared
    units = {c["name"]: c.get("unit") for c in report["tables"]["verdicts"]["columns"]}
    assert units["difference"] is None  # points of error as 1, nats of loss
    assert {c["name"]: c.get("unit") for c in report["tables"]["spread"]["columns"]}["residual"] == "1"
    assert any("two" in finding for finding in report["findings"])
    one = json.loads(run("report", "figures.h5", "--format", "json", "--table", "verdicts"))
    assert one["tables"] == {"verdicts": report["tables"]["verdicts"]}
    # The same verdicts, to paste.
    markdown = run("report", "figures.h5", "--format", "markdown")
    assert markdown.startswith("## What was found\n")
    assert "| one faster |" in markdown and "cnnmpi report" not in markdown and "--full" not in markdown
    for block in markdown.split("\n\n"):
        lines = block.strip("\n").split("\n")
        if lines[0].startswith("|"):
            assert len({line.replace("\\|", "").count("|") for line in lines}) == 1, block
    print(compared, "figures")


def check_names():
    bodies = []
    for i, name in enumerate(NAMES):
        assert len(name.encode()) <= 63, name
        study(f"name{i}.h5", name=name)
        file = f"name{i}.h5"
        assert name in run("report", file).replace("\n            ", " "), name
        summary = {row["key"]: row["value"] for row in rows_of(run("report", file, "--format", "csv", "--table", "summary"))}
        assert summary["job"] == ("'" + name if name[0] in "=+-@" else name), summary["job"]
        report = json.loads(run("report", file, "--format", "json"))
        assert {"key": "job", "value": name} in report["tables"]["summary"]["rows"]
        markdown = run("report", file, "--format", "markdown")
        row = next(line for line in markdown.split("\n") if line.startswith("| job |"))
        assert "<" not in row and row.replace("\\|", "").count("|") == 3, row
        run("report", file, "--format", "latex", "-o", f"name{i}.tex")
        bodies.append(f"\\input{{name{i}}}\\clearpage")
        if shutil.which("gnuplot"):
            run("report", file, "--format", "html", "-o", f"name{i}.html")
            page = pathlib.Path(f"name{i}.html").read_text()
            assert "<script>alert" not in page
            assert name in "".join(xml.fromstring(page.split("\n", 1)[1]).itertext())
    pathlib.Path("job.yaml").write_text('{"name": "two\\nlines", "factors": {}}')
    run("plan", "job.yaml", status=2)  # a line feed is in no name
    for engine in filter(shutil.which, ["pdflatex", "xelatex"]):
        pathlib.Path("names.tex").write_text(
            "\\documentclass{article}\\usepackage{booktabs,tabularx}\\begin{document}"
            + "".join(bodies) + "\\end{document}")
        done = subprocess.run([engine, "-interaction=nonstopmode", "-halt-on-error", "names.tex"], capture_output=True)
        assert done.returncode == 0, done.stdout[-3000:].decode(errors="replace")
        print(engine, "compiles all names")
    print(len(NAMES), "names")


check_figures()
check_names()
