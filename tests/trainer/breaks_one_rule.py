#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A trainer that breaks one rule of `cnnmpi check-trainer`, in NumPy: breaks_one_rule.py [RULE].

It knows dense layers and ReLU. The rules on other networks are broken in the place of another
trainer: breaks_one_rule.py RULE TRAINER changes what that one reports."""
import hashlib
import json
import math
import os
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..", "python"))
import numpy as np
from cnnmpi import trainer as protocol

RULE = sys.argv[1] if len(sys.argv) > 1 else ""


class Network:
    def __init__(self, description, pixels, classes, seed):
        self.layers, self.weights = [], []
        for item in description:
            kind, settings = next(iter(item.items())) if isinstance(item, dict) else (item, {})
            if kind not in ("dense", "relu"):
                raise protocol.Failure(protocol.USAGE, f"no layer '{kind}' here")
            self.layers.append(kind)
            if kind == "dense":
                units = classes if settings["units"] == "classes" else settings["units"]
                weights = protocol.glorot(seed, len(self.weights), (units, pixels), pixels, units)
                self.weights += [weights, np.zeros(units, np.float32)]
                pixels = units

    def forward(self, x):
        """The input of every layer, and the logits."""
        values, at = [x], 0
        for kind in self.layers:
            if kind == "relu":
                values.append(np.maximum(values[-1], 0))
            else:
                values.append(values[-1] @ self.weights[at].T + self.weights[at + 1])
                at += 2
        return values

    def backward(self, values, slope):
        gradients = []
        at = len(self.weights)
        for kind, x, y in zip(self.layers[::-1], values[-2::-1], values[:0:-1]):
            if kind == "relu":
                slope = slope * (y > 0)
            else:
                at -= 2
                gradients = [slope.T @ x, slope.sum(0)] + gradients
                slope = slope @ self.weights[at]
        return gradients


def losses(logits, labels):
    """Each image's, and the slope of their sum."""
    shifted = logits - logits.max(1, keepdims=True)
    total = np.exp(shifted).sum(1, keepdims=True)
    slope = np.exp(shifted) / total
    rows = np.arange(len(labels))
    each = np.log(total[:, 0]) - shifted[rows, labels]
    slope[rows, labels] -= 1
    return each, slope


class Optimizer:
    def __init__(self, settings, weights):
        self.settings, self.step = settings, 0
        self.first = [np.zeros_like(w) for w in weights]
        self.second = [np.zeros_like(w) for w in weights]

    def update(self, weights, gradients):
        self.step += 1
        rate, t = self.settings["learning_rate"], self.step
        for w, g, m, v in zip(weights, gradients, self.first, self.second):
            if self.settings["optimizer"] == "sgd":
                m *= np.float32(0 if RULE == "momentum" else self.settings["momentum"])
                m -= np.float32(rate) * g
                w += m
                continue
            m += np.float32(0.1) * (g - m)
            v += np.float32(0.001) * (g * g - v)
            root, first = math.sqrt(1 - 0.999**t), 1 - 0.9**t
            if RULE == "adam" and self.settings["epochs"] > 1:
                root = first = 1
            epsilon = 1e-7 * (root if RULE == "adam_epsilon" and self.settings["epochs"] == 1 else 1)
            w -= np.float32(rate * root / first) * m / (np.sqrt(v) + np.float32(epsilon))


def batches(part, order, size, scale):
    x, y = part
    for first in range(0, len(order), size):
        chosen = order[first : first + size]
        pixels = x[chosen].transpose(0, 3, 1, 2).reshape(len(chosen), -1)
        yield pixels.astype(np.float32) * np.float32(scale), y[chosen]


def mean(values, weights, weighted):
    return float(np.average(values, weights=weights if weighted else None))


def train_epoch(net, optimizer, part, order, settings, scale):
    means, sizes = [], []
    for x, y in batches(part, order, settings["batch_size"], scale):
        values = net.forward(x)
        each, slope = losses(values[-1], y)
        optimizer.update(net.weights, net.backward(values, slope / np.float32(len(y))))
        if RULE == "losses" and settings["epochs"] == 20:
            each, _ = losses(net.forward(x)[-1], y)
        means.append(each.mean(dtype=np.float64))
        sizes.append(len(y))
    return mean(means, sizes, RULE != "last_batch")


