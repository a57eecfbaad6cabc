#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How far Winograd's convolutions and direct sums, in single precision, are from exact results:
the largest distance relative to the largest result (docs/gpu.md, "Precision").

    bench/winograd_error.py FOLDER   with mnist/train-images-idx3-ubyte.gz and idc/X.npy

The second convolution of arch2 (128 channels, 64 filters) on what the first one makes of real
images, weights drawn as the trainers draw them, gradients normal where its ReLU passes them; and uniform
values, by which autotuning compares. NumPy multiplies matrices; transforms add up in order.
"""
import gzip
import os
import sys
from fractions import Fraction

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "scripts"))
import winograd_transforms as transforms  # noqa: E402

TAPS, PAD = 5, 2
HALF = Fraction(1, 2)
POINTS = {
    4: transforms.POINTS,
    3: [Fraction(0), Fraction(1), Fraction(-1), Fraction(2), Fraction(-2), HALF],
    2: [Fraction(0), Fraction(1), Fraction(-1), Fraction(-2), HALF],
}


# ---- direct sums ----


def padded(x, rows, columns):
    result = np.zeros((x.shape[0], rows, columns, x.shape[3]), x.dtype)
    result[:, PAD : PAD + x.shape[1], PAD : PAD + x.shape[2]] = x
    return result


def forward(x, w):
    n, h, width, _ = x.shape
    from_x = padded(x, h + 2 * PAD, width + 2 * PAD)
    y = np.zeros((n, h, width, w.shape[0]), x.dtype)
    for i in range(TAPS):
        for j in range(TAPS):
            y += from_x[:, i : i + h, j : j + width] @ np.ascontiguousarray(w[:, i, j].T)
    return y


def turned(w):
    """For the gradient of the data, which is a convolution of dy."""
    return np.ascontiguousarray(w[:, ::-1, ::-1].transpose(3, 1, 2, 0))


def gradient(x, dy):
    _, h, width, c = x.shape
    from_x, gradients = padded(x, h + 2 * PAD, width + 2 * PAD), dy.reshape(-1, dy.shape[3]).T
    dw = np.zeros((dy.shape[3], TAPS, TAPS, c), x.dtype)
    for i in range(TAPS):
        for j in range(TAPS):
            dw[:, i, j] = gradients @ from_x[:, i : i + h, j : j + width].reshape(-1, c)
    return dw


# ---- Winograd ----


def both_ways(matrix, tiles):
    """matrix tile matrix', of the last two axes."""
    m = np.array([[float(v) for v in row] for row in matrix], np.float32)
    half = sum(m[:, j, None] * tiles[..., j, None, :] for j in range(m.shape[1]))
    return sum(m[:, j] * half[..., j, None] for j in range(m.shape[1]))


def as_matrices(tiles):
    """[.., C, T, T] -> [T T, .., C]"""
    c, points = tiles.shape[-3], tiles.shape[-1] ** 2
    return np.ascontiguousarray(tiles.reshape(-1, c, points).transpose(2, 0, 1))


def as_tiles(matrices):
    points, rows, columns = matrices.shape
    side = int(points**0.5)
    return np.ascontiguousarray(matrices.transpose(1, 2, 0)).reshape(rows, columns, side, side)


def windows(x, results, size):
    return np.ascontiguousarray(
        np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(1, 2))
        [:, ::results, ::results])


def tf32(x):
    bits = x.view(np.uint32)
    return ((bits + 0xFFF + ((bits >> 13) & 1)) & np.uint32(0xFFFFE000)).view(np.float32)


def of_data(x, results):
    rows, columns = (-(-extent // results) * results for extent in x.shape[1:3])
    tiles = windows(padded(x, rows + 2 * PAD, columns + 2 * PAD), results, results + TAPS - 1)
    return as_matrices(both_ways(transforms.inputs(POINTS[results]), tiles)), rows, columns


def winograd_forward(x, w, results, rounded):
    points = POINTS[results]
    data, rows, columns = of_data(x, results)
    taps = transforms.taps(points, TAPS)
    filters = as_matrices(both_ways(taps, np.ascontiguousarray(w.transpose(0, 3, 1, 2))))
    products = rounded(data) @ rounded(filters).transpose(0, 2, 1)
    y = both_ways(transforms.results(points, results), as_tiles(products))
    shape = (x.shape[0], rows // results, columns // results, w.shape[0], results, results)
    y = y.reshape(shape).transpose(0, 1, 4, 2, 5, 3).reshape(x.shape[0], rows, columns, -1)
    return y[:, : x.shape[1], : x.shape[2]]


def winograd_gradient(x, dy, results, rounded):
    points = POINTS[results]
    data, rows, columns = of_data(x, results)
    whole = padded(dy, rows + PAD, columns + PAD)[:, PAD:, PAD:]
    tiles = windows(whole, results, results)
    gradients = as_matrices(both_ways(transforms.taps(points, results), tiles))
    products = rounded(gradients).transpose(0, 2, 1) @ rounded(data)
    dw = both_ways(transforms.results(points, TAPS), as_tiles(products))
    return dw.transpose(0, 2, 3, 1)


# ---- the comparison ----


def distance(found, exact):
    return np.abs(found - exact).max() / np.abs(exact).max()


def glorot(random, filters, channels):
    limit = (6 / (TAPS * TAPS * (filters + channels))) ** 0.5
    return random.uniform(-limit, limit, (filters, TAPS, TAPS, channels)).astype(np.float32)


def cases(folder, random):
    with gzip.open(os.path.join(folder, "mnist", "train-images-idx3-ubyte.gz")) as file:
        mnist = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 28, 28, 1)[:4]
    idc = np.load(os.path.join(folder, "idc", "X.npy"), mmap_mode="r")[100:102]
    for name, images in (("28x28x1", mnist), ("50x50x3", idc)):
        x = (images / 255).astype(np.float32)
        x = np.maximum(forward(x, glorot(random, 128, x.shape[3])), 0)
        w = glorot(random, 64, 128)
        y = forward(x, w)
        yield name, x, w, (random.standard_normal(y.shape) * 1e-3 * (y > 0)).astype(np.float32)
    shapes = (4, 28, 28, 128), (64, TAPS, TAPS, 128), (4, 28, 28, 64)
    yield "uniform", *(random.uniform(-1, 1, s).astype(np.float32) for s in shapes)


def main(folder):
    ways = [("direct", None, None)]
    ways += [(f"F({m}x{m})", m, lambda v: v) for m in POINTS] + [("F(4x4) TF32", 4, tf32)]
    print(f"{'':10}{'':12}{'forward':>10}{'data':>10}{'weights':>10}")
    for name, x, w, dy in cases(folder, np.random.default_rng(1)):
        x64, w64, dy64 = (v.astype(np.float64) for v in (x, w, dy))
        exact = forward(x64, w64), forward(dy64, turned(w64)), gradient(x64, dy64)
        for way, m, rounded in ways:
            found = (forward(x, w), forward(dy, turned(w)), gradient(x, dy)) if m is None else (
                winograd_forward(x, w, m, rounded), winograd_forward(dy, turned(w), m, rounded),
                winograd_gradient(x, dy, m, rounded))
            print(f"{name:10}{way:12}", *(f"{distance(f, e):9.1e}" for f, e in zip(found, exact)))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
