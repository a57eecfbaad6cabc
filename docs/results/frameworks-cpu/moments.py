#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Where TensorFlow's gradients of batch norm differ from double precision, and why: on arch2 and the
first batch of Fashion-MNIST (batch norm over rows). By the environment of TensorFlow:

    cnntrain-onednn --architecture arch2 --dataset fashion_mnist --limit 32 --test-limit 8 --epochs 1 \\
        --seed 7 --threads 1 --print-spec > spec.json
    ~/.cache/cnnmpi/environments/tensorflow/bin/python3 docs/results/frameworks-cpu/moments.py spec.json

Prints the moments of the first batch norm and the network's gradients, both beside double precision,
with the sums made in different ways; and how many ReLUs and
pools decide otherwise than in double precision, which gradients jump at."""
import json
import os
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(TOP / "python"), str(TOP / "trainers/settings"), str(TOP / "trainers/tensorflow")]
import numpy as np
import with_tensorflow

spec = json.loads(Path(sys.argv[1]).read_text())
spec["threads"] = int(os.environ.get("THREADS", "1"))
with_tensorflow.load(spec)
import tensorflow as tf
from cnnmpi import network
from low_level import Network

task = network.Task(spec)
order = np.arange(len(task.parts[0][1]))
images = task.parts[0][0][order].astype(np.float64) * task.scale
labels = task.parts[0][1][order]
weights = network.from_canonical(task.layers, task.weights)


class Variant(Network):
    """The trainer's network, with batch norm's sums in another precision or order."""

    moments = sums = None  # dtypes of the moments, and of the rest of batch norm; None: as it comes
    inner = False  # the reduced axes are the last ones
    first = None  # input of the first batch norm

    def normalise(self, x, layer, own, running, training):
        if self.first is None:
            self.first = x
        dtype, rows = x.dtype, layer.rows
        x = tf.reshape(x, (-1, *layer.input))
        if self.inner:
            x = tf.transpose(x, (1, 0, 2, 3) if rows else (3, 0, 1, 2))
        kept = 0 if self.inner else 1 if rows else 3
        axes, shape = [a for a in range(4) if a != kept], [1, 1, 1, 1]
        shape[kept] = -1
        mean, variance = tf.nn.moments(tf.cast(x, self.moments or dtype), axes)
        wide = self.sums or dtype
        mean, variance, gamma, beta = (tf.reshape(tf.cast(v, wide), shape) for v in (mean, variance, *own))
        x = tf.nn.batch_normalization(tf.cast(x, wide), mean, variance, beta, gamma, network.NORM_EPSILON)
        x = tf.cast(x, dtype)
        return tf.transpose(x, (1, 0, 2, 3) if rows else (1, 2, 3, 0)) if self.inner else x


decisions = []  # of each ReLU, whether it lets a value through; of each pool, which value it takes


def noting(function):
    def noted(x, *arguments):
        if function is relu:
            decisions.append(x.numpy() > 0)
        else:
            decisions.append(tf.nn.max_pool_with_argmax(tf.cast(x, tf.float64), *arguments)[1].numpy())
        return function(x, *arguments)

    return noted


relu = tf.nn.relu
tf.nn.relu, tf.nn.max_pool2d = noting(relu), noting(tf.nn.max_pool2d)


def gradients(dtype=np.float32, **how):
    net = Variant(task.layers, [w.astype(dtype) for w in weights], spec["seed"])
    for name, value in how.items():
        setattr(net, name, value)
    with tf.GradientTape() as tape:
        logits = net(tf.constant(images.astype(dtype)), training=True)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
        loss = tf.reduce_mean(losses)
    found = [g.numpy().astype(np.float64) for g in tape.gradient(loss, net.weights)]
    taken = decisions[:]
    decisions.clear()
    return float(loss), found, taken, net


exact_loss, exact, exact_decisions, net64 = gradients(np.float64)
# Biases before a batch norm have gradients of rounding alone: as in tests/trainer/test_frameworks.py.
least = 1e-6 * max(np.abs(g).max() for g in exact)
largest = [max(np.abs(g).max(), least / 1e-4) for g in exact]


def sequential(values):
    """Of each column, in single precision, one value after the other."""
    return np.add.accumulate(values, axis=0, dtype=np.float32)[-1]


print(f"TensorFlow {tf.__version__}, {spec['threads']} threads, "
      f"TF_ENABLE_ONEDNN_OPTS={os.environ.get('TF_ENABLE_ONEDNN_OPTS', '(default)')}")
_, _, _, net32 = gradients()
x, x64 = net32.first.numpy(), net64.first.numpy()
print(f"input of the first batch norm {x.shape}: differs by {np.abs(x - x64).max() / np.abs(x64).max():.1e} "
      "of its largest")
axes = (0, 2, 3) if spec["dataset"]["name"] != "idc" else (0, 1, 2)
kept = [a for a in range(4) if a not in axes][0]
# In the order of Eigen's generic reduction: its inner loop runs over the first of the axes, the batch
# (reduced axes that lie side by side in memory are one).
if kept == 1:
    columns = x.transpose(2, 3, 0, 1).reshape(-1, x.shape[kept])
else:
    columns = x.reshape(-1, x.shape[kept])
n = len(columns)
mean, variance = columns.astype(np.float64).mean(0), columns.astype(np.float64).var(0)

alive = variance > 0


def show(label, m, v):
    off = [np.abs(np.asarray(a, np.float64)[alive] / b[alive] - 1).max() for a, b in ((m, mean), (v, variance))]
    print(f"  {label:54} mean {off[0]:.1e}  variance {off[1]:.1e}")


print(f"moments of {n} values each, relative difference from double precision, of the same input:")
m, v = (t.numpy() for t in tf.nn.moments(x, axes))
show("tf.nn.moments", m, v)
show("tf.nn.moments of the input in double precision", *(t.numpy() for t in tf.nn.moments(tf.cast(x, tf.float64), axes)))
inner = tf.constant(np.ascontiguousarray(np.moveaxis(x, kept, 0)))
show("tf.nn.moments, reduced axes last in memory", *(t.numpy() for t in tf.nn.moments(inner, (1, 2, 3))))
m_seq = sequential(columns) / np.float32(n)
v_seq = sequential((columns - m) ** 2) / np.float32(n)
show("NumPy, one value after the other", m_seq, v_seq)
show("NumPy, pairwise", np.ascontiguousarray(columns.T).mean(1), ((np.ascontiguousarray(columns.T) - m[:, None]) ** 2).mean(1))
print(f"  TensorFlow's sums equal the sequential ones bit for bit in {(m == m_seq).sum()} of {len(m)} means and "
      f"{(v == v_seq).sum()} of {len(v)} variances")

print("loss and gradients, relative to double precision (of a tensor's largest):")
for label, how in (
    ("as the trainer has it", {}),
    ("moments in double precision", {"moments": tf.float64}),
    ("all but the moments in double precision", {"sums": tf.float64}),
    ("batch norm in double precision", {"moments": tf.float64, "sums": tf.float64}),
    ("reduced axes last in memory, single precision", {"inner": True}),
):
    loss, found, taken, _ = gradients(**how)
    other = sum((a != b).sum() for a, b in zip(taken, exact_decisions))
    worst = max(np.abs(g - e).max() / size for g, e, size in zip(found, exact, largest))
    print(f"  {label:54} loss {abs(loss / exact_loss - 1):.1e}  gradients {worst:.1e}  other decisions {other}")
