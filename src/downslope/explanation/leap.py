"""A step so long that it left the basin it began in, and many of that basin's widths behind."""

from __future__ import annotations

import numpy as np

from downslope.analysis.curvature import DENSE_UP_TO
from downslope.analysis.stationary import settle
from downslope.explanation.evidence import Evidence
from downslope.explanation.pace import point_in_words
from downslope.wording import short

_WIDTHS = 10.0
"""A step so many times as long as the way to the minimum below its beginning is a leap."""
_SHARE = 0.05
"""A step that is less of the whole way is not looked at: the search for that minimum has its price."""


def leap(evidence: Evidence) -> str:
    """A sentence on the longest step where it was a leap, with a space before; empty elsewhere."""
    run, bound = evidence.run, evidence.bound
    is_known = run.path is not None and len(run.path_steps) == run.n_steps + 1 and run.n_steps > 0
    if bound is None or not is_known or run.specification["noise"] or len(evidence.start) > DENSE_UP_TO:
        return ""
    points = run.structure.flatten_rows(run.path)
    with np.errstate(all="ignore"):
        lengths = np.abs(np.diff(points.astype(float), axis=0)).max(axis=1)
    k = int(np.argmax(lengths))
    if not np.isfinite(lengths).all() or lengths[k] < _SHARE * lengths.sum():
        return ""
    below = settle(bound, points[k])
    if below is None or not lengths[k] > _WIDTHS * np.abs(points[k] - below).max():
        return ""
    if np.abs(run.structure.flatten(run.x) - below).max() < 0.5 * lengths[k]:  # it came back
        return ""
    there, off = point_in_words(evidence, below), short(float(np.abs(points[k] - below).max()))
    step = "its first step" if k == 0 else f"step {k + 1:,}"
    far = short(lengths[k])
    return f" But {step} leapt {far} away: the minimum downhill of where it began, {there}, was {off} off."
