"""What `make demo` trains: a classifier of 1,797 handwritten digits, beside scikit-learn's own stochastic descent.

Both see the same scaled rows, ten passes, and are scored on the same quarter of the rows, which neither saw. Writes the
record and a picture into demo/.
"""

from __future__ import annotations

import sys
import time
import warnings
from pathlib import Path

from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

import downslope
from downslope.estimators import DescentClassifier
from downslope.training import ConstantColumns

OUT = Path("demo")
EPOCHS = 10


def classifiers():
    """By name: what is fitted to the same rows."""
    yield "scikit-learn's SGDClassifier", SGDClassifier(loss="log_loss", max_iter=EPOCHS, tol=None, random_state=0)
    same = {"batch_size": 32, "epochs": EPOCHS, "random_state": 0}
    yield "softmax by momentum", DescentClassifier(method="momentum", learning_rate=0.05, l2=1e-3, **same)
    yield (
        "a network of 64 by adam",
        DescentClassifier(hidden_layer_sizes=(64,), method="adam", learning_rate=0.003, **same),
    )


def main():
    """Fit, score, explain, write."""
    OUT.mkdir(exist_ok=True)
    warnings.simplefilter("ignore", ConstantColumns)  # pixels at the rim are always white
    digits, labels = load_digits(return_X_y=True)
    parts = train_test_split(digits, labels, random_state=0, stratify=labels)
    scaler = StandardScaler().fit(parts[0])
    train, test, train_labels, test_labels = scaler.transform(parts[0]), scaler.transform(parts[1]), *parts[2:]
    print(f"{len(train):,} digits to learn from, {len(test)} to be tested on, {EPOCHS} passes:")
    for name, classifier in classifiers():
        began = time.perf_counter()
        classifier.fit(train, train_labels)
        seconds = time.perf_counter() - began
        print(f"    {name:30} {100 * classifier.score(test, test_labels):5.1f} % right, {seconds:.1f} s")
        if name == "softmax by momentum":
            run = classifier.run_
    print(f"\nsoftmax by momentum: {run.message}")
    print(*(f"    {sentence}" for sentence in run.explain(suggest=False).sentences), sep="\n")
    run.save(OUT / "digits.parquet")
    run.plot().savefig(OUT / "digits.png")
    again = downslope.load(OUT / "digits.parquet")
    print(f"\nThe record is in {OUT}/digits.parquet, with the model: it predicts {again.model.predict(test[:5])}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
