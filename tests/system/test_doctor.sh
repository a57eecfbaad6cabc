#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `doctor` on this host, with one rank and with two: what it finds is the host's own matter.
. "$(dirname "$0")/common.sh" "$1"
# examine COMMAND...: exit status 0 or 1, and each rule is named once among fine, unknown, disturbed
examine() {
    local got=0
    "$@" >out 2>err </dev/null || got=$?
    [[ $got -le 1 ]] || { cat out err; fail "exit status $got: $*"; }
    grep -q 'mended\|Remedy\|As wanted' out || { cat out; fail "no findings: $*"; }
    if [[ $got -eq 1 ]]; then
        says out "What may disturb measurements"
        says out "changes none of them"
    else
        ! grep -q "What may disturb measurements" out || fail "exit status 0 with disturbances"
    fi
}
examine "$build/cnnmpi" doctor
says out "1 host, 1 rank"
grep -q 'kernel' out || fail "the rule kernel is missing"
examine "$build/cnnmpi" doctor --ranks 1000000
says out "1000000 ranks do not fit"
cp "$here/tiny.yaml" .
examine mpirun -np 2 "$build/cnnmpi" doctor tiny.yaml
says out "1 host, 2 ranks"

# A virtual machine or none: what the kernel says of hugepages is what doctor says.
pages=$(sed 's/.*\[\(.*\)\].*/\1/' /sys/kernel/mm/transparent_hugepage/enabled 2>/dev/null || true)
if [[ $pages == always ]]; then says out huge_pages; fi

sed -i 's/name: tiny/nme: tiny/' tiny.yaml
expect 2 "$build/cnnmpi" doctor tiny.yaml
says err "tiny.yaml:2:1: error"
expect 2 "$build/cnnmpi" doctor --resume
says err "--resume is not an option of \`cnnmpi doctor\`"
