#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes png_golden.h: a tree of PNG files with its pixels, files that must be refused, and splits by
patient, made without libpng and without our code.

    python3 tests/golden/png_golden.py [FOLDER OF IDC_regular_ps50_idx5] > tests/golden/png_golden.h

Given the folder of the real patches, the figures for it are computed from its files; without it those
of the header that is there stay as they are. PNG is encoded and decoded here from its specification
(RFC 2083) with zlib alone; Philox4x32-10, FNV-1a and the rules of src/data/split.h are written out a
second time, from their descriptions.
"""
import math
import os
import re
import struct
import sys
import zlib

SEED, FRACTION = 20180601, 0.25


def philox(key, counter):
    mask = 0xFFFFFFFF
    k, c = list(key), list(counter)
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(p1 >> 32) ^ c[1] ^ k[0], p1 & mask, (p0 >> 32) ^ c[3] ^ k[1], p0 & mask]
        k = [(k[0] + 0x9E3779B9) & mask, (k[1] + 0xBB67AE85) & mask]
    return c


def fnv1a(data, h=0xCBF29CE484222325):
    for byte in data:
        h = ((h ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return h


# ---- PNG ----------------------------------------------------------------------------------------


def paeth(a, b, c):
    p = a + b - c
    return min(((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c)))[2]


def predict(kind, a, b, c):
    return [0, a, b, (a + b) // 2, paeth(a, b, c)][kind]


def chunk(name, body):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def encode(w, h, pixels, colour=2, depth=8, interlace=0, before=b"", parts=1):
    """pixels: bytes [h, w, channels]; each row has another filter; IDAT comes in `parts`."""
    n = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour] * (2 if depth == 16 else 1)
    rows = bytearray()
    for y in range(h):
        kind, row = y % 5, pixels[y * w * n : (y + 1) * w * n]
        above = pixels[(y - 1) * w * n : y * w * n] if y else bytes(w * n)
        rows.append(kind)
        for i, v in enumerate(row):
            a = row[i - n] if i >= n else 0
            c = above[i - n] if i >= n else 0
            rows.append((v - predict(kind, a, above[i], c)) & 0xFF)
    packed = zlib.compress(bytes(rows), 9)
    step = -(-len(packed) // parts)
    out = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, depth, colour, 0, 0, interlace))
    out += before
    for i in range(0, len(packed), step):
        out += chunk(b"IDAT", packed[i : i + step])
    return out + chunk(b"IEND", b"")


def decode(data):
    """(h, w, channels, pixels) of an 8-bit RGB or grey file that is not interlaced."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, packed = 8, b""
    while at < len(data):
        (size,) = struct.unpack(">I", data[at : at + 4])
        name, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + size]
        if name == b"IHDR":
            w, h, depth, colour, _, _, interlace = struct.unpack(">IIBBBBB", body)
            assert depth == 8 and colour in (0, 2) and interlace == 0
        if name == b"IDAT":
            packed += body
        at += 12 + size
    n = 3 if colour == 2 else 1
    raw, out, above = zlib.decompress(packed), bytearray(), bytes(w * n)
    assert len(raw) == h * (1 + w * n)
    for y in range(h):
        kind, row = raw[y * (1 + w * n)], bytearray(raw[y * (1 + w * n) + 1 : (y + 1) * (1 + w * n)])
        for i in range(w * n):
            a = row[i - n] if i >= n else 0
            c = above[i - n] if i >= n else 0
            row[i] = (row[i] + predict(kind, a, above[i], c)) & 0xFF
        out += row
        above = bytes(row)
    return h, w, n, bytes(out)


# ---- trees --------------------------------------------------------------------------------------


def read_tree(files):
    """files {(patient, class, name): bytes} -> kept [(patient, class, pixels)], shape, skipped."""
    images = [(k, decode(files[k])) for k in sorted(files, key=lambda k: [os.fsencode(p) for p in k])]
    shapes = [i[1][:3] for i in images]
    shape = min(set(shapes), key=lambda s: (-shapes.count(s), s))
    kept = [(k[0], k[1], i[3]) for k, i in images if i[:3] == shape]
    return kept, shape, len(images) - len(kept)


