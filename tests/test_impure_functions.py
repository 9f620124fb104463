"""Functions that keep what they compute, read what a callback changes, or differ from call to call."""

import numpy as np
import pytest

import downslope
from downslope import GradientSource, InvalidObjective, ScheduleFailed


@pytest.mark.slow
def test_a_history_of_losses_holds_plain_numbers_one_for_each_evaluation():
    history = []

    def loss(x):
        value = np.sum((x - 1) ** 2)
        history.append(value)
        return value

    for n_runs in (1, 2):
        run = downslope.minimize(loss, [3.0, 4.0], learning_rate=0.1)
        assert run.status is downslope.Status.GRADIENT_SMALL
        assert run.gradient_source is GradientSource.UNCOMPILED
        assert "keeps values" in run.gradient_reason
        assert {type(value) for value in history} == {np.float64}
        # One plain call at the start, one for the check of the program, and one a row.
        assert len(history) == n_runs * (run.n_steps + 3)
    assert min(history) == run.loss


def test_attributes_and_outer_variables_hold_plain_values_after_a_run():
    class Fit:
        def loss(self, x):
            self.residual = x - 1
            return np.sum(self.residual**2)

    last = None

    def outer(x):
        nonlocal last
        last = np.sum(x**2)
        return last

    fit = Fit()
    run = downslope.minimize(fit.loss, [3.0, 4.0], learning_rate=0.1)
    np.testing.assert_array_equal(fit.residual, run.x - 1)
    assert downslope.minimize(outer, [1.0, 2.0], learning_rate=0.1).loss == last


def test_a_loss_that_tracks_its_best_point_works_run_after_run():
    best = {"loss": np.inf, "x": None}

    def loss(x):
        value = np.sum((x - 2) ** 2)
        if value < best["loss"]:
            best["loss"], best["x"] = value, x.copy()
        return value

    for _ in range(2):
        run = downslope.minimize(loss, [3.0, 4.0], learning_rate=0.1)
        assert run.converged
        assert type(best["x"]) is np.ndarray
    assert best["loss"] == pytest.approx(run.loss)


def test_an_attribute_with_the_name_of_a_global_is_not_taken_for_it():
    captured = {"log": [object()]}
    code = "import math\ndef loss(x): return math.log(x) ** 2"
    exec(code, captured)  # a module in which `log` is something else
    first = downslope.minimize(captured["loss"], 2.0)
    captured["log"].append(object())
    assert downslope.minimize(captured["loss"], 2.0).x == first.x


def test_what_a_callback_changes_counts_from_the_next_step_on():
    weight = np.array([1.0])

    def penalised(x):
        return (x - 2) ** 2 + weight[0] * x**2

    def tighten(step):
        if step.n == 3:
            weight[0] = 9.0

    run = downslope.minimize(penalised, 3.0, learning_rate=0.01, callback=tighten)
    # With weight 9 the minimum of (x - 2)^2 + 9 x^2 is at 0.2; the tolerance of 1e-6 is over a curvature of 20.
    assert run.x == pytest.approx(0.2, abs=1e-6)
    assert run.loss == pytest.approx(3.6, rel=1e-10)
    assert "callback" in run.gradient_reason


@pytest.mark.parametrize("traceable", [True, False])
def test_a_loss_that_differs_at_the_same_point_is_refused(traceable):
    draws = np.random.default_rng(0)

    def loss(x):
        value = x**2 if traceable else float.fromhex(float(x).hex()) ** 2
        return value + draws.normal()

    with pytest.raises(InvalidObjective, match="`fun` must give the same value whenever it gets the same x"):
        downslope.minimize(loss, 3.0)


@pytest.mark.parametrize("engine", ["eager", "compiled"])
def test_a_rate_function_is_asked_for_the_steps_that_are_made(engine):
    rates = [0.1] * 100
    run = downslope.minimize("x^2", 5.0, learning_rate=lambda k: rates[k], engine=engine)
    assert run.n_steps == 73  # 5 * 0.8^n passes 5e-7 there
    with pytest.raises(ScheduleFailed, match=r"raised IndexError.* for step 7") as caught:
        downslope.minimize("x^2", 5.0, learning_rate=lambda k: rates[:7][k], engine=engine)
    np.testing.assert_allclose(caught.value.run.path, 5 * 0.8 ** np.arange(7), rtol=1e-15 * 10)
    with pytest.raises(ScheduleFailed, match=r"gave -0\.1.* for step 2"):
        downslope.minimize("x^2", 5.0, learning_rate=lambda k: 0.3 - 0.2 * k, engine=engine)


@pytest.mark.slow
def test_bounds_and_rates_of_a_container_are_arranged_as_it_is():
    def loss(p):
        return (p["w"] - 9) ** 2 + (p["b"] - 9) ** 2

    start = {"w": 0.0, "b": 0.0}
    assert downslope.minimize(loss, start, bounds={"w": (0, 1), "b": (0, 6)}).x == {"w": 1.0, "b": 6.0}
    one_step = downslope.minimize(loss, start, learning_rate={"w": 0.5, "b": 0.1}, max_steps=1)
    assert one_step.x == {"w": 9.0, "b": pytest.approx(1.8)}
    for wrong in ({"bounds": [(0, 1), (0, 6)]}, {"learning_rate": [0.5, 0.1]}):
        with pytest.raises(downslope.InvalidInput, match="arranged as x0 is"):
            downslope.minimize(loss, start, **wrong)


@pytest.mark.slow
def test_the_last_good_point_is_found_again_under_a_rate_function_without_a_path():
    def loss(x):  # walks right at the rate's pace, and is NaN beyond 1
        return -x + 0 * np.sqrt(1.0 - x)

    def falling(k):
        return 0.004 / (1 + 0.002 * k)

    with_path = downslope.minimize(loss, 0.0, learning_rate=falling)
    for chunk in (1, 50, with_path.n_steps):  # the bad row begins a chunk with 1 and with n_steps rows a chunk
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("downslope.engines.compiled._steps_in_time", lambda *_, n=chunk, **__: n)
            without = downslope.minimize(loss, 0.0, learning_rate=falling, record="losses")
        assert with_path.n_steps > 256  # further than rates are asked for ahead
        assert without.status is with_path.status is downslope.Status.NOT_FINITE
        assert without.x == with_path.x
