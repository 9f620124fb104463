"""The same answers on a GPU or TPU as on the processor. On a machine that has one: python -m pytest -m accelerator"""

import jax
import numpy as np
import pytest

import downslope
from tests.training.tables import numbers

pytestmark = pytest.mark.accelerator


@pytest.fixture(autouse=True)
def accelerator():
    if jax.default_backend() == "cpu":
        pytest.skip(f"JAX finds no accelerator here: its devices are {jax.devices()}")


def on_processor(work):
    with jax.default_device(jax.devices("cpu")[0]):
        return work()


def test_a_descent_takes_the_same_path():
    def descend():
        return downslope.minimize("rosenbrock", [-1.0, 1.0], learning_rate=1e-3, max_steps=500)

    # float64 on both; sums may be fused otherwise, and 500 steps in the valley let rounding grow.
    np.testing.assert_allclose(descend().path, on_processor(descend).path, rtol=1e-9)


def test_a_sweep_has_the_same_ends():
    def swept():
        return downslope.sweep("himmelblau", starts=[[0.0, 0.0], [-3.0, 1.0]], learning_rates=[0.001, 0.01])

    assert np.array_equal(swept().status, on_processor(swept).status)
    np.testing.assert_allclose(swept().x, on_processor(swept).x, rtol=1e-9)


@pytest.mark.parametrize("model", ["linear", downslope.training.Network(hidden_layer_sizes=(8,))])
def test_a_training_has_the_same_losses(model):
    X, y = numbers(2000)
    rows = X.astype(np.float32), np.sin(y).astype(np.float32)

    def trained():
        return downslope.fit(model, rows, batch_size=50, epochs=5, learning_rate=0.05)

    # float32; matrix products of accelerators round to fewer bits by default (TF32 has 10).
    np.testing.assert_allclose(trained().losses, on_processor(trained).losses, rtol=1e-2, atol=1e-3)
