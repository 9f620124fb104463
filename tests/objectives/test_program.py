"""Programs kept between runs: a changed value is never answered by an old one, and none keeps data alive."""

import gc
import types
import weakref

import numpy as np
import pytest

import downslope
from downslope.objectives import program
from downslope.objectives.program import PROGRAMS


class Slotted:
    """An object without a `__dict__`."""

    __slots__ = ("scale",)


target = np.array([1.0, 2.0])
settings = types.ModuleType("settings_of_a_user")
settings.scale = 1.0


def by_global(x):
    return np.sum((x - target) ** 2)


def nested(x):
    return by_global(x)


def by_module(x):
    return settings.scale * np.sum(x**2) + settings.scale


class Model:
    def __init__(self, scale):
        self.scale = scale

    def loss(self, x):
        return np.sum((x - self.scale) ** 2)

    __call__ = loss


def loss_at_start(fun):
    run = downslope.minimize(fun, [3.0, 3.0], learning_rate=0.1, max_steps=200)
    assert run.engine == "compiled"
    # The plain function at both ends of the record, which the program wrote.
    for x, loss in ((run.path[0], run.losses[0]), (run.x, run.loss)):
        assert loss == pytest.approx(fun(x), rel=1e-12)
    return run.losses[0]


@pytest.mark.parametrize("fun", [by_global, nested], ids=["global", "a helper's global"])
def test_a_rebound_global_is_seen(fun, monkeypatch):
    assert loss_at_start(fun) == 5.0
    monkeypatch.setitem(globals(), "target", np.array([3.0, 0.0]))
    assert loss_at_start(fun) == 9.0


def test_a_module_s_attribute_is_seen(monkeypatch):
    assert loss_at_start(by_module) == 19.0
    monkeypatch.setattr(settings, "scale", 2.0)
    assert loss_at_start(by_module) == 38.0


def test_a_captured_array_is_seen_when_rebound_and_when_changed_in_place():
    data = np.array([1.0, 2.0])

    def fun(x):
        return np.sum((x - data) ** 2)

    assert loss_at_start(fun) == 5.0
    data = np.array([3.0, 0.0])
    assert loss_at_start(fun) == 9.0
    data[:] = 2.0
    assert loss_at_start(fun) == 2.0


def test_one_number_of_a_large_captured_array_is_seen():
    data = np.ones(400_000)  # 3.2 MB

    def fun(x):
        return np.mean((x[0] - data) ** 2) + x[1] ** 2

    before = loss_at_start(fun)
    data[123_457] = 1001.0
    assert loss_at_start(fun) == pytest.approx(before + (998**2 - 4) / 400_000, rel=1e-12)


def test_a_change_that_leaves_the_start_s_value_alone_is_seen():
    center = np.array([4.0, 2.0])

    def fun(x):
        return np.sum((x - center) ** 2)

    assert loss_at_start(fun) == 2.0
    center[:] = [2.0, 4.0]  # the same loss at [3, 3], and another minimum
    assert loss_at_start(fun) == 2.0


def test_a_default_argument_is_seen():
    def fun(x, scale=1.0):
        return scale * np.sum(x**2)

    assert loss_at_start(fun) == 18.0
    fun.__defaults__ = (2.0,)
    assert loss_at_start(fun) == 36.0


@pytest.mark.sampled
@pytest.mark.parametrize("form", ["method", "callable object", "closure over an object", "slots", "dict", "list"])
def test_a_changed_attribute_or_item_is_seen(form):
    model, slotted, holder = Model(1.0), Slotted(), {"scale": [1.0]}
    slotted.scale = 1.0

    fun = {
        "method": model.loss,
        "callable object": model,
        "closure over an object": lambda x: model.loss(x),
        "slots": lambda x: np.sum((x - slotted.scale) ** 2),
        "dict": lambda x: np.sum((x - holder["scale"][0]) ** 2),
        "list": lambda x, values=holder["scale"]: np.sum((x - values[0]) ** 2),
    }[form]
    assert loss_at_start(fun) == 8.0
    model.scale = slotted.scale = holder["scale"][0] = 2.0
    assert loss_at_start(fun) == 2.0


def test_a_change_inside_a_large_array_that_leaves_the_start_s_value_alone_is_seen():
    data = np.ones(400_000)

    def fun(x):
        return np.sum((x[0] - data) ** 2)

    before = downslope.minimize(fun, [3.0, 0.0], method="newton", learning_rate=1.0).x[0]
    data[1:90] = 5.0  # as far from 3 as the 1.0 there was
    after = downslope.minimize(fun, [3.0, 0.0], method="newton", learning_rate=1.0).x[0]
    assert before == pytest.approx(1.0)
    assert after == pytest.approx(data.mean(), rel=1e-9)


def test_a_function_is_wrapped_for_compiling_once(monkeypatch):
    plain, wrapped = program.jax.jit, []
    monkeypatch.setattr(program.jax, "jit", lambda function: (wrapped.append(function), plain(function))[1])
    objective = downslope.Objective(lambda x: (x - 0.25) ** 4)
    for x in (1.0, 2.0, 3.0):
        # 12 (x - 1/4)^2, exact in binary.
        assert objective.hessian(x).tolist() == [[12 * (x - 0.25) ** 2]]
    assert len(wrapped) == 2  # the first look at the start, and the Hessian


def test_what_a_compiled_function_gave_stays_when_its_argument_changes():
    objective = downslope.Objective(lambda x: np.sum(x**2) / 2)
    x = np.array([1.0, 2.0])
    gradient = objective.gradient(x)  # equal to x, and no view of it
    x[:] = 9
    assert gradient.tolist() == [1, 2]


@pytest.mark.slow
def test_the_cache_of_programs_is_bounded(monkeypatch):
    monkeypatch.setattr(program, "_MOST_PROGRAMS", 5)
    for k in range(8):
        downslope.Objective(lambda x, k=k: (x - k) ** 2).value(1.0)
    assert len(PROGRAMS._programs) == 5


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["compiled", "eager"])
def test_a_function_with_a_large_captured_array_can_go(engine):
    def function_and_data():
        data = np.ones(4_000_000)  # 32 MB
        return (lambda x: np.sum((x[0] - data) ** 2) * 1e-6 + x[1] ** 2), weakref.ref(data)

    fun, data = function_and_data()
    n_programs = len(PROGRAMS._programs)
    run = downslope.minimize(fun, [2.0, 1.0], learning_rate=0.1, max_steps=2, engine=engine)
    assert run.n_steps == 2
    del fun, run
    for _ in range(3):  # what goes in one round lets more go in the next
        gc.collect()
    assert data() is None
    assert len(PROGRAMS._programs) <= n_programs
