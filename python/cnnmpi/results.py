# SPDX-License-Identifier: Apache-2.0
"""A results file as labelled arrays: cnnmpi.results.open("all.h5"). Needs xarray, pandas, and
h5netcdf or netCDF4."""
from __future__ import annotations

import os
from typing import TYPE_CHECKING, Union

import numpy as np
import xarray as xr

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["open", "whole_blocks"]


def open(path: Union[str, os.PathLike[str]]) -> xr.Dataset:
    """The whole file in memory. Flags (`status`, `warmup`, `attempt_outcome`) are words, the factors are
    coordinates of `run` (numbers where all levels are), start_time is a time. The accessor `cnnmpi` has more:
    open(path).cnnmpi.runs."""
    with xr.open_dataset(path, decode_times=False) as file:
        data = file.load()
    return _decode(data)


def _decode(data: xr.Dataset) -> xr.Dataset:
    if "layout_version" not in data.attrs or "status" not in data:
        raise ValueError("this is no results file of cnnmpi")
    for name, variable in data.variables.items():
        if "flag_meanings" in variable.attrs:
            data[name] = _words(data[name])
    data["start_time"] = _times(data["start_time"])
    data = _name_metrics(data)
    columns = _factor_columns(data)
    for name in columns.values():
        data[name] = _numbers(data[name])
    data = data.set_coords(list(columns.values()))
    data.attrs["factors"] = list(columns.values())
    return data


def _name_metrics(data: xr.Dataset) -> xr.Dataset:
    """Columns metric_1, ... under the names of the job's metrics; those without a metric are dropped."""
    names, units = (str(data.attrs.get(key, "")).split(",") for key in ("metric_names", "metric_units"))
    columns = [f"metric_{i}" for i in range(1, 9) if f"metric_{i}" in data]
    used = {
        column: f"metric_{name}" if name in data.variables or name in data.dims else name
        for column, name in zip(columns, filter(None, names))
    }
    for column, unit in zip(used, units):
        data[column].attrs.update(long_name=f"metric {used[column]}", units=unit)
    return data.drop_vars([name for name in columns if name not in used]).rename(used)


LEVEL_OF = "level of the factor "


def _factor_columns(data: xr.Dataset) -> dict[str, str]:
    """{factor: its column of `run`}, in the file's order. A contrast of several factors has one column
    ("framework_x_threads" of "framework x threads"), and each of its members has one."""
    texts = {name: str(variable.attrs.get("long_name", "")) for name, variable in data.variables.items()}
    named = {text[len(LEVEL_OF):]: str(name) for name, text in texts.items() if text.startswith(LEVEL_OF)}
    order = [str(name) for name in data["factor_name"].values]
    members = [member for name in order for member in (name, *name.split(" x "))]
    return {name: named[name] for name in dict.fromkeys(members)}


def _numbers(levels: xr.DataArray) -> xr.DataArray:
    """Levels that are all numbers as numbers, others as they are."""
    for kind in (int, float):
        try:
            values = np.array([kind(str(level)) for level in levels.values])
        except ValueError:
            continue
        return xr.DataArray(values, levels.coords, levels.dims, levels.name, levels.attrs)
    return levels


def _words(flags: xr.DataArray) -> xr.DataArray:
    meanings = dict(zip(np.atleast_1d(flags.attrs["flag_values"]), flags.attrs["flag_meanings"].split()))
    words = np.array([meanings.get(value, "") for value in flags.values.ravel()], object)
    attributes = {k: v for k, v in flags.attrs.items() if not k.startswith("flag_")}
    return xr.DataArray(words.reshape(flags.shape), flags.coords, flags.dims, flags.name, attributes)


def _times(seconds: xr.DataArray) -> xr.DataArray:
    """Seconds since 1970 as times, to the microsecond; NaN becomes NaT."""
    known = np.isfinite(seconds.values)
    micros = np.where(known, np.round(1e6 * np.where(known, seconds.values, 0)), 0).astype("i8")
    times = np.where(known, micros.astype("M8[us]"), np.datetime64("NaT")).astype("M8[ns]")
    attributes = {k: v for k, v in seconds.attrs.items() if k != "units"}
    return xr.DataArray(times, seconds.coords, seconds.dims, seconds.name, attributes)


def whole_blocks(data: xr.Dataset) -> np.ndarray:
    """Which runs are measured (no warm-up runs), done, and of a block all of whose runs are done, on
    one device: bool [run]."""
    measured = data["warmup"].values == "measured"
    done = measured & (data["status"].values == "done")
    blocks, devices = data["block"].values, data["device"].values
    broken = set(blocks[measured & ~done])
    first: dict[int, str] = {}
    for block, device in zip(blocks[done], devices[done]):
        if first.setdefault(block, device) != device:
            broken.add(block)
    return done & ~np.isin(blocks, list(broken))


@xr.register_dataset_accessor("cnnmpi")
class Results:
    """What cnnmpi adds to the data set of a results file."""

    def __init__(self, data: xr.Dataset) -> None:
        self._data = data

    @property
    def factors(self) -> list[str]:
        """Columns of the factors."""
        return list(self._data.attrs["factors"])

    @property
    def contrast(self) -> str:
        """Column of the factor whose levels are compared."""
        return _factor_columns(self._data)[self._data.attrs["contrast"]]

    @property
    def runs(self) -> pd.DataFrame:
        """A row for each run of whole blocks, which are what paired comparisons rest on: a column for
        each variable over `run`, the factors as categories. Index: the run."""
        data = self._data.isel(run=whole_blocks(self._data))
        names = [name for name in data.variables if data[name].dims == ("run",) and name != "run"]
        frame = data[names].to_dataframe()[self.factors + [n for n in names if n not in self.factors]]
        return frame.astype({name: "category" for name in self.factors})
