# SPDX-License-Identifier: Apache-2.0
"""cnnmpi.results on a simulated job: test_results.py CNNMPI JOB.yaml. One run is then marked as failed,
one as a warm-up run."""
import csv
import io
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
try:
    import h5py
    import numpy as np
    from cnnmpi import results
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

CNNMPI, JOB = sys.argv[1:3]


class Results(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp()
        cls.path = os.path.join(cls.folder, "all.h5")
        subprocess.run([CNNMPI, JOB, "--quiet", "--output", cls.path], check=True)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def changed(self, column, run, value):
        path = os.path.join(self.folder, "changed.h5")
        shutil.copy(self.path, path)
        with h5py.File(path, "r+") as file:
            file[column][run] = value
        return results.open(path)

    def test_the_frame_holds_what_the_report_writes(self):
        text = subprocess.run([CNNMPI, "report", self.path, "--runs"], check=True, text=True,
                              capture_output=True).stdout
        rows = [r for r in csv.DictReader(io.StringIO(text)) if r["warmup"] == "0"]
        runs = results.open(self.path).cnnmpi.runs
        self.assertGreater(len(rows), 10)
        self.assertEqual(len(runs), len(rows))
        for row, (number, run) in zip(rows, runs.iterrows()):
            self.assertEqual(float(row["train_seconds"]), run.train_seconds)
            self.assertEqual((row["framework"], row["host"]), (run.framework, run.host))
            self.assertEqual(run.status, "done")
            self.assertEqual(int(row["run"]), number)

    def test_factors_are_decoded(self):
        data = results.open(self.path)
        self.assertEqual(data.cnnmpi.contrast, "framework")
        self.assertIn("framework", data.coords)
        self.assertEqual(str(data.cnnmpi.runs.framework.dtype), "category")
        labels = data.level_label.values[list(data.factor_name.values).index("framework")]
        self.assertEqual([labels[i] for i in data["level"].values], list(data.framework.values))
        self.assertEqual(set(data.status.values), {"done"})
        self.assertEqual(data.start_time.dtype, "M8[ns]")
        means = data.train_seconds.groupby("framework").mean()
        self.assertEqual(len(means), len(set(data.framework.values)))

    def test_free_factors_and_metrics_are_decoded(self):
        path = os.path.join(self.folder, "free.h5")
        job = ["factors.num_workers=[0, 4]", "factors.threads=[2]", "contrast=[framework, num_workers]",
               "metric={score: {unit: points}, auc: {}}", "repeats=2"]
        sets = [word for value in job for word in ("--set", value)]
        subprocess.run([CNNMPI, JOB, "--quiet", "--output", path, *sets], check=True)
        data = results.open(path)
        self.assertEqual(data.cnnmpi.contrast, "framework_x_num_workers")
        self.assertEqual(set(data.num_workers.values), {0, 4})
        self.assertEqual(set(data.factor_threads.values), {2})
        runs = data.cnnmpi.runs
        for name, framework, workers in zip(runs.framework_x_num_workers, runs.framework, runs.num_workers):
            self.assertEqual(name, f"{framework} x num_workers {workers}")
        self.assertTrue(np.isnan(data.score.values).all())
        self.assertEqual((data.score.attrs["units"], "metric_3" in data), ("points", False))
        with h5py.File(path) as file:
            self.assertEqual(file.attrs["metric_names"].decode() if isinstance(
                file.attrs["metric_names"], bytes) else str(file.attrs["metric_names"]), "score,auc")

    def test_a_block_with_a_failed_run_is_left_out(self):
        whole = results.open(self.path).cnnmpi.runs
        run = whole.index[5]
        data = self.changed("status", run, 3)
        self.assertEqual(data.status.values[run], "failed")
        left = data.cnnmpi.runs
        self.assertEqual(set(whole.block) - set(left.block), {whole.block[run]})
        self.assertEqual(len(left), (whole.block != whole.block[run]).sum())

    def test_a_block_on_two_devices_is_left_out(self):
        whole = results.open(self.path).cnnmpi.runs
        left = self.changed("device", whole.index[5], np.bytes_("elsewhere")).cnnmpi.runs
        self.assertEqual(set(whole.block) - set(left.block), {whole.block[whole.index[5]]})

    def test_warm_up_runs_are_left_out_and_break_no_block(self):
        whole = results.open(self.path).cnnmpi.runs
        left = self.changed("warmup", whole.index[5], 1).cnnmpi.runs
        self.assertEqual(len(left), len(whole) - 1)

    def test_another_file_is_refused(self):
        path = os.path.join(self.folder, "other.h5")
        with h5py.File(path, "w") as file:
            file["x"] = np.zeros(3)
        with self.assertRaisesRegex(ValueError, "no results file of cnnmpi"):
            results.open(path)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
