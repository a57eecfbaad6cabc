#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every kernel of gpu/ begins with cnn_wait_for_previous(), after declarations of shared memory and constants only, and is launched
# by cnn_launch alone, as it may be a dependent launch (gpu/kernels/launches.h). Every other operation that a stream is given passes
# cnn_gpu_foreign, so that no dependent launch follows it. Prints every breach; fails on any.
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
' $(find gpu -name '*.cu' -o -name '*.cuh') || exit 1
awk -v RS=';' '
    { gsub(/\/\*([^*]|\*+[^*\/])*\*+\//, "") }
    /(cuda[A-Za-z]+Async|cudaStreamWaitEvent|cudaStreamBeginCapture|cudaStreamEndCapture|cudaStreamDestroy|cudaGraphLaunch|cudaGraphUpload|cublas[SDCHZG][a-z]+[A-Z]?[A-Za-z0-9]*|cudnnBackendExecute|cub::[A-Za-z:]+)\(/ &&
    !/cublas(Create|Destroy|Set|Get)[A-Za-z]*\(/ {
        operations++
        if (!/cnn_gpu_foreign\(|cnn_cuda_cublas\(|[^_]foreign\(/) { print FILENAME ": not through cnn_gpu_foreign:" $0; breaches++ }
    }
    /cudaLaunch[A-Za-z]*\(/ && FILENAME !~ /\/launch\.cuh$/ { print FILENAME ": a launch outside launch.cuh:" $0; breaches++ }
    END { printf "%d other operations, %d breaches\n", operations, breaches; exit !(operations > 15 && breaches == 0) }
' $(find gpu -name '*.c' -o -name '*.cu' -o -name '*.cuh')
