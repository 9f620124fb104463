"""Multistart: descents from all over a box, and the distinct minima that they end in.

What was not found can only be estimated. With N descents that ended in w minima, of which s were found once:

    unseen_share          s / N                                   Good 1953 (Good-Turing)
    probability_missed    1 - prod_{i=1..w} (N - 1 - i) / (N - 1 + i)    Boender and Rinnooy Kan 1987

Both take the starts as independent and uniform in the box; sequences that are more even than that miss less. The
second also takes, before anything is seen, all numbers of minima and all divisions of the box among them as equally
likely. Neither can see a basin that is much narrower than the spacing of the starts.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from downslope.analysis.critical_points import search_box
from downslope.objectives.objective import Objective
from downslope.plain import plain
from downslope.stopping import Status
from downslope.sweeps.boxes import descents, whole
from downslope.sweeps.minima import Minimum
from downslope.sweeps.samplers import sample
from downslope.sweeps.summary import specification
from downslope.sweeps.sweep import Sweep
from downslope.wording import counted, number
from downslope.wording import numbers as in_words

_MOST_STARTS = 10**7
_MOST_SHOWN = 12


@dataclass(frozen=True, eq=False, repr=False)
class Multistart:
    """The minima that descents from all over a box ended in, a sequence: lowest first, and by place where they tie.

    >>> import downslope
    >>> found = downslope.multistart("double_well", (-1.8, 1.8), 64)
    >>> [(round(minimum.x, 6), minimum.n_starts) for minimum in sorted(found, key=lambda m: m.x)]
    [(-1.0, 32), (1.0, 32)]
    >>> found.unseen_share, round(found.probability_missed, 3)
    (0.0, 0.091)
    """

    minima: tuple[Minimum, ...]
    sweep: Sweep = field(repr=False)
    """All the descents."""

    def __len__(self) -> int:
        return len(self.minima)

    def __iter__(self) -> Iterator[Minimum]:
        return iter(self.minima)

    def __getitem__(self, k: int) -> Minimum:
        return self.minima[k]

    @property
    def lowest(self) -> Minimum | None:
        """The minimum of the lowest loss; None where no descent converged."""
        return self.minima[0] if self.minima else None

    @property
    def n_converged(self) -> int:
        """How many descents ended in one of the minima."""
        return sum(minimum.n_starts for minimum in self.minima)

    @property
    def n_resting(self) -> int:
        """How many descents ended where the gradient is small, but at a saddle or a maximum."""
        return int(np.count_nonzero(self.sweep.lanes.status == Status.GRADIENT_SMALL)) - self.n_converged

    @property
    def unseen_share(self) -> float:
        """Good and Turing's estimate of the share of starts that lead to minima not found here: found once / found."""
        once = sum(minimum.n_starts == 1 for minimum in self.minima)
        return once / self.n_converged if self.minima else 1.0

    @property
    def probability_missed(self) -> float:
        """Boender and Rinnooy Kan's probability that there is a minimum not found here; a lower one is one of these."""
        n, w = self.n_converged, len(self)
        if n <= w + 1:
            return 1.0
        return 1.0 - math.prod((n - 1 - i) / (n - 1 + i) for i in range(1, w + 1))

    @property
    def message(self) -> str:
        """What was found, and what may have been missed, in words."""
        minima = "1 minimum" if len(self) == 1 else f"{len(self)} minima"
        resting = f"; {counted(self.n_resting, 'start')} ended at a maximum or a saddle" if self.n_resting else ""
        head = f"{minima} from {counted(self.sweep.n_runs, 'start')}, of which {self.n_converged:,} converged{resting}."
        if not self.minima:
            return head
        least = 1 - 0.05 ** (1 / self.n_converged)
        return (
            f"{head} About {number(100 * self.unseen_share)} % of starts lead to minima not found (Good-Turing); the "
            f"probability that there is one is {number(self.probability_missed)} where all divisions of the box are "
            f"equally likely. A basin of {number(100 * least)} % of the box was seen with 95 % certainty, and a "
            "smaller one can hide."
        )

    def to_dict(self) -> dict[str, Any]:
        """The minima and the estimates, fit for JSON (without a row a start).

        >>> import downslope
        >>> downslope.multistart("parabola", (-2, 2), 8).to_dict()["minima"]
        [{'x': [0.0], 'loss': 0.0, 'n_starts': 8, 'share': 1.0, 'at_bound': False}]
        """
        return {
            "message": self.message,
            "minima": [plain({**dataclasses.asdict(m), "x": np.ravel(m.x)}) for m in self.minima],
            "n_starts": self.sweep.n_runs,
            "n_converged": self.n_converged,
            "n_resting": self.n_resting,
            "unseen_share": self.unseen_share,
            "probability_missed": self.probability_missed,
            "seconds": self.sweep.seconds,
            "notes": list(self.sweep.notes),
            "specification": specification(self.sweep),
        }

    def __repr__(self) -> str:
        shown = [
            f"  x = {in_words(np.ravel(m.x).tolist())}  loss {number(m.loss)}  {100 * m.share:.2f} % of starts"
            + ("  at a bound" if m.at_bound else "")
            for m in self.minima[:_MOST_SHOWN]
        ]
        more = len(self) - len(shown)
        return "\n".join([self.message, *shown, *([f"  and {more} more"] if more else [])])


def multistart(
    fun: Any,
    bounds: Any = None,
    n_starts: int = 1024,
    *,
    sampler: str = "sobol",
    seed: int = 0,
    method: Any = "gradient_descent",
    learning_rate: Any = None,
    inside: bool = True,
    jac: Callable[..., Any] | None = None,
    max_steps: int = 10_000,
    gradient_tolerance: float = 1e-6,
    progress: bool = False,
) -> Multistart:
    """Descend from all over a box, and tell the distinct minima, how many starts lead to each, and what may be missed.

    Ends are told apart as by `basins`: by their distance, flat minima and lines of minima as one, and saddles as none.

    Parameters
    ----------
    fun, jac, method, learning_rate, max_steps, gradient_tolerance, progress
        As for `minimize` and `sweep`. With one pair of bounds, f(x) is given a number; else a vector.
    bounds
        (low, high), a list with one pair a variable, or scipy.optimize.Bounds; finite. None is a gallery problem's
        own domain.
    n_starts
        From 1 to 10,000,000; a "grid" has as many as fit.
    sampler
        "sobol", "latin_hypercube", "uniform" or "grid".
    seed
        Of the starts, 0 or more.
    inside
        Project steps into the box, so that `fun` is never evaluated outside; with False the starts alone are inside.

    Raises
    ------
    InvalidInput
        A parameter breaks a rule; nothing was run.

    >>> found = multistart("himmelblau", [(-5, 5), (-5, 5)], 256)
    >>> [minimum.x.round(3).tolist() for minimum in sorted(found, key=lambda minimum: minimum.x[0])]
    [[-3.779, -3.283], [-2.805, 3.131], [3.0, 2.0], [3.584, -1.848]]
    """
    objective = Objective.of(fun, jac)
    m, own_seed = whole("n_starts", n_starts, 1, _MOST_STARTS), whole("seed", seed, 0, 2**63 - 1)
    lower, upper = search_box(objective, bounds)
    minima, _, runs = descents(
        objective,
        bounds,
        (lower, upper),
        sample(sampler, lower, upper, m, own_seed),
        method=method,
        learning_rate=learning_rate,
        inside=inside,
        max_steps=max_steps,
        gradient_tolerance=gradient_tolerance,
        progress=progress,
    )
    return Multistart(minima, runs)
