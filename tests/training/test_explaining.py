"""What is said of a training run on small batches is true of it."""

import dataclasses

import numpy as np
import pytest

import downslope
from downslope.learning_rates import BarzilaiBorwein, Cosine, Polyak
from downslope.training import Linear, Network, UnscaledFeatures

rng = np.random.default_rng(21)
X = rng.normal(size=(600, 3))
Y = X @ [2.0, -1.0, 0.5] + 3 + rng.normal(size=600)


def said(run, **options):
    return " ".join(run.explain(**options).sentences)


@pytest.mark.slow
def test_a_run_that_has_settled_is_at_its_noise_floor():
    run = downslope.fit("linear", (X, Y), batch_size=4, epochs=8, learning_rate=0.05)
    found = run.explain(suggest=False)
    assert found.behaviour.value == "noise floor"
    assert "what moves the weights now is mostly noise" in said(run, suggest=False)
    lowest = downslope.fit("linear", (X, Y), learning_rate=0.5, gradient_tolerance=1e-9).loss
    assert lowest < run.loss < 1.2 * lowest


@pytest.mark.slow
def test_a_run_that_still_falls_is_crawling_and_a_larger_rate_is_suggested_as_it_ran():
    run = downslope.fit("linear", (X, Y), batch_size=100, epochs=4, learning_rate=0.01)
    found = run.explain()
    assert found.behaviour.value == "crawling"
    assert found.sentences[-1].startswith("Try learning rate 0.03: tried, it got to a loss of ")
    again = downslope.fit("linear", (X, Y), batch_size=100, epochs=4, learning_rate=0.03)
    assert float(found.sentences[-1].split("a loss of ")[1].split()[0]) == pytest.approx(again.loss, rel=1e-3)


@pytest.mark.slow
def test_a_validation_loss_that_rises_is_told():
    few = rng.normal(size=(40, 30))
    y = rng.normal(size=40)  # nothing that generalises
    run = downslope.fit(
        Network(hidden_layer_sizes=(40,)),
        (few, y),
        validation=0.5,
        batch_size=5,
        epochs=60,
        method="adam",
        learning_rate=0.01,
    )
    losses = [epoch.validation_loss for epoch in run.epochs]
    assert losses[-1] > 1.05 * min(losses)
    assert "later epochs fitted what does not generalise" in said(run, suggest=False)
    best = run.epochs[int(np.argmin(losses))].epoch
    assert f"lowest after epoch {best}:" in said(run, suggest=False)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "limit"),
    [("gradient_descent", 2 / 0.05), ("momentum", 2 * 1.9 / 0.05), ("nesterov", 2 * 1.9 / 2.8 / 0.05)],
)
def test_the_sharpness_stands_beside_what_the_method_allows(method, limit):
    run = downslope.fit("linear", (X, Y), batch_size=50, epochs=2, learning_rate=0.05, method=method)
    table = np.column_stack([np.ones(600), X])
    sharpness = np.linalg.eigvalsh(table.T @ table / 600)[-1]
    words = f"The sharpness is {sharpness:.4g}, below"
    assert words in said(run, suggest=False)
    assert f"{limit:.4g}" in said(run, suggest=False)


def test_the_edge_of_stability_is_told_on_small_batches_too():
    table = np.column_stack([np.ones(600), X])
    sharpness = np.linalg.eigvalsh(table.T @ table / 600)[-1]
    run = downslope.fit("linear", (X, Y), batch_size=300, epochs=20, learning_rate=1.9 / sharpness, loss_limit=None)
    assert "the edge of stability" in said(run, suggest=False)


def test_a_rate_that_is_too_large_is_answered_with_one_that_works():
    run = downslope.fit(Linear(), (X, Y), batch_size=20, epochs=3, learning_rate=2.0)
    found = run.explain()
    assert found.behaviour.value == "diverging"
    assert "Try learning rate" in found.sentences[-1]
    assert found.to_dict()["behaviour"] == "diverging"


def with_means(run, *means):
    """The run with other mean losses of its epochs."""
    epochs = [run.epochs[-1]._replace(epoch=k + 1, training_loss=mean) for k, mean in enumerate(means)]
    return dataclasses.replace(run, epochs=tuple(epochs), loss=means[-1])


@pytest.fixture(scope="module")
def half_way():
    """The gradient of all rows is as large as that of a batch."""
    return downslope.fit("linear", (X, Y), batch_size=100, epochs=4, learning_rate=0.01)


@pytest.fixture(scope="module")
def settled():
    """The gradient of all rows is far smaller than that of a batch."""
    return downslope.fit("linear", (X, Y), batch_size=4, epochs=8, learning_rate=0.05)


FALLING = (1.1, 0.0873, 0.0872, 0.0871, 0.0870, 0.0869)


