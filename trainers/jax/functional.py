# SPDX-License-Identifier: Apache-2.0
"""Training with JAX alone: pure functions of parameters and state. Imported once JAX is set for the
run (with_jax.load)."""
import time

import jax
import jax.numpy as jnp
import numpy as np
import with_jax
from cnnmpi import network
from cnnmpi import trainer as protocol
from jax import lax

# ---- network ------------------------------------------------------------------------------------


def slide(layer, x, start, combine):
    """A reduction over the windows of a pool."""
    window, strides = (1, layer.window, layer.window, 1), (1, layer.stride, layer.stride, 1)
    return lax.reduce_window(x, start, combine, window, strides, layer.padding.upper())


def average(layer, x):
    """Divides by the taps inside the image."""
    taps = slide(layer, jnp.ones((1, *layer.input), x.dtype), 0.0, lax.add)
    return slide(layer, x, 0.0, lax.add) / taps


def normalise(layer, x, own, running, training):
    """Batch norm over channels, or rows; returns the new running mean and variance as well."""
    shape, x = x.shape, x.reshape(-1, *layer.input)  # of a dense layer's output, too
    axes, spread = ((0, 2, 3), (1, -1, 1, 1)) if layer.rows else ((0, 1, 2), (1, 1, 1, -1))
    mean, variance = running
    if training:
        mean, variance = x.mean(axes), x.var(axes)
        keep = network.NORM_MOMENTUM
        running = tuple(keep * kept + (1 - keep) * batch for kept, batch in zip(running, (mean, variance)))
    gamma, beta = (p.reshape(spread) for p in own)
    scale = gamma * lax.rsqrt(variance + network.NORM_EPSILON).reshape(spread)
    return ((x - mean.reshape(spread)) * scale + beta).reshape(shape), running


def forward(layers, parameters, statistics, x, key=None):
    """(logits, statistics of batch norm). key: of dropout; None: not training."""
    parameters, statistics, training = iter(parameters), list(statistics), key is not None
    for index, layer in enumerate(layers):
        own = [next(parameters) for _ in layer.shapes]
        if layer.kind == "conv2d":
            x = lax.conv_general_dilated(x, own[0], (layer.stride,) * 2, layer.padding.upper(),
                                         dimension_numbers=("NHWC", "HWIO", "NHWC")) + own[1]
        elif layer.kind == "maxpool":
            x = slide(layer, x, -jnp.inf, lax.max)
        elif layer.kind == "avgpool":
            x = average(layer, x)
        elif layer.kind == "relu":
            x = jax.nn.relu(x)
        elif layer.kind == "dropout" and training:
            kept = jax.random.bernoulli(jax.random.fold_in(key, index), 1 - layer.rate, x.shape)
            x = jnp.where(kept, x / (1 - layer.rate), 0)
        elif layer.kind == "batchnorm":
            x, statistics[index] = normalise(layer, x, own, statistics[index], training)
        elif layer.kind == "dense":
            x = x.reshape(len(x), -1) @ own[0] + own[1]
    return x, statistics


def cross_entropy(logits, y):
    return -jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], axis=1)[:, 0]


# ---- optimisers ---------------------------------------------------------------------------------


def make_slots(settings, parameters):
    count = 2 if settings["optimizer"] == "adam" else 1 if settings["momentum"] else 0
    return [[jnp.zeros_like(p) for p in parameters] for _ in range(count)]


def update(settings, parameters, slots, gradients, step):
    """(parameters, slots) after step 1, 2, ..."""
    rate, tree = settings["learning_rate"], jax.tree.map
    if settings["optimizer"] == "adam":
        b1, b2 = network.ADAM_BETAS
        m = tree(lambda m, g: b1 * m + (1 - b1) * g, slots[0], gradients)
        v = tree(lambda v, g: b2 * v + (1 - b2) * g * g, slots[1], gradients)
        t = step.astype(jnp.float32)
        rate = rate * jnp.sqrt(1 - jnp.float32(b2) ** t) / (1 - jnp.float32(b1) ** t)
        epsilon = network.ADAM_EPSILON
        return tree(lambda p, m, v: p - rate * m / (jnp.sqrt(v) + epsilon), parameters, m, v), [m, v]
    if not slots:
        return tree(lambda p, g: p - rate * g, parameters, gradients), slots
    velocity = tree(lambda v, g: settings["momentum"] * v - rate * g, slots[0], gradients)
    return tree(jnp.add, parameters, velocity), [velocity]


# ---- training -----------------------------------------------------------------------------------


