#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# -DCNN_PARTS=gpu-trainer configures where there is nothing but the compilers, CUDA, cuDNN, zlib, libpng, libfyaml and cmocka: every
# other package is hidden. Its targets are the trainer, its step bench and its tests, and what no compiler of CUDA is needed for builds.
. "$(dirname "$0")/common.sh" "$1"
cached() { sed -n "s/^$1:[A-Z]*=//p" "$build/CMakeCache.txt"; }
mkdir pc
for name in libfyaml cmocka; do
    file=$(pkg-config --variable=pcfiledir $name)/$name.pc
    cp "$file" pc
done
hidden=()
for package in MPI HDF5 Boost; do hidden+=(-DCMAKE_DISABLE_FIND_PACKAGE_$package=ON); done
export PKG_CONFIG_LIBDIR=$work/pc PKG_CONFIG_PATH=
expect 1 cmake -S "$source_tree" -B whole "${hidden[@]}"
cmake -S "$source_tree" -B tree -DCNN_PARTS=gpu-trainer -DCNN_TESTS=ON "${hidden[@]}" \
    -DCUDAToolkit_ROOT="$(dirname "$(dirname "$(cached CUDAToolkit_NVCC_EXECUTABLE)")")" -DCUDNN_INCLUDE_DIR="$(cached CUDNN_INCLUDE_DIR)" \
    -DCUDNN_LIBRARY="$(cached CUDNN_LIBRARY)" -DCMAKE_C_COMPILER_LAUNCHER="$(cached CMAKE_C_COMPILER_LAUNCHER)" >log 2>&1 ||
    { cat log; fail "configure"; }
cmake --build tree --target help >targets
for name in cnntrain-cudnn cnnbench-step-cudnn test_ops_conv_cudnn test_capture_modes_cudnn test_ops_conv_emulated; do
    grep -qw -- "$name" targets || fail "no target $name"
done
! grep -qwE 'cnnmpi|cnntrain-onednn|cnn_hdf5io|cnn_mpi|test_dispatcher' targets || fail "targets that need what is hidden"
cmake --build tree --target cnn_trainer -j2 >log 2>&1 || { cat log; fail "build"; }
expect 1 cmake -S "$source_tree" -B other -DCNN_PARTS=gpu
says err 'CNN_PARTS=gpu: expected all or gpu-trainer'
echo ok
