# SPDX-License-Identifier: Apache-2.0
"""PyTorch for one run: the device, threads, precision and determinism that its specification asks
for. Imported before PyTorch."""
import os
import sys

from cnnmpi import trainer as protocol
from cnnmpi.trainer import DATA, USAGE, Failure

os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # else cuBLAS is not deterministic


def load(spec):
    """Sets PyTorch for the run. Returns the device."""
    try:
        import torch
    except ImportError as error:
        raise Failure(DATA, f"{error} (sought by {sys.executable}); `trainers/setup torch` makes an "
                            "environment for it")
    settings = spec["train"]
    device = choose_device(torch)
    os.environ["KERAS_TORCH_DEVICE"] = str(device)  # for Keras, and describe()
    torch.set_num_threads(spec["threads"])
    protocol.require_team(spec["threads"])
    torch.use_deterministic_algorithms(settings["deterministic"])
    torch.backends.cudnn.deterministic = settings["deterministic"]
    torch.backends.cudnn.benchmark = settings["autotune"] and not settings["deterministic"]
    torch.backends.cuda.matmul.allow_tf32 = settings["precision"] == "tf32"
    torch.backends.cudnn.allow_tf32 = settings["precision"] == "tf32"
    return device


def choose_device(torch):
    name = os.environ.get("CNN_TORCH_DEVICE")
    given = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    if not name and given.startswith(("GPU-", "MIG-")) and not torch.cuda.is_available():
        raise Failure(DATA, f"the run is given {given}, but this PyTorch sees no GPU: install one "
                            "with CUDA, or set CNN_TORCH_DEVICE=cpu")  # no CPU for a GPU unasked
    name = name or ("cuda" if torch.cuda.is_available() else "cpu")
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise Failure(DATA, f"CNN_TORCH_DEVICE is {name}, but PyTorch sees no GPU")
    try:
        return torch.device(name)
    except RuntimeError as error:
        raise Failure(USAGE, f"CNN_TORCH_DEVICE is '{name}': {error}")


def compilations(*_):
    """Graphs that torch.compile has made up to now; it is loaded by its first use."""
    dynamo = sys.modules.get("torch._dynamo.utils")
    return dynamo.counters["stats"]["unique_graphs"] if dynamo else 0


def refuse_compilations(before, *_):
    """Nothing may be compiled after set-up: the run would time the compiler."""
    if compilations() != before:
        raise RuntimeError(f"{compilations() - before} graphs were compiled after set-up")


def sync():
    import torch

    if torch.cuda.is_available():
        torch.cuda.synchronize()


def describe(note):
    """Members of `ready` that depend on PyTorch alone. note: ends `versions`."""
    import torch

    device = os.environ["KERAS_TORCH_DEVICE"]
    is_cuda = device.startswith("cuda")
    versions = f"PyTorch {torch.__version__}"
    if is_cuda:
        versions += f", CUDA {torch.version.cuda}, cuDNN {torch.backends.cudnn.version()}"
    return {
        "backend": "torch-cuda" if is_cuda else "torch-cpu",
        "versions": versions + note,
        "device": torch.cuda.get_device_name(device) if is_cuda else protocol.processor(),
        "threads": torch.get_num_threads(),
    }
