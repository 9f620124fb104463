"""learning_rate_range: which constant rates lead to the minimum below a start, against closed forms and single runs."""

import numpy as np
import pytest

import downslope
from downslope.analysis.rates import n_intervals

pytestmark = pytest.mark.slow  # each runs thousands of rates

ARRIVED = (downslope.Status.GRADIENT_SMALL, downslope.Status.TARGET_REACHED)


def test_the_challenge_has_the_passing_interval_of_the_closed_form(seeds):
    challenge = seeds["parabola"]["challenge"]
    # |x_25| = 5 |1 - 2a|^25 is at most 1e-3 where the loss, its square, is at most 1e-6.
    found = downslope.learning_rate_range("x^2", 5.0, max_steps=25, target_loss=1e-6, gradient_tolerance=None)
    # The search ends within double precision; powers of 25 round by some 25 of its units.
    assert found.high == pytest.approx(challenge["answer"], rel=1e-12)
    assert [found.low, found.high] == pytest.approx(challenge["passing_interval"], abs=5e-12)  # as printed
    reach = (1 - (1e-3 / 5) ** (1 / 25)) / 2
    assert [found.low, found.high] == pytest.approx([reach, 1 - reach], rel=1e-12)
    assert (found.largest_stable, found.best) == pytest.approx((1.0, 0.5), rel=1e-8)  # 2/L, 1/L; ON_THE_CIRCLE is 1e-9
    assert found.n_others == 0


def test_the_ends_of_the_interval_are_where_single_runs_begin_and_cease_to_arrive():
    found = downslope.learning_rate_range("x cos(x) + 9", 12.0, max_steps=99)
    # A text counts 100 points of such a run, which are 99 steps, and prints 0.0169 to 0.1915.
    assert (found.low, found.high) == pytest.approx((0.0169, 0.1915), abs=5e-5)
    for inward, arrives in [(1.001, True), (0.999, False)]:
        for rate in (found.low * inward, found.high / inward):
            run = downslope.minimize("x cos(x) + 9", 12.0, learning_rate=rate, max_steps=99)
            assert (run.status in ARRIVED and abs(run.x - 9.5293) < 1e-3) == arrives, rate


def test_every_rate_inside_the_interval_arrives_in_the_steps_told():
    found = downslope.learning_rate_range("himmelblau", max_steps=500)
    inside = (found.rates >= found.low) & (found.rates <= found.high)
    assert np.all(found.steps[inside] >= 0)
    for k in np.flatnonzero(inside)[::97]:
        run = downslope.minimize("himmelblau", learning_rate=found.rates[k], max_steps=500)
        assert run.status in ARRIVED
        assert run.n_steps == found.steps[k]
        np.testing.assert_allclose(run.x, found.x, atol=1e-5)  # the slope is within 1e-6 there
    quickest = downslope.minimize("himmelblau", learning_rate=found.quickest, max_steps=500)
    assert quickest.n_steps == found.n_steps == found.steps[found.steps >= 0].min()


def test_rates_that_happen_to_converge_are_counted_and_no_range():
    found = downslope.learning_rate_range("x cos(x) + 9", 12.0, max_steps=100)
    outside = found.converged & ((found.rates < found.low) | (found.rates > found.high))
    assert found.n_others == n_intervals(outside) >= 1
    rate = found.rates[np.flatnonzero(outside)[0]]
    assert rate > found.largest_stable or rate < found.low
    assert downslope.minimize("x cos(x) + 9", 12.0, learning_rate=rate, max_steps=100).converged
    assert "happened to converge" in found.message


@pytest.mark.parametrize(
    ("method", "limit"),
    [
        (downslope.GradientDescent(), 2 / 8),
        (downslope.Momentum(beta=0.5), 2 * 1.5 / 8),
        (downslope.Nesterov(beta=0.5), 2 * 1.5 / ((1 + 2 * 0.5) * 8)),
    ],
)
def test_on_a_quadratic_the_interval_ends_at_the_limit_of_theory(method, limit):
    found = downslope.learning_rate_range("ravine", method=method, max_steps=4_000, n_rates=64)
    assert found.largest_stable == pytest.approx(limit, rel=1e-6)
    # 4,000 steps are enough for a factor of about 1 - 16 / 4,000 a step.
    assert 0.99 * limit < found.high <= limit * (1 + 1e-9)


def test_a_function_that_cannot_be_traced_gets_fewer_rates():
    def bowl(x):
        return float(f"{float(x):.17g}") ** 2  # text is beyond automatic differentiation

    found = downslope.learning_rate_range(bowl, 5.0, max_steps=25, target_loss=1e-6, gradient_tolerance=None)
    assert len(found.rates) == 48 + 1  # and the best one of theory
    reach = (1 - (1e-3 / 5) ** (1 / 25)) / 2
    # An end is narrowed eightfold five times from a gap of 16 of 24 even steps; differences are good to 1e-9.
    assert [found.low, found.high] == pytest.approx([reach, 1 - reach], rel=1e-3)


def test_where_there_is_no_minimum_below_or_no_rate_gets_there_it_says_so():
    found = downslope.learning_rate_range("x", 1.0)
    assert (found.low, found.x, found.largest_stable) == (None, None, None)
    assert "no minimum was found" in found.message
    found = downslope.learning_rate_range("rosenbrock", max_steps=10)
    assert found.low is None
    assert np.all(found.steps == -1)
    assert found.x == pytest.approx([1.0, 1.0])
    assert "no rate of 2,049 reaches the minimum within 10 steps" in found.message


def test_bounds_hold():
    found = downslope.learning_rate_range("(x - 1)^2", 3.0, bounds=(0.5, 4.0), max_steps=50)
    assert found.x == pytest.approx(1.0)
    # A step that overshoots below 0.5 is cut short there, so that no rate does worse than without bounds:
    # 4 |1 - 2a|^50 is at most 1e-6 up to this one.
    assert found.high >= (1 + (1e-6 / 4) ** (1 / 50)) / 2 - 1e-9


@pytest.mark.parametrize(
    ("options", "parameter"),
    [({"max_steps": 0}, "max_steps"), ({"max_steps": True}, "max_steps"), ({"n_rates": 3}, "n_rates"),
     ({"method": "adm"}, "method"), ({"bounds": (6, 7)}, "x0")],
)  # fmt: skip
def test_bad_input_is_named(options, parameter):
    with pytest.raises(downslope.InvalidInput, match=f"`{parameter}`"):
        downslope.learning_rate_range("x^2", 5.0, **options)


def test_a_rule_that_brings_its_own_rate_is_refused():
    import optax

    with pytest.raises(downslope.InvalidInput, match="brings its own rate"):
        downslope.learning_rate_range("x^2", 5.0, optax.sgd(0.1))


def test_methods_without_a_limit_have_no_range():
    found = downslope.learning_rate_range("x^2", 5.0, "sign_descent")
    assert found.largest_stable is None
