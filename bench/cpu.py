#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Step times of both paths beside PyTorch's on the CPU: one run, contenders taking turns.

  bench/cpu [--build build] [--python PYTHON] [--rounds 21] [--only arch1] [--threads 1,2] [--compile]

Without --python, a virtual environment with PyTorch from PyPI (5 GB) is made in the build folder.
All contenders of a line do the same work (see torch_step.py), stay alive and run in turns, a
fraction of a second each, on the same cores, so that what disturbs one disturbs all; the figure is
the median over the rounds. PyTorch counts with its better memory format; --compile adds a column
for torch.compile (half a minute more a line). Build cnnbench-step first (cmake --build build)."""
import argparse
import os
import subprocess
import sys
import venv

from contender import Contender, fail

HERE = os.path.dirname(os.path.abspath(__file__))
CASES = [("arch1", "28x28x1", 10), ("arch1", "50x50x3", 2), ("arch2", "28x28x1", 10),
         ("arch2", "50x50x3", 2)]
SLICE = 0.15  # seconds a contender runs in each round: short, as disturbances come and go


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--build", default=os.path.join(HERE, "..", "build"))
    parser.add_argument("--python", help="a Python that has PyTorch")
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--only", default="", help="networks or shapes that contain this text")
    parser.add_argument("--compile", action="store_true", help="torch.compile as well")
    return parser.parse_args()


def has_torch(python):
    try:
        return subprocess.call([python, "-c", "import torch"], stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


def python_with_torch(build):
    """A virtual environment with PyTorch, made once."""
    folder = os.path.abspath(os.path.join(build, "bench-venv"))
    python = os.path.join(folder, "bin", "python")
    if has_torch(python):
        return python
    print(f"making {folder} with PyTorch from PyPI", file=sys.stderr)
    try:
        venv.create(folder, with_pip=True, clear=True)
    except (OSError, subprocess.CalledProcessError) as error:
        fail(f"cannot make {folder} ({error}): install python3-venv, or give a Python that has "
             "PyTorch (--python)")
    if subprocess.call([python, "-m", "pip", "install", "--quiet", "torch", "numpy"]) != 0:
        fail("PyTorch could not be installed: this needs a network and 5 GB; or give a Python that "
             "has PyTorch (--python)")
    return python


def contenders_of(options, python, case, threads, cores):
    ours = [os.path.join(options.build, "cnnbench-step")]
    torch = [python, os.path.join(HERE, "torch_step.py")]

    def command(program, path):
        name, shape, classes = case
        return program + [name, shape, str(classes), path, str(threads), str(options.batch)]

    def contender(program, path):
        return Contender(path, command(program, path), SLICE, {"OMP_NUM_THREADS": str(threads)}, cores)

    return [contender(ours, path) for path in ("native", "layered")] + \
        [contender(torch, path) for path in ("contiguous", "channels_last") +
         (("compiled",) if options.compile else ())]


def measure(options, python, case, threads):
    """Medians in seconds by label, and the contenders' versions."""
    cores = sorted(os.sched_getaffinity(0))[-threads:]
    all_contenders = contenders_of(options, python, case, threads, cores)
    try:
        for _ in range(options.rounds):
            for contender in all_contenders:
                contender.take_turn()
    finally:
        for contender in all_contenders:
            contender.stop()
    return ({c.label: c.median() for c in all_contenders},
            list(dict.fromkeys(c.version for c in all_contenders)))


def main():
    options = arguments()
    python = options.python or python_with_torch(options.build)
    if not has_torch(python):
        fail(f"{python} has no PyTorch")
    available = len(os.sched_getaffinity(0))
    head = (f"{'network':8} {'input':8} {'threads':>7} | {'native':>18} | {'layered':>18} | "
            f"{'PyTorch (best of two)':>32} | {'torch/native':>12} {'torch/layered':>13} "
            f"{'layered/native':>14}" + (f" {'compiled/native':>15}" if options.compile else ""))
    print(f"batch {options.batch}, ms a step (images/s), median of {options.rounds} rounds\n")
    print(head + "\n" + "-" * len(head))
    versions = []
    for threads in map(int, options.threads.split(",")):
        if threads > available:
            print(f"{threads} threads: only {available} cores here")
            continue
        for case in CASES:
            if options.only not in f"{case[0]} {case[1]}":
                continue
            t, versions = measure(options, python, case, threads)
            format_name = min(("contiguous", "channels_last"), key=t.get)
            best = t[format_name]

            def cell(seconds):
                return f"{seconds * 1e3:8.3f} ({options.batch / seconds:7.0f})"

            print(f"{case[0]:8} {case[1]:8} {threads:7} | {cell(t['native']):>18} | "
                  f"{cell(t['layered']):>18} | {cell(best) + ' ' + format_name:>32} | "
                  f"{best / t['native']:12.2f} {best / t['layered']:13.2f} "
                  f"{t['layered'] / t['native']:14.2f}" +
                  (f" {t['compiled'] / t['native']:15.2f}" if options.compile else ""), flush=True)
    print("\n" + "; ".join(versions))


if __name__ == "__main__":
    main()
