# SPDX-License-Identifier: Apache-2.0
"""A loop of Hugging Face's Trainer as a contender: a skeleton, with a small convolutional network in
the place of a model from a hub. It knows the network arch1 on images of 28x28x1, on CPUs."""
import os
import tempfile

from cnnmpi import contender

os.environ["HF_HUB_OFFLINE"] = os.environ["TRANSFORMERS_OFFLINE"] = "1"
try:
    import torch
    import transformers
    from torch import nn
    from torch.nn import functional as F
except ImportError as error:
    contender.lacks(error)


class Model(nn.Module):
    """What Trainer expects: called with a batch's columns it returns a loss."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 16, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(32 * 7 * 7, 10))
        self.total = 0.0

    def forward(self, pixels, labels):
        loss = F.cross_entropy(self.layers(pixels), labels)
        self.total += loss.item() * len(labels)
        return {"loss": loss}


class Images(torch.utils.data.Dataset):
    def __init__(self, pixels, labels):
        self.pixels, self.labels = pixels, labels

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return {"pixels": self.pixels[i], "labels": self.labels[i]}


class Trainer(transformers.Trainer):
    loader = None

    def get_train_dataloader(self):
        return self.loader


class Clock(transformers.TrainerCallback):
    def __init__(self, run, model, evaluate):
        self.run, self.model, self.evaluate, self.epochs = run, model, evaluate, run.epochs()

    def on_epoch_begin(self, args, state, control, **_):
        self.model.total = 0.0
        self.epoch = next(self.epochs)
        self.timer = self.epoch.training()
        self.timer.__enter__()

    def on_epoch_end(self, args, state, control, **_):
        self.timer.__exit__(None, None, None)
        with self.epoch.evaluation():
            test_loss, error = self.evaluate(self.model)
        self.epoch.report(self.model.total / len(self.run.data().train_labels), test_loss, error)
        control.should_training_stop |= self.run.diverged


def fit(run, model, dataset, order, folder, epochs, callbacks=()):
    arguments = transformers.TrainingArguments(
        folder, num_train_epochs=epochs, per_device_train_batch_size=run.settings["batch_size"],
        max_grad_norm=0, no_cuda=True, report_to=[], save_strategy="no", logging_strategy="no",
        disable_tqdm=True, dataloader_pin_memory=False, seed=run.seed)
    optimizer = torch.optim.SGD(model.parameters(), lr=run.settings["learning_rate"])
    constant = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1.0)
    trainer = Trainer(model, arguments, train_dataset=dataset, optimizers=(optimizer, constant),
                      callbacks=list(callbacks))
    trainer.loader = torch.utils.data.DataLoader(dataset, batch_sampler=order)
    trainer.remove_callback(transformers.PrinterCallback)
    trainer.train()


def train(run):
    if run.network != "arch1":
        contender.refuse(f"this trainer has the network arch1, not {run.network}")
    run.require(optimizer="sgd", momentum=0)
    torch.set_num_threads(run.threads)
    torch.use_deterministic_algorithms(run.settings["deterministic"])
    data = run.data()
    if data.train_images.shape[1:] != (28, 28, 1) or data.classes != 10:
        contender.refuse("this trainer takes images of 28x28x1 and 10 classes")
    x, test_x = (torch.from_numpy(images.transpose(0, 3, 1, 2).astype("f4") * data.scale).float()
                 for images in (data.train_images, data.test_images))
    y, test_y = torch.from_numpy(data.train_labels), torch.from_numpy(data.test_labels)

    def evaluate(model):
        total, errors = 0.0, 0
        with torch.no_grad():
            for chosen in run.test_batches():
                logits = model.layers(test_x[chosen])
                total += F.cross_entropy(logits, test_y[chosen], reduction="sum").item()
                errors += int((logits.argmax(1) != test_y[chosen]).sum())
        return total / len(test_y), errors / len(test_y)

    model, order, size = Model(), contender.BatchSampler(run), run.settings["batch_size"]
    with tempfile.TemporaryDirectory() as folder:
        batch = [range(min(size, len(y)))]
        fit(run, model, Images(x, y), batch, folder, 1)  # a step that nobody times
        parameters = list(model.parameters())
        with torch.no_grad():
            for p, values in zip(parameters, run.initial_weights(p.shape for p in parameters)):
                p.copy_(torch.from_numpy(values))
        run.ready(parameters=sum(p.numel() for p in parameters), backend="hf-trainer",
                  versions=f"Transformers {transformers.__version__}, PyTorch {torch.__version__}",
                  threads=torch.get_num_threads())
        fit(run, model, Images(x, y), order, folder, run.settings["epochs"],
            [Clock(run, model, evaluate)])
    run.done(p.detach().numpy() for p in model.parameters())


if __name__ == "__main__":
    contender.main(train)
