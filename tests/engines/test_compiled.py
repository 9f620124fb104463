"""The compiled engine: what is new costs no compiling, what has changed is never answered by an old program."""

import threading

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize

import downslope
from downslope import Adam, Momentum
from downslope.learning_rates import Backtracking, Cosine, GeometricDecay


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


@pytest.mark.sampled
@pytest.mark.parametrize("what", NEW_NUMBERS)
def test_a_new_number_does_not_recompile(what):
    def run(options):
        return downslope.minimize(ravine, **{"x0": START, "learning_rate": 0.1, **options})

    first, *others = NEW_NUMBERS[what]
    run(first)
    run({**first, "max_steps": 9000, "gradient_tolerance": None})  # more than a chunk: see the test below
    if what == "bounds":
        run({})  # a run without bounds is a program of its own
    traced = TRACED.n
    with compiles_nothing():
        for options in others:
            assert run(options).engine == "compiled"
    assert TRACED.n == traced


def test_a_second_chunk_does_not_recompile():
    def run(max_steps):
        options = {"learning_rate": 1e-4, "max_steps": max_steps, "gradient_tolerance": None}
        return downslope.minimize(lambda x: np.sum(x**4) + 0.25 * x[0], [1.0, 2.0], **options)

    run(3)
    with compiles_nothing():
        assert run(9000).n_steps == 9000


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
