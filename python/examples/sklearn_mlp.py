# SPDX-License-Identifier: Apache-2.0
"""scikit-learn's MLPClassifier as a contender: networks of dense layers with ReLU between them."""
import numpy as np
from cnnmpi import contender

try:
    import sklearn
    from sklearn.metrics import log_loss
    from sklearn.neural_network import MLPClassifier
except ImportError as error:
    contender.lacks(error)


def hidden_layers(layers):
    """Units of the hidden layers: dense, ReLU, dense, ReLU, ..., dense."""
    kinds = [item if isinstance(item, str) else next(iter(item)) for item in layers]
    if kinds != (["dense", "relu"] * len(kinds))[: len(kinds)] or kinds[-1] != "dense":
        contender.refuse(f"MLPClassifier cannot have the layers {', '.join(kinds)}")
    return [item["dense"]["units"] for item in layers[:-1] if not isinstance(item, str)]


def set_weights(model, run):
    """In place: the optimiser holds the same arrays."""
    shapes = [s for w, b in zip(model.coefs_, model.intercepts_) for s in (w.T.shape, b.shape)]
    values = run.initial_weights(shapes)
    for w, b, new_w, new_b in zip(model.coefs_, model.intercepts_, values[::2], values[1::2]):
        w[...] = new_w.T
        b[...] = new_b


def flat(images, scale):
    """Channels, rows, columns, as weights of dense layers are numbered."""
    return images.transpose(0, 3, 1, 2).reshape(len(images), -1).astype(np.float32) * np.float32(scale)


def evaluate(model, x, y, run, classes):
    total, errors = 0.0, 0
    for chosen in run.test_batches():
        shares = model.predict_proba(x[chosen]).astype(np.float64)
        total += log_loss(y[chosen], shares, labels=classes, normalize=False)
        errors += int((shares.argmax(1) != y[chosen]).sum())
    return total / len(y), errors / len(y)


def train(run):
    # Its velocities are private: they could not be reset after the warm-up.
    run.require(optimizer="sgd", momentum=0)
    hidden = hidden_layers(run.layers)
    data, size = run.data(), run.settings["batch_size"]
    if data.classes < 3:
        contender.refuse("with two classes MLPClassifier has one output")
    classes = np.arange(data.classes)
    x, test_x = flat(data.train_images, data.scale), flat(data.test_images, data.scale)
    y, test_y = data.train_labels, data.test_labels
    model = MLPClassifier(hidden, activation="relu", solver="sgd", alpha=0, batch_size=size,
                          learning_rate_init=run.settings["learning_rate"], shuffle=False,
                          momentum=0, random_state=run.seed)
    model.partial_fit(x[:size], y[:size], classes)  # makes the arrays; a step that nobody times
    set_weights(model, run)
    run.ready(parameters=sum(a.size for a in model.coefs_ + model.intercepts_),
              backend="sklearn", versions=f"scikit-learn {sklearn.__version__}")
    for epoch in run.epochs():
        with epoch.training():
            total = 0.0
            for chosen in epoch.batches():
                model.partial_fit(x[chosen], y[chosen])
                total += model.loss_ * len(chosen)
        with epoch.evaluation():
            test_loss, error = evaluate(model, test_x, test_y, run, classes)
        epoch.report(total / len(y), test_loss, error)
    run.done(a for w, b in zip(model.coefs_, model.intercepts_) for a in (w.T, b))


if __name__ == "__main__":
    contender.main(train)
