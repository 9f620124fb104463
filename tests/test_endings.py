"""Each status has an example, in both engines where both can reach it; and the first that holds wins."""

import math
import traceback

import numpy as np
import pytest

import downslope
from downslope import CallbackFailed, ObjectiveFailed, Status
from downslope.engines import compiled
from downslope.learning_rates import Backtracking

both_engines = pytest.mark.parametrize("engine", ["eager", "compiled"])


def square(x):
    return x**2


def walk(**options):
    """The parabola from 5 at rate 0.1, where x = 5 * 0.8^k."""
    return downslope.minimize(square, 5.0, **{"learning_rate": 0.1, **options})


@both_engines
class TestEachStatus:
    def test_not_finite_is_a_loss_that_overflows(self, engine):
        run = walk(learning_rate=1.1, engine=engine)  # |x| grows by 1.2 a step
        assert run.status is Status.NOT_FINITE
        assert run.losses[-1] == math.inf
        assert run.x == run.path[-2]
        assert run.loss == run.losses[-2] == pytest.approx(25 * 1.44 ** (run.n_steps - 1), rel=1e-10)
        # 25 * 1.44^k passes 1.8e308 at the first whole k above this.
        assert run.n_steps == math.ceil(math.log(np.finfo(float).max / 25) / math.log(1.44))

    def test_diverged_is_a_loss_above_its_limit(self, engine):
        run = walk(learning_rate=1.1, loss_limit=1e3, engine=engine)
        assert run.status is Status.DIVERGED
        assert run.losses[-2] <= 1e3 < run.losses[-1] == run.loss

    def test_target_reached_is_a_loss_at_the_target(self, engine):
        run = walk(target_loss=1.0, engine=engine)
        assert run.status is Status.TARGET_REACHED
        assert run.losses[-2] > 1.0 >= run.losses[-1]
        assert run.converged

    def test_gradient_small_is_a_gradient_within_the_tolerance(self, engine):
        run = walk(gradient_tolerance=0.5, engine=engine)
        assert run.status is Status.GRADIENT_SMALL
        assert run.gradient_norms[-2] > 0.5 >= run.gradient_norms[-1]
        assert run.converged

    def test_an_exactly_zero_gradient_ends_a_run_that_has_no_tolerance(self, engine):
        run = walk(learning_rate=0.5, gradient_tolerance=None, engine=engine)
        assert (run.status, run.n_steps, run.x) == (Status.GRADIENT_SMALL, 1, 0.0)

    def test_a_zero_gradient_with_velocity_goes_on(self, engine):
        # From 5 heavy ball lands on 0 exactly with v = -5, and flies through.
        run = walk(method="momentum", learning_rate=0.5, gradient_tolerance=None, max_steps=2, engine=engine)
        assert run.path.tolist() == [5.0, 0.0, -4.5]
        assert run.status is Status.MAX_STEPS

    def test_line_search_failed_is_no_rate_that_lowers_the_loss(self, engine):
        # A gradient with the wrong sign points uphill.
        run = downslope.minimize(
            square, 5.0, jac=lambda x: -2 * x, learning_rate=Backtracking(max_trials=20), engine=engine
        )
        assert (run.status, run.n_steps) == (Status.LINE_SEARCH_FAILED, 0)
        assert run.n_evaluations == 21
        assert not run.converged

    def test_stalled_is_a_step_that_changes_no_bit(self, engine):
        # 1e-20 is far below the spacing of doubles near 1, 2e-16.
        run = downslope.minimize(np.abs, 1.0, learning_rate=1e-20, engine=engine)
        assert (run.status, run.n_steps, run.x) == (Status.STALLED, 0, 1.0)

    def test_a_memory_that_moves_is_no_stall(self, engine):
        # Each velocity is too small to move the point, but they add up until one does.
        options = {"method": "momentum", "learning_rate": 2e-17, "gradient_tolerance": None, "engine": engine}
        run = downslope.minimize(lambda x: -x, 1.0, max_steps=30, **options)
        assert run.path[1] == run.path[0]
        assert run.path[-1] > run.path[0]
        assert run.status is Status.MAX_STEPS

    def test_max_steps_is_all_steps_made(self, engine):
        run = walk(max_steps=4, engine=engine)
        assert (run.status, run.n_steps) == (Status.MAX_STEPS, 4)
        assert not run.converged

    def test_no_steps_look_at_the_start_alone(self, engine):
        run = walk(max_steps=0, engine=engine)
        assert (run.status, run.n_steps, run.x, run.loss) == (Status.MAX_STEPS, 0, 5.0, 25.0)
        assert (run.path.tolist(), run.losses.tolist(), run.gradient_norms.tolist()) == ([5.0], [25.0], [10.0])
        assert np.isnan(run.learning_rates).tolist() == [True]

    def test_the_first_that_holds_wins(self, engine):
        everything = {"loss_limit": 20.0, "target_loss": 30.0, "gradient_tolerance": 100.0, "max_steps": 0}
        expected = [Status.DIVERGED, Status.TARGET_REACHED, Status.GRADIENT_SMALL, Status.MAX_STEPS]
        for name, status in zip(everything, expected, strict=True):
            later = list(everything)[list(everything).index(name) :]
            assert walk(engine=engine, **{name: everything[name] for name in later}).status is status


