#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A trainer in PyTorch that follows cnnmpi's run protocol (docs/trainer-protocol.md).

It shares no code with cnnmpi: same networks, same initial weights, same batch order, same data,
same timing rules, written as a user of PyTorch would write them (torch.nn.functional, torch.optim).
Needs NumPy and PyTorch 1.13 or newer.

Modes: `eager`; `compile`, which compiles loss and evaluation with torch.compile (needs PyTorch 2 and
a C++ compiler).

  CNN_TORCH_DEVICE=cpu|cuda|cuda:1   default: a GPU where PyTorch sees one, else the CPU; where
                                     the job gives it a GPU, no CPU instead
  CNN_TORCH_CHANNELS_LAST=1          keep activations as NHWC

By hand, with events on standard output:

  cnntrain-onednn --epochs 1 --print-spec | python3 trainers/pytorch.py
  cnntrain-onednn --epochs 1 --print-spec | python3 trainers/pytorch.py --fingerprint

--fingerprint trains nothing and prints checksums of what a run starts from.
"""
import math
import os
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "python"))  # beside this folder, here and where installed
from cnnmpi import trainer as protocol
from cnnmpi.trainer import DATA, USAGE, Failure

os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # else cuBLAS is not deterministic
try:
    import numpy as np
    import torch
    import torch.nn.functional as F

    MISSING = None
except ImportError as error:
    MISSING = f"{error} (sought by {sys.executable}); install NumPy and PyTorch for it"

MODES = "eager", "compile"
NORM_EPSILON, NORM_MOVE = 1e-3, 0.01
ADAM_BETAS, ADAM_EPSILON = (0.9, 0.999), 1e-7


# ---- networks -----------------------------------------------------------------------------------


def same_padding(length, window, stride):
    """Padding before and after one axis; the surplus comes after."""
    total = max((-(-length // stride) - 1) * stride + window - length, 0)
    return total // 2, total - total // 2


class Layer:
    """One layer: parameters (their shapes in canonical layout), and what it does to x [N,C,H,W]."""

    shapes = ()  # of the parameters; the first one is drawn unless `constant` says otherwise
    fans = None
    constant = None

    def __init__(self, shape, settings):
        self.shape = shape  # (C, H, W) of the output

    def place(self, device):
        """Moves what it holds besides parameters."""


class Window(Layer):
    """What convolutions and pools share."""

    def __init__(self, shape, settings, window, stride, channels):
        c, h, w = shape
        self.window, self.stride = window, stride
        self.pads = (0, 0, 0, 0)  # left, right, top, bottom
        if settings.get("padding", "same") == "same":
            self.pads = same_padding(w, window, stride) + same_padding(h, window, stride)
        left, right, top, bottom = self.pads
        down = (h + top + bottom - window) // stride + 1
        across = (w + left + right - window) // stride + 1
        self.shape = (channels or c, down, across)
        self.symmetric = left == right == top == bottom


class Conv2d(Window):
    def __init__(self, shape, settings):
        kernel = settings.get("kernel", 5)
        super().__init__(shape, settings, kernel, settings.get("stride", 1), settings["filters"])
        inputs, outputs, taps = shape[0], self.shape[0], kernel * kernel
        self.shapes = (outputs, inputs, kernel, kernel), (outputs,)
        self.fans = inputs * taps, outputs * taps

    def forward(self, x, parameters, training):
        if not self.symmetric:
            x = F.pad(x, self.pads)
        padding = self.pads[0] if self.symmetric else 0
        return F.conv2d(x, *parameters, stride=self.stride, padding=padding)


class MaxPool(Window):
    def __init__(self, shape, settings):
        window = settings["window"]
        super().__init__(shape, settings, window, settings.get("stride", window), None)
        self.ceil = self.pads[0] == self.pads[2] == 0 and max(self.pads) < self.stride
        self.padded = any(self.pads)

    def forward(self, x, parameters, training):
        if self.padded and not self.ceil:
            x = F.pad(x, self.pads, value=-math.inf)
        return F.max_pool2d(x, self.window, self.stride, ceil_mode=self.padded and self.ceil)


class AvgPool(MaxPool):
    """Divides by the taps inside the image."""

    def __init__(self, shape, settings):
        super().__init__(shape, settings)
        ones = F.pad(torch.ones(1, 1, *shape[1:]), self.pads)
        taps = F.avg_pool2d(ones, self.window, self.stride, divisor_override=1)
        self.inverse = 1 / taps

    def place(self, device):
        self.inverse = self.inverse.to(device)

    def forward(self, x, parameters, training):
        if not self.padded:
            return F.avg_pool2d(x, self.window, self.stride)
        x = F.pad(x, self.pads)
        return F.avg_pool2d(x, self.window, self.stride, divisor_override=1) * self.inverse


class Relu(Layer):
    def forward(self, x, parameters, training):
        return F.relu(x)


class Dropout(Layer):
    def __init__(self, shape, settings):
        super().__init__(shape, settings)
        self.rate = settings["rate"]

    def forward(self, x, parameters, training):
        return F.dropout(x, self.rate, training)


class BatchNorm(Layer):
    """Over channels or rows; running variances are those of the batch, biased."""

    constant = 1.0

    def __init__(self, shape, settings):
        super().__init__(shape, settings)
        axis = settings.get("axis", "channels")
        self.rows = axis == "height"
        count = shape[1] if self.rows else shape[0]
        self.shapes = (count,), (count,)
        self.state = self.batch = None  # means and variances: running, and of the last batch

    def place(self, device):
        count = self.shapes[0][0]
        start = torch.zeros(count), torch.ones(count)
        self.state = tuple(s.to(device, copy=True) for s in start)
        self.batch = tuple(s.to(device, copy=True) for s in start)

    def forward(self, x, parameters, training):
        if self.rows:
            x = x.transpose(1, 2)
        values = x.numel() // x.shape[1]
        if not training:
            x = F.batch_norm(x, *self.state, *parameters, False, 0, NORM_EPSILON)
        elif values > 1:
            x = F.batch_norm(x, *self.batch, *parameters, True, 1.0, NORM_EPSILON)
            self.state[0].lerp_(self.batch[0], NORM_MOVE)
            self.state[1].lerp_(self.batch[1] * ((values - 1) / values), NORM_MOVE)
        else:  # one value is its own mean; PyTorch refuses it
            self.state[0].lerp_(x.detach().flatten(), NORM_MOVE)
            self.state[1].mul_(1 - NORM_MOVE)
            gamma, beta = (p.view(1, -1, 1, 1) for p in parameters)
            x = gamma * (x - x.detach()) * 0 + beta
        return x.transpose(1, 2) if self.rows else x


class Dense(Layer):
    def __init__(self, shape, settings):
        c, h, w = shape
        self.shape = (settings["units"], 1, 1)
        self.shapes = (settings["units"], c, h, w), (settings["units"],)
        self.fans = c * h * w, settings["units"]

    def forward(self, x, parameters, training):
        weights, bias = parameters
        return F.linear(x.flatten(1), weights.flatten(1), bias)[:, :, None, None]


KINDS = {
    "conv2d": Conv2d,
    "maxpool": MaxPool,
    "avgpool": AvgPool,
    "relu": Relu,
    "dropout": Dropout,
    "batchnorm": BatchNorm,
    "dense": Dense,
}


class Network:
    """Layers with their parameters, drawn from the seed, in canonical order."""

    def __init__(self, description, shape, classes, seed):
        """shape: (C, H, W) of an image."""
        self.layers, self.parameters = [], []
        published = shape == (1, 28, 28)
        for item in description:
            kind, settings = next(iter(item.items())) if isinstance(item, dict) else (item, {})
            settings = dict(settings or {})
            if settings.get("units") == "classes":
                settings["units"] = classes
            if settings.get("axis") == "study":
                settings["axis"] = "height" if published else "channels"
            if kind not in KINDS:
                raise Failure(USAGE, f"unknown layer '{kind}'")
            layer = KINDS[kind](shape, settings)
            shape = layer.shape
            first = len(self.parameters)
            for i, dims in enumerate(layer.shapes):
                self.parameters.append(self.draw(layer, i, dims, seed))
            self.layers.append((layer, slice(first, len(self.parameters))))
        if shape != (classes, 1, 1):
            raise Failure(USAGE, f"the network ends in {shape}, the data set has {classes} classes")
        self.initial = self.parameters

    def draw(self, layer, i, dims, seed):
        if i > 0 or layer.constant is not None:
            return torch.full(dims, layer.constant if i == 0 else 0.0)
        values = protocol.glorot(seed, len(self.parameters), dims, *layer.fans)
        return torch.from_numpy(values)

    def place(self, device, layout):
        """Fresh parameters and statistics on the device."""
        self.parameters = []
        for p in self.initial:
            form = layout if p.dim() == 4 else torch.contiguous_format
            p = p.detach().clone().to(device, memory_format=form)
            self.parameters.append(p.requires_grad_())
        for layer, _ in self.layers:
            layer.place(device)

    def __call__(self, x, training):
        for layer, which in self.layers:
            x = layer.forward(x, self.parameters[which], training)
        return x.flatten(1)

    def tensors(self):
        return [p.detach().cpu().contiguous().numpy() for p in self.parameters]


# ---- training -----------------------------------------------------------------------------------


class Feed:
    """Images and labels of one part on the device, and the order in which they are taken."""

    def __init__(self, part, scale, device, layout):
        x, y = part
        # Transposed by NumPy: of one channel, PyTorch would keep strides that look like NHWC.
        x = torch.from_numpy(np.array(x.transpose(0, 3, 1, 2), order="C"))
        self.images = x.contiguous(memory_format=layout).to(device)
        self.labels = torch.from_numpy(y).to(device)
        self.scale, self.device = scale, device
        self.order = torch.arange(len(y), device=device)

    def shuffle(self, seed, epoch):
        order = protocol.random_order(seed, protocol.SHUFFLE, epoch, len(self.labels))
        self.order = torch.from_numpy(order).to(self.device)

    def batches(self, size):
        for first in range(0, len(self.labels), size):
            yield self.batch(first, size)

    def first_and_last(self, size):
        """Batches of both sizes that there are."""
        return [self.batch(first, size) for first in (0, (len(self.labels) - 1) // size * size)]

    def batch(self, first, size):
        chosen = self.order[first : first + size]
        return self.images[chosen].float() * self.scale, self.labels[chosen]


class Adam:
    """torch.optim.Adam with Keras's place for epsilon: outside the corrected root."""

    def __init__(self, parameters, rate):
        self.inner = torch.optim.Adam(parameters, rate, ADAM_BETAS, ADAM_EPSILON)
        self.zero_grad, self.steps = self.inner.zero_grad, 0

    def step(self):
        self.steps += 1
        for group in self.inner.param_groups:
            group["eps"] = ADAM_EPSILON / math.sqrt(1 - ADAM_BETAS[1] ** self.steps)
        self.inner.step()


