# SPDX-License-Identifier: Apache-2.0
"""Times training steps in PyTorch on a GPU, on demand (contender.py):

  gpu_torch.py NETWORK HxWxC CLASSES PATH BATCH BATCHES PRECISION

PATH: eager; compiled (torch.compile, max-autotune); graphs (the step captured as a CUDA graph).
Each takes the better of its two memory formats. A step does what ours does: it gathers the batch
from bytes on the device, in a shuffled order, and updates by plain SGD. The loss is kept on the
device; the clock stops after the device has finished."""
import sys
import time

import torch
import torch.nn.functional as F

from torch_step import network

DEVICE = "cuda"


def set_precision(precision):
    tf32 = precision == "tf32"
    torch.backends.cuda.matmul.allow_tf32 = tf32
    torch.backends.cudnn.allow_tf32 = tf32
    torch.backends.cudnn.benchmark = True


class Trainer:
    def __init__(self, name, shape, classes, path, batch, batches, layout):
        h, w, c = shape
        self.batch, self.batches, self.path = batch, batches, path
        self.channels_last = layout is torch.channels_last
        dims = (batch * batches, h, w, c) if self.channels_last else (batch * batches, c, h, w)
        self.images = torch.randint(256, dims, dtype=torch.uint8, device=DEVICE)
        self.labels = torch.randint(classes, (batch * batches,), device=DEVICE)
        self.order = torch.randperm(batch * batches, device=DEVICE)
        self.model = network(name, h, w, c, classes).to(DEVICE, memory_format=layout)
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=1e-6, fused=True)
        self.total = torch.zeros((), device=DEVICE)
        self.chosen = self.order[:batch].clone()  # what a graph reads
        self.forward = torch.compile(self.model, mode="max-autotune") if path == "compiled" \
            else self.model
        self.graph = None
        if path == "graphs":
            self.capture()

    def step(self, chosen):
        x = self.images[chosen].float().mul_(1 / 255)
        x = x.permute(0, 3, 1, 2) if self.channels_last else x
        loss = F.cross_entropy(self.forward(x), self.labels[chosen])
        self.optimizer.zero_grad(set_to_none=self.path != "graphs")
        loss.backward()
        self.optimizer.step()
        self.total += loss.detach()

    def capture(self):
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                self.step(self.chosen)
        torch.cuda.current_stream().wait_stream(side)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.step(self.chosen)

    def run(self, steps):
        for i in range(steps):
            first = i % self.batches * self.batch
            chosen = self.order[first:first + self.batch]
            if self.graph:
                self.chosen.copy_(chosen)
                self.graph.replay()
            else:
                self.step(chosen)
        torch.cuda.synchronize()

    def seconds(self, steps):
        torch.cuda.synchronize()
        start = time.perf_counter()
        self.run(steps)
        return (time.perf_counter() - start) / steps


def main():
    name, shape, classes, path, batch, batches, precision = sys.argv[1:8]
    set_precision(precision)
    torch.manual_seed(1)
    trainers = []
    for layout in (torch.contiguous_format, torch.channels_last):
        trainers.append(Trainer(name, tuple(map(int, shape.split("x"))), int(classes), path,
                                int(batch), int(batches), layout))
        trainers[-1].run(20)
    best = min(trainers, key=lambda t: min(t.seconds(200) for _ in range(2)))
    print(f"PyTorch {torch.__version__}, cuDNN {torch.backends.cudnn.version()}, "
          f"{torch.cuda.get_device_name()}", flush=True)
    for line in sys.stdin:
        print(f"{best.seconds(int(line)):.9f}", flush=True)


if __name__ == "__main__":
    main()
