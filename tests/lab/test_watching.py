"""A training that is followed tells its own record; at its end also why, and the loss around its weights."""

import numpy as np
import pytest

import downslope
from downslope.errors import InvalidInput
from downslope.lab import watching
from downslope.lab.laboratory import Laboratory
from downslope.lab.watching import Watched


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 3))
    return X, X @ [1.0, -2.0, 0.5] + 0.1 * rng.normal(size=400)


OPTIONS = {"batch_size": 20, "epochs": 3, "validation": 0.25, "learning_rate": 0.05}


def test_while_it_goes_on_the_page_is_told_the_record_so_far(rows, monkeypatch):
    monkeypatch.setattr(watching, "SECONDS_BETWEEN", 0.0)
    watched, seen = Watched("a test"), []

    def follow(training):
        watched.follow(training)
        seen.append(watched.told())

    run = downslope.fit("linear", rows, **OPTIONS, progress=follow)
    assert [told["step"] for told in seen] == sorted(told["step"] for told in seen)
    middle = next(told for told in seen if len(told["epochs"]["step"]) == 1)
    n = middle["step"]
    assert 0 < n < run.n_steps == middle["n_steps"] == 45  # 300 rows in batches of 20, three times
    assert middle["batches"]["loss"].tolist() == run.losses[:n].tolist()  # few enough that each has a place
    assert middle["epochs"]["validation"].tolist() == [run.epochs[0].validation_loss]
    assert middle["epoch"] == min(n // 15 + 1, 3)  # the one under way
    assert middle["rows_per_second"] == run.epochs[0].rows_per_second
    assert (middle["rate"], middle["gradient"]) == (0.05, run.gradient_norms[n - 1])
    assert "sentences" not in middle


def test_many_batches_share_places_with_their_mean_and_span(rows):
    run = downslope.fit("linear", rows, **(OPTIONS | {"batch_size": 1, "epochs": 4}))
    batches = Watched.ended(run).told()["batches"]
    assert len(batches["step"]) == watching.MOST_PLACES
    edges = [*batches["step"].astype(int), run.n_steps]
    for k in (0, 17, 399):
        part = run.losses[edges[k] : edges[k + 1]]
        assert [batches[name][k] for name in ("low", "high")] == [part.min(), part.max()]
        assert batches["loss"][k] == pytest.approx(part.mean(), rel=1e-12)  # another order of adding


def test_the_end_tells_why_and_the_loss_around_the_weights(rows):
    run = downslope.fit("linear", rows, **OPTIONS)
    told = Laboratory(training=Watched.ended(run, "a test")).call("training", {})
    assert told["sentences"] == list(run.explain().sentences)
    drawn = told["slice"]
    i, j = (int(np.argmin(np.abs(drawn[axis]))) for axis in ("x", "y"))
    assert drawn["path"][-1] == pytest.approx([0, 0], abs=1e-12)
    assert drawn["z"][j, i] == pytest.approx(run.loss, rel=1e-9)  # its middle is where the weights are


def test_one_weight_has_no_plane_and_a_loaded_run_no_rows(rows, tmp_path):
    X, y = rows
    run = downslope.fit("linear", (X, y), **OPTIONS)
    run.save(tmp_path / "run.parquet")
    told = Watched.ended(downslope.load(tmp_path / "run.parquet")).told()
    assert told["slice"] is None
    assert "rows" in told["no_slice"]
    assert told["epochs"]["loss"].tolist() == [epoch.training_loss for epoch in run.epochs]


def test_elsewhere_there_is_no_training_to_follow():
    laboratory = Laboratory()
    assert not laboratory.call("hello", {})["trains"]
    with pytest.raises(InvalidInput, match="only where the laboratory was opened for one"):
        laboratory.call("training", {})
