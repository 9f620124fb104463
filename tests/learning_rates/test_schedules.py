"""Schedules: closed forms, PyTorch's schedulers, and the rates that a compiled run really took."""

import math

import numpy as np
import pytest
import torch

import downslope
from downslope.errors import InvalidInput
from downslope.learning_rates import (
    Constant,
    Cosine,
    Custom,
    Cyclical,
    GeometricDecay,
    InverseTime,
    StepDecay,
    WarmRestarts,
    WarmUp,
)
from tests.steady_id import steady_id


def restarts_by_hand(k):
    """Cycles of 6, 12, 24 steps, walked through one by one."""
    length = 6
    while k >= length:
        k, length = k - length, 2 * length
    return 0.1 + 0.3 * math.cos(math.pi * k / length / 2) ** 2


# Each with its formula written anew in plain Python, for one step k.
CLOSED_FORMS = {
    "constant": (Constant(0.3), lambda k: 0.3),
    "geometric": (GeometricDecay(0.4, factor=0.9), lambda k: 0.4 * math.exp(k * math.log(0.9))),
    "inverse_time": (InverseTime(0.4, decay=0.25), lambda k: 1.6 / (4 + k)),
    "step": (StepDecay(0.4, factor=0.5, every=7), lambda k: 0.4 / 2 ** (k // 7)),
    "cosine": (
        Cosine(0.4, n_steps=20, final=0.1),
        lambda k: 0.1 + 0.3 * math.cos(math.pi * min(k, 20) / 40) ** 2,
    ),
    "cyclical": (Cyclical(0.1, 0.4, half_period=5), lambda k: 0.1 + 0.06 * min(k % 10, 10 - k % 10)),
    "restarts": (WarmRestarts(0.4, n_steps=6, growth=2.0, final=0.1), restarts_by_hand),
    "warm_up": (
        WarmUp(GeometricDecay(0.4, factor=0.9), n_steps=4),
        lambda k: 0.08 * (k + 1) if k < 4 else 0.4 * 0.9 ** (k - 4),
    ),
    "custom": (Custom(lambda k: 0.3 / (k + 1)), lambda k: 0.3 / (k + 1)),
}
N_STEPS = 40
# cos and powers round to about 1e-16 of the rate; 40 factors at most add up.
REL = 1e-13


def by_hand(name):
    return np.array([CLOSED_FORMS[name][1](k) for k in range(N_STEPS)])


@pytest.mark.parametrize("name", CLOSED_FORMS)
def test_a_schedule_of_an_int_is_its_closed_form(name):
    schedule = CLOSED_FORMS[name][0]
    assert [float(schedule(k)) for k in range(N_STEPS)] == pytest.approx(by_hand(name).tolist(), rel=REL)


@pytest.mark.parametrize("name", CLOSED_FORMS)
def test_a_schedule_of_an_array_is_its_closed_form(name):
    rates = np.broadcast_to(CLOSED_FORMS[name][0](np.arange(N_STEPS)), N_STEPS)
    np.testing.assert_allclose(rates, by_hand(name), rtol=REL)


@pytest.mark.parametrize("engine", ["compiled", "eager"])
@pytest.mark.parametrize("name", CLOSED_FORMS)
def test_a_run_takes_the_schedule_s_rates(name, engine):
    # On the slope f(x) = x each step is minus the rate, so the path adds the rates up.
    run = downslope.minimize(
        "x",
        0.0,
        learning_rate=CLOSED_FORMS[name][0],
        max_steps=N_STEPS,
        gradient_tolerance=None,
        engine=engine,
    )
    np.testing.assert_allclose(run.learning_rates[:-1], by_hand(name), rtol=REL)
    assert math.isnan(run.learning_rates[-1])
    np.testing.assert_allclose(-run.path[1:], np.cumsum(by_hand(name)), rtol=REL)


def test_new_numbers_in_a_schedule_are_used_and_not_those_compiled_before():
    for rate, factor in ((0.5, 0.5), (0.25, 0.75)):
        run = downslope.minimize("x", 0.0, learning_rate=GeometricDecay(rate, factor=factor), max_steps=3)
        assert run.learning_rates[:3].tolist() == [rate, rate * factor, rate * factor**2]


class TestPeers:
    """torch.optim.lr_scheduler, wherever the formulas are the same."""

    @staticmethod
    def rates(make, n, rate):
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=rate)
        scheduler = make(optimizer)
        rates = []
        for _ in range(n):
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            scheduler.step()
        return np.array(rates, dtype=float)

    # torch multiplies the rate before, we compute each from k: 60 roundings at most, 1e-14.
    def test_step_decay_is_step_lr(self):
        theirs = self.rates(lambda o: torch.optim.lr_scheduler.StepLR(o, step_size=7, gamma=0.3), 60, 0.4)
        np.testing.assert_allclose(StepDecay(0.4, factor=0.3, every=7)(np.arange(60)), theirs, rtol=1e-13)

    def test_geometric_decay_is_exponential_lr(self):
        theirs = self.rates(lambda o: torch.optim.lr_scheduler.ExponentialLR(o, gamma=0.95), 60, 0.4)
        np.testing.assert_allclose(GeometricDecay(0.4, factor=0.95)(np.arange(60)), theirs, rtol=1e-13)

    def test_cosine_is_cosine_annealing_lr_until_its_end(self):
        # Past the end torch's rate climbs again, and ours stays.
        theirs = self.rates(lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, T_max=30, eta_min=0.02), 31, 0.4)
        ours = Cosine(0.4, n_steps=30, final=0.02)
        np.testing.assert_allclose(ours(np.arange(31)), theirs, rtol=1e-12)  # torch's is a recursion through 1 + cos
        assert ours(31) == ours(1000) == 0.02

    @pytest.mark.parametrize("growth", [1, 2, 3])
    def test_warm_restarts_are_cosine_annealing_warm_restarts(self, growth):
        theirs = self.rates(
            lambda o: torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(o, T_0=7, T_mult=growth, eta_min=0.02),
            200,
            0.4,
        )
        ours = WarmRestarts(0.4, n_steps=7, growth=float(growth), final=0.02)
        # The share of a cycle is a difference of powers made by exp and log: good to 1e-14 of 200 steps.
        np.testing.assert_allclose(ours(np.arange(200)), theirs, rtol=1e-11)
        assert [float(ours(k)) for k in range(200)] == pytest.approx(theirs.tolist(), rel=1e-11)

    def test_cyclical_is_cyclic_lr_triangular(self):
        theirs = self.rates(
            lambda o: torch.optim.lr_scheduler.CyclicLR(o, 0.1, 0.4, step_size_up=6, cycle_momentum=False),
            60,
            0.1,
        )
        np.testing.assert_allclose(Cyclical(0.1, 0.4, half_period=6)(np.arange(60)), theirs, rtol=1e-12)