def evaluate(net, part, size, scale):
    means, shares, sizes = [], [], []
    for x, y in batches(part, np.arange(len(part[1])), size, scale):
        logits = net.forward(x)[-1]
        means.append(losses(logits, y)[0].mean(dtype=np.float64))
        shares.append((logits.argmax(1) != y).mean())
        sizes.append(len(y))
    return mean(means, sizes, RULE != "test_loss"), mean(shares, sizes, RULE != "error_count")


def hash_for_ever():
    while True:  # without the interpreter's lock
        hashlib.sha256(bytes(1 << 22)).digest()


def train(spec, events):
    np.seterr(all="ignore")
    settings = spec["train"]
    parts, classes, scale = protocol.load(spec["dataset"]["source"])
    net = Network(spec["network"]["layers"], parts[0][0][0].size, classes, spec["seed"])
    optimizer = Optimizer(settings, net.weights)
    if RULE == "initial_weights" and settings["learning_rate"] < 1e-9:
        net.weights[0][3, 4] += np.float32(1e-6)
    if RULE == "signals":
        signal.signal(signal.SIGUSR1, signal.SIG_DFL)
    if RULE == "threads":
        threading.Thread(target=hash_for_ever, daemon=True).start()
    checksum = protocol.data_checksum(parts[::-1] if RULE == "data" else parts)
    events.send("ready", setup_seconds=protocol.process_age(), backend="numpy",
                parameters=sum(w.size for w in net.weights), data_checksum=checksum,
                train_images=len(parts[0][1]), test_images=len(parts[1][1]))
    total, diverged = 0.0, False
    for epoch in range(settings["epochs"]):
        before = [w.copy() for w in net.weights]
        order = protocol.random_order(spec["seed"], protocol.SHUFFLE,
                                      0 if RULE == "batch_order" else epoch, len(parts[0][1]))
        start = time.perf_counter()
        train_loss = train_epoch(net, optimizer, parts[0], order, settings, scale)
        seconds = (time.perf_counter() - start) * (0.001 if RULE == "times" else 1)
        start = time.perf_counter()
        test_loss, test_error = evaluate(net, parts[1], settings["batch_size"], scale)
        evaluation = (time.perf_counter() - start) * (0.001 if RULE == "times" else 1)
        events.send("epoch", epoch=epoch, seconds=seconds, train_loss=train_loss,
                    test_loss=test_loss, test_error=test_error, evaluation_seconds=evaluation)
        total += seconds
        diverged = not math.isfinite(train_loss) or not math.isfinite(test_loss)
        if diverged and RULE != "divergence":
            break
    kept = before if RULE == "weights" and settings["epochs"] == 20 else net.weights
    checksum = protocol.keep_weights(spec, kept)
    if RULE == "checksum":
        checksum = f"{time.time_ns():016x}"
    if RULE == "protocol" and settings["epochs"] == 20:
        total += 1
    events.send("done", train_seconds=total, checksum=checksum, diverged=diverged)


def change(spec, event):
    """One number of one event of another trainer."""
    name = spec["network"]["name"]
    if RULE == "parameters" and event["event"] == "ready" and name == "arch1":
        event["parameters"] += 1
    if RULE == "first_loss" and event["event"] == "epoch" and name == "arch1":
        event["train_loss"] *= 1 + 2e-5
    if RULE == "layers" and event["event"] == "epoch" and name == "layers":
        event["test_loss"] *= 1 + 2e-4
    if RULE == "first_change" and event["event"] == "done" and name == "arch2":
        weights = np.fromfile(spec["weights_out"], "<f4")
        weights[-1] += 0.01
        weights.tofile(spec["weights_out"])


def relay(text, command):
    spec = json.loads(text)
    ours, theirs = os.pipe()
    environment = dict(os.environ, CNN_EVENTS_FD=str(theirs))
    process = subprocess.Popen([command], stdin=subprocess.PIPE, pass_fds=[theirs], env=environment)
    os.close(theirs)
    process.stdin.write(text.encode())
    process.stdin.close()
    with os.fdopen(ours) as source, os.fdopen(int(os.environ["CNN_EVENTS_FD"]), "w") as sink:
        for line in source:
            event = json.loads(line)
            change(spec, event)
            sink.write(json.dumps(event) + "\n")
            sink.flush()
    return process.wait()


if __name__ == "__main__":
    if len(sys.argv) > 2:
        sys.exit(relay(sys.stdin.read(), sys.argv[2]))
    if RULE == "version":
        protocol.PROTOCOLS = range(1, 100)
    status = protocol.main(train)
    sys.exit(1 if RULE == "missing_data" and status == protocol.DATA else status)
