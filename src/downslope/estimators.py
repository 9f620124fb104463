"""Estimators for scikit-learn: the same training, as a regressor and a classifier.

`run_` is the training's record, so that a fit in a pipeline can be drawn and explained like any other.
"""

from __future__ import annotations

import dataclasses
import warnings
from typing import Any

import numpy as np

from downslope.errors import InvalidInput, MissingExtra

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data
except ImportError:
    raise MissingExtra("an estimator", "scikit-learn", extra="sklearn") from None

from downslope.stopping import Status
from downslope.storage.not_stored import objective_of
from downslope.training.fitting import fitted
from downslope.training.joining import warn_of_several
from downslope.training.losses import Logistic, Loss, Softmax, as_loss
from downslope.training.models import Linear, Model
from downslope.training.networks import Network
from downslope.training.training_run import TrainingRun


class _Descent(BaseEstimator):
    """What both share; the parameters are those of `downslope.fit`."""

    def __init__(
        self,
        loss: Any = None,
        *,
        hidden_layer_sizes: tuple[int, ...] = (),
        activation: str = "relu",
        initialisation: str | None = None,
        fit_intercept: bool = True,
        method: Any = "gradient_descent",
        learning_rate: Any = None,
        schedule_per: str = "step",
        batch_size: int | None = None,
        epochs: int | None = None,
        l1: float = 0.0,
        l2: float = 0.0,
        clip_norm: float | None = None,
        average_from: int | None = None,
        validation: float = 0.0,
        early_stopping: int | None = None,
        gradient_tolerance: float | None = 1e-7,
        shuffle: bool = True,
        random_state: Any = None,
        warm_start: bool = False,
    ):
        self.loss = loss
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.initialisation = initialisation
        self.fit_intercept = fit_intercept
        self.method = method
        self.learning_rate = learning_rate
        self.schedule_per = schedule_per
        self.batch_size = batch_size
        self.epochs = epochs
        self.l1 = l1
        self.l2 = l2
        self.clip_norm = clip_norm
        self.average_from = average_from
        self.validation = validation
        self.early_stopping = early_stopping
        self.gradient_tolerance = gradient_tolerance
        self.shuffle = shuffle
        self.random_state = random_state
        self.warm_start = warm_start

    params_: Any
    n_iter_: int
    _position: Any

    def _train(self, X: Any, y: Any, weight: Any, loss: Loss, *, partial: bool) -> None:
        """Fit, from the present weights where `warm_start` or `partial` says so."""
        seed = self._seed()
        goes_on = (partial or self.warm_start) and hasattr(self, "params_")
        is_batch = self.batch_size is None or self.batch_size >= len(X)
        warn_of_several()
        run, position = fitted(
            self._model(loss, seed),
            (X, y) if weight is None else (X, y, weight),
            start=self.params_ if goes_on else None,
            position=self._position if goes_on and partial else None,
            method=self.method,
            learning_rate=self.learning_rate,
            schedule_per=self.schedule_per,
            batch_size=self.batch_size,
            epochs=1 if partial else self.epochs,
            l1=self.l1,
            l2=self.l2,
            clip_norm=self.clip_norm,
            average_from=None if partial else self.average_from,
            validation=0.0 if partial else self.validation,
            early_stopping=None if partial else self.early_stopping,
            gradient_tolerance=self.gradient_tolerance if is_batch and not partial else None,
            shuffle=self.shuffle,
            one_class=True,
            is_part=partial,
            seed=seed,
        )
        if run.status in (Status.DIVERGED, Status.NOT_FINITE):
            told = f"the training ended {run.status.name} after {run.n_steps:,} steps; `run_.explain()` says why"
            warnings.warn(f"{told}. A smaller `learning_rate` or scaled features help most", ConvergenceWarning, 3)
        self.run_, self._position = run, position
        self.params_ = run.x
        epochs = run.n_steps if is_batch else len(run.epochs)
        self.n_iter_ = max(1, epochs) + (self.n_iter_ if partial and hasattr(self, "n_iter_") else 0)
        if isinstance(run.model.model, Linear):
            self._set_coefficients(run.x)

    def _model(self, loss: Loss, seed: int) -> Model:
        if not self.hidden_layer_sizes:
            return Linear(loss, self.fit_intercept)
        return Network(loss, tuple(self.hidden_layer_sizes), self.activation, self.initialisation, seed)

    def _seed(self) -> int:
        if isinstance(self.random_state, int | np.integer):
            return int(self.random_state)
        from sklearn.utils import check_random_state

        return int(check_random_state(self.random_state).randint(2**31 - 1))

    def _set_coefficients(self, params: Any) -> None:
        weights = np.asarray(params["weights"])
        bias = np.asarray(params["bias"]) if self.fit_intercept else np.zeros(weights.shape[:-1], weights.dtype)
        self.coef_, self.intercept_ = weights, bias

    def _outputs(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=[np.float64, np.float32])
        return np.asarray(self.run_.model.outputs(X))

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        if isinstance(state.get("run_"), TrainingRun):  # without its rows and compiled code, as a loaded run has none
            run = state["run_"]
            lone = objective_of(run.specification)
            state["run_"] = dataclasses.replace(run, objective=lone, rules=None, data=None)
        return state


