#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# test_rewritten.sh BUILD PYTHON: results files that h5repack, nccopy or xarray have rewritten are read as
# the original is; only --resume needs the storage that cnnmpi made, and says so.
. "$(dirname "$0")/../system/common.sh" "$1"
cnnmpi=$build/cnnmpi python=$2
cat >job.yaml <<'EOF'
repeats: 3
factors:
  framework:
    - {name: one, simulate: {time: {run: 1, residual: 0.01}}}
    - {name: two, simulate: {time: {run: 1, ratio: 1.1, residual: 0.01}}}
  architecture: [arch1]
  dataset: [mnist]
schedule: {sharing: allow}
EOF
expect 0 "$cnnmpi" job.yaml --output a.h5 --quiet
mkdir rewritten
whole_seconds() { sed -E 's/\b(1[0-9]{9})\.[0-9]+/\1/g'; }
# The same name, so that reports differ in nothing else. check WHAT [FILTER]
check() {
    for options in --full --runs --attempts; do
        "$cnnmpi" report a.h5 $options | ${2:-cat} >before
        (cd rewritten && "$cnnmpi" report a.h5 $options | ${2:-cat}) >after || fail "report $options of $1"
        diff before after >&2 || fail "report $options of $1 differs"
    done
    (cd rewritten && "$cnnmpi" status a.h5) >after || fail "status of $1"
    expect 3 "$cnnmpi" job.yaml --output rewritten/a.h5 --resume
    says err "was rewritten by another program"
    tested=$((tested + 1))
}
tested=0
if command -v h5repack >/dev/null; then
    for filter in GZIP=5 SHUF; do
        h5repack -f $filter a.h5 rewritten/a.h5
        check "h5repack -f $filter"
    done
    h5repack -l COMPA a.h5 rewritten/a.h5 2>/dev/null && check "h5repack -l COMPA"
fi
if command -v nccopy >/dev/null; then
    nccopy -d 5 a.h5 rewritten/a.h5
    check "nccopy -d"
    # nothing is chunked or packed: the file is as good as the original, but for its attributes
    nccopy a.h5 rewritten/a.h5
    (cd rewritten && "$cnnmpi" report a.h5 --full) >after
    "$cnnmpi" report a.h5 --full | diff - after >&2 || fail "report of nccopy's differs"
    tested=$((tested + 1))
fi
if "$python" -c "import xarray, netCDF4" 2>/dev/null; then
    rm -f rewritten/a.h5
    "$python" -c "import xarray; xarray.open_dataset('a.h5', decode_cf=False).load().to_netcdf('rewritten/a.h5')"
    check "xarray"
    # By default it decodes times of day, which changes their last digits, and texts, and writes each text as short as its column allows.
    for engine in netcdf4 h5netcdf; do
        module=${engine/netcdf4/netCDF4}
        "$python" -c "import $module" 2>/dev/null || continue
        rm -f rewritten/a.h5
        "$python" -c "import xarray
xarray.open_dataset('a.h5', engine='$engine').load().to_netcdf('rewritten/a.h5', engine='$engine')" 2>err ||
            { cat err; fail "xarray with $engine cannot write the file"; }
        check "xarray's default with $engine" whole_seconds
    done
fi
if [[ $tested -eq 0 ]]; then
    echo "skipped: neither h5repack, nccopy nor xarray is installed"
    exit 77
fi
echo "ok: $tested files"
