# SPDX-License-Identifier: Apache-2.0
"""Training with TensorFlow's own operations: variables, tf.nn and tf.GradientTape. Imported once
TensorFlow is set for the run (with_tensorflow.load)."""
import time

import numpy as np
import tensorflow as tf
import with_tensorflow
from cnnmpi import network
from cnnmpi import trainer as protocol

# ---- network ------------------------------------------------------------------------------------


class Network:
    """Layers as functions of tf.nn over variables."""

    def __init__(self, layers, weights, seed):
        """weights: initial ones, channels last."""
        self.layers, self.seed = layers, seed
        self.weights = [tf.Variable(w) for w in weights]
        self.statistics = [self.make_statistics(layer) for layer in layers]
        self.steps = tf.Variable(0, dtype=tf.int64)  # of training, for dropout and Adam

    @staticmethod
    def make_statistics(layer):
        """Running mean and variance of a batch norm layer."""
        if layer.kind != "batchnorm":
            return None
        return tf.Variable(tf.zeros(layer.shapes[0])), tf.Variable(tf.ones(layer.shapes[0]))

    def __call__(self, x, training):
        weights = iter(self.weights)
        for index, layer in enumerate(self.layers):
            own = [next(weights) for _ in layer.shapes]
            if layer.kind == "conv2d":
                x = tf.nn.bias_add(tf.nn.conv2d(x, own[0], layer.stride, layer.padding.upper()), own[1])
            elif layer.kind == "maxpool":
                x = tf.nn.max_pool2d(x, layer.window, layer.stride, layer.padding.upper())
            elif layer.kind == "avgpool":
                x = tf.nn.avg_pool2d(x, layer.window, layer.stride, layer.padding.upper())
            elif layer.kind == "relu":
                x = tf.nn.relu(x)
            elif layer.kind == "dropout" and training:
                seed = tf.stack([self.steps, self.seed * 4096 + index])
                x = tf.nn.experimental.stateless_dropout(x, layer.rate, seed)
            elif layer.kind == "batchnorm":
                x = self.normalise(x, layer, own, self.statistics[index], training)
            elif layer.kind == "dense":
                x = tf.linalg.matmul(tf.reshape(x, (-1, own[0].shape[0])), own[0]) + own[1]
        return x

    @staticmethod
    def normalise(x, layer, own, running, training):
        """Over channels, or over rows of the image."""
        x_shape = tf.shape(x)
        x = tf.reshape(x, (-1, *layer.input))  # of a dense layer's output, too
        shape = (1, -1, 1, 1) if layer.rows else (1, 1, 1, -1)
        mean, variance = running
        if training:
            mean, variance = tf.nn.moments(x, (0, 2, 3) if layer.rows else (0, 1, 2))
            for kept, batch in zip(running, (mean, variance)):
                kept.assign_sub((1 - network.NORM_MOMENTUM) * (kept - batch))
        mean, variance, gamma, beta = (tf.reshape(v, shape) for v in (mean, variance, *own))
        x = tf.nn.batch_normalization(x, mean, variance, beta, gamma, network.NORM_EPSILON)
        return tf.reshape(x, x_shape)


class Optimizer:
    """Gradient descent with momentum, or Adam, by TensorFlow's update operations."""

    def __init__(self, settings, weights):
        self.settings, self.weights = settings, weights
        self.slots = [[tf.Variable(tf.zeros_like(w)) for w in weights] for _ in range(self.slot_count())]

    def slot_count(self):
        if self.settings["optimizer"] == "adam":
            return 2
        return 1 if self.settings["momentum"] else 0

    def apply(self, gradients, step):
        """step: 1, 2, ..."""
        rate, ops = tf.constant(self.settings["learning_rate"], tf.float32), tf.raw_ops
        handles = [[v.handle for v in slot] for slot in (self.weights, *self.slots)]
        if self.settings["optimizer"] == "adam":
            powers = [tf.constant(beta, tf.float32) ** tf.cast(step, tf.float32) for beta in network.ADAM_BETAS]
            for var, m, v, grad in zip(*handles, gradients):
                ops.ResourceApplyAdam(var=var, m=m, v=v, beta1_power=powers[0], beta2_power=powers[1],
                                      lr=rate, beta1=network.ADAM_BETAS[0], beta2=network.ADAM_BETAS[1],
                                      epsilon=network.ADAM_EPSILON, grad=grad)
        elif self.slots:
            for var, accum, grad in zip(*handles, gradients):
                ops.ResourceApplyKerasMomentum(var=var, accum=accum, lr=rate, grad=grad,
                                               momentum=self.settings["momentum"])
        else:
            for var, grad in zip(*handles, gradients):
                ops.ResourceApplyGradientDescent(var=var, alpha=rate, delta=grad)


# ---- training -----------------------------------------------------------------------------------


