#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# jobs/quick.yaml on a GPU: all runs done there, the two paths' test errors alike; and twice more without
# tuning, which may choose differently for each job: the same weights, run for run.
. "$(dirname "$0")/common.sh" "$1"
got=0
"$build/cnntrain-cudnn" --path native --architecture arch1 --dataset fashion_mnist --epochs 1 >out 2>err || got=$?
if [[ $got -eq 3 ]]; then
    [[ ${CNN_REQUIRE_GPU:-} != 1 ]] || { cat err; fail "no GPU, though CNN_REQUIRE_GPU=1"; }
    echo "skipped: $(tail -n 1 err)"
    exit 77
fi
[[ $got -eq 0 ]] || { cat out err; fail "one run by hand"; }
for name in tuned a b; do
    tune=$([[ $name == tuned ]] && echo true || echo false)
    "$build/cnnmpi" "$source_tree/jobs/quick.yaml" --set backend=cudnn --set train.autotune=$tune \
        --output $name.h5 --progress plain >$name.log 2>&1 </dev/null || { cat $name.log; fail "job $name"; }
done
python3 - <<'END' || fail "what is in the files"
import h5py
a, b, tuned = (h5py.File(name) for name in ("a.h5", "b.h5", "tuned.h5"))
def text(file, name):
    return [b"".join(row).decode().rstrip("\0") for row in file[name][:]]
assert all((file["status"][:] == 1).all() for file in (a, b, tuned))
assert set(text(a, "backend")) == {"cudnn"}
assert all(device.startswith(("GPU-", "MIG-")) for device in text(a, "device"))
assert text(a, "weight_checksum") == text(b, "weight_checksum"), "weights differ between two jobs"
measured = tuned["warmup"][:] == 0
errors = {level: tuned["test_error"][:][measured & (tuned["level"][:] == level)].mean() for level in (0, 1)}
assert abs(errors[0] - errors[1]) < 0.01, errors
END
echo ok