class Run:
    """A network under training, as its specification says."""

    def __init__(self, spec, mode):
        self.spec, self.settings, self.mode = spec, spec["train"], mode
        task = network.Task(spec)
        self.layers, self.initial = task.layers, network.from_canonical(task.layers, task.weights)
        self.scale = np.float32(task.scale)
        self.members, self.note = task.members, task.note(mode)
        self.train, self.test = ([jnp.asarray(x), jnp.asarray(y.astype(np.int32))] for x, y in task.parts)
        self.counts = [len(y) for _, y in task.parts]
        self.reset()
        self.make_programs()
        self.warm_up()

    def reset(self):
        """The state: parameters, statistics, slots of the optimiser, steps, sum of the losses."""
        parameters = [jnp.array(value) for value in self.initial]  # copies: steps take them over
        statistics = [(jnp.zeros(layer.shapes[0]), jnp.ones(layer.shapes[0]))
                      if layer.kind == "batchnorm" else None for layer in self.layers]
        slots = make_slots(self.settings, parameters)
        self.state = parameters, statistics, slots, jnp.int32(0), jnp.float32(0)

    def make_programs(self):
        layers, settings, scale = self.layers, self.settings, self.scale
        key = jax.random.key(self.spec["seed"])

        def gather(data, chosen):
            return data[0][chosen].astype(jnp.float32) * scale, data[1][chosen]

        def step(state, data, chosen):
            parameters, statistics, slots, steps, total = state
            x, y = gather(data, chosen)

            def loss_of(parameters):
                logits, after = forward(layers, parameters, statistics, x, jax.random.fold_in(key, steps))
                return cross_entropy(logits, y).mean(), after

            (loss, statistics), gradients = jax.value_and_grad(loss_of, has_aux=True)(parameters)
            parameters, slots = update(settings, parameters, slots, gradients, steps + 1)
            return parameters, statistics, slots, steps + 1, total + loss * len(y)

        def epoch(state, data, batches):
            return lax.scan(lambda state, chosen: (step(state, data, chosen), None), state, batches)[0]

        def judge(state, data, chosen):
            x, y = gather(data, chosen)
            logits, _ = forward(layers, state[0], state[1], x)
            return cross_entropy(logits, y).sum(), (logits.argmax(1) != y).sum()

        self.step, self.judge = jax.jit(step, donate_argnums=0), jax.jit(judge)
        self.epoch = jax.jit(epoch, donate_argnums=0)

    def warm_up(self):
        """Compiles every program for every shape, then restores the state."""
        self.train_epoch(0, batches=None if self.mode == "scan" else 2)
        self.evaluate()
        self.reset()
        jax.block_until_ready(self.state)
        self.compiled = with_jax.compilations()

    def split_order(self, epoch):
        """Full batches [n, size] and what is left."""
        size = self.settings["batch_size"]
        order = protocol.random_order(self.spec["seed"], protocol.SHUFFLE, epoch, self.counts[0]).astype(np.int32)
        full = len(order) // size
        return order[: full * size].reshape(full, size), order[full * size :]

    def train_epoch(self, epoch, batches=None):
        """The members of an epoch's event that training fills. batches: of full ones, the most to
        train on."""
        full, last = self.split_order(epoch)
        traced, steps = self.settings["trace"] == "step", []
        self.state = (*self.state[:4], jnp.zeros_like(self.state[4]))
        jax.block_until_ready(self.state)
        start = before = time.perf_counter()
        if self.mode == "scan" and len(full):
            self.state = self.epoch(self.state, self.train, full)
        elif self.mode == "jit":
            for chosen in full[:batches]:
                self.state = self.step(self.state, self.train, chosen)
                if traced:
                    before = self.take_time(steps, before)
        if len(last):
            self.state = self.step(self.state, self.train, last)
            if traced:
                before = self.take_time(steps, before)
        jax.block_until_ready(self.state)
        seconds = time.perf_counter() - start
        event = {"seconds": seconds, "train_loss": float(self.state[4]) / self.counts[0]}
        return {**event, "step_seconds": steps} if traced else event

    def take_time(self, steps, before):
        jax.block_until_ready(self.state)
        now = time.perf_counter()
        steps.append(float(f"{now - before:.6g}"))
        return now

    def evaluate(self):
        size, n = self.settings["batch_size"], self.counts[1]
        order = np.arange(n, dtype=np.int32)
        start = time.perf_counter()
        results = [self.judge(self.state, self.test, order[first : first + size]) for first in range(0, n, size)]
        losses, errors = zip(*jax.device_get(results))
        seconds = time.perf_counter() - start
        loss = float(np.sum(losses, dtype=np.float64))
        return {"test_loss": loss / n, "test_error": int(sum(errors)) / n, "evaluation_seconds": seconds}

    def tensors(self):
        with_jax.refuse_compilations(self.compiled)
        return network.to_canonical(self.layers, self.state[0])

    def describe(self):
        described = with_jax.describe(self.note)
        self.compiled = with_jax.compilations()  # the measurement of threads has a program of its own
        parameters = sum(p.size for p in self.state[0])
        return {**self.members, "parameters": parameters, **described}
