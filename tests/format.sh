#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Sources are as clang-format 14 leaves them; other versions break lines elsewhere, so that without this
# one the test is skipped (exit status 77). format.sh --write mends.
set -euo pipefail
cd "$(dirname "$0")/.."
program=
for name in clang-format-14 clang-format; do
    [[ $("$name" --version 2>/dev/null) == *"version 14."* ]] && program=$name && break
done
[[ $program ]] || { echo "skipped: clang-format 14 is not installed (Debian: clang-format-14)"; exit 77; }
options=(--dry-run -Werror)
[[ ${1:-} == --write ]] && options=(-i)
mapfile -d '' files < <(find src cpu gpu reference mpi hdf5io trainers tests bench \
    \( -name '*.[ch]' -o -name '*.cpp' -o -name '*.cu' -o -name '*.cuh' \) -print0)
[[ ${#files[@]} -gt 400 ]] || { echo "only ${#files[@]} files found"; exit 1; }
printf '%s\0' "${files[@]}" | xargs -0 -n 40 -P "$(nproc)" "$program" "${options[@]}"
echo "${#files[@]} files are formatted"
