"""A training run is read, saved, replayed, resumed and explained like any other run."""

import numpy as np
import pytest

import downslope
from downslope.errors import InvalidInput
from downslope.training import Linear, Network, UnscaledFeatures
from downslope.training.keeping import Keeper
from downslope.training.scaling import condition_numbers, scaling_warning
from downslope.training.sources import Rows

rng = np.random.default_rng(2)
X = rng.normal(size=(400, 3))
Y = X @ [2.0, -1.0, 0.5] + 3.0 + 0.3 * rng.normal(size=400)
LABELS = np.where(Y > 3, "high", "low")


def flat(run):
    return run.structure.flatten(run.x)


def half_mse(w):
    return ((X @ w[1:] + w[0] - Y) ** 2).mean() / 2


@pytest.fixture(scope="module")
def run():
    return downslope.fit(
        "logistic", (X, LABELS), batch_size=32, epochs=3, learning_rate=0.5, validation=0.25, sharpness=1, seed=7
    )


@pytest.mark.slow
def test_the_record_has_a_row_a_step_and_one_at_the_end(run):
    assert run.n_steps == 3 * 10  # 300 rows remain: 9 batches of 32 and one of 12
    assert len(run.losses) == len(run.path_steps) == 31
    assert run.losses[0] == pytest.approx(np.log(2))
    assert run.losses[-1] == run.loss == pytest.approx(run.objective.value(run.x))
    np.testing.assert_array_equal(run.structure.flatten_rows(run.path)[-1], flat(run))
    assert np.isnan(run.learning_rates[-1])
    assert set(run.rows()[0]) == {"step", "bias", "x1", "x2", "x3", "loss", "gradient_norm", "learning_rate"}


def test_epochs_tell_the_mean_of_their_batches_and_the_sharpness(run):
    sizes = np.array([32] * 9 + [12])
    for k, epoch in enumerate(run.epochs):
        batches = run.losses[10 * k : 10 * k + 10]
        assert epoch.training_loss == pytest.approx((batches * sizes).sum() / 300)
        assert (epoch.epoch, epoch.n_steps) == (k + 1, 10 * (k + 1))
    hessian = run.objective.hessian(run.x)
    assert run.epochs[-1].sharpness == pytest.approx(np.linalg.eigvalsh(hessian)[-1], rel=1e-6)  # Lanczos's tolerance


def test_the_objectives_derivatives_are_those_of_the_loss(run):
    v = np.array([1.0, -2.0, 0.5, 0.1])
    at = flat(run)
    bound = run.objective.bind(run.x)[0]
    ahead, behind = (bound.value(at + h * v) for h in (1e-5, -1e-5))
    assert bound.value_and_gradient(at)[1] @ v == pytest.approx((ahead - behind) / 2e-5, rel=1e-6, abs=1e-9)
    ahead, behind = (bound.value_and_gradient(at + h * v)[1] for h in (1e-5, -1e-5))
    np.testing.assert_allclose(bound.hessian_vector_product(at, v), (ahead - behind) / 2e-5, rtol=1e-6, atol=1e-9)


def test_saving_and_loading_keeps_epochs_and_the_model(run, tmp_path):
    run.save(tmp_path / "run.parquet")
    loaded = downslope.load(tmp_path / "run.parquet")
    np.testing.assert_array_equal(loaded.losses, run.losses)
    np.testing.assert_array_equal(loaded.path["weights"], run.path["weights"])
    assert loaded.epochs == run.epochs
    assert loaded.model.predict(X).tolist() == run.model.predict(X).tolist()
    assert set(run.model.predict(X)) == {"high", "low"}
    assert loaded.replay((X, LABELS)).identical
    assert run.replay().identical
    with pytest.raises(InvalidInput, match="a file holds no rows"):
        loaded.replay()
    assert loaded.explain().sentences[0] == run.explain(suggest=False).sentences[0]


