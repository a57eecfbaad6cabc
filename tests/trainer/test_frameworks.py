#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Trainers that come with cnnmpi against the double-precision reference, with real frameworks.

    test_frameworks.py FOLDER-OF-PROGRAMS TRAINER[/BACKEND] MODE [quick]

quick: the study's first network on Fashion-MNIST, and what does not depend on networks. Exit status
77 where the trainer's environment is missing; `trainers/setup TRAINER` makes it."""
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

TOP = Path(__file__).resolve().parents[2]
ENVIRONMENTS = Path(os.environ.get("CNNMPI_ENVIRONMENTS")
                    or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "cnnmpi/environments"))
PROGRAMS, (TRAINER, _, BACKEND), MODE = Path(sys.argv[1]), sys.argv[2].partition("/"), sys.argv[3]
DATA = TOP / "../shared/data"
PARAMETERS = {("arch1", "fashion_mnist"): 28938, ("arch1", "idc"): 24866,
              ("arch2", "fashion_mnist"): 280174, ("arch2", "idc"): 284210}
# Of the first loss; of gradients, relative to a tensor's largest (tests/conformance/test_agreement.c).
LOSS, GRADIENT = {"arch1": 1e-5, "arch2": 1e-4}, 1e-4
# TensorFlow adds up the moments of batch norm one value after the other, which changes decisions of
# ReLUs and pools, and so gradients: section "What differs" of docs/trainer-protocol.md.
ROWS, CHANNELS = ("arch2", "fashion_mnist"), ("arch2", "idc")
NORM_GRADIENT = {("graph", ROWS): 0.1, ("eager", ROWS): 0.1, ("xla", ROWS): 5e-3, ("fit", ROWS): 0.1,
                 ("graph", CHANNELS): 5e-3, ("eager", CHANNELS): 5e-3, ("xla", CHANNELS): 5e-3,
                 ("fit", CHANNELS): 5e-3}
EVERY_LAYER = [
    {"conv2d": {"filters": 8, "kernel": 4, "stride": 2}}, {"batchnorm": {"axis": "channels"}}, "relu",
    {"maxpool": {"window": 3, "stride": 2}}, {"batchnorm": {"axis": "height"}},
    {"conv2d": {"filters": 8, "kernel": 3, "padding": "valid"}}, {"avgpool": {"window": 4, "stride": 3}},
    {"maxpool": {"window": 2, "stride": 1}}, {"dense": {"units": 16}}, "relu", {"dense": {"units": "classes"}}]
SYNTHETIC = {"type": "synthetic", "height": 19, "width": 14, "channels": 3, "classes": 4, "count": 301,
             "test_fraction": 0.3, "limit": 130, "test_limit": 50, "split_seed": 77}


def command():
    environment = {"keras": BACKEND or "tensorflow", "pytorch": "torch"}.get(TRAINER, TRAINER)
    python = ENVIRONMENTS / environment / "bin/python3"
    if not python.exists():
        print(f"skipped: no environment {environment}; trainers/setup {environment} makes it")
        sys.exit(77)
    script = TOP / "trainers" / TRAINER / "train.py"
    return [python, script if script.exists() else TOP / f"trainers/{TRAINER}.py"]


def run(argv, spec):
    """(exit status, events, standard error) of a trainer."""
    with tempfile.TemporaryFile("w+") as events, tempfile.TemporaryFile("w+") as log:
        environment = {**os.environ, "CNN_EVENTS_FD": str(events.fileno()), "OMP_NUM_THREADS": "1",
                       "CUDA_VISIBLE_DEVICES": "-1", "CNN_TORCH_DEVICE": "cpu"}
        done = subprocess.run(argv, input=spec if isinstance(spec, str) else json.dumps(spec), text=True,
                              pass_fds=[events.fileno()], env=environment, stdout=log, stderr=log)
        events.seek(0), log.seek(0)
        return done.returncode, [json.loads(line) for line in events], log.read()


def in_mode(spec):
    spec = {**spec, "protocol": 2, "mode": MODE, **({"backend": BACKEND} if BACKEND else {})}
    if MODE == "compile-max":
        spec["train"] = {**spec["train"], "deterministic": False}
    return spec


