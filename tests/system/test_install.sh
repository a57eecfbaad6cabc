#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The installed program works from any folder, with the build folder out of its sight.
. "$(dirname "$0")/common.sh" "$1"
cmake --install "$build" --prefix "$work/prefix" >install.log || { cat install.log; fail "install"; }
for file in bin/cnnmpi libexec/cnnmpi/cnntrain-onednn libexec/cnnmpi/cnn-exec \
    libexec/cnnmpi/cnntrain-reference share/man/man1/cnnmpi.1 \
    share/cnnmpi/report.schema.json share/cnnmpi/jobs/all.yaml share/cnnmpi/jobs/quick.yaml share/cnnmpi/jobs/mini.yaml \
    share/cnnmpi/jobs/pytorch.yaml share/cnnmpi/trainers/pytorch.py share/cnnmpi/python/cnnmpi/trainer.py share/cnnmpi/slurm/all.sbatch \
    share/cnnmpi/slurm/launch.bash share/cnnmpi/slurm/multinode.sbatch share/cnnmpi/slurm/requeue.sbatch; do
    [[ -e prefix/$file ]] || fail "$file is not installed"
done
mkdir -p elsewhere && cd elsewhere
cp "$here/tiny.yaml" .
export PATH=$work/prefix/bin:$PATH
expect 0 cnnmpi plan ../prefix/share/cnnmpi/jobs/all.yaml --ranks 4
expect 0 mpirun -np 2 cnnmpi tiny.yaml
[[ -s tiny.h5 ]] || fail "no results file"
# The installed trainer finds the installed package: it refuses its input by the protocol.
expect 2 python3 ../prefix/share/cnnmpi/trainers/pytorch.py
says out '{"event": "error"'
echo ok
