"""Which rows of every batch are one process's.

A batch of b rows is cut into n pieces of c = ceil(b / n) places, one after the other; process r has the places from
r c on. Every process has c places in every batch, so that all run one program; places beyond the batch's end hold its
last row and count nothing. The sum over all processes of what their places give is what the batch gives.

Where rows come shuffled from a file, what is read is divided, too: of each window (order.py) process r reads the rth of
n parts, and a batch's rows are its own where they lie in there. How many these are is then chance, a binomial number
at most; c is as large as more than c of them would come in one of 1e20 batches.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import bdtrc

_NEVER = 1e-20
_UNEVEN = 8
"""More rows than that, since windows do not divide evenly, and what is held out does not either."""


@dataclass(frozen=True)
class Share:
    """The share of process `rank` of `n`.

    >>> Share(rank=1, n=2).rows(at=10, n_rows=8, batch_size=5)
    (array([13, 14, 14, 17, 17, 17]), array([ True,  True, False, False, False, False]))
    """

    rank: int = 0
    n: int = 1

    @property
    def is_whole(self) -> bool:
        """There is one process."""
        return self.n == 1

    def size(self, batch_size: int) -> int:
        """c, its places in each batch."""
        return -(-batch_size // self.n)

    def beyond(self, batch_size: int) -> int:
        """How many places of the last process lie beyond a batch's end."""
        return self.n * self.size(batch_size) - batch_size

    def most(self, batch_size: int) -> int:
        """c, where what is read is divided.

        >>> Share(rank=0, n=2).most(256), Share(rank=0, n=2).most(16)
        (208, 16)
        """
        few = bdtrc(np.arange(batch_size), batch_size, 1 / self.n) <= _NEVER
        return min(batch_size, int(np.argmax(few)) + _UNEVEN) if few.any() else batch_size

    def part(self, n_rows: int) -> tuple[int, int]:
        """The first and the end of its part of so many rows."""
        return self.rank * n_rows // self.n, (self.rank + 1) * n_rows // self.n

    def rows(self, at: int, n_rows: int, batch_size: int) -> tuple[np.ndarray, np.ndarray]:
        """Its places in the batches that `n_rows` rows from row `at` on make: the row at each, and whether it counts.

        Row numbers never fall.
        """
        firsts = np.arange(0, n_rows, batch_size)[:, None]
        lasts = np.minimum(firsts + batch_size, n_rows) - 1
        c = self.size(batch_size)
        places = firsts + np.arange(self.rank * c, (self.rank + 1) * c)
        return np.ravel(at + np.minimum(places, lasts)), np.ravel(places <= lasts)

    def copy(self, rows: np.ndarray, batch_size: int, into: np.ndarray) -> None:
        """Copy its places of the batches that `rows` make, c a batch; what lies beyond a batch's end stays.

        >>> into = np.zeros(6, int)
        >>> Share(rank=1, n=2).copy(np.arange(13, 22), 5, into)
        >>> into
        array([16, 17,  0, 21,  0,  0])
        """
        c, n_whole = self.size(batch_size), len(rows) // batch_size
        for k, n, size in ((0, n_whole, batch_size), (n_whole, 1, len(rows) % batch_size)):
            first, end = (min(place, size) for place in (self.rank * c, self.rank * c + c))
            if n and first < end:
                own = rows[k * batch_size :][: n * size].reshape(n, size, *rows.shape[1:])[:, first:end]
                into[k * c :][: n * c].reshape(n, c, *into.shape[1:])[:, : end - first] = own


WHOLE = Share()
"""That of a process alone."""
