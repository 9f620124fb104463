import json
import math

import numpy as np
import pytest

from downslope import Objective, PointKind, gallery
from downslope.analysis.curvature import DENSE_UP_TO, MOST_PRODUCTS, kind_of_point, spectrum
from downslope.analysis.uncertainty import is_exact

minima = [
    pytest.param(problem, minimum, id=f"{name} {k}")
    for name, problem in gallery.PROBLEMS.items()
    for k, minimum in enumerate(problem.minima)
    if minimum.curvatures is not None
]
# Minima whose smallest curvature cannot be told from zero: none at all (x^4), or 1e-12 and 1e-18 of the largest.
TOO_FLAT = {"quartic 0", "powell_singular 0", "brown_badly_scaled 0", "powell_badly_scaled 1", "powell_badly_scaled 2"}


def bound_at(fun, x, bounds=None, jac=None):
    bound, flat, _ = Objective(fun, jac).bind(x, bounds)
    return bound, flat


def untraceable(fun):
    """The same function, by way of text, which no derivative follows."""
    return lambda x: np.ravel(fun(np.array(json.loads(json.dumps(x.tolist())))))[0]


def quadratic(matrix):
    return lambda x: x @ matrix @ x / 2


def with_spectrum(values, seed=0):
    """A symmetric matrix with these eigenvalues, in random directions."""
    q = np.linalg.qr(np.random.default_rng(seed).normal(size=(len(values), len(values))))[0]
    return q @ np.diag(values) @ q.T


def counting(bound):
    """The bound function, counting its Hessian-vector products."""
    plain, calls = bound.hessian_vector_product, []

    def product(x, v):
        calls.append(1)
        return plain(x, v)

    bound.hessian_vector_product = product
    return calls


@pytest.mark.sampled
@pytest.mark.parametrize(("problem", "minimum"), minima)
def test_the_curvatures_at_every_known_minimum_are_found(problem, minimum, request):
    bound, x = bound_at(problem.name, np.ravel(minimum.x) if np.ndim(minimum.x) else minimum.x)
    found = spectrum(bound, x)
    # The Hessian's own rounding: the dart's tangent and cosine lose two digits, the others less.
    np.testing.assert_allclose(found.values, minimum.curvatures, rtol=0, atol=1e-13 * max(minimum.curvatures))
    assert found.is_complete
    assert found.is_finite
    assert found.resolved.all()
    # At the rounded minimum the badly scaled ones have slopes of about 1e-4.
    kind = kind_of_point(bound, x, bound.gradient(x), found, gradient_tolerance=1e-3)
    name = request.node.callspec.id
    assert kind is (PointKind.FLAT if name in TOO_FLAT else PointKind.MINIMUM)


@pytest.mark.sampled
@pytest.mark.parametrize(("problem", "minimum"), minima)
def test_finite_differences_are_off_by_no_more_than_the_uncertainty_tells(problem, minimum):
    bound, x = bound_at(untraceable(problem), np.ravel(minimum.x).astype(float))
    assert not is_exact(bound)
    found = spectrum(bound, x)
    assert np.max(np.abs(found.values - minimum.curvatures)) <= found.uncertainty
    # And it is worth something: six digits are lost by theory, a thousandth is the most over this table.
    assert found.uncertainty <= 1e-3 * max(minimum.curvatures) + 1e-5


@pytest.mark.parametrize("values", [[-3.0], [-1.0, 2.0], [0.0, 1e-3, 5.0], np.linspace(-1, 9, 60), [2.0] * 5])
def test_a_chosen_spectrum_is_found(values):
    matrix = with_spectrum(np.array(values))
    bound, x = bound_at(quadratic(matrix), np.ones(len(values)))
    found = spectrum(bound, x)
    # eigh's backward error is a few eps of the largest; 1e-13 leaves room for the product Q D Q'.
    np.testing.assert_allclose(found.values, values, atol=1e-13 * np.max(np.abs(values)))
    np.testing.assert_allclose(matrix @ found.vectors, found.vectors * found.values, atol=1e-12)
    np.testing.assert_allclose(found.vectors.T @ found.vectors, np.eye(len(values)), atol=1e-12)
    assert found.n_products == 0
    assert found.n_negative == np.sum(np.array(values) < 0)
    assert found.n_flat == np.sum(np.array(values) == 0)
    assert found.n_negative + found.n_flat + found.n_positive == len(values)


def test_the_condition_number_leaves_out_what_is_not_positive():
    def condition(values):
        bound, x = bound_at(quadratic(np.diag(values)), np.ones(len(values)))
        return spectrum(bound, x).condition_number

    assert condition([0.5, 2.0, 10.0]) == 20
    assert condition([0.0, 2.0, 10.0]) == 5
    assert condition([-1.0, 2.0, 10.0]) == 5
    assert condition([-1.0, -2.0]) is None
    assert condition([2.0, 2e12]) == pytest.approx(1e12, rel=1e-12)  # flat for a kind of point, and still known


