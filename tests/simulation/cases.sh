#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Plays the worlds in which a fault was found, and a few others: cases.sh WORLDS
set -euo pipefail
played=0
while read -r seed fault; do
    [[ $seed != \#* ]] || continue
    "$1" --seed "$seed" >/dev/null || {
        "$1" --seed "$seed" || true
        echo "seed $seed found: $fault"
        exit 1
    }
    played=$((played + 1))
done <"$(dirname "${BASH_SOURCE[0]}")/cases.txt"
[[ $played -gt 0 ]]
"$1" --count 50
echo "$played cases"
