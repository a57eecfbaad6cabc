#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes gpu/kernels/winograd_transforms.cuh: the one-dimensional transforms of Winograd's minimal
filtering for 5 taps on tiles of 8, as straight code.

    winograd_transforms.py FILE          compares FILE with it; exit status 1 if they differ
    winograd_transforms.py --write FILE  writes it

Derivation (Toom-Cook). The product of polynomials p (m coefficients) and g (r coefficients) has n =
m + r - 1 coefficients s. With V_k the n x k matrix of powers of the points, whose last row, for
infinity, takes the last coefficient, V_n s = (V_m p) * (V_r g), value by value. Products of
polynomials and correlations are each other's transposes, so that the m correlations of n values d
with r taps g are

    y = V_m^T ((V_r g) * (V_n^-T d))

Row k of V_n^-T has the coefficients of the product of (x - a_j) over the other points, divided by
D_k = the product of (a_k - a_j). The division is left to the taps: B = D V_n^-T, G_r = D^-1 V_r,
A_m = V_m^T. B knows only the points, so that the same values B d serve y (4 results of 5 taps) and
the gradient of the taps (5 results of 4 gradients). In two dimensions each transform is applied to
columns, then to rows.

Points 0, 1, -1, 2, -2, 1/2, -1/2 and infinity: of the sets that were tried, the one whose results
are nearest to exact ones in single precision, and a float holds A and B exactly.
"""
import sys
from fractions import Fraction

HALF = Fraction(1, 2)
POINTS = [Fraction(0), Fraction(1), Fraction(-1), Fraction(2), Fraction(-2), HALF, -HALF]
PAIRS = [1, 3, 5]  # where a pair a, -a begins; the others stand alone
RESULTS, TAPS = 4, 5
TILE = len(POINTS) + 1


def times(p, q):
    """The product of two polynomials, lowest power first."""
    result = [Fraction(0)] * (len(p) + len(q) - 1)
    for i, a in enumerate(p):
        for j, b in enumerate(q):
            result[i + j] += a * b
    return result


def powers(points, width):
    """V_width."""
    return [[a**j for j in range(width)] for a in points] + [[0] * (width - 1) + [Fraction(1)]]


def others(points, k):
    """The product of (x - a_j) over all finite points but the k-th; over all for infinity's row."""
    product = [Fraction(1)]
    for j, a in enumerate(points):
        product = times(product, [-a, Fraction(1)]) if j != k else product
    return product


def divisor(points, k):
    product = Fraction(1)
    for j, a in enumerate(points):
        product *= points[k] - a if k < len(points) and j != k else 1
    return product


def inputs(points):
    """B."""
    size = len(points) + 1
    rows = [others(points, k) for k in range(size)]
    return [row + [Fraction(0)] * (size - len(row)) for row in rows]


def taps(points, width):
    """G_width."""
    return [[v / divisor(points, k) for v in row] for k, row in enumerate(powers(points, width))]


def results(points, count):
    """A_count."""
    return [list(column) for column in zip(*powers(points, count))]


def apply(matrix, values):
    return [sum(m * v for m, v in zip(row, values)) for row in matrix]


def unit(size, k):
    return [Fraction(int(i == k)) for i in range(size)]


def prove(points, count, width):
    """Fails unless count correlations with width taps are exact; they are bilinear, so that units
    suffice."""
    for i in range(count + width - 1):
        d = apply(inputs(points), unit(count + width - 1, i))
        for j in range(width):
            g = apply(taps(points, width), unit(width, j))
            y = apply(results(points, count), [a * b for a, b in zip(d, g)])
            assert y == [int(i == at + j) for at in range(count)], (count, width, i, j)


# ---- as code ----


def number(value):
    text = f"{float(value):.9g}"
    return text + ("f" if "." in text or "e" in text else ".0f")


def terms(factors):
    """[(factor, name)] as a sum; zeros are left out."""
    text = ""
    for factor, name in factors:
        if factor == 0:
            continue
        size = abs(factor)
        term = name if size == 1 else f"{number(size)} * {name}"
        sign = "-" if factor < 0 else "+"
        text += f" {sign} {term}" if text else ("-" if factor < 0 else "") + term
    return text


