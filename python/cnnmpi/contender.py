# SPDX-License-Identifier: Apache-2.0
"""A training script as a contender: what to train, in which order, and a clock.

    from cnnmpi import contender

    def train(run):
        data = run.data()
        ...                                     # build the model, give it initial weights
        run.ready(parameters=count, backend="mine")
        for epoch in run.epochs():              # ends early when a loss is not finite
            with epoch.training():              # its time is what is compared
                for chosen in epoch.batches():  # indices of training images
                    ...
            with epoch.evaluation():
                ...
            epoch.report(train_loss, test_loss, test_error)
        run.done(weights)

    if __name__ == "__main__":
        contender.main(train)

`cnnmpi check-trainer -- python3 script.py` judges the result (docs/contenders.md).
"""
from __future__ import annotations

import contextlib
import math
import sys
import time
from typing import Any, Callable, Iterable, Iterator, NamedTuple, NoReturn, Optional, Sequence

import numpy as np

from cnnmpi import network, trainer
from cnnmpi.trainer import Failure

__all__ = ["BatchSampler", "Data", "Epoch", "Failure", "Run", "lacks", "main", "refuse"]


def _numbers(metrics: dict[str, Any]) -> dict[str, float | None]:
    """Metrics as JSON takes them; a program may have NumPy's scalars."""
    return {name: None if value is None else float(value) for name, value in metrics.items()}


class Data(NamedTuple):
    """Images u8 or f32 [n,H,W,C], labels i64 [n] in [0, classes), after split and limit. Pixels are
    to be multiplied by `scale`."""

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    classes: int
    scale: float


def refuse(message: str) -> NoReturn:
    """Ends the run with exit status 2: it asks for what this trainer cannot do."""
    raise Failure(trainer.USAGE, message)


def lacks(error: ImportError) -> NoReturn:
    """Ends the program with exit status 3, as the protocol asks: a framework cannot be imported."""

    def fail(run: Run) -> NoReturn:
        raise Failure(trainer.DATA, f"{error} (sought by {sys.executable})")

    main(fail)


