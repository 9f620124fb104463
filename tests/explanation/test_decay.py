"""A rate that decays by a factor reaches S = rate / (1 - factor) in all, and a run that needs more is told so."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

import downslope
from downslope import Status
from downslope.analysis.behaviour import Behaviour
from downslope.learning_rates import GeometricDecay

pytestmark = pytest.mark.slow  # each compiles what it explains

SEEDS = json.loads((Path(__file__).parent.parent / "reference" / "seeds.json").read_text())
FACTOR = 0.99
LENGTHS = {1e-3: 1_000, 1e-4: 10_000, 1e-5: 100_000}
"""The note's rates, and the steps within which they stop short of 0.001."""


def test_the_note_names_these_runs():
    note = SEEDS["decay"]["note"]
    for word in (
        "S = rate/(1-factor)",
        "factor 0.99",
        "1e-3, 1e-4 and 1e-5",
        "target 0.001",
        "1,000, 10,000 and 100,000",
    ):
        assert word in note


def dart(method, rate):
    return downslope.minimize(
        "dart",
        0.0,
        method=method,
        learning_rate=GeometricDecay(rate, FACTOR),
        max_steps=LENGTHS[rate],
        target_loss=1e-3,
        gradient_tolerance=None,
    )


@pytest.mark.parametrize("rate", LENGTHS)
@pytest.mark.parametrize("method", ["gradient_descent", "sign_descent"])
def test_the_dart_stops_short_and_is_told_why(method, rate):
    if method == "sign_descent" and rate == 1e-3:
        # S = 0.1; the nearest minimum is 0.685 away, and so S decides here, too.
        assert math.radians(SEEDS["dart"]["minima_deg"][0]) > 0.1
    run = dart(method, rate)
    assert run.status is not Status.TARGET_REACHED
    assert run.loss > 1e-3
    explanation = run.explain(suggest=False)
    total = rate / (1 - FACTOR)
    assert explanation.behaviour is Behaviour.STOPPED_SHORT, f"{run}\n{explanation}"
    assert f"S = {total:.4g} = {rate:.4g} / (1 - {FACTOR:g})" in explanation.sentences[0]
    # What is not summed any more is below 0.99^100,000.
    assert explanation.to_dict()["sum_of_rates"] == pytest.approx(total, rel=1e-9)


@pytest.mark.parametrize("rate", LENGTHS)
def test_sign_descent_has_moved_s_at_most(rate):
    run = dart("sign_descent", rate)
    # The sum of the first n rates is S (1 - factor^n); rounding of n additions.
    expected = rate * (1 - FACTOR**run.n_steps) / (1 - FACTOR)
    assert run.x == pytest.approx(expected, rel=1e-9)
    assert run.x <= rate / (1 - FACTOR) * (1 + 1e-9)
    words = run.explain(suggest=False).sentences[0]
    away = math.radians(SEEDS["dart"]["minima_deg"][0])
    assert f"sign descent moves no coordinate farther than that; the minimum was {away:.4g} away" in words


@pytest.mark.parametrize(("rate", "factor", "c"), [(0.01, 0.9, 2.0), (0.05, 0.99, 0.3), (0.3, 0.5, 2.0)])
def test_gradient_descent_on_a_parabola_shrinks_by_the_product(rate, factor, c):
    run = downslope.minimize(f"{c / 2}*x^2", 3.0, learning_rate=GeometricDecay(rate, factor), max_steps=150)
    product = np.cumprod(1 - rate * factor ** np.arange(run.n_steps) * c)
    # A rounding of each of 150 factors, and of the powers in them.
    np.testing.assert_allclose(run.path[1:], 3.0 * product, rtol=1e-12)
    # -z - z^2 <= log(1 - z) <= -z for 0 <= z < 0.68, over the rates used so far.
    used = rate * (1 - factor**run.n_steps) / (1 - factor)
    squares = (rate * c) ** 2 / (1 - factor**2)
    assert math.exp(-c * used - squares) <= product[-1] <= math.exp(-c * used)
    total = rate / (1 - factor)
    explanation = run.explain(suggest=False)
    assert explanation.behaviour is Behaviour.STOPPED_SHORT, str(explanation)
    assert f"exp(-{c:.4g} S) = {math.exp(-c * total):.4g}" in explanation.sentences[0]


def test_the_slower_decay_that_is_suggested_reaches_the_target():
    explanation = dart("gradient_descent", 1e-4).explain()
    assert explanation.suggestion is not None
    assert explanation.suggestion.run.status is Status.TARGET_REACHED


def test_a_sum_that_is_enough_is_not_blamed():
    # S = 10 on a curvature of 2: exp(-20) of 5 is 1e-8.
    run = downslope.minimize("x^2", 5.0, learning_rate=GeometricDecay(0.1, 0.99), max_steps=100)
    assert run.status is Status.MAX_STEPS
    explanation = run.explain(suggest=False)
    assert explanation.behaviour is not Behaviour.STOPPED_SHORT, str(explanation)


def test_sign_descent_that_has_enough_is_not_blamed():
    # S = 10 for a distance of 5.
    run = downslope.minimize("x^2", 5.0, method="sign_descent", learning_rate=GeometricDecay(0.1, 0.99), max_steps=30)
    explanation = run.explain(suggest=False)
    assert explanation.behaviour is not Behaviour.STOPPED_SHORT, str(explanation)


@pytest.mark.parametrize("engine", ["eager", "compiled"])
def test_the_engines_stop_short_alike(engine):
    run = downslope.minimize("x^2", 5.0, learning_rate=GeometricDecay(0.01, 0.9), max_steps=100, engine=engine)
    explanation = run.explain(suggest=False)
    assert explanation.behaviour is Behaviour.STOPPED_SHORT
    assert explanation.to_dict()["sum_of_rates"] == pytest.approx(0.1, rel=1e-9)
