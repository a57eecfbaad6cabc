# SPDX-License-Identifier: Apache-2.0
"""Times training steps in PyTorch, on demand: the counterpart of cnnbench-step (same arguments,
same protocol on standard input and output). PATH is `contiguous`, `channels_last` or `compiled`
(channels_last under torch.compile). A step does what ours does: it gathers the batch's images as
bytes in a shuffled order, scales them, goes forward and backward, and updates by plain SGD. Images
lie in memory as the format wants them, so that nothing is turned around."""
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

BATCHES = 16


class Rows(nn.Module):
    """Batch normalisation over height: rows become the channels."""

    def __init__(self, height):
        super().__init__()
        self.norm = nn.BatchNorm2d(height, eps=1e-3, momentum=0.01)

    def forward(self, x):
        return self.norm(x.transpose(1, 2)).transpose(1, 2)


def conv(inputs, filters):
    return [nn.Conv2d(inputs, filters, 5, padding=2), nn.ReLU()]


def network(name, h, w, c, classes):
    pool = nn.MaxPool2d(2, ceil_mode=True)
    half, quarter = ((h + 1) // 2, (w + 1) // 2), ((h + 3) // 4, (w + 3) // 4)
    if name == "arch1":
        layers = conv(c, 16) + [pool] + conv(16, 32) + [pool, nn.Flatten()]
        features = 32
    elif name == "arch2":
        rows = (h, w, c) == (28, 28, 1)
        norms = [Rows(n) if rows else nn.BatchNorm2d(k, eps=1e-3, momentum=0.01)
                 for n, k in ((h, 64), (half[0], 16))]
        layers = conv(c, 128) + conv(128, 64) + [norms[0], pool]
        layers += conv(64, 32) + conv(32, 16) + [norms[1], pool, nn.Flatten()]
        features = 16
    else:
        sys.exit(f"torch_step.py: no network '{name}'")
    return nn.Sequential(*layers, nn.Linear(quarter[0] * quarter[1] * features, classes))


def optimizer_of(model):
    """SGD in one call for all parameters, where this PyTorch has it on a CPU."""
    try:
        return torch.optim.SGD(model.parameters(), lr=1e-6, fused=True)
    except (TypeError, RuntimeError):
        return torch.optim.SGD(model.parameters(), lr=1e-6)


class Data:
    """Random images as bytes, in the order of dimensions that the format wants."""

    def __init__(self, shape, classes, batch, channels_last):
        h, w, c = shape
        count = BATCHES * batch
        self.batch = batch
        self.channels_last = channels_last
        dims = (count, h, w, c) if channels_last else (count, c, h, w)
        self.images = torch.randint(256, dims, dtype=torch.uint8)
        self.labels = torch.randint(classes, (count,))
        self.order = torch.randperm(count)

    def gather(self, i):
        first = i % BATCHES * self.batch
        chosen = self.order[first:first + self.batch]
        x = self.images[chosen].float().mul_(1 / 255)
        return x.permute(0, 3, 1, 2) if self.channels_last else x, self.labels[chosen]


def main():
    name, shape, classes, path, threads = sys.argv[1:6]
    batch = int(sys.argv[6]) if len(sys.argv) > 6 else 32
    h, w, c = map(int, shape.split("x"))
    torch.set_num_threads(int(threads))
    torch.manual_seed(1)
    channels_last = path != "contiguous"
    layout = torch.channels_last if channels_last else torch.contiguous_format
    model = network(name, h, w, c, int(classes)).to(memory_format=layout)
    optimizer = optimizer_of(model)
    data = Data((h, w, c), int(classes), batch, channels_last)
    forward = torch.compile(model) if path == "compiled" else model
    print(f"PyTorch {torch.__version__}", flush=True)
    for line in sys.stdin:
        steps = int(line)
        start = time.perf_counter()
        for i in range(steps):
            x, y = data.gather(i)
            loss = F.cross_entropy(forward(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"{(time.perf_counter() - start) / steps:.9f}", flush=True)


if __name__ == "__main__":
    main()
