#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Names that this project once made up and has given back for those of the field (docs/glossary.md has
# the ones that stay): whole identifiers and file names. Prints every one; fails on any.
set -euo pipefail
cd "$(dirname "$0")/.."

# Perl's regular expressions for whole identifiers, and what is said instead.
identifiers=(
    'cnn_few(?!_channels)\w*' 'few_channels'
    '\w+_slopes' 'gradients'
    'cnn_sparse\w*' 'pooled_backward'
    'cnn_kernel_pair_\w*' '2x2 pool'
    'cnn_cuda_lane\w*' 'stream'
    'cnn_quiet_\w*' 'collectives'
    'cnn_orchestra\w*' 'job_runner'
    'cnn_recipe\w*' 'trainer_command'
    'cnn_streak\w*' 'consecutive_failures'
    'cnn_dispatcher_duty' 'task'
    'cnn_native_\w*' 'cnn_gpu_step_, cnn_gpu_node_, cnn_gpu_pass_'
    '\w*_heed\w*' 'handle'
    '\w*_hasten\w*' 'early launch'
)
# The same for file names without their folder.
names=(
    '(.*_)?few(_(?!channels).*|\..*)' 'few_channels'
    '(.*_)?slopes[_.].*' 'gradients'
    '(.*_)?sparse[_.].*' 'pooled_backward'
    '(.*_)?lanes?[_.].*' 'streams'
    '(.*_)?quiet[_.].*' 'collectives'
    '(.*_)?orchestra[_.].*' 'job_runner'
    '(.*_)?recipe[_.].*' 'trainer_command'
    '(.*_)?streak[_.].*' 'consecutive_failures'
    '(.*_)?duty[_.].*' 'task'
)
# Words that the glossary must not define.
words='slopes|lane of the device|orchestra|recipe|streak|duty|heed|hasten'

mapfile -t files < <(find src cpu gpu reference mpi hdf5io trainers tests bench scripts slurm docs cmake README.md ARCHITECTURE.md \
    -type f ! -path tests/names.sh ! -path '*/corpus/*' ! -name '*.svg' ! -name '*.csv' ! -name '*.pyc')
[[ ${#files[@]} -gt 600 ]] || { echo "only ${#files[@]} files found"; exit 1; }

breaches=0
# report INSTEAD: prints the lines that come in, as breaches
report() {
    local line
    while IFS= read -r line; do
        printf '%s (here: %s)\n' "$line" "$1"
        breaches=$((breaches + 1))
    done
}
for ((i = 0; i < ${#identifiers[@]}; i += 2)); do
    report "${identifiers[i + 1]}" < <(grep -HnoP "\b(${identifiers[i]})\b" "${files[@]}")
done
for ((i = 0; i < ${#names[@]}; i += 2)); do
    report "${names[i + 1]}" < <(printf '%s\n' "${files[@]}" | grep -P "(^|/)(${names[i]})$")
done
report 'a name of the field' < <(grep -HnE "\*\*($words)\*\*" docs/glossary.md)
printf '%d files, %d names that were given back\n' "${#files[@]}" "$breaches"
[[ $breaches -eq 0 ]]
