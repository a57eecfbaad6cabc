#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What a network becomes on a GPU, without a GPU: fusions, arena, graphs.
. "$(dirname "$0")/common.sh" "$1"
plan() { expect 0 "$build/cnntrain-cudnn" --plan --path native "$@"; }
plan --architecture arch1 --dataset synthetic
says out 'node 0  conv2d + bias + relu + maxpool'
says out 'batch + convolution + bias + relu + maxpool in one kernel; backward: weights and bias in one kernel'
says out 'dense + bias + softmax loss + data gradient in one kernel; backward: weights, bias and counts in one kernel'
says out 'update sgd in one kernel over all parameters'
says out 'graphs of 8 steps, of 1 step and of the last batch'
says out 'capture modes of the step that tuning times, to take the fastest: plain, branches, dependent, branches+dependent'
plan --architecture arch1 --dataset synthetic --autotune false
says out 'capture mode of the step: plain'
# Nothing of this network's backward needs the image before its pool: the first node has no such tensor.
! grep -q '^0 before pool' out || fail "the first convolution keeps what its kernel does not need"
! grep -q '^0 images' out || fail "images are gathered that the first convolution reads for itself"
awk '/^arena/ { found = 1; exit !($2 < $6) } END { exit !found }' out ||
    fail "the arena shares no memory"
plan --architecture arch2 --dataset synthetic
says out 'relu + bias in one kernel'
grep -q '^0 images' out || fail "cuDNN's first convolution reads no gathered images"
says out 'backward: relu, weights and bias by own kernels'
says out 'statistics, normalised + maxpool in one kernel; backward: sums, data + relu + bias before, from the pooled gradient'
! grep -q ' before pool ' out || fail "what comes between batch normalisation and its pool is kept in memory"
expect 0 "$build/cnntrain-cudnn" --plan --path layered --architecture arch2 --dataset synthetic
says out 'conv2d 128, 5x5/1'
echo ok