def leading(factors):
    return next(f for f, _ in reversed(factors) if f != 0)


def rows_of(matrix, source):
    """out[k] = row k of the matrix times source; a pair of points shares even and odd powers."""
    lines = []
    for k, row in enumerate(matrix):
        named = [(f, f"{source}[{j}]") for j, f in enumerate(row)]
        if k in PAIRS:
            even, odd = named[::2], named[1::2]
            e, o = leading(even), leading(odd)
            assert matrix[k + 1] == [f * (-1) ** j for j, f in enumerate(row)]
            lines.append(f"const float even{k} = {terms([(f / e, n) for f, n in even])};")
            lines.append(f"const float odd{k} = {terms([(f / o, n) for f, n in odd])};")
            parts = (f"even{k}", f"odd{k}")
            lines.append(f"out[{k}] = {terms([(e, parts[0]), (o, parts[1])])};")
            lines.append(f"out[{k + 1}] = {terms([(e, parts[0]), (-o, parts[1])])};")
        elif k - 1 not in PAIRS:
            lines.append(f"out[{k}] = {terms(named)};")
    return lines


def columns_of(matrix, source):
    """The same where the points are the columns: pairs enter as their sum and difference."""
    lines = []
    for k in PAIRS:
        lines.append(f"const float sum{k} = {source}[{k}] + {source}[{k + 1}];")
        lines.append(f"const float difference{k} = {source}[{k}] - {source}[{k + 1}];")
    for i, row in enumerate(matrix):
        named = [(f, f"{source}[{k}]") for k, f in enumerate(row)]
        for k in PAIRS:
            assert row[k + 1] == row[k] * (-1) ** i
            named[k] = (row[k], f"{'difference' if i % 2 else 'sum'}{k}")
            named[k + 1] = (0, "")
        lines.append(f"out[{i}] = {terms(named)};")
    return lines


def transform(comment, name, inputs_count, outputs_count, lines):
    head = "    __device__ static inline void apply(const float (&in)[IN], float (&out)[OUT])"
    sizes = f"    enum {{ IN = {inputs_count}, OUT = {outputs_count} }};"
    return "\n".join([f"/* {comment} */", f"struct {name} {{", sizes, head, "    {"] +
                     ["        " + line for line in lines] + ["    }", "};", ""])


def header():
    transforms = [
        transform("Values of an image.", "cnn_winograd_inputs", TILE, TILE,
                  rows_of(inputs(POINTS), "in")),
        transform("Taps of a filter.", "cnn_winograd_taps", TAPS, TILE,
                  rows_of(taps(POINTS, TAPS), "in")),
        transform("To results.", "cnn_winograd_results", TILE, RESULTS,
                  columns_of(results(POINTS, RESULTS), "in")),
        transform("Gradients of results.", "cnn_winograd_gradients", RESULTS, TILE,
                  rows_of(taps(POINTS, RESULTS), "in")),
        transform("To the gradient of the taps.", "cnn_winograd_gradient", TILE, TAPS,
                  columns_of(results(POINTS, TAPS), "in")),
    ]
    return "\n".join([
        "/* SPDX-License-Identifier: Apache-2.0 */",
        "/** Transforms of Winograd's F(4, 5) and F(5, 4), in one dimension: written by",
        " * scripts/winograd_transforms.py, which derives them; not by hand. */",
        "#ifndef CNN_GPU_KERNELS_WINOGRAD_TRANSFORMS_CUH", "#define CNN_GPU_KERNELS_WINOGRAD_TRANSFORMS_CUH", "",
        "/* clang-format off */", ""
    ] + transforms + ["/* clang-format on */", "", "#endif", ""])


def main(arguments):
    write = arguments[:1] == ["--write"]
    path = arguments[-1]
    prove(POINTS, RESULTS, TAPS)
    prove(POINTS, TAPS, RESULTS)
    if write:
        with open(path, "w", encoding="ascii") as file:
            file.write(header())
        return 0
    with open(path, encoding="ascii") as file:
        if file.read() == header():
            return 0
    print(f"{path} is not what {sys.argv[0]} writes: run it with --write")
    return 1


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1:]))
