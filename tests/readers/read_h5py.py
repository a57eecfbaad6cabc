# SPDX-License-Identifier: Apache-2.0
"""A filled results file as h5py sees it: read_h5py.py FILE."""
import math
import sys

try:
    import h5py
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)


def texts(variable):
    """Strings of a char variable, decoded as its _Encoding says."""
    rows = variable[()]
    encoding = variable.attrs["_Encoding"].decode()
    return [b"".join(row).rstrip(b"\0").decode(encoding) for row in rows]


def visit(name, item):
    if not isinstance(item, h5py.Dataset) or name.rsplit("/")[-1].startswith("string"):
        return
    assert item.attrs["long_name"], name
    assert item.chunks is None, name
    if item.attrs.get("CLASS") == b"DIMENSION_SCALE":
        return
    for axis, dimension in enumerate(item.dims):
        assert len(dimension) == 1, (name, axis)
        assert dimension[0].shape == (item.shape[axis],), (name, axis)


def dimensions(variable):
    return [scale[0].name for scale in variable.dims]


with h5py.File(sys.argv[1], "r") as f:
    f.visititems(visit)
    assert f.attrs["layout_version"] == 6
    assert dimensions(f["epoch_seconds"]) == ["/run", "/epoch"]
    assert dimensions(f["host"]) == ["/run", "/string_host"]
    assert dimensions(f["analysis/mean"]) == ["/cell_index", "/analysis/measure"]
    assert dimensions(f["analysis/welch_p"]) == ["/analysis/comparison", "/analysis/measure"]
    assert f["train_seconds"].attrs["units"] == b"s"
    assert f["status"][:6].tolist() == [1, 2, 3, 1, 0, 3]
    assert f["status"].dtype == "i1"
    assert texts(f["host"])[5] == "5 host äöü"
    assert texts(f["host"])[4] == ""
    assert math.isnan(f["train_seconds"][4]) and f["rank"][4] == -1
    assert texts(f["architecture"])[0] in ("arch1", "schön")
    assert b"".join(f["job_file"][()])[:4] == b"abcd"
    names = []
    f.id.links.iterate(lambda name: names.append(name.decode()), idx_type=h5py.h5.INDEX_CRT_ORDER)
    names = [name for name in names if not name.startswith("string")]
    k = names.index("train_seconds") - names.index("attempts")
    assert names.index("status") < names.index("attempts")
    assert f["train_seconds"][5] == 5 + k / 64
    print(f"h5py {h5py.__version__}: all as written")
