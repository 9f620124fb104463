"""The gallery: what it says of each function is held to independent numbers."""

import subprocess
import sys

import numpy as np
import pytest
from scipy.optimize import minimize

from downslope.errors import UnknownName
from downslope.objectives.formula import parse
from downslope.objectives.gallery import PROBLEMS, get
from tests.objectives.hand_gradients import HAND_GRADIENTS

# Name: the value at the start, another point, and the value there. Computed with mpmath to 60 digits from the
# functions typed anew, and rounded once.
VALUES = {
    "dart": (12.005, -0.3, 35.80473751748248),
    "parabola": (25.0, -1.5, 2.25),
    "shifted_parabola": (10.0, 4.5, 7.25),
    "bowl_2d": (25.2, (-2.5, 1.5), 3.5),
    "many_minima": (19.126247504789905, -3.0, 11.969977489801336),
    "ravine": (10.0125, (2.5, -0.75), 2.5625),
    "egg_box_bowl": (1.7375458135730932, (-1.7, 3.1), -0.38305845387566384),
    "round_bowl": (1.94, (-1.0, 3.5), 2.65),
    "sum_of_squares": (38.0, (0.5, 1.5, -4.0), 18.5),
    "notch": (25.0, 1.4, 0.8563616764856747),
    "sine": (0.9092974268256817, -3.5, 0.35078322768961984),
    "saddle": (3.999999, (-1.5, 0.75), 1.6875),
    "plateau": (0.9996645373720975, -1.25, 0.5421666382283857),
    "quartic": (16.0, -0.75, 0.31640625),
    "double_well": (0.87890625, -1.5, 1.5625),
    "absolute_value": (2.75, (-1.25, 0.5), 1.75),
    "rosenbrock": (24.199999999999992, (0.5, -0.3), 30.5),
    "rosenbrock_chain": (532.4, (0.5, -0.3, 1.1, 0.8), 151.02000000000004),
    "cube": (749.0383999999999, (0.5, -0.3), 18.3125),
    "beale": (14.203125, (-1.5, 0.75), 24.15728759765625),
    "helical_valley": (2500.0, (-0.5, -0.8, 1.5), 2614.7632020814144),
    "powell_singular": (215.0, (-0.5, 0.25, 1.5, 0.75), 88.41796875),
    "wood": (19192.0, (0.5, -0.3, 1.1, 0.8), 68.26),
    "brown_badly_scaled": (999998000003.0, (0.5, -0.25), 999999000004.8281),
    "powell_badly_scaled": (1.1352617173483783, (0.5, 0.25), 1560001.1484032646),
    "matyas": (25.04, (-3.5, 1.25), 5.69125),
    "booth": (884.0, (2.5, -0.75), 36.5625),
    "zakharov": (28.3125, (0.5, -1.5, 0.75), 3.078369140625),
    "trid": (4.0, (1.5, -2.5, 0.5, 3.25), 21.1875),
    "dixon_price": (354.0, (0.5, -1.5, 0.75), 52.921875),
    "himmelblau": (170.0, (-1.5, 2.25), 54.06640625),
    "freudenstein_roth": (400.5, (6.5, 1.25), 1340.97314453125),
    "branin": (24.12996441362226, (-1.5, 3.25), 40.14229433196204),
    "goldstein_price": (61669.125, (0.75, -0.25), 467.926025390625),
    "six_hump_camel": (12.873958333333333, (-1.25, 0.4), 1.3570126302083332),
    "three_hump_camel": (7.116666666666666, (-1.25, 0.4), 0.8573063151041667),
    "mccormick": (1.0, (3.0, -1.5), 13.997494986604055),
    "styblinski_tang": (-3.9375, (-1.5, 3.5), -33.4375),
    "ackley": (8.68950289012269, (0.4, 0.7), 4.301664915304011),
    "rastrigin": (39.03033988749893, (0.4, 0.7), 31.83033988749895),
    "griewank": (1.7343488169425505, (0.4, -1.7), 0.6687965468540347),
    "levy": (38.86339121964421, (2.25, -0.75), 1.829152191143057),
    "easom": (-0.03536590473969729, (3.5, 1.75), -0.02116877002697213),
    "bohachevsky": (2.2827287779377627, (-0.35, 0.3), 1.6224132999285203),
    "schwefel": (816.7445354453033, (-35.5, 80.25), 790.5339572159959),
    "trefethen": (0.19774293499250203, (-0.3, 0.125), -0.8528615511174935),
    "bard": (41.681695861678, (0.25, 1.5, 2.0), 0.3730494367328091),
    "gaussian": (3.888106991166826e-06, (0.25, 1.5, 0.75), 0.21085862936322225),
    "kowalik_osborne": (0.005313172272108543, (0.1, 0.5, 0.2, 0.3), 0.03218113337024133),
    "jennrich_sampson": (4171.306161960495, (0.1, -0.2), 1463.8440114685698),
    "box_3d": (1031.1538106093983, (2.5, 4.0, -1.5), 9.186130951403099),
    "brown_dennis": (7926693.336997433, (-5.0, 8.0, 1.5, -2.5), 792988.2741460433),
}