class Run:
    """A network under training, as its specification says."""

    def __init__(self, spec):
        self.settings = spec["train"]
        self.mode = choose_mode(spec)
        self.seed = spec["seed"]
        self.device = choose_device()
        self.layout = torch.contiguous_format
        if os.environ.get("CNN_TORCH_CHANNELS_LAST") == "1":
            self.layout = torch.channels_last
        configure(spec)
        parts, classes, scale = protocol.load(spec["dataset"]["source"])
        _, h, w, c = parts[0][0].shape
        self.net = Network(spec["network"]["layers"], (c, h, w), classes, self.seed)
        self.data_checksum = protocol.data_checksum(parts)
        self.train, self.test = (Feed(p, scale, self.device, self.layout) for p in parts)
        self.loss_of, self.judge = self.compile(self.loss_of), self.compile(self.judge)
        self.reset()

    def compile(self, function):
        if self.mode == "eager":
            return function
        return torch.compile(function, dynamic=False)

    def reset(self):
        """Weights, statistics and the optimiser's state as at the beginning."""
        torch.manual_seed(self.seed)  # dropout
        self.net.place(self.device, self.layout)
        rate = self.settings["learning_rate"]
        if self.settings["optimizer"] == "adam":
            self.optimizer = Adam(self.net.parameters, rate)
        else:
            momentum = self.settings["momentum"]
            self.optimizer = torch.optim.SGD(self.net.parameters, rate, momentum)

    def sync(self):
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def loss_of(self, x, y):
        return F.cross_entropy(self.net(x, True), y)

    def judge(self, x, y):
        """Sum of the losses, and number of errors."""
        logits = self.net(x, False)
        return F.cross_entropy(logits, y, reduction="sum"), (logits.argmax(1) != y).sum()

    def step(self, x, y):
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.loss_of(x, y)
        loss.backward()
        self.optimizer.step()
        return loss.detach()

    def warm_up(self):
        """Runs, and compiles, all that the run will need: for the full and the last batch."""
        for part, action in ((self.train, self.step), (self.test, self.judge)):
            with torch.set_grad_enabled(part is self.train):
                for x, y in part.first_and_last(self.settings["batch_size"]):
                    action(x, y)
        self.sync()
        self.reset()
        self.graphs = self.count_graphs()
        if self.mode != "eager" and self.graphs == 0:
            raise RuntimeError("this PyTorch does not report what it compiles")

    def count_graphs(self):
        """Graphs that torch.compile has made."""
        if self.mode == "eager":
            return 0
        return torch._dynamo.utils.counters["stats"]["unique_graphs"]

    def train_epoch(self, epoch):
        """The members of an epoch's event that training fills."""
        self.train.shuffle(self.seed, epoch)
        total = torch.zeros((), dtype=torch.float64, device=self.device)
        traced = self.settings["trace"] == "step"
        steps = []
        self.sync()
        start = last = time.perf_counter()
        for x, y in self.train.batches(self.settings["batch_size"]):
            total += self.step(x, y) * len(y)
            if traced:
                self.sync()
                now = time.perf_counter()
                steps.append(float(f"{now - last:.6g}"))
                last = now
        self.sync()
        seconds = time.perf_counter() - start
        event = {"seconds": seconds, "train_loss": total.item() / len(self.train.labels)}
        return {**event, "step_seconds": steps} if traced else event

    def evaluate(self):
        loss = torch.zeros((), dtype=torch.float64, device=self.device)
        errors = torch.zeros((), dtype=torch.int64, device=self.device)
        start = time.perf_counter()
        with torch.no_grad():
            for x, y in self.test.batches(self.settings["batch_size"]):
                batch_loss, batch_errors = self.judge(x, y)
                loss += batch_loss
                errors += batch_errors
        n = len(self.test.labels)
        event = {"test_loss": loss.item() / n, "test_error": errors.item() / n}
        return {**event, "evaluation_seconds": time.perf_counter() - start}

    def tensors(self):
        if self.count_graphs() != self.graphs:
            raise RuntimeError(f"{self.count_graphs() - self.graphs} graphs were compiled after set-up")
        return self.net.tensors()

    def describe(self):
        cuda = self.device.type == "cuda"
        versions = f"PyTorch {torch.__version__}"
        if self.mode != "eager":
            versions += f" {self.mode}"
        if any(isinstance(layer, Dropout) for layer, _ in self.net.layers):
            versions += ", own dropout masks"
        if cuda:
            versions += f", CUDA {torch.version.cuda}, cuDNN {torch.backends.cudnn.version()}"
        return {
            "parameters": sum(p.numel() for p in self.net.parameters),
            "train_images": len(self.train.labels),
            "test_images": len(self.test.labels),
            "data_checksum": self.data_checksum,
            "backend": "torch-cuda" if cuda else "torch-cpu",
            "versions": versions,
            "device": torch.cuda.get_device_name(self.device) if cuda else protocol.processor(),
            "threads": torch.get_num_threads(),
        }


