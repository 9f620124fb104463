"""One rule, any number: the same code steps floats, Fractions, NumPy, PyTorch and JAX arrays."""

from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from downslope.methods import AdaGrad, Adam, GradientDescent, Momentum, Nesterov, RMSProp, SignDescent

COORDINATEWISE = {
    "sign_descent": (SignDescent(), 0.0137),
    "gradient_descent": (GradientDescent(), 0.03),
    "momentum": (Momentum(beta=0.8), 0.01),
    "nesterov": (Nesterov(beta=0.8), 0.01),
    "adagrad": (AdaGrad(), 0.3),
    "rmsprop": (RMSProp(rho=0.9), 0.02),
    "adam": (Adam(beta1=0.8, beta2=0.95), 0.05),
}
START = (1.2, -0.7)
N_STEPS = 50


def partial_x(x, y):
    """By hand, of x^4 + x y + (1 + y)^2; both coordinates enter both partials."""
    return 4 * x * x * x + y


def partial_y(x, y):
    return x + 2 * (1 + y)


def walk(rule, x, gradient, rate, n):
    """The points of n steps, the start among them."""
    state, path = rule.init(x), [x]
    for _ in range(n):
        step, state = rule.update(gradient(x), state, rate)
        x = x + step
        path.append(x)
    return path


def path_of_floats(rule, rate):
    """One state a coordinate: the rules know nothing of vectors."""
    point = list(START)
    states = [rule.init(x) for x in point]
    path = [tuple(point)]
    for _ in range(N_STEPS):
        gradient = (partial_x(*point), partial_y(*point))
        for i in range(2):
            step, states[i] = rule.update(gradient[i], states[i], rate)
            point[i] = point[i] + step
        assert all(type(x) is float for x in point)
        path.append(tuple(point))
    return np.array(path)


def path_of_numpy(rule, rate):
    return np.stack(walk(rule, np.array(START), lambda p: np.array([partial_x(*p), partial_y(*p)]), rate, N_STEPS))


def path_of_torch(rule, rate):
    start = torch.tensor(START, dtype=torch.float64)
    path = torch.stack(walk(rule, start, lambda p: torch.stack([partial_x(*p), partial_y(*p)]), rate, N_STEPS))
    assert path.dtype is torch.float64
    return path.numpy()


def path_of_jax(rule, rate):
    with jax.enable_x64(True):
        path = jnp.stack(
            walk(rule, jnp.array(START), lambda p: jnp.stack([partial_x(*p), partial_y(*p)]), rate, N_STEPS)
        )
        assert path.dtype == jnp.float64
        return np.asarray(path)


@pytest.mark.parametrize("name", COORDINATEWISE)
@pytest.mark.parametrize("library", [path_of_numpy, path_of_torch, path_of_jax])
def test_every_number_type_walks_the_same_path(name, library):
    # Each of the 50 steps rounds differently by a few 1e-16 of a point of size 1; the walks contract or
    # grow by a factor of a few at most, so 1e-12 leaves room for a hundred times that.
    np.testing.assert_allclose(
        library(*COORDINATEWISE[name]), path_of_floats(*COORDINATEWISE[name]), rtol=0, atol=1e-12
    )


@pytest.mark.parametrize("name", COORDINATEWISE)
def test_the_paths_compared_go_somewhere(name):
    path = path_of_floats(*COORDINATEWISE[name])
    losses = [x**4 + x * y + (1 + y) ** 2 for x, y in path]
    assert losses[-1] < losses[0] - 0.5


def test_gradient_descent_on_the_parabola_is_a_power_exactly():
    x0, rate, n = Fraction(5), Fraction(1, 10), 25
    path = walk(GradientDescent(), x0, lambda x: 2 * x, rate, n)
    assert path == [x0 * (1 - 2 * rate) ** k for k in range(n + 1)]
    assert path[1] == 4  # by hand: 5 - 10 / 10


@pytest.mark.parametrize("rate", [Fraction(1, 2), Fraction(1), Fraction(9, 8)], ids=["jumps", "bounces", "diverges"])
def test_the_parabola_s_regimes_are_exact(rate):
    end = walk(GradientDescent(), Fraction(5), lambda x: 2 * x, rate, 3)[-1]
    assert end == {Fraction(1, 2): 0, Fraction(1): -5, Fraction(9, 8): Fraction(-5 * 125, 64)}[rate]


def test_heavy_ball_solves_its_recurrence_exactly():
    # Eliminating v: x_{k+1} = (1 + beta - a L) x_k - beta x_{k-1}, from x_1 = x_0 = start.
    beta, rate, curvature, start = Fraction(3, 4), Fraction(1, 7), Fraction(5, 2), Fraction(11, 3)
    expected = [start, start - rate * curvature * start]
    for _ in range(20):
        expected.append((1 + beta - rate * curvature) * expected[-1] - beta * expected[-2])
    assert walk(Momentum(beta=beta), start, lambda x: curvature * x, rate, 21) == expected


def test_nesterov_is_the_gradient_step_from_the_point_ahead_exactly():
    # The look-ahead form: u <- beta u - a g(y + beta u), y <- y + u, where y + beta u is our x.
    beta, rate, curvature, start = Fraction(3, 4), Fraction(1, 7), Fraction(5, 2), Fraction(11, 3)
    y, u, ahead = start, Fraction(0), [start]
    for _ in range(20):
        u = beta * u - rate * curvature * (y + beta * u)
        y = y + u
        ahead.append(y + beta * u)
    assert walk(Nesterov(beta=beta), start, lambda x: curvature * x, rate, 20) == ahead


def test_sign_descent_keeps_to_its_grid_exactly():
    path = walk(SignDescent(), Fraction(1), lambda x: 2 * x, Fraction(2, 5), 6)
    assert path == [Fraction(p, 5) for p in (5, 3, 1, -1, 1, -1, 1)]


@pytest.mark.parametrize("rule", [Momentum(beta=Fraction(0)), Nesterov(beta=Fraction(0))], ids=repr)
def test_beta_zero_is_plain_gradient_descent_exactly(rule):
    def gradient(x):
        return x**3 - x

    args = (Fraction(3, 2), gradient, Fraction(1, 10), 6)
    assert walk(rule, *args) == walk(GradientDescent(), *args)


@pytest.mark.parametrize("name", COORDINATEWISE)
def test_a_rule_does_not_write_into_what_it_is_given(name):
    rule, rate = COORDINATEWISE[name]
    x, gradient = np.array([1.0, -2.0]), np.array([3.0, 4.0])
    state = rule.init(x)
    kept = [np.copy(part) for part in state]
    rule.update(gradient, state, rate)
    assert x.tolist() == [1.0, -2.0]
    assert gradient.tolist() == [3.0, 4.0]
    for before, after in zip(kept, state, strict=True):
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("name", COORDINATEWISE)
def test_single_precision_stays_single(name):
    rule, rate = COORDINATEWISE[name]
    for x in (np.ones(2, np.float32), torch.ones(2, dtype=torch.float32)):
        step, _ = rule.update(x, rule.init(x), rate)
        assert step.dtype == x.dtype
