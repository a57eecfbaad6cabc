#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A trainer in PyTorch that follows cnnmpi's run protocol (docs/trainer-protocol.md), written as a
user of PyTorch would write it (torch.nn.functional, torch.optim). Needs NumPy and PyTorch 1.13 or
newer.

Modes: `eager`; `compile`, which compiles loss and evaluation with torch.compile (needs PyTorch 2 and
a C++ compiler); `compile-max`, which also times kernels and chooses (max-autotune), so that it
refuses `deterministic: true`; `graphs`, a training step and an evaluation as CUDA graphs (needs a
GPU; without Adam).

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

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [os.path.join(HERE, "../python"), os.path.join(HERE, "settings")]
import with_torch
from cnnmpi import trainer as protocol
from cnnmpi.trainer import DATA, USAGE, Failure

try:
    import numpy as np
    import torch
    import torch.nn.functional as F
    from cnnmpi import network

    MISSING = None
except ImportError as error:
    MISSING = f"{error} (sought by {sys.executable}); install NumPy and PyTorch for it"

MODES = "eager", "compile", "compile-max", "graphs"


# ---- network ------------------------------------------------------------------------------------


def pad(layer, x, value=0.0):
    """x with the layer's padding, where PyTorch's own is symmetric."""
    (top, bottom), (left, right) = layer.pads
    return F.pad(x, (left, right, top, bottom), value=value)


def convolve(layer, x, own, state, training):
    (top, bottom), (left, right) = layer.pads
    if top == bottom == left == right:
        return F.conv2d(x, *own, stride=layer.stride, padding=top)
    return F.conv2d(pad(layer, x), *own, stride=layer.stride)


def pool_max(layer, x, own, state, training):
    (top, bottom), (left, right) = layer.pads
    is_padded = any((top, bottom, left, right))
    if is_padded and top == left == 0 and max(bottom, right) < layer.stride:
        return F.max_pool2d(x, layer.window, layer.stride, ceil_mode=True)
    if is_padded:
        x = pad(layer, x, -math.inf)
    return F.max_pool2d(x, layer.window, layer.stride)


def pool_average(layer, x, own, state, training):
    """Divides by the taps inside the image. state: their inverse number."""
    if not any(map(any, layer.pads)):
        return F.avg_pool2d(x, layer.window, layer.stride)
    return F.avg_pool2d(pad(layer, x), layer.window, layer.stride, divisor_override=1) * state[0]


def normalise(layer, x, own, state, training):
    """Batch norm over channels or rows. state: means and variances, running and of the last batch;
    the running variance is of biased ones."""
    if layer.rows:
        x = x.transpose(1, 2)
    running, batch = state[:2], state[2:]
    values, move = x.numel() // x.shape[1], 1 - network.NORM_MOMENTUM
    if not training:
        x = F.batch_norm(x, *running, *own, False, 0, network.NORM_EPSILON)
    elif values > 1:
        x = F.batch_norm(x, *batch, *own, True, 1.0, network.NORM_EPSILON)
        running[0].lerp_(batch[0], move)
        running[1].lerp_(batch[1] * ((values - 1) / values), move)
    else:  # one value is its own mean; PyTorch refuses it
        running[0].lerp_(x.detach().flatten(), move)
        running[1].mul_(1 - move)
        gamma, beta = (p.view(1, -1, 1, 1) for p in own)
        x = gamma * (x - x.detach()) * 0 + beta
    return x.transpose(1, 2) if layer.rows else x


def connect(layer, x, own, state, training):
    return F.linear(x.flatten(1), own[0].flatten(1), own[1])[:, :, None, None]


def rectify(layer, x, own, state, training):
    return F.relu(x)


def drop(layer, x, own, state, training):
    return F.dropout(x, layer.rate, training)


FORWARD = {
    "conv2d": convolve,
    "maxpool": pool_max,
    "avgpool": pool_average,
    "batchnorm": normalise,
    "dense": connect,
    "relu": rectify,
    "dropout": drop,
}