class BatchSampler:
    """The batches of one epoch after the other, as lists of indices: a `batch_sampler` of PyTorch's
    DataLoader, for frameworks that have the loop themselves. `epoch` is the next one's number."""

    def __init__(self, run: Run) -> None:
        self.run, self.epoch = run, 0

    def __len__(self) -> int:
        return -(-len(self.run.data().train_labels) // self.run.settings["batch_size"])

    def __iter__(self) -> Iterator[list[int]]:
        batches = Epoch(self.run, self.epoch).batches()
        self.epoch += 1
        return (chosen.tolist() for chosen in batches)


class Epoch:
    """One epoch of a run. What `training` and `evaluation` enclose is timed; a framework that works
    asynchronously must be waited for inside, before the first statement and after the last."""

    def __init__(self, run: Run, number: int) -> None:
        self.number = number
        self._run = run
        self._order = run.order(number)  # not timed: nobody's framework makes it
        self._seconds: dict[str, float] = {}

    @contextlib.contextmanager
    def _clock(self, what: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self._seconds[what] = time.perf_counter() - start

    def training(self) -> contextlib.AbstractContextManager[None]:
        return self._clock("seconds")

    def evaluation(self) -> contextlib.AbstractContextManager[None]:
        return self._clock("evaluation_seconds")

    def batches(self) -> Iterator[np.ndarray]:
        """Indices of the training images of each batch; the last batch may be smaller."""
        size = self._run.settings["batch_size"]
        for first in range(0, len(self._order), size):
            yield self._order[first : first + size]

    def report(self, train_loss: float, test_loss: float, test_error: float, **metrics: float) -> None:
        """train_loss: mean over the epoch's images, each taken when its batch was trained.
        test_loss, test_error: means over the test images. metrics: of the job (`metric:`), by name."""
        losses = {"train_loss": float(train_loss), "test_loss": float(test_loss)}
        times = {"evaluation_seconds": 0.0, **self._seconds}
        if "seconds" not in times:
            raise Failure(trainer.FAILED, f"epoch {self.number} was not timed by epoch.training()")
        self._run._seconds += times["seconds"]
        self._run.diverged = trainer.is_diverged(losses)
        self._run.events.send("epoch", epoch=self.number, test_error=float(test_error),
                              **losses, **times, **_numbers(metrics))


class Run:
    """A run under way: its specification, and the events that it sends."""

    def __init__(self, spec: dict[str, Any], events: trainer.Events) -> None:
        self.spec = spec
        self.events = events
        self.seed: int = spec["seed"]
        self.threads: int = spec["threads"]
        self.settings: dict[str, Any] = spec["train"]  # epochs, batch_size, optimizer, ...
        self.factors: dict[str, Any] = spec.get("factors", {})  # free factors: {"num_workers": 4}
        self.network: str = spec["network"]["name"]
        self.layers: list[Any] = spec["network"].get("layers", [])
        self.opaque: Any = spec["network"].get("opaque")  # of an opaque network, as the job has it
        self.source: dict[str, Any] = spec["dataset"]["source"]  # type "external": as the job has it
        self.diverged = False
        self._seconds = 0.0
        self._data: Optional[Data] = None
        self._order: Optional[tuple[int, np.ndarray]] = None  # of the last epoch that was asked for
        self._members: dict[str, Any] = {}

    def require(self, **values: Any) -> None:
        """Refuses the run unless its settings are these: require(optimizer="sgd", momentum=0)."""
        for name, value in values.items():
            if self.settings[name] != value:
                refuse(f"this trainer has {name} {value} only, not {self.settings[name]}")

    def data(self) -> Data:
        """The data set of the run."""
        if self._data is None:
            parts, classes, scale = trainer.load(self.spec["dataset"]["source"])
            (x, y), (test_x, test_y) = parts
            self._data = Data(x, y, test_x, test_y, classes, scale)
            self._order = None
            self._members = trainer.data_members(parts)
        return self._data

    def order(self, epoch: int) -> np.ndarray:
        """The order of the training images in an epoch; empty before data() was called."""
        if self._order is None or self._order[0] != epoch:  # an epoch and a BatchSampler share it
            count = 0 if self._data is None else len(self._data.train_labels)
            self._order = epoch, trainer.random_order(self.seed, trainer.SHUFFLE, epoch, count)
        return self._order[1]

    def test_batches(self) -> Iterator[slice]:
        """The test images, in batches as large as those of training."""
        count, size = len(self.data().test_labels), self.settings["batch_size"]
        for first in range(0, count, size):
            yield slice(first, min(first + size, count))

    def initial_weights(self, shapes: Iterable[Sequence[int]]) -> list[np.ndarray]:
        """Initial values f32 of all parameters in the order of the layers: weights and bias, gamma
        and beta of each. Shapes: convolution [O,I,H,W]; dense [O, C H W], whose inputs are in the
        order channels, rows, columns; vectors [O]. These are the shapes of PyTorch's parameters.
        Shapes of another network than the run's fail."""
        data, wanted = self.data(), [tuple(shape) for shape in shapes]
        layers = network.resolve(self.layers, data.train_images.shape[1:], data.classes)
        drawn = network.draw(layers, self.seed)
        if [math.prod(shape) for shape in wanted] != [value.size for value in drawn]:
            own = [value.shape for value in drawn]
            raise Failure(trainer.FAILED, f"the run's network has parameters {own}, the model {wanted}")
        return [value.reshape(shape) for value, shape in zip(drawn, wanted)]

    def ready(self, parameters: int, backend: str, versions: str = "", device: str = "",
              threads: Optional[int] = None) -> None:
        """Ends set-up: nothing may be left that is done only once, such as compiling. parameters:
        number of trainable values. threads: as they were measured; None: the trainer uses one."""
        members = dict(self._members, parameters=parameters, backend=backend, versions=versions,
                       device=device or trainer.processor())
        if threads is not None:
            members["threads"] = threads
        self.events.send("ready", setup_seconds=trainer.process_age(), **members)

    def epochs(self) -> Iterator[Epoch]:
        for number in range(self.settings["epochs"]):
            if not self.diverged:
                yield Epoch(self, number)

    def done(self, weights: Iterable[Any], **metrics: float) -> None:
        """Ends the run. weights: all parameters as arrays, in the order of initial_weights. metrics: of
        the job (`metric:`), by name."""
        trainer.finish(self.spec, self.events, weights, self._seconds, self.diverged, **_numbers(metrics))


def main(train: Callable[[Run], None]) -> NoReturn:
    """Reads the specification from standard input, calls train(run) and exits as the protocol asks.
    By hand, without CNN_EVENTS_FD, the events go to standard output."""
    sys.exit(trainer.main(lambda spec, events: train(Run(spec, events))))
