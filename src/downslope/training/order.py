"""Which rows are seen when: a function of a seed and of counts, and of nothing else.

The rows lie in blocks of `block_rows`. An epoch permutes the blocks, takes `WINDOW` of them at a time, and permutes the
rows of each such window together. A window fits in memory and is read block by block; the data need not fit. Data of
one window are permuted as a whole.

Random numbers are those of Philox by counter, (seed; epoch, place, purpose), sorted: any window of any epoch is found
without the ones before it, so that a run can go on from anywhere, and no release of NumPy changes it (which it may do
with `Generator.permutation`).
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

BLOCK_NUMBERS = 2**21
"""A block holds about so many numbers: 8 MB of float32."""
MOST_BLOCK_ROWS = 2**16
WINDOW = 8
"""Blocks whose rows are permuted together."""
HELD_OUT_NUMBERS = 2**24
"""What is held out for validation is kept in memory: 64 MB of float32 at most."""

_BLOCKS, _ROWS, _HELD_OUT = range(3)


def block_rows(n_features: int) -> int:
    """The rows of a block: a power of two, by the number of features alone.

    >>> block_rows(2), block_rows(100), block_rows(100_000)
    (65536, 16384, 16)
    """
    fitting = max(1, BLOCK_NUMBERS // max(1, n_features))
    return min(MOST_BLOCK_ROWS, 1 << (fitting.bit_length() - 1))


class Window(NamedTuple):
    """The rows that are in memory together, and their order."""

    start: int
    """How many rows of the epoch come before."""
    blocks: np.ndarray
    """The numbers of the blocks to read, one after the other."""
    rows: np.ndarray
    """Which of the rows so read come when: places in what was read. Those that are held out are not among them."""


@dataclass(frozen=True)
class Order:
    """The order of `n_rows` rows in every epoch.

    >>> order = Order(n_rows=5, n_features=2, seed=0)
    >>> [window.rows.tolist() for window in order.windows(epoch=0)]
    [[4, 2, 0, 1, 3]]
    >>> [window.rows.tolist() for window in order.windows(epoch=1)]
    [[0, 4, 1, 3, 2]]
    """

    n_rows: int
    n_features: int
    seed: int = 0
    shuffle: bool = True
    validation: float = 0.0
    """The part that is held out, below 1; evenly over all blocks, at random within each."""

    @property
    def block_rows(self) -> int:
        """The rows of every block but the last."""
        return block_rows(self.n_features)

    @property
    def n_blocks(self) -> int:
        """How many blocks there are."""
        return -(-self.n_rows // self.block_rows)

    @functools.cached_property
    def n_held_out(self) -> int:
        """The rows held out: at least one of two where any part is, bounded by what is kept in memory."""
        if not self.validation:
            return 0
        most = max(1, HELD_OUT_NUMBERS // max(1, self.n_features))
        return min(max(1, round(self.validation * self.n_rows)), most, self.n_rows - 1)

    @property
    def n_training(self) -> int:
        """The rows of an epoch."""
        return self.n_rows - self.n_held_out

    def size(self, block: int) -> int:
        """The rows of a block."""
        return min(self.block_rows, self.n_rows - block * self.block_rows)

    def held_out(self, block: int) -> np.ndarray:
        """The rows of a block that no epoch has, in ascending order, counted within the block."""
        first = block * self.block_rows
        end = first + self.size(block)
        n = end * self.n_held_out // self.n_rows - first * self.n_held_out // self.n_rows
        return np.sort(permutation(end - first, self.seed, 0, block, _HELD_OUT)[:n])

    def windows(self, epoch: int, start: int = 0) -> Iterator[Window]:
        """The windows of an epoch, from the one that holds its row number `start`."""
        blocks = np.arange(self.n_blocks)
        if self.shuffle:
            blocks = blocks[permutation(self.n_blocks, self.seed, epoch, 0, _BLOCKS)]
        before = 0
        for i in range(0, self.n_blocks, WINDOW):
            own = blocks[i : i + WINDOW]
            n = self._n_training_in(own)
            if before + n > start:
                yield Window(before, own, self._rows(epoch, i // WINDOW, own))
            before += n

    def _n_training_in(self, blocks: np.ndarray) -> int:
        firsts = blocks * self.block_rows
        ends = np.minimum(firsts + self.block_rows, self.n_rows)
        held_out = ends * self.n_held_out // self.n_rows - firsts * self.n_held_out // self.n_rows
        return int((ends - firsts - held_out).sum())

    def _rows(self, epoch: int, number: int, blocks: np.ndarray) -> np.ndarray:
        sizes = [self.size(int(block)) for block in blocks]
        n = sum(sizes)
        rows = permutation(n, self.seed, epoch, number, _ROWS) if self.shuffle else np.arange(n)
        if not self.n_held_out:
            return rows
        training = np.ones(n, dtype=bool)
        place = 0
        for block, size in zip(blocks, sizes, strict=True):
            training[place + self.held_out(int(block))] = False
            place += size
        return rows[training[rows]]


def permutation(n: int, seed: int, epoch: int, place: int, purpose: int) -> np.ndarray:
    """The numbers 0 to n - 1, ordered by random numbers: those whose counter is (place, epoch, purpose).

    >>> permutation(5, 0, 0, 0, 1)
    array([4, 2, 0, 1, 3])
    """
    philox = np.random.Philox(key=seed % 2**64, counter=[0, place, epoch, purpose])
    bits = np.uint64(max(1, n - 1).bit_length())
    keys = philox.random_raw(n) >> bits << bits | np.arange(n, dtype=np.uint64)  # the low bits carry the number along
    keys.sort()
    keys &= np.uint64((1 << int(bits)) - 1)
    return keys.view(np.int64)
