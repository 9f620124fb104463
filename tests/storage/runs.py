"""Runs to store, and what it means for two to be equal."""

import dataclasses
import functools

import jax
import numpy as np
import torch

import downslope
from downslope.engines.specification import describe
from downslope.engines.step import Rules
from downslope.learning_rates import Constant
from downslope.methods import Momentum
from downslope.objectives.objective import GradientSource, Objective
from downslope.objectives.structure import Structure
from downslope.run import Run
from downslope.stopping import Limits, Status


def bits(array):
    """An array's type, shape and bytes; NaNs and signed zeros tell themselves apart."""
    array = np.asarray(array.detach() if isinstance(array, torch.Tensor) else array)
    return array.dtype, array.shape, array.tobytes()


def assert_same_value(left, right):
    """Equal to the last bit, in the same containers and kinds of arrays."""
    assert jax.tree.structure(left) == jax.tree.structure(right)
    for one, other in zip(jax.tree.leaves(left), jax.tree.leaves(right), strict=True):
        assert type(one) is type(other)
        assert bits(one) == bits(other)


def assert_same(left, right):
    """All that a Run tells is equal."""
    for field in dataclasses.fields(Run):
        if field.name not in ("objective", "made_with", "structure", "rules"):
            assert_same_value(getattr(left, field.name), getattr(right, field.name))
    assert left.structure == right.structure
    assert left.variables == right.variables
    assert left.objective.name == right.objective.name
    # As text, since NaN is not equal to itself.
    assert repr(left.rows()) == repr(right.rows())
    assert left.to_dict() == right.to_dict()


def saved_and_loaded(run, folder, **options):
    run.save(folder / "run.parquet")
    return downslope.load(folder / "run.parquet", **options)


def made_run(x0, n_steps=3, path="whole", rate_shape=(), last_is_finite=True, seed=0):
    """A Run of random numbers, of any shape that `minimize` can give. `path`: whole, thinned or none."""
    rng = np.random.default_rng(seed)
    structure, flat = Structure.of(x0)
    n_rows = n_steps + 1
    x_step = n_steps if last_is_finite else max(n_steps - 1, 0)
    steps = np.unique([*range(0, n_rows, 3 if path == "thinned" else 1), n_steps])
    kept = np.union1d([0, x_step], [] if path == "none" else steps).astype(int)
    points = rng.normal(size=(len(kept), flat.size)).astype(flat.dtype)
    points[kept > x_step] = np.inf
    points[0] = flat
    losses, norms, rates = (rng.normal(size=(n_rows, *shape)).astype(flat.dtype) for shape in ((), (), rate_shape))
    rates[-1] = np.nan
    if not last_is_finite:
        losses[-1] = np.nan
    objective = Objective(lambda x: 0.0)
    rules = Rules(Momentum(0.5), Constant(0.25), Limits(-np.inf, 1e-6, np.inf, 7), None, None, 0)
    return Run(
        x=structure.restore(points[kept == x_step][0]),
        loss=float(losses[x_step]),
        status=Status.MAX_STEPS if last_is_finite else Status.NOT_FINITE,
        n_steps=n_steps,
        n_evaluations=n_rows + 5,
        path=None if path == "none" else structure.restore_rows(points[np.isin(kept, steps)]),
        path_steps=np.arange(n_rows) if path == "none" else steps,
        losses=losses,
        gradient_norms=norms,
        learning_rates=rates,
        gradient_source=GradientSource.GIVEN,
        gradient_reason="it is 'made up' — \"here\"",
        engine="eager",
        seconds=0.1 + 0.2,
        notes=("one note", "and another:\nin two lines"),
        specification=describe(objective, rules, structure, flat, "losses" if path == "none" else "auto"),
        structure=structure,
        objective=objective,
    )


def branching(x):
    """Code that branches on its values, and so is not compiled."""
    return float(np.sum(x**2)) if np.sum(x) > 100 else np.sum((x - 1) ** 2)


def bowl(p):
    """A loss of a container."""
    return np.sum(np.asarray(p["a"]) ** 2) + (p["b"] - 3.0) ** 2


def squares(x):
    return np.sum(np.asarray(x) ** 2)


def twice(x):
    return 2 * x


def uphill(x):
    return -2 * x


def stopping_after(n):
    return lambda step: step.n == n


