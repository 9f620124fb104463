"""Whole paths, step by step, against torch.optim and optax: other people's code for the same formulas."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import torch

import downslope
from downslope.methods import AdaGrad, Adam, GradientDescent, Momentum, Nesterov, RMSProp, SignDescent

N_STEPS = 300
BETA = 0.9


def rosenbrock(p):
    return 100 * (p[1] - p[0] ** 2) ** 2 + (1 - p[0]) ** 2


def himmelblau(p):
    return (p[0] ** 2 + p[1] - 11) ** 2 + (p[0] + p[1] ** 2 - 7) ** 2


# Rates below each function's stability limit: a chaotic path would turn the last bit into a different walk.
FUNCTIONS = {
    "rosenbrock": (rosenbrock, (-1.2, 1.0), 2e-4),
    "himmelblau": (himmelblau, (0.5, -0.3), 2e-3),
}
# The methods that divide by the gradient's size have rates in units of x. 0.00137 keeps sign descent off
# points such as (-1, 1), where the gradient is exactly zero and its sign a matter of rounding.
RATES = {"adagrad": 0.1, "rmsprop": 0.002, "adam": 0.01, "sign_descent": 0.00137}

OURS = {
    "gradient_descent": GradientDescent(),
    "momentum": Momentum(beta=BETA),
    "nesterov": Nesterov(beta=BETA),
    "adagrad": AdaGrad(epsilon=1e-10),
    "rmsprop": RMSProp(),
    "adam": Adam(),
    "sign_descent": SignDescent(),
}
TORCH = {
    "gradient_descent": lambda p, rate: torch.optim.SGD(p, lr=rate),
    "momentum": lambda p, rate: torch.optim.SGD(p, lr=rate, momentum=BETA),
    "nesterov": lambda p, rate: torch.optim.SGD(p, lr=rate, momentum=BETA, nesterov=True),
    "adagrad": lambda p, rate: torch.optim.Adagrad(p, lr=rate, eps=1e-10),
    "rmsprop": lambda p, rate: torch.optim.RMSprop(p, lr=rate, alpha=0.99, eps=1e-8),
    "adam": lambda p, rate: torch.optim.Adam(p, lr=rate),
}
OPTAX = {
    "gradient_descent": lambda rate: optax.sgd(rate),
    "momentum": lambda rate: optax.sgd(rate, momentum=BETA),
    "nesterov": lambda rate: optax.sgd(rate, momentum=BETA, nesterov=True),
    # optax adds eps under the root, where the others add it outside; without it they are the same.
    "adagrad": lambda rate: optax.adagrad(rate, initial_accumulator_value=0.0, eps=0.0),
    "rmsprop": lambda rate: optax.rmsprop(rate, decay=0.99, eps=1e-8, eps_in_sqrt=False),
    "adam": lambda rate: optax.adam(rate),
    "sign_descent": lambda rate: optax.sign_sgd(rate),
}


def our_path(function, name, engine):
    _, start, rate = FUNCTIONS[function]
    method = AdaGrad(epsilon=0.0) if name == "adagrad without epsilon" else OURS[name]
    run = downslope.minimize(
        function,
        start,
        method=method,
        learning_rate=RATES.get(name.split()[0], rate),
        max_steps=N_STEPS,
        gradient_tolerance=None,
        engine=engine,
    )
    assert (run.engine, run.n_steps) == (engine, N_STEPS)
    return run.path


def torch_path(function, name):
    loss, start, rate = FUNCTIONS[function]
    point = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    optimizer = TORCH[name]([point], RATES.get(name, rate))
    path = [point.detach().numpy().copy()]
    for _ in range(N_STEPS):
        optimizer.zero_grad()
        loss(point).backward()
        optimizer.step()
        path.append(point.detach().numpy().copy())
    return np.stack(path)


def optax_path(function, name):
    loss, start, rate = FUNCTIONS[function]
    with jax.enable_x64(True):
        transformation = OPTAX[name](RATES.get(name, rate))

        def step(carry, _):
            point, state = carry
            updates, state = transformation.update(jax.grad(loss)(point), state, point)
            return (optax.apply_updates(point, updates), state), point

        point = jnp.array(start)
        (end, _), path = jax.lax.scan(step, (point, transformation.init(point)), length=N_STEPS)
        return np.concatenate([np.asarray(path), np.asarray(end)[None]])


# The gradients round differently by about 1e-16 relative; 300 steps below the stability limit add those up
# and do not amplify them beyond a hundredfold or so. The points are of size 1 to 4.
TOLERANCE = 1e-10


@pytest.mark.sampled
@pytest.mark.parametrize("engine", ["compiled", "eager"])
@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("name", TORCH)
def test_the_path_is_torch_s(name, function, engine):
    np.testing.assert_allclose(our_path(function, name, engine), torch_path(function, name), rtol=0, atol=TOLERANCE)


@pytest.mark.sampled
@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("name", OPTAX)
def test_the_path_is_optax_s(name, function):
    expected = optax_path(function, name)
    for engine in ("compiled", "eager"):
        ours = our_path(function, "adagrad without epsilon" if name == "adagrad" else name, engine)
        np.testing.assert_allclose(ours, expected, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_seven_paths_are_seven(function):
    early = [our_path(function, name, "eager")[10] for name in OURS]
    for i, point in enumerate(early):
        for other in early[:i]:
            assert np.max(np.abs(point - other)) > 1e-4  # a million times the tolerance above


def test_heavy_ball_keeps_its_velocity_in_steps_and_torch_in_gradients():
    # v <- beta v - a g against v <- beta v + g: the same walk at a constant rate, and not where the rate
    # changes. By hand on the slope f(x) = x (g = 1), rates 1 then 0.1, beta 0.5:
    #   ours   v = -1, then -0.5 - 0.1 = -0.6         torch   v = 1, then 1.5, of which 0.1 is stepped
    run = downslope.minimize("x", 0.0, method=Momentum(beta=0.5), learning_rate=lambda k: 10.0**-k, max_steps=2)
    assert run.path == pytest.approx([0.0, -1.0, -1.6], abs=1e-15)

    point = torch.zeros((), dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([point], lr=1.0, momentum=0.5)
    for rate in (1.0, 0.1):
        optimizer.param_groups[0]["lr"] = rate
        optimizer.zero_grad()
        point.backward()
        optimizer.step()
    assert point.item() == pytest.approx(-1.15, abs=1e-15)
