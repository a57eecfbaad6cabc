"""Times training steps in PyTorch, on demand: the counterpart of cnnbench-step (same arguments,
same protocol on standard input and output). PATH is `contiguous` or `channels_last`. Eager mode,
plain SGD, as a user of PyTorch would write it; the batches lie ready in memory."""
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


def main():
    name, shape, classes, path, threads = sys.argv[1:6]
    batch = int(sys.argv[6]) if len(sys.argv) > 6 else 32
    h, w, c = map(int, shape.split("x"))
    classes = int(classes)
    torch.set_num_threads(int(threads))
    torch.manual_seed(1)
    layout = torch.channels_last if path == "channels_last" else torch.contiguous_format
    model = network(name, h, w, c, classes).to(memory_format=layout)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-6)
    images = [torch.rand(batch, c, h, w).to(memory_format=layout) for _ in range(BATCHES)]
    labels = [torch.randint(classes, (batch,)) for _ in range(BATCHES)]
    print(f"PyTorch {torch.__version__}", flush=True)
    for line in sys.stdin:
        steps = int(line)
        start = time.perf_counter()
        for i in range(steps):
            loss = F.cross_entropy(model(images[i % BATCHES]), labels[i % BATCHES])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"{(time.perf_counter() - start) / steps:.9f}", flush=True)


main()
