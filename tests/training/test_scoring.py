"""The score of a training is scikit-learn's number for the same predictions, and comes back from a file."""

import jax
import numpy as np
import pytest
from sklearn.metrics import accuracy_score, r2_score

import downslope
from downslope.errors import InvalidInput
from downslope.training import Linear, Network, scoring
from downslope.training.sources import Rows

rng = np.random.default_rng(3)
X = rng.normal(size=(400, 3))
Y = X @ [2.0, -1.0, 0.5] + 3.0 + 2.0 * rng.normal(size=400)
WEIGHTS = rng.uniform(0, 2, size=400)
OPTIONS = {"batch_size": 50, "epochs": 2, "learning_rate": 0.1}


@pytest.mark.sampled
@pytest.mark.parametrize("pieces", [2**21, 64])
@pytest.mark.parametrize("model", ["linear", Linear("huber"), Network("squared_error", hidden_layer_sizes=(4,))])
def test_of_numbers_it_is_r2(model, pieces, monkeypatch):
    monkeypatch.setattr(scoring, "_NUMBERS", pieces)
    run = downslope.fit(model, (X, Y, WEIGHTS), **OPTIONS, validation=(X[:50], Y[:50] + 1))
    assert set(run.score) == {"R2", "validation R2"}
    assert run.score["R2"] == pytest.approx(r2_score(Y, run.model.predict(X), sample_weight=WEIGHTS), rel=1e-12)
    assert run.score["validation R2"] == pytest.approx(r2_score(Y[:50] + 1, run.model.predict(X[:50])), rel=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("model", ["logistic", "softmax"])
def test_of_classes_it_is_the_accuracy(model):
    words = np.digitize(Y, [3] if model == "logistic" else [1, 4]).astype(str)
    run = downslope.fit(model, (X, words, WEIGHTS), **OPTIONS)
    assert list(run.score) == ["accuracy"]
    expected = accuracy_score(words, run.model.predict(X), sample_weight=WEIGHTS)
    assert run.score["accuracy"] == pytest.approx(expected, rel=1e-12)
    assert 0.5 < expected < 1


def test_it_is_kept_in_a_file_and_told_as_json(tmp_path):
    run = downslope.fit("linear", (X, Y), **OPTIONS, validation=0.2)
    run.save(tmp_path / "run.parquet")
    assert downslope.load(tmp_path / "run.parquet").score == run.score == run.to_dict()["score"]


def test_of_targets_that_are_all_the_same_r2_is_no_number(tmp_path):
    run = downslope.fit("linear", (X, np.ones(400)), **OPTIONS)
    assert np.isnan(run.score["R2"])
    assert run.to_dict()["score"] == {"R2": "nan"}
    run.save(tmp_path / "run.parquet")
    assert np.isnan(downslope.load(tmp_path / "run.parquet").score["R2"])


def test_a_loss_of_ones_own_has_none():
    def loss(w, batch):
        return (batch.X @ w - batch.y) ** 2

    assert downslope.fit(loss, (X, Y), start=np.zeros(3), **OPTIONS).score == {}


def test_a_model_scores_other_rows():
    words = np.where(Y > 3, "high", "low")
    model = downslope.fit("logistic", (X[:300], words[:300]), **OPTIONS).model
    expected = accuracy_score(words[300:], model.predict(X[300:]), sample_weight=WEIGHTS[300:])
    assert model.score(X[300:], words[300:], WEIGHTS[300:]) == pytest.approx(expected, rel=1e-12)
    model = downslope.fit("linear", (X[:300], Y[:300]), **OPTIONS).model
    assert model.score(X[300:], Y[300:]) == pytest.approx(r2_score(Y[300:], model.predict(X[300:])), rel=1e-12)
    with pytest.raises(InvalidInput, match=r"`y` must have shape \(100,\), a number a row of X; got 'shape \(400,\)'"):
        model.score(X[300:], Y)
    with pytest.raises(InvalidInput, match="`y` must be numbers, as in training"):
        model.score(X[300:], words[300:])


def test_truth_values_are_the_words_that_they_are_printed_as():
    model = downslope.fit("logistic", (X, Y > 3), **OPTIONS).model
    assert model.score(X, Y > 3) == pytest.approx(accuracy_score((Y > 3).astype(str), model.predict(X)), rel=1e-12)


@pytest.mark.parametrize(
    "model", [Linear("squared_error"), Network("squared_error", hidden_layer_sizes=(4,), activation="relu")]
)
def test_weights_that_lead_beyond_the_numbers_are_scored_without_a_warning(model):
    params = jax.tree.map(lambda leaf: np.full_like(leaf, 1e300), model.start(3, np.dtype(float)))
    rows = Rows(1e10 * np.ones((3, 5)), np.arange(5.0), np.ones(5))
    assert not np.isfinite(scoring.score(model, params, rows))
