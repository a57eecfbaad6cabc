#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What bench/gpu-host/pack makes starts on a host that has the C library, CUDA and cuDNN, and nothing of MPI, HDF5, libfyaml or
# cmocka: a root of copied files. There is no GPU, so each stage fails by name, at its GPU; the job's archive does a simulated job
# there, and knows the file that was brought back.
. "$(dirname "$0")/common.sh" "$1"
for program in unshare chroot xz strip; do
    command -v $program >/dev/null || { echo "skipped: there is no $program"; exit 77; }
done
unshare -m true 2>/dev/null || { echo "skipped: no right to make a root of its own (unshare, chroot)"; exit 77; }
cuda=$(dirname "$(sed -n 's/^CUDNN_LIBRARY:[A-Z]*=//p' "$build/CMakeCache.txt")")
"$source_tree/bench/gpu-host/pack" --build "$build" --data "$work/none" trainer.tar.xz >out || { cat out; fail "pack"; }
says out 'without data set mnist'
"$source_tree/bench/gpu-host/pack" --job --build "$build" --data "$work/none" job.tar.xz >out || { cat out; fail "pack --job"; }
[[ $(stat -c %s trainer.tar.xz) -lt 8000000 ]] || fail "the archive has $(stat -c %s trainer.tar.xz) bytes"

# The root: a shell with its tools, the C and C++ libraries, zlib.
root=$work/root
mkdir -p "$root"/{bin,dev,proc,tmp,etc,usr/local/cuda/lib,home}
ln -s bin "$root/sbin"
tools=(bash cat chmod cp cut date dirname basename env grep ldd ls lscpu mkdir mv rm sed sh sort stat tail tar tee timeout tr uname \
    wc xz readlink)
for tool in "${tools[@]}"; do cp -L "$(command -v "$tool")" "$root/bin"; done
mkdir -p "$root/usr" && ln -s ../bin "$root/usr/bin"
loaded() { ldd "$@" 2>/dev/null | grep -oE '/[^ ]*\.so[^ ]*' || true; }
libraries=$(loaded "$root"/bin/* && loaded "$build"/{cnntrain-cudnn,cnnmpi} | grep -E '/lib(c|m|dl|pthread|rt|resolv|util|stdc\+\+|gcc_s|z)\.so')
for library in $libraries; do
    mkdir -p "$root$(dirname "$library")"
    cp -L "$library" "$root$library"
done
tar -C "$root/home" -xf trainer.tar.xz
in_root() {
    unshare -m bash -c 'mount --bind "$1" "$2/usr/local/cuda/lib" && mount --bind /dev "$2/dev" && mount -t proc proc "$2/proc" || exit 99
        cd "$2" && shift 2 && exec chroot . env -i PATH=/bin HOME=/home TMPDIR=/tmp /bin/bash -c "cd /home && \"\$@\"" - "$@"' - \
        "$cuda" "$root" "$@"
}
in_root true || { echo "skipped: nothing can be mounted"; exit 77; }
stages=(smoke library variants steps train kernels sanitize soak speed)
expect 1 in_root cnnmpi-gpu/bench/gpu-host/stages --out results machine "${stages[@]}"
results=$root/home/results
for stage in "${stages[@]}"; do
    says "$results/$stage.txt" 'no usable GPU'
    says "$results/$stage.txt" 'not run: the GPU cannot be used'
    says out "$stage: 0 passed, 1 failed"
done
says "$results/machine.txt" 'no usable GPU'
grep -q '^commit .*passed' "$results/machine.txt" || fail "the commit is missing"

# The second archive, over the first: without it, no job.
expect 1 in_root cnnmpi-gpu/bench/gpu-host/stages --out results job
tar -C "$root/home" -xf job.tar.xz
cp "$here/gpu_host_job.yaml" "$root/home"
job() {
    in_root cnnmpi-gpu/bench/gpu-host/stages --job /home/gpu_host_job.yaml --precisions fp32 --ranks 2 "$@"
}
expect 0 job --out first job -- --set repeats=2
says "$root/home/first/job.txt" '1 passed'
rm "$root/home/first/fp32.txt"
expect 0 job --out second --from first job -- --set repeats=2
says "$root/home/second/fp32.txt" "What was found"
expect 0 cmp "$root/home/first/fp32.h5" "$root/home/second/fp32.h5" # nothing was left to do, and nothing was done again
[[ -n $(find "$root/home/second/fp32-tables" -name '*.csv' -size +0) ]] || fail "no tables as CSV"
echo ok