def train(argv, spec, with_mode=True):
    """(events, final weights) of a run that must succeed."""
    with tempfile.TemporaryDirectory() as folder:
        spec = {**(in_mode(spec) if with_mode else spec), "protocol": 2, "weights_out": f"{folder}/weights"}
        status, events, log = run(argv, spec)
        assert status == 0, f"status {status}: {log[-2000:]}"
        return events, np.fromfile(f"{folder}/weights", "<f4")


def print_spec(*options):
    argv = [PROGRAMS / "cnntrain-onednn", "--print-spec", "--seed", "7", "--threads", "1", *options]
    return json.loads(subprocess.run(argv, check=True, capture_output=True, text=True).stdout)


def tensor_sizes(network):
    """Numbers of weights of the study's networks' tensors, in order."""
    arch, data = network
    shapes = {"arch1": [(16, 25), (32, 16 * 25)], "arch2": [(128, 25), (64, 128 * 25), None, (32, 64 * 25), (16, 32 * 25), None]}
    channels, classes = (1, 10) if data == "fashion_mnist" else (3, 2)
    sizes, norms = [], iter([28, 14] if data == "fashion_mnist" else [64, 16])
    for i, shape in enumerate(shapes[arch]):
        if shape is None:
            sizes += [next(norms)] * 2
        else:
            sizes += [shape[0] * shape[1] * (channels if i == 0 else 1), shape[0]]
    return [*sizes, PARAMETERS[network] - sum(sizes) - classes, classes]


def largest_difference(ours, reference, sizes):
    """Of gradients, tensor by tensor, relative to the tensor's largest. Biases before a batch norm
    have none but rounding: what is below a millionth of the network's largest counts as that."""
    worst, least, parts = 0, 1e-6 * np.abs(reference).max(), np.cumsum(sizes)[:-1]
    for a, b in zip(np.split(ours, parts), np.split(reference, parts)):
        worst = max(worst, np.abs(a - b).max() / max(np.abs(b).max(), least / 1e-4))
    return worst


def test_first_step(argv, networks):
    """Loss, gradients and parameters of one step, with a rate of 1 so that weights move by gradients."""
    for network in networks:
        if network[1] == "idc" and not DATA.exists():
            continue
        spec = print_spec("--architecture", network[0], "--dataset", network[1], "--data", DATA, "--limit", "32",
                          "--test-limit", "8", "--epochs", "1", "--learning-rate", "1")
        still = {**spec, "train": {**spec["train"], "learning_rate": 1e-12}}
        reference, moved = train([PROGRAMS / "cnntrain-reference"], spec, with_mode=False)
        _, start = train([PROGRAMS / "cnntrain-reference"], still, with_mode=False)
        events, weights = train(argv, spec)
        assert events[0]["parameters"] == PARAMETERS[network] == len(weights), (network, events[0])
        assert events[0]["data_checksum"] == reference[0]["data_checksum"], network
        loss = events[1]["train_loss"] / reference[1]["train_loss"] - 1
        gradient = largest_difference(start - weights, start - moved, tensor_sizes(network))
        print(f"{'/'.join(network)}: loss differs by {loss:.1e}, gradients by {gradient:.1e}")
        bound = NORM_GRADIENT.get((MODE, network), GRADIENT)
        assert abs(loss) <= LOSS[network[0]] and gradient <= bound, network


def synthetic_spec(layers, **settings):
    spec = print_spec("--dataset", "synthetic", "--epochs", "2")
    spec["dataset"]["source"] = SYNTHETIC
    spec["network"]["layers"] = layers
    spec["train"].update(settings)
    return spec


def test_every_layer_and_optimiser(argv):
    """Two epochs with a smaller last batch."""
    for settings in ({"optimizer": "sgd"}, {"momentum": 0.9}, {"optimizer": "adam", "learning_rate": 1e-4}):
        spec = synthetic_spec(EVERY_LAYER, **{"learning_rate": 0.001, **settings})
        reference, _ = train([PROGRAMS / "cnntrain-reference"], spec, with_mode=False)
        events, _ = train(argv, spec)
        for ours, theirs in zip(events[1:3], reference[1:3], strict=True):
            for loss in ("train_loss", "test_loss"):
                assert abs(ours[loss] / theirs[loss] - 1) < 1e-3, (settings, loss, ours, theirs)
            assert abs(ours["test_error"] - theirs["test_error"]) <= 1.5 / 50, (settings, ours, theirs)