def choose_mode(spec):
    mode = protocol.choose_mode(spec, MODES)
    if mode != "eager" and not hasattr(torch, "compile"):
        raise Failure(DATA, f"mode {mode} needs PyTorch 2, and this is {torch.__version__}")
    return mode


def choose_device():
    name = os.environ.get("CNN_TORCH_DEVICE")
    given = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    if not name and given.startswith(("GPU-", "MIG-")) and not torch.cuda.is_available():
        raise Failure(DATA, f"the run is given {given}, but this PyTorch sees no GPU: install one "
                            "with CUDA, or set CNN_TORCH_DEVICE=cpu")  # no CPU for a GPU unasked
    name = name or ("cuda" if torch.cuda.is_available() else "cpu")
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise Failure(DATA, f"CNN_TORCH_DEVICE is {name}, but PyTorch sees no GPU")
    try:
        return torch.device(name)
    except RuntimeError as error:
        raise Failure(USAGE, f"CNN_TORCH_DEVICE is '{name}': {error}")


def configure(spec):
    settings = spec["train"]
    torch.set_num_threads(spec["threads"])
    protocol.require_team(spec["threads"])
    torch.use_deterministic_algorithms(settings["deterministic"])
    torch.backends.cudnn.deterministic = settings["deterministic"]
    torch.backends.cudnn.benchmark = settings["autotune"] and not settings["deterministic"]
    torch.backends.cuda.matmul.allow_tf32 = settings["precision"] == "tf32"
    torch.backends.cudnn.allow_tf32 = settings["precision"] == "tf32"


