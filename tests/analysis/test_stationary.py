import itertools
import json
import math

import numpy as np
import pytest
from scipy.optimize import brentq

from downslope import Objective, gallery
from downslope.analysis import stationary
from downslope.analysis.curvature import DENSE_UP_TO
from downslope.analysis.stationary import polish, settle


def bound_at(fun, x, bounds=None, jac=None):
    bound, flat, _ = Objective(fun, jac).bind(x, bounds)
    return bound, flat


def box(n, low, high):
    return np.full(n, float(low)), np.full(n, float(high))


# Not polished to: it has a kink there, or curvatures so far apart (1e18) that rounding hides the point's place.
NOT_POLISHED = {"absolute_value", "ackley", "powell_badly_scaled"}
minima = [
    pytest.param(problem, np.ravel(minimum.x), id=f"{name} {k}")
    for name, problem in gallery.PROBLEMS.items()
    if name not in NOT_POLISHED
    for k, minimum in enumerate(problem.minima)
]


@pytest.mark.sampled
@pytest.mark.parametrize(("problem", "x"), minima)
def test_every_smooth_minimum_of_the_gallery_is_polished_to(problem, x):
    start = x + 1e-3 * np.random.default_rng(0).normal(size=x.shape)
    bound, flat = bound_at(problem.name, start if x.size > 1 else float(start[0]))
    # Double precision; where there is no curvature (fourth powers) the slope is lost in rounding 1e-7 away.
    tolerance = 1e-6 if problem.name in {"quartic", "powell_singular"} else 1e-13
    np.testing.assert_allclose(polish(bound, flat), x, rtol=tolerance, atol=tolerance)


def test_saddles_and_maxima_are_polished_to():
    bound, x = bound_at("himmelblau", [0.1, 2.9])
    saddle = polish(bound, x)
    assert np.max(np.abs(bound.gradient(saddle))) <= 1e-12  # an ulp of x times curvatures of 75
    assert np.linalg.eigvalsh(bound.hessian(saddle))[0] < 0
    bound, x = bound_at("many_minima", -3.4)
    # Where cos x = x sin x.
    np.testing.assert_allclose(polish(bound, x), brentq(lambda x: math.cos(x) - x * math.sin(x), -4, -3, xtol=1e-15))


def test_the_barrier_of_the_dart_is_polished_to(seeds):
    bound, x = bound_at("dart", 0.8)
    assert math.degrees(polish(bound, x)[0]) == pytest.approx(seeds["dart"]["barrier_deg"], rel=1e-12)


def test_it_does_not_wander_farther_than_it_may():
    bound, x = bound_at("many_minima", 2.5)  # the nearest points are 1.6 and 0.9 away
    assert polish(bound, x) is None
    assert polish(bound, x, farthest=0.5) is None
    found = polish(bound, x, farthest=np.array([1.0]))
    np.testing.assert_allclose(found, 3.4256184594817283, rtol=1e-15)


@pytest.mark.parametrize(
    ("formula", "x"),
    [
        ("exp(-x)", 1.0),  # falls for ever
        ("abs(x)", 1.0),  # a slope that never gets smaller
        ("x^2 + 1/x", -3.0),  # nothing on this side of the pole
        ("x + 3", 2.0),
    ],
)
def test_where_there_is_no_stationary_point_none_is_claimed(formula, x):
    bound, flat = bound_at(formula, x)
    assert polish(bound, flat, farthest=2.0) is None


def test_a_point_without_slope_is_its_own():
    bound, x = bound_at("0*x + 3", 2.0)
    assert polish(bound, x).tolist() == [2.0]


def test_a_bound_that_holds_a_variable_is_kept_to():
    bound, x = bound_at("(x + 1)^2 + (y - 0.3)^2 + x*y", [0.02, 0.4], box(2, 0, 1))
    for found in (polish(bound, x), settle(bound, x)):
        # On the edge x = 0 there is (y - 0.3)^2.
        np.testing.assert_allclose(found, [0, 0.3], rtol=1e-15)


@pytest.mark.parametrize("search", [polish, settle])
def test_the_function_is_never_asked_outside_the_bounds(search):
    seen = []

    def fun(x, y):
        point = json.loads(json.dumps([float(x), float(y)]))
        seen.extend(point)
        return math.exp(point[0]) + (point[1] - 2) ** 2

    bound, x = bound_at(fun, [0.1, 0.9], box(2, 0, 1))
    assert bound.program is None
    assert search(bound, x).tolist() == [0, 1]
    assert min(seen) >= 0
    assert max(seen) <= 1