class DescentRegressor(RegressorMixin, _Descent):
    """Least squares or Huber's regression by gradient descent, linear or, by `hidden_layer_sizes`, a small network.

    `loss` is "squared_error" (None), "huber" or a loss; the other parameters are those of `downslope.fit`;
    `epochs=None` is up to 1,000 steps of batch descent, or 10 passes over smaller batches. Attributes: `coef_` (d,),
    `intercept_`, `n_iter_` (epochs), `run_` (the `TrainingRun`).

    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(size=(50, 2))
    >>> DescentRegressor().fit(X, X @ [1.0, 2.0] + 3.0).coef_.round(4).tolist()
    [1.0, 2.0]
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> DescentRegressor:
        """Fit to rows X (n, d) and targets y (n,)."""
        return self._fit(X, y, sample_weight, partial=False)

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> DescentRegressor:
        """One more epoch, over these rows; the method's memory is kept."""
        return self._fit(X, y, sample_weight, partial=True)

    def _fit(self, X: Any, y: Any, weight: Any, *, partial: bool) -> DescentRegressor:
        loss = as_loss("squared_error" if self.loss is None else self.loss)
        if loss.is_classifier:
            raise InvalidInput("loss", "must be squared_error or huber of a regressor", self.loss)
        first = not (partial and hasattr(self, "params_"))
        X, y = validate_data(self, X, y, reset=first, dtype=[np.float64, np.float32], y_numeric=True)
        weight = None if weight is None else _check_sample_weight(weight, X, dtype=X.dtype)
        self._train(X, np.asarray(y, X.dtype), weight, loss, partial=partial)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The model's numbers, shape (n,)."""
        return self._outputs(X)


class DescentClassifier(ClassifierMixin, _Descent):
    """Logistic regression of two classes, softmax of more, by gradient descent; linear or a small network.

    `loss` is "logistic" or "softmax"; None is logistic for two classes, and softmax for more. The other parameters are
    those of `downslope.fit`. Attributes: `classes_`, `coef_` (1, d) or (k, d), `intercept_`,
    `n_iter_` (epochs), `run_` (the `TrainingRun`).

    >>> X = [[-2.0], [-1.0], [1.0], [2.0]]
    >>> DescentClassifier(l2=0.01).fit(X, ["cold", "cold", "warm", "warm"]).predict([[-3.0], [3.0]]).tolist()
    ['cold', 'warm']
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> DescentClassifier:
        """Fit to rows X (n, d) and classes y (n,)."""
        return self._fit(X, y, sample_weight, None, partial=False)

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> DescentClassifier:
        """One more epoch, over these rows; `classes` names all there will be, at the first call."""
        return self._fit(X, y, sample_weight, classes, partial=True)

    def _fit(self, X: Any, y: Any, weight: Any, classes: Any, *, partial: bool) -> DescentClassifier:
        if self.loss not in (None, "logistic", "softmax"):
            raise InvalidInput("loss", "must be None, logistic or softmax of a classifier", self.loss)
        first = not (partial and hasattr(self, "params_"))
        X, y = validate_data(self, X, y, reset=first, dtype=[np.float64, np.float32])
        check_classification_targets(y)
        if first:
            self.classes_ = np.unique(y if classes is None else classes)
        unknown = np.setdiff1d(y, self.classes_)
        if unknown.size:
            raise InvalidInput("y", f"must hold classes of {self.classes_.tolist()}", unknown[0])
        if len(self.classes_) < 2:
            raise InvalidInput("y", "must have two classes or more", f"one class, {self.classes_[0]!r}")
        weight = None if weight is None else _check_sample_weight(weight, X, dtype=X.dtype)
        two = len(self.classes_) == 2 and self.loss != "softmax"
        loss: Loss = Logistic() if two else Softmax(len(self.classes_))
        self._train(X, np.searchsorted(self.classes_, y).astype(X.dtype), weight, loss, partial=partial)
        return self

    def _set_coefficients(self, params: Any) -> None:
        super()._set_coefficients(params)
        self.coef_, self.intercept_ = np.atleast_2d(self.coef_), np.atleast_1d(self.intercept_)

    def decision_function(self, X: Any) -> np.ndarray:
        """Log-odds of the second class, shape (n,); of more classes one column each, up to a constant."""
        z = self._outputs(X)
        return z[:, 1] - z[:, 0] if z.ndim == 2 and z.shape[1] == 2 else z

    def predict(self, X: Any) -> np.ndarray:
        """The likeliest class of each row, shape (n,)."""
        z = self._outputs(X)
        chosen = (z > 0).astype(int) if z.ndim == 1 else z.argmax(axis=1)
        return np.asarray(self.classes_[chosen])

    def predict_proba(self, X: Any) -> np.ndarray:
        """The probability of each class, shape (n, k)."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=[np.float64, np.float32])
        return np.asarray(self.run_.model.probabilities(X))
