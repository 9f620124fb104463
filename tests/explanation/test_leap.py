"""A run that left its basin in one long step does not read as a calm descent."""

import numpy as np
import pytest
import scipy.optimize

import downslope
from downslope.analysis.behaviour import Behaviour
from downslope.learning_rates import Constant, GeometricDecay

CURVATURE, FAR = 1e-8, 5e7
DENT = "1 - exp(-x^2) + 0.5e-8*(x - 5e7)^2"
"""A dent of width 1 in a bowl whose bottom is far away."""


def test_a_step_beyond_its_basin_is_told_with_the_minimum_that_it_passed():
    run = downslope.minimize(DENT, -1.0, learning_rate=0.3 / CURVATURE, gradient_tolerance=1e-6)
    assert run.converged
    assert run.x == pytest.approx(FAR, rel=1e-4)
    found = run.explain(suggest=False)
    passed = scipy.optimize.brentq(lambda x: 2 * x * np.exp(-(x**2)) + CURVATURE * (x - FAR), 0.0, 0.6)
    length = 0.3 / CURVATURE * (2 * np.exp(-1) + CURVATURE * (FAR + 1))
    assert found.behaviour is Behaviour.STRAIGHT
    assert found.sentences[0].endswith(
        f" But its first step leapt {length:.4g} away: the minimum downhill of where it began, x = {passed:.4g}, "
        f"was {passed + 1:.4g} off."
    )


def test_a_later_step_is_told_by_its_number():
    # Ten short steps go down into the dent, and the next ones out of it.
    def rate(k):
        return np.where(np.asarray(k) < 10, 0.01, 0.3 / CURVATURE)

    found = downslope.minimize(DENT, -1.0, learning_rate=rate, gradient_tolerance=1e-6).explain(suggest=False)
    assert " But step 11 leapt " in found.sentences[0]


@pytest.mark.parametrize("rate", [Constant(0.1), Constant(0.6), Constant(0.9), GeometricDecay(0.9, 0.99)])
def test_no_step_into_the_minimum_below_is_a_leap(rate):
    for fun, start in (("x^2", 5.0), ("x^2 + 0.3*y^2", [3.0, -2.0])):
        assert "leapt" not in str(downslope.minimize(fun, start, learning_rate=rate).explain(suggest=False))
