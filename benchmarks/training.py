"""One epoch of logistic regression on 1,000,000 x 100 float32: million rows a second, and the loss that each reaches.

All start from zeros and make the same steps, at a constant rate, over the same rows in the same order, at batches of
256, 1,024 and 4,096; the loss is that of all rows, after the epoch. `downslope.fit` is timed as a user waits for it,
and by what it tells of its epoch (without checks, the sample for curvatures, and the loss at the end); also where it
shuffles, as it does by default, and streamed from a .npy file. Peers: PyTorch by hand and by autograd, NumPy by hand
on columns that were turned before, scikit-learn's partial_fit and Vowpal Wabbit, whose steps are of one row, so that
they make many more of them. Vowpal Wabbit learns a tenth of the rows, as made for it before, out of a cache.

    python benchmarks/training.py [--rows 1000000] [--rounds 3] [--peers numpy,torch,sklearn,vw]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import warnings
from pathlib import Path

import numpy as np
from timing import interleaved, print_machine

import downslope

N_FEATURES, RATE = 100, 0.1
CONSTANT = 11650396  # where Vowpal Wabbit keeps its bias
BATCH_SIZES = (256, 1024, 4096)


def data(n_rows):
    """Rows, and classes that they decide up to chance."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n_rows, N_FEATURES), dtype=np.float32)
    weights = rng.standard_normal(N_FEATURES).astype(np.float32) / 5
    return X, (rng.random(n_rows) < 1 / (1 + np.exp(-X @ weights))).astype(np.float32)


def loss(X, y, w, b):
    """The average over all rows."""
    z = X @ np.asarray(w, np.float32) + np.float32(b)
    return float(np.mean(np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z))) - y * z))


class Ours:
    """`downslope.fit`; keeps its run."""

    def __init__(self, given, batch_size, **options):
        self.given, self.options = given, {"batch_size": batch_size, "epochs": 1, "learning_rate": RATE, **options}
        self.pace = []

    def __call__(self):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.run = downslope.fit("logistic", self.given, **self.options)
        self.pace.append(self.run.epochs[-1].rows_per_second)
        self.weights = self.run.x["weights"], self.run.x["bias"]


class NumpyByHand:
    def __init__(self, columns, y, batch_size):
        self.columns, self.y, self.batch_size = columns, y, batch_size

    def __call__(self):
        w, b = np.zeros(N_FEATURES, np.float32), np.float32(0)
        for first in range(0, len(self.y), self.batch_size):
            x, y = self.columns[:, first : first + self.batch_size], self.y[first : first + self.batch_size]
            slope = (1 / (1 + np.exp(-(w @ x + b))) - y) * np.float32(RATE / len(y))
            w, b = w - x @ slope, b - slope.sum()
        self.weights = w, b


class TorchByHand:
    def __init__(self, X, y, batch_size):
        import torch

        self.torch, self.batch_size = torch, batch_size
        self.X, self.y = torch.from_numpy(X), torch.from_numpy(y)

    def __call__(self):
        torch = self.torch
        w, b = torch.zeros(N_FEATURES), torch.zeros(())
        with torch.no_grad():
            for first in range(0, len(self.y), self.batch_size):
                x, y = self.X[first : first + self.batch_size], self.y[first : first + self.batch_size]
                slope = (torch.sigmoid(x @ w + b) - y).mul_(RATE / len(y))
                w -= x.T @ slope
                b -= slope.sum()
        self.weights = w.numpy(), b.numpy()


class TorchAutograd(TorchByHand):
    def __call__(self):
        torch = self.torch
        w, b = torch.zeros(N_FEATURES, requires_grad=True), torch.zeros((), requires_grad=True)
        optimizer = torch.optim.SGD([w, b], lr=RATE)
        for first in range(0, len(self.y), self.batch_size):
            x, y = self.X[first : first + self.batch_size], self.y[first : first + self.batch_size]
            optimizer.zero_grad()
            torch.nn.functional.binary_cross_entropy_with_logits(x @ w + b, y).backward()
            optimizer.step()
        self.weights = w.detach().numpy(), b.detach().numpy()


