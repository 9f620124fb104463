"""On random quadratics and rates the label is what theory says.

Along a curvature c gradient descent at rate a multiplies the distance by 1 - a c: the loss is scaled, shifted and
turned at will, and the label depends on the multipliers and on the start's distance along each axis alone.
"""

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import downslope
from downslope.analysis.behaviour import Behaviour

TURNING = (Behaviour.ZIGZAG, Behaviour.BOUNCING, Behaviour.SPIRAL, Behaviour.DIVERGING)

curvatures = st.floats(0.1, 10.0)
distances = st.floats(0.5, 5.0)
signs = st.sampled_from([-1.0, 1.0])


def fit(n, curvature, start, centre=0.0, rotation=None, factor=1.0):
    """The loss and the start: curvatures along the rotated axes, and distances along them from the centre."""
    Q = np.eye(n) if rotation is None else rotation
    H = factor * Q @ np.diag(curvature) @ Q.T
    middle = centre * np.ones(n)

    def loss(x):
        return 0.5 * jnp.dot(x - middle, jnp.dot(H, x - middle))

    return loss, middle + Q @ np.asarray(start)


def behaviour(loss, start, rate, max_steps=1000):
    run = downslope.minimize(loss, start, learning_rate=rate, max_steps=max_steps)
    return run.explain(suggest=False)


@st.composite
def quadratics(draw, most=4):
    n = draw(st.integers(1, most))
    values = sorted(draw(st.lists(curvatures, min_size=n, max_size=n)))
    start = [draw(distances) * draw(signs) for _ in range(n)]
    rotation = np.linalg.qr(np.random.default_rng(draw(st.integers(0, 10**6))).standard_normal((n, n)))[0]
    return n, values, start, rotation


@pytest.mark.slow
@settings(max_examples=20)
@given(quadratics(), st.floats(1.02, 3.0))
def test_beyond_2_over_L_it_diverges(quadratic, share):
    n, values, start, rotation = quadratic
    loss, x = fit(n, values, start, rotation=rotation)
    # At 1.02 * 2/L it grows by 1.04: the loss by 1e17 in 500 steps, beyond any share that it had at the start.
    found = behaviour(loss, x, share * 2 / values[-1], max_steps=500)
    assert found.behaviour is Behaviour.DIVERGING, str(found)


@pytest.mark.slow
@settings(max_examples=20)
@given(quadratics(), st.floats(0.05, 0.98))
def test_below_2_over_L_it_does_not_diverge(quadratic, share):
    n, values, start, rotation = quadratic
    loss, x = fit(n, values, start, rotation=rotation)
    found = behaviour(loss, x, share * 2 / values[-1])
    assert found.behaviour is not Behaviour.DIVERGING, str(found)
    assert found.run.losses[-1] < found.run.losses[0]


@pytest.mark.slow
@settings(max_examples=20)
@given(st.lists(curvatures, min_size=1, max_size=3), distances)
def test_a_start_without_a_part_along_the_steep_axis_does_not_diverge(flat, distance):
    # Axes without rotation, so that the part there is 0 exactly and stays so.
    values = [*sorted(flat), 100.0]
    start = [distance] * len(flat) + [0.0]
    assume(max(flat) < 10)
    loss = "+".join(f"{c / 2!r}*x{k + 1}^2" for k, c in enumerate(values))
    found = behaviour(loss, start, 0.05)  # 1 - 0.05 * 100 = -4, of nothing
    assert found.behaviour is not Behaviour.DIVERGING, str(found)


@pytest.mark.slow
@settings(max_examples=20)
@given(quadratics(), st.floats(0.02, 0.99))
def test_with_all_multipliers_in_0_to_1_it_neither_zigzags_nor_bounces(quadratic, share):
    n, values, start, rotation = quadratic
    loss, x = fit(n, values, start, rotation=rotation)
    found = behaviour(loss, x, share / values[-1])
    assert found.behaviour in (Behaviour.STRAIGHT, Behaviour.CRAWLING), str(found)


