#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# check_broken.sh BUILD PYTHON RULE [TRAINER]: a trainer that breaks one rule of check-trainer fails that
# rule and no other. RULE honest: breaks none.
set -euo pipefail
build=$1 python=$2 rule=$3
"$python" -c 'import numpy' 2>/dev/null || { echo "skipped: $python has no NumPy"; exit 77; }
status=0
report=$("$build/cnnmpi" check-trainer --json -- \
    "$python" "$(dirname "$0")/breaks_one_rule.py" "$rule" "${@:4}") || status=$?
"$python" - "$rule" "$status" "$report" <<'END'
import json, sys

rule, status, report = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
failed = {r["rule"]: r["detail"] for r in report["rules"] if r["verdict"] == "fail"}
print(failed)
assert list(failed) == ([] if rule == "honest" else [rule]), report
assert status == (rule != "honest") == bool(failed) and report["failed"] == len(failed), status
END
