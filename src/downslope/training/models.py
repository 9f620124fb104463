"""Models: what turns a row of features into outputs, and the average loss of many rows with its gradient.

    Linear    z = W x + b                   the gradient by hand: r = dloss/dz, dW = r x', db = r
    UserLoss  any loss(params, batch)       the gradient by JAX

Features come with the shape of columns, (d, n); those of the compiled loop lie row after row in memory.
Parameters are a pytree: {"bias": (), "weights": (d,)} of a linear model with one output, {"bias": (k,), "weights":
(k, d)} of one with k; a list of such layers of a network (networks.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from downslope.errors import InvalidInput
from downslope.training.losses import LOSSES, Logistic, Loss, Softmax, as_loss, sigmoid, softmax


class Model:
    """Base of the models: parameters are a pytree, columns (d, n), targets and shares (n,).

    >>> model = Linear("squared_error")
    >>> model.outputs(np, {"bias": np.array(1.0), "weights": np.array([2.0])}, columns=np.array([[0.0, 1.0, 2.0]]))
    array([1., 3., 5.])
    """

    loss: Loss | None = None
    """Of one row, by its output and its target; None where the model has a loss of its own."""

    def start(self, n_features: int, dtype: Any) -> Any:
        """The parameters before the first step, as NumPy arrays: of a linear model weights (d,) or (k, d)."""
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
    """A loss or its name: squared_error, huber, logistic, softmax."""
    intercept: bool = True
    """Whether there is a bias."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "loss", as_loss(self.loss))

    def start(self, n_features: int, dtype: Any) -> dict[str, np.ndarray]:
        """Zeros, a bias of shape () and weights (d,), or (k,) and (k, d): these losses are convex."""
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


class Batch(NamedTuple):
    """What a loss of the user's own gets: `X, y = batch`.

    >>> import downslope, numpy as np
    >>> def absolute_error(slope, batch):
    ...     X, y = batch
    ...     return np.abs(X[:, 0] * slope - y).mean()
    >>> X = np.arange(1.0, 5.0)[:, None]
    >>> run = downslope.fit(absolute_error, (X, 3 * X[:, 0]), start=0.0, epochs=100, learning_rate=0.1)
    >>> bool(abs(run.x - 3) < 0.3)
    True
    """

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


def name_of(model: Model) -> str:
    """A model in a word or two."""
    if isinstance(model, UserLoss):
        return model.name
    loss = model.loss.name if model.loss is not None else "loss"
    sizes = getattr(model, "hidden_layer_sizes", None)
    if sizes is None:
        return "linear regression" if loss == "squared_error" else f"{loss} regression"
    return f"network {'-'.join(map(str, sizes)) or 'without hidden layers'}, {loss.replace('_', ' ')}"
