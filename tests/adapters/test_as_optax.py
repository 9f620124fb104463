"""Our methods as optax transformations: the walks of `minimize`, of optax itself, and to the minimum."""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import downslope
from downslope import Adam, GradientDescent, Method, Momentum, Nesterov, Newton, RMSProp, SignDescent
from downslope.learning_rates import (
    Backtracking,
    BarzilaiBorwein,
    Constant,
    Cosine,
    Custom,
    Cyclical,
    GeometricDecay,
    InverseTime,
    Polyak,
    StepDecay,
    WarmRestarts,
    WarmUp,
)
from downslope.methods import METHODS
from downslope.methods.momentum import MomentumState

pytestmark = pytest.mark.slow  # many small programs to compile

each_method = pytest.mark.parametrize("name", METHODS)


def himmelblau(p):
    return (p[0] ** 2 + p[1] - 11) ** 2 + (p[0] + p[1] ** 2 - 7) ** 2


def rosenbrock(p):
    return 100 * (p[1] - p[0] ** 2) ** 2 + (1 - p[0]) ** 2


def parabola(p):
    return jnp.sum((p - jnp.array([1.0, -1.0, 1.0], p.dtype)) ** 2)


def walk(transformation, loss, params, n_steps):
    """The points of n steps, of which the first is `params`, and the last state."""

    def step(carry, _):
        params, state = carry
        value, gradient = jax.value_and_grad(loss)(params)
        updates, state = transformation.update(gradient, state, params, value=value, value_fn=loss)
        return (optax.apply_updates(params, updates), state), params

    (end, state), path = jax.jit(partial(jax.lax.scan, step, length=n_steps))((params, transformation.init(params)))
    return jax.tree.map(lambda rows, last: np.concatenate([rows, np.asarray(last)[None]]), path, end), state


# --- to the minimum, as optax asks of each of its own: 10,000 steps in single precision, to 3e-2 in each coordinate

# Signs step by the rate itself, so only a falling one ends near a point.
REACHES = {
    "parabola": {
        "sign_descent": GeometricDecay(0.3, 0.99),
        "gradient_descent": 0.1,
        "momentum": 1e-3,
        "nesterov": 1e-3,
        "adagrad": 1.0,
        "rmsprop": 5e-3,
        "adam": 0.1,
        "newton": 1.0,
    },
    "rosenbrock": {
        "sign_descent": GeometricDecay(0.02, 0.999),
        "gradient_descent": 2e-3,
        "momentum": 1e-3,
        "nesterov": 1e-3,
        "adagrad": 1.0,
        "rmsprop": 5e-3,
        "adam": 0.1,
        "newton": None,
    },
}
TARGETS = {
    "parabola": (parabola, [-1.0, 10.0, 1.0], [1.0, -1.0, 1.0]),
    "rosenbrock": (rosenbrock, [0.0, 0.0], [1.0, 1.0]),
}


@pytest.mark.parametrize("target", TARGETS)
@each_method
def test_it_reaches_the_minimum_in_single_precision(name, target):
    loss, start, minimum = TARGETS[target]
    path, _ = walk(downslope.as_optax(name, REACHES[target][name]), loss, jnp.array(start), 10_000)
    assert path.dtype == np.float32
    np.testing.assert_allclose(path[-1], minimum, rtol=3e-2, atol=3e-2)


# --- the paths of `minimize`

COORDINATEWISE_RATES = {
    "number": 0.004,
    "one a coordinate": np.array([0.004, 0.002]),
    "default": None,
    "constant": Constant(0.004),
    "geometric decay": GeometricDecay(0.005, 0.98),
    "inverse time": InverseTime(0.005, 0.1),
    "step decay": StepDecay(0.005, 0.5, every=7),
    "cosine": Cosine(0.005, n_steps=40),
    "cyclical": Cyclical(0.001, 0.004, half_period=5),
    "warm restarts": WarmRestarts(0.004, n_steps=10, growth=2.0),
    "warm-up": WarmUp(Cosine(0.005, n_steps=40), n_steps=10),
    "warm-up of a function": WarmUp(Custom(lambda k: 0.005 / (k + 1)), n_steps=10),
    "function": lambda k: 0.005 / (k + 1),
}
MATRIX = [(name, "number") for name in METHODS] + [(name, "cosine") for name in METHODS]
MATRIX += [("gradient_descent", rate) for rate in COORDINATEWISE_RATES if rate not in ("number", "cosine")]
MATRIX += [("adam", "default"), ("newton", "default")]
MATRIX += [("adam", "one a coordinate"), ("newton", "one a coordinate")]
SEARCHES = {
    "backtracking": (GradientDescent(), Backtracking(initial=0.5, shrink=0.4)),
    "backtracking with signs": (SignDescent(), Backtracking()),
    "newton at rate one": (Newton(), 1.0),
    "barzilai-borwein": (GradientDescent(), BarzilaiBorwein()),
    "polyak": (GradientDescent(), Polyak(lowest=0.0)),
}
# The same float64 operations, apart from the order in which XLA fuses them: 1e-16 relative at points of size 1 to 4.
# Sixty steps of these rates, below the limit of stability, do not amplify that a thousandfold.
SAME = 1e-12