def require_torch():
    if MISSING:
        raise Failure(DATA, MISSING)


def train(spec, events):
    require_torch()
    run = Run(spec)
    run.warm_up()
    protocol.conduct(spec, events, run)


def fingerprint(spec, events):
    """Prints what a run starts from: equal in every trainer that follows the protocol."""
    require_torch()
    parts, classes, _ = protocol.load(spec["dataset"]["source"])
    _, h, w, c = parts[0][0].shape
    net = Network(spec["network"]["layers"], (c, h, w), classes, spec["seed"])
    net.place(torch.device("cpu"), torch.contiguous_format)
    for name, (x, y) in zip(("train", "test"), parts):
        pixels, labels = np.ascontiguousarray(x).tobytes(), y.astype("<i4").tobytes()
        print(f"{name} {len(y)} {protocol.fnv1a(pixels):016x} {protocol.fnv1a(labels):016x}")
    print(f"data {protocol.data_checksum(parts)}")
    print(f"weights {protocol.keep_weights({}, net.tensors())}")
    for epoch in (0, 1):
        order = protocol.random_order(spec["seed"], protocol.SHUFFLE, epoch, len(parts[0][1]))
        print(f"order {epoch} {protocol.fnv1a(order.astype('<i4').tobytes()):016x}")


if __name__ == "__main__":
    sys.exit(protocol.main(fingerprint if "--fingerprint" in sys.argv[1:] else train))