def test_geometric_decay_travels_its_rates_sum_and_no_further():
    rate, factor = 0.5, 0.9
    reach = rate / (1 - factor)
    schedule = GeometricDecay(rate, factor=factor)
    assert np.sum(schedule(np.arange(1000))) == pytest.approx(reach, rel=1e-13)
    # Sign descent moves by the rate itself: from further away than the reach it stops short by the rest.
    run = downslope.minimize("x^2", reach + 3.0, method="sign_descent", learning_rate=schedule, max_steps=1000)
    assert run.x == pytest.approx(3.0, abs=1e-12)
    assert not run.converged


def test_cycles_of_equal_length_stay_equal_for_a_million_steps():
    k = np.arange(0, 1_000_000, 7)
    np.testing.assert_allclose(WarmRestarts(0.4, n_steps=7)(k), 0.4, rtol=1e-6)


def test_warm_restarts_restart_where_each_cycle_is_longer_by_growth():
    schedule = WarmRestarts(0.8, n_steps=5, growth=2.0)
    rates = schedule(np.arange(5 + 10 + 20 + 40))
    rises = np.flatnonzero(np.diff(rates) > 0) + 1
    assert rises.tolist() == [5, 15, 35]
    assert rates[[0, 5, 15, 35]] == pytest.approx([0.8] * 4, rel=1e-9)


def test_warm_up_of_no_steps_is_the_schedule_itself():
    inner = GeometricDecay(0.4, factor=0.9)
    np.testing.assert_array_equal(WarmUp(inner, n_steps=0)(np.arange(20)), inner(np.arange(20)))


def test_a_function_of_the_step_count_is_a_schedule():
    for engine in ("compiled", "eager"):
        run = downslope.minimize("x", 0.0, learning_rate=lambda k: 1 / (k + 1) ** 2, max_steps=3, engine=engine)
        assert run.path == pytest.approx([0, -1, -1.25, -1.25 - 1 / 9], rel=1e-15)


def test_a_custom_schedule_may_branch_on_the_step_count():
    run = downslope.minimize(
        "x", 0.0, learning_rate=WarmUp(Custom(lambda k: 0.5 if k < 2 else 0.25), n_steps=1), max_steps=5
    )
    assert run.engine == "compiled"
    assert run.learning_rates[:5].tolist() == [0.25, 0.5, 0.5, 0.25, 0.25]


def test_a_custom_schedule_goes_on_past_the_first_chunk():
    # Its rates reach the program as a table a chunk long; 20,000 steps need three.
    run = downslope.minimize("x", 0.0, learning_rate=lambda k: float(k + 1), max_steps=20_000, gradient_tolerance=None)
    np.testing.assert_array_equal(run.learning_rates[:-1], np.arange(1, 20_001))


@pytest.mark.parametrize("schedule", [GeometricDecay, InverseTime, Cosine])
def test_a_rate_a_coordinate_can_be_scheduled(schedule):
    pair = np.array([0.25, 0.5])
    options = {"factor": 0.5} if schedule is GeometricDecay else {}
    run = downslope.minimize("x + y", [0.0, 0.0], learning_rate=schedule(pair, **options), max_steps=3)
    assert run.learning_rates.shape == (4, 2)
    np.testing.assert_allclose(run.learning_rates[:3, 1], 2 * run.learning_rates[:3, 0], rtol=1e-15)
    np.testing.assert_allclose(-np.diff(run.path, axis=0), run.learning_rates[:3], rtol=1e-14)


@pytest.mark.parametrize(
    ("rate", "parameter"),
    [
        (-0.1, "learning_rate"),
        (0.0, "learning_rate"),
        (math.nan, "learning_rate"),
        ([0.1, 0.2, 0.3], "learning_rate"),
        (GeometricDecay(0.1, factor=1.5), "GeometricDecay.factor"),
        (StepDecay(0.1, every=0), "StepDecay.every"),
        (Cyclical(0.5, 0.1), "Cyclical.high"),
        (WarmUp(0.1), "WarmUp.schedule"),
        (WarmUp(Constant(-1.0)), "Constant.rate"),
        (lambda k: 0.0, "learning_rate"),
        (lambda k: k.no_such_attribute, "learning_rate"),
    ],
    ids=steady_id,
)
def test_a_rate_that_cannot_work_is_refused_by_name(rate, parameter):
    with pytest.raises(InvalidInput, match=f"`{parameter}`"):
        downslope.minimize("x + y", [0.0, 0.0], learning_rate=rate)
