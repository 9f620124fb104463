"""Named problems: plain NumPy functions with a start, the known minima and the source.

`PROBLEMS` holds them by name; `get` finds one. They are sorted into files by what makes them worth trying:

    teaching.py        the functions of the texts that this program grew from
    shapes.py          one difficulty each: a notch, a saddle, a plateau, a kink
    bowls.py           one minimum, no ruse
    valleys.py         one long bent or badly scaled valley
    several_minima.py  a few minima, all of them listed
    rugged.py          very many minima
    data_fits.py       nonlinear least squares on small published data
"""

from __future__ import annotations

from downslope.errors import UnknownName
from downslope.objectives.gallery import (
    bowls,
    data_fits,
    rugged,
    several_minima,
    shapes,
    teaching,
    valleys,
)
from downslope.objectives.gallery.problem import Minimum, Problem

__all__ = ["PROBLEMS", "Minimum", "Problem", "get"]

PROBLEMS: dict[str, Problem] = {
    found.name: found
    for module in (teaching, shapes, bowls, valleys, several_minima, rugged, data_fits)
    for found in vars(module).values()
    if isinstance(found, Problem)
}


def get(name: str) -> Problem:
    """The problem called `name`; raises UnknownName, which offers the nearest.

    >>> get("himmelblau").start
    (0.0, 0.0)
    >>> get("himelblau")
    Traceback (most recent call last):
    ...
    downslope.errors.UnknownName: `fun` must be one of ...; got 'himelblau'. Did you mean 'himmelblau'?
    """
    try:
        return PROBLEMS[name]
    except KeyError:
        raise UnknownName("fun", name, PROBLEMS) from None
