import itertools
import json
import math

import numpy as np
import pytest
import scipy.optimize
from scipy.optimize import brentq

import downslope
from downslope import InvalidInput, InvalidObjective, Objective, PointKind, critical_points, gallery

pytestmark = pytest.mark.slow  # each samples a box


def roots(function, low, high, n=1000):
    """All the roots of a function of one variable, by SciPy's root finder on a fine grid."""
    grid = np.linspace(low, high, n + 1)
    pairs = itertools.pairwise(grid)
    return [brentq(function, a, b, xtol=1e-15) for a, b in pairs if function(a) * function(b) < 0]


def places(points):
    return sorted(np.ravel(point.x).tolist() for point in points)


def assert_places(points, expected):
    """The same points, to the rounding of a root: an ulp of x, and of a slope over a curvature."""
    np.testing.assert_allclose(places(points), sorted(np.ravel(x).tolist() for x in expected), rtol=1e-12, atol=1e-12)


def untraceable(fun):
    return lambda x: fun(*json.loads(json.dumps(x.tolist())))


def test_the_dart_has_two_minima_and_a_barrier(seeds):
    found = critical_points("dart", (0, 1.2))
    assert len(found) == 3
    degrees = [math.degrees(point.x) for point in found.minima]
    assert sorted(degrees) == pytest.approx(seeds["dart"]["minima_deg"], rel=1e-12)
    (barrier,) = found.maxima
    assert math.degrees(barrier.x) == pytest.approx(seeds["dart"]["barrier_deg"], rel=1e-12)
    curvatures = [float(p.curvatures[0]) for p in sorted(found.minima, key=lambda p: p.x)]
    # The file has 11.0184 and 24.688, rounded.
    assert curvatures == pytest.approx(seeds["dart"]["curvature_at_minima"], rel=1e-5)


def test_the_wave_has_the_roots_of_its_slope():
    found = critical_points("x cos(x) + 9", (-5.1, 14.1))

    def curvature(x):
        return -2 * math.sin(x) - x * math.cos(x)

    expected = roots(lambda x: math.cos(x) - x * math.sin(x), -5.1, 14.1)
    assert_places(found.minima, [x for x in expected if curvature(x) > 0])
    assert_places(found.maxima, [x for x in expected if curvature(x) < 0])
    assert not found.saddles
    for point in found:
        # An ulp of x times the third derivative.
        assert point.curvatures[0] == pytest.approx(curvature(point.x), rel=1e-12)
        assert point.loss == pytest.approx(point.x * math.cos(point.x) + 9, rel=1e-14)


def test_a_saddle_has_its_saddle():
    (point,) = critical_points("saddle")
    assert (point.x.tolist(), point.kind, point.curvatures.tolist()) == ([0, 0], PointKind.SADDLE, [-2, 2])


def test_the_egg_box_has_what_its_two_waves_have():
    # A sum of two functions of one variable: its points are the pairs of theirs, its curvatures their curvatures.
    one = roots(lambda x: 0.12 * x - 0.99 * math.sin(1.1 * x), -4.5, 4.6)
    rises = {x: 0.12 - 1.089 * math.cos(1.1 * x) > 0 for x in one}
    pairs = list(itertools.product(one, one))
    found = critical_points("egg_box_bowl")
    assert_places(found.minima, [(x, z) for x, z in pairs if rises[x] and rises[z]])
    assert_places(found.maxima, [(x, z) for x, z in pairs if not rises[x] and not rises[z]])
    assert_places(found.saddles, [(x, z) for x, z in pairs if rises[x] != rises[z]])
    assert (len(found.minima), len(found.maxima), len(found.saddles)) == (4, 1, 4)


def test_himmelblau_has_four_minima_four_saddles_and_a_maximum():
    found = critical_points("himmelblau")
    assert_places(found.minima, [minimum.x for minimum in gallery.get("himmelblau").minima])
    assert (len(found.saddles), len(found.maxima), len(found)) == (4, 1, 9)
    for x, y in places(found):
        a, b = x**2 + y - 11, x + y**2 - 7
        # The gradient by hand: rounding of an ulp of x times curvatures up to 134.
        np.testing.assert_allclose([4 * x * a + 2 * b, 2 * a + 4 * y * b], 0, atol=1e-12)
    assert found.lowest.loss == pytest.approx(0, abs=1e-28)


complete = [
    name
    for name, problem in gallery.PROBLEMS.items()
    if problem.minima_complete and problem.minima and problem.smooth and len(problem.variables) <= 3
]
# A minimum of x^4 is found where the slope is lost in rounding; the fit's and the valley's curvatures are 1e-12 apart.
NOT_TOLD = {"quartic", "brown_badly_scaled", "powell_badly_scaled"}


