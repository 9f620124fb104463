"""Published NumPy test problems, untouched: how each is differentiated, and that its gradient is right.

Moré and Wild (2009), 54 problems of 2 to 12 variables, and Cartis and Roberts (2019), 60 problems of 25 to
125 variables, as written for optimagic. They fill np.zeros in loops, slice, reshape and index by arrays.
The loss is the sum of squared residuals.

    compiled              112
    uncompiled, exact       2    they branch on a value
    finite differences      0
"""

import jax
import numpy as np
import pytest
from optimagic.benchmarking.cartis_roberts import CARTIS_ROBERTS_PROBLEMS
from optimagic.benchmarking.more_wild import MORE_WILD_PROBLEMS

from downslope import GradientSource, Objective
from downslope.objectives.numpy_tracing import run_on_jax, where_it_left

PROBLEMS = {**MORE_WILD_PROBLEMS, **CARTIS_ROBERTS_PROBLEMS}
UNCOMPILED = {
    "helical_valley_good_start": "more_wild.py:68: `if x[0] > 0:`",
    "helical_valley_bad_start": "more_wild.py:68: `if x[0] > 0:`",
}

# XLA takes 5 to 50 seconds where loops over single numbers become thousands of operations. That these compile is
# tested by tracing them; others of the same families are compiled.
LONG = {
    *("hydcar20", "luksan15", "luksan16", "luksan17", "drcavty2", "drcavty3", "integreq", "spmsqrt", "yatpsq_1"),
    *("mancino_12_bad_start", "flosp2th", "flosp2hl", "flosp2hh", "flosp2tl", "chemrctb", "bratu_2d_t"),
}


def loss_and_start(name):
    residuals = PROBLEMS[name]["fun"]

    def loss(x):
        r = residuals(x)
        return r @ r

    return loss, np.array(PROBLEMS[name]["start_x"], dtype=float)


def assert_right(name, value, gradient):
    loss, x = loss_and_start(name)
    # Rounding of some thousand operations, of which XLA may take sums in another order.
    assert float(value) == pytest.approx(float(loss(x)), rel=1e-12)
    h = 6e-6 * np.maximum(1, np.abs(x))
    steps = np.diag(h)
    differences = np.array([(loss(x + step) - loss(x - step)) / (2 * h[i]) for i, step in enumerate(steps)])
    # Central differences err by h^2 f'''/6 + eps f/h. Relative to the largest component of the gradient the
    # worst here is 3.5e-7 (osborne_one, whose exponentials have large third derivatives).
    np.testing.assert_allclose(gradient, differences, rtol=0, atol=1e-6 * np.abs(differences).max())


def test_the_table():
    assert len(PROBLEMS) == 114
    assert len(PROBLEMS) - len(UNCOMPILED) == 112
    assert set(UNCOMPILED) <= set(PROBLEMS)


@pytest.mark.sampled
@pytest.mark.parametrize("name", sorted(set(PROBLEMS) - set(UNCOMPILED)))
def test_it_can_be_compiled(name):
    loss, x = loss_and_start(name)
    with jax.enable_x64(True):
        assert jax.eval_shape(run_on_jax(loss), x).dtype == np.float64


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(PROBLEMS) - set(UNCOMPILED) - LONG))
def test_its_gradient_is_compiled_and_right(name):
    loss, x = loss_and_start(name)
    objective = Objective(loss)
    value, gradient = objective.value_and_gradient(x)
    assert objective.gradient_source is GradientSource.COMPILED
    assert_right(name, value, gradient)


@pytest.mark.parametrize("name", UNCOMPILED)
def test_it_branches_and_has_an_exact_gradient_uncompiled(name):
    loss, x = loss_and_start(name)
    with jax.enable_x64(True), pytest.raises(jax.errors.TracerBoolConversionError) as caught:
        jax.eval_shape(run_on_jax(loss), x)
    assert where_it_left(caught.value) == UNCOMPILED[name]
    objective = Objective(loss)
    value, gradient = objective.value_and_gradient(x)
    assert objective.gradient_source is GradientSource.UNCOMPILED
    assert_right(name, value, gradient)
