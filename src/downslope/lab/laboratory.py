"""The laboratory: one `call(method, params)`, which every way in ends in.

It knows nothing of sockets, and keeps nothing between calls but what was compiled: a page that comes back, or two of
them, get the same answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from downslope.errors import DownslopeError, FormulaError, InvalidInput, RunFailed
from downslope.lab import (
    code,
    exporting,
    fan,
    files,
    greeting,
    limits_of_rates,
    many,
    places,
    playing,
    racing,
    reading,
    running,
    surface,
)
from downslope.lab.functions import Functions
from downslope.lab.labels import labelled
from downslope.lab.settings import KEYS, setting
from downslope.patience import LostPatience, asking
from downslope.run import Run

if TYPE_CHECKING:
    from downslope.lab.watching import Watched

Request = Callable[[Functions, dict[str, Any]], dict[str, Any]]
REQUESTS: dict[str, Request] = {
    "hello": greeting.hello,
    "function": greeting.function,
    "surface": surface.surface,
    "fan": fan.fan,
    "limits": limits_of_rates.limits,
    "run": running.run,
    "place": places.place,
    "critical": places.critical,
    "basins": many.basins,
    "drop": many.drop,
    "race": racing.race,
    "challenge": playing.challenge,
    "quiz": playing.quiz,
    "code": code.code,
    "save": files.save,
    "open": files.open_,
}


class UnknownMethod(InvalidInput):
    """A request that the laboratory does not know."""


class Laboratory:
    """Answers requests; safe to call from several threads.

    `own` holds Python functions by name, for the page to descend: functions, or `lab.functions.Own` with a start.
    `opening` is the piece of setting that a page shows first, `shown` a run that it shows then, `training` a training
    that it follows.

    >>> answer = Laboratory().call("run", {"fun": "x^2", "start": [5.0], "learning_rate": 0.5})
    >>> answer["path"].tolist(), answer["status"]
    ([[5.0], [0.0]], 'GRADIENT_SMALL')
    """

    def __init__(
        self,
        own: Mapping[str, Any] | None = None,
        *,
        opening: dict[str, Any] | None = None,
        shown: Run | None = None,
        training: Watched | None = None,
    ):
        self.functions, self.opening, self.shown, self.training = Functions(own), opening, shown, training

    def call(self, method: Any, params: Any, check: Callable[[], None] | None = None) -> dict[str, Any]:
        """The answer: JSON's values, with NumPy arrays among them.

        `check` is called now and then while it takes long, and may raise LostPatience. Raises DownslopeError where the
        request cannot be answered; `error_of` puts that into words for the page.
        """
        if not isinstance(method, str) or method not in (*REQUESTS, "export", "shown", "training"):
            raise UnknownMethod("method", f"must be one of {', '.join(REQUESTS)}, shown, training, export", method)
        params = reading.table("params", params)
        with asking(check or (lambda: None)), np.errstate(all="ignore"):
            return self._answer(method, params)

    def _answer(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        if method == "hello":
            return {
                **greeting.hello(self.functions, params),
                "opening": self.opening,
                "shows": self.shown is not None,
                "trains": self.training is not None,
            }
        if method == "training":
            reading.only(params, (), "training")
            if self.training is None:
                raise InvalidInput("training", "is there only where the laboratory was opened for one", None)
            return self.training.told()
        if method == "shown":
            reading.only(params, (), "shown")
            if self.shown is None:
                raise InvalidInput("shown", "is there only where the laboratory was opened by run.show()", None)
            return files.opened(self.shown, self.functions)
        if method == "export":
            piece = {key: value for key, value in params.items() if key in KEYS}
            reading.only(params, (*KEYS, "title", "requests"), "export")
            return exporting.export(setting(piece, self.functions), params, self._answer_of_the_known)
        return REQUESTS[method](self.functions, params)

    def _answer_of_the_known(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        if method not in REQUESTS:
            raise UnknownMethod("method", f"must be one of {', '.join(REQUESTS)}", method)
        return self._answer(method, params)


def error_of(error: BaseException) -> dict[str, Any]:
    """An error as the page reads it: its kind, its message, and where it points.

    >>> from downslope.objectives.formula import parse
    >>> try:
    ...     parse("x +")
    ... except FormulaError as error:
    ...     told = error_of(error)
    >>> told["kind"], told["column"], told["message"]
    ('formula', 4, "ends too early: a number, name or '(' should follow '+'")
    """
    if isinstance(error, UnknownMethod):
        return {"kind": "unknown_method", "message": str(error)}
    if isinstance(error, FormulaError):
        return {"kind": "formula", "message": labelled(error.problem), "column": error.column, "parameter": "fun"}
    if isinstance(error, InvalidInput):
        return {"kind": "input", "message": labelled(str(error)), "parameter": error.parameter}
    if isinstance(error, RunFailed):
        return {"kind": "function", "message": labelled(str(error))}
    if isinstance(error, DownslopeError):
        return {"kind": "input", "message": labelled(str(error)), "parameter": ""}
    if isinstance(error, LostPatience):
        return {"kind": str(error), "message": _LOST.get(str(error), str(error))}
    return {"kind": "internal", "message": f"{type(error).__name__}: {error}"[:300]}


_LOST = {"too_long": "this takes too long here, and was stopped", "cancelled": "cancelled"}
