#!/bin/sh
# Runs the examples of docs/results-file.md on a real file: run_document.sh LANGUAGE FILE INTERPRETER
language=$1 file=$2 interpreter=$3
case $language in
python) "$interpreter" -c "import xarray, netCDF4" || { echo "skipped: no xarray"; exit 77; } ;;
r) "$interpreter" -e "library(ncdf4)" || { echo "skipped: no ncdf4 for R"; exit 77; } ;;
esac
script=$(mktemp) || exit 1
trap 'rm -f "$script"' EXIT
awk -v begin="\`\`\`$language" '$0 == "```" { on = 0 } on { print } $0 == begin { on = 1 }' \
    docs/results-file.md | sed "s|\"all.h5\"|\"$file\"|" >"$script"
[ -s "$script" ] || { echo "docs/results-file.md has no example in $language"; exit 1; }
output=$("$interpreter" "$script") || exit 1
printf '%s\n' "$output"
printf '%s\n' "$output" | grep -q layered
