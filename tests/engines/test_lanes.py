"""Many runs at once: each lane ends as the single run does, whatever runs beside it."""

import signal
import subprocess
import sys
import time

import jax
import numpy as np
import pytest

import downslope
from downslope import Adam, GradientDescent, Momentum, Status
from downslope.bounds import as_bounds
from downslope.engines.lanes import OF_EACH_LANE, feeding, run_lanes
from downslope.engines.step import Rules
from downslope.learning_rates import (
    Backtracking,
    BarzilaiBorwein,
    Constant,
    Cosine,
    GeometricDecay,
    Polyak,
    WarmRestarts,
    WarmUp,
    as_learning_rate,
)
from downslope.methods import as_method
from downslope.minimization import as_limits
from downslope.objectives.objective import Objective
from downslope.objectives.structure import Structure
from tests.engines.test_compiled import TRACED, compiles_nothing

pytestmark = pytest.mark.slow  # each compiles many runs at once

RANDOM = np.random.default_rng(7)
BEGINNING = RANDOM.bit_generator.state


@pytest.fixture(autouse=True)
def _the_same_numbers_whichever_tests_came_before():
    RANDOM.bit_generator.state = BEGINNING


def himmelblau(x):
    return (x[0] ** 2 + x[1] - 11) ** 2 + (x[0] + x[1] ** 2 - 7) ** 2


def wells(x):
    """Transcendental functions, whose vectorised kernels are other code than the scalar ones."""
    return np.sum(x**2) / 10 - np.exp(-np.sum((x - 1) ** 2)) + np.log(1 + x[0] ** 2) * np.sin(x[1])


def half_plane(x):
    """Not finite below x[0] = 0."""
    return np.sqrt(x[0]) + x[0] ** 2 - 3 * x[0] + x[1] ** 2


def run(fun, starts, numbers=None, **options):
    """Lanes, from what `minimize` would be given."""
    starts = np.asarray(starts, dtype=float)
    structure, x0 = Structure.of(starts[0])
    method = as_method(options.pop("method", "gradient_descent"))
    rate = as_learning_rate(options.pop("learning_rate", None), method)
    bounds = as_bounds(options.pop("bounds", None), structure, x0)
    noise, seed, progress = (
        options.pop(name, none) for name, none in (("noise", None), ("seed", 0), ("progress", None))
    )
    limits = {"max_steps": 10_000, "target": None, "tolerance": 1e-6, "limit": None, **options}
    rules = Rules(method, rate, as_limits(**limits), bounds, noise, seed)
    return run_lanes(Objective.of(fun), rules, structure, starts, numbers, progress=progress)


def single(fun, start, **options):
    for ours, theirs in (("target", "target_loss"), ("tolerance", "gradient_tolerance"), ("limit", "loss_limit")):
        if ours in options:
            options[theirs] = options.pop(ours)
    return downslope.minimize(fun, start, **options)


def assert_lane_is(lanes, k, run, rtol, atol=0.0):
    """Lane k ended as this run did; its summary is what NumPy reads off the run's record."""
    assert Status(lanes.status[k]) is run.status
    assert lanes.n_steps[k] == run.n_steps
    assert lanes.n_evaluations[k] == run.n_evaluations
    np.testing.assert_allclose(lanes.x[k], np.ravel(run.x), rtol=rtol, atol=atol)
    np.testing.assert_allclose(lanes.loss[k], run.loss, rtol=rtol, atol=atol)
    np.testing.assert_allclose(lanes.gradient_norm[k], run.gradient_norms[-1], rtol=rtol, atol=atol)
    # Terms of size 1 cancel in it, and round in their last bit: 2^-52.
    np.testing.assert_allclose(lanes.first_loss[k], run.losses[0], rtol=1e-14, atol=1e-15)
    best = np.nan if np.isnan(run.losses).all() else np.nanmin(run.losses)
    np.testing.assert_allclose(lanes.best_loss[k], best, rtol=rtol, atol=atol)


