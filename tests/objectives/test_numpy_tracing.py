"""NumPy code on JAX values: the value and the gradient are NumPy's, compiled and not, or it says why not."""

import functools
import itertools
import math

import jax
import numpy as np
import pytest
import scipy.linalg
import scipy.optimize
import scipy.special
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from downslope.objectives.numpy_tracing import LeftNumPy, run_on_jax, where_it_left

X = np.array([0.7, -1.3, 2.1])
MATRIX = np.array([[2.0, 0.3, -0.5], [0.1, 1.5, 0.7], [0.4, -0.2, 3.0]])
COUNTS = np.array([1, 2, 3])  # integers, as closures often hold


@pytest.fixture(autouse=True)
def double_precision():
    with jax.enable_x64(True):
        yield


def differences(fun, x):
    """Central differences. Error: h^2/6 f''' + eps |f| / h with h = 6e-6, about 1e-10 for numbers near 1."""
    steps = 6e-6 * np.eye(x.size).reshape(x.size, *x.shape)
    return np.array([(fun(x + h) - fun(x - h)) / 1.2e-5 for h in steps]).reshape(x.shape)


def agrees(fun, x=X, *, compiled=True):
    """Value to rounding, gradient to the error of the differences."""
    traced = jax.value_and_grad(run_on_jax(fun))
    for run in [traced, jax.jit(traced)] if compiled else [traced]:
        value, gradient = run(x)
        np.testing.assert_allclose(value, fun(x.copy()), rtol=1e-13)
        np.testing.assert_allclose(gradient, differences(fun, x), rtol=1e-7, atol=1e-7)


def reason(fun, x=X):
    """Why the code left NumPy."""
    with pytest.raises(LeftNumPy) as caught:
        jax.grad(run_on_jax(fun))(x)
    assert "test_numpy_tracing.py" in where_it_left(caught.value)
    return str(caught.value)


# -- functions -------------------------------------------------------------------------------------------

