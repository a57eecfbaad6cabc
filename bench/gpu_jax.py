# SPDX-License-Identifier: Apache-2.0
"""Times training steps in JAX on a GPU, on demand (contender.py); arguments as gpu_torch.py's, PATH
is `scan`: an epoch is one jitted lax.scan over its batches. Steps are rounded up to whole epochs,
and the answer is of one step."""
import sys
import time

import jax
import jax.numpy as jnp
from jax import lax


def conv(x, w, b):
    y = lax.conv_general_dilated(x, w, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
    return jax.nn.relu(y + b)


def pool(x):
    return lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "SAME")


def normalise(x, gamma, beta, rows):
    axes, shape = ((0, 2, 3), (1, -1, 1, 1)) if rows else ((0, 1, 2), (1, 1, 1, -1))
    mean, variance = jnp.mean(x, axes, keepdims=True), jnp.var(x, axes, keepdims=True)
    scaled = (x - mean) * lax.rsqrt(variance + 1e-3)
    return scaled * gamma.reshape(shape) + beta.reshape(shape)


def draw(key, *dims):
    return 0.05 * jax.random.normal(key, dims)


def parameters(name, h, w, c, classes, key):
    keys = iter(jax.random.split(key, 8))
    filters = [16, 32] if name == "arch1" else [128, 64, 32, 16]
    half, quarter = ((h + 1) // 2, (w + 1) // 2), ((h + 3) // 4, (w + 3) // 4)
    layers = []
    for i, o in zip([c] + filters[:-1], filters):
        layers.append((draw(next(keys), 5, 5, i, o), jnp.zeros(o)))
    rows = (h, w, c) == (28, 28, 1)
    counts = [] if name == "arch1" else [h, half[0]] if rows else [64, 16]
    norms = [(jnp.ones(k), jnp.zeros(k)) for k in counts]
    features = quarter[0] * quarter[1] * filters[-1]
    return {"conv": layers, "norm": norms,
            "dense": (draw(next(keys), features, classes), jnp.zeros(classes))}


def logits(p, x, rows):
    convs, norms = p["conv"], p["norm"]
    a_pool = len(convs) // 2  # layers before each of the two pools
    for half in range(2):
        for w, b in convs[half * a_pool:(half + 1) * a_pool]:
            x = conv(x, w, b)
        if norms:
            x = normalise(x, *norms[half], rows)
        x = pool(x)
    w, b = p["dense"]
    return x.reshape(x.shape[0], -1) @ w + b


def main():
    name, shape, classes, _, batch, batches, precision = sys.argv[1:8]
    h, w, c = map(int, shape.split("x"))
    classes, batch, batches = int(classes), int(batch), int(batches)
    jax.config.update("jax_default_matmul_precision", "tensorfloat32" if precision == "tf32"
                      else "float32")
    key = jax.random.PRNGKey(1)
    images = jax.random.randint(key, (batch * batches, h, w, c), 0, 256).astype(jnp.uint8)
    labels = jax.random.randint(key, (batch * batches,), 0, classes)
    rows = (h, w, c) == (28, 28, 1)

    def loss(p, x, y):
        z = jax.nn.log_softmax(logits(p, x, rows))
        return -jnp.mean(jnp.take_along_axis(z, y[:, None], 1))

    def step(p, chosen):
        x = images[chosen].astype(jnp.float32) / 255
        value, gradients = jax.value_and_grad(loss)(p, x, labels[chosen])
        return jax.tree_util.tree_map(lambda a, g: a - 1e-6 * g, p, gradients), value

    @jax.jit
    def epoch(p, key):
        order = jax.random.permutation(key, batch * batches).reshape(batches, batch)
        return lax.scan(step, p, order)

    p = parameters(name, h, w, c, classes, key)
    jax.block_until_ready(epoch(p, key))
    print(f"JAX {jax.__version__}, {jax.devices()[0].device_kind}", flush=True)
    for line in sys.stdin:
        epochs = -(-int(line) // batches)
        start = time.perf_counter()
        for _ in range(epochs):
            p, values = epoch(p, key)
        jax.block_until_ready((p, values))
        print(f"{(time.perf_counter() - start) / (epochs * batches):.9f}", flush=True)


if __name__ == "__main__":
    main()
