#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the seeds of the fuzz targets into tests/fuzz/corpus: small inputs that are right, and near
misses. Job files are seeds as they are in jobs/ and tests/system.

    python3 tests/fuzz/seeds.py
"""
import gzip
import io
import json
import os
import struct
import zlib

import numpy as np

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus")


def seed(target, name, data):
    folder = os.path.join(HERE, target)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as file:
        file.write(data)


def idx(dims, data):
    return b"\0\0\x08" + bytes([len(dims)]) + struct.pack(f">{len(dims)}I", *dims) + data


def npy(array, version=None):
    out = io.BytesIO()
    np.lib.format.write_array(out, array, version=version)
    return out.getvalue()


def png(w, h, colour=2):
    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    n = 3 if colour == 2 else 1
    rows = b"".join(bytes([y % 5]) + bytes(range(w * n)) for y in range(h))
    head = struct.pack(">IIBBBBB", w, h, 8, colour, 0, 0, 0)
    # Stored, not compressed: a changed byte stays a changed byte.
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 0)) + chunk(b"IEND", b"")


def main():
    images, labels = bytes(range(24)), bytes([0, 1, 2, 1])
    for name, flags in (("plain", 0), ("packed", 2), ("header", 4)):
        seed("idx", f"images_{name}", bytes([flags]) + idx([4, 3, 2], images))
        seed("idx", f"labels_{name}", bytes([flags | 1]) + idx([4], labels))
        seed("npy", f"images_{name}", bytes([flags]) + npy(np.arange(24, dtype="u1").reshape(4, 3, 2)))
        seed("npy", f"labels_{name}", bytes([flags | 1]) + npy(np.array([0, 1, 2, 1], "<i8")))
    seed("idx", "images_colour", b"\0" + idx([2, 2, 2, 3], images))
    seed("idx", "huge", b"\0" + idx([0xFFFFFFFF] * 3, images))
    seed("idx", "zeros_gz", b"\0" + gzip.compress(idx([100, 100, 100], bytes(10**6)), mtime=0))
    seed("idx", "members_gz", b"\0" + gzip.compress(idx([4, 3, 2], b""), mtime=0) + gzip.compress(images, mtime=0))
    seed("npy", "reals", b"\0" + npy(np.ones((2, 2, 2, 1), "<f4"), (2, 0)))
    seed("npy", "labels_i4", b"\1" + npy(np.array([3, 0], "<i4"), (3, 0)))
    seed("npy", "fortran", b"\0" + npy(np.asfortranarray(np.zeros((2, 3, 4), "u1"))))
    seed("npy", "huge", b"\0" + npy(np.zeros(1, "u1")).replace(b"(1,)", b"(4294967295, 65535, 65535)"))

    a, b = png(3, 2), png(2, 2, 0)
    seed("png_tree", "two", bytes([len(a) * 256 // (len(a) * 2) + 1, 1, 1, 1]) + a + a)
    seed("png_tree", "patients", bytes([128, 3, 1, 5]) + a + a)
    seed("png_tree", "headers", bytes([128, 5, 1, 5]) + a + a)
    seed("png_tree", "sizes", bytes([256 * len(a) // (len(a) + len(b)) + 1, 1, 2, 0]) + a + b)
    seed("png_tree", "one", bytes([255, 0, 3, 9]) + a)

    train = {"epochs": 2, "batch_size": 8, "optimizer": "adam", "learning_rate": 0.01, "momentum": 0,
             "precision": "fp32", "deterministic": True, "autotune": False, "trace": "step"}
    layers = [{"conv2d": {"filters": 4, "kernel": 3, "padding": "valid"}}, "relu", {"maxpool": {"window": 2}},
              {"batchnorm": {"axis": "study"}}, {"dropout": {"rate": 0.5}}, {"dense": {"units": "classes"}}]
    sources = {
        "synthetic": {"type": "synthetic", "height": 8, "width": 8, "channels": 1, "classes": 3, "count": 9,
                      "test_fraction": 0.2},
        "idx": {"type": "idx", "path": "a/b", "scale": 200},
        "npy": {"type": "npy", "images": "x", "labels": "y", "limit": 3, "test_limit": 1, "split_seed": 7},
        "png_tree": {"type": "png_tree", "path": "t", "split": "patient", "shape": [50, 50, 3]},
    }
    for name, source in sources.items():
        spec = {"protocol": 1, "run": 3, "framework": "na\u00eff", "path": "layered", "seed": 5, "threads": 2,
                "network": {"name": "net", "layers": layers}, "dataset": {"name": name, "source": source},
                "train": train}
        seed("spec", name, json.dumps(spec).encode())

    ready = {"event": "ready", "setup_seconds": 0.5, "parameters": 10, "backend": "b", "versions": "v 1",
             "device": "d", "threads": 2, "train_images": 8, "test_images": 2}
    epochs = [{"event": "epoch", "epoch": e, "seconds": 1.5, "train_loss": 2.3e-1, "test_loss": None,
               "test_error": 0.25, "evaluation_seconds": 0, "step_seconds": [1, 0.5]} for e in range(3)]
    done = {"event": "done", "train_seconds": 4.5, "checksum": "00ff", "diverged": False, "total_seconds": 9}
    error = {"event": "error", "message": "no \u00fc \"luck\"\n"}
    lines = lambda *events: b"".join(json.dumps(e).encode() + b"\n" for e in events)
    seed("event", "whole", b"\xff" + lines(ready, *epochs, done))
    seed("event", "bytes", b"\x00" + lines(ready, epochs[0]))
    seed("event", "error", b"\x10" + lines(ready, error))
    seed("event", "none", b"\x10" + b"{}\n\n[1]\nnot json\n" + lines(done)[:-1])

    for kind in range(8):
        seed("results", f"kind_{kind}", bytes([kind, 20 + 13 * kind, 3, 5]))
    seed("results", "pokes", bytes([4, 7, 0, 6, 5, 8, 1, 7, 6, 30, 2, 2, 7, 60, 3, 1]))


main()
