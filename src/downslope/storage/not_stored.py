"""What stands for code, which no file holds: it can be named, and not be called."""

from __future__ import annotations

from typing import Any, NoReturn

from downslope.errors import InvalidInput
from downslope.objectives import gallery
from downslope.objectives.objective import Objective
from downslope.objectives.structure import Structure


class NotStored:
    """A function that was there when the run was made; `parameter` is the one of `replay` that takes it."""

    def __init__(self, name: str, parameter: str):
        self.__name__, self.parameter = name, parameter

    def __call__(self, *arguments: Any) -> NoReturn:
        """Raise InvalidInput, which says how to go on."""
        raise needed(self.parameter, self.__name__)


class StoredObjective(Objective):
    """The objective of a loaded run, without its code."""

    def __init__(self, fun: Any, jac: Any, call: Any, names: list[str] | None):
        super().__init__(fun, jac, call=call)
        self._names = tuple(names or ())

    def own_names(self, structure: Structure) -> tuple[str, ...]:
        """Those that the function gave."""
        return self._names


def objective_of(specification: dict[str, Any]) -> Objective:
    """The objective of a specification: whole for a formula or a problem, else in name alone."""
    name, variables = specification["fun"], specification["variables"]
    jac = NotStored(f"the gradient of {name}", "jac") if specification["jac"] else None
    if specification["kind"] == "formula":
        return Objective(name, jac, variables=variables)
    if specification["kind"] == "gallery" and name in gallery.PROBLEMS:
        return Objective(name, jac)
    return StoredObjective(NotStored(name, "fun"), jac, specification["call"], variables)


def needed(parameter: str, name: str) -> InvalidInput:
    """The error for code that must be given."""
    rule = f"must be given: {name} is code, which no file holds; run.replay({parameter}=...) takes it"
    return InvalidInput(parameter, rule, None, message=f"`{parameter}` {rule}.")
