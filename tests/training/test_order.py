"""The order of rows is a function of seed, epoch and counts; each row comes once an epoch, and no order is likelier."""

import collections
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from downslope.training import order as module
from downslope.training.order import Order, block_rows, permutation


def rows_of(order, epoch, start=0):
    """The source's numbers of an epoch's rows, one window after the other."""
    seen = []
    for window in order.windows(epoch, start):
        firsts = window.blocks * order.block_rows
        numbers = np.concatenate([np.arange(first, min(first + order.block_rows, order.n_rows)) for first in firsts])
        seen.append(numbers[window.rows])
    return np.concatenate(seen)


@pytest.fixture
def small_blocks(monkeypatch):
    """Blocks of 16 rows."""
    monkeypatch.setattr(module, "MOST_BLOCK_ROWS", 16)


sizes = st.integers(1, 600)


@given(sizes, st.integers(0, 2**64 - 1), st.booleans(), st.sampled_from([0.0, 0.1, 0.5, 0.99]), st.integers(0, 5))
def test_each_row_comes_once_an_epoch_or_is_held_out(n_rows, seed, shuffle, validation, epoch):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "MOST_BLOCK_ROWS", 16)
        order = Order(n_rows, 3, seed, shuffle, validation)
        held_out = np.concatenate([b * order.block_rows + order.held_out(b) for b in range(order.n_blocks)])
        seen = rows_of(order, epoch) if order.n_training else np.empty(0, int)
        assert sorted([*seen, *held_out]) == list(range(n_rows))
        assert len(seen) == order.n_training
        assert len(held_out) == order.n_held_out
        if not shuffle:
            assert (np.diff(seen) > 0).all()


@given(sizes, st.integers(0, 99), st.sampled_from([0.0, 0.3]))
def test_any_place_of_an_epoch_is_found_without_what_comes_before_it(n_rows, seed, validation):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "MOST_BLOCK_ROWS", 16)
        order = Order(n_rows, 3, seed, True, validation)
        whole = list(order.windows(2))
        for start in {0, order.n_training // 3, max(0, order.n_training - 1)}:
            window = next(order.windows(2, start))
            assert window.start <= start < window.start + len(window.rows)
            same = next(w for w in whole if w.start == window.start)
            np.testing.assert_array_equal(window.rows, same.rows)
            np.testing.assert_array_equal(window.blocks, same.blocks)


def by_hand(n, seed, epoch, place, purpose):
    """The permutation as its docstring tells it, in Python's own integers, from Philox's published rounds."""
    mask, numbers, counter = 2**64 - 1, [], [0, place, epoch, purpose]
    while len(numbers) < n:
        counter[0] += 1  # NumPy counts before it draws
        c, key = list(counter), [seed % 2**64, 0]
        for _ in range(10):
            first, second = 0xD2E7470EE14C6C93 * c[0], 0xCA5A826395121157 * c[2]
            c = [(second >> 64) ^ c[1] ^ key[0], second & mask, (first >> 64) ^ c[3] ^ key[1], first & mask]
            key = [(key[0] + 0x9E3779B97F4A7C15) & mask, (key[1] + 0xBB67AE8584CAA73B) & mask]
        numbers += c
    bits = max(1, (n - 1).bit_length())
    return [i for _, i in sorted((numbers[i] >> bits, i) for i in range(n))]


@pytest.mark.parametrize("n", [1, 2, 3, 17, 256, 1000])
@pytest.mark.parametrize("where", [(0, 0, 0, 1), (12345678901234567890, 3, 7, 2)])
def test_a_permutation_is_what_philox_by_hand_gives(n, where):
    assert permutation(n, *where).tolist() == by_hand(n, *where)


def test_every_order_is_as_likely_as_any_other():
    # 6,000 permutations of 4: each of 24 is expected 250 times, chi-square has 23 degrees of freedom; 99.99% is 55.
    counts = collections.Counter(tuple(permutation(4, seed, 0, 0, 1).tolist()) for seed in range(6000))
    assert len(counts) == math.factorial(4)
    assert sum((count - 250) ** 2 / 250 for count in counts.values()) < 55


def test_seeds_epochs_windows_and_purposes_have_orders_of_their_own():
    orders = {
        permutation(50, *where).tobytes()
        for where in [(0, 0, 0, 1), (1, 0, 0, 1), (0, 1, 0, 1), (0, 0, 1, 1), (0, 0, 0, 2), (2**63, 0, 0, 1)]
    }
    assert len(orders) == 6


def test_rows_are_mixed_over_the_whole_of_a_window_and_blocks_over_all(small_blocks):
    order = Order(16 * 100, 3, seed=5)
    windows = list(order.windows(0))
    assert [len(window.blocks) for window in windows] == [8] * 12 + [4]
    blocks = np.concatenate([window.blocks for window in windows])
    assert sorted(blocks) == list(range(100))
    assert blocks.tolist() != list(range(100))
    first = windows[0].rows[:32] // 16  # of 32 rows at random from 8 blocks one would have to miss a block: 8 (7/8)^32
    assert len(set(first.tolist())) >= 5


def test_what_is_held_out_is_spread_evenly_and_bounded(small_blocks, monkeypatch):
    order = Order(16 * 50 + 7, 3, validation=0.25)
    counts = [len(order.held_out(b)) for b in range(order.n_blocks)]
    assert sum(counts) == order.n_held_out == round(0.25 * (16 * 50 + 7))
    assert set(counts[:-1]) == {4, 5} or set(counts[:-1]) == {4}
    monkeypatch.setattr(module, "HELD_OUT_NUMBERS", 60)
    assert Order(16 * 50, 3, validation=0.25).n_held_out == 20
    assert Order(2, 3, validation=0.999).n_held_out == 1
    assert Order(10, 3, validation=1e-9).n_held_out == 1
    assert Order(10, 3).n_held_out == 0


def test_what_is_held_out_does_not_change_with_the_epoch_and_does_with_the_seed(small_blocks):
    order = Order(1000, 3, seed=1, validation=0.2)
    rest = [set(rows_of(order, epoch).tolist()) for epoch in range(3)]
    assert rest[0] == rest[1] == rest[2]
    assert rest[0] != set(rows_of(Order(1000, 3, seed=2, validation=0.2), 0).tolist())


def test_a_block_holds_two_million_numbers_at_most():
    for d in (1, 2, 31, 32, 33, 100, 1000, 2**21, 10**7):
        rows = block_rows(d)
        assert rows & (rows - 1) == 0
        assert rows == 1 or rows * d <= 2**21
        assert rows == 2**16 or 2 * rows * d > 2**21