each_problem = pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
each_minimum = pytest.mark.parametrize(
    ("problem", "minimum"),
    [
        pytest.param(problem, minimum, id=f"{problem.name}-{i}")
        for problem in PROBLEMS.values()
        for i, minimum in enumerate(problem.minima)
        if minimum.curvatures is not None
    ],
)


def derivative(f, x, step=1e-5):
    """The derivative of `f` at the number or vector `x`, in the widest floats: one row for each coordinate.

    Five points and a step of 1e-5: the error is step^4 times the fifth derivative, and rounding / step.
    """
    rows = []
    for i in range(np.size(x)):
        shift = np.zeros(np.shape(x), dtype=np.longdouble)
        shift[i if np.ndim(x) else ()] = step * max(1, abs(np.atleast_1d(x)[i]))
        h = np.max(shift)
        rows.append((8 * (f(x + shift) - f(x - shift)) - (f(x + 2 * shift) - f(x - 2 * shift))) / (12 * h))
    return np.array(rows)


def hessian(name, x):
    return derivative(HAND_GRADIENTS[name], x).reshape(np.size(x), np.size(x)).astype(float)


def inside(problem, x):
    low, high = np.transpose(problem.domain)
    return bool(np.all((np.atleast_1d(x) >= low) & (np.atleast_1d(x) <= high)))


def random_points(problem, n_points):
    low, high = np.transpose(problem.domain)
    points = np.random.default_rng(7).uniform(low, high, size=(n_points, low.size))
    return points[:, 0] if isinstance(problem.start, float) else points


@pytest.mark.parametrize(
    "name",
    [
        "dart",
        "parabola",
        "sum_of_squares",
        "shifted_parabola",
        "bowl_2d",
        "many_minima",
        "ravine",
        "egg_box_bowl",
        "round_bowl",
    ],
)
def test_the_formula_of_the_text_is_the_function_of_the_gallery(seeds, name):
    problem = get(name)
    assert parse(seeds[name]["fun"])(problem.start) == pytest.approx(problem(problem.start), rel=1e-14)


def test_every_function_of_the_texts_is_in_the_gallery(seeds):
    assert seeds.keys() - PROBLEMS.keys() == {"about", "decay"}  # neither is a function


def test_the_starts_are_those_of_the_texts(seeds):
    for name in seeds.keys() & PROBLEMS.keys():
        if "start" in seeds[name]:
            assert np.array_equal(get(name).start, seeds[name]["start"])
    assert get("dart").start == np.deg2rad(seeds["dart"]["start_deg"])
    assert get("many_minima").start == seeds["many_minima"]["runs"][0]["start"]