@both_engines
class TestNotFinite:
    """x + 0 sqrt(x), one step of 1 at a time, is x down to 0.5 and NaN at -0.5."""

    @pytest.mark.parametrize("record", ["path", "losses"])
    def test_the_bad_row_is_the_last_whatever_chunk_it_falls_in(self, engine, record, monkeypatch):
        monkeypatch.setattr(compiled, "LONGEST_CHUNK", 4)  # so that the bad row is first, last and inside
        for k in range(11):
            run = downslope.minimize(
                lambda x: x + 0 * np.sqrt(x),
                k + 0.5,
                method="sign_descent",
                learning_rate=1.0,
                record=record,
                engine=engine,
            )
            assert (run.status, run.n_steps) == (Status.NOT_FINITE, k + 1)
            assert (run.x, run.loss) == (0.5, 0.5)
            assert len(run.losses) == k + 2
            assert math.isnan(run.losses[-1])
            if record == "path":
                assert run.path.tolist() == [k + 0.5 - i for i in range(k + 2)]

    @pytest.mark.parametrize("record", ["path", "losses"])
    def test_a_gradient_that_is_nan_at_the_start_ends_there(self, engine, record):
        run = downslope.minimize(
            lambda x: np.sqrt(x[0] ** 2) + x[1] ** 2, [0.0, 1.0], learning_rate=0.1, record=record, engine=engine
        )
        assert (run.status, run.n_steps, run.loss) == (Status.NOT_FINITE, 0, 1.0)
        assert run.x.tolist() == [0.0, 1.0]
        assert math.isnan(run.gradient_norms[0])


def test_arithmetic_that_overflows_later_is_an_outcome():
    run = downslope.minimize(lambda x: -math.exp(float(x)), 1.0, learning_rate=0.5)
    assert run.status is Status.NOT_FINITE
    assert run.loss == -math.exp(run.x)
    assert run.n_steps > 0


def stop(step):
    raise StopIteration


@pytest.mark.parametrize("callback", [lambda step: step.n == 3, lambda step: stop(step) if step.n == 3 else None])
def test_a_callback_stops_the_run_by_true_or_stop_iteration(callback):
    run = walk(callback=callback)
    assert (run.status, run.n_steps) == (Status.STOPPED_BY_CALLBACK, 3)
    assert run.x == run.path[3]


def test_a_callback_stops_the_run_by_numpy_s_true():
    run = walk(callback=lambda step: np.all(np.abs(step.x) < 3))
    assert run.status is Status.STOPPED_BY_CALLBACK


@pytest.mark.parametrize("answer", [None, False, 0, 1, "stop"])
def test_nothing_but_true_stops(answer):
    assert walk(callback=lambda step: answer, max_steps=3).status is Status.MAX_STEPS


def test_a_callback_that_raises_keeps_the_run_and_the_cause():
    def fail(step):
        if step.n == 4:
            raise KeyError("mine")

    with pytest.raises(CallbackFailed, match="callback raised KeyError") as caught:
        walk(callback=fail)
    assert isinstance(caught.value.__cause__, KeyError)
    assert_is_a_part_of_the_walk(caught.value.run, least=3)


def test_a_function_that_raises_later_keeps_the_run_and_the_cause():
    def fun(x):
        if float(x) < 2:
            raise LookupError("no data below 2")
        return x**2

    with pytest.raises(ObjectiveFailed, match="`fun` raised LookupError: no data below 2, after 4 steps") as caught:
        downslope.minimize(fun, 5.0, learning_rate=0.1)
    assert str(caught.value.__cause__) == "no data below 2"
    frames = traceback.extract_tb(caught.value.__cause__.__traceback__)
    assert frames[-1].line == 'raise LookupError("no data below 2")'
    assert_is_a_part_of_the_walk(caught.value.run, least=4)


def test_a_gradient_that_raises_later_keeps_the_run():
    def jac(x):
        if x < 2:
            raise LookupError
        return 2 * x

    with pytest.raises(ObjectiveFailed) as caught:
        walk(jac=jac, engine="eager")
    assert_is_a_part_of_the_walk(caught.value.run, least=4)


def assert_is_a_part_of_the_walk(run, least):
    n = run.n_steps
    assert n >= least
    np.testing.assert_allclose(run.path, 5 * 0.8 ** np.arange(n + 1), rtol=1e-9)  # differences: 1e-10
    assert len(run.losses) == len(run.gradient_norms) == n + 1
    assert np.isnan(run.learning_rates[-1])
    assert run.x == run.path[-1]
