#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs the examples of docs/analysis.md on a job of simulated frameworks, whose file has /analysis:
#   run_analysis_document.sh BUILD_FOLDER LANGUAGE INTERPRETER
. "$(dirname "$0")/../system/common.sh" "$1"
language=$2 interpreter=$3
case $language in
python) "$interpreter" -c "import xarray, netCDF4, scipy" || { echo "skipped: no xarray or SciPy"; exit 77; } ;;
r) "$interpreter" -e "library(ncdf4); library(nlme)" || { echo "skipped: no ncdf4 or nlme for R"; exit 77; } ;;
esac
timeout 60 mpirun --oversubscribe -np 4 "$build/cnnmpi" "$source_tree/jobs/simulate.yaml" --set repeats=10 \
    --output all.h5 --quiet
awk -v begin="\`\`\`$language" '$0 == "```" { on = 0 } on { print } $0 == begin { on = 1 }' \
    "$source_tree/docs/analysis.md" >example
[[ -s example ]] || fail "docs/analysis.md has no example in $language"
timeout 60 "$interpreter" example >out 2>err || { cat out err; fail "the example in $language"; }
says out "agrees: 2 comparisons"
cat out
