"""Runs that their bounds or their rate stopped: which one it was is told, and nothing is foretold beyond it."""

import numpy as np
import pytest

import downslope
from downslope.analysis.behaviour import Behaviour
from downslope.learning_rates import Cosine, Polyak


def explained(fun, start, suggest=False, **options):
    return downslope.minimize(fun, start, **options).explain(suggest=suggest)


BOX = {"learning_rate": 1.2, "bounds": (-1.57, 1.57)}
"""A step multiplies the distance by 1 - 2.4: from 0.01 it has passed 1.57 after 16 steps."""


@pytest.mark.parametrize("n_steps", [18, 20, 100])
def test_what_jumps_from_bound_to_bound_bounces_and_does_not_overflow(n_steps):
    found = explained("x^2", 0.01, max_steps=n_steps, **BOX)
    assert set(np.abs(found.run.path[-2:])) == {1.57}
    assert found.behaviour is Behaviour.BOUNCING
    assert "x = -1.57" in found.sentences[0]
    assert "Both are at bounds of x" in found.sentences[0]
    assert "overflow" not in str(found)
    assert found.steps_to_overflow is None


def test_what_grows_within_bounds_does_not_overflow_either():
    found = explained("x^2", 0.01, max_steps=10, **BOX)
    assert found.behaviour is Behaviour.DIVERGING
    assert found.sentences[0].endswith("Its bounds will stop it.")
    assert found.steps_to_overflow is None


def test_what_grows_along_a_variable_without_bounds_does():
    options = {"learning_rate": 1.2, "bounds": [(-np.inf, np.inf), (-1, 1)], "max_steps": 40}
    assert explained("x^2 + 0.1*y^2", [0.01, 1.0], **options).steps_to_overflow > 0


@pytest.mark.parametrize("engine", ["eager", "compiled"])
@pytest.mark.parametrize(("start", "zero"), [(3.9, "0"), (10.0, "0 to rounding")])
def test_a_loss_at_or_below_polyak_s_lowest_is_what_stops_it(start, zero, engine):
    found = explained("x^2", start, suggest=True, learning_rate=Polyak(20.0), max_steps=100, engine=engine)
    assert found.run.status.name == "STALLED"
    loss = min(start**2, 20)
    assert found.sentences[0] == (
        f"Stopped short: the learning rate is {zero}, since the loss, {loss:.4g}, is not above the lowest one that "
        f"Polyak's rate was given, 20; the slope is {2 * loss**0.5:.4g}."
    )
    assert "precision" not in str(found)
    assert found.suggestion.run.converged


def test_a_schedule_that_is_at_0_is_what_stops_a_run_of_which_no_minimum_is_known():
    found = explained("x", 1.0, learning_rate=Cosine(0.1, 10), max_steps=50)
    assert found.sentences[0] == "Stopped short: the learning rate is 0 from step 10 on; the slope is 1."
