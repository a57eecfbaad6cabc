#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Screens that change: status --watch, and the live lines of a job, in windows that change their size.
. "$(dirname "$0")/common.sh" "$1"
cat >job.yaml <<'END'
repeats: 12
factors:
  framework:
    - {name: one, simulate: {time: {run: 1, residual: 0.01}}}
    - {name: two, simulate: {time: {run: 1, residual: 0.01}}}
  architecture: [arch1]
  dataset: [mnist]
END
expect 0 "$build/cnnmpi" job.yaml --quiet
expect 2 "$build/cnnmpi" status job.h5 --watch
says err "redraws a terminal"
expect 2 "$build/cnnmpi" report job.h5 --watch
python3 "$here/screens.py" "$build/cnnmpi"