@pytest.mark.slow
@pytest.mark.parametrize("stop_at", [1, 6, 11])
def test_a_resumed_run_ends_with_the_same_bits(stop_at, tmp_path, monkeypatch):
    options = {
        "batch_size": 7,
        "epochs": 4,
        "method": "adam",
        "learning_rate": downslope.learning_rates.Cosine(0.1, n_steps=100),
        "validation": 0.2,
        "average_from": 2,
        "seed": 3,
        "l2": 0.01,
    }
    whole = downslope.fit("linear", (X, Y), **options)
    calls = []

    def interrupted(self):
        calls.append(1)
        if len(calls) == stop_at:
            raise KeyboardInterrupt

    # One chunk a call, so that the run is cut inside an epoch as well.
    monkeypatch.setattr("downslope.training.batches.CHUNK_NUMBERS", 3 * 7 * 16)
    with monkeypatch.context() as patched:
        patched.setattr(Keeper, "keep_in_time", interrupted)
        first = downslope.fit("linear", (X, Y), **options, checkpoint=tmp_path)
    assert (first.status.name, first.n_steps < whole.n_steps) == ("INTERRUPTED", True)
    with pytest.raises(InvalidInput, match="resuming goes on from it"):
        downslope.fit("linear", (X, Y), **options, checkpoint=tmp_path)
    with pytest.raises(InvalidInput, match=r"`l2` must be as in the run that is resumed: 0\.01"):
        downslope.fit("linear", (X, Y), **options | {"l2": 0.5}, checkpoint=tmp_path, resume=True)
    with pytest.raises(InvalidInput, match="they have changed"):
        downslope.fit("linear", (X, Y + 1e-9), **options, checkpoint=tmp_path, resume=True)
    second = downslope.fit("linear", (X, Y), **options, checkpoint=tmp_path, resume=True)
    for name in ("losses", "gradient_norms", "learning_rates", "path_steps"):
        np.testing.assert_array_equal(getattr(second, name), getattr(whole, name))
    np.testing.assert_array_equal(flat(second), flat(whole))
    np.testing.assert_array_equal(second.structure.flatten_rows(second.path), whole.structure.flatten_rows(whole.path))
    assert [epoch[:5] for epoch in second.epochs] == [epoch[:5] for epoch in whole.epochs]


def test_a_run_goes_on_for_more_epochs(tmp_path):
    options = {"batch_size": 50, "learning_rate": 0.1}
    downslope.fit("linear", (X, Y), epochs=2, checkpoint=tmp_path, **options)
    longer = downslope.fit("linear", (X, Y), epochs=5, checkpoint=tmp_path, resume=True, **options)
    whole = downslope.fit("linear", (X, Y), epochs=5, **options)
    np.testing.assert_array_equal(flat(longer), flat(whole))
    assert [epoch.n_steps for epoch in longer.epochs] == [8, 16, 24, 32, 40]


def test_batch_descent_is_explained_as_any_descent_is():
    run = downslope.fit("linear", (X, Y), learning_rate=0.5, gradient_tolerance=1e-8)
    explained = run.explain()
    curvatures = np.linalg.eigvalsh(np.cov(np.column_stack([X, np.ones(400)]).T, bias=True, ddof=0))
    moments = np.column_stack([X, np.ones(400)])
    curvatures = np.linalg.eigvalsh(moments.T @ moments / 400)
    assert explained.behaviour.value == "straight descent"
    np.testing.assert_allclose(explained.curvatures, curvatures, rtol=1e-8)
    assert explained.sentences[-1] == f"The sharpness is {curvatures[-1]:.4g}, below 2 / rate = 4."


@pytest.mark.slow
def test_the_edge_of_stability_is_named_where_it_is():
    """Full-batch descent on a network raises the sharpness to 2 / rate, and hovers there (Cohen et al. 2021)."""
    x = np.linspace(-1, 1, 20)[:, None]
    y = np.sin(6 * x[:, 0])
    run = downslope.fit(
        Network("squared_error", (20, 20), "tanh", seed=1), (x, y), learning_rate=0.4, epochs=4000, sharpness=1000
    )
    sharpness = [epoch.sharpness for epoch in run.epochs if np.isfinite(epoch.sharpness)]
    assert sharpness[-1] == pytest.approx(2 / 0.4, rel=0.15)
    assert "2 / rate = 5: the edge of stability." in run.explain(suggest=False).sentences[-1]


@pytest.mark.slow
def test_a_run_is_drawn(run):
    pytest.importorskip("matplotlib")
    figure = run.plot()
    assert len(figure.axes) >= 2
    loss, validation = next(ax for ax in figure.axes if ax.get_ylabel() == "loss" and ax.lines).lines[-2:]
    np.testing.assert_array_equal(loss.get_ydata(), run.losses)
    ends = [epoch.n_steps for epoch in run.epochs]
    np.testing.assert_allclose(
        validation.get_ydata()[ends], [epoch.validation_loss for epoch in run.epochs], rtol=1e-15
    )
    assert np.isnan(validation.get_ydata()[: ends[0]]).all()


@pytest.mark.slow
def test_the_range_test_agrees_with_the_curvature():
    found = downslope.find_learning_rate("linear", (X, Y), batch_size=40, largest=100.0)
    moments = np.column_stack([X, np.ones(400)])
    sharpness = np.linalg.eigvalsh(moments.T @ moments / 400)[-1]
    assert found.sharpness == pytest.approx(sharpness, rel=1e-6)
    assert found.largest_stable == pytest.approx(2 / sharpness, rel=1e-6)
    assert 0.01 < found.suggestion <= found.largest_stable / 2
    assert found.losses[-1] > 4 * found.losses.min()  # it went on until the loss rose
    run = downslope.fit("linear", (X, Y), batch_size=40, learning_rate=found.suggestion, epochs=5)
    lowest = half_mse(np.linalg.lstsq(np.roll(moments, 1, axis=1), Y, rcond=None)[0])
    assert run.loss - lowest < 0.01 * (run.losses[0] - lowest)