# Lanes and single runs are the same code in two compilations, each free to contract a product and a sum. Descents
# that settle forget the difference but for the last digits of a gradient of 1e-6 at losses of order 1 to 1e2.
ROUNDING = {"rtol": 1e-9, "atol": 1e-12}


@pytest.mark.parametrize(
    ("fun", "method", "rate"),
    [
        (himmelblau, "gradient_descent", 0.005),
        (himmelblau, "momentum", 0.001),
        pytest.param(himmelblau, "nesterov", 0.001, marks=pytest.mark.slow),
        (himmelblau, "adam", 0.05),
        pytest.param(himmelblau, "adagrad", 0.5, marks=pytest.mark.slow),
        pytest.param(himmelblau, "rmsprop", GeometricDecay(0.05, 0.99), marks=pytest.mark.slow),
        pytest.param(himmelblau, "sign_descent", GeometricDecay(0.3, 0.9), marks=pytest.mark.slow),
        (himmelblau, "newton", None),
        (himmelblau, "gradient_descent", None),
        (himmelblau, "gradient_descent", BarzilaiBorwein()),
        pytest.param(himmelblau, "gradient_descent", Polyak(0.0), marks=pytest.mark.slow),
        pytest.param(himmelblau, "gradient_descent", Cosine(0.01, 200), marks=pytest.mark.slow),
        pytest.param(himmelblau, "gradient_descent", WarmUp(WarmRestarts(0.01, 20), 7), marks=pytest.mark.slow),
        (himmelblau, "gradient_descent", [0.004, 0.006]),
        pytest.param(wells, "gradient_descent", 0.05, marks=pytest.mark.slow),
        (wells, "adam", 0.05),
        pytest.param(wells, "gradient_descent", Backtracking(initial=0.1, slope=0.1), marks=pytest.mark.slow),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_every_lane_ends_as_the_single_run(fun, method, rate):
    starts = RANDOM.uniform(-4, 4, (25, 2))
    options = {"method": method, "learning_rate": rate, "max_steps": 400}
    lanes = run(fun, starts, **options)
    assert not lanes.reason
    # Adam divides by what it remembers, and a lane that is still on its way keeps each difference.
    rounding = ROUNDING | ({"rtol": 1e-6} if method == "adam" else {})
    for k, start in enumerate(starts):
        assert_lane_is(lanes, k, downslope.minimize(fun, start, **options), **rounding)


def test_each_lane_has_its_own_numbers():
    starts = RANDOM.uniform(-3, 3, (20, 2))
    betas, rates = RANDOM.uniform(0, 0.9, 20), RANDOM.uniform(0.001, 0.01, 20)
    lanes = run(
        himmelblau,
        starts,
        {"method.beta": betas, "learning_rate.rate": rates},
        method="momentum",
        learning_rate=0.1,
    )
    for k, (start, beta, rate) in enumerate(zip(starts, betas, rates, strict=True)):
        alone = downslope.minimize(himmelblau, start, method=Momentum(beta), learning_rate=rate)
        assert_lane_is(lanes, k, alone, **ROUNDING)


def test_each_lane_has_its_own_rate_for_each_coordinate():
    rates = RANDOM.uniform(0.001, 0.01, (6, 2))
    lanes = run(himmelblau, np.tile([1.0, 1.0], (6, 1)), {"learning_rate.rate": rates}, learning_rate=[0.1, 0.1])
    for k, rate in enumerate(rates):
        assert_lane_is(lanes, k, downslope.minimize(himmelblau, [1.0, 1.0], learning_rate=rate), **ROUNDING)


@pytest.mark.parametrize(
    ("fun", "start", "options", "status"),
    [
        ("x^2 + 0 y", [1e150, 0.0], {"learning_rate": 1.5}, Status.NOT_FINITE),
        (half_plane, [0.01, 0.0], {"learning_rate": 0.5}, Status.NOT_FINITE),
        ("x^2 + y^2", [5.0, 1.0], {"learning_rate": 1.1, "limit": 100.0}, Status.DIVERGED),
        (himmelblau, [1.0, 1.0], {"learning_rate": 0.01, "target": 0.5}, Status.TARGET_REACHED),
        (himmelblau, [1.0, 1.0], {"learning_rate": 0.01}, Status.GRADIENT_SMALL),
        ("x^2 + y^2", [3.0, 0.0], {"learning_rate": 0.5, "tolerance": None}, Status.GRADIENT_SMALL),
        ("x^2 + y^2", [3.0, 1.0], {"learning_rate": Backtracking(1e6, max_trials=3)}, Status.LINE_SEARCH_FAILED),
        ("abs(x) + abs(y)", [1.0, 2.0], {"learning_rate": 1e-20}, Status.STALLED),
        (himmelblau, [1.0, 1.0], {"learning_rate": 0.001, "max_steps": 7}, Status.MAX_STEPS),
        (himmelblau, [1.0, 1.0], {"learning_rate": 0.001, "max_steps": 0}, Status.MAX_STEPS),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_a_lane_ends_with_every_status_as_the_single_run_does(fun, start, options, status):
    alone = single(fun, start, **options)
    assert alone.status is status
    lanes = run(fun, [start, np.multiply(start, 0.5), start], **options)
    for k in (0, 2):
        assert_lane_is(lanes, k, alone, rtol=1e-12)


def test_the_summary_is_what_the_record_says():
    starts = RANDOM.uniform(-3, 3, (30, 2))
    options = {"learning_rate": 0.02, "max_steps": 300}  # some bounce: the loss rises on the way
    lanes = run(himmelblau, starts, **options)
    for k, start in enumerate(starts):
        alone = downslope.minimize(himmelblau, start, **options)
        last, before = alone.path[-1] - alone.path[-2], alone.path[-2] - alone.path[-3]
        sizes = np.linalg.norm(last), np.linalg.norm(before)
        # Steps of a settled descent are differences of nearby points, good to 1e-16 / 1e-8 or so.
        assert lanes.turn[k] == pytest.approx(last @ before / np.prod(sizes), abs=1e-4)
        assert lanes.growth[k] == pytest.approx(sizes[0] / sizes[1], rel=1e-4)
        assert lanes.n_rises[k] == np.sum(np.diff(alone.losses) > 0)
    assert lanes.n_rises.max() > 0


def test_the_turn_and_growth_of_a_parabola_are_those_of_its_multiplier():
    # x <- (1 - 2a) x: each step is the one before times 1 - 2a.
    rates = np.array([0.1, 0.4, 0.6, 0.9, 1.2])
    lanes = run("x^2 + 0 y", np.tile([3.0, 0.0], (5, 1)), {"learning_rate.rate": rates}, learning_rate=1.0, max_steps=9)
    np.testing.assert_allclose(lanes.turn, np.sign(1 - 2 * rates), rtol=1e-12)
    np.testing.assert_allclose(lanes.growth, np.abs(1 - 2 * rates), rtol=1e-12)
    assert lanes.n_rises.tolist() == [0, 0, 0, 0, 9]
    np.testing.assert_allclose(lanes.best_loss, 9 * np.minimum(1, (1 - 2 * rates) ** 18), rtol=1e-12)


def test_fewer_than_two_steps_have_no_turn():
    lanes = run("x^2 + y^2", [[3.0, 0.0], [0.0, 0.0]], learning_rate=0.5)
    assert lanes.n_steps.tolist() == [1, 0]
    assert np.isnan([lanes.turn, lanes.growth]).all()


def matrix_loss(x):
    return np.sum(np.tanh(MATRIX @ x - 1) ** 2) + np.linalg.norm(x)


MATRIX = np.random.default_rng(3).normal(size=(7, 5))


def log_of_the_last(x):
    """Its vectorised loops end in scalar code: with five variables, in the last slots only."""
    return np.sum(x**2) / 10 + np.log(1 + x[0] ** 2) * x[1]


@pytest.mark.parametrize(
    ("fun", "n", "method"),
    [(himmelblau, 2, "gradient_descent"), (wells, 3, "adam"), (wells, 4, "momentum"), (matrix_loss, 5, "adam")],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_a_lane_does_not_depend_on_its_neighbours(fun, n, method):
    starts = RANDOM.uniform(-3, 3, (3000, n))
    rates = RANDOM.uniform(0.001, 0.03, 3000)
    options = {"method": method, "learning_rate": 0.1, "max_steps": 150}
    lanes = run(fun, starts, {"learning_rate.rate": rates}, **options)
    shuffled = RANDOM.permutation(3000)[:1700]
    others = run(fun, starts[shuffled], {"learning_rate.rate": rates[shuffled]}, **options)
    for name in OF_EACH_LANE:
        np.testing.assert_array_equal(getattr(others, name), getattr(lanes, name)[shuffled], err_msg=name)


@pytest.mark.parametrize(("fun", "n"), [(log_of_the_last, 5), (wells, 100)], ids=["5 variables", "100 variables"])
def test_a_lane_does_not_depend_on_its_slot(fun, n):
    for start in RANDOM.uniform(-3, 3, (20, n)):
        lanes = run(fun, np.tile(start, (600, 1)), learning_rate=0.03, max_steps=60)
        for name in OF_EACH_LANE:
            assert len(np.unique(getattr(lanes, name), axis=0)) == 1


def test_a_lane_that_meets_nan_ends_alone():
    starts = RANDOM.uniform(0.5, 3, (600, 2))
    bad = np.arange(600) % 3 == 0
    beside = starts.copy()
    beside[bad, 0] *= -1
    lanes, alone = (run(half_plane, points, learning_rate=0.05) for points in (beside, starts[~bad]))
    assert set(lanes.status[bad]) == {Status.NOT_FINITE}
    assert set(lanes.status[~bad]) == {Status.GRADIENT_SMALL}
    np.testing.assert_array_equal(lanes.x[~bad], alone.x)
    np.testing.assert_array_equal(lanes.x[bad], beside[bad])
    assert np.isnan(lanes.best_loss[bad]).all()


def test_bounds_hold_and_no_lane_looks_outside():
    def only_inside(x):
        return himmelblau(x) + np.where((x >= 0) & (x <= 2.5), 0.0, np.nan).sum()

    starts = RANDOM.uniform(0, 2.5, (40, 2))
    for method in ("gradient_descent", "nesterov"):
        options = {"method": method, "learning_rate": 0.01, "bounds": (0, 2.5)}
        lanes = run(only_inside, starts, **options)
        assert set(lanes.status) == {Status.GRADIENT_SMALL}
        for k, start in enumerate(starts):
            assert_lane_is(lanes, k, downslope.minimize(only_inside, start, **options), **ROUNDING)


def test_each_lane_has_its_own_noise_and_the_single_runs():
    seeds = np.array([3, 4, 3])
    options = {"learning_rate": 0.01, "noise": 0.5, "max_steps": 60}
    lanes = run(himmelblau, np.tile([1.0, 1.0], (3, 1)), {"seed": seeds}, **options)
    np.testing.assert_array_equal(lanes.x[0], lanes.x[2])
    for k, seed in enumerate(seeds):
        alone = downslope.minimize(himmelblau, [1.0, 1.0], seed=int(seed), **options)
        assert_lane_is(lanes, k, alone, rtol=1e-9)


def counted(x):
    if not isinstance(x[0], np.float64):
        TRACED.add()
    return np.cosh(x[0]) + x[1] ** 2 + 0.5 * x[0] * x[1]


@pytest.mark.parametrize(
    "method", [Adam(), pytest.param(Momentum(), marks=pytest.mark.slow)], ids=lambda method: type(method).__name__
)
def test_neither_new_values_nor_another_size_recompile(method):
    def sweep(m, max_steps, **options):
        rates = RANDOM.uniform(0.01, 0.1, m)
        starts = RANDOM.uniform(-2, 2, (m, 2))
        return run(
            counted,
            starts,
            {"learning_rate.rate": rates},
            method=method,
            learning_rate=0.2,
            max_steps=max_steps,
            **options,
        )

    sweep(3, 5)
    feeding_small = sweep(20_000, 40)  # several pages, both threads, calls that end in the middle
    assert set(feeding_small.status) <= {Status.MAX_STEPS, Status.GRADIENT_SMALL}
    traced = TRACED.n
    with compiles_nothing():
        sweep(1, 3)
        sweep(777, 100, tolerance=1e-3)
        sweep(30_000, 20, target=1.5)
    assert TRACED.n == traced


@pytest.mark.slow
def test_a_long_run_of_many_calls_is_one_run(monkeypatch):
    starts = RANDOM.uniform(-3, 3, (700, 2))
    at_once = run(wells, starts, learning_rate=0.01, max_steps=3000)
    monkeypatch.setattr(feeding, "SECONDS_A_CALL", 1e-5)
    in_pieces = run(wells, starts, learning_rate=0.01, max_steps=3000)
    for name in ("x", "loss", "status", "n_steps", "turn", "n_rises"):
        np.testing.assert_array_equal(getattr(at_once, name), getattr(in_pieces, name))


def branches(x):
    return abs(x[0]) + x[1] ** 2 if x[0] > 1 else x[0] ** 2 + x[1] ** 2


@pytest.mark.parametrize(
    ("fun", "options", "reason"),
    [
        (branches, {"learning_rate": 0.1}, "branches on its values"),
        (himmelblau, {"learning_rate": lambda k: 0.01 / (1 + k)}, "Python code"),
    ],
    ids=["a branch", "a rate function"],
)
def test_what_does_not_compile_runs_one_by_one_with_the_same_results(fun, options, reason):
    starts = [[0.5, 0.3], [3.0, 1.0], [-1.0, 4.0]]
    told = []
    lanes = run(fun, starts, max_steps=50, progress=told.append, **options)
    assert reason in lanes.reason
    assert told == [1, 2, 3]
    for k, start in enumerate(starts):
        alone = downslope.minimize(fun, start, max_steps=50, **options)
        assert_lane_is(lanes, k, alone, rtol=0)


def test_one_by_one_agrees_with_the_compiled_lanes(monkeypatch):
    starts = RANDOM.uniform(-3, 3, (12, 2))
    betas = RANDOM.uniform(0, 0.5, 12)
    options = {"method": "momentum", "learning_rate": 0.003}
    together = run(himmelblau, starts, {"method.beta": betas}, **options)
    monkeypatch.setattr("downslope.engines.lanes.running._why_one_by_one", lambda *_: "asked for")
    apart = run(himmelblau, starts, {"method.beta": betas}, **options)
    for name in ("x", "loss", "status", "n_steps", "n_evaluations", "first_loss", "best_loss", "n_rises"):
        np.testing.assert_allclose(getattr(together, name), getattr(apart, name), **ROUNDING, err_msg=name)
    for name in ("turn", "growth"):  # read off steps of 1e-8, whose last digits are rounding
        np.testing.assert_allclose(getattr(together, name), getattr(apart, name), rtol=1e-4, err_msg=name)


def test_a_changed_capture_is_seen():
    class Weight:  # invisible to a fingerprint, as anything with slots is
        __slots__ = ("value",)

    weight = Weight()
    weight.value = 1.0

    def loss(x):
        return weight.value * np.sum((x - 1) ** 2)

    starts = [[3.0, 0.0], [2.0, 2.0]]
    before = run(loss, starts, learning_rate=0.1, max_steps=0)
    weight.value = 5.0
    np.testing.assert_allclose(run(loss, starts, learning_rate=0.1, max_steps=0).loss, 5 * before.loss)


def test_progress_counts_to_the_end_and_the_user_s_precision_stays():
    told = []
    run(himmelblau, RANDOM.uniform(-3, 3, (2000, 2)), learning_rate=0.005, progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 2000
    assert jax.numpy.ones(1).dtype == np.float32


def test_a_number_that_the_rules_lack_is_named():
    with pytest.raises(KeyError, match=r"method\.beta"):
        run(himmelblau, [[1.0, 1.0]], {"method.beta": [0.5]}, learning_rate=0.1)


def test_single_precision_stays_single():
    starts = RANDOM.uniform(-3, 3, (10, 2)).astype(np.float32)
    structure, _ = Structure.of(starts[0])
    rules = Rules(Adam(), Constant(0.05), as_limits(50, None, None, None), None, None, 0)
    lanes = run_lanes(Objective(himmelblau), rules, structure, starts)
    assert lanes.x.dtype == lanes.loss.dtype == np.float32
    for k, start in enumerate(starts):
        alone = downslope.minimize(himmelblau, start, method="adam", learning_rate=0.05, max_steps=50)
        np.testing.assert_allclose(lanes.x[k], alone.x, rtol=1e-4)  # 50 steps of 6e-8


def test_the_bad_starts_of_a_sweep_are_lanes_of_their_own():
    lanes = run(half_plane, [[-1.0, 0.0], [-2.0, 0.0], [1.0, 0.0]], learning_rate=0.05)
    assert lanes.status.tolist() == [Status.NOT_FINITE, Status.NOT_FINITE, Status.GRADIENT_SMALL]
    assert np.isnan(lanes.first_loss[:2]).all()
    with pytest.raises(downslope.InvalidObjective, match="must be finite"):
        run(half_plane, [[-1.0, 0.0], [-2.0, 0.0]], learning_rate=0.05)


def test_no_lanes_give_no_results():
    rules = Rules(GradientDescent(), Constant(0.1), as_limits(5, None, None, None), None, None, 0)
    assert len(run_lanes(Objective(himmelblau), rules, Structure.of([0.0, 0.0])[0], np.empty((0, 2)))) == 0


INTERRUPTED = """
import numpy as np
from downslope.engines.lanes import run_lanes
from tests.engines.test_lanes import himmelblau, run

n_steps = np.where(np.arange(8000) % 2, 1e-2, 1e-12)
def told(n):
    if n:
        print("ready", flush=True)
lanes = run(himmelblau, np.tile([1.0, 1.0], (8000, 1)), {"learning_rate.rate": n_steps}, learning_rate=0.1,
            max_steps=10**12, progress=told)
print("done", *np.bincount(lanes.status, minlength=10), lanes.n_steps[0], lanes.x[0, 0], lanes.loss[-2])
"""


def test_a_signal_keeps_the_lanes_that_have_ended():
    with subprocess.Popen([sys.executable, "-c", INTERRUPTED], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == "ready\n"
            began = time.monotonic()
            process.send_signal(signal.SIGINT)
            line = next(line for line in process.stdout if line.startswith("done"))
            seconds = time.monotonic() - began
        finally:
            process.kill()
    *counts, n_steps, x, loss = (float(word) for word in line.split()[1:])
    assert counts[Status.GRADIENT_SMALL] > 100
    assert counts[Status.GRADIENT_SMALL] + counts[Status.INTERRUPTED] == 8000
    assert n_steps > 100  # in a slot when the signal came
    assert x == pytest.approx(1.0, abs=1e-3)
    assert np.isnan(loss)  # never begun
    assert seconds < 5  # calls take 0.1 s; the rest is for a machine that is busy with other tests


def test_ctrl_c_that_comes_after_the_last_lane_is_told():
    def told(n):
        if n == 10:
            raise KeyboardInterrupt

    starts = np.tile([1.0, 1.0], (10, 1))
    lanes = run(himmelblau, starts, learning_rate=0.01, max_steps=1000, progress=told)
    assert (lanes.status == Status.GRADIENT_SMALL).all()
    assert lanes.is_cut_short
    assert not run(himmelblau, starts, learning_rate=0.01, max_steps=1000).is_cut_short


def test_a_number_is_a_number_in_the_user_s_function():
    structure, _ = Structure.of(5.0)
    rules = Rules(GradientDescent(), Constant(0.1), as_limits(50, None, None, None), None, None, 0)
    lanes = run_lanes(Objective(lambda x: x**2), rules, structure, np.array([[5.0], [-1.0]]))
    np.testing.assert_allclose(lanes.x[:, 0], np.array([5.0, -1.0]) * 0.8**50, rtol=1e-13)