def large(curvatures, x=None):
    bound, flat = bound_at(lambda x: np.sum(curvatures * x**2) / 2, np.ones(len(curvatures)) if x is None else x)
    return bound, flat, counting(bound)


@pytest.mark.slow
def test_lanczos_finds_the_ends_of_100_000_curvatures_within_200_products():
    curvatures = np.concatenate([[0.01, 0.1], np.linspace(1, 10, 99_996), [50.0, 100.0]])
    bound, x, calls = large(np.random.default_rng(0).permutation(curvatures))
    found = spectrum(bound, x)
    assert len(calls) == found.n_products <= MOST_PRODUCTS
    assert not found.is_complete
    # The residual bounds the error, and it is below 1e-8 of the value where the iteration ends by itself.
    assert found.smallest == pytest.approx(0.01, rel=1e-8)
    assert found.largest == pytest.approx(100, rel=1e-8)
    assert found.condition_number == pytest.approx(1e4, rel=1e-8)
    assert kind_of_point(bound, 0 * x, bound.gradient(0 * x), found) is PointKind.MINIMUM


@pytest.mark.slow
@pytest.mark.parametrize("curvatures", [np.linspace(1, 1000, 20_000), np.geomspace(1e-3, 1e3, 20_000)])
def test_a_clustered_end_is_marked_as_not_resolved(curvatures):
    bound, x, calls = large(curvatures)
    found = spectrum(bound, x)
    assert len(calls) == found.n_products <= MOST_PRODUCTS
    assert not found.resolved[0]
    assert found.smallest is None
    assert found.condition_number is None
    assert kind_of_point(bound, 0 * x, bound.gradient(0 * x), found) is PointKind.UNDECIDED
    # Every value, resolved or not, has an eigenvalue within its residual; 1e-9 is rounding of values up to 1000.
    distance = np.min(np.abs(found.values[:, None] - curvatures), axis=1)
    assert np.all(distance <= found.residuals + 1e-9)
    assert curvatures[0] <= found.values[0]
    assert found.values[-1] <= curvatures[-1]


def test_lanczos_proves_a_direction_downhill():
    curvatures = np.linspace(1, 10, 5000)
    curvatures[77] = -3
    bound, x, _ = large(curvatures)
    found = spectrum(bound, x)
    assert found.n_negative == 1
    assert found.smallest == pytest.approx(-3, rel=1e-8)
    assert kind_of_point(bound, 0 * x, bound.gradient(0 * x), found) is PointKind.SADDLE


@pytest.mark.parametrize("values", [[7.0], [1.0, 7.0], [0.0, 2.0]])
def test_few_distinct_curvatures_take_few_products(values):
    bound, x, calls = large(np.resize(values, 1000))
    found = spectrum(bound, x)
    np.testing.assert_allclose(found.values, values, atol=1e-13)  # a few eps of 7
    assert len(calls) <= 2 * len(values)


def test_lanczos_meets_the_whole_matrix():
    values = np.concatenate([[-2.0], np.linspace(1, 5, 348), [8.0]])
    matrix = with_spectrum(values)
    bound, x = bound_at(quadratic(matrix), np.ones(350))
    assert x.size > DENSE_UP_TO
    found = spectrum(bound, x)
    assert found.smallest == pytest.approx(-2, rel=1e-8)
    assert found.largest == pytest.approx(8, rel=1e-8)
    vector = found.vectors[:, -1]
    assert np.linalg.norm(matrix @ vector - 8 * vector) <= 1e-6  # as far as the residual rule asks, and more


@pytest.mark.slow
def test_products_by_finite_differences_are_not_trusted_beyond_their_noise():
    n = 320
    curvatures = np.linspace(1, 2, n)
    curvatures[0], curvatures[-1] = 0.5, 9.0
    bound, x = bound_at(
        lambda x: np.sum(curvatures * x**2) / 2,
        np.ones(n),
        jac=lambda x: curvatures * np.array(json.loads(json.dumps(x.tolist()))),
    )
    assert not is_exact(bound)
    found = spectrum(bound, x)
    assert abs(found.largest - 9) <= found.uncertainty
    assert abs(found.smallest - 0.5) <= found.uncertainty
    assert found.n_products <= MOST_PRODUCTS


@pytest.mark.slow
def test_products_by_finite_differences_stay_inside_the_bounds():
    n = 310
    box = (np.zeros(n), np.full(n, 0.5))
    seen = []

    def gradient(x):
        point = np.array(json.loads(json.dumps(x.tolist())))
        seen.append((point.min(), point.max()))
        return np.exp(point)

    start = np.linspace(0, 0.5, n)
    bound, x = bound_at(lambda x: np.sum(np.exp(np.array(x.tolist()))), start, box, gradient)
    found = spectrum(bound, x)
    assert min(low for low, _ in seen) >= 0
    assert max(high for _, high in seen) <= 0.5
    # The second derivatives are exp(x), between 1 and exp(1/2).
    assert np.all((found.values >= 1 - found.uncertainty) & (found.values <= math.exp(0.5) + found.uncertainty))


