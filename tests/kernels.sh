#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Kernels of gpu/ begin with cnn_wait_for_previous(), but for declarations of shared memory and of constants, and are launched by cnn_launch alone: any of them may begin
# before the one in front of it has ended (gpu/kernels/launches.h). Prints every breach; fails on any.
set -u
cd "$(dirname "$0")/.."
awk '
    FNR == 1 { state = "" }
    /<<</ && !/^ *(\/\/|\*|\/\*)/ { print FILENAME ":" FNR ": launched without cnn_launch"; breaches++ }
    /__global__/ && !/^ *(\/\/|\*|\/\*)/ { kernels++; state = "head" }
    state == "body" && !/^ *(__shared__ [^=]*|enum .*);$/ {
        if ($0 !~ /^ *cnn_wait_for_previous\(\);/) { print FILENAME ":" FNR ": a kernel begins with: " $0; breaches++ }
        state = ""
    }
    state == "head" && /{ *$/ { state = "body" }
    END { printf "%d kernels, %d breaches\n", kernels, breaches; exit !(kernels > 20 && breaches == 0) }
' $(find gpu -name '*.cu' -o -name '*.cuh')
