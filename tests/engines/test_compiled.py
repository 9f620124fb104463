"""The compiled engine: what is new costs no compiling, what has changed is never answered by an old program."""

import gc
import threading
import types
import weakref

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize

import downslope
from downslope import Adam, Momentum
from downslope.learning_rates import Backtracking, Cosine, GeometricDecay
from downslope.objectives.program import PROGRAMS


class Count:
    """A counter that is no part of a function's fingerprint: it has slots, and is told by identity."""

    __slots__ = ("n",)

    def __init__(self):
        self.n = 0

    def add(self, *_, **__):
        self.n += 1


COMPILED = Count()


def _on_event(name, seconds, **_):
    if name.endswith("backend_compile_duration"):
        COMPILED.add()


jax.monitoring.register_event_duration_secs_listener(_on_event)
TRACED = Count()


def ravine(x):
    if not isinstance(x[0], np.float64):
        TRACED.add()
    return 0.5 * x[0] ** 2 + 5 * x[1] ** 2 + x[0] * x[1]


def counted_traces(x):
    TRACED.add()
    return jnp.sum(jnp.cosh(x))


class compiles_nothing:  # noqa: N801  # reads as a phrase
    def __enter__(self):
        self.before = COMPILED.n

    def __exit__(self, *_):
        assert COMPILED.n == self.before, f"{COMPILED.n - self.before} programs were compiled"


def test_the_counters_do_count():
    before = COMPILED.n, TRACED.n
    downslope.minimize(counted_traces, [0.3, 0.2], learning_rate=0.1, max_steps=3)
    assert COMPILED.n > before[0]
    assert TRACED.n > before[1]


START = [3.0, 1.0]
NEW_NUMBERS = {
    "start": [{"x0": [2.0, -1.0]}, {"x0": np.array([0.5, 9.0])}, {"x0": (1, 2)}],
    "rate": [{"learning_rate": rate} for rate in (0.01, np.float64(0.02), 1)],
    "step count": [{"max_steps": n} for n in (0, 1, 7, 100, 20_000)],
    "bounds": [{"bounds": b} for b in ((-5, 5), (0, None), [(0, 9), (-1, 4)], scipy.optimize.Bounds(-9, 9))],
    "tolerance": [{"gradient_tolerance": tolerance} for tolerance in (1e-3, None, 0.0)],
    "target": [{"target_loss": target} for target in (1.0, None, 0.01)],
    "limit": [{"loss_limit": limit} for limit in (1e9, 10.0)],
    "rates each": [{"learning_rate": rates} for rates in ([0.1, 0.2], np.array([0.01, 0.03]))],
    "momentum": [{"method": Momentum(beta=beta), "learning_rate": 0.01} for beta in (0.5, 0.0, 0.99)],
    "adam": [{"method": Adam(beta1, beta2), "learning_rate": 0.01} for beta1, beta2 in ((0.9, 0.99), (0.5, 0.9))],
    "decay": [{"learning_rate": GeometricDecay(rate, factor)} for rate, factor in ((0.1, 0.9), (0.2, 0.99))],
    "cosine": [{"learning_rate": Cosine(0.1, n)} for n in (10, 100)],
    "search": [{"learning_rate": Backtracking(initial=a, shrink=s)} for a, s in ((1.0, 0.5), (8.0, 0.1))],
    "noise": [{"noise": s, "seed": seed, "learning_rate": 0.05} for s, seed in ((1.0, 1), (0.1, 2))],
    "newton": [{"method": "newton", "learning_rate": rate} for rate in (1.0, 0.5)],
    "losses": [{"record": "losses", "max_steps": n} for n in (10, 30)],
}


@pytest.mark.parametrize("what", NEW_NUMBERS)
def test_a_new_number_does_not_recompile(what):
    def run(options):
        return downslope.minimize(ravine, **{"x0": START, "learning_rate": 0.1, **options})

    first, *others = NEW_NUMBERS[what]
    run(first)
    if what == "bounds":
        run({})  # a run without bounds is a program of its own
    traced = TRACED.n
    with compiles_nothing():
        for options in others:
            assert run(options).engine == "compiled"
    assert TRACED.n == traced


