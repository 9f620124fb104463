"""Newton's method: exact where the Hessian is positive definite, downhill elsewhere, and inside bounds."""

import itertools

import numpy as np
import pytest

import downslope
from downslope.methods import Newton
from downslope.methods.eigen import symmetric_eigen


def gradient_of_rosenbrock(p):
    x, y = p
    return np.array([-400 * x * (y - x * x) - 2 * (1 - x), 200 * (y - x * x)])


def hessian_of_rosenbrock(p):
    x, y = p
    return np.array([[1200 * x * x - 400 * y + 2, -400 * x], [-400 * x, 200.0]])


def double_well_and_bowl(p):
    """Saddle at the origin, minima at (0, +-sqrt 2) of height -1."""
    return p[0] ** 2 - p[1] ** 2 + p[1] ** 4 / 4


@pytest.mark.parametrize("engine", ["compiled", "eager"])
def test_one_step_solves_a_quadratic(engine):
    H, b = np.array([[4.0, 1.0, 0.5], [1.0, 3.0, -1.0], [0.5, -1.0, 2.0]]), np.array([1.0, -2.0, 3.0])
    run = downslope.minimize(
        lambda x: 0.5 * x @ H @ x - b @ x, [9.0, -7.0, 5.0], method="newton", learning_rate=1.0, engine=engine
    )
    assert run.status is downslope.Status.GRADIENT_SMALL
    assert run.n_steps == 1
    # The condition number is 7: the solution's rounding error is a few 1e-15.
    assert run.x == pytest.approx(np.linalg.solve(H, b), abs=1e-13)


def test_a_rate_below_one_goes_that_share_of_the_way():
    run = downslope.minimize("(x - 3)^2", 7.0, method="newton", learning_rate=0.25, max_steps=2)
    assert run.path == pytest.approx([7.0, 6.0, 5.25], abs=1e-14)  # 3 + 4 * 0.75^k


@pytest.mark.parametrize("engine", ["compiled", "eager"])
@pytest.mark.parametrize("start", [(-1.2, 1.0), (0.4, -0.3), (2.0, 3.0)])
def test_full_steps_on_rosenbrock_are_newton_s(start, engine):
    run = downslope.minimize("rosenbrock", start, method="newton", learning_rate=1.0, max_steps=20, engine=engine)
    assert run.status is downslope.Status.GRADIENT_SMALL
    points = [np.array(start)]
    for _ in range(run.n_steps):
        H = hessian_of_rosenbrock(points[-1])
        assert np.all(np.linalg.eigvalsh(H) > 0)  # so that nothing is modified on this walk
        points.append(points[-1] - np.linalg.solve(H, gradient_of_rosenbrock(points[-1])))
    # The condition number is 2,500 near the minimum and one step squares the error before it.
    np.testing.assert_allclose(run.path, np.stack(points), rtol=0, atol=1e-10)
    assert run.x == pytest.approx([1.0, 1.0], abs=1e-8)


def test_convergence_is_quadratic_at_the_end():
    run = downslope.minimize("rosenbrock", method="newton", learning_rate=1.0, gradient_tolerance=1e-9)
    distance = np.linalg.norm(run.path - 1.0, axis=1)
    *_, before, last_but_one, _last = distance
    assert last_but_one < 10 * before**2 < 1e-2


@pytest.mark.parametrize("seed", range(20))
def test_the_direction_is_downhill_for_any_symmetric_hessian(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 6))
    A = rng.normal(size=(n, n))
    H, gradient = A + A.T, rng.normal(size=n)
    step, _ = Newton().update(gradient, (), 1.0, H)
    assert step @ gradient < 0
    # -Q |L|^-1 Q' g, by the matrix square root: |H| = (H H)^(1/2).
    values, vectors = np.linalg.eigh(H @ H)
    size = vectors @ np.diag(np.sqrt(values)) @ vectors.T
    # H H squares the condition number, of which 1e4 is the worst among these seeds.
    np.testing.assert_allclose(size @ step, -gradient, atol=1e-8)


def test_at_an_indefinite_point_plain_newton_would_climb_and_ours_descends():
    x = np.array([0.3, 0.1])
    gradient = np.array([2 * x[0], -2 * x[1] + x[1] ** 3])
    H = np.diag([2.0, -2 + 3 * x[1] ** 2])
    plain = -np.linalg.solve(H, gradient)
    step, _ = Newton().update(gradient, (), 1.0, H)
    assert plain[1] * gradient[1] > 0  # towards the saddle: uphill in y
    assert step[1] * gradient[1] < 0
    assert step[0] == pytest.approx(plain[0], rel=1e-14)


@pytest.mark.parametrize("side", [1, -1])
def test_newton_leaves_a_saddle_s_neighbourhood(side):
    run = downslope.minimize(double_well_and_bowl, [0.3, side * 1e-6], method="newton")
    assert run.status is downslope.Status.GRADIENT_SMALL
    # The curvature at the minima is 2 and 4, so a gradient of 1e-6 leaves at most 5e-7 of distance.
    assert run.x == pytest.approx([0.0, side * np.sqrt(2)], abs=1e-6)
    assert np.all(np.diff(run.losses) <= 0)


