"""Models: what turns a row of features into outputs, and the average loss of many rows with its gradient.

    Linear    z = W x + b            the gradient by hand: r = dloss/dz, dW = r x', db = r
    Network   z = W_m a(... a(W_1 x + b_1) ...) + b_m      a fully connected network; the gradient by JAX
    UserLoss  any loss(params, batch)                       the gradient by JAX

Features come as columns, shape (d, n): products with them are as quick as with rows, and files hold columns.
Parameters are a pytree: {"bias": (), "weights": (d,)} of a linear model with one output, {"bias": (k,), "weights":
(k, d)} of one with k; a list of such layers of a network.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from downslope.errors import InvalidInput, UnknownName
from downslope.training.losses import LOSSES, Logistic, Loss, Softmax, as_loss, sigmoid, softmax


class Model:
    """Base of the models: parameters are a pytree, columns (d, n), targets and shares (n,)."""

    loss: Loss | None = None

    def start(self, n_features: int, dtype: Any) -> Any:
        """The parameters before the first step, as NumPy arrays."""
        raise NotImplementedError

    def is_penalised(self, params: Any) -> Any:
        """For each array of `params`, whether L1 and L2 apply: to weights, and not to biases."""
        raise NotImplementedError

    def value(self, params: Any, columns: Any, target: Any, share: Any) -> Any:
        """The sum of share times loss over the rows, by JAX."""
        raise NotImplementedError

    def value_and_gradient(self, params: Any, columns: Any, target: Any, share: Any) -> tuple[Any, Any]:
        """The same and its gradient, arranged as `params` are."""
        import jax

        return jax.value_and_grad(self.value)(params, columns, target, share)

    def outputs(self, xp: Any, params: Any, columns: Any) -> Any:
        """z, shape (n,), or (k, n) where there are k outputs."""
        raise NotImplementedError

    @property
    def takes_short_batches(self) -> bool:
        """Whether rows can be left out by a share of 0; else a batch must have its own shape."""
        return True


@dataclass(frozen=True)
class Linear(Model):
    """A linear model under any of the losses: linear, logistic, softmax and robust regression.

    >>> Linear("logistic").start(n_features=2, dtype=float)
    {'bias': array(0.), 'weights': array([0., 0.])}
    """

    loss: Loss | str = "squared_error"  # type: ignore[assignment]  # a name in the constructor alone
    intercept: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "loss", as_loss(self.loss))

    def start(self, n_features: int, dtype: Any) -> dict[str, np.ndarray]:
        """Zeros: these losses are convex in the parameters."""
        outputs = n_outputs(self.loss)
        params = {"bias": np.zeros(outputs, dtype), "weights": np.zeros((*outputs, n_features), dtype)}
        return params if self.intercept else {"weights": params["weights"]}

    def is_penalised(self, params: Any) -> dict[str, bool]:
        """The weights."""
        return {name: name == "weights" for name in params}

    def outputs(self, xp: Any, params: Any, columns: Any) -> Any:
        """W x + b."""
        z = params["weights"] @ columns
        return z + params["bias"][..., None] if self.intercept else z

    def value(self, params: Any, columns: Any, target: Any, share: Any) -> Any:
        """The weighted sum of losses."""
        import jax.numpy as jnp

        return (share * self.loss.value(jnp, self.outputs(jnp, params, columns), target)).sum()  # type: ignore[union-attr]

    def value_and_gradient(self, params: Any, columns: Any, target: Any, share: Any) -> tuple[Any, Any]:
        """By hand: two products with the features and nothing stored in between."""
        import jax.numpy as jnp

        loss: Any = self.loss
        z = self.outputs(jnp, params, columns)
        slope = share * loss.slope(jnp, z, target)
        weights = slope @ columns.T  # columns of rows that lie in one piece: the other way round is half as quick
        gradient = {"bias": slope.sum(axis=-1), "weights": weights}
        value = (share * loss.value(jnp, z, target)).sum()
        return value, gradient if self.intercept else {"weights": weights}


ACTIVATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "relu": lambda xp, z: xp.maximum(z, 0),
    "sigmoid": sigmoid,
    "tanh": lambda xp, z: xp.tanh(z),
}


def _normal(rng: np.random.Generator, shape: tuple[int, int], variance: float) -> np.ndarray:
    return np.asarray(rng.standard_normal(shape) * np.sqrt(variance))


def _uniform(rng: np.random.Generator, shape: tuple[int, int], variance: float) -> np.ndarray:
    edge = np.sqrt(3 * variance)
    return np.asarray(rng.uniform(-edge, edge, shape))


INITIALISATIONS: dict[str, Callable[[np.random.Generator, tuple[int, int]], np.ndarray]] = {
    # Glorot and Bengio 2010: variance 2 / (in + out), for sigmoid and tanh; He et al. 2015: 2 / in, for ReLU;
    # LeCun et al. 1998: 1 / in.
    "glorot_normal": lambda rng, shape: _normal(rng, shape, 2 / sum(shape)),
    "glorot_uniform": lambda rng, shape: _uniform(rng, shape, 2 / sum(shape)),
    "he_normal": lambda rng, shape: _normal(rng, shape, 2 / shape[1]),
    "he_uniform": lambda rng, shape: _uniform(rng, shape, 2 / shape[1]),
    "lecun_normal": lambda rng, shape: _normal(rng, shape, 1 / shape[1]),
    "lecun_uniform": lambda rng, shape: _uniform(rng, shape, 1 / shape[1]),
}


@dataclass(frozen=True)
class Network(Model):
    """A small fully connected network; biases start at zero, weights as `initialisation` and `seed` say.

    >>> net = Network("logistic", hidden_layer_sizes=(3,), activation="tanh", seed=1)
    >>> [layer["weights"].shape for layer in net.start(n_features=2, dtype=float)]
    [(3, 2), (1, 3)]
    """

    loss: Loss | str = "squared_error"  # type: ignore[assignment]
    hidden_layer_sizes: tuple[int, ...] = (32,)
    activation: str = "relu"
    initialisation: str | None = None
    """None is he_normal for ReLU and glorot_uniform for the others."""
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "loss", as_loss(self.loss))
        sizes = (self.hidden_layer_sizes,) if isinstance(self.hidden_layer_sizes, int) else self.hidden_layer_sizes
        object.__setattr__(self, "hidden_layer_sizes", tuple(sizes))
        if not all(isinstance(size, int | np.integer) and size > 0 for size in self.hidden_layer_sizes):
            raise InvalidInput("hidden_layer_sizes", "must be positive whole numbers", sizes)
        if self.activation not in ACTIVATIONS:
            raise UnknownName("activation", self.activation, ACTIVATIONS)
        if self.initialisation is not None and self.initialisation not in INITIALISATIONS:
            raise UnknownName("initialisation", self.initialisation, INITIALISATIONS)

    def start(self, n_features: int, dtype: Any) -> list[dict[str, np.ndarray]]:
        """One {"bias", "weights"} a layer, drawn in order by one generator."""
        draw = INITIALISATIONS[self.initialisation or ("he_normal" if self.activation == "relu" else "glorot_uniform")]
        rng = np.random.default_rng(self.seed)
        sizes = [n_features, *self.hidden_layer_sizes, *(n_outputs(self.loss) or (1,))]
        shapes = list(zip(sizes[1:], sizes[:-1], strict=True))
        return [{"bias": np.zeros(s[0], dtype), "weights": draw(rng, s).astype(dtype)} for s in shapes]

    def is_penalised(self, params: Any) -> list[dict[str, bool]]:
        """The weights of every layer."""
        return [{name: name == "weights" for name in layer} for layer in params]

    def outputs(self, xp: Any, params: Any, columns: Any) -> Any:
        """Layer by layer; the last one is linear."""
        a = columns
        for layer in params[:-1]:
            a = ACTIVATIONS[self.activation](xp, layer["weights"] @ a + layer["bias"][:, None])
        z = params[-1]["weights"] @ a + params[-1]["bias"][:, None]
        return z if n_outputs(self.loss) else z[0]

    def value(self, params: Any, columns: Any, target: Any, share: Any) -> Any:
        """The weighted sum of losses."""
        import jax.numpy as jnp

        return (share * self.loss.value(jnp, self.outputs(jnp, params, columns), target)).sum()  # type: ignore[union-attr]


class Batch(NamedTuple):
    """What a loss of the user's own gets: `X, y = batch`."""

    X: Any
    """Shape (b, d)."""
    y: Any
    """Shape (b,)."""


