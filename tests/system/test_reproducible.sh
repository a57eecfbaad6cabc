#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Same job, same seed, same ranks and threads: identical weights, run for run; another seed: others.
. "$(dirname "$0")/common.sh" "$1"
command -v h5dump >/dev/null || { echo "skipped: h5dump is not installed"; exit 77; }
cp "$here/tiny.yaml" .
checksums() { h5dump -y -w 200 -d /weight_checksum "$1" | sed -n '/DATA {/,$p'; }
for name in a b; do
    mpirun -np 2 "$build/cnnmpi" tiny.yaml --output $name.h5 --progress plain >$name.log 2>&1 </dev/null ||
        { cat $name.log; fail "run $name"; }
done
mpirun -np 2 "$build/cnnmpi" tiny.yaml --output c.h5 --set seed=8 --quiet </dev/null
checksums a.h5 >a && checksums b.h5 >b && checksums c.h5 >c
[[ $(wc -c <a) -gt 200 ]] || fail "no checksums in the file"
cmp a b || fail "checksums differ between two runs of one job"
! cmp -s a c || fail "another seed gave the same weights"

# What rank 0 printed at the end is what `report` prints from the file alone.
"$build/cnnmpi" report a.h5 >report
tail -n "$(wc -l <report)" a.log | tr -d '\r' | diff - report || fail "report differs from the run's own tables"
# A batch log holds no control characters.
! LC_ALL=C grep -nP '[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]' a.log || fail "control characters in a batch log"
echo ok
