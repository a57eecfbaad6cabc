#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes data_golden.h: NPY files as NumPy saves them, and a split made without our code.

    python3 tests/golden/data_golden.py > tests/golden/data_golden.h

Philox4x32-10, FNV-1a and the rules of src/data/split.h are written out here a second time, from
their descriptions, so that both programs have to be wrong in the same way to agree.
"""
import io
import math

import numpy as np

SEED, FRACTION, LIMIT, TEST_LIMIT = 20180601, 0.3, 20, 7
SPLIT_PURPOSE = 3


def philox(key, counter):
    mask = 0xFFFFFFFF
    k, c = list(key), list(counter)
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(p1 >> 32) ^ c[1] ^ k[0], p1 & mask, (p0 >> 32) ^ c[3] ^ k[1], p0 & mask]
        k = [(k[0] + 0x9E3779B9) & mask, (k[1] + 0xBB67AE85) & mask]
    return c


def shuffled(epoch, n):
    words = [philox((SEED, 0), (i, 0, epoch, SPLIT_PURPOSE))[0] for i in range(n)]
    return sorted(range(n), key=lambda i: (words[i], i))


def fnv1a(data, h=0xCBF29CE484222325):
    for byte in data:
        h = ((h ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return h


def split(labels):
    n = len(labels)
    total = math.floor(FRACTION * n + 0.5)
    classes = sorted(set(labels))
    sizes = {c: labels.count(c) for c in classes}
    quota = {c: total * sizes[c] // n for c in classes}
    by_remainder = sorted(classes, key=lambda c: (-(total * sizes[c] % n), c))
    for c in by_remainder[: total - sum(quota.values())]:
        quota[c] += 1
    order = shuffled(0, n)
    test = set()
    for c in classes:
        test.update([i for i in order if labels[i] == c][: quota[c]])
    train = [i for i in range(n) if i not in test]
    return train, sorted(test), quota


def npy(array, version=None):
    out = io.BytesIO()
    np.lib.format.write_array(out, array, version=version)
    return out.getvalue()


def write_bytes(name, data):
    print(f"static const unsigned char {name}[] = {{")
    for i in range(0, len(data), 20):
        print("    " + " ".join(f"{b}," for b in data[i : i + 20]))
    print("};")


def write_ints(name, values):
    print(f"static const int32_t {name}[] = {{{', '.join(map(str, values))}}};")


def main():
    print("/* Written by tests/golden/data_golden.py; not to be edited. */")
    print("/* clang-format off */")
    print("#ifndef CNN_TESTS_DATA_GOLDEN_H\n#define CNN_TESTS_DATA_GOLDEN_H\n\n#include <stdint.h>\n")
    images = (np.arange(6 * 3 * 2 * 2) * 3 % 251).astype("u1").reshape(6, 3, 2, 2)
    labels = np.array([0, 1, 2, 0, 1, 2])
    reals = (images / np.float32(255)).astype("<f4")
    files = {
        "npy_images_u1": npy(images),
        "npy_images_u1_v2": npy(images, (2, 0)),
        "npy_images_u1_v3": npy(images, (3, 0)),
        "npy_images_u1_flat": npy(images[..., 0]),
        "npy_images_f4": npy(reals),
        "npy_images_f4_255": npy(images.astype("<f4")),
        "npy_images_f4_big": npy(reals.astype(">f4")),
        "npy_images_f8": npy(reals.astype("<f8")),
        "npy_images_fortran": npy(np.asfortranarray(images)),
        "npy_images_records": npy(np.zeros(6, dtype=[("a", "u1"), ("b", "<f4")])),
        "npy_images_rank5": npy(images.reshape(6, 3, 2, 2, 1)),
        "npy_labels_u1": npy(labels.astype("u1")),
        "npy_labels_i4": npy(labels.astype("<i4")),
        "npy_labels_i8": npy(labels.astype("<i8")),
        "npy_labels_i8_big": npy(labels.astype(">i8")),
        "npy_labels_i2": npy(labels.astype("<i2")),
        "npy_labels_bool": npy(labels.astype(bool)),
        "npy_labels_column": npy(labels.astype("<i8").reshape(-1, 1)),
        "npy_labels_negative": npy(np.array([0, 1, 2, -1, 1, 2], dtype="<i8")),
        "npy_labels_huge": npy(np.array([0, 1, 2, 0, 2**40, 2], dtype="<i8")),
        "npy_labels_five": npy(labels[:5].astype("<i8")),
        "npy_labels_none": npy(labels[:0].astype("<i8")),
    }
    for name, data in files.items():
        write_bytes(name, data)
    whole = fnv1a(labels.astype("<i8").tobytes(), fnv1a(images.tobytes()))
    print(f"static const uint64_t npy_checksum = 0x{whole:016x}u; /* images u1, labels i8 */\n")

    n = 203
    labels = [(i * i + i // 7) % 11 % 5 for i in range(n)]
    write_bytes("split_images", npy(np.arange(n).astype("u1").reshape(n, 1, 1)))
    write_bytes("split_labels", npy(np.array(labels, dtype="<i4")))
    train, test, quota = split(labels)
    print(f"enum {{ SPLIT_SEED = {SEED}, SPLIT_LIMIT = {LIMIT}, SPLIT_TEST_LIMIT = {TEST_LIMIT} }};")
    print(f"static const double split_fraction = {FRACTION};")
    write_ints("split_quota", [quota[c] for c in sorted(quota)])
    write_ints("split_train", train)
    write_ints("split_test", test)
    write_ints("split_train_limited", [train[i] for i in shuffled(1, len(train))[:LIMIT]])
    write_ints("split_test_limited", [test[i] for i in shuffled(2, len(test))[:TEST_LIMIT]])
    print("\n#endif")


main()