class Part:
    """Images and labels of training or testing, on the device."""

    def __init__(self, images, labels):
        self.images, self.labels = tf.constant(images), tf.constant(labels)
        self.count = len(labels)

    def batches(self, order, size):
        return (order[first : first + size] for first in range(0, self.count, size))


class Run:
    """A network under training, as its specification says."""

    def __init__(self, spec, mode):
        self.spec, self.settings, self.mode = spec, spec["train"], mode
        task = network.Task(spec)
        self.layers, self.scale = task.layers, task.scale
        self.members, self.note = task.members, task.note(mode)
        self.net = Network(self.layers, network.from_canonical(self.layers, task.weights), spec["seed"])
        self.optimizer = Optimizer(self.settings, self.net.weights)
        self.train, self.test = (Part(*part) for part in task.parts)
        self.total = tf.Variable(0.0, dtype=tf.float64)  # sum of the images' losses
        self.errors = tf.Variable(0, dtype=tf.int64)
        self.train_step, self.test_step = self.compile(self.train_step), self.compile(self.test_step)
        self.warm_up()

    def compile(self, step):
        return step if self.mode == "eager" else tf.function(step, jit_compile=self.mode == "xla")

    def batch(self, part, chosen):
        images = tf.cast(tf.gather(part.images, chosen), tf.float32) * self.scale
        return images, tf.gather(part.labels, chosen)

    def train_step(self, chosen):
        x, y = self.batch(self.train, chosen)
        with tf.GradientTape() as tape:
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(y, self.net(x, training=True))
            loss = tf.reduce_mean(losses)
        gradients = tape.gradient(loss, self.net.weights)
        self.optimizer.apply(gradients, self.net.steps.assign_add(1))
        self.total.assign_add(tf.cast(loss, tf.float64) * tf.cast(tf.size(y), tf.float64))

    def test_step(self, chosen):
        x, y = self.batch(self.test, chosen)
        logits = self.net(x, training=False)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits)
        self.total.assign_add(tf.reduce_sum(tf.cast(losses, tf.float64)))
        wrong = tf.not_equal(tf.argmax(logits, axis=1), y)
        self.errors.assign_add(tf.reduce_sum(tf.cast(wrong, tf.int64)))

    def state(self):
        running = [v for pair in self.net.statistics if pair for v in pair]
        slots = [v for slot in self.optimizer.slots for v in slot]
        return [*self.net.weights, *running, *slots, self.net.steps]

    def warm_up(self):
        """Traces and compiles the steps for both sizes of a batch, then restores the state."""
        saved = [v.numpy() for v in self.state()]
        size = self.settings["batch_size"]
        for part, step in ((self.train, self.train_step), (self.test, self.test_step)):
            order = np.arange(part.count)
            for count in {min(size, part.count), part.count % size or size}:
                step(order[:count])
        for variable, value in zip(self.state(), saved):
            variable.assign(value)
        with_tensorflow.sync()
        self.traces = self.count_traces()
        if self.mode != "eager" and self.traces == 0:
            raise RuntimeError("this TensorFlow does not report what it traces")

    def count_traces(self):
        if self.mode == "eager":
            return 0
        return sum(f.experimental_get_tracing_count() for f in (self.train_step, self.test_step))

    def train_epoch(self, epoch):
        """The members of an epoch's event that training fills."""
        order = protocol.random_order(self.spec["seed"], protocol.SHUFFLE, epoch, self.train.count)
        traced, steps = self.settings["trace"] == "step", []
        self.total.assign(0.0)
        with_tensorflow.sync()
        start = last = time.perf_counter()
        for chosen in self.train.batches(order, self.settings["batch_size"]):
            self.train_step(chosen)
            if traced:
                with_tensorflow.sync()
                now = time.perf_counter()
                steps.append(float(f"{now - last:.6g}"))
                last = now
        with_tensorflow.sync()
        seconds = time.perf_counter() - start
        event = {"seconds": seconds, "train_loss": float(self.total.numpy()) / self.train.count}
        return {**event, "step_seconds": steps} if traced else event

    def evaluate(self):
        self.total.assign(0.0)
        self.errors.assign(0)
        with_tensorflow.sync()
        start = time.perf_counter()
        for chosen in self.test.batches(np.arange(self.test.count), self.settings["batch_size"]):
            self.test_step(chosen)
        loss, errors = float(self.total.numpy()), int(self.errors.numpy())
        seconds = time.perf_counter() - start
        n = self.test.count
        return {"test_loss": loss / n, "test_error": errors / n, "evaluation_seconds": seconds}

    def tensors(self):
        if self.count_traces() != self.traces:
            raise RuntimeError(f"{self.count_traces() - self.traces} programs were traced after set-up")
        return network.to_canonical(self.layers, [w.numpy() for w in self.net.weights])

    def describe(self):
        parameters = sum(w.shape.num_elements() for w in self.net.weights)
        return {**self.members, "parameters": parameters, **with_tensorflow.describe(self.note)}
