#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the golden files of this folder with PyTorch in double precision.

    python3 tests/golden/pytorch_golden.py          writes the files
    python3 tests/golden/pytorch_golden.py --check  compares them with what would be written

Inputs are not stored: images, labels, gradients and initial weights are drawn by the rules of
src/base/philox.h and src/nn/network.h, which this script implements a second time. A file's line is
a name, a count and the values; of large tensors every k-th value is kept, with sum and norm.

Keras's formulas, where they differ from PyTorch's, are written out with torch operations:
  Adam    w -= rate sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(v) + eps): PyTorch's optimiser divides v by
          1 - b2^t before it adds eps
  batch normalisation's running variance moves to the biased variance; PyTorch's to the unbiased one
  padding 'same' puts the surplus at the bottom and right; PyTorch pads evenly
"""
import pathlib
import sys

import numpy as np
import torch
import torch.nn.functional as F

HERE = pathlib.Path(__file__).resolve().parent
SEED = 424242
WEIGHTS, SYNTHETIC = 1, 4  # purposes of random numbers
KEPT = 40                  # values of a large tensor
NORM_EPSILON, NORM_MOMENTUM = 1e-3, 0.99
ADAM_BETA1, ADAM_BETA2, ADAM_EPSILON = 0.9, 0.999, 1e-7
RATE = 0.01
FIRST_STREAM = 100  # of a network's images
MARGIN = 1e-6       # no ReLU and no maximum of a network's step is nearer than this to its kink


# ---- random numbers: Philox4x32-10 --------------------------------------------------------------

def words(seed, purpose, epoch, count):
    """The first `count` words of a stream, as uint32."""
    blocks = (count + 3) // 4
    index = np.arange(blocks, dtype=np.uint64)
    low = np.uint64(0xffffffff)
    c = [index & low, index >> np.uint64(32), np.full(blocks, epoch, np.uint64),
         np.full(blocks, purpose, np.uint64)]
    k0, k1 = seed & 0xffffffff, seed >> 32
    for _ in range(10):
        p0, p1 = np.uint64(0xD2511F53) * c[0], np.uint64(0xCD9E8D57) * c[2]
        c = [(p1 >> np.uint64(32)) ^ c[1] ^ np.uint64(k0), p1 & low,
             (p0 >> np.uint64(32)) ^ c[3] ^ np.uint64(k1), p0 & low]
        k0, k1 = (k0 + 0x9E3779B9) & 0xffffffff, (k1 + 0xBB67AE85) & 0xffffffff
    return np.stack(c, axis=1).reshape(-1)[:count].astype(np.uint32)


def units(seed, purpose, epoch, count):
    return (words(seed, purpose, epoch, count).astype(np.float64) + 0.5) * 2.0**-32


def uniform(epoch, shape):
    """Values in (-1, 1) that a float holds exactly, as float64."""
    values = 2 * units(SEED, SYNTHETIC, epoch, int(np.prod(shape))) - 1
    return torch.from_numpy(values.astype(np.float32).astype(np.float64).reshape(shape))


def glorot(tensor, shape, fan_in, fan_out):
    limit = np.sqrt(6 / (fan_in + fan_out))
    values = limit * (2 * units(SEED, WEIGHTS, tensor, int(np.prod(shape))) - 1)
    return torch.from_numpy(values.astype(np.float32).astype(np.float64).reshape(shape))


def nchw(epoch, n, h, w, c):
    """Uniform values drawn in NHWC order."""
    return uniform(epoch, (n, h, w, c)).permute(0, 3, 1, 2).contiguous()


def nhwc(x):
    return x.permute(0, 2, 3, 1).contiguous() if x.dim() == 4 else x


# ---- layers -------------------------------------------------------------------------------------

def pad_same(x, kernel, stride, value):
    pads = []
    for length in (x.shape[3], x.shape[2]):  # F.pad counts from the last dimension
        out = -(-length // stride)
        total = max((out - 1) * stride + kernel - length, 0)
        pads += [total // 2, total - total // 2]
    return F.pad(x, pads, value=value)


def conv(x, w, b, stride=1, same=True):
    return F.conv2d(pad_same(x, w.shape[2], stride, 0.0) if same else x, w, b, stride)


def maxpool(x, window, stride, same=True):
    return F.max_pool2d(pad_same(x, window, stride, -np.inf) if same else x, window, stride)


def avgpool(x, window, stride, same=True):
    if not same:
        return F.avg_pool2d(x, window, stride)
    inside = F.avg_pool2d(pad_same(torch.ones_like(x), window, stride, 0.0), window, stride)
    return F.avg_pool2d(pad_same(x, window, stride, 0.0), window, stride) / inside


class Norm:
    def __init__(self, over_height, count):
        self.over_height, self.count = over_height, count
        self.reset()

    def reset(self):
        self.mean = torch.zeros(self.count, dtype=torch.float64)
        self.variance = torch.ones(self.count, dtype=torch.float64)

    def __call__(self, x, gamma, beta, training):
        if self.over_height:
            x = x.transpose(1, 2)  # rows take the place of the channels
        if training:
            mean, variance = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
            self.mean = NORM_MOMENTUM * self.mean + (1 - NORM_MOMENTUM) * mean.detach()
            self.variance = NORM_MOMENTUM * self.variance + (1 - NORM_MOMENTUM) * variance.detach()
            y = F.batch_norm(x, None, None, gamma, beta, True, 0, NORM_EPSILON)
        else:
            y = F.batch_norm(x, self.mean, self.variance, gamma, beta, False, 0, NORM_EPSILON)
        return y.transpose(1, 2) if self.over_height else y


# ---- files --------------------------------------------------------------------------------------

class Golden:
    def __init__(self, name):
        self.path, self.lines = HERE / f"pytorch_{name}.txt", ["# made by pytorch_golden.py"]

    def put(self, name, values):
        flat = np.atleast_1d(np.asarray(values.detach() if torch.is_tensor(values) else values,
                                        dtype=np.float64)).reshape(-1)
        self.lines.append(f"{name} {flat.size} " + " ".join(repr(float(v)) for v in flat))

    def put_sample(self, name, tensor):
        """sum, norm and largest value, then every k-th value."""
        flat = tensor.detach().reshape(-1)
        self.put(name + ".total", [flat.sum(), flat.norm(), flat.abs().max()])
        self.put(name + ".kept", flat[::max(1, flat.numel() // KEPT)])

    def finish(self, check):
        if check:
            return self.compare()
        self.path.write_text("\n".join(self.lines) + "\n")
        return True

    def compare(self):
        """Other machines round differently: 1e-9 of each line's largest value is the same."""
        stored = self.path.read_text().splitlines()
        same = len(stored) == len(self.lines)
        for old, new in zip(stored[1:], self.lines[1:]):
            a, b = old.split(), new.split()
            x, y = np.array(a[2:], np.float64), np.array(b[2:], np.float64)
            same &= a[:2] == b[:2] and bool(np.allclose(x, y, rtol=0, atol=1e-9 * abs(y).max(initial=0)))
        print(f"{self.path.name}: {'the same' if same else 'DIFFERENT'}")
        return same


