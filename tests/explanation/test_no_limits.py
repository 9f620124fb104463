"""Where no rate comes to rest, none is said to be stable or best."""

import jax.numpy as jnp
import numpy as np
import pytest

import downslope
from downslope.analysis.behaviour import Behaviour
from downslope.analysis.multipliers import stability
from downslope.methods import GradientDescent
from tests.explanation.rules import Frictionless


@pytest.mark.parametrize("rate", [0.01, 0.1, 1.0])
def test_a_ball_without_friction_circles_for_ever_at_every_rate(rate):
    # At rate 1 it goes through 5, -5, -5, 5: the loss stands still, though the ball does not.
    found = downslope.minimize("x^2", 5.0, method=Frictionless(), learning_rate=rate, max_steps=300).explain(
        suggest=False
    )
    assert np.abs(found.stability.multipliers) == pytest.approx(1, abs=1e-12)
    assert found.behaviour is Behaviour.BOUNCING
    assert found.sentences[0].startswith("Bouncing: it circles, neither closer nor farther;")
    assert found.sentences[-1] == (
        "Frictionless comes to rest there at no rate: up to a learning rate of 2 its multipliers stay on the unit "
        "circle, and it circles for ever."
    )


def test_beyond_4_over_c_that_ball_diverges():
    run = downslope.minimize("x^2", 5.0, method=Frictionless(), learning_rate=2.5, max_steps=100)
    found = run.explain(suggest=False)
    assert found.behaviour is Behaviour.DIVERGING
    assert "stable" not in str(found)


def test_a_ball_without_friction_has_no_stable_and_no_best_rate():
    found = stability(Frictionless(), np.array([0.5, 2.0]), 0.1)
    assert (found.largest_stable, found.best_rate, found.best_factor) == (0.0, None, None)
    assert found.circles_up_to == pytest.approx(4 / 2, rel=1e-6)


@pytest.mark.parametrize("condition", [1.0, 1e3, 6e7])
def test_an_ill_conditioned_valley_is_not_taken_for_a_circle(condition):
    # (k - 1) / (k + 1) is nearly 1, up to curvatures that count as flat.
    found = stability(GradientDescent(), np.array([1 / condition, 1.0]), 0.1)
    assert found.circles_up_to is None
    assert found.best_rate == pytest.approx(2 / (1 + 1 / condition), rel=1e-6)


def test_where_some_curvature_is_negative_no_rate_is_best():
    # Along the last variable the loss falls; among 400 the ends of the spectrum alone are known.
    signs = np.append(np.linspace(1.0, 14.0, 399), -3.0)

    def loss(x):
        return 0.5 * jnp.sum(signs * x**2) + 0.25 * x[-1] ** 4

    start = np.append(np.ones(399), 1e-3)
    found = downslope.minimize(loss, start, learning_rate=0.01, max_steps=60).explain(suggest=False)
    assert found.stability.curvatures[0] < 0
    text = str(found)
    assert "1 negative, along which every rate leads away" in text
    assert "Gradient descent is stable along the positive curvatures up to a learning rate of 0.1429." in text  # 2 / 14
    assert "best" not in text