def choose(sizes, fraction, seed):
    """Which groups are for testing, from all numbers of images that can be made, and how."""
    n = sum(sizes)
    total = math.floor(fraction * n + 0.5)
    words = [philox((seed, 0), (g, 0, 3, 3))[0] for g in range(len(sizes))]
    made = {0: frozenset()}
    for g in sorted(range(len(sizes)), key=lambda g: (words[g], g)):
        if total in made:
            break
        fresh = {s + sizes[g]: made[s] | {g} for s in made if s + sizes[g] < n}
        made.update({s: groups for s, groups in fresh.items() if s not in made})
    return sorted(made[min((s for s in made if s > 0), key=lambda s: (abs(s - total), s))])


def summary(files, fraction):
    kept, shape, skipped = read_tree(files)
    classes = sorted({k[1] for k in kept}, key=os.fsencode)
    patients = sorted({k[0] for k in kept}, key=os.fsencode)
    labels = [classes.index(k[1]) for k in kept]
    sizes = [sum(k[0] == p for k in kept) for p in patients]
    test = choose(sizes, fraction, SEED)
    is_test = [patients.index(k[0]) in test for k in kept]
    pixels = b"".join(k[2] for k in kept)
    return {
        "shape": shape, "skipped": skipped, "count": len(kept), "patients": len(patients),
        "labels": labels, "pixels": pixels, "test_patients": test, "is_test": [int(t) for t in is_test],
        "checksum": fnv1a(struct.pack(f"<{len(labels)}i", *labels), fnv1a(pixels)),
    }


# ---- output -------------------------------------------------------------------------------------


def write_bytes(name, data):
    print(f"static const unsigned char {name}[] = {{")
    for i in range(0, len(data), 24):
        print("    " + " ".join(f"{b}," for b in data[i : i + 24]))
    print("};")


def write_ints(name, values):
    print(f"static const int32_t {name}[] = {{{', '.join(map(str, values))}}};")


def picture(k, w, h, n):
    return bytes((k * 37 + x * 11 + (x // n) * y * 5) % 256 for y in range(h) for x in range(w * n))


def make_tree():
    """Names whose order by bytes is neither that of numbers nor that of paths as whole texts."""
    files, k = {}, 0
    text = chunk(b"tEXt", b"Comment\0not a pixel") + chunk(b"gAMA", struct.pack(">I", 45455))
    for patient, counts in (("10", (2, 1)), ("9", (1, 2)), ("b", (1, 0)), ("b-1", (0, 3)), ("b0", (2, 2))):
        for label, count in enumerate(counts):
            for i in range(count):
                name = f"{patient}_idx5_x{101 - i}_y{i}_class{label}.png"
                files[patient, str(label), name] = encode(5, 4, picture(k, 5, 4, 3), before=text if i else b"", parts=1 + i)
                k += 1
    files["9", "1", "9_idx5_x1_y1_class1.png"] = encode(5, 3, picture(k, 5, 3, 3))
    files["cut", "0", "cut_idx5_x1_y1_class0.png"] = encode(3, 4, picture(k, 3, 4, 3))
    return files


def refused():
    good = encode(5, 4, picture(1, 5, 4, 3))
    at = good.index(b"IDAT")
    size = struct.unpack(">I", good[at - 4 : at])[0]
    note = chunk(b"tEXt", b"Comment\0x")
    short = chunk(b"IDAT", zlib.compress(bytes(16 * 3)))
    head = good[: at - 4]
    bomb = lambda w, h: b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, 8, 2, 0, 0, 0)) + good[at - 4 :]
    return {
        "cut": good[: at + 10],
        "no_end": good[:-12],
        "bad_header": good[:20] + bytes([good[20] ^ 1]) + good[21:],
        "bad_sum": good[: at + 4 + size] + bytes([good[at + 4 + size] ^ 1]) + good[at + 5 + size :],
        "bad_note": head + note[:-1] + bytes([note[-1] ^ 1]) + good[at - 4 :],
        "bad_zip": head + chunk(b"IDAT", b"\x78\x9c\xff\xff\xff") + chunk(b"IEND", b""),
        "few_rows": head + short + chunk(b"IEND", b""),
        "text": b"this is no picture, and longer than a header is",
        "no_size": bomb(0, 4),
        "bomb": bomb(20000, 20000),
        "too_large": bomb(2**31 - 1, 2**31 - 1),
        "deep": encode(5, 4, picture(1, 10, 4, 3), depth=16),
        "alpha": encode(5, 4, picture(1, 5, 4, 4), colour=6),
        "palette": encode(5, 4, bytes(20), colour=3, before=chunk(b"PLTE", bytes(6))),
        "interlaced": encode(5, 4, picture(1, 5, 4, 3), interlace=1),
    }


def real_lines(folder):
    if folder is None:
        with open(os.path.join(os.path.dirname(__file__), "png_golden.h"), encoding="utf-8") as old:
            return re.search(r"/\* real \*/\n(.*?)/\* end of real \*/\n", old.read(), re.S).group(1)
    files = {}
    for place, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(place, name), "rb") as file:
                patient, label = place.split(os.sep)[-2:]
                files[patient, label, name] = file.read()
    s = summary(files, 0.2)
    ones = lambda flag: sum(y for y, t in zip(s["labels"], s["is_test"]) if t == flag)
    values = {
        "FILES": len(files), "SKIPPED": s["skipped"], "PATIENTS": s["patients"],
        "TEST_PATIENTS": len(s["test_patients"]), "TEST": sum(s["is_test"]),
        "ONES": ones(0), "TEST_ONES": ones(1),
    }
    text = "enum {" + ", ".join(f" REAL_{k} = {v}" for k, v in values.items()) + " };\n"
    text += f"static const uint64_t real_checksum = 0x{s['checksum']:016x}u;\n"
    h = fnv1a(struct.pack(f"<{s['count']}i", *s["is_test"]))
    return text + f"static const uint64_t real_is_test = 0x{h:016x}u; /* of is_test, i32 [count] */\n"


