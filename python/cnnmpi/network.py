# SPDX-License-Identifier: Apache-2.0
"""A specification's network as shapes and numbers, for trainers in any framework: what each layer
takes and gives, its parameters, and their initial values. Needs NumPy.

    task = network.Task(spec)  # data, layers, initial weights

or a network alone:

    layers = network.resolve(spec["network"]["layers"], (28, 28, 1), classes)
    weights = network.draw(layers, spec["seed"])

Parameters are in the protocol's canonical layouts; `from_canonical` and `to_canonical` convert them
for frameworks that keep channels last."""
import math
from typing import Any, Iterable, Optional, Sequence

import numpy as np

from cnnmpi import trainer
from cnnmpi.trainer import USAGE, Failure, glorot

NORM_EPSILON, NORM_MOMENTUM = 1e-3, 0.99
ADAM_BETAS, ADAM_EPSILON = (0.9, 0.999), 1e-7


def same_padding(length: int, window: int, stride: int) -> tuple[int, int]:
    """Padding before and after one axis; the surplus comes after."""
    total = max((-(-length // stride) - 1) * stride + window - length, 0)
    return total // 2, total - total // 2


class Layer:
    """kind: the protocol's name. input, output: (H, W, C). shapes: of the parameters, canonical.
    window, stride, padding ("same" or "valid"), pads ((top, bottom), (left, right)): of
    convolutions and pools. rows: of batch norm, whether it keeps one mean for each row."""

    shapes: tuple[tuple[int, ...], ...] = ()
    fans: Optional[tuple[int, int]] = None

    def __init__(self, kind: str, settings: dict[str, Any], shape: tuple[int, ...]) -> None:
        if kind not in BUILDERS:
            raise Failure(USAGE, f"unknown layer '{kind}'")
        self.kind, self.settings, self.input, self.output = kind, settings, shape, shape
        BUILDERS[kind](self, settings)

    def slide(self, window: int, stride: int, channels: Optional[int]) -> None:
        h, w, c = self.input
        self.window, self.stride = window, stride
        self.padding = self.settings.get("padding", "same")
        same = self.padding == "same"
        self.pads = tuple(same_padding(n, window, stride) if same else (0, 0) for n in (h, w))
        down, across = ((n + sum(pad) - window) // stride + 1 for n, pad in zip((h, w), self.pads))
        self.output = (down, across, channels or c)

    def build_conv2d(self, settings: dict[str, Any]) -> None:
        kernel, filters, inputs = settings.get("kernel", 5), settings["filters"], self.input[2]
        self.slide(kernel, settings.get("stride", 1), filters)
        self.shapes = (filters, inputs, kernel, kernel), (filters,)
        self.fans = inputs * kernel * kernel, filters * kernel * kernel

    def build_pool(self, settings: dict[str, Any]) -> None:
        self.slide(settings["window"], settings.get("stride", settings["window"]), None)

    def build_batchnorm(self, settings: dict[str, Any]) -> None:
        axis = settings.get("axis", "channels")
        self.rows = axis == "height" or (axis == "study" and settings["published"])
        count = self.input[0] if self.rows else self.input[2]
        self.shapes = (count,), (count,)

    def build_dropout(self, settings: dict[str, Any]) -> None:
        self.rate = settings["rate"]

    def build_dense(self, settings: dict[str, Any]) -> None:
        h, w, c = self.input
        self.output = (1, 1, settings["units"])
        self.shapes = (settings["units"], c, h, w), (settings["units"],)
        self.fans = c * h * w, settings["units"]

    def build_relu(self, settings: dict[str, Any]) -> None:
        """Nothing to add."""


BUILDERS = {
    "conv2d": Layer.build_conv2d,
    "maxpool": Layer.build_pool,
    "avgpool": Layer.build_pool,
    "batchnorm": Layer.build_batchnorm,
    "relu": Layer.build_relu,
    "dropout": Layer.build_dropout,
    "dense": Layer.build_dense,
}


def resolve(description: Sequence[Any], shape: Sequence[int], classes: int) -> list[Layer]:
    """[Layer] of a specification's `network.layers`, on images of shape (H, W, C)."""
    layers, published = [], tuple(shape) == (28, 28, 1)
    for item in description:
        kind, settings = next(iter(item.items())) if isinstance(item, dict) else (item, {})
        settings = {**(settings or {}), "published": published}
        if settings.get("units") == "classes":
            settings["units"] = classes
        layers.append(Layer(kind, settings, tuple(shape)))
        shape = layers[-1].output
    if tuple(shape) != (1, 1, classes):
        raise Failure(USAGE, f"the network ends in {shape}, the data set has {classes} classes")
    return layers


def draw(layers: list[Layer], seed: int) -> list[np.ndarray]:
    """Initial parameters: f32 arrays in canonical order and layout."""
    values = []
    for layer in layers:
        for i, dims in enumerate(layer.shapes):
            if i == 0 and layer.fans:
                values.append(glorot(seed, len(values), dims, *layer.fans))
            else:
                values.append(np.full(dims, 1 if i == 0 else 0, np.float32))
    return values


def from_canonical(layers: list[Layer], values: list[np.ndarray]) -> list[np.ndarray]:
    """Canonical parameters for frameworks with channels last: convolutions [H, W, I, O], dense
    layers [H W C, O] (their input is flattened from [H, W, C]), vectors as they are."""
    kinds = [layer.kind for layer in layers for _ in layer.shapes]
    converted = []
    for kind, value in zip(kinds, values):
        if value.ndim == 4:
            value = value.transpose(2, 3, 1, 0)
        if value.ndim == 4 and kind == "dense":
            value = value.reshape(-1, value.shape[-1])
        converted.append(np.ascontiguousarray(value))
    return converted


def to_canonical(layers: list[Layer], values: Iterable[Any]) -> list[np.ndarray]:
    """The way back from `from_canonical`."""
    shapes = [shape for layer in layers for shape in layer.shapes]
    canonical = []
    for value, shape in zip(map(np.asarray, values), shapes):
        if len(shape) == 4:
            o, i, h, w = shape
            value = value.reshape(h, w, i, o).transpose(3, 2, 0, 1)
        canonical.append(value)
    return canonical


class Task:
    """All that a specification settles for every framework alike. parts: images and labels for
    training and for testing; pixels are multiplied by scale. weights: initial ones, canonical.
    members: those of `ready` on the data."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self.spec = spec
        self.parts, classes, self.scale = trainer.load(spec["dataset"]["source"])
        self.layers = resolve(spec["network"]["layers"], self.parts[0][0].shape[1:], classes)
        self.weights = draw(self.layers, spec["seed"])
        self.members = trainer.data_members(self.parts)

    def note(self, mode: str) -> str:
        """How it is trained, for the end of `versions`."""
        words = [mode]
        if self.spec["train"]["deterministic"]:
            words.append("deterministic")
        if any(layer.kind == "dropout" for layer in self.layers):
            words.append("own dropout masks")
        return "".join(f", {word}" for word in words)
