"""Rates that look at the function: Armijo backtracking, Barzilai and Borwein, Polyak."""

import numpy as np
import pytest

import downslope
from downslope.errors import InvalidInput
from downslope.learning_rates import Backtracking, BarzilaiBorwein, Polyak

ENGINES = ("compiled", "eager")
START = np.array([0.5, -0.3])


def himmelblau(p):
    x, y = p
    return (x * x + y - 11) ** 2 + (x + y * y - 7) ** 2


def gradient_of_himmelblau(p):
    x, y = p
    a, b = x * x + y - 11, x + y * y - 7
    return np.array([4 * a * x + 2 * b, 2 * a + 4 * b * y])


def backtracking_by_hand(x, n, initial=1.0, shrink=0.5, slope=0.3, grow=2.0, low=-np.inf, high=np.inf):
    """Points, rates and trials of n Armijo steps on Himmelblau's function, as the textbook writes them."""
    path, rates, n_trials, trial = [x], [], 0, initial
    for _ in range(n):
        loss, gradient, rate = himmelblau(x), gradient_of_himmelblau(x), trial
        while True:
            n_trials += 1
            point = np.clip(x - rate * gradient, low, high)
            if himmelblau(point) <= loss + slope * gradient @ (point - x):
                break
            rate *= shrink
        x, trial = point, grow * rate
        path.append(x)
        rates.append(rate)
    return np.stack(path), np.array(rates), n_trials


