# SPDX-License-Identifier: Apache-2.0
"""pytorch_script.py as a contender: what it trains, in which order and from which weights comes from
the run; its times, losses and weights go to it. On CPUs."""
import torch
from cnnmpi import contender
from torch import nn


def build():
    return nn.Sequential(
        nn.Conv2d(1, 16, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(32 * 7 * 7, 10))


def set_weights(model, run):
    parameters = list(model.parameters())
    with torch.no_grad():
        for p, values in zip(parameters, run.initial_weights(p.shape for p in parameters)):
            p.copy_(torch.from_numpy(values))


def step(model, optimizer, loss, x, y):
    optimizer.zero_grad()
    value = loss(model(x), y)
    value.backward()
    optimizer.step()
    return value.item()


def evaluate(model, images, labels, loss, run, scale):
    model.eval()
    total, errors = 0.0, 0
    with torch.no_grad():
        for chosen in run.test_batches():
            logits = model(images[chosen] * scale)
            total += loss(logits, labels[chosen]).item() * len(logits)
            errors += (logits.argmax(1) != labels[chosen]).sum().item()
    return total / len(labels), errors / len(labels)


def train(run):
    if run.network != "arch1":
        contender.refuse(f"this trainer has the network arch1, not {run.network}")
    run.require(optimizer="sgd", momentum=0)
    torch.set_num_threads(run.threads)
    torch.use_deterministic_algorithms(run.settings["deterministic"])
    data = run.data()
    if data.train_images.shape[1:] != (28, 28, 1) or data.classes != 10:
        contender.refuse("this trainer takes images of 28x28x1 and 10 classes")
    images, test_images = (torch.from_numpy(x.transpose(0, 3, 1, 2).astype("f4"))
                           for x in (data.train_images, data.test_images))
    labels, test_labels = torch.from_numpy(data.train_labels), torch.from_numpy(data.test_labels)
    model, loss = build(), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=run.settings["learning_rate"])
    step(model, optimizer, loss, images[: run.settings["batch_size"]] * data.scale,
         labels[: run.settings["batch_size"]])  # a step that nobody times
    set_weights(model, run)
    run.ready(parameters=sum(p.numel() for p in model.parameters()), backend="script",
              versions=f"PyTorch {torch.__version__}", threads=torch.get_num_threads())
    for epoch in run.epochs():
        with epoch.training():
            model.train()
            total = 0.0
            for chosen in map(torch.from_numpy, epoch.batches()):
                total += step(model, optimizer, loss, images[chosen] * data.scale,
                              labels[chosen]) * len(chosen)
        with epoch.evaluation():
            test_loss, error = evaluate(model, test_images, test_labels, loss, run, data.scale)
        epoch.report(total / len(labels), test_loss, error)
    run.done(p.detach().numpy() for p in model.parameters())


if __name__ == "__main__":
    contender.main(train)
