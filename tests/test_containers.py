"""Starts that other libraries make: pytrees of JAX, dicts of NumPy arrays, a module's parameters."""

import pathlib

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

import downslope
from downslope.errors import InvalidInput

KEY = jax.random.key(0)
FEATURES = np.random.default_rng(0).normal(size=(40, 2))
TARGETS = FEATURES[:, 0] * FEATURES[:, 1]


def same_arrays(a, b):
    return all(np.array_equal(x, y) for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True))


@pytest.mark.slow  # imports a large library
def test_an_equinox_module_trains_as_it_is():
    features = jnp.asarray(FEATURES, jnp.float32)
    model = eqx.nn.MLP(2, 1, 8, 1, activation=jnp.tanh, key=KEY)
    parameters, functions = eqx.partition(model, eqx.is_array)  # leaves None where the activations were

    def loss(parameters):
        predict = jax.vmap(eqx.combine(parameters, functions))
        return jnp.mean((predict(features)[:, 0] - TARGETS) ** 2)

    run = downslope.minimize(loss, parameters, method="adam", learning_rate=0.02, max_steps=400)
    assert isinstance(run.x, eqx.nn.MLP)
    assert run.loss < run.losses[0] / 10
    assert run.x.layers[0].weight.shape == (8, 2)
    assert run.x.layers[0].weight.dtype == parameters.layers[0].weight.dtype
    assert run.variables[0] == "layers.0.weight[0, 0]"
    trained = eqx.combine(run.x, functions)
    np.testing.assert_allclose(jnp.mean((jax.vmap(trained)(features)[:, 0] - TARGETS) ** 2), run.loss, rtol=1e-4)


@pytest.mark.slow  # imports a large library
def test_the_gradient_of_a_module_is_jaxs_own():
    linear = eqx.nn.Linear(2, 1, use_bias=False, key=KEY)

    def loss(linear):
        return jnp.sum(jax.vmap(linear)(jnp.asarray(FEATURES, jnp.float32)) ** 2)

    run = downslope.minimize(loss, linear, learning_rate=1e-3, max_steps=1)
    expected = jax.grad(loss)(linear)
    assert isinstance(run.path, eqx.nn.Linear)
    step = (run.path.weight[1] - run.path.weight[0]) / -1e-3
    np.testing.assert_allclose(step, expected.weight, rtol=1e-3)  # a difference of float32 numbers


@pytest.mark.parametrize(
    ("start", "words"),
    [
        ({"w": np.ones(2), "b": None}, "real numbers alone, and b is none .*got None"),
        ([{"w": np.ones(2)}, {"f": np.sin}], r"and 1\.f is none .*got <ufunc 'sin'>"),
        ({1: 1.0, "b": 2.0}, "a container that JAX can flatten"),
        (iter([1.0]), "put it into a list or dict"),
        (pathlib.Path("a"), "a number, an array, or a dict, list or other container"),
    ],
    ids=["none", "function", "keys", "iterator", "path"],
)
def test_what_is_no_number_is_named_with_its_place(start, words):
    with pytest.raises(InvalidInput, match=words) as caught:
        downslope.minimize(lambda p: 0.0, start)
    assert caught.value.parameter == "x0"


def test_counts_and_plain_numbers_do_not_widen_the_arrays_beside_them():
    start = {"w": np.ones(2, np.float32), "n": np.int64(3), "b": 0.5}
    run = downslope.minimize(lambda p: p["b"] ** 2 + p["w"] @ p["w"] + p["n"] ** 2, start, max_steps=3)
    assert run.structure.dtype == np.float32
    assert isinstance(run.x["b"], float)
    wide = downslope.minimize(
        lambda p: p["a"] ** 2 + p["b"] ** 2, {"a": np.float32(1), "b": np.float64(2)}, max_steps=1
    )
    assert wide.structure.dtype == np.float64


@pytest.mark.slow  # imports a large library
def test_the_parameters_of_a_torch_module_are_a_start():
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1)).double()
    features, targets = torch.tensor(FEATURES), torch.tensor(TARGETS)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}

    def loss(parameters):
        return torch.mean((torch.func.functional_call(model, parameters, (features,))[:, 0] - targets) ** 2)

    run = downslope.minimize(loss, dict(model.named_parameters()), method=torch.optim.LBFGS, max_steps=10)
    assert run.loss < 1e-2 * run.losses[0]
    assert set(run.x) == {"0.weight", "0.bias", "2.weight", "2.bias"}
    assert all(torch.equal(before[name], p) for name, p in model.named_parameters()), "the module itself is left alone"
    model.load_state_dict(run.x)
    with torch.no_grad():
        trained = torch.mean((model(features)[:, 0] - targets) ** 2)
    np.testing.assert_allclose(float(trained), run.loss, rtol=1e-12)


def test_a_list_of_torch_parameters_walks_as_torch_walks_it():
    torch.manual_seed(1)
    model = torch.nn.Linear(2, 1).double()
    features, targets = torch.tensor(FEATURES), torch.tensor(TARGETS)

    def loss(parameters):
        weight, bias = parameters
        return torch.mean((features @ weight[0] + bias[0] - targets) ** 2)

    run = downslope.minimize(loss, list(model.parameters()), learning_rate=0.1, max_steps=20)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(20):
        optimizer.zero_grad()
        loss(list(model.parameters())).backward()
        optimizer.step()
    np.testing.assert_allclose(run.x[0].numpy(), model.weight.detach().numpy(), rtol=1e-12)


@pytest.mark.slow
def test_a_dict_of_numpy_arrays_keeps_its_kind_and_shapes():
    start = {"layers": [{"w": np.ones((2, 3)), "b": np.zeros(3)}, {"w": np.ones((3, 1)), "b": np.zeros(1)}]}

    def loss(p):
        hidden = FEATURES
        for layer in p["layers"]:
            hidden = np.tanh(hidden @ layer["w"] + layer["b"])
        return np.mean((hidden[:, 0] - np.tanh(TARGETS)) ** 2)

    run = downslope.minimize(loss, start, max_steps=50)
    assert run.engine == "compiled"
    assert isinstance(run.x["layers"][0]["w"], np.ndarray)
    assert run.path["layers"][0]["w"].shape == (run.n_steps + 1, 2, 3)
    assert run.loss < run.losses[0]
    assert same_arrays(
        start, {"layers": [{"w": np.ones((2, 3)), "b": np.zeros(3)}, {"w": np.ones((3, 1)), "b": np.zeros(1)}]}
    )


def test_a_function_of_jax_with_numpy_data_works_outside_after_a_run():
    def loss(w):
        return jnp.mean((jnp.dot(FEATURES, w) - TARGETS) ** 2)

    run = downslope.minimize(loss, np.zeros(2), max_steps=5)
    assert run.engine == "compiled"
    np.testing.assert_allclose(loss(run.x.astype(np.float32)), run.loss, rtol=1e-5)  # in the user's own 32 bits
