"""Each loss is the minus log-likelihood or distance that it is called, and its slope is its derivative."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from scipy import special

from downslope.errors import UnknownName
from downslope.training import Huber, Linear, Logistic, Network, Softmax, SquaredError
from downslope.training.losses import as_loss, sigmoid

rng = np.random.default_rng(0)
Z, Y, CLASSES = rng.normal(0, 3, 50), rng.normal(0, 3, 50), rng.integers(0, 3, 50).astype(float)
Z3 = rng.normal(0, 3, (3, 50))

F = torch.nn.functional


def tensor(array):
    return torch.from_numpy(np.asarray(array))


PEERS = {
    "squared_error": (SquaredError(), Z, Y, lambda: F.mse_loss(tensor(Z), tensor(Y), reduction="none") / 2),
    "huber": (Huber(1.5), Z, Y, lambda: F.huber_loss(tensor(Z), tensor(Y), reduction="none", delta=1.5)),
    "logistic": (
        Logistic(),
        Z,
        CLASSES.clip(0, 1),
        lambda: F.binary_cross_entropy_with_logits(tensor(Z), tensor(CLASSES.clip(0, 1)), reduction="none"),
    ),
    "softmax": (
        Softmax(3),
        Z3,
        CLASSES,
        lambda: F.cross_entropy(tensor(Z3.T), tensor(CLASSES).long(), reduction="none"),
    ),
}


@pytest.mark.parametrize("name", PEERS)
def test_a_loss_is_pytorchs(name):
    loss, z, y, peer = PEERS[name]
    np.testing.assert_allclose(loss.value(np, z, y), peer().numpy(), rtol=1e-12, atol=1e-14)  # rounding


@pytest.mark.sampled
@pytest.mark.parametrize("name", PEERS)
def test_a_slope_by_hand_is_the_derivative(name):
    loss, z, y, _ = PEERS[name]
    with jax.enable_x64(True):
        exact = jax.grad(lambda z: loss.value(jnp, z, y).sum())(jnp.asarray(z))
    np.testing.assert_allclose(loss.slope(np, z, y), exact, rtol=1e-12, atol=1e-14)


@pytest.mark.sampled
@pytest.mark.parametrize("name", PEERS)
def test_no_second_derivative_exceeds_what_the_loss_declares(name):
    loss, z, y, _ = PEERS[name]
    with jax.enable_x64(True):
        hessian = jax.jacfwd(lambda z: loss.slope(jnp, z, y[:1]))
        columns = z[None, :, None] if z.ndim == 1 else z.T[:, :, None]
        points = columns.reshape(-1, 1) if z.ndim == 1 else columns
        largest = max(np.linalg.eigvalsh(np.atleast_2d(np.squeeze(hessian(jnp.asarray(p)))))[-1] for p in points)
    assert largest <= loss.most_curvature + 1e-12


def test_extreme_outputs_neither_overflow_nor_cancel():
    z = np.array([-1e4, -40.0, 0.0, 40.0, 1e4])
    with np.errstate(over="raise", invalid="raise"):
        np.testing.assert_allclose(Logistic().value(np, z, np.zeros(5)), np.logaddexp(0, z), rtol=1e-15)
        np.testing.assert_allclose(sigmoid(np, z), special.expit(z), rtol=1e-15)
        far = Softmax(2).value(np, np.array([[1e4], [-1e4]]), np.array([1.0]))
    assert far.tolist() == [2e4]


def test_domains_are_checked():
    assert Logistic().allows(np, np.array([0.0, 1.0, 2.0, 0.5])).tolist() == [True, True, False, False]
    assert Softmax(3).allows(np, np.array([2.0, 3.0, -1.0, 0.5])).tolist() == [True, False, False, False]
    with pytest.raises(UnknownName, match="Did you mean 'logistic'"):
        as_loss("logistc")


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("model", "y"),
    [(Linear(PEERS[name][0]), PEERS[name][2]) for name in PEERS] + [(Linear("logistic", intercept=False), CLASSES > 0)],
    ids=[*PEERS, "without intercept"],
)
def test_the_gradient_of_a_linear_model_by_hand_is_the_automatic_one(model, y):
    columns, share = rng.normal(size=(4, 50)), rng.random(50)
    start = model.start(4, float)
    params = {name: rng.normal(size=np.shape(value)) for name, value in start.items()}
    with jax.enable_x64(True):
        value, gradient = model.value_and_gradient(jax.tree.map(jnp.asarray, params), columns, y.astype(float), share)
        by_jax = jax.grad(model.value)(jax.tree.map(jnp.asarray, params), columns, y.astype(float), share)
        assert float(value) == pytest.approx(float(model.value(params, columns, y.astype(float), share)), rel=1e-14)
    for name in params:
        np.testing.assert_allclose(gradient[name], by_jax[name], rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid"])
def test_a_network_is_pytorchs_of_the_same_weights(activation):
    net = Network(Softmax(3), (5, 4), activation, seed=3)
    params = net.start(2, float)
    kind = {"relu": torch.nn.ReLU, "tanh": torch.nn.Tanh, "sigmoid": torch.nn.Sigmoid}[activation]
    x = rng.normal(size=(2, 7))
    a = tensor(x.T)
    for k, layer in enumerate(params):
        a = F.linear(a, tensor(layer["weights"]), tensor(layer["bias"]))
        a = kind()(a) if k < 2 else a
    np.testing.assert_allclose(net.outputs(np, params, x), a.numpy().T, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    ("initialisation", "variance"), [("he_normal", 2 / 400), ("glorot_uniform", 2 / 700), ("lecun_uniform", 1 / 400)]
)
def test_weights_begin_with_the_variance_that_their_name_promises(initialisation, variance):
    net = Network("squared_error", (300,), initialisation=initialisation, seed=1)
    weights = net.start(400, float)[0]["weights"]
    assert weights.var() == pytest.approx(variance, rel=0.02)  # of 120,000 draws; the error is below 0.5 %
    again = Network("squared_error", (300,), initialisation=initialisation, seed=1).start(400, float)
    np.testing.assert_array_equal(weights, again[0]["weights"])