FUNCTIONS = {
    "operators": lambda x: (-x[0] + 2 * x[1] ** 2 - x[2] / 3) ** 3 % 7.5,
    "ufuncs": lambda x: np.sum(np.exp(-x) * np.sin(x) + np.arctan2(x, 2.0) + np.maximum(x, 0.1)),
    "scipy ufuncs": lambda x: np.sum(scipy.special.erf(x) + scipy.special.xlogy(2.0, x**2) + scipy.special.psi(x**2)),
    "methods": lambda x: x.sum() * x.mean() + x.prod() + x.max() - x.min() + x.std() + x.cumsum()[1] + x.dot(x),
    "linear algebra": lambda x: np.linalg.norm(MATRIX @ x) + x @ MATRIX @ x + np.linalg.solve(MATRIX, x)[0],
    "determinant": lambda x: np.linalg.det(MATRIX + np.outer(x, x)) + np.trace(np.linalg.inv(MATRIX * x[0])),
    "fft": lambda x: np.sum(np.abs(np.fft.fft(x)) ** 2),
    "where": lambda x: np.sum(np.where(x > 0, x**2, -x)),
    "clip": lambda x: np.sum(np.clip(x, -1.0, 1.0) ** 2 + np.clip(x, a_min=0.0, a_max=None) + x.clip(min=0.5)),
    "diff, roll": lambda x: np.sum(np.diff(x) ** 2 * np.roll(x, 1)[1:]),
    "statistics": lambda x: np.average(x, weights=[1, 2, 3]) + np.var(x, ddof=1) + np.median(x) + np.percentile(x, 30),
    "einsum": lambda x: np.einsum("i,ij,j", x, MATRIX, x),
    "concatenate": lambda x: np.sum(np.concatenate([x, [1.0, x[0]], x[:2]]) ** 2),
    "stacks": lambda x: np.linalg.norm(np.vstack([x, x**2]) @ np.column_stack([x, np.ones(3)])),
    "axis": lambda x: np.sum(np.sum(np.outer(x, x) + COUNTS, axis=1) ** 2, keepdims=True)[0],
    "ufunc methods": lambda x: np.add.reduce(x**2) + np.multiply.accumulate(x)[2] + np.multiply.outer(x, x)[0, 1],
    "integers": lambda x: np.sum(COUNTS * x**COUNTS / 2 + COUNTS // 2) + np.sum(x * np.arange(3)),
    "power": lambda x: np.sum(np.abs(x) ** 1.5 + (x**2) ** COUNTS + 2**x),
    "interpolation": lambda x: np.interp(x[0], [0.0, 1.0, 2.0], [1.0, 3.0, 2.0]) + np.polyval([1.0, 2.0], x[1]),
    "index by array": lambda x: np.sum(x[np.array([0, 2, 0])] ** 2) + np.sum(x[COUNTS > 1]) + x[-1] + x[[0, 1]] @ x[1:],
    "index by result": lambda x: x[np.argmax(x)] ** 2 + x[np.argsort(x)][0],
    "steps": lambda x: np.sum(x[::-1] * x) + np.sum(x[::2]) + x[np.newaxis, :].T[0, 0] + x[..., 1],
    "iteration": lambda x: sum(v**2 for v in x) + sum([a * b for a, b in itertools.pairwise(x)]),
    "list of numbers": lambda x: np.sum([v**2 for v in x]) + np.mean([x[0], 2.0, x[1] * x[2]]),
    "np.array": lambda x: np.linalg.norm(MATRIX @ np.array([x[0] ** 2, x[1], 1.0])),
    "nested np.array": lambda x: np.linalg.det(np.array([[x[0], 1.0], [x[1], x[2]]])),
    "np.asarray": lambda x: np.sum(np.asarray(x) ** 2) + np.sum(np.atleast_1d(x)) + np.asarray(x, dtype=float)[0],
    "math": lambda x: math.cos(x[0]) + math.exp(x[1]) * math.pow(x[2], 2) + math.log(x[2], 2) + math.hypot(x[0], x[1]),
    "math, more": lambda x: math.erf(x[0]) + math.fsum([x[0], x[1]]) + math.atan2(x[0], x[2]) + math.gamma(x[2]),
    "float": lambda x: float(np.sum(x**2)) + float(x[0]),
    "max and min": lambda x: max(x[0], 0.0) + min(x[1], x[0], 5.0) + max(x) + max([x[0] ** 2, x[1] ** 2]),
    "abs, round, divmod": lambda x: abs(x[1]) + x[0].item() + np.round(x[2], 1) + divmod(x[2], 0.9)[1],
    "local import": lambda x: __import__("numpy").zeros(1)[0] + np.prod(x),
    "isinstance": lambda x: np.sum(x) ** 2 if isinstance(x, np.ndarray) and isinstance(x[0], float) else 0.0,
    "scalar methods": lambda x: x[0].sum() + x[1].real + x.reshape(3, 1).T.flatten()[1] + len(x) * x.size,
    "rosen": scipy.optimize.rosen,
    "logsumexp": lambda x: scipy.special.logsumexp(x) + scipy.special.softmax(x)[0] + scipy.special.log_softmax(x)[1],
    "apply_along_axis": lambda x: np.apply_along_axis(lambda row: np.sum(row**2), 1, np.outer(x, x)).sum(),
    "piecewise": lambda x: np.piecewise(x, [x < 0, x >= 0], [lambda v: -v, lambda v: v**2]).sum(),
    "format": lambda x: x[0] + 0 * len(f"{x[0]:.3f} {x}"),
}  # fmt: skip


@pytest.mark.sampled
@pytest.mark.parametrize("name", FUNCTIONS)
def test_numpy_code_keeps_its_value_and_gets_its_exact_gradient(name):
    agrees(FUNCTIONS[name])


def test_a_batch_of_points_is_a_vmap():
    for name in ["ufuncs", "np.array", "max and min", "index by array"]:
        batch = np.stack([X, X[::-1], X + 1])
        values = jax.jit(jax.vmap(run_on_jax(FUNCTIONS[name])))(batch)
        np.testing.assert_allclose(values, [FUNCTIONS[name](x) for x in batch], rtol=1e-13)


@pytest.mark.slow
def test_gradients_by_hand():
    x = np.array([0.5, 2.0])
    gradient = jax.grad(run_on_jax(lambda x: 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2))(x)
    np.testing.assert_allclose(gradient, [-400 * 0.5 * 1.75 - 2 * 0.5, 200 * 1.75], rtol=1e-14)
    hessian = jax.hessian(run_on_jax(lambda x: math.cos(x[0]) * x[1] ** 3))(x)
    mixed = -3 * np.sin(0.5) * 4
    np.testing.assert_allclose(hessian, [[-np.cos(0.5) * 8, mixed], [mixed, np.cos(0.5) * 12]], rtol=1e-14)


@given(hnp.arrays(float, 4, elements=st.floats(-3, 3)), hnp.arrays(float, (3, 4), elements=st.floats(-3, 3)))
def test_a_least_squares_loss_has_the_gradient_of_its_formula(x, A):
    with jax.enable_x64(True):
        gradient = jax.grad(run_on_jax(lambda x: np.sum((A @ x - 1) ** 2)))(x)
    # Rounding: some ten operations on numbers below 40.
    np.testing.assert_allclose(gradient, 2 * A.T @ (A @ x - 1), atol=1e-12)


@pytest.mark.slow
@given(st.data())
def test_slices_mean_what_they_mean_in_numpy(data):
    a = np.arange(24.0).reshape(4, 6)
    index = data.draw(hnp.basic_indices(a.shape, allow_newaxis=True, allow_ellipsis=True))

    def changed(a, index):
        a = a.copy()
        a[index] *= 2
        return a

    with jax.enable_x64(True):
        read = run_on_jax(lambda a: a[index])(jax.numpy.asarray(a))
        written = run_on_jax(lambda a: changed(a, index))(jax.numpy.asarray(a))
    np.testing.assert_array_equal(read, a[index])
    np.testing.assert_array_equal(written, changed(a, index))


def test_several_arguments_and_containers():
    fun = run_on_jax(lambda a, b, scale=2: {"sum": scale * (a + b["x"].sum()), "constant": np.ones(2), "name": "f"})
    result = fun(jax.numpy.asarray(1.5), {"x": jax.numpy.ones(3)})
    assert float(result["sum"]) == 9.0
    assert isinstance(result["constant"], jax.Array)
    assert result["name"] == "f"


def test_a_constant_function_gives_a_constant():
    assert float(run_on_jax(lambda x: 3.5)(X)) == 3.5
    np.testing.assert_array_equal(jax.grad(run_on_jax(lambda x: 3.5))(X), 0)


def test_integers_compute_as_in_numpy():
    result = run_on_jax(lambda x: COUNTS / 2 * x)(jax.numpy.asarray(X))
    assert result.dtype == np.float64
    np.testing.assert_array_equal(result, COUNTS / 2 * X)

    def into_integers(x):
        out = np.zeros(3, dtype=int)
        out[:] = x * 2  # NumPy truncates
        return out * 1.0

    np.testing.assert_array_equal(jax.jit(run_on_jax(into_integers))(X), into_integers(X))


# -- assignment ------------------------------------------------------------------------------------------


def into_zeros(x):
    out = np.zeros(3)
    for i in range(3):
        out[i] = x[i] ** (i + 1)
    out[1:] += x[:2]
    return np.sum(out**2)


def into_matrix(x):
    A = np.eye(3)
    A[0] = x
    A[:, 1] *= x[0]
    A[2, 2] -= x[1]
    A[np.triu_indices(3)] += 1
    return np.linalg.det(A)


def into_copy(x):
    y = x.copy()
    y[0] = 1.0
    y *= x
    y[y < 0] = 0.5
    return y @ x


def through_views(x):
    A = np.zeros((2, 3))
    row, transposed, flat = A[0], A.T, A.ravel()
    row[:] = x
    transposed[0, 1] = x[0] * x[1]
    flat[4] = x[2]
    A *= 2
    return np.sum(row**2) + transposed[0, 1] ** 2 + flat[4] + np.sum(A[1])


def through_rows(x):
    A = np.outer(x, x)
    for row in A:
        row /= row.sum()
    return np.sum(A * MATRIX)


def scalars_are_not_views(x):
    first = x[0]
    same = first
    first *= 3
    x[0] = 10.0
    return first * same * x[1]


def argument_is_changed(x):
    y = x
    y[1] = x[0] ** 2
    return x @ y


def zero_dimensional(x):
    total = np.array(0.0)
    same = total
    for v in x:
        total += v**2
    return same * 2


def seen_after_a_view(x):
    y = x.copy()
    tail = y[1:]
    y[2] = x[0] * 5
    return np.sum(tail**2)


def with_out(x):
    y = np.empty(3)
    np.multiply(x, 2, out=y)
    np.add(y, x, out=y, where=np.array([True, False, True]))
    return np.sum(y**2)


ASSIGNMENTS = [into_zeros, into_matrix, into_copy, through_views, through_rows, scalars_are_not_views]
ASSIGNMENTS += [argument_is_changed, zero_dimensional, seen_after_a_view, with_out]


@pytest.mark.sampled
@pytest.mark.parametrize("fun", ASSIGNMENTS)
def test_assignment_follows_numpy(fun):
    agrees(fun)


@pytest.mark.parametrize(
    "share",
    [lambda A: A.T.reshape(-1), lambda A: np.flip(A), lambda A: np.broadcast_to(A, (3, 3)), np.diagonal, np.atleast_3d],
)
@pytest.mark.parametrize("changes_the_original", [False, True])
def test_assignment_into_memory_that_may_be_shared_is_refused(share, changes_the_original):
    def fun(x):
        A = np.outer(x, x)
        B = share(A)
        target = A if changes_the_original else B
        target[...] = 1.0
        return np.sum(B)

    assert "may share its memory" in reason(fun)


def test_a_repeated_index_is_refused_because_jax_leaves_open_who_wins():
    def fun(x):
        y = x.copy()
        y[[0, 0]] = x[:2]
        return y[0]

    assert "names one place twice" in reason(fun)


@pytest.mark.parametrize("fun", [lambda x: x[3], lambda x: x[-4], lambda x: x[[0, 3]].sum(), lambda x: x[0, 0]])
def test_an_index_beyond_the_end_raises(fun):
    with pytest.raises(IndexError):
        jax.jit(run_on_jax(fun))(X)


def test_a_traced_index_beyond_the_end_is_not_a_number():
    assert np.isnan(jax.jit(run_on_jax(lambda x: x[np.argmax(x) + 1]))(X))


def test_shapes_that_do_not_fit_raise():
    def fun(x):
        y = np.zeros(2)
        y[:] = x
        return y

    with pytest.raises(ValueError, match="could not broadcast"):
        run_on_jax(fun)(X)


# -- branches, and code that leaves NumPy ----------------------------------------------------------------


def branching(x):
    if x[0] > 0 and not np.any(x > 5):
        return x[0] ** 2 * x[1]
    return x[2]


def counting(x):
    return sum(x[i] * (i + 1) for i in range(int(x[2] + 1.5))) + round(x[0]) + math.floor(x[2])


@pytest.mark.parametrize("fun", [branching, counting])
def test_code_that_branches_has_an_exact_gradient_without_jit(fun):
    agrees(fun, compiled=False)
    with pytest.raises(jax.errors.ConcretizationTypeError) as caught:
        jax.jit(run_on_jax(fun))(X)
    assert where_it_left(caught.value).startswith("test_numpy_tracing.py:")


def test_the_line_is_named():
    with pytest.raises(jax.errors.TracerBoolConversionError) as caught:
        jax.jit(run_on_jax(branching))(X)
    line = branching.__code__.co_firstlineno + 1
    assert where_it_left(caught.value) == f"test_numpy_tracing.py:{line}: `if x[0] > 0 and not np.any(x > 5):`"


def test_there_is_no_line_without_user_code():
    assert where_it_left(ValueError("never raised")) is None


class Model:
    """A method reached through an object is not copied: NumPy's own protocols are all there is."""

    def __init__(self):
        self.buffer = np.zeros(3)

    def store(self, x):
        self.buffer[0] = x[0]
        return self.buffer.sum()

    def as_vector(self, x):
        return np.array([x[0] ** 2, x[1], 1.0])

    def as_floats(self, x):
        return np.asarray(x, dtype=float).sum()

    def residuals(self, x):
        v = self.as_vector(x)
        return np.sum(np.sin(MATRIX @ v) ** 2) + np.sum(self.as_vector(x)[:2] * x[:2])

    def __call__(self, x):
        return np.sum(np.array([x[0], x[1]]) ** 2)


def test_methods_and_callable_objects():
    agrees(Model().residuals)
    agrees(Model())


LEAVING = {
    "plain_array[i] = ...": lambda x: Model().store(x),
    "np.asarray(x, float)": lambda x: Model().as_floats(x),
    "scipy": lambda x: np.sum(scipy.linalg.solve(MATRIX, x)),
    "np.put changes": lambda x: np.put(x, [0], 1.0),
    "np.add.at": lambda x: np.add.at(x, [0], 1.0),
    "airy": lambda x: np.sum(scipy.special.airye(x)[0]),
    ".tobytes": lambda x: x.tobytes(),
    "plain numbers": lambda x: np.add(MATRIX, x, out=np.broadcast_to(MATRIX, (3, 3)).copy()),
    "JAX has no arrays of": lambda x: x.astype(str),
}


@pytest.mark.parametrize("words", LEAVING)
def test_leaving_numpy_gives_the_reason(words):
    assert words in reason(LEAVING[words])


def test_large_object_arrays_are_refused():
    with pytest.raises(LeftNumPy, match="3,000"):
        run_on_jax(lambda x: np.polynomial.polynomial.polyval(0.5, x))(jax.numpy.ones(3000))


# -- the copy of the function ----------------------------------------------------------------------------

SCALE = 2.0


def helper(x):
    out = np.zeros(2)
    out[0] = SCALE * x[0]
    return out


def with_helper(x):
    return np.sum(helper(x) ** 2)


def test_functions_that_the_function_calls_are_copied_too():
    agrees(with_helper)
    agrees(functools.partial(lambda f, x: f(x), with_helper))
    agrees(lambda x, f=with_helper: f(x))


def test_recursion_works():
    def power(x, n):
        return np.ones(1)[0] if n == 0 else x[0] * power(x, n - 1)

    agrees(lambda x: power(x, 3))


def test_a_name_bound_anew_is_seen_by_the_next_call(monkeypatch):
    traced = run_on_jax(with_helper)
    assert float(traced(X)) == pytest.approx((2 * 0.7) ** 2)
    monkeypatch.setitem(globals(), "SCALE", 3.0)
    assert float(traced(X)) == pytest.approx((3 * 0.7) ** 2)


N_CALLS = 0


def count_call():
    global N_CALLS
    N_CALLS += 1


def counted(x):
    count_call()
    return x[0] * N_CALLS


def test_a_global_bound_anew_during_the_call_is_seen():
    before = N_CALLS
    assert float(run_on_jax(counted)(X)) == pytest.approx(0.7 * (before + 1))
    assert before + 1 == N_CALLS


def test_a_closure_bound_anew_during_the_call_is_seen():
    total = 0

    def grow():
        nonlocal total
        total += 1

    def fun(x):
        grow()
        return np.array([x[0]])[0] * total

    assert float(run_on_jax(fun)(X)) == pytest.approx(0.7)
    assert total == 1


def test_nothing_outside_the_copy_changes():
    def fun(x):
        return np.zeros(3)[0] + x[0]

    zeros, code_globals = np.zeros, dict(fun.__globals__)
    run_on_jax(fun)(X)
    assert np.zeros is zeros
    assert fun.__globals__ == code_globals
    assert type(np.zeros(3)) is np.ndarray
    assert isinstance(fun(X), float)


def test_the_argument_of_the_caller_is_not_changed():
    x = X.copy()
    run_on_jax(argument_is_changed)(x)
    np.testing.assert_array_equal(x, X)