def test_the_free_variables_alone_count():
    matrix = with_spectrum([-1.0, 2.0, 5.0])
    bound, x = bound_at(quadratic(matrix), np.zeros(3))
    free = np.array([True, False, True])
    found = spectrum(bound, x, free=free)
    np.testing.assert_allclose(found.values, np.linalg.eigvalsh(matrix[np.ix_(free, free)]), atol=1e-14)
    assert found.vectors.shape == (3, 2)
    assert not found.vectors[1].any()


def test_the_free_variables_of_many_alone_count():
    curvatures = np.linspace(1, 2, 400)
    curvatures[:3] = -5, 7, 9
    bound, x, _ = large(curvatures)
    found = spectrum(bound, x, free=np.arange(400) > 1)
    assert found.largest == pytest.approx(9, rel=1e-8)
    assert found.n_negative == 0
    assert not found.vectors[:2].any()


@pytest.mark.parametrize("n", [4, 400])
def test_a_scale_gives_the_preconditioned_curvatures(n):
    curvatures, scale = np.linspace(1, 2, n), np.linspace(1, 3, n)
    bound, x, _ = large(curvatures)
    found = spectrum(bound, x, scale=scale)
    # The largest of a product of two rising sequences is at the end, and next to others: Lanczos has four digits.
    assert found.values[-1] == pytest.approx(6, rel=1e-12 if n == 4 else 1e-4)


@pytest.mark.parametrize("n", [2, 400])
def test_a_hessian_that_is_not_finite_is_an_outcome(n):
    bound, x = bound_at(lambda x: np.sum(np.sqrt(np.abs(x))), np.ones(n))
    x = np.zeros(n)
    found = spectrum(bound, x)
    assert not found.is_finite
    assert not found.is_complete
    assert found.values.size == 0
    assert found.largest is found.smallest is found.condition_number is None
    assert kind_of_point(bound, x, np.zeros(n), found) is PointKind.UNDECIDED
    json.dumps(found.to_dict(), allow_nan=False)


@pytest.mark.parametrize("n", [3, 400])
def test_a_start_in_single_precision_works(n):
    curvatures = np.linspace(1, 2, n, dtype=np.float32)
    curvatures[-1] = 8
    bound, x = bound_at(lambda x: np.sum(curvatures * x**2) / 2, np.ones(n, dtype=np.float32))
    found = spectrum(bound, x)
    assert found.values.dtype == float
    assert found.largest == pytest.approx(8, rel=1e-5)  # float32 has seven digits
    assert found.uncertainty > 1e-6


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("formula", "x", "bounds", "kind"),
    [
        ("x^2 + y^2", [0, 0], None, PointKind.MINIMUM),
        ("x^2 - y^2", [0, 0], None, PointKind.SADDLE),
        ("-x^2 - y^2", [0, 0], None, PointKind.MAXIMUM),
        ("x^2 + 0*y", [0, 0], None, PointKind.FLAT),
        ("x^4 + y^4", [0, 0], None, PointKind.FLAT),
        ("x^2 + y^2", [1, 0], None, PointKind.NOT_STATIONARY),
        ("x + y^2", [0, 0], (0, 1), PointKind.AT_BOUND),
        ("x - y^2", [0, 0], (0, 1), PointKind.SADDLE),  # along the edge the loss falls
        ("x + y", [0, 0], (0, 1), PointKind.AT_BOUND),
        ("-x + y^2", [0, 0], (0, 1), PointKind.NOT_STATIONARY),
        ("x^2 + y^2", [0, 0], (0, 1), PointKind.MINIMUM),
    ],
)
def test_the_kind_of_a_point(formula, x, bounds, kind):
    box = None if bounds is None else (np.full(2, float(bounds[0])), np.full(2, float(bounds[1])))
    bound, flat = bound_at(formula, [float(v) for v in x], box)
    gradient = bound.gradient(flat)
    free = None if box is None else ~((flat == 0) & (gradient > 0))
    assert kind_of_point(bound, flat, gradient, spectrum(bound, flat, free=free)) is kind


def test_a_slope_that_is_not_finite_is_not_stationary():
    bound, x = bound_at("x^2", 1.0)
    assert kind_of_point(bound, x, np.array([np.nan]), spectrum(bound, x)) is PointKind.NOT_STATIONARY


def test_it_is_told_as_plain_numbers():
    bound, x = bound_at("x^2 - 2*y^2", [0.0, 0.0])
    told = json.loads(json.dumps(spectrum(bound, x).to_dict(), allow_nan=False))
    assert told["values"] == [-4, 2]
    assert told["resolved"] == [True, True]
    assert (told["largest"], told["smallest"], told["condition_number"]) == (2, -4, 1)
    assert (told["n_negative"], told["n_flat"], told["n_positive"]) == (1, 0, 1)


def test_the_same_point_gives_the_same_spectrum():
    curvatures = np.linspace(1, 100, 1000)
    first, second = (spectrum(*large(curvatures)[:2]) for _ in range(2))
    np.testing.assert_array_equal(first.values, second.values)
    np.testing.assert_array_equal(first.residuals, second.residuals)
