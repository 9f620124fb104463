"""What an explanation says must be true: cases found by reading its sentences beside what is known of the function."""

import re
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import downslope
from downslope import Adam, GradientDescent, Momentum
from downslope.analysis.behaviour import Behaviour
from downslope.analysis.curvature import PointKind
from downslope.analysis.multipliers import stability
from downslope.engines import recorder
from downslope.learning_rates import Cosine, InverseTime, StepDecay

pytestmark = pytest.mark.slow  # each compiles what it explains


def explained(fun, start, suggest=False, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of runs; those of explanations are tested in test_honesty
        run = downslope.minimize(fun, start, **options)
    return run.explain(suggest=suggest)


def rosenbrock_chain(x):
    return jnp.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


class TestNoMinimumWhereThereIsNone:
    def test_an_inflection_is_no_minimum(self):
        # x^3 from 1 creeps to 0, where slope and curvature are 0, and below which the loss falls.
        explanation = explained("x^3", 1.0, learning_rate=0.1, max_steps=500)
        assert "at the minimum" not in str(explanation)
        assert explanation.evidence.target is None or explanation.evidence.target.kind is not PointKind.MINIMUM

    @pytest.mark.parametrize("power", [3, 4, 6, 10])
    def test_no_limit_is_claimed_where_the_curvature_is_zero(self, power):
        # The curvature of x^p at 0 is 0: theory gives no largest rate there, let alone one of 1e53.
        explanation = explained(f"x^{power}", 1.0, learning_rate=0.01, max_steps=500)
        found = explanation.stability
        assert found is None or found.largest_stable is None, f"{found.largest_stable}\n{explanation}"

    def test_a_staircase_has_no_lower_minimum(self):
        explanation = explained("floor(x)", 3.5, learning_rate=0.1, max_steps=10)
        assert "minimum was seen" not in str(explanation)

    def test_a_line_search_that_falls_without_end_is_not_stuck_at_a_kink(self):
        # -x^2 is smooth and its gradient right; the loss has reached -1e307 or less.
        explanation = explained("-x^2", 1.0, max_steps=100)
        assert explanation.run.loss < -1e300
        assert explanation.behaviour is Behaviour.FALLING, str(explanation)

    def test_a_noisy_slope_falls_without_end(self):
        # x goes down by 0.1 a step, give or take 0.2; the slope is 1 everywhere.
        explanation = explained("x", 5.0, learning_rate=0.1, noise=2.0, seed=0, max_steps=300)
        assert explanation.behaviour is Behaviour.FALLING, str(explanation)


class TestManyVariables:
    def test_a_sum_of_squares_of_500_variables_does_not_fall_without_end(self):
        explanation = explained(rosenbrock_chain, np.linspace(-1, 1, 500), learning_rate=1e-3, max_steps=100)
        assert explanation.run.loss < explanation.run.losses[0]
        assert explanation.behaviour is not Behaviour.FALLING, str(explanation)

    def test_a_diverged_run_is_not_linearised_where_it_blew_up(self):
        # "At a stationary point polished from its best point, or the words say that none was found."
        explanation = explained(rosenbrock_chain, np.linspace(-1, 1, 500), method="momentum", max_steps=60)
        assert explanation.behaviour is Behaviour.DIVERGING
        found = explanation.stability
        # At the minimum, all ones, Gershgorin bounds the curvatures by 1002 + 2 * 400: no limit is below 3.8 / 1802.
        assert found is None or found.largest_stable >= 3.8 / 1802, f"{found.largest_stable}\n{explanation}"

    def test_a_suggestion_gets_somewhere(self):
        explanation = explained(
            rosenbrock_chain, np.linspace(-1, 1, 500), suggest=True, method="momentum", max_steps=60
        )
        if explanation.suggestion is not None:
            assert explanation.suggestion.run.loss < 0.99 * explanation.run.losses[0], str(explanation)


class TestTheRateASentenceNames:
    @pytest.mark.parametrize("curvature", [1e-7, 1e-3, 2.0, 1e3, 4e7, 1e12])
    def test_the_most_curvature_of_a_rate_does_not_depend_on_the_curvature_there_is(self, curvature):
        found = stability(GradientDescent(), np.array([curvature]), rate=0.1)
        assert found.most_curvature == pytest.approx(2 / 0.1, rel=1e-6)

    @pytest.mark.parametrize("curvature", [1e-3, 0.1, 10.0, 1e12])
    def test_nor_does_adam_s_threshold(self, curvature):
        found = stability(Adam(), np.array([curvature]), rate=0.001)
        assert found.most_curvature == pytest.approx(38 / 0.001, rel=1e-6)

    @pytest.mark.parametrize("curvature", [1e-12, 1e-3, 1e12])
    @pytest.mark.parametrize("rate", [1e-9, 1.0, 1e9])
    def test_nor_does_the_limit_depend_on_the_rate_taken(self, curvature, rate):
        found = stability(Momentum(beta=0.5), np.array([curvature]), rate=rate)
        assert found.largest_stable == pytest.approx(3 / curvature, rel=1e-6)

    def test_no_rate_is_stable_up_to_a_curvature_of_0_only(self):
        # 0.1 is stable up to 20.
        explanation = explained("abs(x)^1.5", 1.0, learning_rate=0.1, max_steps=300)
        assert "up to a curvature of 0 only" not in str(explanation)

    def test_a_rate_each_is_no_single_rate(self):
        # On 50 y^2 a learning rate of 0.4 would grow by 39 a step: the limit 0.02 is gradient descent's.
        explanation = explained("x^2 + 50*y^2", [1.0, 1.0], learning_rate=[0.1, 0.005])
        assert "Gradient descent is stable there up to a learning rate of 0.4;" not in str(explanation)

    def test_a_rate_each_is_not_the_largest_for_all(self):
        # 0.1 goes with a curvature of 2, and is stable there; 0.03 with 100 is what diverges.
        explanation = explained("x^2 + 50*y^2", [1.0, 1.0], learning_rate=[0.1, 0.03], max_steps=50)
        assert "0.1 is stable up to a curvature of 20 only" not in str(explanation)


class TestWithoutThePoints:
    def test_losses_alone_do_not_make_a_zigzag_straight(self):
        # Each step overshoots, x -> -0.8 x; the multipliers know.
        explanation = explained("x^2", 5.0, learning_rate=0.9, record="losses")
        assert explanation.behaviour is not Behaviour.STRAIGHT, str(explanation)

    def test_nor_does_a_thinned_path(self, monkeypatch):
        monkeypatch.setattr(recorder, "PATH_BYTES", 800)
        explanation = explained("x^2", 5.0, learning_rate=0.98, max_steps=1000)
        assert explanation.run.path_steps[1] > 1
        assert explanation.behaviour is not Behaviour.STRAIGHT, str(explanation)

    def test_nor_do_losses_alone_make_a_bounce_crawl(self):
        explanation = explained("x^2", 5.0, learning_rate=1.0, max_steps=100, record="losses")
        # The slope is 10 at every step.
        assert explanation.behaviour is not Behaviour.CRAWLING, str(explanation)


class TestTheWay:
    def test_one_overshoot_at_the_start_is_no_zigzag(self):
        # The multiplier at the minimum is 0.69: 136 of 138 steps go straight down.
        explanation = explained("(x - 1)^2 + x^4", 3.0, learning_rate=0.05)
        assert explanation.run.converged
        assert np.count_nonzero(np.diff(np.sign(np.diff(explanation.run.path)))) <= 2
        assert np.all(explanation.stability.multipliers.real > 0.5)
        assert explanation.behaviour is Behaviour.STRAIGHT, str(explanation)

    def test_a_schedule_that_ends_at_zero_stops_short(self):
        # Its rates add up to about 100 * 0.1 / 2 = 5: exp(-10) of 5 is left, and no step to come moves it.
        explanation = explained("x^2", 5.0, learning_rate=Cosine(0.1, 100), max_steps=200)
        assert not explanation.run.converged
        assert explanation.behaviour is Behaviour.STOPPED_SHORT, str(explanation)

    def test_steps_that_become_too_small_to_count_stop_short(self):
        # 5 * 0.3 / (1 - 0.1) in all: the product of 0.4^5, 0.94^5, 0.994^5, ... is 0.0073.
        explanation = explained("x^2", 5.0, learning_rate=StepDecay(0.3, factor=0.1, every=5), max_steps=200)
        assert explanation.run.x == pytest.approx(5 * np.prod([(1 - 0.6 * 0.1**k) ** 5 for k in range(20)]), rel=1e-9)
        assert explanation.behaviour is Behaviour.STOPPED_SHORT, str(explanation)

    @pytest.mark.parametrize("rate", [1e-3, 0.01, 0.1])
    @pytest.mark.parametrize("max_steps", [200, 2000])
    def test_rates_that_fall_as_1_over_k_are_explained(self, rate, max_steps):
        # x goes as k^(-2 rate): from a slope of 9 to 1e-6 takes 10^(7 / 2 rate) times as many steps, beyond any float.
        explanation = explained("x^2", 5.0, learning_rate=InverseTime(rate, decay=1.0), max_steps=max_steps)
        assert explanation.steps_needed is None or explanation.steps_needed > 10**12

    def test_noise_does_not_excuse_a_run_that_diverges(self):
        # 1 - 2 * 1.05 = -1.1: from 25 to 5e9 in 100 steps, with noise of 0.01.
        explanation = explained("x^2", 5.0, learning_rate=1.05, noise=0.01, seed=0, max_steps=100)
        assert explanation.run.loss > 1e9
        assert explanation.behaviour is Behaviour.DIVERGING, str(explanation)

    def test_rounding_at_the_end_is_not_the_pace(self):
        # It shrinks by -0.8 a step for 160 steps, and then takes turns between two neighbouring floats.
        explanation = explained("x^2 - 4x + 5", -1.0, learning_rate=0.9, gradient_tolerance=None, max_steps=5000)
        assert abs(explanation.run.x - 2) < 1e-14
        assert "it multiplied the distance by -1." not in str(explanation)

    @pytest.mark.parametrize(
        ("method", "rate", "max_steps"), [("adam", 0.001, 500), ("sign_descent", 0.01, 100), ("adam", 0.01, 100)]
    )
    def test_the_steps_that_are_still_needed_are_needed(self, method, rate, max_steps):
        # These walk at one speed, so that the slope falls by a difference a step and by no factor.
        options = {"method": method, "learning_rate": rate}
        explanation = explained("x^2", 5.0, max_steps=max_steps, **options)
        whole = downslope.minimize("x^2", 5.0, max_steps=30_000, **options)
        if explanation.steps_needed is not None:
            assert whole.converged
            assert explanation.steps_needed == pytest.approx(whole.n_steps - max_steps, rel=0.5), str(explanation)

    def test_no_quadratic_is_slower_than_its_slowest_multiplier(self):
        # Many curvatures look like a power of the step's number, until the flattest is left: 1 - a mu a step.
        c = np.arange(1.0, 101.0)
        explanation = explained(lambda x: 0.5 * jnp.sum(c * x**2), np.ones(100), learning_rate=1e-3, max_steps=100)
        slowest = np.log(explanation.run.gradient_norms[-1] / 1e-6) / -np.log(1 - 1e-3)
        assert explanation.steps_needed <= 1.01 * slowest, str(explanation)  # its pace comes from a fit

    @pytest.mark.parametrize(("method", "rate"), [("momentum", 0.2), ("nesterov", 0.05)])
    def test_the_turns_and_the_period_of_a_spiral_are_of_one_axis(self, method, rate):
        # Two turns a swing.
        explanation = explained("0.05*x^2 + 4*y^2", [-4.5, 1.5], method=method, learning_rate=rate)
        assert explanation.behaviour is Behaviour.SPIRAL
        turns, period = re.search(
            r"turned around (\d+) times .* about ([\d.]+) steps", explanation.sentences[0]
        ).groups()
        # The first half swing may not end in a turn, nor the last one in the record.
        assert int(turns) == pytest.approx(2 * explanation.run.n_steps / float(period), rel=0.2, abs=2)

    def test_a_rule_that_keeps_a_random_key_is_explained(self):
        explanation = explained("x^2", 5.0, method=optax.noisy_sgd(0.1, key=jax.random.key(0)), max_steps=100)
        assert explanation.sentences

    def test_what_is_suggested_on_a_plateau_leads_off_it(self):
        explanation = explained("1/(1 + exp(-x))", -30.0, suggest=True, learning_rate=0.1)
        if explanation.suggestion is not None:
            assert explanation.suggestion.run.loss < 0.99 * explanation.run.loss, str(explanation)

    def test_rates_that_fall_as_1_over_k_are_not_extrapolated_by_a_factor(self):
        # x goes as k^-0.2: from a slope of 4 to 1e-6 takes (4e6)^5 = 1e33 times as many steps.
        explanation = explained("x^2", 5.0, learning_rate=lambda k: 0.1 / (k + 1), max_steps=40)
        assert explanation.steps_needed is None or explanation.steps_needed > 10**9, str(explanation)

    def test_no_steps_are_no_trial(self):
        explanation = explained("x^2", 5.0, suggest=True, learning_rate=0.1, max_steps=0)
        assert "Nothing helped" not in str(explanation)


@pytest.mark.parametrize(
    ("fun", "start", "options"),
    [
        ("x^2", 5.0, {"method": "rmsprop", "learning_rate": 0.1, "gradient_tolerance": None, "max_steps": 3000}),
        ("x^2 + 3*y^2", [5.0, 1.0], {"method": "rmsprop", "learning_rate": 0.1, "max_steps": 300}),
        ("x^2", 5.0, {"method": "adagrad", "learning_rate": 0.1, "max_steps": 300}),
        ("x^2", 5.0, {"method": "adam", "learning_rate": 0.1, "max_steps": 300}),
    ],
    ids=["rmsprop", "rmsprop of two", "adagrad", "adam"],
)
def test_each_sentence_within_a_line_begins_with_a_capital(fun, start, options):
    for sentence in explained(fun, start, suggest=True, **options).sentences:
        for after in re.findall(r"(?<=\. )\w", sentence):
            assert after.isupper() or after.isdigit(), sentence