def test_the_suggestion_of_a_range_test_comes_lower_than_smaller_rates():
    found = downslope.find_learning_rate("linear", (X, Y))
    ends = [downslope.fit("linear", (X, Y), learning_rate=k * found.suggestion, epochs=30).loss for k in (0.1, 0.4, 1)]
    assert ends[0] > ends[1] > ends[2]
    assert "each tried for 200 steps" in found.reason


def test_the_range_test_says_when_it_has_no_answer():
    found = downslope.find_learning_rate("linear", (X, np.random.default_rng(9).normal(size=400)), batch_size=40)
    assert found.suggestion is None
    assert "never fell clearly" in found.reason
    with pytest.raises(InvalidInput, match="`largest` must be above `smallest`"):
        downslope.find_learning_rate("linear", (X, Y), smallest=1.0, largest=0.1)


def test_condition_numbers_are_those_of_the_second_moments():
    columns = np.stack([X[:, 0], 50 * X[:, 1] + 20])
    table = np.column_stack([columns.T, np.ones(400)])
    before, after = condition_numbers(columns)
    assert before == pytest.approx(np.linalg.cond(table.T @ table), rel=1e-9)
    correlation = np.corrcoef(columns)[0, 1]
    assert after == pytest.approx((1 + abs(correlation)) / (1 - abs(correlation)), rel=1e-9)
    with pytest.warns(UnscaledFeatures):
        downslope.fit("linear", (X * [1, 1e3, 1], Y), epochs=1, learning_rate=1e-7)


@pytest.mark.parametrize("size", [1e-9, 1e-2, 1.0, 10.0, 25.0, 30.0, 40.0, 1e3, 1e9])
def test_the_first_look_at_the_moments_hides_no_warning(size):
    columns = (X * [1, size, 1]).T
    before, after = condition_numbers(columns)
    warned = scaling_warning(Linear(), ("a", "b", "c"), Rows(columns, Y, np.ones(400)), 0.0)
    assert (warned is not None) == (before >= 1e3 and before >= 100 * after)


def test_batch_descent_goes_on_as_well(tmp_path):
    options = {"learning_rate": None, "method": "gradient_descent", "l2": 0.1, "gradient_tolerance": None}
    short = downslope.fit("logistic", (X, LABELS), epochs=20, checkpoint=tmp_path, **options)
    longer = downslope.fit("logistic", (X, LABELS), epochs=45, checkpoint=tmp_path, resume=True, **options)
    whole = downslope.fit("logistic", (X, LABELS), epochs=45, **options)
    assert (short.n_steps, longer.n_steps) == (20, whole.n_steps)
    np.testing.assert_array_equal(flat(longer), flat(whole))  # the search's own memory is kept, too
    np.testing.assert_array_equal(longer.learning_rates, whole.learning_rates)


def test_a_folder_that_cannot_be_written_to_leaves_the_run_whole(tmp_path, monkeypatch):
    from downslope.errors import InvalidFile
    from downslope.training.checkpoint import CheckpointFolder

    def full(self, step, arrays, facts):
        raise InvalidFile(tmp_path, "cannot be written: No space left on device")

    monkeypatch.setattr(CheckpointFolder, "write", full)
    with pytest.warns(UserWarning, match="no checkpoint at step 16: .*No space left on device"):
        run = downslope.fit("linear", (X, Y), batch_size=50, epochs=2, learning_rate=0.1, checkpoint=tmp_path)
    peer = downslope.fit("linear", (X, Y), batch_size=50, epochs=2, learning_rate=0.1)
    np.testing.assert_array_equal(flat(run), flat(peer))
    assert "No space left" in run.notes[-1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("linear", "linear regression, of 3 features: 4 parameters"),
        ("logistic", "logistic regression, of 3 features: 4 parameters"),
        (Network(hidden_layer_sizes=(50, 20)), "network 50-20, squared error, of 3 features: 1,241 parameters"),
    ],
)
def test_a_fitted_model_is_shown_in_a_line_and_not_by_its_weights(model, words):
    y = Y > 3 if model == "logistic" else Y
    fitted = downslope.fit(model, (X, y), batch_size=100, epochs=1, learning_rate=0.01).model
    assert repr(fitted) == f"<Fitted {words}>"  # 50 * 4 + 20 * 51 + 21
