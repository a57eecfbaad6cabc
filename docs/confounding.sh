#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes the tables (printed) and the pictures (docs/figures/confounding-*.svg) of docs/confounding.md.
# Needs a build in build/ and gnuplot: docs/confounding.sh [BUILD_FOLDER]
set -euo pipefail
build=$(cd "${1:-build}" && pwd)
cd "$(dirname "$0")/.."
tables=$(mktemp -d)
trap 'rm -rf "$tables"' EXIT
"$build/tests/confounding" "$tables"
mkdir -p docs/figures
gnuplot -e "folder='$tables'; out='docs/figures'" docs/confounding.gp
