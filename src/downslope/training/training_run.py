"""TrainingRun: the Run of a training, with what is known of epochs and a model that predicts."""

from __future__ import annotations

import dataclasses
import functools
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
    >>> list(run.score)
    ['accuracy', 'validation accuracy']
    """

    epochs: tuple[Epoch, ...] = ()
    """What is known at the end of each epoch; of batch descent, whose epochs are steps, of some."""
    model: Fitted = field(default=None, repr=False)  # type: ignore[assignment]
    """Predicts, with the weights `x`."""
    score_kept: dict[str, float] = field(default_factory=dict, repr=False)
    """The `score` that a file kept."""
    data: Any = field(default=None, repr=False)
    """What was trained on: the source of rows and what else a replay needs; None in a loaded run."""

    @functools.cached_property
    def score(self) -> dict[str, float]:
        """How well `x` predicts the training rows (where they are many, a sample) and those held out.

        {"accuracy": 0.93, "validation accuracy": 0.91} of classes, {"R2": ..., "validation R2": ...} of numbers; {} of
        a loss of your own, and of a run that was stored without it.
        """
        from downslope.training.scoring import name_of_score, score

        job: Any = self.data
        name = "" if job is None else name_of_score(job.model)
        if not name:
            return self.score_kept
        found = {name: score(job.model, self.x, job.objective.rows)}
        if job.validation is not None:
            found[f"validation {name}"] = score(job.model, self.x, job.validation.rows)
        return found

    @property
    def validation_loss(self) -> float:
        """The lowest of the epochs; NaN where nothing was held out."""
        losses = np.array([epoch.validation_loss for epoch in self.epochs], float)
        return float(np.nanmin(losses)) if np.isfinite(losses).any() else float("nan")

    def to_dict(self) -> dict[str, Any]:
        """As `Run.to_dict`, with the epochs and the score."""
        epochs = [plain(epoch._asdict()) for epoch in self.epochs]
        return super().to_dict() | {"epochs": epochs, "score": plain(self.score)}

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
            "score": plain(self.score),
        }


def restored(run: Run, told: dict[str, Any]) -> TrainingRun:
    """A loaded run with what `training_facts` told."""
    given = {f.name: getattr(run, f.name) for f in dataclasses.fields(Run)}
    epochs = tuple(Epoch(int(row[0]), int(row[1]), *(float(value) for value in row[2:])) for row in told["epochs"])
    model = None if told["model"] is None else Fitted.of_form(told["model"], run.x)
    kept = {name: float(value) for name, value in told.get("score", {}).items()}
    return TrainingRun(**given, epochs=epochs, model=model, score_kept=kept)  # type: ignore[arg-type]