class TestBacktracking:
    """Armijo's rule."""

    @pytest.mark.parametrize("engine", ENGINES)
    @pytest.mark.parametrize(
        "options", [{}, {"initial": 0.3, "shrink": 0.7, "slope": 0.05, "grow": 1.5}], ids=["default", "other"]
    )
    def test_points_rates_and_trials_are_the_textbook_s(self, engine, options):
        # The run ends by its gradient, so that no trial is made from its last point; and before the
        # differences of losses are so small that rounding decides.
        rate = Backtracking(**options)
        run = downslope.minimize("himmelblau", START, learning_rate=rate, gradient_tolerance=1e-3, engine=engine)
        assert run.status is downslope.Status.GRADIENT_SMALL
        assert run.n_steps > 10
        path, rates, n_trials = backtracking_by_hand(START, run.n_steps, **options)
        np.testing.assert_allclose(run.learning_rates[:-1], rates, rtol=1e-15)
        np.testing.assert_allclose(run.path, path, rtol=0, atol=1e-11)  # 20 steps of rounding, at curvature 80
        assert run.n_evaluations == len(path) + n_trials

    @pytest.mark.parametrize("engine", ENGINES)
    def test_with_bounds_the_projected_point_is_tried(self, engine):
        low, high = np.array([-1.0, -1.0]), np.array([2.5, 3.0])
        run = downslope.minimize(
            "himmelblau", START, bounds=[(-1, 2.5), (-1, 3)], gradient_tolerance=1e-3, engine=engine
        )
        assert run.n_steps > 5
        path, rates, n_trials = backtracking_by_hand(START, run.n_steps, low=low, high=high)
        np.testing.assert_allclose(run.path, path, rtol=0, atol=1e-12)
        np.testing.assert_allclose(run.learning_rates[:-1], rates, rtol=1e-15)
        assert run.n_evaluations == len(path) + n_trials
        assert run.x[0] == 2.5

    @pytest.mark.parametrize("slope", [1e-4, 0.3])
    @pytest.mark.parametrize("method", ["gradient_descent", "adagrad", "rmsprop", "sign_descent", "newton"])
    def test_armijo_s_inequality_holds_at_each_accepted_step(self, method, slope):
        run = downslope.minimize(
            "himmelblau", START, method=method, learning_rate=Backtracking(slope=slope), max_steps=60
        )
        assert run.n_steps >= 5
        for x, after in zip(run.path[:-1], run.path[1:], strict=True):
            promised = gradient_of_himmelblau(x) @ (after - x)
            assert promised < 0
            # The loss is a sum of two squares: it rounds to a few 1e-16 of the terms' sizes, up to 11^2.
            assert himmelblau(after) <= himmelblau(x) + slope * promised + 1e-13

    @pytest.mark.parametrize("shrink", [0.5, 0.8])
    def test_each_rate_is_the_first_trial_shrunk_a_whole_number_of_times(self, shrink):
        rate = Backtracking(initial=0.7, shrink=shrink, grow=3.0, largest=0.2)
        run = downslope.minimize("himmelblau", START, learning_rate=rate, gradient_tolerance=1e-3)
        taken = run.learning_rates[:-1]
        first = np.minimum(np.concatenate([[0.7], 3.0 * taken[:-1]]), 0.2)
        halvings = np.log(taken / first) / np.log(shrink)
        np.testing.assert_allclose(halvings, np.round(halvings), atol=1e-9)
        assert run.n_evaluations == run.n_steps + 1 + np.sum(np.round(halvings) + 1)

    @pytest.mark.parametrize("engine", ENGINES)
    @pytest.mark.parametrize(
        ("fun", "start"),
        [(lambda x: np.log(x), 1.0), (lambda x: np.sqrt(x), 3.0), (lambda x: x - 2 * np.sqrt(4 - x), 1.0)],
        ids=["log", "sqrt", "wall at 4"],
    )
    def test_no_trial_beyond_the_wall_is_accepted(self, fun, start, engine):
        # log(0) is minus infinity, which passes Armijo's inequality; beyond the walls there is NaN.
        run = downslope.minimize(fun, start, learning_rate=Backtracking(initial=8.0), max_steps=60, engine=engine)
        assert np.all(np.isfinite(run.losses))
        assert np.all(np.diff(run.losses) <= 0)
        assert run.status is downslope.Status.MAX_STEPS

    def test_evaluations_are_the_calls_of_the_function(self):
        calls = []

        def fun(x):
            calls.append(x)
            return himmelblau(x)

        def run_and_calls(gradient_tolerance):
            calls.clear()
            run = downslope.minimize(
                fun, START, jac=gradient_of_himmelblau, gradient_tolerance=gradient_tolerance, engine="eager"
            )
            return run, len(calls)

        run_and_calls(1e9)  # the first run of a function also tries to trace it
        # A run that ends at its start evaluates one point; whatever else it calls is the checks before it.
        at_once, overhead = run_and_calls(1e9)
        run, n_calls = run_and_calls(1e-3)
        assert (at_once.n_steps, at_once.n_evaluations) == (0, 1)
        assert n_calls - overhead == run.n_evaluations - 1
        assert run.n_evaluations > 2 * run.n_steps
        assert run.n_gradients == run.n_steps + 1

    def test_a_run_of_no_steps_evaluates_one_point(self):
        assert downslope.minimize("himmelblau", START, max_steps=0).n_evaluations == 1

    @pytest.mark.parametrize("engine", ENGINES)
    @pytest.mark.parametrize("start", [0.0, 5.0])
    def test_a_gradient_of_the_wrong_sign_fails_the_search(self, start, engine):
        run = downslope.minimize(lambda x: (x - 3) ** 2, start, jac=lambda x: -2 * (x - 3), engine=engine)
        assert run.status is downslope.Status.LINE_SEARCH_FAILED
        assert run.x == pytest.approx(start, abs=1e-15)

    def test_the_search_gives_up_after_max_trials(self):
        run = downslope.minimize("1000 x^2", 1.0, learning_rate=Backtracking(max_trials=5))
        assert run.status is downslope.Status.LINE_SEARCH_FAILED
        assert (run.n_steps, run.n_evaluations) == (0, 1 + 5)