# How each run is made, by name: the arguments of `minimize`, and the functions that a replay must be given.
MADE = {
    "formula": (("x cos(x) + 9", 12.0), {"learning_rate": 0.1}),
    "declared variables": ((Objective("theta^2 + b^2", variables=["theta", "b"]), [3.0, 1.0]), {}),
    "vector formula": ((Objective("sum(theta^2)", variables=["theta"]), [3.0, 1.0]), {"learning_rate": 0.1}),
    "gallery": (("himmelblau", [-1.0, 0.3]), {"learning_rate": 0.01}),
    "one step's worth": (("x^2", 5.0), {"max_steps": 0}),
    "overflow": (("x^4", 9.0), {"learning_rate": 1.1}),
    "limit": (("x^2", 5.0), {"learning_rate": 1.1, "loss_limit": 40.0}),
    "target": (("x^2", 5.0), {"learning_rate": 0.1, "target_loss": 1e-3, "gradient_tolerance": None}),
    "stalled": (("abs(x)", 1.0), {"learning_rate": 1e-20}),
    "search fails": ((squares, 5.0), {"jac": uphill}),
    "bounds": (("rosenbrock", [0.0, 0.0]), {"bounds": [(-1.0, 0.5), (None, 2.0)], "max_steps": 30}),
    "rates a coordinate": (("x^2 + y^2", [3.0, 4.0]), {"learning_rate": [0.1, 0.3]}),
    "one rate a coordinate of one": (("x^2", [3.0]), {"learning_rate": [0.1]}),
    "noise": (("x^2 + y^2", [3.0, 4.0]), {"learning_rate": 0.1, "noise": 0.5, "seed": 7, "max_steps": 40}),
    "drawn seed": (("x^2 + y^2", [3.0, 4.0]), {"learning_rate": 0.1, "noise": 0.5, "max_steps": 40}),
    "losses alone": (("rosenbrock",), {"record": "losses", "max_steps": 50}),
    "losses alone, overflow": (("x^4", 9.0), {"record": "losses", "learning_rate": 1.1}),
    "eager": (("rosenbrock",), {"engine": "eager", "max_steps": 20}),
    "callback": (("rosenbrock",), {"callback": stopping_after(6)}),
    "callback and search": (("rosenbrock",), {"callback": stopping_after(6), "learning_rate": None}),
    "function": ((squares, [3.0, 4.0]), {"learning_rate": 0.1}),
    "several numbers": ((lambda alpha, beta: alpha**2 + beta**2, [3.0, 4.0]), {"learning_rate": 0.1}),
    "branches": ((branching, [30.0, 40.0]), {"learning_rate": 0.1}),
    "container": ((bowl, {"a": np.arange(6.0).reshape(2, 3), "b": 1.0}), {"learning_rate": 0.1}),
    "container with bounds and rates": (
        (bowl, {"a": np.arange(6.0).reshape(2, 3), "b": 1.0}),
        {"learning_rate": {"a": 0.1, "b": 0.2}, "bounds": {"a": (-0.5, None), "b": (None, 2.0)}},
    ),
    "single precision": ((squares, np.float32([3, 4])), {"learning_rate": 0.1}),
    "single precision, one number": ((squares, np.float32(3)), {"learning_rate": 0.1}),
    "single precision, eager, double rate": (
        (squares, np.float32([3, 4])),
        {"learning_rate": np.float64(0.1), "engine": "eager"},
    ),
    "single precision rates": (
        (squares, np.float32([3, 4])),
        {"learning_rate": Constant(np.float32([0.1, 0.3])), "engine": "eager"},
    ),
    "half precision": ((squares, np.float16([3, 4])), {"learning_rate": 0.1}),
    "JAX": ((squares, jax.numpy.asarray([3.0, 4.0])), {"learning_rate": 0.1}),
    "JAX, one number": ((squares, jax.numpy.asarray(3.0)), {"learning_rate": 0.1}),
    "PyTorch": ((lambda t: (t**2).sum(), torch.tensor([3.0, 4.0], dtype=torch.float64)), {"learning_rate": 0.1}),
    "two hundred variables": (("sum(x^2)", np.linspace(1, 2, 200)), {"learning_rate": 0.1, "max_steps": 5}),
    "two hundred rates": (
        ("sum(x^2)", np.linspace(1, 2, 200)),
        {"learning_rate": np.linspace(0.1, 0.2, 200), "max_steps": 5},
    ),
    "two thousand bounds": (
        ("sum(x^2)", np.linspace(1, 2, 2000)),
        {"bounds": [(0.5 + i / 1e5, None) for i in range(2000)], "learning_rate": 0.1, "max_steps": 5},
    ),
    "given gradient": ((squares, [3.0, 4.0]), {"jac": twice, "learning_rate": 0.1}),
}


@functools.cache
def make(name):
    """That run; the same one again for the same name."""
    positional, named = MADE[name]
    return downslope.minimize(*positional, **named)
