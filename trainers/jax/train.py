#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A trainer in JAX, without further libraries, that follows cnnmpi's run protocol
(docs/trainer-protocol.md).

Modes: `jit` compiles a training step, `scan` a whole epoch (jax.lax.scan over its full batches).

By hand, with events on standard output:

  cnntrain-onednn --epochs 1 --print-spec | python3 trainers/jax/train.py
"""
import os
import sys

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [os.path.join(HERE, "../../python"), os.path.join(HERE, "../settings")]
import with_jax
from cnnmpi import trainer as protocol
from cnnmpi.trainer import USAGE, Failure

MODES = "jit", "scan"


def train(spec, events):
    mode = protocol.choose_mode(spec, MODES)
    if mode == "scan" and spec["train"]["trace"] == "step":
        raise Failure(USAGE, "mode scan runs an epoch as one program: it has no steps to trace")
    with_jax.load(spec)
    from functional import Run

    protocol.conduct(spec, events, Run(spec, mode))


if __name__ == "__main__":
    sys.exit(protocol.main(train))
