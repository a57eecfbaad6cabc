#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Where no GPU can be seen, a test that needs one is skipped, and fails with CNN_REQUIRE_GPU=1; likewise where compute-sanitizer is
# missing. Both are so on any machine, as neither GPU nor sanitizer can be seen here.
. "$(dirname "$0")/common.sh" "$1"
export CUDA_VISIBLE_DEVICES=-1 PATH=/usr/bin:/bin
unset CNN_REQUIRE_GPU
program=$build/tests/test_ops_pool_cudnn
sanitize=$source_tree/tests/conformance/sanitize.sh
expect 77 "$program"
says out 'skipped: no usable GPU'
expect 77 "$sanitize" memcheck "$program"
says out 'skipped: '
export CNN_REQUIRE_GPU=1
expect 1 "$program"
says out 'failed, as CNN_REQUIRE_GPU=1: no usable GPU'
expect 1 "$sanitize" memcheck "$program"
says out 'failed, as CNN_REQUIRE_GPU=1: '
echo ok
