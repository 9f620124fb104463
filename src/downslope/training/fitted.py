"""A model with its weights: what predicts."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np

from downslope.errors import InvalidData, InvalidInput
from downslope.objectives.structure import Structure
from downslope.training.losses import LOSSES
from downslope.training.models import Linear, Model, UserLoss, name_of, predicted, probabilities
from downslope.training.networks import Network
from downslope.training.scoring import name_of_score, of_predictions
from downslope.wording import counted


@dataclass(frozen=True, eq=False, repr=False)
class Fitted:
    """Weights and the model that they belong to; everything on rows (n, d).

    >>> Fitted(Network(hidden_layer_sizes=(4, 3)), Network(hidden_layer_sizes=(4, 3)).start(2, float), ("a", "b"))
    <Fitted network 4-3, squared error, of 2 features: 31 parameters>
    """

    model: Model
    params: Any
    names: tuple[str, ...]
    """Of the features."""
    labels: tuple[str, ...] | None = None
    """What the classes 0, 1, ... stand for, where the target was words."""

    def __repr__(self) -> str:
        size = Structure.of(self.params)[0].size
        features = f", of {counted(len(self.names), 'feature')}" if self.names else ""
        return f"<Fitted {name_of(self.model)}{features}: {counted(size, 'parameter')}>"

    def outputs(self, X: Any) -> np.ndarray:
        """The model's raw outputs: numbers, log-odds; shape (n,), or (n, k) of k classes."""
        z = self._z(X)
        return z if z.ndim == 1 else np.ascontiguousarray(z.T)

    def predict(self, X: Any) -> np.ndarray:
        """The number, or the likeliest class (its label, where the target was words); shape (n,)."""
        found = predicted(self.model.loss, self._z(X))
        return found if self.labels is None else np.asarray(self.labels)[found.astype(int)]

    def probabilities(self, X: Any) -> np.ndarray:
        """Of each class, shape (n, k); InvalidInput where the model has no classes."""
        return probabilities(self.model.loss, self._z(X))

    def score(self, X: Any, y: Any, weight: Any = None) -> float:
        """How well it predicts rows that it has not seen: the accuracy of classes, R2 of numbers.

        `y` has shape (n,): numbers, or the words that the classes were trained by; `weight` has that shape, too, None
        is 1 each. NaN where all numbers of `y` are the same. InvalidInput for another shape, and words for numbers.

        >>> import downslope
        >>> X = np.random.default_rng(0).normal(size=(200, 2))
        >>> model = downslope.fit("linear", (X, X @ [1.0, 2.0])).model
        >>> round(model.score([[1.0, 1.0], [0.0, 1.0]], [3.0, 2.0]), 3)
        1.0
        """
        found, target = self.predict(X), np.asarray(y)
        try:
            target = target.astype(float if self.labels is None else str)
        except ValueError as error:
            raise InvalidInput("y", f"must be numbers, as in training ({error})", y) from None
        weights = np.ones(len(found)) if weight is None else np.asarray(weight, float)
        for name, given in (("y", target), ("weight", weights)):
            if given.shape != found.shape:
                raise InvalidInput(name, f"must have shape {found.shape}, a number a row of X", f"shape {given.shape}")
        return of_predictions(name_of_score(self.model), found, target, weights)

    def _z(self, X: Any) -> np.ndarray:
        if isinstance(self.model, UserLoss):
            raise InvalidInput(
                "model", "must be one of downslope's to predict: a loss of your own tells no output", None
            )
        rows = np.asarray(X)
        if rows.dtype.kind not in "fiub":
            rows = rows.astype(float)
        if rows.ndim != 2 or rows.shape[1] != len(self.names):
            raise InvalidInput("X", f"must have shape (n, {len(self.names)})", f"shape {rows.shape}")
        if not np.isfinite(rows).all():
            row, column = np.argwhere(~np.isfinite(rows))[0]
            value = f"is {rows[row, column]}"
            raise InvalidData(f"row {row}", self.names[column], value, "nothing can be predicted from it")
        with np.errstate(all="ignore"):
            return np.asarray(self.model.outputs(np, self.params, rows.T))

    def to_form(self) -> dict[str, Any] | None:
        """As JSON has it; None for a loss of the user's own, which is code."""
        if isinstance(self.model, UserLoss):
            return None
        told = {f.name: getattr(self.model, f.name) for f in dataclasses.fields(self.model)}  # type: ignore[arg-type]
        loss: Any = told["loss"]
        told["loss"] = {"name": loss.name, **dataclasses.asdict(loss)}
        return {"kind": type(self.model).__name__, **told, "names": list(self.names), "labels": self.labels}

    @staticmethod
    def of_form(form: dict[str, Any], params: Any) -> Fitted:
        """The inverse."""
        told = dict(form)
        names, labels = tuple(told.pop("names")), told.pop("labels")
        kind: Any = {"Linear": Linear, "Network": Network}[told.pop("kind")]
        loss = dict(told.pop("loss"))
        told["loss"] = LOSSES[loss.pop("name")](**loss)
        if "hidden_layer_sizes" in told:
            told["hidden_layer_sizes"] = tuple(told["hidden_layer_sizes"])
        return Fitted(kind(**told), params, names, None if labels is None else tuple(labels))
