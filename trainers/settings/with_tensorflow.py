# SPDX-License-Identifier: Apache-2.0
"""TensorFlow for one run: the device, threads, precision and determinism that its specification
asks for. `load` must be called before anything else imports TensorFlow."""
import os

from cnnmpi import trainer as protocol
from cnnmpi.trainer import DATA, Failure


def load(spec, xla=False):
    """Sets TensorFlow for the run. xla: all is compiled by XLA, whose programs are deterministic on
    CPUs, and on GPUs by a flag; TensorFlow's own switch refuses the gradient of maximum pooling there."""
    settings = spec["train"]
    protocol.confine(spec["threads"])
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    timed = settings["autotune"] and not settings["deterministic"]
    os.environ["TF_CUDNN_USE_AUTOTUNE"] = "1" if timed else "0"
    if settings["deterministic"]:
        flags = os.environ.get("XLA_FLAGS", "")
        os.environ["XLA_FLAGS"] = f"{flags} --xla_gpu_deterministic_ops=true".strip()
    try:
        import tensorflow as tf
    except ImportError as error:
        raise Failure(DATA, f"{error}; `trainers/setup tensorflow` makes an environment for it")
    tf.config.threading.set_intra_op_parallelism_threads(spec["threads"])
    tf.config.threading.set_inter_op_parallelism_threads(1)  # the network's operations form a chain
    tf.config.experimental.enable_tensor_float_32_execution(settings["precision"] == "tf32")
    tf.random.set_seed(spec["seed"])
    if settings["deterministic"] and not xla:
        tf.config.experimental.enable_op_determinism()
    choose_device(tf)


def choose_device(tf):
    given = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    gpus = tf.config.list_physical_devices("GPU")
    if given.startswith(("GPU-", "MIG-")) and not gpus:
        raise Failure(DATA, f"the run is given {given}, but this TensorFlow sees no GPU: "
                            "`trainers/setup --cuda tensorflow` makes an environment that does")
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)


def threads():
    """Threads that share a matrix product, measured: the pool is TensorFlow's own."""
    import tensorflow as tf

    with tf.device("CPU:0"):  # the run's threads, also where a GPU computes
        x = tf.random.stateless_uniform((1024, 1024), seed=(0, 0))
        return protocol.measure_threads(lambda: tf.linalg.matmul(x, x).numpy())


TRACES = []  # of Keras's steps, by name


def note_traces(model, name):
    step = getattr(model, name)

    def noted(*arguments):
        TRACES.append(name)  # Python runs a step only to trace it
        return step(*arguments)

    setattr(model, name, noted)


def compilations(model, judge):
    """Traces of the steps of Keras's models from here on: those that fit and evaluate run."""
    note_traces(model, "train_step")
    note_traces(judge, "test_step")
    return len(TRACES)


def refuse_compilations(before, *_):
    """Nothing may be traced after set-up: the run would time the compiler."""
    if len(TRACES) != before:
        raise RuntimeError(f"{len(TRACES) - before} programs were traced after set-up")


def sync():
    import tensorflow as tf

    tf.test.experimental.sync_devices()


def describe(note):
    """Members of `ready` that depend on TensorFlow alone. note: ends `versions`."""
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    build = tf.sysconfig.get_build_info()
    versions = f"TensorFlow {tf.__version__}"
    if gpus:
        versions += f", CUDA {build.get('cuda_version')}, cuDNN {build.get('cudnn_version')}"
    name = tf.config.experimental.get_device_details(gpus[0]).get("device_name") if gpus else None
    return {
        "backend": "tf-cuda" if gpus else "tf-cpu",
        "versions": f"{versions}{note}",
        "device": name or protocol.processor(),
        "threads": threads(),
    }
