#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A trainer in TensorFlow without Keras that follows cnnmpi's run protocol
(docs/trainer-protocol.md): variables, tf.nn and tf.GradientTape, as one writes TensorFlow by hand.

Modes: `graph` compiles a training step to a graph (tf.function), `eager` runs it operation by
operation, `xla` compiles it with XLA (jit_compile).

By hand, with events on standard output:

  cnntrain-onednn --epochs 1 --print-spec | python3 trainers/tensorflow/train.py
"""
import os
import sys

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [os.path.join(HERE, "../../python"), os.path.join(HERE, "../settings")]
import with_tensorflow
from cnnmpi import trainer as protocol

MODES = "graph", "eager", "xla"


def train(spec, events):
    mode = protocol.choose_mode(spec, MODES)
    with_tensorflow.load(spec, xla=mode == "xla")
    from low_level import Run

    protocol.conduct(spec, events, Run(spec, mode))


if __name__ == "__main__":
    sys.exit(protocol.main(train))
