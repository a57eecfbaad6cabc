#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# sanitize.sh TOOL PROGRAM: a test that needs a GPU, under one of compute-sanitizer's tools, which is sought in $PATH and beside nvcc.
# Without a GPU, or without the sanitizer: skipped (77), or failed where CNN_REQUIRE_GPU=1.
set -euo pipefail
tool=$1 program=$2
missing() {
    [[ ${CNN_REQUIRE_GPU:-} == 1 ]] && { echo "failed, as CNN_REQUIRE_GPU=1: $*"; exit 1; }
    echo "skipped: $*"
    exit 77
}
sanitizer=$(command -v compute-sanitizer) || {
    nvcc=$(command -v nvcc) && sanitizer=$(dirname "$(readlink -f "$nvcc")")/compute-sanitizer
}
[[ -n $sanitizer && -x $sanitizer ]] || missing "compute-sanitizer is not in \$PATH, nor beside nvcc"
exec "$sanitizer" --tool "$tool" --error-exitcode 9 "$program"