class ScikitLearn:
    def __init__(self, X, y, batch_size):
        self.X, self.y, self.batch_size = X, y, batch_size

    def __call__(self):
        from sklearn.linear_model import SGDClassifier

        # Its steps are of one row; a rate smaller by the batch size walks as far in an epoch.
        made = SGDClassifier(
            loss="log_loss", alpha=0, learning_rate="constant", eta0=RATE / self.batch_size, shuffle=False
        )
        for first in range(0, len(self.y), self.batch_size):
            rows = slice(first, first + self.batch_size)
            made.partial_fit(self.X[rows], self.y[rows], classes=[0, 1])
        self.weights = made.coef_[0], made.intercept_[0]


class VowpalWabbit:
    """Steps of one row, as scikit-learn's, over its cache of the first rows."""

    def __init__(self, X, y, batch_size, folder):
        from vowpalwabbit import pyvw

        self.pyvw, self.rate = pyvw, RATE / batch_size
        self.n_rows, self.cache = len(y) // 10, Path(folder) / "rows.cache"
        text = Path(folder) / "rows.vw"
        if not text.exists():
            with open(text, "w") as file:
                for row, label in zip(X[: self.n_rows].tolist(), y.tolist(), strict=False):
                    values = " ".join(f"{i}:{value:.6g}" for i, value in enumerate(row))
                    file.write(f"{2 * label - 1:.0f} | {values}\n")
            self._learn(f"-d {text} --cache_file {self.cache} -k")

    def _learn(self, source):
        learner = self.pyvw.Workspace(f"--quiet --loss_function logistic --sgd -l {self.rate} --power_t 0 {source}")
        learner.run_parser()
        self.weights = [learner.get_weight(i) for i in range(N_FEATURES)], learner.get_weight(CONSTANT)
        learner.finish()

    def __call__(self):
        self._learn(f"--cache_file {self.cache}")


def candidates(X, y, columns, file, batch_size, peers):
    """By name, each to be called for one epoch."""
    made = {
        "downslope.fit, rows in order": Ours((X, y), batch_size, shuffle=False),
        "downslope.fit, shuffled": Ours((X, y), batch_size),
        "downslope.fit, shuffled .npy": Ours(file, batch_size, target=y),
    }
    if "numpy" in peers:
        made["NumPy by hand"] = NumpyByHand(columns, y, batch_size)
    if "torch" in peers:
        made["PyTorch by hand"] = TorchByHand(X, y, batch_size)
        made["PyTorch, autograd"] = TorchAutograd(X, y, batch_size)
    if "vw" in peers:
        made["Vowpal Wabbit, a tenth"] = VowpalWabbit(X, y, batch_size, file.parent)
    if "sklearn" in peers:
        made["scikit-learn partial_fit"] = ScikitLearn(X, y, batch_size)
    return made


def main():
    """Time the epochs, and print rows a second beside the losses."""
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reader.add_argument("--rows", type=int, default=1_000_000)
    reader.add_argument("--rounds", type=int, default=3)
    reader.add_argument("--peers", default="numpy,torch,sklearn,vw")
    asked = reader.parse_args()
    print(__doc__)
    print_machine("jax", "numpy", "torch", "scikit-learn")
    X, y = data(asked.rows)
    columns = np.ascontiguousarray(X.T)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.npy"
        np.save(file, X)
        for batch_size in BATCH_SIZES:
            made = candidates(X, y, columns, file, batch_size, asked.peers.split(","))
            seconds = interleaved(made, rounds=asked.rounds)
            print(f"\nbatches of {batch_size:,}{'':14}{'M rows/s':>12}{'its epoch':>12}{'loss':>12}")
            for name, one in made.items():
                pace = getattr(one, "n_rows", asked.rows) / statistics.median(seconds[name]) / 1e6
                own = f"{statistics.median(one.pace[1:]) / 1e6:12.2f}" if isinstance(one, Ours) else f"{'':12}"
                print(f"{name:30}{pace:12.2f}{own}{loss(X, y, *one.weights):12.6f}", flush=True)


if __name__ == "__main__":
    main()
