# SPDX-License-Identifier: Apache-2.0
"""A filled results file as xarray sees it: read_xarray.py FILE ENGINE."""
import math
import sys
import warnings

try:
    import numpy as np
    import xarray as xr
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

RUNS, EPOCHS, ATTEMPTS, CELLS = 28, 3, 6, 8


def written(run):
    """What tests/mpi/results_fill.c leaves unwritten: every fifth run."""
    return run % 5 != 4


def check_labels(ds):
    assert dict(ds.sizes) == {
        "run": RUNS, "epoch": EPOCHS, "attempt": RUNS * ATTEMPTS, "session_index": 256,
        "cell_index": CELLS, "combination_index": 4, "factor_index": 4, "factor_level": 2, "tuning_index": 3,
        "environment_index": 32,
    }, ds.sizes
    assert ds.train_seconds.dims == ("run",)
    assert ds.epoch_seconds.dims == ("run", "epoch")
    assert ds.attempt_outcome.dims == ("attempt",)
    assert list(ds.epoch.values) == [1, 2, 3]
    assert ds.attrs["title"] == 'cnnmpi results: fixture: "größe"'
    assert ds.attrs["layout_version"] == 6 and ds.attrs["contrast"] == "framework"
    for name, variable in ds.variables.items():
        assert variable.attrs["long_name"], name
    assert ds.train_seconds.attrs["units"] == "s"
    assert ds.epoch_seconds.attrs["units"] == "s"
    assert ds.status.attrs["flag_meanings"] == "planned done diverged failed"
    assert list(ds.status.attrs["flag_values"]) == [0, 1, 2, 3]


def check_text(ds):
    assert ds.factor_name.values.tolist() == ["framework", "architecture", "epochs", "threads"]
    assert ds.level_label.values.tolist() == [["native", "layered"], ["arch1", "schön"],
                                              ["2", "3"], ["one", ""]]
    levels = ds.cell_levels.values[ds.cell.values]
    for column, name in enumerate(["framework", "architecture", "epochs", "factor_threads"]):
        expected = [ds.level_label.values[column][row[column]] for row in levels]
        assert ds[name].values.tolist() == expected, name
    assert ds.threads.dtype.kind == "i"
    assert len(str(ds.job_file.values)) == 100000
    assert str(ds.job_name.values) == 'fixture: "größe"'
    assert str(ds.plan.values) == "the plan:\n  größer als erwartet\n"
    assert str(ds.job_overrides.values) == ""
    assert ds.attrs["backend"] == "cudnn"
    variables = ds.environment_variables.values.tolist()
    assert variables == ["", "", "OMP_PLACES=cores\nMALLOC_ARENA_MAX=größer\n"] + 29 * [""], variables
    assert ds.tuned_cell.values.tolist() == [-1, 2, -1]
    assert ds.tuned_device_model.values.tolist() == ["", "NVIDIA größer", ""]
    assert ds.tuned_algorithms.values.tolist() == ["", "conv 1: 6", ""]
    assert ds.tuned_timings.values.tolist() == ["", "conv 1 5 20.1 6 10.2 7 -", ""]


def check_runs(ds):
    names = list(ds.data_vars)
    first = names.index("attempts")
    for run in range(RUNS):
        r = ds.isel(run=run)
        if not written(run):
            assert r.status == 0 and math.isnan(r.train_seconds) and r.host == "" and r["rank"] == -1
            assert np.isnat(r.start_time.values) and np.isnan(r.epoch_seconds.values).all()
            continue
        assert r.status == [1, 2, 3][run % 3]
        assert str(r.host.values) == f"{run} host äöü", r.host.values
        assert r.parameters == 10000000000 + 100 * run + names.index("parameters") - first
        if run % 7 != 3:
            expected = run + (names.index("train_seconds") - first) / 64
            assert r.train_seconds == expected, (run, r.train_seconds.values, expected)
        start = np.datetime64(1500000000 + run, "s") + np.timedelta64(250, "ms")
        assert abs(r.start_time.values - start) < np.timedelta64(2, "us"), r.start_time.values
        for epoch in range(EPOCHS):
            if (100 * run + epoch) % 7 != 3:
                assert r.epoch_train_loss[epoch] == 100 * run + epoch + 1 / 64


