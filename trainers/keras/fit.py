# SPDX-License-Identifier: Apache-2.0
"""Training as Keras's users write it. Imported once the backend is set for the run."""
import time

import keras
import numpy as np
from cnnmpi import network
from cnnmpi import trainer as protocol
from keras import layers as kl


class Batches(keras.utils.PyDataset):
    """Images and labels of one part, in the protocol's order of each epoch; unordered without a
    seed."""

    def __init__(self, part, scale, batch_size, seed=None):
        super().__init__()
        self.images, self.labels = part
        self.scale, self.batch_size, self.seed = np.float32(scale), batch_size, seed
        self.order = np.arange(len(self.labels))

    def __len__(self):
        return -(-len(self.labels) // self.batch_size)

    def __getitem__(self, index):
        chosen = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        return self.images[chosen].astype(np.float32) * self.scale, self.labels[chosen]

    def shuffle(self, epoch):
        self.order = protocol.random_order(self.seed, protocol.SHUFFLE, epoch, len(self.labels))


def make_layer(layer):
    """A Keras layer, or several, for one of the specification's."""
    if layer.kind == "conv2d":
        window = layer.window, layer.stride, layer.padding
        return [kl.Conv2D(layer.output[2], *window)]
    if layer.kind in ("maxpool", "avgpool"):
        pool = kl.MaxPooling2D if layer.kind == "maxpool" else kl.AveragePooling2D
        return [pool(layer.window, layer.stride, layer.padding)]
    if layer.kind == "batchnorm":
        norm = kl.BatchNormalization(axis=1 if layer.rows else -1, momentum=network.NORM_MOMENTUM,
                                     epsilon=network.NORM_EPSILON)
        return [kl.Reshape(layer.input), norm]  # of a dense layer's output, too
    if layer.kind == "dense":
        return [kl.Flatten(), kl.Dense(layer.output[2])]
    return [kl.ReLU() if layer.kind == "relu" else kl.Dropout(layer.rate)]


def make_model(layers, weights):
    model = keras.Sequential([keras.Input(layers[0].input)])
    for layer in layers:
        for keras_layer in make_layer(layer):
            model.add(keras_layer)
    for variable, value in zip(model.trainable_variables, weights, strict=True):
        variable.assign(value)
    return model


def make_optimizer(settings):
    rate = float(settings["learning_rate"])
    if settings["optimizer"] == "adam":
        return keras.optimizers.Adam(rate, *network.ADAM_BETAS, network.ADAM_EPSILON)
    return keras.optimizers.SGD(rate, float(settings["momentum"]))


def cross_entropy():
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


class Clock(keras.callbacks.Callback):
    """Takes the time from an epoch's begin, when the device is idle, to the end of its last step;
    then evaluates, and sends the epoch's event."""

    def __init__(self, spec, events, train, test, judge, sync):
        super().__init__()
        self.traced = spec["train"]["trace"] == "step"
        self.events, self.train, self.test, self.judge, self.sync = events, train, test, judge, sync
        self.total, self.diverged = 0.0, False

    def on_epoch_begin(self, epoch, logs=None):
        self.train.shuffle(epoch)
        self.steps = []
        self.sync()
        self.start = self.last = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        if self.traced or batch == len(self.train) - 1:
            float(logs["loss"])  # of the last step: waits for it
            self.sync()
            now = time.perf_counter()
            self.steps.append(float(f"{now - self.last:.6g}"))
            self.last = now

    def on_epoch_end(self, epoch, logs=None):
        seconds = self.last - self.start
        start = time.perf_counter()
        test = self.judge.evaluate(self.test, verbose=0, return_dict=True)
        images = len(self.test.labels)
        wrong = round((1 - float(test["sparse_categorical_accuracy"])) * images)
        event = {
            "epoch": epoch,
            "seconds": seconds,
            "train_loss": float(logs["loss"]),
            "test_loss": float(test["loss"]),
            "test_error": wrong / images,
            "evaluation_seconds": time.perf_counter() - start,
        }
        if self.traced:
            event["step_seconds"] = self.steps
        self.events.send("epoch", **event)
        self.total += seconds
        self.diverged = protocol.is_diverged(event)
        self.model.stop_training = self.diverged


def warm_up(model, judge, train, test):
    """Traces and compiles what fit and evaluate run, for both sizes of a batch, and restores the
    state."""
    model.optimizer.build(model.trainable_variables)
    variables = [*model.variables, *model.optimizer.variables]
    saved = [np.array(v) for v in variables]
    for data in (train, test):
        size, count = data.batch_size, len(data.labels)
        few = min(count, size + count % size)  # a full batch and a smaller one, if there is one
        part = data.images[:few], data.labels[:few]
        first = Batches(part, data.scale, size)
        if data is train:
            model.fit(first, epochs=1, shuffle=False, verbose=0)
        else:
            judge.evaluate(first, verbose=0)
    for variable, value in zip(variables, saved):
        variable.assign(value)


def fit(spec, events, engine):
    settings = spec["train"]
    task = network.Task(spec)
    layers, size = task.layers, settings["batch_size"]
    train = Batches(task.parts[0], task.scale, size, spec["seed"])
    test = Batches(task.parts[1], task.scale, size)
    model = make_model(layers, network.from_canonical(layers, task.weights))
    model.compile(make_optimizer(settings), cross_entropy())
    judge = keras.Model(model.inputs, model.outputs)  # the same layers; measures what fit need not
    judge.compile(loss=cross_entropy(), metrics=["sparse_categorical_accuracy"])
    warm_up(model, judge, train, test)
    note = f", Keras {keras.__version__}{task.note(f'jit_compile={model.jit_compile}')}"
    parameters = sum(int(np.prod(v.shape)) for v in model.trainable_variables)
    members = {**task.members, "parameters": parameters, **engine.describe(note)}
    compiled = engine.compilations(model, judge)
    events.send("ready", setup_seconds=protocol.process_age(), **members)
    clock = Clock(spec, events, train, test, judge, engine.sync)
    model.fit(train, epochs=settings["epochs"], shuffle=False, verbose=0, callbacks=[clock])
    engine.refuse_compilations(compiled, model, judge)
    tensors = network.to_canonical(layers, [np.array(v) for v in model.trainable_variables])
    protocol.finish(spec, events, tensors, clock.total, clock.diverged)
