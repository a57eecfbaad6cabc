#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The arrows of ARCHITECTURE.md: from which folders, and from which single headers, a folder may
# include. Also: headers of libraries stay where they belong, include guards are paths, and kernels do
# not promise constant memory. Prints every breach; fails on any.
set -euo pipefail
cd "$(dirname "$0")/.."

# Lines "folder: what it may include beside itself", with continuations.
arrows=$(sed -n '/^```arrows$/,/^```$/p' ARCHITECTURE.md | grep -v '^```')
# header of a library: the places that may include it.
libraries='
mpi.h: mpi/ hdf5io/ src/ranks/ src/cli/run.c src/cli/doctor.c src/cli/job_together.c
hdf5.h: hdf5io/
hdf5_hl.h: hdf5io/
hwloc.h: mpi/ src/host/
oneapi/dnnl/: cpu/
cuda_runtime: gpu/
cudnn: gpu/
cublas: gpu/
cub/: gpu/
libfyaml.h: src/base/
lapacke.h: src/stats/
nlopt.h: src/stats/
png.h: src/data/
'
mapfile -t files < <(find src cpu gpu reference mpi hdf5io -type f \
    \( -name '*.[ch]' -o -name '*.cpp' -o -name '*.cu' -o -name '*.cuh' \))
mapfile -t headers < <(find src cpu gpu reference mpi hdf5io trainers tests -name '*.h' -o -name '*.cuh')

awk -v arrows="$arrows" -v libraries="$libraries" '
    function breach(what) { print FILENAME ":" FNR ": " what; breaches++ }
    # text begins with word, which ends there or at a slash
    function within(text, word) { return text == word || index(text, word "/") == 1 }
    BEGIN {
        n = split(arrows, lines, "\n")
        for (i = 1; i <= n; i++) {
            if (split(lines[i], part, ": ") == 2) {
                name = part[1]
                allowed[name] = name ~ /^src\// ? substr(name, 5) : name
                allowed[name] = allowed[name] " " part[2]
            } else {
                allowed[name] = allowed[name] " " lines[i]
            }
        }
        n = split(libraries, lines, "\n")
        for (i = 1; i <= n; i++)
            if (split(lines[i], part, ": ") == 2) places[part[1]] = part[2]
    }
    FNR == 1 {
        files++
        folder = FILENAME
        sub(/\/[^\/]*$/, "", folder)
        if (!(folder in allowed)) breach(folder " is not in the table of arrows")
    }
    /^#include "[^"]*\/[^"]*"/ {
        split($0, quoted, "\"")
        target = quoted[2]
        ok = 0
        n = split(allowed[folder], word, " ")
        for (i = 1; i <= n; i++) if (within(target, word[i])) ok = 1
        # The room of a subfolder is not open to its parent.
        if (folder == "src/nn" && within(target, "nn/native")) ok = 0
        if (target ~ /\/internal\.h$/) {
            own = folder
            sub(/^src\//, "", own)
            split(own, from, "/")
            split(target, to, "/")
            if (from[1] != to[1]) ok = 0
        }
        if (!ok) breach("includes \"" target "\"")
    }
    /^#include </ {
        split($0, quoted, /[<>]/)
        for (name in places) if (index(quoted[2], name) == 1) {
            ok = 0
            n = split(places[name], place, " ")
            for (i = 1; i <= n; i++) if (index(FILENAME, place[i]) == 1) ok = 1
            if (!ok) breach("includes <" quoted[2] ">")
        }
    }
    # Kernels may begin before the one in front has ended (gpu/kernels/launch.cuh).
    FILENAME ~ /^gpu\/.*\.cuh?$/ && /__ldg\(|const [A-Za-z0-9_:]+ \*(const )?__restrict__/ {
        breach("promises that memory is constant: " $0)
    }
    END {
        printf "%d files, %d breaches of arrows\n", files, breaches
        exit !(files > 300 && breaches == 0)
    }
' "${files[@]}" || failed=1

# The guard of src/base/text.h is CNN_BASE_TEXT_H, that of gpu/native/run.h CNN_GPU_NATIVE_RUN_H.
awk '
    FNR == 1 {
        headers++
        guard = FILENAME
        sub(/^src\//, "", guard)
        guard = "CNN_" toupper(guard)
        gsub(/[^A-Z0-9]/, "_", guard)
        seen = 0
    }
    /^#ifndef / && !seen {
        seen = 1
        if ($2 != guard) { print FILENAME ":" FNR ": guard " $2 ", not " guard; breaches++ }
        getline
        if ($0 != "#define " guard) { print FILENAME ":" FNR ": no #define " guard; breaches++ }
        guarded++
    }
    END {
        printf "%d headers, %d without a guard, %d guards that are not paths\n", headers, headers - guarded, breaches
        exit !(headers > 100 && breaches == 0 && headers == guarded)
    }
' "${headers[@]}" || failed=1
[[ ! ${failed:-} ]]
