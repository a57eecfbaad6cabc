#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The stages of bench/gpu-host with programs and tools that pass, fail, skip, are missing, hang, or are refused by the machine; and
# with programs for the emulated GPU.
. "$(dirname "$0")/common.sh" "$1"
stages=$source_tree/bench/gpu-host/stages
mkdir -p fake/tests bin
export PATH=$work/bin:$PATH
# program NAME LINE...: an executable script of these lines.
program() {
    local name=$1
    shift
    printf '%s\n' '#!/bin/sh' "$@" >"$name"
    chmod +x "$name"
}
run() { "$stages" --build fake --out kept "$@"; }

expect 2 "$stages"
expect 2 run nonsense
says err "no stage 'nonsense'"
expect 2 "$stages" --nonsense 1 smoke
[[ ! -e kept ]] || fail "a stage began before all were known"

# All passes; a stage given again begins anew.
program fake/cnnbench-probe-cudnn 'echo "cuDNN 9 on a GPU"'
bodies=(ops_elementwise ops_pool ops_norm ops_loss ops_data ops_dense graph_edges own_first own_classifier own_convolutions)
for body in "${bodies[@]}"; do program "fake/tests/test_${body}_cudnn" 'test "$CNN_REQUIRE_GPU" = 1'; done
for i in 1 2; do
    expect 0 run smoke
    says kept/smoke.txt 'smoke: 11 passed, 0 failed, 0 not run, 0 refused'
    [[ $(wc -l <kept/smoke.txt) -eq 12 ]] || fail "the first results stayed"
done
says kept/smoke/01-GPU.txt 'cuDNN 9 on a GPU'

# One of each: failed, skipped, missing, stopped with what it started.
program fake/tests/test_ops_pool_cudnn 'echo "pool: value 3 is 1, not 2: Error"; exit 5'
program fake/tests/test_ops_norm_cudnn 'echo "skipped: no compute-sanitizer"; exit 77'
rm fake/tests/test_ops_loss_cudnn
program fake/tests/test_ops_dense_cudnn 'sleep 1000 &' 'echo $! >child' 'wait'
expect 1 run --limit 2 smoke
says kept/smoke.txt 'failed: status 5; pool: value 3 is 1, not 2: Error'
says kept/smoke.txt 'not run: skipped: no compute-sanitizer'
grep -qE '^ops_loss .*not run: .*No such file' kept/smoke.txt || { cat kept/smoke.txt; fail "a missing program"; }
grep -qE '^ops_dense .*failed: stopped after 2 s' kept/smoke.txt || { cat kept/smoke.txt; fail "a program that hangs"; }
says kept/smoke.txt 'smoke: 7 passed, 2 failed, 2 not run, 0 refused'
! grep -qs '^State:.[^ZX]' "/proc/$(cat child)/status" || fail "what a stopped step had started lives on"

# No GPU: nothing else is run.
program fake/cnnbench-probe-cudnn 'echo "no usable GPU: none" >&2; exit 3'
expect 1 run smoke
says kept/smoke.txt 'failed: status 3; no usable GPU: none'
says kept/smoke.txt 'smoke: 0 passed, 1 failed, 10 not run'
program fake/cnnbench-probe-cudnn 'echo "cuDNN 9 on a GPU"'

# A tool: missing, refused, one that finds an error, one that fails without a word of its own.
for body in own_first own_classifier own_convolutions; do program "fake/tests/test_${body}_cudnn" true; done
expect 1 env PATH=/usr/bin:/bin "$stages" --build fake --out kept sanitize
says kept/sanitize.txt 'sanitize: 1 passed, 0 failed, 12 not run, 0 refused'
program bin/compute-sanitizer 'echo "========= Error: the device is not supported"; exit 1'
expect 0 run sanitize
says kept/sanitize.txt 'refused: ========= Error: the device is not supported'
says kept/sanitize.txt 'sanitize: 1 passed, 0 failed, 0 not run, 12 refused'
program bin/compute-sanitizer 'for last; do :; done' 'case $last in *own_first*) echo "========= Error: Invalid read"; exit 9 ;; esac' \
    'echo "========= ERROR SUMMARY: 0 errors"'
expect 1 run sanitize
grep -qE '^racecheck own_first .*failed: status 9' kept/sanitize.txt || { cat kept/sanitize.txt; fail "an error that was found"; }
says kept/sanitize.txt 'sanitize: 9 passed, 4 failed, 0 not run, 0 refused'
program bin/compute-sanitizer 'exit 9'
expect 1 run sanitize
says kept/sanitize.txt '0 refused'
program bin/compute-sanitizer 'exit 1'
expect 1 run sanitize
says kept/sanitize.txt 'sanitize: 1 passed, 12 failed, 0 not run, 0 refused'
program bin/ncu 'echo "==ERROR== ERR_NVGPUCTRPERM - no permission"; exit 0'
expect 0 run kernels
says kept/kernels.txt 'refused: ==ERROR== ERR_NVGPUCTRPERM - no permission'

# The job: a share that its time ends passes; the next one goes on with the file that was brought back.
program bin/mpirun 'for word; do case $word in output=*) file=${word#output=} ;; --resume) echo resumed ;; esac; done' \
    'echo "$@"' 'echo run >>"$file"' 'exit 75'
program fake/cnnmpi 'echo "$1 of $2"'
expect 0 run --precisions fp32 job -- --set repeats=1
says kept/job/01-all.yaml-fp32.txt 'go on with --from'
! grep -q resumed kept/job/01-all.yaml-fp32.txt || fail "a first share resumed"
expect 0 "$stages" --build fake --out later --from kept --precisions fp32 job -- --set repeats=1
says later/job/01-all.yaml-fp32.txt resumed
says later/job/01-all.yaml-fp32.txt 'repeats=1'
[[ $(wc -l <later/fp32.h5) -eq 2 && $(wc -l <kept/fp32.h5) -eq 1 ]] || fail "the file was not brought back"
says later/fp32.txt 'report of'
program bin/mpirun 'exit 2'
expect 1 run --precisions fp32 job
says kept/job.txt 'failed: status 2'

# On the emulated GPU: real programs, one of which finds a device.
if [[ -x $build/tests/test_ops_pool_emulated ]]; then
    ln -sf "$build/tests/test_ops_pool_emulated" fake/tests/test_ops_pool_cudnn
    ln -sf "$build/tests/cnnbench-probe-emulated" fake/cnnbench-probe-cudnn
    expect 1 run --limit 60 smoke
    grep -qE '^ops_pool .*passed' kept/smoke.txt || { cat kept/smoke/*pool*; fail "on the emulated GPU"; }
    says kept/smoke/01-GPU.txt ' on emulated'
fi
echo ok
