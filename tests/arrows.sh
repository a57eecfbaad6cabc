#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The arrows of ARCHITECTURE.md: which folder may include from which. Prints every breach; fails on any.
set -u
cd "$(dirname "$0")/.."
declare -A allowed=(
    [src/base]="base"
    [src/ranks]="base ranks"
    [src/results]="base results"
    [src/data]="base data"
    [src/nn]="base nn"
    [src/simulate]="base simulate"
    [src/protocol]="base data nn simulate protocol"
    [src/job]="base data nn simulate job"
    [src/design]="base data nn simulate job stats design"
    [src/trainer]="base data nn simulate protocol trainer"
    [src/host]="base results host"
    [src/stats]="base stats"
    [src/analysis]="base job design results stats analysis"
    [src/forecast]="base job design results stats analysis forecast"
    [src/document]="base document"
    [src/published]="base stats document published"
    [src/report]="base design results stats analysis forecast document published report"
    [src/status]="base results status"
    [src/cli]="base data job design results analysis forecast document published report status hdf5io mpi cli"
    [cpu]="base nn cpu"
    [gpu]="base nn gpu"
    [hdf5io]="base ranks job design results analysis hdf5io"
    [mpi]="base ranks simulate protocol job design results host analysis hdf5io mpi"
)
# Headers of libraries, and the only folders that may see them.
declare -A library=(
    [mpi.h]="mpi hdf5io src/ranks src/main.c"
    [hdf5.h]="hdf5io"
    [hdf5_hl.h]="hdf5io"
    [hwloc.h]="mpi src/host"
    [oneapi/dnnl/]="cpu"
    [cuda_runtime]="gpu"
    [cudnn]="gpu"
    [cublas]="gpu"
    [cub/]="gpu"
    [libfyaml.h]="src/base"
    [lapacke.h]="src/stats"
    [nlopt.h]="src/stats"
    [png.h]="src/data"
)
breaches=0
breach() { printf '%s: %s\n' "$1" "$2"; breaches=$((breaches + 1)); }
files=0
# Folders of src/ that the table does not know have no rights.
for folder in src/*/; do
    [[ -n ${allowed[${folder%/}]:-} ]] || breach "$folder" "is not in the table of arrows"
done
for folder in "${!allowed[@]}"; do
    while IFS= read -r file; do
        files=$((files + 1))
        while read -r target; do
            [[ " ${allowed[$folder]} " == *" ${target%%/*} "* ]] || breach "$file" "includes \"$target\""
        done < <(sed -nE 's/^#include "([^"]+\/[^"]+)".*/\1/p' "$file")
    done < <(find "$folder" -type f \( -name '*.[ch]' -o -name '*.cpp' -o -name '*.cu' -o -name '*.cuh' \))
done
# The program's main sees every folder but the backends.
for file in src/*.[ch]; do
    [[ -e $file ]] || continue
    files=$((files + 1))
    while read -r target; do
        [[ $target != cpu/* && $target != gpu/* && $target != */internal.h ]] ||
            breach "$file" "includes \"$target\""
    done < <(sed -nE 's/^#include "([^"]+\/[^"]+)".*/\1/p' "$file")
done
while IFS=: read -r file header; do
    for name in "${!library[@]}"; do
        [[ $header == "$name"* ]] || continue
        ok=
        for place in ${library[$name]}; do [[ $file == "$place"* ]] && ok=1; done
        [[ $ok ]] || breach "$file" "includes <$header>"
    done
done < <(grep -noE '^#include <[^>]+>' -r src cpu gpu mpi hdf5io --include='*.[ch]' --include='*.cpp' --include='*.cu' --include='*.cuh' |
    sed -E 's/^([^:]+):[0-9]+:#include <(.*)>/\1:\2/')
# Kernels may begin before the one in front has ended (gpu/kernels/launch.cuh): no promise that memory is constant.
while IFS=: read -r file line what; do
    breach "$file" "line $line promises that memory is constant: $what"
done < <(grep -nE '__ldg\(|const [A-Za-z0-9_:]+ \*(const )?__restrict__' -r gpu --include='*.cu' --include='*.cuh')
printf '%d files, %d breaches\n' "$files" "$breaches"
[[ $files -gt 20 && $breaches -eq 0 ]]
