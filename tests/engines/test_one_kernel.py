"""Loops of little work run as one kernel; what is no plain arithmetic on short arrays does not."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from downslope import minimize
from downslope.engines import one_kernel

TABLE = np.ones(10_000)
MATRIX = np.array([[2.0, 1.0, 0.0], [1.0, 3.0, 0.5], [0.0, 0.5, 1.0]])

PLAIN = {
    "arithmetic": lambda x: 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2 + x[2] ** 4,
    "functions": lambda x: jnp.sum(jnp.arcsinh(x) ** 2 + jnp.cosh(x) + jnp.log1p(x**2)) + jax.nn.logsumexp(x),
    "a product": lambda x: x @ MATRIX @ x,
    "a scan": lambda x: jax.lax.scan(lambda c, t: (c / 2 + t, None), 0.0, x**2)[0],
    "the largest": lambda x: jnp.max(jnp.abs(x)) + jnp.argmax(x),
    "random numbers": lambda x: jnp.sum((x - jax.random.normal(jax.random.key(0), (3,))) ** 2),
    # Its Hessian is 0, so that the compiler finds the learning rate of no use, which once ended the process.
    "no curvature": lambda x: jnp.sum(jnp.abs(x)),
}
OTHER = {
    "a long table": lambda x: jnp.sum((TABLE * x[0]) ** 2) + jnp.sum(x**2),
    "LAPACK": lambda x: jnp.sum(jnp.linalg.inv(MATRIX + jnp.diag(x**2)) ** 2),
    "sorting": lambda x: jnp.sum(jnp.sort(x) ** 2 * jnp.arange(3)),
    "a product of matrices": lambda x: jnp.sum((jnp.outer(x, x) @ MATRIX) ** 2),
    "FFT": lambda x: jnp.sum(jnp.abs(jnp.fft.fft(x)) ** 2),
}


@pytest.fixture
def judged(monkeypatch):
    found = []

    def judge(program):
        found.append(was(program))
        return found[-1]

    was = one_kernel.is_plain
    monkeypatch.setattr(one_kernel, "is_plain", judge)
    return found


@pytest.mark.sampled
@pytest.mark.parametrize("name", PLAIN)
def test_plain_arithmetic_runs_as_one_kernel_with_the_same_digits(judged, name):
    for options in ({}, {"method": "adam"}, {"noise": 0.1, "seed": 3}):
        compiled, eager = (
            minimize(PLAIN[name], [0.9, -0.7, 0.4], learning_rate=0.01, max_steps=30, engine=engine, **options)
            for engine in ("compiled", "eager")
        )
        assert judged.pop()
        np.testing.assert_allclose(compiled.path, eager.path, rtol=1e-12, atol=1e-14)  # of rounding, in 30 steps


@pytest.mark.sampled
@pytest.mark.parametrize("name", OTHER)
def test_what_calls_a_library_or_works_on_long_arrays_does_not(judged, name):
    minimize(OTHER[name], [0.9, -0.7, 0.4], learning_rate=0.01, max_steps=3)
    assert judged == [False]


@pytest.mark.parametrize("fun", [lambda x: jnp.abs(x[0]), lambda x: jnp.abs(x[0]) + 2 * jnp.abs(x[1])])
def test_newton_too_is_one_kernel_for_one_and_two_variables(judged, fun):
    run = minimize(fun, [3.0, 1.0], method="newton", learning_rate=0.5, max_steps=5)
    assert judged == [True]
    # Without curvature each step is the rate times the gradient.
    assert run.path[1].tolist() == [2.5, 1.0 if run.gradient_norms[0] == 1 else 0.0]


def test_the_program_asks_for_one_kernel():
    def loop(x, n):
        return jax.lax.fori_loop(0, n, lambda _, x: x - 0.1 * jnp.sin(x @ MATRIX), x)

    with jax.enable_x64(True):
        text = one_kernel.with_all_needed(loop).lower(np.ones(3), 4).as_text()
        (call,) = [line for line in text.splitlines() if " call @" in line]
        assert 'inlineable = "false"' in call
        assert 'xla_cpu_small_call = "true"' in call
        result = one_kernel.jit_loop(loop)(np.ones(3), 4)
        np.testing.assert_allclose(result, jax.jit(loop)(np.ones(3), 4), rtol=1e-14)


def test_what_the_compiler_then_refuses_runs_as_ever(monkeypatch):
    monkeypatch.setattr(one_kernel, "is_plain", lambda program: True)
    # A product of matrices goes to a library, which such a kernel cannot call.
    weights = np.random.default_rng(0).normal(size=(3, 3))

    def fun(x):
        return np.mean(np.tanh(np.tanh(MATRIX @ x.reshape(3, 3)) @ weights) ** 2)

    runs = [minimize(fun, np.ones(9), learning_rate=0.1, max_steps=5, engine=name) for name in ("compiled", "eager")]
    np.testing.assert_allclose(runs[0].path, runs[1].path, rtol=1e-12)