def test_the_minima_are_those_of_the_texts(seeds):
    # Values of the texts hold to 1e-9, or to the tolerance that stands beside them.
    def found(name):
        return [(minimum.x, minimum.loss) for minimum in get(name).minima]

    dart = seeds["dart"]
    assert np.rad2deg([x for x, _ in found("dart")]) == pytest.approx(dart["minima_deg"], rel=1e-9)
    curvatures = [minimum.curvatures[0] for minimum in get("dart").minima]
    assert curvatures == pytest.approx(dart["curvature_at_minima"], rel=dart["curvature_at_minima_rtol"])
    assert np.array(found("many_minima")) == pytest.approx(np.array(seeds["many_minima"]["minima"]), rel=1e-9)
    assert found("shifted_parabola") == [tuple(seeds["shifted_parabola"]["minimum"])]
    egg_box = seeds["egg_box_bowl"]
    assert len({x for x, _ in found("egg_box_bowl")}) == egg_box["distinct_minima"]
    for _, loss in found("egg_box_bowl"):
        assert loss == pytest.approx(egg_box["minimum_loss"], rel=egg_box["rtol"])
    assert get("egg_box_bowl").domain == (tuple(egg_box["domain"]),) * 2
    assert get("many_minima").domain == (tuple(seeds["many_minima"]["plotted_range"]),)


def test_the_gradient_at_the_start_of_the_bowl_is_that_of_the_text(seeds):
    gradient = HAND_GRADIENTS["bowl_2d"](np.array(get("bowl_2d").start))
    assert gradient == pytest.approx(seeds["bowl_2d"]["gradient_at_start"], rel=1e-14)


@each_problem
def test_values_away_from_the_minimum_are_pinned(problem):
    at_start, other, at_other = VALUES[problem.name]
    # Some hundred operations, each with a rounding of 1e-16, and residuals that lose a digit or two.
    assert problem(problem.start) == pytest.approx(at_start, rel=1e-12, abs=0)
    assert problem(other) == pytest.approx(at_other, rel=1e-12, abs=0)


@each_problem
def test_the_hand_gradient_is_the_derivative_of_the_function(problem):
    for x in random_points(problem, 20).astype(np.longdouble):
        by_hand = HAND_GRADIENTS[problem.name](x)
        assert np.shape(by_hand) == np.shape(x)
        differences = derivative(problem, x).reshape(np.shape(x))
        # 1e-9 of the largest component, and rounding in values of the size of f, divided by the step.
        rounding = 10 * np.finfo(np.longdouble).eps * abs(problem(x)) / 1e-5
        np.testing.assert_allclose(by_hand, differences, rtol=0, atol=1e-9 * np.max(np.abs(by_hand)) + rounding)


@each_minimum
def test_a_minimum_has_the_stated_loss_and_no_slope(problem, minimum):
    x = np.asarray(minimum.x)
    # Zero is often what is left of terms of size 1, and of 800 in Schwefel's function.
    assert problem(minimum.x) == pytest.approx(minimum.loss, rel=1e-12, abs=1e-12)
    # A slope as if each coordinate were off by 1e-13: its own rounding, and that of constants such as pi.
    allowed = np.abs(hessian(problem.name, x)) @ (1e-13 * (np.abs(np.atleast_1d(x)) + 1))
    assert np.all(np.abs(np.atleast_1d(HAND_GRADIENTS[problem.name](x))) <= allowed + 1e-15)


@each_minimum
def test_the_curvatures_are_the_eigenvalues_of_the_hessian(problem, minimum):
    assert minimum.curvatures == tuple(sorted(minimum.curvatures))
    found = np.linalg.eigvalsh(hessian(problem.name, np.asarray(minimum.x)))
    # Eigenvalues are good to rounding of the largest, which hides the smallest of the badly scaled functions.
    np.testing.assert_allclose(found, minimum.curvatures, rtol=1e-7, atol=1e-13 * found[-1] + 1e-8)


@pytest.mark.parametrize(
    "problem", [problem for problem in PROBLEMS.values() if any(m.curvatures is None for m in problem.minima)]
)
def test_a_minimum_without_curvature_is_lower_than_all_around_it(problem):
    (minimum,) = problem.minima
    assert not problem.smooth
    assert problem(minimum.x) == pytest.approx(minimum.loss, abs=1e-15)
    for direction in np.random.default_rng(7).normal(size=(20, len(problem.variables))):
        assert problem(np.asarray(minimum.x) + 1e-6 * direction) > minimum.loss + 1e-8