@dataclass(frozen=True, eq=False)
class UserLoss(Model):
    """loss(params, batch), over any pytree of parameters: the batch's average, or one number a row, shape (b,).

    One number a row is averaged here, and may be weighted; an average is taken as it is.
    """

    function: Callable[[Any, Batch], Any]
    """On JAX's arrays; NumPy code has been wrapped."""
    params: Any = field(default=None)
    gives_rows: bool = False
    name: str = "loss"

    loss = None

    def start(self, n_features: int, dtype: Any) -> Any:
        """What the user gave."""
        return self.params

    def is_penalised(self, params: Any) -> Any:
        """All of them."""
        import jax

        return jax.tree.map(lambda leaf: True, params)

    def value(self, params: Any, columns: Any, target: Any, share: Any) -> Any:
        """The weighted sum of the rows' losses, or the average that the function gives."""
        value = self.function(params, Batch(columns.T, target))
        return (share * value).sum() if self.gives_rows else value

    @property
    def takes_short_batches(self) -> bool:
        """Only where it gives one number a row."""
        return self.gives_rows


NAMES = {
    "linear": lambda: Linear("squared_error"),
    "huber": lambda: Linear("huber"),
    "logistic": lambda: Linear("logistic"),
    "softmax": lambda: Linear("softmax"),
}
"""The models that `fit` takes by name."""


def n_outputs(loss: Any) -> tuple[int, ...]:
    """() for one output, (k,) for k classes."""
    return (int(loss.n_classes or 0),) if isinstance(loss, Softmax) else ()


def predicted(loss: Loss | None, z: np.ndarray) -> np.ndarray:
    """What outputs say of the target: the number itself, or the likeliest class."""
    if isinstance(loss, Logistic):
        return (z > 0).astype(float)
    return z.argmax(axis=0).astype(float) if isinstance(loss, Softmax) else z


def probabilities(loss: Loss | None, z: np.ndarray) -> np.ndarray:
    """The probability of each class, shape (n, k); InvalidInput where the loss has no classes."""
    if isinstance(loss, Logistic):
        of_one = sigmoid(np, z)
        return np.stack([1 - of_one, of_one], axis=1)
    if isinstance(loss, Softmax):
        return np.asarray(softmax(np, z).T)
    known = ", ".join(name for name, kind in LOSSES.items() if kind.is_classifier)
    raise InvalidInput("model", f"must have classes to give probabilities: {known}", loss)
