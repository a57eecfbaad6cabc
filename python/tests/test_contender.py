# SPDX-License-Identifier: Apache-2.0
"""cnnmpi.contender and the examples that need no framework: test_contender.py."""
import io
import json
import os
import subprocess
import sys
import unittest

PYTHON = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
sys.path.insert(0, PYTHON)
try:
    import numpy as np
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

from cnnmpi import contender, trainer

SPEC = {
    "protocol": 1, "run": 0, "framework": "f", "path": "native", "seed": 20180601, "threads": 1,
    "network": {"name": "arch1", "layers": ["relu"]},
    "dataset": {"name": "d", "source": {
        "type": "synthetic", "height": 5, "width": 4, "channels": 1, "classes": 3, "count": 40,
        "test_fraction": 0.25, "limit": 0, "test_limit": 0, "split_seed": 3}},
    "train": {"epochs": 3, "batch_size": 8, "optimizer": "sgd", "learning_rate": 0.1, "momentum": 0,
              "precision": "fp32", "deterministic": True, "autotune": False, "trace": "epoch"},
}


def run_of(**settings):
    sink = io.StringIO()
    spec = json.loads(json.dumps(SPEC))
    spec["train"].update(settings)
    return contender.Run(spec, trainer.Events(sink)), sink


def events_of(sink):
    return [json.loads(line) for line in sink.getvalue().splitlines()]


class Contender(unittest.TestCase):
    def test_weights_are_those_of_the_protocols_page(self):
        run, _ = run_of()
        self.choose(run, ["conv2d", "relu", "conv2d", "dense"])
        shapes = [(16, 1, 5, 5), (16,), (32, 16, 5, 5), (32,), (10, 1568), (10,)]
        weights = run.initial_weights(shapes)
        self.assertEqual([w.shape for w in weights], shapes)
        flat = b"".join(w.tobytes() for w in weights)
        self.assertEqual(f"{trainer.fnv1a(flat):016x}", "05bdd32fe9c23d02")

    def test_weights_of_batch_norm_are_ones_and_zeros(self):
        run, _ = run_of()
        self.choose(run, ["conv2d", "batchnorm", "dense"])
        shapes = [(16, 1, 5, 5), (16,), (16,), (16,), (10, 12544), (10,)]
        _, _, gamma, beta, _, _ = run.initial_weights(shapes)
        self.assertTrue((gamma == 1).all() and (beta == 0).all())

    def test_weights_of_another_network_fail(self):
        run, _ = run_of()
        self.choose(run, ["conv2d", "dense"])
        with self.assertRaisesRegex(contender.Failure, "the run's network has parameters"):
            run.initial_weights([(16, 1, 5, 5), (16,), (10, 99), (10,)])

    @staticmethod
    def choose(run, kinds):
        """Images of 28x28x1, 10 classes; convolutions of 16 and 32 filters, pools behind two of them."""
        settings = [{"filters": 16}, {"filters": 32}]
        layers = []
        for kind in kinds:
            if kind == "conv2d":
                layers.append({kind: settings.pop(0)})
                if kinds.count(kind) == 2:
                    layers.append({"maxpool": {"window": 2}})
            else:
                layers.append({kind: {"units": "classes"}} if kind == "dense" else kind)
        run.layers = layers
        run.spec["dataset"]["source"].update(height=28, width=28, channels=1, classes=10)

    def test_epochs_hold_every_image_once_in_the_protocols_order(self):
        run, _ = run_of()
        run.data()
        for epoch in run.epochs():
            batches = list(epoch.batches())
            self.assertEqual([len(b) for b in batches], [8, 8, 8, 6])
            order = trainer.random_order(20180601, trainer.SHUFFLE, epoch.number, 30)
            self.assertEqual(np.concatenate(batches).tolist(), order.tolist())

    def test_events_of_a_whole_run(self):
        run, sink = run_of()
        run.data()
        run.ready(parameters=7, backend="b")
        for epoch in run.epochs():
            with epoch.training():
                sum(range(1000))
            with epoch.evaluation():
                pass
            epoch.report(1, 2, 0.5)
        run.done([np.ones(2)])
        ready, *epochs, done = events_of(sink)
        self.assertEqual((ready["train_images"], ready["test_images"], ready["parameters"]), (30, 10, 7))
        self.assertEqual(len(ready["data_checksum"]), 16)
        self.assertNotIn("threads", ready)
        self.assertEqual([e["epoch"] for e in epochs], [0, 1, 2])
        self.assertEqual(done["train_seconds"], sum(e["seconds"] for e in epochs))
        self.assertFalse(done["diverged"])

    def test_a_loss_that_is_not_finite_ends_the_run(self):
        run, sink = run_of()
        run.ready(parameters=0, backend="b")
        for epoch in run.epochs():
            with epoch.training():
                pass
            epoch.report(float("nan") if epoch.number == 1 else 1, 1, 0)
        run.done([])
        events = events_of(sink)
        self.assertEqual([e["event"] for e in events], ["ready", "epoch", "epoch", "done"])
        self.assertIsNone(events[2]["train_loss"])
        self.assertTrue(events[3]["diverged"])

    def test_a_sampler_has_the_batches_of_one_epoch_after_the_other(self):
        run, _ = run_of()
        run.data()
        sampler = contender.BatchSampler(run)
        self.assertEqual(len(sampler), 4)
        for epoch in run.epochs():
            self.assertEqual(list(sampler), [chosen.tolist() for chosen in epoch.batches()])

    def test_a_framework_that_is_absent_is_an_error_event(self):
        code = "from cnnmpi import contender\ncontender.lacks(ImportError('no module x'))"
        done = subprocess.run([sys.executable, "-c", code], input=json.dumps(SPEC), text=True, check=False,
                              env={**os.environ, "PYTHONPATH": PYTHON}, capture_output=True)
        self.assertEqual(done.returncode, 3)
        self.assertIn("no module x", json.loads(done.stdout)["message"])

    def test_an_epoch_without_a_clock_is_an_error(self):
        run, _ = run_of()
        with self.assertRaisesRegex(contender.Failure, "not timed"):
            next(run.epochs()).report(1, 1, 0)

    def test_settings_that_a_trainer_lacks_are_refused(self):
        run, _ = run_of(momentum=0.9)
        run.require(optimizer="sgd")
        with self.assertRaisesRegex(contender.Failure, "momentum 0 only, not 0.9") as caught:
            run.require(optimizer="sgd", momentum=0)
        self.assertEqual(caught.exception.status, 2)


class Seconds(unittest.TestCase):
    """The shell script."""

    def start(self, spec, *command):
        script = os.path.join(PYTHON, "examples", "seconds.sh")
        environment = {k: v for k, v in os.environ.items() if k != "CNN_EVENTS_FD"}
        return subprocess.run([script, *command], input=json.dumps(spec), text=True, env=environment,
                              capture_output=True, check=False)

    def test_it_reports_seconds_and_nothing_else(self):
        done = self.start(SPEC, "sleep", "0.05")
        events = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([e["event"] for e in events], ["ready", "done"])
        self.assertEqual(set(events[1]), {"event", "train_seconds"})
        self.assertGreaterEqual(events[1]["train_seconds"], 0.04)

    def test_failures_are_events(self):
        for spec, command, status in ((SPEC, "false", 1), ({**SPEC, "protocol": 3}, "true", 2)):
            done = self.start(spec, command)
            self.assertEqual(done.returncode, status)
            self.assertEqual(json.loads(done.stdout.splitlines()[-1])["event"], "error")


if __name__ == "__main__":
    unittest.main()