def test_a_flat_hessian_gives_the_gradient_step():
    step, _ = Newton().update(np.array([3.0, -4.0]), (), 0.5, np.zeros((2, 2)))
    assert step.tolist() == [-1.5, 2.0]


def test_a_hessian_that_is_not_finite_ends_the_run_as_not_finite():
    step, _ = Newton().update(np.array([1.0, 1.0]), (), 1.0, np.array([[1.0, np.nan], [np.nan, 1.0]]))
    assert np.all(np.isnan(step))


def test_curvatures_below_the_damping_s_share_are_raised_to_it():
    step, _ = Newton(damping=0.1).update(np.array([1.0, 1.0]), (), 1.0, np.diag([10.0, 1e-6]))
    assert step == pytest.approx([-0.1, -1.0], rel=1e-14)  # 1 / 10, and 1 / (0.1 * 10)


def test_with_bounds_rosenbrock_ends_at_the_bound_by_karush_kuhn_and_tucker():
    run = downslope.minimize("rosenbrock", [-1.2, 0.8], method="newton", bounds=[(-2, 0.5), (-2, 2)])
    assert run.status is downslope.Status.GRADIENT_SMALL
    assert run.x == pytest.approx([0.5, 0.25], abs=1e-8)  # on x = 0.5 the best y is x^2
    pull_x, pull_y = gradient_of_rosenbrock(run.x)
    assert pull_x == pytest.approx(-1.0, abs=1e-5)  # -2 (1 - 0.5): held by the upper bound
    assert abs(pull_y) <= 1e-6
    assert np.all(run.path <= [0.5, 2])


def minimum_in_a_box(H, b, low, high):
    """Of x'Hx/2 - b'x, by trying each way to hold coordinates at a bound: the definition of KKT."""
    n = len(b)
    for held in itertools.product((-1, 0, 1), repeat=n):
        side = np.array(held)
        x = np.where(side < 0, low, high)
        free = side == 0
        x[free] = np.linalg.solve(H[np.ix_(free, free)], (b - H[:, ~free] @ x[~free])[free])
        gradient = H @ x - b
        inside = np.all((x >= low - 1e-12) & (x <= high + 1e-12))
        if inside and np.all(gradient[side < 0] >= 0) and np.all(gradient[side > 0] <= 0):
            return x
    raise AssertionError("a strictly convex quadratic has one minimum in a box")


@pytest.mark.sampled
@pytest.mark.parametrize("seed", range(25))
def test_with_bounds_a_random_convex_quadratic_is_solved(seed):
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(3, 3))
    H, b = A @ A.T + 0.1 * np.eye(3), 3 * rng.normal(size=3)
    low, high = -np.ones(3), np.ones(3)
    run = downslope.minimize(
        lambda x: float(0.5 * x @ H @ x - b @ x),
        rng.uniform(-1, 1, size=3),
        jac=lambda x: H @ x - b,
        method="newton",
        bounds=(-1, 1),
        engine="eager",
        max_steps=500,
    )
    assert run.status is downslope.Status.GRADIENT_SMALL
    # P(x - g) - x within 1e-6, over the smallest curvature, 0.1, with room for the largest (up to 20).
    np.testing.assert_allclose(run.x, minimum_in_a_box(H, b, low, high), rtol=0, atol=1e-4)


def test_a_search_takes_one_hessian_a_step_however_many_trials_it_makes():
    from downslope.engines import job

    counted = []

    class Counting(job.Oracle):
        def __new__(cls, value, value_and_gradient, hessian, traceable):
            counting = lambda x: counted.append(1) or hessian(x)  # noqa: E731
            return super().__new__(cls, value, value_and_gradient, counting, traceable)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(job, "Oracle", Counting)
        run = downslope.minimize("rosenbrock", method="newton", engine="eager")
    assert run.n_evaluations > run.n_steps + 20  # Rosenbrock's valley makes it search
    assert len(counted) == run.n_steps  # one for each step made; the last row ends before


@pytest.mark.parametrize("scale", [1e-150, 1e-9, 1.0, 1e9, 1e150])
def test_two_by_two_eigenvectors_are_those_of_lapack(scale):
    rng = np.random.default_rng(0)
    entries = np.vstack([rng.normal(size=(200, 3)), [[1, 0, 1], [0, 0, 0], [1, 1, 1], [3, 1e-12, 3], [-2, 0, 5]]])
    for a, b, c in entries * scale:
        matrix = np.array([[a, b], [b, c]])
        values, vectors = symmetric_eigen(np, matrix)
        # Rounding of a handful of operations, relative to the largest entry.
        tiny = 8 * np.finfo(float).eps
        np.testing.assert_allclose(np.sort(values), np.linalg.eigvalsh(matrix), rtol=0, atol=tiny * 2 * scale * 4)
        np.testing.assert_allclose(vectors @ np.diag(values) @ vectors.T, matrix, rtol=0, atol=tiny * 4 * scale)
        np.testing.assert_allclose(vectors.T @ vectors, np.eye(2), rtol=0, atol=tiny)
