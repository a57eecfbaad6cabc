# SPDX-License-Identifier: Apache-2.0
"""Changes columns of a results file, for tests of what reads it:

    compare_edit.py FILE [LEVEL:]COLUMN=VALUE ... COLUMN+=NUMBER

LEVEL: only in runs of that level of the contrast."""
import sys

import h5py
import numpy as np

with h5py.File(sys.argv[1], "r+") as f:
    for change in sys.argv[2:]:
        column, value = change.split("=", 1)
        level, column = column.split(":") if ":" in column else (None, column)
        data = f[column.rstrip("+")]
        values = np.empty(data.shape, data.dtype)
        data.id.read(h5py.h5s.ALL, h5py.h5s.ALL, values, data.id.get_type())  # characters as they are
        rows = np.ones(len(values), bool) if level is None else f["level"][:] == int(level)
        if column.endswith("+"):
            values[rows] += float(value)
        elif values.ndim == 2:  # a text, one character a field
            values[rows] = np.frombuffer(value.encode().ljust(values.shape[1], b"\0"), "S1")
        else:
            values[rows] = float(value)
        data.id.write(h5py.h5s.ALL, h5py.h5s.ALL, values, data.id.get_type())