# ---- the study's networks -----------------------------------------------------------------------

def build(architecture, h, channels, classes):
    """Layers as (kind, index of the first parameter), and parameters in canonical order."""
    filters = {"arch1": [16, "pool", 32, "pool"],
               "arch2": [128, 64, "norm", "pool", 32, 16, "norm", "pool"]}[architecture]
    over_height = h == 28 and channels == 1
    layers, parameters, c = [], [], channels
    for f in filters:
        if f == "pool":
            layers.append(("pool", None, None))
            h = -(-h // 2)
        elif f == "norm":
            k = h if over_height else c
            layers.append(("norm", len(parameters), Norm(over_height, k)))
            parameters += [torch.ones(k, dtype=torch.float64), torch.zeros(k, dtype=torch.float64)]
        else:
            layers.append(("conv", len(parameters), None))
            parameters += [glorot(len(parameters), (f, c, 5, 5), c * 25, f * 25),
                           torch.zeros(f, dtype=torch.float64)]
            c = f
    layers.append(("dense", len(parameters), None))
    parameters += [glorot(len(parameters), (classes, c, h, h), c * h * h, classes),
                   torch.zeros(classes, dtype=torch.float64)]
    return layers, parameters


def forward(layers, parameters, x, training, margins=None):
    for kind, first, norm in layers:
        if kind == "pool":
            if margins is not None:
                margins.append(pool_margin(x))
            x = maxpool(x, 2, 2)
            continue
        a, b = parameters[first], parameters[first + 1]
        if kind == "conv":
            x = conv(x, a, b)
            if margins is not None:
                margins.append(x.abs().min().item())
            x = F.relu(x)
        elif kind == "norm":
            x = norm(x, a, b, training)
        else:
            x = F.linear(x.flatten(1), a.flatten(1), b)
    return x


def pool_margin(x):
    """The least distance of a window's two largest values, equal ones left out: they are zeros of
    a ReLU (normalised or not), whose gradient is zero whichever is taken."""
    windows = F.unfold(pad_same(x, 2, 2, -1e9), 2, stride=2).reshape(x.shape[0], x.shape[1], 4, -1)
    two = windows.topk(2, dim=2).values
    gap = two[:, :, 0] - two[:, :, 1]
    return gap[gap > 1e-12].min().item()


def draw_batch(layers, parameters, shape, classes):
    """Images and labels whose step has no decision that rounding to float could turn."""
    n, h, channels = shape
    for stream in range(FIRST_STREAM, FIRST_STREAM + 200, 2):
        pixels = words(SEED, SYNTHETIC, stream, n * h * h * channels) & np.uint32(255)
        x = torch.from_numpy((pixels / 255.0).astype(np.float32).astype(np.float64))
        x = x.reshape(n, h, h, channels).permute(0, 3, 1, 2).contiguous()
        margins = []
        with torch.no_grad():
            forward(layers, parameters, x, True, margins)
        for _, _, norm in layers:
            if norm:
                norm.reset()
        if min(margins) >= MARGIN:
            y = words(SEED, SYNTHETIC, stream + 1, n) % np.uint32(classes)
            return stream, x, torch.from_numpy(y.astype(np.int64))
    sys.exit("no batch stays clear of its kinks")


def network_step(architecture, h, channels, classes, batch, check):
    golden = Golden(f"{architecture}_{h}")
    layers, parameters = build(architecture, h, channels, classes)
    stream, x, y = draw_batch(layers, parameters, (batch, h, channels), classes)
    golden.put("stream", [stream])
    golden.put("batch", [batch])
    for p in parameters:
        p.requires_grad_(True)
    golden.put("parameters", [sum(p.numel() for p in parameters)])
    for t, p in enumerate(parameters):
        golden.put_sample(f"start.{t}", p)
    logits = forward(layers, parameters, x, True)
    loss = F.cross_entropy(logits, y)
    loss.backward()
    golden.put("loss", [loss.item()])
    golden.put("errors", [(logits.argmax(1) != y).sum().item()])
    for t, p in enumerate(parameters):
        golden.put_sample(f"gradient.{t}", p.grad)
    torch.optim.SGD(parameters, lr=RATE).step()
    for t, p in enumerate(parameters):
        golden.put_sample(f"updated.{t}", p)
    state = [s for _, _, norm in layers if norm for s in (norm.mean, norm.variance)]
    golden.put("state", torch.cat(state) if state else [])
    with torch.no_grad():
        golden.put("evaluated", [F.cross_entropy(forward(layers, parameters, x, False), y).item()])
    return golden.finish(check)


# ---- single layers and optimisers ---------------------------------------------------------------

LAYERS = [  # name, h, w, c, function of x (and w, b), filters and kernel of a convolution
    ("conv_same_4_2", lambda x, w, b: conv(x, w, b, 2), (5, 4)),
    ("conv_same_3_1", lambda x, w, b: conv(x, w, b, 1), (2, 3)),
    ("conv_valid_3_2", lambda x, w, b: conv(x, w, b, 2, False), (3, 3)),
    ("maxpool_same_3_2", lambda x, w, b: maxpool(x, 3, 2), None),
    ("maxpool_same_2_2", lambda x, w, b: maxpool(x, 2, 2), None),
    ("maxpool_valid_3_1", lambda x, w, b: maxpool(x, 3, 1, False), None),
    ("avgpool_same_3_2", lambda x, w, b: avgpool(x, 3, 2), None),
    ("avgpool_valid_2_2", lambda x, w, b: avgpool(x, 2, 2, False), None),
]


def single_layers(check):
    golden = Golden("layers")
    for name, function, weights in LAYERS:
        x = nchw(2, 2, 9, 8, 3).requires_grad_(True)
        w = b = None
        if weights:
            w = uniform(3, (weights[0], 3, weights[1], weights[1])).requires_grad_(True)
            b = uniform(4, (weights[0],)).requires_grad_(True)
        y = function(x, w, b)
        n, c, h, width = y.shape
        (y * nchw(5, n, h, width, c)).sum().backward()
        golden.put_sample(name + ".y", nhwc(y))
        golden.put_sample(name + ".dx", nhwc(x.grad))
        if weights:
            golden.put_sample(name + ".dw", w.grad)
            golden.put_sample(name + ".db", b.grad)
    return golden.finish(check)


def keras_adam(w, gradients, epsilon=ADAM_EPSILON):
    m, v = torch.zeros_like(w), torch.zeros_like(w)
    for t, g in enumerate(gradients, 1):
        m = ADAM_BETA1 * m + (1 - ADAM_BETA1) * g
        v = ADAM_BETA2 * v + (1 - ADAM_BETA2) * g * g
        scale = RATE * (1 - ADAM_BETA2**t) ** 0.5 / (1 - ADAM_BETA1**t)
        w = w - scale * m / (v.sqrt() + epsilon)
    return w


def torch_optimizer(make, w, gradients):
    p = w.clone().requires_grad_(True)
    optimizer = make([p])
    for g in gradients:
        p.grad = g
        optimizer.step()
    return p.detach()


def optimizers(check):
    golden = Golden("optimizers")
    w = uniform(6, (32,))
    gradients = [uniform(7 + step, (32,)) for step in range(5)]
    for momentum in (0, 0.9):
        golden.put(f"sgd_{momentum}", torch_optimizer(
            lambda p: torch.optim.SGD(p, lr=RATE, momentum=momentum), w, gradients))
    golden.put("adam", keras_adam(w, gradients))
    # Without epsilon both formulas are the same.
    theirs = torch_optimizer(lambda p: torch.optim.Adam(p, lr=RATE, eps=0.0), w, gradients)
    assert torch.allclose(theirs, keras_adam(w, gradients, 0.0), rtol=0, atol=1e-12)
    small = [(g * 1e-6).float().double() for g in gradients]
    golden.put("adam_small", keras_adam(w, small))
    return golden.finish(check)


def main():
    check = sys.argv[1:] == ["--check"]
    if sys.argv[1:] and not check:
        sys.exit(__doc__)
    results = [single_layers(check), optimizers(check)]
    for architecture, small, large in (("arch1", 8, 4), ("arch2", 2, 1)):
        results.append(network_step(architecture, 28, 1, 10, small, check))
        results.append(network_step(architecture, 50, 3, 2, large, check))
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
