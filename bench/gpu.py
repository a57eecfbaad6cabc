#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Training steps of both paths on a GPU beside PyTorch and JAX: one run, contenders taking turns.

  bench/gpu.py [--build build] [--python PYTHON] [--rounds 5] [--only arch1] [--precision fp32,tf32]

Every contender of a line trains the same network on the same card in the same precision, data on
the device, warm; they stay alive and run in turns of a quarter of a second; the figure is the
median over the rounds. PyTorch: eager, torch.compile (max-autotune), the step as a CUDA graph, each
in its better memory format. JAX: the epoch as one jitted scan. Whatever the Python at hand lacks is
left out, and said. `20 epochs` is the time for 20 times the study's training images.

Two floors stand below each line: arithmetic (multiply-adds of a step, padding left out, at the
speed of the card's best matrix product in that precision) and memory (each tensor between the
step's layers written once and read once a use, at the speed of the card's best copy), with each
program's share of the larger one. Small tensors stay in the card's cache, so that the memory floor
is no bound for them; nor is the arithmetic floor for Winograd's algorithm, which multiplies less."""
import argparse
import os
import subprocess
import sys

from contender import Contender, fail

HERE = os.path.dirname(os.path.abspath(__file__))
# network, input, classes, training images of the study
CASES = [("arch1", "28x28x1", 10, 60000), ("arch1", "50x50x3", 2, 4438),
         ("arch2", "28x28x1", 10, 60000), ("arch2", "50x50x3", 2, 4438)]
SLICE = 0.25  # seconds of a turn
CEILINGS = """
import sys, time, torch
torch.backends.cuda.matmul.allow_tf32 = sys.argv[1] == "tf32"
def best(call, work):
    for _ in range(3): call()
    times = []
    for _ in range(7):
        torch.cuda.synchronize(); start = time.perf_counter()
        for _ in range(10): call()
        torch.cuda.synchronize(); times.append((time.perf_counter() - start) / 10)
    return work / min(times)
n = 8192
a, b = torch.randn(n, n, device="cuda"), torch.randn(n, n, device="cuda")
print(best(lambda: torch.mm(a, b), 2 * n ** 3))
x, y = torch.empty(1 << 28, device="cuda"), torch.empty(1 << 28, device="cuda")
print(best(lambda: y.copy_(x), 2 * 4 * (1 << 28)))
"""


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--build", default=os.path.join(HERE, "..", "build"))
    parser.add_argument("--python", default=sys.executable, help="a Python with PyTorch, JAX")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--only", default="", help="networks or shapes that contain this text")
    parser.add_argument("--precision", default="fp32,tf32")
    parser.add_argument("--without", default="", help="contenders to leave out, e.g. compiled,jax")
    return parser.parse_args()


# ---- floors --------------------------------------------------------------------------------------

def taps(size):
    """Pairs of a result and a tap of 5 inside an image of this length, padding left out."""
    return sum(min(size, i + 3) - max(0, i - 2) for i in range(size))


