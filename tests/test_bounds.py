"""Bounds: no point outside is visited or evaluated, whatever the method, rate and gradient source."""

import math

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import downslope
from downslope.learning_rates import Backtracking, BarzilaiBorwein, Polyak
from downslope.methods import METHODS, Nesterov

# Seeded generators do not shrink to anything simpler, so that phase is left out.
UNSHRUNK = (Phase.explicit, Phase.generate)
generators = st.integers(0, 2**32 - 1).map(np.random.default_rng)


class Fenced:
    """A function that keeps every point it is called at, and raises outside of its box."""

    def __init__(self, low, high):
        self.low, self.high, self.points = low, high, []

    def __call__(self, x):
        point = np.array([float.fromhex(float(v).hex()) for v in x])  # no tracer follows text
        if np.any(point < self.low) or np.any(point > self.high):
            raise AssertionError(f"called at {point}, outside of [{self.low}, {self.high}]")
        self.points.append(point)
        # Its minimum is near (1, -2), in or out of the box.
        return math.cosh(point[0] - 1) + (point[1] + 2) ** 2 + 0.3 * math.sin(point[0] * point[1])


def gradient_by_hand(x):
    inner = 0.3 * math.cos(x[0] * x[1])
    return np.array([math.sinh(x[0] - 1) + inner * x[1], 2 * (x[1] + 2) + inner * x[0]])


def random_box(rng):
    """Bounds around a start; some boxes have sides that are tiny, closed or open."""
    start = rng.uniform(-3, 3, size=2)
    room = rng.choice([0.0, 1e-7, 0.1, 2.0, np.inf], size=(2, 2)) * rng.uniform(0.5, 1, size=(2, 2))
    if rng.random() < 0.3:
        room[rng.integers(2), rng.integers(2)] = 0.0  # start on the bound itself
    return start, start - room[0], start + room[1]


RATES = {
    "constant": (0.1, METHODS),
    "large": (30.0, set(METHODS) - {"newton"}),
    "default": (None, METHODS),
    "search": (
        Backtracking(initial=100.0),
        {"gradient_descent", "sign_descent", "adagrad", "rmsprop", "newton"},
    ),
    "barzilai_borwein": (BarzilaiBorwein(initial=10.0), {"gradient_descent"}),
    "polyak": (Polyak(lowest=-50.0), {"gradient_descent"}),
}
PAIRS = [(name, rate) for rate, (_, names) in RATES.items() for name in sorted(names)]


@pytest.mark.sampled
@pytest.mark.filterwarnings("ignore:the gradient is exactly zero at the start")  # where the box is a point
@pytest.mark.parametrize("with_gradient", [True, False], ids=["jac", "differences"])
@pytest.mark.parametrize(("method", "rate"), PAIRS)
@given(rng=generators)
@settings(max_examples=8, phases=UNSHRUNK)
def test_the_function_is_never_called_outside(method, rate, with_gradient, rng):
    start, low, high = random_box(rng)
    fun = Fenced(low, high)
    run = downslope.minimize(
        fun,
        start,
        jac=gradient_by_hand if with_gradient else None,
        method=method,
        learning_rate=RATES[rate][0],
        bounds=list(zip(low, high, strict=True)),
        max_steps=12,
    )
    source = downslope.GradientSource.GIVEN if with_gradient else downslope.GradientSource.FINITE_DIFFERENCES
    assert run.gradient_source is source
    assert np.all((run.path >= low) & (run.path <= high))
    assert len(fun.points) >= len(run.path)


@given(rng=generators)
@settings(max_examples=10, phases=UNSHRUNK)
def test_one_sided_differences_at_a_bound_are_the_gradient(rng):
    low = rng.uniform(-3, 3, size=2)
    high = low + rng.uniform(0.1, 3, size=2)
    start = np.where(rng.random(2) < 0.5, low, high)
    options = {"learning_rate": 0.02, "bounds": list(zip(low, high, strict=True)), "max_steps": 10}
    by_differences = downslope.minimize(Fenced(low, high), start, **options)
    by_hand = downslope.minimize(Fenced(low, high), start, jac=gradient_by_hand, **options)
    # The step h is about 1e-5: three points leave h^2 times the third derivative, which is up to 300 at
    # |x| = 6, so 3e-8 or less, and as much of rounding.
    assert by_differences.gradient_norms[0] == pytest.approx(by_hand.gradient_norms[0], rel=1e-7, abs=1e-7)
    assert by_differences.x == pytest.approx(by_hand.x, abs=1e-7)


@pytest.mark.sampled
@pytest.mark.parametrize("method", METHODS)
@given(rng=generators)
@settings(max_examples=10, phases=UNSHRUNK)
def test_compiled_paths_stay_inside(method, rng):
    start, low, high = random_box(rng)
    run = downslope.minimize(
        "himmelblau",
        start,
        method=method,
        learning_rate=0.05,
        bounds=list(zip(low, high, strict=True)),
        max_steps=20,
    )
    assert run.engine == "compiled"
    assert np.all((run.path >= low) & (run.path <= high))


@pytest.mark.sampled
@pytest.mark.parametrize("method", METHODS)
def test_each_method_ends_at_the_bound_that_holds_the_minimum_away(method):
    # x^2 + y^2 with x >= 0.5: the minimum is (0.5, 0), where P(x - g) - x is zero and the gradient is not.
    rate = {"adam": 0.02, "momentum": 0.05, "nesterov": 0.05}.get(method)
    run = downslope.minimize(
        "sum_of_squares", [2.0, 1.0], method=method, learning_rate=rate, bounds=[(0.5, None), (None, None)]
    )
    assert run.converged
    assert run.x == pytest.approx([0.5, 0.0], abs=1e-6)
    assert run.gradient_norms[-1] == pytest.approx(1.0, abs=1e-5)


def test_nesterov_s_look_ahead_stays_inside_too():
    # Its form evaluates the look-ahead point itself, so the fence would catch an unprojected one.
    fun = Fenced(np.array([0.0, -1.0]), np.array([3.0, 1.0]))
    run = downslope.minimize(
        fun,
        [2.5, 0.9],
        jac=gradient_by_hand,
        method=Nesterov(beta=0.99),
        learning_rate=0.5,
        bounds=[(0, 3), (-1, 1)],
    )
    points = np.array(fun.points)
    assert np.any(points[:, 1] == -1.0)
    assert run.n_steps > 5


def test_a_start_outside_is_refused():
    with pytest.raises(downslope.InvalidInput, match="`x0` must lie inside the bounds"):
        downslope.minimize("x^2", 5.0, bounds=(-1, 1))
