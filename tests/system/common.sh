# SPDX-License-Identifier: Apache-2.0
# For the tests of this folder: sourced as `. common.sh BUILD_FOLDER`. Everything happens in a new folder.
set -euo pipefail
build=$(cd "$1" && pwd)
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source_tree=$(cd "$here/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
unset CNNMPI_DATA CNNMPI_TRAINERS

fail() {
    printf 'FAILED: %s\n' "$*"
    exit 1
}
# expect STATUS COMMAND...: the command's exit status; its output goes to out and err.
expect() {
    local want=$1 got=0
    shift
    "$@" >out 2>err </dev/null || got=$?
    [[ $got -eq $want ]] || { cat out err; fail "exit status $got instead of $want: $*"; }
}
# says FILE TEXT: the file holds the text.
says() {
    grep -qF -- "$2" "$1" || { cat "$1"; fail "'$2' is missing from $1"; }
}