def layers(name, h, w, c):
    """(inputs, outputs) of each convolution, and the side lengths where each runs."""
    filters = [16, 32] if name == "arch1" else [128, 64, 32, 16]
    half = len(filters) // 2
    for i, (inputs, outputs) in enumerate(zip([c] + filters[:-1], filters)):
        yield i, inputs, outputs, *((h, w) if i < half else ((h + 1) // 2, (w + 1) // 2))


def step_work(name, shape, classes, batch):
    """Floating-point operations and bytes of a step."""
    h, w, c = map(int, shape.split("x"))
    operations = values = 0
    for i, inputs, outputs, y, x in layers(name, h, w, c):
        passes = 2 if i == 0 else 3  # a first layer has no gradient of its input
        operations += passes * 2 * taps(y) * taps(x) * inputs * outputs
        # forward reads and writes; backward reads input and gradient, and writes the gradient
        values += (2 if i == 0 else 3) * y * x * inputs + 3 * y * x * outputs
    features = ((h + 3) // 4) * ((w + 3) // 4) * outputs
    operations += 3 * 2 * features * classes
    return batch * operations, 4 * batch * (values + 3 * features)


def ceilings(python, precision):
    """The card's operations and bytes a second, measured; None without PyTorch."""
    result = subprocess.run([python, "-c", CEILINGS, precision], capture_output=True, text=True)
    return None if result.returncode else tuple(map(float, result.stdout.split()))


# ---- contenders ----------------------------------------------------------------------------------

def has_module(python, module):
    code = f"import {module}; {module}.device_count() if '{module}' == 'jax' else None"
    return subprocess.call([python, "-c", code], stderr=subprocess.DEVNULL) == 0


def commands(options, modules, case, precision):
    name, shape, classes, images = case
    batches = str(images // options.batch)
    ours = os.path.join(options.build, "cnnbench-step-cudnn")
    found = {path: [ours, name, shape, str(classes), path, "1", str(options.batch), batches,
                    precision] for path in ("native", "layered")}
    for module, script, paths in (("torch", "gpu_torch.py", ("eager", "compiled", "graphs")),
                                  ("jax", "gpu_jax.py", ("scan",))):
        for path in paths if module in modules else ():
            found[f"{module} {path}"] = [
                options.python, os.path.join(HERE, script), name, shape, str(classes), path,
                str(options.batch), batches, precision]
    left_out = [word for word in options.without.split(",") if word]
    return {label: command for label, command in found.items()
            if not any(word in label for word in left_out)}


def measure(options, modules, case, precision):
    """Medians in seconds a step by label, and the contenders' versions."""
    # JAX would take all of the card's memory for itself.
    environment = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
    contenders = [Contender(label, command, SLICE, environment) for label, command in
                  commands(options, modules, case, precision).items()]
    try:
        for _ in range(options.rounds):
            for contender in contenders:
                contender.take_turn()
    finally:
        for contender in contenders:
            contender.stop()
    return ({c.label: c.median() for c in contenders},
            list(dict.fromkeys(c.version for c in contenders)))


# ---- tables --------------------------------------------------------------------------------------

def report(options, case, precision, times, ceiling):
    name, shape, classes, images = case
    steps = 20 * -(-images // options.batch)
    others = {label: t for label, t in times.items() if label not in ("native", "layered")}
    floor = None
    if ceiling:
        operations, traffic = step_work(name, shape, classes, options.batch)
        floor = max(operations / ceiling[0], traffic / ceiling[1])
    print(f"\n{name} {shape} {precision}: batch {options.batch}, {images} images")
    print(f"  {'':16} {'us a step':>10} {'images/s':>10} {'20 epochs, s':>13} {'native is':>11}"
          f" {'layered is':>11}" + (f" {'of floor':>9}" if floor else ""))
    for label, seconds in times.items():
        print(f"  {label:16} {seconds * 1e6:10.1f} {options.batch / seconds:10.0f} "
              f"{steps * seconds:13.3f} {seconds / times['native']:9.2f} x "
              f"{seconds / times['layered']:9.2f} x" +
              (f" {100 * floor / seconds:7.1f} %" if floor else ""))
    if others:
        best = min(others, key=others.get)
        print(f"  best of the others: {best}; native is {others[best] / times['native']:.2f} times "
              f"as fast")
    if floor:
        print(f"  floors: arithmetic {operations / ceiling[0] * 1e6:.1f} us ({operations / 1e9:.2f} "
              f"GFLOP at {ceiling[0] / 1e12:.1f} TFLOP/s), memory {traffic / ceiling[1] * 1e6:.1f} "
              f"us ({traffic / 1e6:.1f} MB at {ceiling[1] / 1e12:.2f} TB/s)")
    sys.stdout.flush()


def main():
    options = arguments()
    if not os.path.exists(os.path.join(options.build, "cnnbench-step-cudnn")):
        fail(f"{options.build} has no cnnbench-step-cudnn: build it where CUDA and cuDNN are")
    modules = [m for m in ("torch", "jax") if has_module(options.python, m)]
    for module in ("torch", "jax"):
        if module not in modules:
            print(f"left out: {options.python} has no {module}")
    versions = []
    for precision in options.precision.split(","):
        ceiling = ceilings(options.python, precision) if "torch" in modules else None
        for case in CASES:
            if options.only in f"{case[0]} {case[1]}":
                times, found = measure(options, modules, case, precision)
                versions += [v for v in found if v not in versions]
                report(options, case, precision, times, ceiling)
    print("\n" + "\n".join(versions))


if __name__ == "__main__":
    main()
