#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `doctor` on this host, with one rank and with two: what it finds is the host's own matter.
. "$(dirname "$0")/common.sh" "$1"
# Those of hosts and CPUs.
rules=$(sed -n 's/^    X([A-Z_]*, "\([a-z_]*\)", \(HOST\|CPUS\),.*/\1/p' "$source_tree/src/audit/audit.h")
[[ $(wc -w <<<"$rules") -gt 15 ]] || fail "rules: $rules"
# examine COMMAND...: exit status 0 or 1, and each rule is named among fine, unknown, disturbed
examine() {
    local got=0
    "$@" >out 2>err </dev/null || got=$?
    [[ $got -le 1 ]] || { cat out err; fail "exit status $got: $*"; }
    for rule in $rules; do
        grep -qw "$rule" out || { cat out; fail "nothing is said of the rule $rule: $*"; }
    done
    if [[ $got -eq 1 ]]; then
        says out "What may disturb measurements"
        says out "changes none of them"
    else
        ! grep -q "What may disturb measurements" out || fail "exit status 0 with disturbances"
    fi
}
examine "$build/cnnmpi" doctor
says out "1 host, 1 rank"
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
