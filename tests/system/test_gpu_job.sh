#!/usr/bin/env bash
# jobs/quick.yaml on a GPU, twice: all runs done there, the two paths' test errors alike, and the same
# weights, run for run.
. "$(dirname "$0")/common.sh" "$1"
got=0
"$build/cnntrain-cudnn" --path native --architecture arch1 --dataset fashion_mnist --epochs 1 >out 2>err || got=$?
[[ $got -ne 3 ]] || { echo "skipped: $(tail -n 1 err)"; exit 77; }
[[ $got -eq 0 ]] || { cat out err; fail "one run by hand"; }
for name in a b; do
    "$build/cnnmpi" "$source_tree/jobs/quick.yaml" --set backend=cudnn --output $name.h5 --progress plain \
        >$name.log 2>&1 </dev/null || { cat $name.log; fail "job $name"; }
done
python3 - <<'END' || fail "what is in the files"
import h5py
a, b = h5py.File("a.h5"), h5py.File("b.h5")
def text(file, name):
    return [b"".join(row).decode().rstrip("\0") for row in file[name][:]]
assert (a["status"][:] == 1).all() and (b["status"][:] == 1).all()
assert set(text(a, "backend")) == {"cudnn"}
assert all(device.startswith(("GPU-", "MIG-")) for device in text(a, "device"))
assert text(a, "weight_checksum") == text(b, "weight_checksum"), "weights differ between two jobs"
measured = a["warmup"][:] == 0
errors = {level: a["test_error"][:][measured & (a["level"][:] == level)].mean() for level in (0, 1)}
assert abs(errors[0] - errors[1]) < 0.01, errors
END
echo ok
