"""A run made again is the same to the last bit, or tells by how much it is not."""

import functools
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import optax
import pytest
import torch

import downslope
from downslope import InvalidInput, Momentum
from downslope.engines.specification import rule_in_words
from downslope.learning_rates import LearningRate, WarmUp
from downslope.methods import METHODS, Method
from downslope.storage.environment import environment
from downslope.storage.rules import learning_rate_of, method_of
from tests.storage.runs import MADE, assert_same_value, make, saved_and_loaded, squares, twice

pytestmark = pytest.mark.slow  # each run twice


def functions_of(name):
    """What a replay of a loaded run must be given: the code that no file holds."""
    positional, named = MADE[name]
    is_code = make(name).specification["kind"] == "function"
    return {"fun": positional[0] if is_code else None, "jac": named.get("jac")}


@pytest.mark.parametrize("name", MADE)
def test_a_run_is_repeated_to_the_last_bit(name, tmp_path):
    run = make(name)
    replay = saved_and_loaded(run, tmp_path).replay(**functions_of(name))
    n = run.n_steps + 1
    assert repr(replay) == f"<Replay: bit-identical over {n} row{'s' * (n > 1)}>"
    assert (replay.identical, replay.largest_difference, set(replay.differences.values())) == (True, 0.0, {0.0})
    for field in ("losses", "gradient_norms", "learning_rates", "path"):
        assert_same_value(getattr(replay.run, field), getattr(run, field))
    assert replay.run.engine == run.engine
    in_memory = run.replay()
    assert (in_memory.identical, in_memory.message) == (True, replay.message)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_is_rebuilt_from_its_name_and_coefficients(method, tmp_path):
    rule = METHODS[method]()
    if method in ("momentum", "adam"):
        rule = METHODS[method](0.5)
    run = downslope.minimize("booth", method=rule, learning_rate=0.01, max_steps=5)
    assert method_of(run.specification["method"]) == rule
    assert saved_and_loaded(run, tmp_path).replay().identical


SCHEDULES = [
    downslope.learning_rates.GeometricDecay(0.1, 0.9),
    downslope.learning_rates.InverseTime(np.array([0.1, 0.2]), 0.5),
    downslope.learning_rates.StepDecay(0.1, 0.5, 2),
    downslope.learning_rates.Cosine(0.1, 5),
    downslope.learning_rates.Cyclical(0.01, 0.1, 3),
    downslope.learning_rates.WarmRestarts(0.1, 3, 2.0),
    WarmUp(downslope.learning_rates.GeometricDecay(0.1, 0.9), 3),
    downslope.learning_rates.Backtracking(shrink=0.3, max_trials=20),
    downslope.learning_rates.BarzilaiBorwein(),
    downslope.learning_rates.Polyak(lowest=-1.0),
]


@pytest.mark.parametrize("engine", ["eager", "compiled"])
@pytest.mark.parametrize("rate", SCHEDULES, ids=lambda rate: type(rate).__name__)
def test_every_learning_rate_is_rebuilt(rate, engine, tmp_path):
    run = downslope.minimize("booth", learning_rate=rate, max_steps=8, engine=engine)
    loaded = saved_and_loaded(run, tmp_path)
    rebuilt = learning_rate_of(loaded.specification["learning_rate"])
    assert type(rebuilt) is type(rate)
    assert repr(rule_in_words(rebuilt)) == repr(rule_in_words(rate))
    assert loaded.replay().identical


@dataclass(frozen=True)
class Halving(Method):
    """A method of one's own."""

    share: float = 0.5

    def init(self, x):
        return ()

    def update(self, gradient, state, learning_rate):
        return -self.share * learning_rate * gradient, state


class Mine:
    """A class that is called as one of downslope's."""

    @dataclass(frozen=True)
    class Momentum(Halving):
        pass


@dataclass(frozen=True)
class OwnRate(LearningRate):
    """Called as the one that other libraries' methods have."""

    def choose(self, state, here):
        return downslope.learning_rates.Choice(0.1, state)


def falling(k):
    return 0.1 / (1 + k)


NEEDED = [
    ({"method": Halving(0.25), "learning_rate": 0.1}, "method", "Halving is code"),
    ({"method": Mine.Momentum(0.25), "learning_rate": 0.1}, "method", r"Mine.Momentum is code"),
    ({"learning_rate": falling}, "learning_rate", "falling is code"),
    ({"learning_rate": WarmUp(downslope.learning_rates.Custom(falling), 2)}, "learning_rate", "falling is code"),
    ({"learning_rate": OwnRate()}, "learning_rate", "test_replay.OwnRate is code"),
    ({"method": optax.adam(0.1)}, "method", "optax is code"),
    ({"method": torch.optim.SGD}, "method", "torch.optim.SGD is code"),
    ({"method": functools.partial(torch.optim.Adam, lr=0.01)}, "method", "torch.optim.Adam is code"),
]


@pytest.mark.parametrize(("options", "parameter", "words"), NEEDED, ids=lambda v: v if isinstance(v, str) else "")
def test_code_that_is_needed_is_named_and_taken(options, parameter, words, tmp_path):
    run = downslope.minimize("booth", max_steps=6, **options)
    assert run.replay().identical  # a run in memory still has it
    run = saved_and_loaded(run, tmp_path)
    with pytest.raises(
        InvalidInput, match=rf"`{parameter}` must be given: .*{words}.*run.replay\({parameter}="
    ) as caught:
        run.replay()
    assert caught.value.parameter == parameter
    assert run.replay(**{parameter: options[parameter]}).identical