def assert_the_path_is_minimize_s(loss, start, method, rate, n_steps=60):
    run = downslope.minimize(
        loss, start, method=method, learning_rate=rate, max_steps=n_steps, gradient_tolerance=None, engine="eager"
    )
    with jax.enable_x64(True):
        path, _ = walk(downslope.as_optax(method, rate), loss, jnp.array(start), n_steps)
    # A run ends at a minimum; the transformation, which is asked for all steps, then stays there.
    np.testing.assert_allclose(path[: run.n_steps + 1], run.path, rtol=0, atol=SAME)
    np.testing.assert_allclose(path[run.n_steps :], np.broadcast_to(run.path[-1], (n_steps + 1 - run.n_steps, 2)))
    assert len(run.path) > 5
    assert np.ptp(run.path, axis=0).min() > 1e-3  # it went somewhere


@pytest.mark.parametrize(("name", "rate"), MATRIX)
def test_the_path_is_minimize_s(name, rate):
    assert_the_path_is_minimize_s(himmelblau, [0.5, -0.3], name, COORDINATEWISE_RATES[rate])


@pytest.mark.parametrize("name", ["adam", "newton"])
def test_the_way_there_and_back_changes_no_bit(name):
    options = {"max_steps": 8, "gradient_tolerance": None}
    there = downslope.minimize(himmelblau, [0.5, -0.3], method=name, **options)
    back = downslope.minimize(himmelblau, [0.5, -0.3], method=downslope.as_optax(name), **options)
    assert back.engine == "compiled"
    np.testing.assert_array_equal(back.path, there.path)
    if name == "newton":  # whose rate is searched for, and told
        np.testing.assert_array_equal(back.learning_rates, there.learning_rates)


@pytest.mark.parametrize("case", SEARCHES)
def test_a_search_takes_minimize_s_path(case):
    assert_the_path_is_minimize_s(himmelblau, [0.5, -0.3], *SEARCHES[case], n_steps=20)


@dataclass(frozen=True)
class SoftSign(Method):
    """A method of a user's, with operators alone."""

    beta: float = 0.5

    def init(self, x):
        return MomentumState(0 * x)

    def update(self, gradient, state, learning_rate):
        velocity = self.beta * state.velocity + gradient / (1 + abs(gradient))
        return -learning_rate * velocity, MomentumState(velocity)


@dataclass(frozen=True)
class Normalised(Method):
    """A method of a user's, that needs an inner product."""

    always_downhill: ClassVar[bool] = True

    def init(self, x):
        return ()

    def update(self, gradient, state, learning_rate):
        return -learning_rate * gradient / (gradient @ gradient) ** 0.5, state


@pytest.mark.parametrize("method", [SoftSign(), Normalised()], ids=["operators alone", "an inner product"])
def test_a_method_of_yours_takes_minimize_s_path(method):
    assert_the_path_is_minimize_s(himmelblau, [0.5, -0.3], method, 0.02)
    assert_the_path_is_minimize_s(himmelblau, [0.5, -0.3], method, Cosine(0.02, n_steps=30))


# --- trees

TREE = {"matrix": [[0.5, -0.25], [1.0, 2.0]], "nothing": {}, "number": 0.75, "vectors": ([0.1, 0.2, 0.3], [4.0])}
FLAT = [0.5, -0.25, 1.0, 2.0, 0.75, 0.1, 0.2, 0.3, 4.0]


def as_arrays(tree):
    return jax.tree.map(jnp.array, tree, is_leaf=lambda node: isinstance(node, list))


def flat_loss(x):
    return jnp.sum(jnp.cos(x) * jnp.arange(1, 10)) + jnp.prod(x[:3]) + jnp.sum(x**2) ** 2 / 50


def tree_loss(tree):
    return flat_loss(jnp.concatenate([jnp.ravel(leaf) for leaf in jax.tree.leaves(tree)]))


TREE_RULES = {name: (name, 0.01) for name in ("adam", "newton")}
TREE_RULES |= {"one a coordinate": ("momentum", np.linspace(0.001, 0.01, 9)), "an inner product": (Normalised(), 0.01)}
TREE_RULES |= {case: SEARCHES[case] for case in ("backtracking", "barzilai-borwein")}