class Network:
    """Layers as functions [N,C,H,W] over parameters, in canonical order and layout."""

    def __init__(self, task, device, layout):
        self.initial, self.parameters, self.layers = task.weights, [], []
        for value in task.weights:
            form = layout if value.ndim == 4 else torch.contiguous_format
            p = torch.from_numpy(value).to(device, copy=True, memory_format=form)
            self.parameters.append(p.requires_grad_())
        first = 0
        for layer in task.layers:
            state = [value.to(device) for value in self.make_state(layer)]
            which = slice(first, first + len(layer.shapes))
            self.layers.append((FORWARD[layer.kind], layer, which, state))
            first = which.stop

    @staticmethod
    def make_state(layer):
        """What a layer holds besides parameters."""
        if layer.kind == "batchnorm":
            zeros, ones = torch.zeros(layer.shapes[0]), torch.ones(layer.shapes[0])
            return [zeros, ones, zeros.clone(), ones.clone()]
        if layer.kind == "avgpool":
            ones = pad(layer, torch.ones(1, 1, *layer.input[:2]))
            return [1 / F.avg_pool2d(ones, layer.window, layer.stride, divisor_override=1)]
        return []

    def reset(self):
        """Parameters and statistics as at the beginning, in place: compiled programs keep them."""
        with torch.no_grad():
            for p, value in zip(self.parameters, self.initial):
                p.copy_(torch.from_numpy(value))
            for _, layer, _, state in self.layers:
                for kept, value in zip(state, self.make_state(layer)):
                    kept.copy_(value)

    def __call__(self, x, training):
        for forward, layer, which, state in self.layers:
            x = forward(layer, x, self.parameters[which], state, training)
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
        self.inner = torch.optim.Adam(parameters, rate, network.ADAM_BETAS, network.ADAM_EPSILON)
        self.zero_grad, self.state, self.steps = self.inner.zero_grad, self.inner.state, 0

    def step(self):
        self.steps += 1
        for group in self.inner.param_groups:
            group["eps"] = network.ADAM_EPSILON / math.sqrt(1 - network.ADAM_BETAS[1] ** self.steps)
        self.inner.step()


class Graphed:
    """A function of a batch as CUDA graphs, one for each size of a batch."""

    def __init__(self, function):
        self.function, self.graphs = function, {}

    def capture(self, x, y):
        x, y = x.clone(), y.clone()
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):  # libraries choose and allocate
                self.function(x, y)
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            result = self.function(x, y)
        self.graphs[len(y)] = graph, x, y, result

    def __call__(self, x, y):
        graph, own_x, own_y, result = self.graphs[len(y)]
        own_x.copy_(x)
        own_y.copy_(y)
        graph.replay()
        return result