def test_differences_are_polished_as_far_as_they_go():
    bound, x = bound_at(lambda x: math.cosh(float(json.dumps(float(x))) - 1), 1.1)
    assert bound.program is None
    # The gradient's error is eps^(2/3) = 4e-11, the curvature 1.
    np.testing.assert_allclose(polish(bound, x), [1], atol=1e-10)


def test_single_precision_is_polished_to_single_precision():
    bound, x = bound_at("cosh(x - 1)", np.float32(1.1))
    found = polish(bound, x)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, [1], atol=1e-6)  # eps is 1.2e-7


def test_many_variables_are_polished_by_products_alone(monkeypatch):
    n = DENSE_UP_TO + 700
    curvatures = np.where(np.arange(n) % 3, 1.0, -1.0) * np.linspace(1, 5, n)
    target = np.linspace(-1, 1, n)
    bound, x = bound_at(lambda x: np.sum(curvatures * np.cosh(x - target)), target + 0.1)
    monkeypatch.setattr(bound, "hessian", None)
    plain, calls = bound.hessian_vector_product, []
    monkeypatch.setattr(bound, "hessian_vector_product", lambda x, v: (calls.append(1), plain(x, v))[1])
    # MINRES solves to 1e-10 of the gradient, which is at rounding level in the end.
    np.testing.assert_allclose(polish(bound, x), target, atol=1e-12)
    assert len(calls) <= stationary.MOST_PRODUCTS
    calls.clear()
    assert polish(bound, x, most_products=10) is None
    # MINRES asks once more than it iterates.
    assert len(calls) <= 11


def test_many_variables_settle():
    n = DENSE_UP_TO + 700
    target = np.linspace(-1, 1, n)
    bound, x = bound_at(lambda x: np.sum((1 + target**2) * np.cosh(x - target)), np.zeros(n))
    np.testing.assert_allclose(settle(bound, x), target, atol=1e-12)


# The way down ends at a kink, at no minimum at all, or in a valley that is 1e18 times as steep across as along.
NOT_SETTLED = {"absolute_value", "saddle", "powell_badly_scaled"}


@pytest.mark.sampled
@pytest.mark.parametrize("name", sorted(set(gallery.PROBLEMS) - NOT_SETTLED))
def test_from_every_start_of_the_gallery_it_settles(name):
    problem = gallery.get(name)
    bound, x = bound_at(name, problem.start if isinstance(problem.start, float) else list(problem.start))
    found = settle(bound, x)
    assert bound.value(found) <= bound.value(x)
    if problem.minima_complete:
        tolerance = 1e-6 if name in {"quartic", "powell_singular"} else 1e-13
        known = np.array([np.ravel(minimum.x) for minimum in problem.minima])
        assert np.min(np.max(np.abs(known - found) / np.maximum(1, np.abs(known)), axis=1)) <= tolerance


@pytest.mark.parametrize("name", sorted(NOT_SETTLED))
def test_where_it_settles_nowhere_none_is_claimed(name):
    problem = gallery.get(name)
    assert settle(*bound_at(name, list(problem.start))) is None


def test_a_wave_that_falls_for_ever_settles_nowhere():
    assert settle(*bound_at("-exp(x)", 1.0)) is None
    assert settle(*bound_at("log(x)", 2.0)) is None


def test_it_settles_in_the_basin_that_the_start_lies_in():
    # In one variable the basins are the intervals between the maxima, which are roots of cos x - x sin x.
    def slope(x):
        return math.cos(x) - x * math.sin(x)

    grid = np.linspace(-5.1, 14.1, 400)
    roots = [brentq(slope, a, b) for a, b in itertools.pairwise(grid) if slope(a) * slope(b) < 0]
    maxima = [r for r in roots if slope(r - 1e-4) > 0]
    bound, _ = bound_at("many_minima", 0.0)
    wells = np.array([m.x for m in gallery.get("many_minima").minima])
    for x in np.linspace(maxima[0] + 0.01, maxima[-1] - 0.01, 97):
        (expected,) = [w for w in wells if all((w - m) * (x - m) > 0 for m in maxima)]
        np.testing.assert_allclose(settle(bound, np.array([x])), [expected], rtol=1e-14)


def test_it_crosses_a_flat_valley_and_does_not_run_along_it():
    # Where a is 0 all u are minima; the slope along the valley turns uphill at no time: the flow downhill brings u from
    # 1 to 0.75 (by SciPy's LSODA), and Newton's steps along negative curvature once led to u = 30.
    bound, x, _ = Objective("a^2 + 2b^2 + (c-1)^2 + d^4 + u^2*a^2").bind(np.ones(5))
    a, b, c, d, u = settle(bound, x)
    assert [a, b, c] == pytest.approx([0, 0, 1], abs=1e-12)
    assert abs(d) < 1e-4
    assert 0.5 < u < 1
