"""A slice is the loss on a plane through the weights: of least squares, a paraboloid known by heart."""

import numpy as np
import pytest

import downslope
from downslope.errors import InvalidInput
from downslope.training import Network, loss_slice

rng = np.random.default_rng(8)
X = rng.normal(size=(100, 2))
Y = X @ [2.0, -1.0] + 1 + 0.1 * rng.normal(size=100)
TABLE = np.column_stack([np.ones(100), X])


@pytest.fixture(scope="module")
def run():
    return downslope.fit("linear", (X, Y), learning_rate=0.3, epochs=40, l2=0.01)


@pytest.mark.slow
@pytest.mark.parametrize("directions", ["principal", "random"])
def test_the_losses_are_those_of_the_points_of_the_plane(run, directions):
    found = loss_slice(run, directions, resolution=5)
    x, (u, v) = run.structure.flatten(run.x), found.directions
    for i, b in enumerate(found.b):
        for j, a in enumerate(found.a):
            w = x + a * u + b * v
            loss = ((TABLE @ w - Y) ** 2).mean() / 2 + 0.005 * (w[1:] @ w[1:])
            assert found.losses[i, j] == pytest.approx(loss, rel=1e-10)


def test_a_principal_plane_holds_the_path(run):
    found = loss_slice(run, resolution=5)
    points = run.structure.flatten_rows(run.path)
    seen = run.structure.flatten(run.x) + found.path @ found.directions
    outside = ((points - seen) ** 2).sum() / ((points - points[-1]) ** 2).sum()
    assert found.explained == pytest.approx(1 - outside, abs=1e-9)
    assert found.explained > 0.99
    assert (np.abs(found.path) <= [found.a[-1], found.b[-1]]).all()


@pytest.mark.slow
def test_random_directions_are_as_long_as_each_filter_and_leave_biases():
    net = downslope.fit(Network("squared_error", (4,), seed=1), (X, Y), learning_rate=0.05, batch_size=20, epochs=2)
    found = loss_slice(net, "random", resolution=3)
    for u in found.directions:
        for layer, own in zip(net.structure.restore(u), net.x, strict=True):
            assert not layer["bias"].any()
            lengths = [np.linalg.norm(part["weights"], axis=1) for part in (layer, own)]
            np.testing.assert_allclose(*lengths, rtol=1e-12)


def test_given_directions_and_what_cannot_be_sliced(run):
    unit = {"bias": 1.0, "weights": [0.0, 0.0]}
    found = loss_slice(run, (unit, {"bias": 0.0, "weights": [1.0, 0.0]}), span=2.0, resolution=3)
    assert found.directions.tolist() == [[1, 0, 0], [0, 1, 0]]
    assert found.a.tolist() == [-2, 0, 2]
    with pytest.raises(InvalidInput, match="must span a plane"):
        loss_slice(run, (unit, unit))
    with pytest.raises(InvalidInput, match="of this process"):
        loss_slice(downslope.minimize("x^2", 1.0))


def test_a_slice_is_drawn(run):
    pytest.importorskip("matplotlib")
    figure = loss_slice(run, resolution=7).plot()
    assert "100 % of the path" in figure.axes[0].get_title()
    assert len(figure.axes) == 2  # with the bar of losses
