"""The loss of one row, as a function of the model's output z and the target y; and its slope in z, by hand.

    squared_error   (z - y)^2 / 2
    huber           the same up to |z - y| = delta, and delta (|z - y| - delta / 2) beyond       Huber 1964
    logistic        log(1 + e^z) - y z                    y is 0 or 1; z is the log-odds of 1
    softmax         log(e^z_0 + ... + e^z_(k-1)) - z_y    y is 0, 1, ... k - 1

All are written for NumPy and JAX alike (`xp` is the array namespace), for n rows at once, and in the forms that
neither overflow nor cancel: log1p(e^-|z|), and never log(e^z). `most_curvature` bounds the second derivative in z, so
that a linear model's Hessian is at most that times the features' second moments.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from downslope.coefficients import coefficient
from downslope.errors import InvalidInput, UnknownName


class Loss:
    """Base of the losses; z has shape (n,), or (k, n) where there are k outputs; y has shape (n,).

    >>> import numpy as np
    >>> Logistic().slope(np, np.array([0.0, 0.0]), np.array([0.0, 1.0]))  # the probability of 1, less the target
    array([ 0.5, -0.5])
    """

    name: ClassVar[str]
    """What `Linear` and `Network` take."""
    most_curvature: ClassVar[float]
    """The largest second derivative in z."""
    domain: ClassVar[str] = "a finite number"
    """What a target must be."""
    is_classifier: ClassVar[bool] = False
    """Whether a target is a class."""

    def value(self, xp: Any, z: Any, y: Any) -> Any:
        """The loss of each row, shape (n,)."""
        raise NotImplementedError

    def slope(self, xp: Any, z: Any, y: Any) -> Any:
        """Its derivative in z, shaped as z."""
        raise NotImplementedError

    def allows(self, xp: Any, y: Any) -> Any:
        """Which targets are in the domain."""
        return xp.isfinite(y)


@dataclass(frozen=True)
class SquaredError(Loss):
    """Half the square, so that its slope is the residual.

    >>> import numpy as np
    >>> SquaredError().value(np, np.array([3.0]), np.array([1.0]))
    array([2.])
    """

    name = "squared_error"
    most_curvature = 1.0

    def value(self, xp: Any, z: Any, y: Any) -> Any:
        """(z - y)^2 / 2."""
        return (z - y) ** 2 / 2

    def slope(self, xp: Any, z: Any, y: Any) -> Any:
        """The residual."""
        return z - y


@dataclass(frozen=True)
class Huber(Loss):
    """Squares of small residuals, sizes of large ones: a few wrong rows do not bend the fit.

    >>> import numpy as np
    >>> Huber(delta=1.0).value(np, np.array([0.5, 3.0]), np.zeros(2))
    array([0.125, 2.5  ])
    """

    delta: float = coefficient("(0, inf)", 1.35, "the residual from which on the loss is straight")

    name = "huber"
    most_curvature = 1.0

    def value(self, xp: Any, z: Any, y: Any) -> Any:
        """H (|z - y| - h / 2), with h the smaller of |z - y| and delta."""
        size = xp.abs(z - y)
        held = xp.minimum(size, self.delta)
        return held * (size - held / 2)

    def slope(self, xp: Any, z: Any, y: Any) -> Any:
        """The residual, cut to [-delta, delta]."""
        return xp.clip(z - y, -self.delta, self.delta)


@dataclass(frozen=True)
class Logistic(Loss):
    """Minus the log-likelihood of a class 0 or 1 whose log-odds are z.

    >>> import numpy as np
    >>> Logistic().value(np, np.array([0.0, 1000.0, -1000.0]), np.array([1.0, 1.0, 1.0])).round(4)
    array([6.931e-01, 0.000e+00, 1.000e+03])
    """

    name = "logistic"
    most_curvature = 0.25
    domain = "0 or 1"
    is_classifier = True

    def value(self, xp: Any, z: Any, y: Any) -> Any:
        """max(z, 0) + log(1 + e^-|z|) - y z."""
        return xp.maximum(z, 0) + xp.log1p(xp.exp(-xp.abs(z))) - y * z

    def slope(self, xp: Any, z: Any, y: Any) -> Any:
        """The probability of 1, minus y."""
        return sigmoid(xp, z) - y

    def allows(self, xp: Any, y: Any) -> Any:
        """0 and 1."""
        return (y == 0) | (y == 1)


@dataclass(frozen=True)
class Softmax(Loss):
    """Minus the log-likelihood of one of k classes, whose log-odds are z up to a constant.

    >>> import numpy as np
    >>> Softmax(n_classes=2).value(np, np.array([[0.0, 1000.0], [0.0, 0.0]]), np.array([1.0, 0.0])).round(4)
    array([0.6931, 0.    ])
    """

    n_classes: int | None = None
    """None counts them: one more than the largest target."""

    name = "softmax"
    most_curvature = 0.5
    is_classifier = True

    @property
    def domain(self) -> str:  # type: ignore[override]
        """Whole numbers."""
        return f"a whole number from 0 to {self.n_classes - 1}" if self.n_classes else "a whole number, 0 or more"

    def value(self, xp: Any, z: Any, y: Any) -> Any:
        """The logarithm of the sum, shifted by the largest z, minus the z of the class."""
        highest = z.max(axis=0)
        total = xp.log(xp.exp(z - highest).sum(axis=0)) + highest
        return total - (z * self._chosen(xp, z, y)).sum(axis=0)

    def slope(self, xp: Any, z: Any, y: Any) -> Any:
        """The probabilities, minus 1 at the class."""
        return softmax(xp, z) - self._chosen(xp, z, y)

    def allows(self, xp: Any, y: Any) -> Any:
        """0 ... n_classes - 1."""
        inside = y >= 0 if self.n_classes is None else (y >= 0) & (y < self.n_classes)
        return inside & (y == xp.floor(y)) & xp.isfinite(y)

    def _chosen(self, xp: Any, z: Any, y: Any) -> Any:
        return (xp.arange(z.shape[0])[:, None] == y).astype(z.dtype)


def sigmoid(xp: Any, z: Any) -> Any:
    """1 / (1 + e^-z), without overflow.

    >>> import numpy as np
    >>> sigmoid(np, np.array([-1000.0, 0.0, 1000.0]))
    array([0. , 0.5, 1. ])
    """
    small = xp.exp(-xp.abs(z))
    return xp.where(z >= 0, 1, small) / (1 + small)


def softmax(xp: Any, z: Any) -> Any:
    """The probabilities of k classes, shape (k, n), each column adding up to 1."""
    parts = xp.exp(z - z.max(axis=0))
    return parts / parts.sum(axis=0)


LOSSES: dict[str, type[Loss]] = {kind.name: kind for kind in (SquaredError, Huber, Logistic, Softmax)}


def as_loss(loss: Any) -> Loss:
    """A loss from its name or instance; InvalidInput otherwise. Its coefficients are checked by `fit`."""
    if isinstance(loss, str):
        if loss not in LOSSES:
            raise UnknownName("loss", loss, LOSSES)
        return LOSSES[loss]()
    if not isinstance(loss, Loss):
        raise InvalidInput("loss", f"must be a loss or one of {', '.join(LOSSES)}", loss)
    return loss
