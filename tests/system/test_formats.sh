#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every format holds the same figures, and names made to break one of them do not.
. "$(dirname "$0")/common.sh" "$1"
"$2" -c 'import jsonschema' || { echo "skipped: no python3-jsonschema"; exit 77; }
"$2" "$here/formats.py" "$build/cnnmpi" "$source_tree"
