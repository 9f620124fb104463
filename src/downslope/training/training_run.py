"""TrainingRun: the Run of a training, with what is known of epochs and a model that predicts."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from downslope.errors import InvalidInput
from downslope.plain import plain
from downslope.run import Run
from downslope.training.fitted import Fitted
from downslope.training.record import Epoch

if TYPE_CHECKING:
    from downslope.explanation import Explanation


@dataclass(frozen=True, eq=False, repr=False)
class TrainingRun(Run):
    """One training, as `fit` returns it: a `Run` whose loss is an average over rows.

    Row k of the record is the batch of step k, seen before its update; the last row is the loss over all training rows
    at `x`, its gradient beside it. `x` are the weights to use: the last, the best by early stopping, or the average,
    which `notes` tells.

    >>> import downslope, numpy as np
    >>> X = np.random.default_rng(0).normal(size=(200, 2))
    >>> run = downslope.fit("logistic", (X, X[:, 0] > 0.3), batch_size=20, epochs=3, validation=0.2)
    >>> run.n_steps, len(run.losses), [epoch.n_steps for epoch in run.epochs]
    (24, 25, [8, 16, 24])
    >>> run.model.predict([[2.0, 0.0], [-2.0, 0.0]]).tolist()
    ['True', 'False']
    """

    epochs: tuple[Epoch, ...] = ()
    """What is known at the end of each epoch; of batch descent, whose epochs are steps, of some."""
    model: Fitted = field(default=None, repr=False)  # type: ignore[assignment]
    """Predicts, with the weights `x`."""
    data: Any = field(default=None, repr=False)
    """What was trained on: the source of rows and what else a replay needs; None in a loaded run."""

    @property
    def validation_loss(self) -> float:
        """The lowest of the epochs; NaN where nothing was held out."""
        losses = np.array([epoch.validation_loss for epoch in self.epochs], float)
        return float(np.nanmin(losses)) if np.isfinite(losses).any() else float("nan")

    def to_dict(self) -> dict[str, Any]:
        """As `Run.to_dict`, with the epochs."""
        return super().to_dict() | {"epochs": [plain(epoch._asdict()) for epoch in self.epochs]}

    def explain(self, *, suggest: bool = True) -> Explanation:
        """Why the training went as it did: noise, curvature beside the rate, the edge of stability, what to try."""
        from downslope.training.explaining import explain

        return explain(self, suggest=suggest)

    def replay(self, fun: Any = None, **options: Any) -> Any:
        """Train again on the same rows, and tell the difference; a loaded run needs them: `replay(data)`."""
        from downslope.training.replaying import replay

        if options:
            raise InvalidInput("replay", "takes the data alone", sorted(options))
        return replay(self, fun)

    def training_facts(self) -> dict[str, Any]:
        """What a file keeps of a training beside the run."""
        return {
            "epochs": [plain(tuple(epoch)) for epoch in self.epochs],
            "model": None if self.model is None else self.model.to_form(),
        }


def restored(run: Run, told: dict[str, Any]) -> TrainingRun:
    """A loaded run with what `training_facts` told."""
    given = {f.name: getattr(run, f.name) for f in dataclasses.fields(Run)}
    epochs = tuple(Epoch(int(row[0]), int(row[1]), *(float(value) for value in row[2:])) for row in told["epochs"])
    model = None if told["model"] is None else Fitted.of_form(told["model"], run.x)
    return TrainingRun(**given, epochs=epochs, model=model)  # type: ignore[arg-type]