def test_the_same_lambda_made_again_does_not_recompile():
    def run(k, scale=2.0):
        return downslope.minimize(lambda x: scale * np.sum((x - 1.0) ** 2), [float(k), 0.0], learning_rate=0.1)

    run(0)
    with compiles_nothing():
        ends = [run(k).x for k in range(5)]
    np.testing.assert_allclose(ends, 1.0, atol=1e-6)


def test_a_formula_typed_again_does_not_recompile():
    downslope.minimize("x^2 + 3 y^2", [1.0, 2.0], learning_rate=0.1)
    with compiles_nothing():
        downslope.minimize("x^2 + 3 y^2", [4.0, 2.0], learning_rate=0.05)


# -- what has changed ------------------------------------------------------------------------------------

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
    data = np.ones(400_000)  # 3.2 MB: not every byte of it is in the fingerprint

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


@pytest.mark.parametrize("form", ["method", "callable object", "closure over an object", "slots", "dict", "list"])
def test_a_changed_attribute_or_item_is_seen(form):
    model, slots, holder = Model(1.0), Count(), {"scale": [1.0]}
    slots.n = 1.0

    fun = {
        "method": model.loss,
        "callable object": model,
        "closure over an object": lambda x: model.loss(x),
        "slots": lambda x: np.sum((x - slots.n) ** 2),
        "dict": lambda x: np.sum((x - holder["scale"][0]) ** 2),
        "list": lambda x, values=holder["scale"]: np.sum((x - values[0]) ** 2),
    }[form]
    assert loss_at_start(fun) == 8.0
    model.scale = slots.n = holder["scale"][0] = 2.0
    assert loss_at_start(fun) == 2.0


# -- the surroundings ------------------------------------------------------------------------------------


def test_the_user_s_precision_is_left_as_it_was():
    assert jnp.ones(1).dtype == np.float32
    run = downslope.minimize(lambda x: jnp.sum(x**2), [1 / 3, 1.0], learning_rate=0.1)
    assert run.path.dtype == np.float64
    assert run.losses[0] == pytest.approx(10 / 9, rel=1e-15)
    assert jnp.ones(1).dtype == np.float32
    with pytest.raises(downslope.InvalidInput):
        downslope.minimize(lambda x: 1 / 0, 1.0)
    assert jnp.ones(1).dtype == np.float32
    with jax.enable_x64(True):
        downslope.minimize("x^2", 1.0)
        assert jnp.ones(1).dtype == np.float64


def test_code_written_in_jax_computes_in_double_precision_in_the_eager_engine_too():
    run = downslope.minimize(
        lambda x: jnp.sum(x**2), [1 / 3], jac=lambda x: 2 * jnp.sin(x), max_steps=1, engine="eager"
    )
    assert run.losses[0] == 1 / 9
    assert run.gradient_norms[0] == pytest.approx(2 * np.sin(1 / 3), rel=1e-15)
    assert downslope.Objective(lambda x: jnp.sum(x**2)).value([1 / 3]) == 1 / 9


def test_threads_at_once_get_what_one_gets_alone():
    def job(k):
        # Half of them share a program, half bring their own; all compile at the same time.
        fun = (lambda x: np.sum(np.cosh(x)) + 0.1 * k) if k % 2 else ravine
        return downslope.minimize(fun, [1.0 + k, 2.0], learning_rate=0.01, max_steps=300)

    together = [None] * 4

    def work(k):
        together[k] = job(k)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for k, run in enumerate(together):
        np.testing.assert_array_equal(run.path, job(k).path)
    assert jnp.ones(1).dtype == np.float32


def test_the_cache_of_programs_is_bounded():
    for k in range(70):
        downslope.Objective(lambda x, k=k: (x - k) ** 2).value(1.0)
    assert len(PROGRAMS._programs) <= 64


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
    gc.collect()
    assert data() is None
    assert len(PROGRAMS._programs) <= n_programs
