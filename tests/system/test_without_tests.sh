#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A tree configured with CNN_TESTS=OFF: whatever label is asked for fails, and says what to do.
. "$(dirname "$0")/common.sh" "$1"
cmake -S "$source_tree" -B tree -DCNN_TESTS=OFF -DCNN_WITH_CUDA=OFF >log 2>&1 || { cat log; fail "configure"; }
labels=$(sed -nE 's/^set\(CNN_TEST_(LABELS|TIERS) (.*)\)$/\2/p' "$source_tree/cmake/TestLabels.cmake")
[[ $(wc -w <<<"$labels") -gt 10 ]] || fail "labels: $labels"
for label in '' $labels; do
    expect 8 ctest --test-dir tree --no-tests=error --output-on-failure ${label:+-L "^$label\$"}
    says out 'built without tests: run cmake -DCNN_TESTS=ON'
    says out '1 tests failed out of 1'
done
