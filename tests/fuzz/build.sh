#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# build.sh FOLDER [LAUNCHER [TARGET]]: builds the fuzz targets, all but `fuzz_results`, or one of them, with
# clang in FOLDER, which is fuzz/ in the project's build folder. Exit status 77, with the reason, where there is
# no clang or no libFuzzer.
set -euo pipefail
folder=$1 launcher=${2:-} target=${3:-all}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
skip() {
    printf 'skipped: %s\n' "$1"
    exit 77
}
clang=
for name in ${CLANG:-} clang clang-14 clang-15 clang-16 clang-17 clang-18 clang-19; do
    command -v "$name" >/dev/null && clang=$(command -v "$name") && break
done
[[ $clang ]] || skip "clang is not installed (Debian: clang)"
mkdir -p "$folder"
printf '#include <stddef.h>\nint LLVMFuzzerTestOneInput(const void *s, size_t n) { return s && n > 9; }\n' \
    >"$folder/probe.c"
"$clang" -fsanitize=fuzzer,address "$folder/probe.c" -o "$folder/probe" 2>/dev/null ||
    skip "$clang has no libFuzzer (Debian: libclang-rt-14-dev)"
name=${clang##*/}
cmake -S "$here" -B "$folder" -DCMAKE_C_COMPILER="$clang" \
    -DCMAKE_CXX_COMPILER="${clang%/*}/${name/clang/clang++}" \
    -DCMAKE_C_COMPILER_LAUNCHER="$launcher" -DCMAKE_CXX_COMPILER_LAUNCHER="$launcher"
cmake --build "$folder" -t "$target" -j "$(nproc)"
