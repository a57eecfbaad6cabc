#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""late_compilation.py TRAINER MODE BACKEND < SPECIFICATION, by the Python of a trainer's environment:
what is compiled or traced after set-up is counted, and the run fails for it."""
import importlib
import importlib.util
import json
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
TRAINER, MODE, BACKEND = sys.argv[1:]
sys.path[:0] = [str(TOP / "python"), str(TOP / "trainers/settings"), str(TOP / "trainers" / TRAINER)]
spec = json.load(sys.stdin)


class Silence:
    def send(self, kind, **members):
        """No rank listens."""


def make_run():
    """(a run after set-up, a training step on five images)"""
    if TRAINER == "tensorflow":
        importlib.import_module("with_tensorflow").load(spec, xla=MODE == "xla")
        run = importlib.import_module("low_level").Run(spec, MODE)
        return run, lambda: run.train_step(range(5))
    if TRAINER == "jax":
        importlib.import_module("with_jax").load(spec)
        run = importlib.import_module("functional").Run(spec, MODE)

        def step():
            run.state = run.step(run.state, run.train, importlib.import_module("numpy").arange(5, dtype="int32"))

        return run, step
    place = importlib.util.spec_from_file_location("pytorch", TOP / "trainers/pytorch.py")
    pytorch = importlib.util.module_from_spec(place)
    place.loader.exec_module(pytorch)
    run = pytorch.Run(spec, MODE)
    return run, lambda: run.step(*run.train.batch(0, 5))


def expect_refusal(action):
    try:
        action()
    except RuntimeError as error:
        assert "after set-up" in str(error), error
        print(f"refused: {error}")
        return
    raise AssertionError("nobody has noticed it")


def check_loop():
    run, step = make_run()
    run.describe()
    run.train_epoch(0), run.evaluate(), run.train_epoch(1), run.evaluate()
    run.tensors()  # a run as it should be
    step()
    expect_refusal(run.tensors)


def check_fit():
    """A step that Keras makes anew in the first epoch."""
    import os

    os.environ["KERAS_BACKEND"] = BACKEND
    engine = importlib.import_module(f"with_{BACKEND}")
    engine.load(spec)
    fit = importlib.import_module("fit")
    fit.fit(spec, Silence(), engine)
    begin = fit.Clock.on_epoch_begin

    def begin_anew(clock, epoch, logs=None):
        clock.model.make_train_function(force=True)
        begin(clock, epoch, logs)

    fit.Clock.on_epoch_begin = begin_anew
    expect_refusal(lambda: fit.fit(spec, Silence(), engine))


check_fit() if TRAINER == "keras" else check_loop()