def check_attempts(ds):
    assert ds.attempt_run.values.tolist() == [i // ATTEMPTS for i in range(RUNS * ATTEMPTS)]
    assert ds.attempt_number.values.tolist() == [i % ATTEMPTS for i in range(RUNS * ATTEMPTS)]
    assert str(ds.attempt_log.values[0]) == "x" * 511
    assert ds.attempt_exit_code.values[0] == -9
    assert ds.session_ranks.values[:3].tolist() == [1, 1, -1]
    assert [str(q) for q in ds.session_quarantine.values[:3]] == ["", "device 7 of h\u00f6st (rank 7)", ""]


def check_table(a, first, count, dims):
    """What tests/unit/results_fixture.c puts into a table: row i, column k."""
    names = list(a.data_vars)
    at = names.index(first)
    for k, name in enumerate(names[at:at + count]):
        assert a[name].dims == dims, (name, a[name].dims)
        values = a[name].values
        for i, x in enumerate(values.ravel()):
            expected = {"f": i + k / 64, "i": 100 * i + k}[values.dtype.kind]
            if values.dtype.itemsize == 1:
                expected = i % 2
            elif values.dtype == "int64":
                expected += 10000000000
            elif values.dtype.kind == "f" and i % 7 == 3:
                expected = None
            assert math.isnan(x) if expected is None else x == expected, (name, i, x, expected)


def check_analysis(path, engine):
    with xr.open_dataset(path, engine=engine, group="analysis") as a:
        names = ["train_seconds", "seconds_per_epoch", "test_error", "test_loss", "steady_seconds"]
        assert a.measure_name.values.tolist() == names
        assert a.measure_units.values.tolist() == ["s", "s", "1", "nat", "s"]
        assert a.component_name.values.tolist() == [
            "node", "device", "device_x_contrast", "block", "residual", "residual of native",
            "residual of layered"]
        by_model = ("combination_index", "measure")
        for first, last, dims in [
                ("runs_planned", "runs_missing", ("cell_index",)),
                ("n", "autocorrelation_pairs", ("cell_index", "measure")),
                ("comparison_combination", "comparison_b", ("comparison",)),
                ("verdict", "blocking_gain", ("comparison", "measure")),
                ("overall_comparisons", "overall_removed", ("measure",)),
                ("model_reason", "model_log_likelihood", by_model),
                ("fixed_mean", "fixed_effect_se", by_model + ("contrast_level",)),
                ("component_reason", "component_lrt_p", by_model + ("component",)),
                ("seeds_groups", "seeds_error_sd", ("cell_index",))]:
            variables = list(a.data_vars)
            check_table(a, first, 1 + variables.index(last) - variables.index(first), dims)
        assert a["mean"].attrs["long_name"] and a.verdict.attrs["flag_meanings"].split()[2] == "faster"
        measures, tests = len(a.measure_name), len(a.test_name)
        assert a.family_size.values.ravel().tolist() == list(range(measures * tests))
        assert a.outlier.dims == ("run", "measure")
        assert a.outlier.values.ravel().tolist() == [i % 3 for i in range(RUNS * measures)]
        assert a.block_flaw.values.tolist() == [i % 3 for i in range(RUNS)]
        assert a.seed_number.values.tolist() == [-1] and a.seed_kind.values.tolist() == [-1]
        assert [int(a[f"scope_{x}"]) for x in ("nodes", "devices", "sessions", "runs")] == [2, 4, 1, 12]
        assert float(a.overhead) == 0.03125
        assert a.session_overhead.dims == ("session_index",)
        assert a.session_overhead[0] == 0.0625 and np.isnan(a.session_overhead[1:]).all()


def main(path, engine):
    try:
        __import__({"netcdf4": "netCDF4"}.get(engine, engine))
    except ImportError as missing:
        print(f"skipped: {missing}")
        sys.exit(77)
    # xarray of 2023 casts NaN on its way to NaT
    warnings.filterwarnings("ignore", message="invalid value encountered in cast")
    with xr.open_dataset(path, engine=engine) as ds:
        check_labels(ds)
        check_text(ds)
        check_runs(ds)
        check_attempts(ds)
    check_analysis(path, engine)
    print(f"xarray {xr.__version__} with {engine}: all as written")


main(*sys.argv[1:])
