#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs the examples of a document on a real file: run_document.sh DOCUMENT LANGUAGE FILE INTERPRETER
document=$1 language=$2 file=$3 interpreter=$4
case $language in
python) "$interpreter" -c "import xarray, netCDF4" || { echo "skipped: no xarray"; exit 77; } ;;
r) "$interpreter" -e "library(ncdf4)" || { echo "skipped: no ncdf4 for R"; exit 77; } ;;
esac
script=$(mktemp) || exit 1
trap 'rm -f "$script"' EXIT
awk -v begin="\`\`\`$language" '$0 == "```" { on = 0 } on { print } $0 == begin { on = 1 }' \
    "$document" | sed "s|\"[a-z/]*\.h5\"|\"$file\"|" >"$script"
[ -s "$script" ] || { echo "$document has no example in $language"; exit 1; }
output=$("$interpreter" "$script") || exit 1
printf '%s\n' "$output"
printf '%s\n' "$output" | grep -q layered
