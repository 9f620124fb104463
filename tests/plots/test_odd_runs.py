"""Whatever a run holds, its pictures are drawn: nothing raises, nothing warns, and the frame holds what is finite."""

import dataclasses
import functools

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import downslope
from downslope import Status, plots
from downslope.plots.region import finite_points, interval_of, region_of, runs_away
from tests.plots.looking import rendered

pytestmark = pytest.mark.slow  # many pictures

ODD = [0.0, -0.0, 1.0, -1.0, 5.0, 1e-300, -1e-9, 1e9, 1e99, 1e101, -1e300, np.inf, -np.inf, np.nan]
# Each example draws several figures; shrinking one that fails would take minutes.
UNSHRUNK = (Phase.explicit, Phase.reuse, Phase.generate)
FUNCTIONS = {1: ("x^2", 5.0), 2: ("0.2*x1^2 + x2^2", [9.0, -3.0]), 3: ("sum(x^2)", [1.0, 2.0, 3.0])}


@functools.cache
def real_run(n):
    fun, start = FUNCTIONS[n]
    return downslope.minimize(fun, start, learning_rate=0.1, max_steps=3)


@st.composite
def odd_runs(draw, sizes=(1, 2, 3)):
    """A run whose points and losses are whatever they like."""
    n = draw(st.sampled_from(sizes))
    rows = draw(st.integers(1, 6))
    numbers = st.one_of(st.sampled_from(ODD), st.floats(width=64), st.floats(-10, 10))
    column = st.lists(numbers, min_size=rows, max_size=rows)
    points = np.array([draw(column) for _ in range(n)]).T
    if draw(st.booleans()):
        points[:] = points[0]
    losses, rates = np.array(draw(column)), np.array(draw(column))
    run = real_run(n)
    path = points[:, 0] if n == 1 else points
    x = path[-1] if n > 1 else float(path[-1])
    return dataclasses.replace(
        run,
        x=x if np.all(np.isfinite(x)) else run.x,
        loss=float(losses[-1]),
        status=draw(st.sampled_from([Status.NOT_FINITE, Status.MAX_STEPS, Status.GRADIENT_SMALL])),
        n_steps=rows - 1,
        path=path,
        path_steps=np.arange(rows),
        losses=losses,
        gradient_norms=np.abs(losses),
        learning_rates=rates,
    )


@settings(max_examples=12, phases=UNSHRUNK)
@given(odd_runs())
def test_any_run_is_drawn(run):
    for picture in (run.plot, lambda: plots.history(run), lambda: run.plot(step=run.n_steps // 2)):
        rendered(picture())


@settings(max_examples=8, phases=UNSHRUNK)
@given(odd_runs(sizes=(2,)), odd_runs(sizes=(2,)))
def test_any_two_runs_are_drawn_together(run, other):
    for picture in (plots.compare([run, other]), plots.paths([run, other]), plots.surface(run)):
        rendered(picture)


@settings(max_examples=100)
@given(odd_runs(sizes=(1, 2)))
def test_the_frame_has_a_size_and_holds_the_points_of_a_run_that_stays(run):
    for low, high in region_of([run]):
        assert np.isfinite(low)
        assert low < high
    if not runs_away(run):
        low, high = np.transpose(region_of([run]))
        points = finite_points(run)
        assert np.all((points >= low) & (points <= high))


@pytest.mark.parametrize("n", FUNCTIONS)
@pytest.mark.parametrize("max_steps", [0, 1])
def test_runs_of_no_step_and_one_are_drawn(n, max_steps):
    fun, start = FUNCTIONS[n]
    run = downslope.minimize(fun, start, learning_rate=0.1, max_steps=max_steps)
    rendered(run.plot())
    rendered(plots.history(run))


@pytest.mark.parametrize("fun", ["x^4", "exp(x)", "-x^2", "x^3", "1/x", "sqrt(x)"])
def test_runs_that_blow_up_are_drawn(fun):
    run = downslope.minimize(fun, 3.0, learning_rate=1.1, max_steps=3000, gradient_tolerance=None)
    rendered(run.plot())
    rendered(plots.compare([run, run]))


def test_the_function_is_not_asked_beyond_the_bounds_of_its_run():
    asked = []

    def inside_only(x):
        asked.append(float(np.max(np.abs(x))))
        return float(np.sum(np.asarray(x) ** 2))

    for start in (0.9, [0.9, 0.5], [0.9, 0.5, 0.3]):
        run = downslope.minimize(inside_only, start, bounds=(-1, 1), max_steps=4, learning_rate=0.01)
        asked.clear()
        rendered(run.plot())
        assert len(asked) > 100
        assert max(asked) <= 1


def test_a_gallery_problem_s_near_minima_are_in_the_frame():
    run = downslope.minimize("parabola", 5.0, learning_rate=0.01, max_steps=20)
    low, high = interval_of([run])
    assert low < 0 < 5 < high