@pytest.mark.slow  # a second each
@pytest.mark.parametrize("name", sorted(set(complete) - NOT_TOLD))
def test_every_minimum_of_the_gallery_is_found(name):
    found = critical_points(name)
    known = [np.ravel(m.x) for m in gallery.get(name).minima]
    ours = np.array(places(found.minima))
    for x in known:
        # Data fits lose some digits to the conditioning of their Hessians, 1e4.
        assert np.min(np.max(np.abs(ours - x) / np.maximum(1, np.abs(x)), axis=1)) <= 1e-11


@pytest.mark.parametrize("name", ["himmelblau", "branin", "six_hump_camel", "many_minima", "double_well"])
def test_nothing_is_found_twice_or_outside(name):
    found = critical_points(name)
    low, high = np.array(gallery.get(name).domain).T
    for a, b in itertools.combinations(found, 2):
        assert np.max(np.abs(np.ravel(a.x) - np.ravel(b.x))) > 1e-3
    for point in found:
        assert np.all((low <= np.ravel(point.x)) & (np.ravel(point.x) <= high))
        assert point.n_finds >= 1


def test_a_change_of_sign_between_samples_is_not_missed():
    # Newton's method from three samples finds few of the fifteen roots; 40 samples bracket every one.
    found = critical_points("sin(10x)", (0.01, 4.7), n_samples=40)
    assert_places(found, [(k + 0.5) * math.pi / 10 for k in range(15)])


def test_the_samples_are_counted_and_the_words_honest():
    found = critical_points("rastrigin")  # 11 x 11 minima, and more than 400 points in all
    once = sum(point.n_finds == 1 for point in found)
    assert once > 50
    assert f"Found once: {once}, so others were missed" in found.message
    assert repr(found).endswith(f"and {len(found) - 12} more")
    few = critical_points("himmelblau", n_samples=2)
    assert "Found once" in few.message
    assert "can still be missed" in critical_points("himmelblau").message


def test_more_samples_that_lead_to_a_basin_count():
    found = critical_points("notch", n_samples=256)
    bowl = next(point for point in found.minima if abs(point.x) < 0.1)
    notch = next(point for point in found.minima if point.x > 1)
    assert bowl.n_finds > notch.n_finds


def test_where_the_loss_is_not_finite_samples_are_counted():
    found = critical_points("log(x) + 1/x", (-1, 5))
    (point,) = found
    assert (point.x, point.kind) == (pytest.approx(1, rel=1e-12), PointKind.MINIMUM)
    # A sixth of the samples is below zero.
    assert found.n_not_finite == pytest.approx(found.n_samples / 6, abs=1)
    assert f"{found.n_not_finite} samples had no finite loss." in found.message


def test_a_plain_is_no_point():
    found = critical_points(lambda x: np.where(x < 0, 0.0, (x - 1) ** 2 * x**2), (-1, 2))
    assert_places(found.minima, [1])
    assert_places(found.maxima, [0.5])
    assert found.n_on_plains == pytest.approx(found.n_samples / 3, abs=2)
    assert "fell where the function is flat" in found.message


def test_of_a_line_of_minima_the_lowest_point_stands_for_all():
    found = critical_points("(x y - 1)^2", [(-2, 2), (-2, 2)], n_samples=64)
    (flat,) = [point for point in found if point.kind is PointKind.FLAT]
    assert flat.x[0] * flat.x[1] == pytest.approx(1, rel=1e-7)  # a loss of eps^2 times the curvature
    assert_places(found.saddles, [(0, 0)])
    assert found.n_on_lines > 3
    assert "ended on a line or surface without slope" in found.message


def test_a_minimum_without_curvature_is_one_point():
    (point,) = critical_points("x^4 + y^4", (-1, 1), n_samples=32)
    # The slope is lost in rounding at eps^(1/3) = 6e-6 at most.
    np.testing.assert_allclose(point.x, 0, atol=1e-5)


def test_without_a_point_it_says_so():
    found = critical_points("x + y", (0, 1), n_samples=16)
    assert len(found) == 0
    assert found.lowest is None
    assert found.message.startswith("0 critical points from 16 samples.")
    assert "16 samples led to no point inside the bounds." in found.message
    assert repr(found) == found.message


def test_the_edges_count_only_where_the_slope_is_zero():
    assert_places(critical_points("x^2", (0, 1)), [0])
    assert len(critical_points("x^2", (0.5, 1))) == 0


def test_differences_serve_as_well():
    fun = untraceable(lambda x, y: (x**2 - 1) ** 2 + y**2)
    found = critical_points(fun, [(-2, 2.1), (-2, 2)], n_samples=32)
    # The gradient's error is eps^(2/3) = 4e-11 of the loss, the smallest curvature 2.
    np.testing.assert_allclose(places(found.minima), [[-1, 0], [1, 0]], atol=1e-9)
    np.testing.assert_allclose(places(found.saddles), [[0, 0]], atol=1e-9)


def test_the_function_is_never_asked_outside_the_bounds():
    seen = []

    def fun(x, y):
        seen.append((x, y))
        return math.sin(3 * x) * math.cos(2 * y)

    critical_points(untraceable(fun), [(0, 2), (-1, 1)], n_samples=16)
    low, high = np.min(seen, axis=0), np.max(seen, axis=0)
    assert np.all(low >= [0, -1])
    assert np.all(high <= [2, 1])


