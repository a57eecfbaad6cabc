# SPDX-License-Identifier: Apache-2.0
"""A training script as many are: one network on Fashion-MNIST in PyTorch. pytorch_contender.py is
the same script as a contender."""
import gzip
import sys

import numpy as np
import torch
from torch import nn

FOLDER = sys.argv[1] if len(sys.argv) > 1 else "/usr/share/datasets/fashion-mnist"
EPOCHS, BATCH, RATE = 2, 32, 0.01


def read(part):
    with gzip.open(f"{FOLDER}/{part}-images-idx3-ubyte.gz") as file:
        images = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 1, 28, 28)
    with gzip.open(f"{FOLDER}/{part}-labels-idx1-ubyte.gz") as file:
        labels = np.frombuffer(file.read(), np.uint8, offset=8)
    return torch.tensor(images), torch.tensor(labels, dtype=torch.int64)


def build():
    return nn.Sequential(
        nn.Conv2d(1, 16, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(32 * 7 * 7, 10))


def evaluate(model, images, labels, loss):
    model.eval()
    total, errors = 0.0, 0
    with torch.no_grad():
        for x, y in zip(images.split(BATCH), labels.split(BATCH)):
            logits = model(x / 255)
            total += loss(logits, y).item() * len(y)
            errors += (logits.argmax(1) != y).sum().item()
    return total / len(labels), errors / len(labels)


def main():
    torch.manual_seed(1)
    images, labels = read("train")
    test_images, test_labels = read("t10k")
    model, loss = build(), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
    for epoch in range(EPOCHS):
        model.train()
        total = 0.0
        for chosen in torch.randperm(len(labels)).split(BATCH):
            optimizer.zero_grad()
            value = loss(model(images[chosen] / 255), labels[chosen])
            value.backward()
            optimizer.step()
            total += value.item() * len(chosen)
        test_loss, error = evaluate(model, test_images, test_labels, loss)
        print(f"{epoch}: {total / len(labels):.4f} {test_loss:.4f} {100 * error:.2f} %")


if __name__ == "__main__":
    main()