def test_a_gradient_that_was_given_is_needed_beside_a_function(tmp_path):
    run = make("given gradient")
    loaded = saved_and_loaded(run, tmp_path)
    for options in ({"fun": squares}, {"jac": twice}):
        with pytest.raises(InvalidInput, match="must be given"):
            loaded.replay(**options)
    with pytest.raises(InvalidInput, match="`jac` must be given"):
        run.replay(squares)
    assert loaded.replay(squares, jac=twice).identical
    assert loaded.replay(downslope.Objective(squares, twice)).identical
    formula = saved_and_loaded(downslope.minimize("x^2", 5.0, jac=twice, learning_rate=0.1), tmp_path)
    with pytest.raises(InvalidInput, match="`jac` must be given"):
        formula.replay()
    assert formula.replay(jac=twice).identical


def test_a_function_is_called_as_it_was(tmp_path):
    def total(x, y=None):
        return x**2 if y is None else x**2 + y**2

    run = downslope.minimize(downslope.Objective(total, call="numbers"), [1.0, 2.0], learning_rate=0.1)
    loaded = saved_and_loaded(run, tmp_path)
    assert loaded.variables == ("x", "y")
    assert loaded.replay(total).identical


def test_a_start_of_one_s_own_class_is_replayed_with_like(tmp_path):
    class Line(NamedTuple):
        slope: float
        offset: float

    def fit(line):
        return (line.slope - 1) ** 2 + (line.offset - 2) ** 2

    start = Line(0.0, 0.0)
    run = downslope.minimize(fit, start, learning_rate=0.1, bounds=Line((-1, 5), (None, 1)))
    assert saved_and_loaded(run, tmp_path, like=start).replay(fit).identical
    with pytest.raises(InvalidInput, match="no attribute 'slope'"):
        saved_and_loaded(run, tmp_path).replay(fit)


def test_a_run_ended_by_hand_is_repeated_for_as_many_steps(tmp_path):
    def interrupt(step):
        if step.n == 4:
            raise KeyboardInterrupt

    run = downslope.minimize("rosenbrock", learning_rate=1e-3, callback=interrupt)
    assert run.status.name == "INTERRUPTED"
    replay = saved_and_loaded(run, tmp_path).replay()
    assert (replay.identical, replay.run.n_steps, replay.run.status.name) == (True, run.n_steps, "MAX_STEPS")


def test_what_is_given_takes_the_place_of_what_was_and_the_difference_is_told():
    run = downslope.minimize("x^2", 8.0, learning_rate=0.25, max_steps=3, gradient_tolerance=None)
    replay = run.replay(learning_rate=0.125)
    # 8, 4, 2, 1 against 8, 6, 4.5, 3.375
    assert replay.run.path.tolist() == [8.0, 6.0, 4.5, 3.375]
    assert replay.differences == {"x": 2.5, "loss": 20.0, "gradient_norm": 5.0, "learning_rate": 0.125}
    assert replay.message == "largest difference 20, in loss at step 1"
    assert not replay.identical
    assert replay.largest_difference == 20.0
    assert run.replay(method=Momentum(0.0)).identical
    assert run.replay(learning_rate=[0.25]).differences["learning_rate"] == 0.0


def test_a_run_that_ends_otherwise_is_not_identical():
    run = downslope.minimize("x^2", 8.0, learning_rate=0.25, max_steps=3, gradient_tolerance=None)
    run.specification["max_steps"] = 5
    assert run.replay().message == "no difference in 4 rows; 3 steps before, 5 now"
    run.specification.update(max_steps=3, target_loss=1.0)
    replay = run.replay()
    assert replay.message == "no difference in 4 rows; MAX_STEPS before, TARGET_REACHED now"
    assert not replay.identical


def test_a_single_bit_is_told_and_where_each_was_made(tmp_path, monkeypatch):
    run = make("noise")
    loaded = saved_and_loaded(run, tmp_path)
    loaded.losses[12] = np.nextafter(loaded.losses[12], np.inf)
    gap = loaded.losses[12] - run.losses[12]
    replay = loaded.replay()
    assert not replay.identical
    assert replay.largest_difference == replay.differences["loss"] == gap
    assert replay.message == (
        f"largest difference {gap:.2g}, in loss at step 12 (written with the same versions, on the same machine)"
    )
    loaded.made_with.update(jax="0.9.0", machine="sparc")
    here = replay.message.partition(" (")[0]
    now = environment()
    assert loaded.replay().message == (
        f"{here} (written with jax 0.9.0 on sparc, repeated with jax {now['jax']} on {now['machine']})"
    )
    loaded.losses[12] = np.nan
    assert loaded.replay().differences["loss"] == np.inf


def test_the_sign_of_a_zero_is_a_bit_too(tmp_path):
    run = saved_and_loaded(downslope.minimize("x^2", 5.0, learning_rate=0.5), tmp_path)
    assert run.path.tolist() == [5.0, 0.0]
    run.path[1] = -0.0
    run.__dict__["x"] = -0.0
    replay = run.replay()
    assert (replay.identical, replay.largest_difference) == (False, 0.0)
    assert replay.message.startswith("no difference in 2 rows but in the sign of a zero or in precision")


def test_code_that_compiled_once_is_repeated_eagerly_where_it_does_not():
    run = downslope.minimize(squares, [3.0, 4.0], learning_rate=0.1, max_steps=5)
    replay = run.replay(lambda x: sum(float.fromhex(float(v).hex()) ** 2 for v in x))
    assert (run.engine, replay.run.engine) == ("compiled", "eager")
    assert 0 < replay.largest_difference < 1e-6  # differences for a gradient