def test_a_gradient_of_ones_own_is_used():
    calls = []

    def slope(x):
        calls.append(x)
        return 2 * (x - 0.5)

    (point,) = critical_points(lambda x: (x - 0.5) ** 2, (0, 1.3), jac=slope, n_samples=8)
    assert point.x == pytest.approx(0.5, rel=1e-15)
    assert calls


@pytest.mark.parametrize(
    ("fun", "bounds", "x"),
    [
        ("(x - 1)^2", (0, 3), 1.0),
        (lambda x: (x - 1) ** 2, (0, 3), 1.0),
        (lambda x: (x[0] - 1) ** 2, [(0, 3)], [1.0]),
        (lambda x: np.sum((x - 1) ** 2), [(0, 3), (0, 4)], [1.0, 1.0]),
        (lambda x, y: (x - 1) ** 2 + (y - 1) ** 2, (0, 3), [1.0, 1.0]),
        (lambda x, y: (x - 1) ** 2 + (y - 1) ** 2, [(0, 3), (0, 4)], [1.0, 1.0]),
        ("(x - 1)^2 + (y - 1)^2", (0, 3), [1.0, 1.0]),
        ("booth", [(0, 3), (0, 4)], [1.0, 3.0]),
        ("booth", None, [1.0, 3.0]),
        (Objective("booth"), scipy.optimize.Bounds([0, 0], [3, 4]), [1.0, 3.0]),
        ("sum_of_squares", np.array([[-1, 1.5], [-1, 1.5]]), [0.0, 0.0]),
    ],
)
def test_points_have_the_structure_that_the_function_takes(fun, bounds, x):
    (point,) = critical_points(fun, bounds, n_samples=8)
    assert type(point.x) is (float if isinstance(x, float) else np.ndarray)
    np.testing.assert_allclose(point.x, x, rtol=1e-12, atol=1e-12)


def test_the_same_seed_gives_the_same_points():
    first, second, other = (critical_points("himmelblau", n_samples=20, seed=seed) for seed in (1, 1, 2))
    assert first.to_dict() == second.to_dict()
    assert [p.n_finds for p in first] != [p.n_finds for p in other]


def test_it_is_told_as_plain_numbers():
    told = json.loads(json.dumps(critical_points("saddle", n_samples=8).to_dict(), allow_nan=False))
    (point,) = told["points"]
    assert point == {"x": {"x": 0, "y": 0}, "loss": 0, "kind": "saddle", "curvatures": [-2, 2], "n_finds": 8}
    assert told["bounds"] == [[-3, 3], [-3, 3]]
    assert told["message"].startswith("1 critical point from 8 samples: 1 saddle.")


def test_it_is_a_sequence():
    found = critical_points("double_well")
    assert len(found) == 3
    assert found[0] is found.lowest is next(iter(found))
    assert [point.loss for point in found] == sorted(point.loss for point in found)


@pytest.mark.parametrize(
    ("fun", "options", "parameter"),
    [
        ("x^2", {"bounds": None}, "bounds"),
        ("x^2", {"bounds": (0, None)}, "bounds"),
        ("x^2", {"bounds": (-math.inf, 0)}, "bounds"),
        ("x^2", {"bounds": (1, 0)}, "bounds"),
        ("x^2", {"bounds": (1, 1)}, "bounds"),
        ("x^2", {"bounds": (math.nan, 1)}, "bounds"),
        ("x^2", {"bounds": 3}, "bounds"),
        ("x^2", {"bounds": [(0, 1), 3]}, "bounds"),
        ("x^2", {"bounds": [(0, 1, 2)]}, "bounds"),
        ("sum(x^2)", {"bounds": [(0, 1)] * 301}, "bounds"),
        ("x^2", {"bounds": (0, 1), "n_samples": 0}, "n_samples"),
        ("x^2", {"bounds": (0, 1), "n_samples": 2.5}, "n_samples"),
        ("x^2", {"bounds": (0, 1), "n_samples": True}, "n_samples"),
        ("x^2", {"bounds": (0, 1), "seed": -1}, "seed"),
        ("x^2", {"bounds": (0, 1), "jac": 3}, "jac"),
        (3, {"bounds": (0, 1)}, "fun"),
        ("log(x)", {"bounds": (-2, -1)}, "fun"),
    ],
)
def test_a_bad_parameter_is_named(fun, options, parameter):
    with pytest.raises(InvalidInput) as caught:
        critical_points(fun, **options)
    assert caught.value.parameter == parameter


def test_a_function_that_gives_no_number_is_refused():
    with pytest.raises(InvalidObjective, match="must return"):
        critical_points(lambda x: "no", (0, 1))


def test_it_is_public():
    assert downslope.critical_points is critical_points
    assert isinstance(critical_points("saddle", n_samples=2), downslope.CriticalPoints)