@pytest.mark.sampled
@pytest.mark.parametrize(
    "problem",
    [problem for problem in PROBLEMS.values() if problem.minima_complete and problem.smooth],
    ids=[problem.name for problem in PROBLEMS.values() if problem.minima_complete and problem.smooth],
)
def test_descents_from_random_starts_find_no_minimum_that_is_not_listed(problem):
    gradient = HAND_GRADIENTS[problem.name]
    shape = np.shape(problem.start)
    for start in random_points(problem, 20):
        with np.errstate(all="ignore"):  # line searches try points where the exponentials overflow
            found = minimize(
                lambda x: problem(x.reshape(shape)),
                start,
                jac=lambda x: gradient(x.reshape(shape)),
                method="BFGS",
                options={"gtol": 1e-9},
            )
        x = found.x.reshape(shape)
        if not inside(problem, x):
            continue
        curvature = hessian(problem.name, x)
        eigenvalues = np.linalg.eigvalsh(curvature)
        # Where the bottom is flat within rounding, a point with a small slope proves nothing.
        if eigenvalues[0] <= 1e-12 * eigenvalues[-1]:
            continue
        is_minimum = np.max(np.abs(np.linalg.solve(curvature, np.atleast_1d(found.jac)))) < 1e-4
        listed = [np.allclose(x, minimum.x, rtol=1e-3, atol=1e-3) for minimum in problem.minima]
        assert any(listed) or not is_minimum, x


@pytest.mark.parametrize(
    "problem",
    [problem for problem in PROBLEMS.values() if problem.formula_parses],
    ids=[problem.name for problem in PROBLEMS.values() if problem.formula_parses],
)
def test_the_formula_says_the_same_as_the_function(problem):
    formula = parse(problem.formula)
    assert formula.is_vector == problem.any_size
    assert problem.any_size or formula.variables == problem.variables
    for x in random_points(problem, 20):
        # The same operations in another order; terms of size 10 may cancel.
        assert formula(x) == pytest.approx(problem(x), rel=1e-12, abs=1e-13)


@each_problem
def test_every_problem_is_described(problem):
    assert problem is get(problem.name)
    assert problem.name.isidentifier()
    assert problem.name.islower()
    assert problem.title
    assert problem.source
    assert problem.formula
    assert not problem.title.endswith(".")
    n = len(problem.variables)
    assert len(problem.domain) == n == np.size(problem.start)
    assert isinstance(problem.start, float if n == 1 else tuple)
    assert inside(problem, problem.start)
    for minimum in problem.minima:
        assert type(minimum.x) is type(problem.start)
        assert inside(problem, minimum.x)
        assert minimum.curvatures is None or len(minimum.curvatures) == n


@each_problem
def test_the_start_is_not_a_minimum(problem):
    slope = HAND_GRADIENTS[problem.name](np.asarray(problem.start))
    assert np.max(np.abs(slope)) > 1e-3
    assert all(problem(problem.start) > minimum.loss for minimum in problem.minima[:1])


@pytest.mark.parametrize("problem", [problem for problem in PROBLEMS.values() if problem.any_size])
def test_functions_of_any_size_take_vectors_of_other_lengths(problem):
    x = np.linspace(-1.5, 2.0, 7).astype(np.longdouble)
    by_hand = HAND_GRADIENTS[problem.name](x)
    np.testing.assert_allclose(derivative(problem, x), by_hand, rtol=0, atol=1e-9 * np.max(np.abs(by_hand)))


@pytest.mark.parametrize(("learning_rate", "ends_at"), [(0.25, 0), (0.002, 1)])
def test_large_steps_jump_over_the_notch_and_small_ones_fall_into_it(learning_rate, ends_at):
    problem, x = get("notch"), get("notch").start
    for _ in range(10_000):
        x -= learning_rate * HAND_GRADIENTS["notch"](x)
    assert x == pytest.approx(problem.minima[ends_at].x, rel=1e-12, abs=1e-12)


def test_an_unknown_name_offers_the_nearest():
    with pytest.raises(UnknownName, match="Did you mean 'rosenbrock'"):
        get("rosenbrok")


def test_the_gallery_needs_neither_jax_nor_matplotlib_nor_torch():
    code = "import sys, downslope.objectives.gallery; print(sys.modules.keys() & {'jax', 'matplotlib', 'torch'})"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "set()"
