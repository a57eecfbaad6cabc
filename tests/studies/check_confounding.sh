#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# docs/confounding.md shows what the program prints: check_confounding.sh PROGRAM DOCUMENT
set -euo pipefail
table=$(mktemp)
trap 'rm -f "$table"' EXIT
"$1" >"$table"
lines=0
while IFS= read -r line; do
    [[ -z $line ]] && continue
    lines=$((lines + 1))
    grep -qxF -- "$line" "$2" || {
        printf 'not in %s; run docs/confounding.sh and take over its tables:\n%s\n' "$2" "$line"
        exit 1
    }
done <"$table"
[[ $lines -gt 15 ]]
# ... and no row of a table is there that it does not print.
while IFS= read -r line; do
    grep -qxF -- "$line" "$table" || { printf 'not printed any more: %s\n' "$line"; exit 1; }
done < <(grep '^|' "$2")