def main():
    real = real_lines(sys.argv[1] if len(sys.argv) > 1 else None)
    print("/* Written by tests/golden/png_golden.py; not to be edited. */")
    print("/* clang-format off */")
    print("#ifndef CNN_TESTS_PNG_GOLDEN_H\n#define CNN_TESTS_PNG_GOLDEN_H\n\n#include <stddef.h>\n#include <stdint.h>\n")
    tree = make_tree()
    for i, key in enumerate(tree):
        write_bytes(f"tree_file_{i}", tree[key])
    print("static const struct {\n    const char *patient, *label, *name;\n    const unsigned char *bytes;\n    size_t size;\n} tree_files[] = {")
    for i, key in enumerate(tree):
        print(f'    {{"{key[0]}", "{key[1]}", "{key[2]}", tree_file_{i}, sizeof tree_file_{i}}},')
    print("};")
    s = summary(tree, FRACTION)
    print(f"enum {{ TREE_SEED = {SEED}, TREE_COUNT = {s['count']}, TREE_SKIPPED = {s['skipped']}, TREE_PATIENTS = {s['patients']}, TREE_TEST_PATIENTS = {len(s['test_patients'])} }};")
    print(f"static const double tree_fraction = {FRACTION};")
    print(f"static const uint64_t tree_checksum = 0x{s['checksum']:016x}u;")
    write_ints("tree_labels", s["labels"])
    write_ints("tree_is_test", s["is_test"])
    write_bytes("tree_pixels", s["pixels"])
    write_bytes("grey", encode(4, 3, picture(5, 4, 3, 1), colour=0))
    write_bytes("grey_pixels", picture(5, 4, 3, 1))
    for name, data in refused().items():
        write_bytes("refused_" + name, data)

    # Splits by group: sizes, fraction, and which groups are for testing.
    cases = [
        ([3, 1, 4, 1, 5, 9, 2, 6, 5, 3], 0.2), ([7] * 11, 0.3), ([100, 100], 0.05), ([1] * 40, 0.25),
        ([64, 128, 65, 63, 200, 1], 0.5), ([(i * i) % 97 + 1 for i in range(150)], 0.2),
        ([1000, 3, 3], 0.4), ([50, 51], 0.99),
    ]
    for i, (sizes, fraction) in enumerate(cases):
        write_ints(f"group_sizes_{i}", sizes)
        write_ints(f"group_test_{i}", choose(sizes, fraction, SEED))
    print("static const struct {\n    double fraction;\n    const int32_t *sizes, *test;\n    int groups, test_groups;\n} group_cases[] = {")
    for i, (sizes, fraction) in enumerate(cases):
        print(f"    {{{fraction}, group_sizes_{i}, group_test_{i}, {len(sizes)}, {len(choose(sizes, fraction, SEED))}}},")
    print("};")
    print(f"/* real */\n{real}/* end of real */")
    print("\n#endif")


main()
