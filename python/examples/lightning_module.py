# SPDX-License-Identifier: Apache-2.0
"""A Lightning module as a contender: Lightning's Trainer has the loop, a callback the clock. It knows
the network arch1 on images of 28x28x1, on CPUs."""
import logging
import warnings

from cnnmpi import contender

try:
    import pytorch_lightning as lightning
    import torch
    from torch import nn
    from torch.nn import functional as F
except ImportError as error:
    contender.lacks(error)


class Module(lightning.LightningModule):
    def __init__(self, rate):
        super().__init__()
        self.rate, self.total = rate, 0.0
        self.layers = nn.Sequential(
            nn.Conv2d(1, 16, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(32 * 7 * 7, 10))

    def training_step(self, batch, _):
        x, y = batch
        loss = F.cross_entropy(self.layers(x), y)
        self.total += loss.item() * len(y)
        return loss

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=self.rate)


class Clock(lightning.Callback):
    """Takes the time of an epoch's batches and reports the epoch."""

    def __init__(self, run, evaluate):
        self.run, self.evaluate, self.epochs = run, evaluate, run.epochs()

    def on_train_epoch_start(self, trainer, module):
        module.total = 0.0
        self.epoch = next(self.epochs)
        self.timer = self.epoch.training()
        self.timer.__enter__()

    def on_train_epoch_end(self, trainer, module):
        self.timer.__exit__(None, None, None)
        with self.epoch.evaluation():
            test_loss, error = self.evaluate(module)
        self.epoch.report(module.total / len(self.run.data().train_labels), test_loss, error)
        trainer.should_stop = self.run.diverged


def fit(module, loader, epochs, **more):
    lightning.Trainer(accelerator="cpu", max_epochs=epochs, min_epochs=1, logger=False,
                      enable_checkpointing=False, enable_progress_bar=False,
                      enable_model_summary=False, **more).fit(module, loader)


def train(run):
    if run.network != "arch1":
        contender.refuse(f"this trainer has the network arch1, not {run.network}")
    run.require(optimizer="sgd", momentum=0)
    warnings.filterwarnings("ignore")
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    torch.set_num_threads(run.threads)
    torch.use_deterministic_algorithms(run.settings["deterministic"])
    data = run.data()
    if data.train_images.shape[1:] != (28, 28, 1) or data.classes != 10:
        contender.refuse("this trainer takes images of 28x28x1 and 10 classes")
    x, test_x = (torch.from_numpy(images.transpose(0, 3, 1, 2).astype("f4") * data.scale).float()
                 for images in (data.train_images, data.test_images))
    y, test_y = torch.from_numpy(data.train_labels), torch.from_numpy(data.test_labels)

    def evaluate(module):
        total, errors = 0.0, 0
        with torch.no_grad():
            for chosen in run.test_batches():
                logits = module.layers(test_x[chosen])
                total += F.cross_entropy(logits, test_y[chosen], reduction="sum").item()
                errors += int((logits.argmax(1) != test_y[chosen]).sum())
        return total / len(test_y), errors / len(test_y)

    module, order = Module(run.settings["learning_rate"]), contender.BatchSampler(run)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_sampler=order)
    fit(module, loader, 1, limit_train_batches=1)  # what is made once; nobody times it
    parameters = list(module.parameters())
    with torch.no_grad():
        for p, values in zip(parameters, run.initial_weights(p.shape for p in parameters)):
            p.copy_(torch.from_numpy(values))
    order.epoch = 0
    run.ready(parameters=sum(p.numel() for p in parameters), backend="lightning",
              versions=f"Lightning {lightning.__version__}, PyTorch {torch.__version__}",
              threads=torch.get_num_threads())
    fit(module, loader, run.settings["epochs"], callbacks=[Clock(run, evaluate)])
    run.done(p.detach().numpy() for p in module.parameters())


if __name__ == "__main__":
    contender.main(train)
