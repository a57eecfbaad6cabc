#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A trainer in Keras that follows cnnmpi's run protocol (docs/trainer-protocol.md): layers,
compile, one call of fit, with a callback that takes the time and evaluates after each epoch.

The backend is the specification's `backend`, else KERAS_BACKEND, else tensorflow.

By hand, with events on standard output:

  cnntrain-onednn --epochs 1 --print-spec | KERAS_BACKEND=jax python3 trainers/keras/train.py
"""
import importlib
import os
import sys

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [os.path.join(HERE, "../../python"), os.path.join(HERE, "../settings")]
from cnnmpi import trainer as protocol
from cnnmpi.trainer import DATA, USAGE, Failure

MODES = ("fit",)
BACKENDS = "tensorflow", "jax", "torch"


def train(spec, events):
    protocol.choose_mode(spec, MODES)
    backend = spec.get("backend") or os.environ.get("KERAS_BACKEND") or BACKENDS[0]
    if backend not in BACKENDS:
        raise Failure(USAGE, f"Keras has no backend '{backend}'; there are {', '.join(BACKENDS)}")
    os.environ["KERAS_BACKEND"] = backend
    engine = importlib.import_module(f"with_{backend}")
    engine.load(spec)
    try:
        import keras
    except ImportError as error:
        raise Failure(DATA, f"{error}; `trainers/setup {backend}` makes an environment for it")
    keras.utils.set_random_seed(spec["seed"])
    from fit import fit

    fit(spec, events, engine)


if __name__ == "__main__":
    sys.exit(protocol.main(train))
