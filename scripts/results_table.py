#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Keeps the table of variables in docs/results-file.md true to what the program writes.

    results_table.py FILE docs/results-file.md          compares; exit status 1 if they differ
    results_table.py --write FILE docs/results-file.md  puts the table of FILE into the document

FILE is any results file; the columns named by the job's factors are left out of the table."""
import sys

try:
    import h5py
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

BEGIN, END = "<!-- table of variables: begin -->\n", "<!-- table of variables: end -->\n"
TYPES = {"i1": "int8", "i4": "int32", "i8": "int64", "f8": "float64", "S1": "char"}


def text(value):
    return value.decode() if isinstance(value, bytes) else str(value)


def meaning_of_flags(name, flags, seen):
    """The flags of a variable; a long list only where it comes first."""
    if flags in seen:
        return f"flags as of `{seen[flags]}`"
    if len(flags) > 8:
        seen[flags] = name
    return ", ".join(f"{i} {flag}" for i, flag in enumerate(flags))


def row(name, variable, seen):
    """One line of the table: name, type, dimensions, units, meaning. seen: long lists of flags."""
    attributes = {key: text(value) for key, value in variable.attrs.items()}
    if attributes.get("CLASS") == "DIMENSION_SCALE":
        dimensions = [name.rsplit("/")[-1]]
    else:
        dimensions = [scale[0].name.rsplit("/")[-1] for scale in variable.dims]
    characters = dimensions and dimensions[-1].startswith("string")
    shown = dimensions[:-1] if characters else dimensions
    kind = TYPES[variable.dtype.str[1:]]
    if characters:
        kind = f"char[{variable.shape[-1]}]" if fixed_width(name) else "char"
    meaning = attributes["long_name"]
    if "flag_meanings" in attributes:
        flags = tuple(attributes["flag_meanings"].split())
        meaning += "; " + meaning_of_flags(name, flags, seen)
    return (f"| `{name}` | {kind} | {', '.join(shown) or 'none'} | "
            f"{attributes.get('units', '')} | {meaning} |\n")


def fixed_width(name):
    """Columns have one width in every file; texts and labels are as wide as they need."""
    labels = ("label", "_name", "_units", "job_", "plan", "program")
    return not any(part in name for part in labels)


def table(path):
    seen = {}
    lines = ["| variable | type | dimensions | units | meaning |\n", "|---|---|---|---|---|\n"]
    with h5py.File(path, "r") as f:

        def members(group):
            names = []
            group.id.links.iterate(lambda name: names.append(name.decode()),
                                   idx_type=h5py.h5.INDEX_CRT_ORDER)
            return [name for name in names if not name.startswith("string")]

        for name in members(f):
            variable = f[name]
            if isinstance(variable, h5py.Dataset) and not text(
                    variable.attrs["long_name"]).startswith("level of the factor "):
                lines.append(row(name, variable, seen))
        for name in members(f["analysis"]):
            lines.append(row("analysis/" + name, f["analysis"][name], seen))
    return "".join(lines)


def main(arguments):
    write = arguments[0] == "--write"
    results, document = arguments[1:] if write else arguments
    with open(document, encoding="utf-8") as f:
        content = f.read()
    before, rest = content.split(BEGIN)
    found, after = rest.split(END)
    expected = table(results)
    if write:
        with open(document, "w", encoding="utf-8") as f:
            f.write(before + BEGIN + expected + END + after)
        return 0
    if found == expected:
        return 0
    missing = [line for line in expected.splitlines() if line not in found.splitlines()]
    extra = [line for line in found.splitlines() if line not in expected.splitlines()]
    print(f"{document} differs from {results}; run {sys.argv[0]} --write")
    print("\n".join([f"- {line}" for line in extra] + [f"+ {line}" for line in missing]))
    return 1


sys.exit(main(sys.argv[1:]))