@pytest.mark.slow
@settings(max_examples=12)
@given(curvatures, distances, signs, st.floats(1.02, 1.97))
def test_in_one_variable_it_zigzags_between_1_and_2_over_c(c, distance, sign, ac):
    # At -0.97 the tolerance is 600 steps away.
    found = behaviour(f"{c / 2!r}*x^2", distance * sign, ac / c)
    assert found.run.converged
    # A few steps are enough near 1, where no two show the sign: at -0.02 there are five.
    assert found.behaviour is Behaviour.ZIGZAG, str(found)


@pytest.mark.slow
@settings(max_examples=20)
@given(curvatures, distances, signs, st.floats(0.02, 0.98))
def test_in_one_variable_it_goes_straight_below_1_over_c(c, distance, sign, ac):
    found = behaviour(f"{c / 2!r}*x^2", distance * sign, ac / c)
    assert found.behaviour is Behaviour.STRAIGHT, str(found)


@pytest.mark.slow
@given(st.integers(-3, 3), st.integers(1, 200), signs, st.integers(20, 200))
def test_at_2_over_c_it_bounces_for_dyadic_numbers(power, numerator, sign, n_steps):
    # Nothing is rounded: x goes to -x and back.
    c, start = 2.0**power, sign * numerator / 16
    found = behaviour(f"{c / 2}*x^2", start, 2 / c, max_steps=n_steps)
    assert set(found.run.path.tolist()) == {start, -start}
    assert found.behaviour is Behaviour.BOUNCING, str(found)


@pytest.mark.slow
@settings(max_examples=20)
@given(curvatures, distances, signs, st.floats(0.05, 2.6))
def test_in_one_variable_the_observed_multiplier_is_1_minus_a_c(c, distance, sign, ac):
    assume(abs(1 - ac) > 0.05)
    assume(abs(abs(1 - ac) - 1) > 0.01)
    found = behaviour(f"{c / 2!r}*x^2", distance * sign, ac / c, max_steps=400)
    # A step is a difference of points, and so right to rounding of the largest one: 1e-16 of 5 to 1e-6 at the end.
    assert found.to_dict()["observed_multiplier"] == pytest.approx(1 - ac, rel=1e-6)


@pytest.mark.slow
@settings(max_examples=20)
@given(quadratics(most=3), st.floats(0.1, 2.6), st.integers(-3, 3), st.integers(-8, 8), st.integers(0, 10**6))
def test_the_label_does_not_depend_on_where_how_turned_or_how_tall_the_bowl_is(quadratic, share, power, centre, seed):
    n, values, start, _ = quadratic
    # Away from where a label changes, so that rounding does not decide: the ends of zigzag and stability.
    multipliers = 1 - share * np.array(values) / values[-1]
    assume(np.all(np.abs(np.abs(multipliers) - 1) > 0.02))
    assume(np.all(np.abs(multipliers) > 0.05))
    rotation = np.linalg.qr(np.random.default_rng(seed).standard_normal((n, n)))[0]
    rate, factor = share / values[-1], 2.0**power
    plain = behaviour(*fit(n, values, start), rate).behaviour
    assert behaviour(*fit(n, values, start, centre=centre), rate).behaviour is plain
    assert behaviour(*fit(n, values, start, rotation=rotation), rate).behaviour is plain
    loss, x = fit(n, values, start, factor=factor)
    # The tolerance is on the slope, which is scaled as well.
    run = downslope.minimize(loss, x, learning_rate=rate / factor, max_steps=1000, gradient_tolerance=1e-6 * factor)
    assert run.explain(suggest=False).behaviour is plain


@pytest.mark.slow
@settings(max_examples=20)
@given(quadratics(), st.floats(0.05, 1.9))
def test_limits_are_theory_s_whatever_the_run_did(quadratic, share):
    n, values, start, rotation = quadratic
    loss, x = fit(n, values, start, rotation=rotation)
    found = behaviour(loss, x, share / values[-1])
    # The search's own 1e-9, and eigenvalues of a matrix that was rotated.
    assert found.stability.largest_stable == pytest.approx(2 / values[-1], rel=1e-6)
    assert found.stability.best_rate == pytest.approx(2 / (values[0] + values[-1]), rel=1e-6)
    np.testing.assert_allclose(found.curvatures, values, rtol=1e-9)
