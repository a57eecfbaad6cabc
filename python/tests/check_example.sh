#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# check_example.sh BUILD PYTHON NAME MODULES: check-trainer finds nothing wrong with an example, and most rules
# apply to it. Skipped where Python has not the modules.
set -euo pipefail
build=$1 python=$2 name=$3 modules=$4
"$python" -c "import $modules" 2>/dev/null || { echo "skipped: $python cannot import $modules"; exit 77; }
package=$(cd "$(dirname "$0")/.." && pwd)
export PYTHONPATH=$package
out=$("$build/cnnmpi" check-trainer -- "$python" "$package/examples/$name.py") || { echo "$out"; exit 1; }
echo "$out"
grep -qE '^  (1[3-9]|2[0-9]) passed, 0 failed' <<<"$out"
