"""Small fully connected networks.

z = W_m a(... a(W_1 x + b_1) ...) + b_m         a: ReLU, sigmoid or tanh; the gradient by JAX
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from downslope.errors import InvalidInput, UnknownName
from downslope.training.losses import Loss, as_loss, sigmoid
from downslope.training.models import Model, n_outputs

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
        """One {"bias": (m,), "weights": (m, n)} a layer from n to m, drawn in order by one generator."""
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