class Run:
    """A network under training, as its specification says."""

    def __init__(self, spec, mode):
        self.settings, self.mode, self.seed = spec["train"], mode, spec["seed"]
        self.device = with_torch.load(spec)
        self.require_mode()
        self.layout = torch.contiguous_format
        if os.environ.get("CNN_TORCH_CHANNELS_LAST") == "1":
            self.layout = torch.channels_last
        task = network.Task(spec)
        self.members, self.note = task.members, task.note(mode)
        self.net = Network(task, self.device, self.layout)
        self.optimizer = self.make_optimizer()
        self.train, self.test = (Feed(p, task.scale, self.device, self.layout) for p in task.parts)
        if mode.startswith("compile"):
            self.loss_of, self.judge = self.compile(self.loss_of), self.compile(self.judge)
        elif mode == "graphs":
            self.step, self.judge = Graphed(self.step), Graphed(self.judge)
        self.warm_up()

    def require_mode(self):
        if self.mode.startswith("compile") and not hasattr(torch, "compile"):
            raise Failure(DATA, f"mode {self.mode} needs PyTorch 2, and this is {torch.__version__}")
        if self.mode == "compile-max" and self.settings["deterministic"]:
            raise Failure(USAGE, "mode compile-max chooses kernels by timing them, so that two runs may "
                                 "differ: it needs `deterministic: false`")
        if self.mode == "graphs" and self.device.type != "cuda":
            raise Failure(DATA, "mode graphs replays CUDA graphs: it needs a GPU, and this run has none")
        if self.mode == "graphs" and self.settings["optimizer"] == "adam":
            raise Failure(USAGE, "mode graphs has no adam: its epsilon changes from step to step")

    def compile(self, function):
        options = {"mode": "max-autotune"} if self.mode == "compile-max" else {}
        return torch.compile(function, dynamic=False, **options)

    def make_optimizer(self):
        rate = self.settings["learning_rate"]
        if self.settings["optimizer"] == "adam":
            return Adam(self.net.parameters, rate)
        return torch.optim.SGD(self.net.parameters, rate, self.settings["momentum"])

    def reset(self):
        """Weights, statistics and the optimiser's state as at the beginning."""
        torch.manual_seed(self.seed)  # dropout
        self.net.reset()
        for slots in self.optimizer.state.values():
            for value in slots.values():
                if torch.is_tensor(value):
                    value.zero_()
        if self.settings["optimizer"] == "adam":
            self.optimizer.steps = 0

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
        """Runs, and compiles or captures, all that the run will need: for the full and the last
        batch. Then restores the state."""
        for part, action in ((self.train, self.step), (self.test, self.judge)):
            with torch.set_grad_enabled(part is self.train):
                for x, y in part.first_and_last(self.settings["batch_size"]):
                    if self.mode == "graphs":
                        action.capture(x, y)
                    action(x, y)
        self.reset()
        with_torch.sync()
        self.compiled = with_torch.compilations()
        if self.mode.startswith("compile") and self.compiled == 0:
            raise RuntimeError("this PyTorch does not report what it compiles")

    def train_epoch(self, epoch):
        """The members of an epoch's event that training fills."""
        self.train.shuffle(self.seed, epoch)
        total = torch.zeros((), dtype=torch.float64, device=self.device)
        traced = self.settings["trace"] == "step"
        steps = []
        with_torch.sync()
        start = last = time.perf_counter()
        for x, y in self.train.batches(self.settings["batch_size"]):
            total += self.step(x, y) * len(y)
            if traced:
                with_torch.sync()
                now = time.perf_counter()
                steps.append(float(f"{now - last:.6g}"))
                last = now
        with_torch.sync()
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
        with_torch.refuse_compilations(self.compiled)
        return self.net.tensors()

    def describe(self):
        parameters = sum(p.numel() for p in self.net.parameters)
        return {**self.members, "parameters": parameters, **with_torch.describe(self.note)}


def require_torch():
    if MISSING:
        raise Failure(DATA, MISSING)


def train(spec, events):
    require_torch()
    protocol.conduct(spec, events, Run(spec, protocol.choose_mode(spec, MODES)))


def fingerprint(spec, events):
    """Prints what a run starts from: equal in every trainer that follows the protocol."""
    require_torch()
    task = network.Task(spec)
    for name, (x, y) in zip(("train", "test"), task.parts):
        pixels, labels = np.ascontiguousarray(x).tobytes(), y.astype("<i4").tobytes()
        print(f"{name} {len(y)} {protocol.fnv1a(pixels):016x} {protocol.fnv1a(labels):016x}")
    print(f"data {task.members['data_checksum']}")
    tensors = Network(task, torch.device("cpu"), torch.contiguous_format).tensors()
    print(f"weights {protocol.keep_weights({}, tensors)}")
    for epoch in (0, 1):
        order = protocol.random_order(spec["seed"], protocol.SHUFFLE, epoch, len(task.parts[0][1]))
        print(f"order {epoch} {protocol.fnv1a(order.astype('<i4').tobytes()):016x}")


if __name__ == "__main__":
    sys.exit(protocol.main(fingerprint if "--fingerprint" in sys.argv[1:] else train))
