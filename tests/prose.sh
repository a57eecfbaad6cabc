#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Form of comments and documents: Markdown has at most 100 columns, except in tables, in code and in
# parts that a script writes (between begin --> and end -->); no comment ends with a line that holds
# its end alone. Files that are still to be mended are named here; others may not join them.
set -euo pipefail
cd "$(dirname "$0")/.."
ends=(gpu/convolution/choose.c gpu/convolution/cudnn_graph.c gpu/convolution/problem.h
    gpu/device/internal.h gpu/kernels/first_convolution.cu gpu/kernels/kernels.h
    gpu/kernels/strips.cuh gpu/native/conv.c hdf5io/attribute.h hdf5io/tables.h hdf5io/variable.h
    mpi/loop.h mpi/placement/devices.c mpi/placement/devices.h mpi/placement/placement.c
    mpi/prepare.c mpi/tuning.c mpi/worker/run_record.h src/analysis/components.c
    src/analysis/figures.h src/base/yaml.h src/data/idx.h src/data/split.c src/design/design.c
    src/design/networks.h src/design/seeds.c src/document/output.h src/document/render_text.c
    src/forecast/time.c src/host/child.c src/host/child.h src/host/cpulist.h src/job/job.h
    src/report/parts.h src/report/study.c src/results/record.h src/simulate/simulation.h
    src/stats/dist.h src/stats/mixed/fit.c src/stats/mixed/identify.c src/stats/mixed/internal.h
    src/stats/t_tests.h src/stats/trend.h src/trainer/options.c tests/conformance/test_agreement.c
    tests/conformance/test_own_convolutions.c tests/emulation/emulation.h
    tests/emulation/graphs.cpp tests/fakes/fake_nvml.c tests/fuzz/fuzz_idx.c tests/fuzz/fuzz_npy.c
    tests/mpi/null_trainer.c tests/mpi/test_dealing.c tests/mpi/test_pairing.c
    tests/readers/make_results_file.c tests/studies/rates.h
    tests/studies/study.h tests/studies/test_false_positives.c tests/studies/test_recovery.c
    tests/trainer/test_trainer_pytorch.c tests/unit/data_fixture.h tests/unit/results_fixture.h
    tests/unit/test_job_status.c tests/unit/test_mixed.c tests/unit/test_pool.c)
breaches=0
# breaches_of PENDING-FILE... : names of files that come in and are not pending
breaches_of() {
    local file
    while IFS= read -r file; do
        [[ " $* " == *" ${file%%:*} "* ]] || { echo "$file"; breaches=$((breaches + 1)); }
    done
}
mapfile -t documents < <(find . -name '*.md' ! -path './build*' ! -path './.git/*' | cut -c3-)
mapfile -t sources < <(find src cpu gpu reference mpi hdf5io trainers tests bench \
    -name '*.[ch]' -o -name '*.cpp' -o -name '*.cu' -o -name '*.cuh')
[[ ${#documents[@]} -gt 15 && ${#sources[@]} -gt 400 ]] || { echo "too few files found"; exit 1; }
breaches_of < <(awk 'FNR == 1 { code = made = 0 }
    /^```/ { code = !code }
    /begin -->/ { made = 1 }
    /end -->/ { made = 0 }
    length > 100 && !code && !made && !/^(\||    )/ { print FILENAME ":" FNR ": " length " columns" }' \
    "${documents[@]}")
breaches_of "${ends[@]}" < <(grep -nE '^[[:space:]]*\*/$' "${sources[@]}")
printf '%d documents, %d sources, %d breaches\n' "${#documents[@]}" "${#sources[@]}" "$breaches"
[[ $breaches -eq 0 ]]
