"""minimize: what goes in comes out in the same form, the record's rows, callbacks, and what is drawn."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize
import torch

import downslope
from downslope import GradientSource, Momentum, Objective, Status
from downslope.engines import recorder


def squares(tree):
    return sum(np.sum(np.asarray(leaf) ** 2) for leaf in jax.tree.leaves(tree))


def torch_squares(tree):
    return sum((leaf**2).sum() for leaf in jax.tree.leaves(tree))


def kinds(tree):
    """The type and dtype of each leaf, and its shape."""
    leaves = [
        (type(leaf).__name__, str(getattr(leaf, "dtype", None)), np.shape(leaf)) for leaf in jax.tree.leaves(tree)
    ]
    return jax.tree.structure(tree), leaves


def numbers(leaves):
    return np.concatenate([np.ravel(leaf) for leaf in leaves])


# Name: the function, the start as given, and the form in which points come back.
STARTS = {
    "number": (lambda x: x**2, 3.0, 0.0),
    "whole number": (lambda x: x**2, 3, 0.0),
    "0-d array": (lambda x: x**2, np.array(3.0), 0.0),
    "list": (squares, [1, 2], np.zeros(2)),
    "tuple": (squares, (1.0, 2), np.zeros(2)),
    "2-D array": (squares, np.arange(6.0).reshape(2, 3), np.zeros((2, 3))),
    "nested list": (squares, [[1.0, 2.0], [3.0, 4.0]], np.zeros((2, 2))),
    "float32": (squares, np.array([1, 2], np.float32), np.zeros(2, np.float32)),
    "integers": (squares, np.array([1, 2]), np.zeros(2)),
    "dict": (squares, {"w": np.ones((2, 2)), "b": 3.0}, {"w": np.zeros((2, 2)), "b": 0.0}),
    "dict of lists": (squares, {"w": [1.0, 2.0], "b": [3.0]}, {"w": np.zeros(2), "b": np.zeros(1)}),
    "nested": (squares, [{"w": np.ones(2)}, (2.0, np.ones((1, 2)))], [{"w": np.zeros(2)}, (0.0, np.zeros((1, 2)))]),
    "JAX": (lambda x: jnp.sum(x**2), jnp.array([1.0, 2.0]), jnp.zeros(2)),
    "JAX number": (lambda x: x**2, jnp.asarray(2.0), jnp.asarray(0.0)),
    "torch": (torch_squares, torch.tensor([1.0, 2.0]), torch.zeros(2)),
    "torch float64": (torch_squares, torch.ones(2, dtype=torch.float64), torch.zeros(2, dtype=torch.float64)),
    "torch number": (torch_squares, torch.tensor(2.0), torch.tensor(0.0)),
    "torch dict": (
        torch_squares,
        {"w": torch.ones(2, 3), "b": torch.tensor(1.0)},
        {"w": torch.zeros(2, 3), "b": torch.tensor(0.0)},
    ),
}


@pytest.mark.sampled
@pytest.mark.parametrize("name", STARTS)
def test_points_and_gradients_have_the_form_of_the_start(name):
    fun, x0, like = STARTS[name]
    run = downslope.minimize(fun, x0, learning_rate=0.1, max_steps=3)
    assert kinds(run.x) == kinds(like)
    assert kinds(run.gradient) == kinds(like)
    structure, leaves = kinds(run.path)
    assert structure == jax.tree.structure(like)
    assert [shape for *_, shape in leaves] == [(4, *np.shape(leaf)) for leaf in jax.tree.leaves(like)]
    assert [dtype for _, dtype, _ in leaves] == [
        str(getattr(leaf, "dtype", np.dtype(float))) for leaf in jax.tree.leaves(like)
    ]
    # x (1 - 2a)^k, leaf by leaf; three rounded steps in the point's own precision.
    tolerance = 4 * np.finfo(run.losses.dtype).eps
    paths = [np.asarray(path) for path in jax.tree.leaves(run.path)]
    np.testing.assert_array_equal(numbers(path[0] for path in paths), numbers(jax.tree.leaves(x0)))
    for path in paths:
        np.testing.assert_allclose(path, np.multiply.outer(0.8 ** np.arange(4), path[0]), rtol=tolerance)


def test_the_start_is_left_as_it_was():
    x0 = np.array([1.0, 2.0])
    run = downslope.minimize("sum_of_squares", x0, learning_rate=0.1, max_steps=2)
    run.path[0] = 99.0
    run.x[:] = 99.0
    assert x0.tolist() == [1.0, 2.0]


def test_two_required_parameters_are_two_numbers():
    seen = []

    def fun(x1, x2, scale=1.0):
        seen.append(np.shape(x1))
        return scale * ((x1 - 1) ** 2 + 4 * x2**2)

    run = downslope.minimize(fun, [3.0, 1.0], learning_rate=0.1)
    assert run.x == pytest.approx([1.0, 0.0], abs=1e-6)
    assert run.variables == ("x1", "x2")
    assert set(seen) == {()}


def test_call_overrides_how_a_function_is_called():
    varied = Objective(lambda *xs: sum((x - i) ** 2 for i, x in enumerate(xs)), call="numbers")
    assert downslope.minimize(varied, [5.0, 5.0, 5.0]).x == pytest.approx([0, 1, 2], abs=1e-6)
    whole = Objective(lambda x, power=2: np.sum(x**power), call="array")
    assert downslope.minimize(whole, [5.0, 5.0]).x == pytest.approx([0, 0], abs=1e-6)


def test_a_gallery_problem_brings_its_own_start():
    run = downslope.minimize("himmelblau", max_steps=2)
    assert run.path[0].tolist() == list(downslope.gallery.get("himmelblau").start)
    assert downslope.minimize(downslope.gallery.get("parabola")).path[0] == 5.0


@pytest.mark.parametrize("engine", ["eager", "compiled"])
def test_each_row_is_a_point_its_loss_its_gradient_and_the_rate_that_leaves_it(engine):
    options = {"learning_rate": 0.1, "max_steps": 7, "gradient_tolerance": None, "engine": engine}
    run = downslope.minimize(lambda x: x[0] ** 2 + 2 * x[1] ** 2, [3.0, 1.0], **options)
    assert run.engine == engine
    assert (run.status, run.n_steps, len(run.path), run.n_gradients) == (Status.MAX_STEPS, 7, 8, 8)
    k = np.arange(8)
    # Eight contracting steps, each rounded twice: 1e-15 relative.
    np.testing.assert_allclose(run.path, np.column_stack([3 * 0.8**k, 0.6**k]), rtol=1e-14)
    np.testing.assert_allclose(run.losses, run.path[:, 0] ** 2 + 2 * run.path[:, 1] ** 2, rtol=1e-14)
    np.testing.assert_allclose(run.gradient_norms, np.abs(run.path * [2, 4]).max(axis=1), rtol=1e-14)
    assert np.all(run.learning_rates[:-1] == 0.1)
    assert np.isnan(run.learning_rates[-1])
    assert run.path_steps.tolist() == k.tolist()
    assert run.loss == run.losses[-1]
    np.testing.assert_array_equal(run.x, run.path[-1])


@pytest.mark.parametrize("method", ["gradient_descent", "momentum", "newton"])
def test_n_evaluations_counts_what_the_function_was_asked(method):
    calls = []

    def fun(x):
        calls.append(x)
        return np.cosh(x[0]) + x[1] ** 4

    def jac(x):
        return np.array([np.sinh(x[0]), 4 * x[1] ** 3])

    def calls_of(max_steps):
        calls.clear()
        rate = 0.01 if method == "momentum" else None
        run = downslope.minimize(
            fun, [2.0, 1.0], jac=jac, method=method, learning_rate=rate, max_steps=max_steps, engine="eager"
        )
        return len(calls), run.n_evaluations

    # Before its first row, a run calls the function to see what it is; that number is always the same.
    calls_of(0)
    (before, first), (all_calls, counted) = calls_of(0), calls_of(9)
    assert all_calls - before == counted - first


def test_losses_alone_keep_no_path():
    run = downslope.minimize("rosenbrock", learning_rate=1e-3, max_steps=50, record="losses")
    whole = downslope.minimize("rosenbrock", learning_rate=1e-3, max_steps=50, record="path")
    assert run.path is None
    np.testing.assert_array_equal(run.x, whole.x)
    np.testing.assert_array_equal(run.losses, whole.losses)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["eager", "compiled"])
def test_a_path_too_large_is_thinned_evenly_and_the_run_says_so(engine, monkeypatch):
    def run(record):
        options = {"learning_rate": 0.01, "max_steps": 777, "gradient_tolerance": None, "engine": engine}
        return downslope.minimize(lambda x: x**2 + 1, 5.0, record=record, **options)

    whole = run("path")
    monkeypatch.setattr(recorder, "PATH_BYTES", 800)
    thinned, kept = run("auto"), run("path")
    assert len(kept.path) == 778
    assert not kept.notes
    assert thinned.path.nbytes <= 800 + 8
    assert thinned.path_steps[0] == 0
    assert thinned.path_steps[-1] == 777
    assert len(set(np.diff(thinned.path_steps[:-1]))) == 1
    np.testing.assert_array_equal(thinned.path, whole.path[thinned.path_steps])
    np.testing.assert_array_equal(thinned.losses, whole.losses)
    stride = thinned.path_steps[1]
    assert f"one point in {stride} is kept" in thinned.notes[0]


def test_a_callback_sees_every_row_before_its_update():
    seen = []
    x0 = {"w": np.array([3.0, 1.0])}
    run = downslope.minimize(squares, x0, learning_rate=0.1, max_steps=4, gradient_tolerance=None, callback=seen.append)
    assert run.engine == "eager"
    n = len(seen)
    assert n in (4, 5)  # no update follows the last row, which may be shown all the same
    assert [step.n for step in seen] == list(range(n))
    np.testing.assert_array_equal([step.x["w"] for step in seen], run.path["w"][:n])
    np.testing.assert_array_equal([step.gradient["w"] for step in seen], 2 * run.path["w"][:n])
    assert [step.loss for step in seen] == run.losses[:n].tolist()
    assert [step.gradient_norm for step in seen] == run.gradient_norms[:n].tolist()


def test_a_callback_cannot_change_the_run():
    def spoil(step):
        step.x[:] = 0.0
        step.gradient[:] = 7.0

    options = {"learning_rate": 0.1, "max_steps": 4, "engine": "eager"}
    plain = downslope.minimize("sum_of_squares", [1.0, 2.0], **options)
    spoilt = downslope.minimize("sum_of_squares", [1.0, 2.0], callback=spoil, **options)
    np.testing.assert_array_equal(spoilt.path, plain.path)


@pytest.mark.parametrize("engine", ["eager", "compiled"])
def test_progress_is_drawn_on_the_standard_error_alone(engine, capfd):
    downslope.minimize("x^2", 5.0, learning_rate=0.1, engine=engine, progress=True)
    drawn = capfd.readouterr()
    assert drawn.out == ""
    downslope.minimize("x^2", 5.0, learning_rate=0.1, engine=engine)
    assert capfd.readouterr() == ("", "")


BOUNDS = {
    "one pair": (0.5, 4.0),
    "a pair each": [(0.5, 4.0), (0.5, 4.0)],
    "None is open": [(0.5, None), (0.5, None)],
    "array": np.array([[0.5, 4.0], [0.5, np.inf]]),
    "SciPy": scipy.optimize.Bounds(0.5, [4.0, 4.0]),
}


@pytest.mark.parametrize("form", BOUNDS)
def test_bounds_are_read_in_each_form(form):
    run = downslope.minimize("sum_of_squares", [2.0, 3.0], bounds=BOUNDS[form])
    assert run.status is Status.GRADIENT_SMALL
    assert run.x.tolist() == [0.5, 0.5]


def test_a_number_has_a_pair_of_bounds():
    assert downslope.minimize("x^2", 2.0, bounds=(1, None)).x == 1.0


def test_the_record_reads_alike_as_dict_rows_dataframe_and_scipy_s_result():
    run = downslope.minimize("bowl_2d", [3.0, -2.0], method=Momentum(beta=0.5), learning_rate=0.1, max_steps=5)
    rows, frame, outcome, result = run.rows(), run.to_dataframe(), run.to_dict(), run.to_scipy()
    assert list(frame.columns) == list(rows[0]) == ["step", *run.variables, "loss", "gradient_norm", "learning_rate"]
    np.testing.assert_array_equal(frame[list(run.variables)].to_numpy(), run.path)
    np.testing.assert_array_equal([row["loss"] for row in rows], run.losses)
    assert outcome["status"] == run.status.name == "MAX_STEPS"
    assert list(outcome["x"].values()) == run.x.tolist() == result.x.tolist()
    assert (result.fun, result.nit, result.nfev, result.success) == (run.loss, 5, run.n_evaluations, False)
    np.testing.assert_array_equal(result.jac, run.gradient)
    assert run.gradient_source is GradientSource.COMPILED
    assert outcome["specification"]["method"] == {"name": "Momentum", "beta": 0.5}