@pytest.mark.parametrize(
    ("which", "means", "behaviour", "words"),
    [
        ("half_way", (1.1, 0.0902, 0.0885, 0.0869), "crawling", "still falls: by 1.8 % in the last epoch"),
        # By 0.1 % of what is left, each time: that is no noise where the gradient is none,
        ("half_way", (1.1, 0.0871, 0.0870, 0.0869), "crawling", "still falls, slowly: by 0.12 % in the last epoch"),
        ("settled", (1.1, 0.0871, 0.0870, 0.0869), "noise floor", "no longer falls"),
        # nor where it goes on for five epochs.
        ("settled", FALLING, "crawling", "still falls, slowly: by 0.12 % in the last epoch"),
        ("settled", (*FALLING[:3], 0.0873, *FALLING[4:]), "noise floor", "no longer falls"),
        ("half_way", (1.1, 0.0869, 0.0885, 0.0869, 0.0869), "noise floor", "no longer falls"),
    ],
)
def test_a_loss_that_falls_in_epoch_after_epoch_still_falls(which, means, behaviour, words, request):
    found = with_means(request.getfixturevalue(which), *means).explain(suggest=False)
    assert found.behaviour.value == behaviour
    assert words in found.sentences[0]


def test_what_is_said_of_the_gradients_agrees_with_the_headline(half_way, settled):
    level = (1.1, 0.0869, 0.0885, 0.0869, 0.0869)
    assert "the training loss can still be lowered" in said(half_way, suggest=False)
    assert "the steps are too long, which a smaller rate mends" in said(with_means(half_way, *level), suggest=False)
    assert "what moves the weights now is mostly noise" in said(with_means(settled, *level), suggest=False)
    assert "and still the loss falls on average" in said(with_means(settled, *FALLING), suggest=False)


@pytest.mark.slow
def test_a_separable_fit_that_still_creeps_down_is_at_no_noise_floor():
    # The loss has no minimum: the weights grow without end.
    run = downslope.fit("logistic", (X, X[:, 0] > 0), batch_size=32, epochs=60, learning_rate=0.5)
    means = [epoch.training_loss for epoch in run.epochs]
    assert np.all(np.diff(means[-6:]) < 0)
    assert run.explain(suggest=False).behaviour.value == "crawling"


@pytest.mark.parametrize(
    ("losses", "rises"),
    [
        ((1.0, 0.5, 0.53, 0.5, 0.53), False),  # by 6 %, as from any epoch to the next
        ((1.0, 0.5, 0.51, 0.52, 0.53, 0.54), True),
        ((1.0, 0.5, 0.505, 0.51, 0.515), False),  # by 3 %
    ],
)
def test_a_validation_loss_that_wiggles_has_not_risen(half_way, losses, rises):
    epochs = [half_way.epochs[0]._replace(epoch=k + 1, validation_loss=loss) for k, loss in enumerate(losses)]
    run = dataclasses.replace(half_way, epochs=tuple(epochs))
    assert ("does not generalise" in said(run, suggest=False)) == rises


@pytest.mark.slow
@pytest.mark.parametrize("rate", [None, BarzilaiBorwein(), Polyak(0.4)])
def test_no_rate_is_compared_with_that_a_search_chose(rate):
    run = downslope.fit("linear", (X, Y), learning_rate=rate, epochs=50)
    text = said(run, suggest=False)
    assert "The sharpness is " in text
    assert "2 / rate" not in text


def test_the_rate_of_a_schedule_is_compared():
    run = downslope.fit("linear", (X, Y), learning_rate=Cosine(0.3, 1000), epochs=50)
    assert f"2 / rate = {2 / run.learning_rates[-2]:.4g}." in said(run, suggest=False)


def test_a_rate_that_lowers_what_is_left_by_a_fifth_is_suggested():
    table = np.column_stack([np.ones(600), X])
    y = table @ [20.0, 2.0, -1.0, 0.5]
    run = downslope.fit("linear", (X, y), batch_size=100, epochs=5, learning_rate=0.1)
    other = downslope.fit("linear", (X, y), batch_size=100, epochs=5, learning_rate=0.3)
    assert run.loss - other.loss < 0.01 * (run.losses[0] - run.loss)  # little of the whole fall
    assert other.loss < 0.8 * run.loss
    assert "Try learning rate 0.3" in said(run)


def test_rates_that_got_away_as_well_are_no_suggestion():
    with pytest.warns(UnscaledFeatures):
        run = downslope.fit("linear", (X * [1, 1000, 1], Y), batch_size=50, epochs=3, learning_rate=0.05)
    assert run.status.name == "DIVERGED"
    start = (Y**2).mean() / 2  # all weights are zero there
    assert run.explain().sentences[-1] == (
        "Of the learning rates 0.15, 0.01667, 0.005, tried, none went clearly below the loss at the start, "
        f"{start:.4g}."
    )
    assert said(run).count("condition number") == 1
