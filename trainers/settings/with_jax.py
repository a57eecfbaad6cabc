# SPDX-License-Identifier: Apache-2.0
"""JAX for one run: the device, threads, precision and determinism that its specification asks for.
`load` must be called before anything else imports JAX."""
import os

from cnnmpi import trainer as protocol
from cnnmpi.trainer import DATA, Failure


def load(spec):
    """Sets JAX for the run. XLA's programs are deterministic on CPUs, and on GPUs by a flag."""
    settings = spec["train"]
    protocol.confine(spec["threads"])  # XLA's pool has a thread for each core that it sees
    flags = [os.environ.get("XLA_FLAGS", "")]
    if settings["deterministic"]:
        flags.append("--xla_gpu_deterministic_ops=true")
    if not settings["autotune"] or settings["deterministic"]:
        flags.append("--xla_gpu_autotune_level=0")
    os.environ["XLA_FLAGS"] = " ".join(flags).strip()
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    given = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    is_gpu = given.startswith(("GPU-", "MIG-"))
    os.environ["JAX_PLATFORMS"] = "cuda" if is_gpu else "cpu"
    try:
        import jax
    except ImportError as error:
        raise Failure(DATA, f"{error}; `trainers/setup jax` makes an environment for it")
    jax.monitoring.register_event_duration_secs_listener(note_compilation)
    precision = "tensorfloat32" if settings["precision"] == "tf32" else "float32"
    jax.config.update("jax_default_matmul_precision", precision)
    try:
        jax.devices()
    except RuntimeError as error:
        raise Failure(DATA, f"the run is given {given or 'a CPU'}, but JAX cannot use it: {error}; "
                            "`trainers/setup --cuda jax` makes an environment with CUDA")


COMPILED = []  # seconds of each compilation by XLA


def note_compilation(event, seconds, **_):
    if event.endswith("backend_compile_duration"):
        COMPILED.append(seconds)


def compilations(*_):
    """Programs that were compiled up to now."""
    if not COMPILED:
        raise RuntimeError("this JAX does not report what it compiles")
    return len(COMPILED)


def refuse_compilations(before, *_):
    """Nothing may be compiled after set-up: the run would time the compiler."""
    if compilations() != before:
        raise RuntimeError(f"{compilations() - before} programs were compiled after set-up")


def threads():
    """Threads that share a matrix product, measured: the pool is XLA's own."""
    import jax

    if jax.devices()[0].platform != "cpu":
        return len(os.sched_getaffinity(0))  # there is no pool of CPU threads to measure
    x = jax.random.uniform(jax.random.key(0), (1024, 1024))
    product = jax.jit(lambda x: x @ x)
    return protocol.measure_threads(lambda: product(x).block_until_ready())


def sync():
    import jax

    jax.block_until_ready(jax.live_arrays())


def describe(note):
    """Members of `ready` that depend on JAX alone. note: ends `versions`."""
    import jax
    import jaxlib

    device = jax.devices()[0]
    is_cpu = device.platform == "cpu"
    return {
        "backend": "jax-cpu" if is_cpu else "jax-cuda",
        "versions": f"JAX {jax.__version__}, jaxlib {jaxlib.__version__}{note}",
        "device": protocol.processor() if is_cpu else device.device_kind,
        "threads": threads(),
    }
