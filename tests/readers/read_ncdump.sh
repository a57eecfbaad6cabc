#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A filled results file as ncdump shows it: read_ncdump.sh FILE
command -v ncdump >/dev/null || { echo "skipped: ncdump is not installed"; exit 77; }
set -e
header=$(ncdump -h "$1")
all=$(ncdump "$1")

# shown TEXT WHERE: fails unless the line is in the text
shown() {
    printf '%s\n' "$2" | grep -qF -- "$1" || { echo "ncdump does not show: $1"; exit 1; }
}
for line in "run = 28 ;" "epoch = 3 ;" "double train_seconds(run) ;" \
    "double epoch_seconds(run, epoch) ;" "char host(run, string_host) ;" \
    'train_seconds:units = "s" ;' "train_seconds:_FillValue = NaN ;" \
    'status:flag_meanings = "planned done diverged failed" ;' \
    "double mean(cell_index, measure) ;" ':contrast = "framework" ;' ":layout_version = 6 ;"; do
    shown "$line" "$header"
done
# ncdump writes what is not ASCII as octal bytes
shown '"5 host \303\244\303\266\303\274"' "$all"
shown '"train_seconds"' "$all"
shown "overhead = 0.03125 ;" "$all"
shown " cell_label =" "$(ncdump -v cell_label "$1")"
echo "ncdump: all as written"