def test_repeats_are_identical(argv):
    """With dropout, a step trace and a smaller last batch."""
    layers = [{"conv2d": {"filters": 4}}, {"dropout": {"rate": 0.5}}, {"maxpool": {"window": 2}},
              {"dense": {"units": "classes"}}]
    spec = synthetic_spec(layers, trace="step")
    if MODE == "scan":  # an epoch is one program
        got, events, _ = run(argv, in_mode(spec))
        assert got == 2 and "no steps to trace" in events[-1]["message"], events
        spec["train"]["trace"] = "epoch"
    (first, _), (again, _) = train(argv, spec), train(argv, spec)
    assert MODE == "compile-max" or first[-1]["checksum"] == again[-1]["checksum"]
    assert len(first[-1]["checksum"]) == 16
    assert MODE == "scan" or [len(event["step_seconds"]) for event in first[1:3]] == [5, 5]
    assert "own dropout masks" in first[0]["versions"]
    assert first[0]["threads"] == 1, first[0]


def test_divergence_is_a_result(argv):
    layers = [{"dense": {"units": 16}}, {"dense": {"units": 16}}, {"dense": {"units": "classes"}}]
    events, _ = train(argv, synthetic_spec(layers, learning_rate=1e6, epochs=5))
    assert events[-1]["diverged"] is True and len(events) < 2 + 5, events
    assert None in (events[-2]["train_loss"], events[-2]["test_loss"]), events


def test_errors_are_events(argv):
    nowhere = print_spec("--epochs", "1")
    nowhere["dataset"]["source"] = {"type": "idx", "path": "/nonexistent", "limit": 0, "test_limit": 0,
                                    "split_seed": 0}
    wrong = {**nowhere, "protocol": 2, "mode": "sideways"}
    for spec, status, text in ((nowhere, 3, "/nonexistent"), (wrong, 2, "mode 'sideways' is not known"),
                               ({"protocol": 9}, 2, "protocol 9"), ("[1]", 2, "specification")):
        got, events, log = run(argv, spec)
        assert got == status and len(events) == 1, (got, events, log[-500:])
        assert events[0]["event"] == "error" and text in events[0]["message"], events


def test_nothing_is_compiled_after_set_up(argv):
    """Counted by the trainers, for the smaller last batch as well; and a step that is compiled late
    makes the run fail."""
    if MODE in ("eager", "graphs") or BACKEND == "torch":  # nothing is compiled
        return
    spec = in_mode(synthetic_spec([{"conv2d": {"filters": 4}}, "relu", {"dense": {"units": "classes"}}]))
    script = Path(__file__).parent / "late_compilation.py"
    done = subprocess.run([argv[0], script, TRAINER, MODE, BACKEND or "tensorflow"], input=json.dumps(spec),
                          text=True, capture_output=True,
                          env={**os.environ, "CUDA_VISIBLE_DEVICES": "-1", "CNN_TORCH_DEVICE": "cpu"})
    assert done.returncode == 0 and "refused" in done.stdout, done.stdout + done.stderr[-2000:]


def test_refusals_of_the_mode(argv):
    spec = {**in_mode(print_spec("--epochs", "1"))}
    if MODE == "graphs":
        status, events, _ = run(argv, spec)
        assert status == 3 and "needs a GPU" in events[0]["message"], (status, events)
    if MODE == "compile-max":
        spec["train"] = {**spec["train"], "deterministic": True}
        status, events, _ = run(argv, spec)
        assert status == 2 and "deterministic: false" in events[0]["message"], (status, events)


def main():
    argv, quick = command(), "quick" in sys.argv[4:]
    test_refusals_of_the_mode(argv)
    if MODE == "graphs":
        print("ok: refused; this test uses no GPU")
        return
    test_first_step(argv, list(PARAMETERS)[: 1 if quick else None])
    test_errors_are_events(argv)
    test_nothing_is_compiled_after_set_up(argv)
    if not quick:
        test_repeats_are_identical(argv)
        test_every_layer_and_optimiser(argv)
        test_divergence_is_a_result(argv)
    print("ok")


if __name__ == "__main__":
    main()