@pytest.mark.parametrize("rule", TREE_RULES)
def test_a_tree_of_parameters_walks_as_one_vector_does(rule):
    with jax.enable_x64(True):
        transformation = downslope.as_optax(*TREE_RULES[rule])
        tree_path, state = walk(transformation, tree_loss, as_arrays(TREE), 20)
        flat_path, _ = walk(transformation, flat_loss, jnp.array(FLAT), 20)
    rows = np.concatenate([leaf.reshape(21, -1) for leaf in jax.tree.leaves(tree_path)], axis=1)
    np.testing.assert_allclose(rows, flat_path, rtol=0, atol=SAME)
    assert state.count == 20


def test_a_state_has_the_shapes_of_the_parameters_and_one_count():
    params = as_arrays(TREE)
    state = downslope.as_optax("adam").init(params)
    assert state.method.mean.keys() == TREE.keys()
    assert jax.tree.map(jnp.shape, state.method.mean_square) == jax.tree.map(jnp.shape, params)
    assert (state.method.n_gradients.shape, state.count.shape) == ((), ())


# --- optax's own

# optax adds eps under AdaGrad's root, where ours adds it outside; without it they are the same.
PEERS = {
    "sign_descent": (SignDescent(), optax.sign_sgd),
    "gradient_descent": (GradientDescent(), optax.sgd),
    "momentum": (Momentum(0.8), partial(optax.sgd, momentum=0.8)),
    "nesterov": (Nesterov(0.8), partial(optax.sgd, momentum=0.8, nesterov=True)),
    "adagrad": (downslope.AdaGrad(epsilon=0.0), partial(optax.adagrad, initial_accumulator_value=0.0, eps=0.0)),
    "rmsprop": (RMSProp(), partial(optax.rmsprop, decay=0.99, eps=1e-8, eps_in_sqrt=False)),
    "adam": (Adam(), optax.adam),
}


def network(params, inputs):
    return jnp.tanh(inputs @ params["hidden"]["weights"] + params["hidden"]["bias"]) @ params["out"]


def train(transformation, n_steps=60):
    """A training loop as Flax's and optax's guides write it, over mini-batches; the losses and last parameters."""
    rng = np.random.default_rng(0)
    inputs = jnp.array(rng.normal(size=(48, 3)))
    targets = jnp.sin(inputs.sum(axis=1))
    shapes = {"hidden": {"weights": (3, 8), "bias": (8,)}, "out": (8,)}
    params = jax.tree.map(lambda shape: jnp.array(rng.normal(size=shape)) / 2, shapes, is_leaf=_is_shape)

    def loss_fn(params, batch, wanted):
        return jnp.mean((network(params, batch) - wanted) ** 2)

    @jax.jit
    def train_step(params, state, batch, wanted):
        loss, gradients = jax.value_and_grad(loss_fn)(params, batch, wanted)
        updates, state = transformation.update(gradients, state, params)
        return optax.apply_updates(params, updates), state, loss

    state, losses = transformation.init(params), []
    for k in range(n_steps):
        batch = slice(16 * (k % 3), 16 * (k % 3) + 16)
        params, state, loss = train_step(params, state, inputs[batch], targets[batch])
        losses.append(loss.item())
    return losses, params


def _is_shape(node):
    return isinstance(node, tuple)


@pytest.mark.parametrize("name", PEERS)
def test_it_trains_a_network_to_the_digits_of_optax_s_own(name):
    method, peer = PEERS[name]
    with jax.enable_x64(True):
        # 0.0137 keeps signs off points where a rounding error decides them.
        losses, params = train(downslope.as_optax(method, 0.0137))
        expected_losses, expected = train(peer(0.0137))
    np.testing.assert_allclose(losses, expected_losses, rtol=SAME)
    jax.tree.map(partial(np.testing.assert_allclose, rtol=0, atol=SAME), params, expected)
    assert losses[-1] < losses[0] / 2


# Single precision, since optax counts in int32, of which JAX takes quotients to 6e-8 in any mode; 60 steps of it.
SAME_IN_SINGLE = 1e-5


@pytest.mark.parametrize("name", ["gradient_descent", "adam"])
def test_an_optax_schedule_is_a_learning_rate(name):
    method, peer = PEERS[name]
    schedule = optax.warmup_cosine_decay_schedule(0.0, 0.05, warmup_steps=5, decay_steps=40)
    losses, _ = train(downslope.as_optax(method, schedule))
    expected, _ = train(peer(schedule))
    np.testing.assert_allclose(losses, expected, rtol=SAME_IN_SINGLE)


def test_a_schedule_of_ours_is_one_of_optax_s():
    schedule = WarmUp(Cosine(0.05, n_steps=40), n_steps=5)
    losses, _ = train(downslope.as_optax("adam", schedule))
    expected, _ = train(optax.adam(schedule))
    np.testing.assert_allclose(losses, expected, rtol=SAME_IN_SINGLE)