class TestBarzilaiBorwein:
    """The rate from the last move."""

    @pytest.mark.parametrize("engine", ENGINES)
    def test_the_path_is_the_two_point_formula_s(self, engine):
        n = 12
        run = downslope.minimize(
            "himmelblau",
            START,
            learning_rate=BarzilaiBorwein(initial=0.05),
            max_steps=n,
            gradient_tolerance=None,
            engine=engine,
        )
        x, gradient = START, gradient_of_himmelblau(START)
        rate = 0.05 / max(1.0, np.max(np.abs(gradient)))
        for row in range(n):
            assert run.path[row] == pytest.approx(x, abs=1e-9)
            assert run.learning_rates[row] == pytest.approx(rate, rel=1e-9)
            new = x - rate * gradient
            moved, bent = new - x, gradient_of_himmelblau(new) - gradient
            if moved @ bent > 0:
                rate = (moved @ moved) / (moved @ bent)
            x, gradient = new, gradient_of_himmelblau(new)

    def test_the_first_step_moves_a_coordinate_by_initial_at_most(self):
        run = downslope.minimize("himmelblau", START, learning_rate=BarzilaiBorwein(initial=0.05), max_steps=1)
        assert np.max(np.abs(run.path[1] - run.path[0])) == pytest.approx(0.05, rel=1e-12)

    def test_negative_curvature_keeps_the_rate_before(self):
        # f = -x^2 / 2 from 1: the first step is 0.1 / 1 and every later one keeps that rate: x grows by 1.1.
        run = downslope.minimize("-x^2/2", 1.0, learning_rate=BarzilaiBorwein(initial=0.1), max_steps=5)
        assert run.path == pytest.approx(1.1 ** np.arange(6), rel=1e-14)

    def test_rates_stay_between_smallest_and_largest(self):
        # Free, they lie between 1 / 20 and 1 / 2, the inverse curvatures.
        for low, high in ((1e-10, 1e10), (0.1, 0.2)):
            rate = BarzilaiBorwein(smallest=low, largest=high)
            run = downslope.minimize("x^2 + 10 y^2", [3.0, 1.0], learning_rate=rate, max_steps=8)
            taken = run.learning_rates[1:-1]
            assert np.min(taken) == pytest.approx(max(low, 0.05), rel=0.5)
            assert np.all((taken >= max(low, 0.05 - 1e-12)) & (taken <= min(high, 0.5 + 1e-12)))


class TestPolyak:
    """The rate for a known lowest loss."""

    @pytest.mark.parametrize("engine", ENGINES)
    def test_on_the_parabola_each_step_halves_the_distance_exactly(self, engine):
        run = downslope.minimize(
            "x^2", 8.0, learning_rate=Polyak(), max_steps=20, gradient_tolerance=None, engine=engine
        )
        assert run.path.tolist() == [8.0 * 0.5**k for k in range(21)]

    @pytest.mark.parametrize("engine", ENGINES)
    def test_the_path_is_the_formula_s(self, engine):
        n = 30
        run = downslope.minimize(
            "himmelblau",
            START,
            learning_rate=Polyak(lowest=0.0),
            max_steps=n,
            gradient_tolerance=None,
            engine=engine,
        )
        x = START
        for row in range(n):
            assert run.path[row] == pytest.approx(x, abs=1e-9)
            gradient = gradient_of_himmelblau(x)
            x = x - himmelblau(x) / (gradient @ gradient) * gradient

    def test_below_the_lowest_loss_it_stays(self):
        run = downslope.minimize("x^2", 1.0, learning_rate=Polyak(lowest=2.0))
        assert (run.status, run.x) == (downslope.Status.STALLED, 1.0)


@pytest.mark.parametrize("rate", [Backtracking(), BarzilaiBorwein(), Polyak()], ids=lambda rate: type(rate).__name__)
@pytest.mark.parametrize("method", ["momentum", "nesterov", "adam"])
def test_a_method_with_momentum_refuses_a_search_with_the_reason(method, rate):
    with pytest.raises(InvalidInput, match=r"(may point uphill|derived for the steps of gradient descent)"):
        downslope.minimize("x^2", 1.0, method=method, learning_rate=rate)


@pytest.mark.parametrize("rate", [BarzilaiBorwein(), Polyak()], ids=lambda rate: type(rate).__name__)
@pytest.mark.parametrize("method", ["sign_descent", "newton", "adagrad", "rmsprop"])
def test_rates_derived_for_gradient_descent_refuse_other_steps(method, rate):
    with pytest.raises(InvalidInput, match=f"{type(rate).__name__} is derived for the steps of gradient descent"):
        downslope.minimize("x^2", 1.0, method=method, learning_rate=rate)


@pytest.mark.parametrize("rate", [None, Backtracking(), BarzilaiBorwein(), Polyak()], ids=lambda r: type(r).__name__)
def test_noise_refuses_a_rate_that_trusts_the_gradient(rate):
    with pytest.raises(InvalidInput, match=r"`noise` must be 0 with .*, which trusts the gradient"):
        downslope.minimize("x^2", 1.0, learning_rate=rate, noise=0.1)
