"""Batches hold the rows of the order, whatever the source, the chunk and the layout; and end where a row is bad."""

import gc
import threading
import time
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from downslope import InvalidData, InvalidFile
from downslope.training import batches as module
from downslope.training import order as order_module
from downslope.training.batches import Batches, held_out_rows
from downslope.training.order import Order
from downslope.training.shares import Share
from downslope.training.sources import kept, open_source
from downslope.training.sources import parquet as parquet_source
from downslope.training.sources.arrays import ArraySource
from downslope.training.windows import WindowRows
from tests.training.tables import KINDS, every_kind, numbers, table
from tests.training.test_order import rows_of


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Blocks of 16 rows, and files that are streamed."""
    monkeypatch.setattr(order_module, "MOST_BLOCK_ROWS", 16)
    monkeypatch.setattr(kept, "KEPT_NUMBERS", 0)


def given_by(batches, step=0, n_steps=None):
    """(step, epoch, columns, target, weight, rows) of each batch, without what fills the last one up."""
    given = []
    for chunk in batches.chunks(step, n_steps):
        b, d = batches.batch_size, len(batches.source.names)
        assert chunk.flat.numbers.shape == (batches.batches_per_chunk * b * d + 64 // batches.source.dtype.itemsize,)
        columns = chunk.flat.rows(chunk.n_batches * b, d).T
        np.testing.assert_array_equal(columns[:, : chunk.n_rows], chunk.rows.columns[:, : chunk.n_rows])
        assert np.isfinite(columns).all()
        assert (chunk.rows.weight[chunk.n_rows : chunk.n_batches * b] == 0).all()
        for first in range(0, chunk.n_rows, b):
            rows = slice(first, min(first + b, chunk.n_rows))
            parts = (columns[:, rows], chunk.rows.target[rows], chunk.rows.weight[rows], chunk.numbers[rows])
            given.append((chunk.step + first // b, chunk.epoch, *(part.copy() for part in parts)))
    return given


def assert_same(left, right):
    assert len(left) == len(right)
    for one, other in zip(left, right, strict=True):
        assert one[:2] == other[:2]
        for a, b in zip(one[2:], other[2:], strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.slow
@settings(max_examples=60)
@given(
    st.integers(1, 400),
    st.integers(1, 500),
    st.integers(1, 9),
    st.booleans(),
    st.sampled_from([0.0, 0.2]),
    st.booleans(),
    st.integers(0, 3),
)
def test_batches_are_the_rows_of_the_order_one_after_the_other(n, b, per_chunk, shuffle, validation, by_columns, seed):
    X, y = numbers(n + 1, seed=seed)
    w = 1.0 + np.arange(n + 1)
    source = ArraySource(np.asfortranarray(X) if by_columns else X, y, w)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(order_module, "MOST_BLOCK_ROWS", 16)
        order = Order(n + 1, 3, seed, shuffle, validation)
        batches = Batches(source, order, b, per_chunk)
        given = given_by(batches, 0, 2 * batches.n_batches)
        expected = [rows_of(order, epoch) for epoch in (0, 1)]
    assert [step for step, *_ in given] == list(range(2 * batches.n_batches))
    for step, epoch, columns, target, weight, rows in given:
        assert epoch == step // batches.n_batches
        first = step % batches.n_batches * b
        np.testing.assert_array_equal(rows, expected[epoch][first : first + b])
        np.testing.assert_array_equal(columns, X[rows].T)
        np.testing.assert_array_equal(target, y[rows])
        np.testing.assert_array_equal(weight, w[rows])
    held_out, where = held_out_rows(source, order)
    assert sorted([*where, *expected[0]]) == list(range(n + 1))
    np.testing.assert_array_equal(held_out.columns, X[where].T)
    np.testing.assert_array_equal(held_out.target, y[where])


@pytest.mark.slow
@pytest.mark.parametrize("shuffle", [True, False])
def test_the_same_rows_give_the_same_batches_whatever_they_lie_in(shuffle, tmp_path):
    X, y = numbers(700)
    given = {}
    for kind, (data, words) in every_kind(tmp_path, X, y).items():
        source = open_source(data, shuffle=shuffle, **words)
        given[kind] = given_by(Batches(source, Order(700, 3, 4, shuffle, 0.1), 23), 0, 60)
        source.close()
    assert set(given) == set(KINDS)
    for kind in KINDS:
        assert_same(given[kind], given["arrays"])


@pytest.mark.sampled
@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("n", [2, 3, 30])
def test_the_shares_of_several_processes_are_each_batch_once(n, shuffle, tmp_path):
    X, y = numbers(700)
    order = Order(700, 3, 4, shuffle, 0.0 if n == 2 else 0.1)
    kinds = every_kind(tmp_path, X, y)
    for data, words in [kinds["arrays"], kinds["Parquet"]] if n == 30 else kinds.values():
        source = open_source(data, shuffle=shuffle, **words)
        whole = given_by(Batches(source, order, 23), 0, 35)  # an epoch has 31, or 28
        shares = [shares_by(Batches(source, order, 23, 4, Share(rank, n)), 35) for rank in range(n)]
        for (*_, columns, target, _, rows), *parts in zip(whole, *shares, strict=True):
            own = np.concatenate([part.numbers for part in parts])
            there, here = np.argsort(rows), np.argsort(own)
            np.testing.assert_array_equal(own[here], rows[there])
            own_columns = np.concatenate([part.columns for part in parts], axis=1)
            np.testing.assert_array_equal(own_columns[:, here], columns[:, there])
            np.testing.assert_array_equal(np.concatenate([part.target for part in parts])[here], target[there])
        source.close()


def test_what_is_read_of_a_shuffled_file_is_divided_among_the_processes(tmp_path):
    X, y = numbers(1600)
    parquet.write_table(table(X, y), tmp_path / "rows.parquet", row_group_size=100)
    n_read = 0

    class Counting(parquet_source.ParquetSource):
        def read(self, first, into):
            nonlocal n_read
            n_read += len(into.target)
            super().read(first, into)

    source = Counting([tmp_path / "rows.parquet"], "y")
    for rank in range(4):
        n_read = 0
        shares_by(Batches(source, Order(1600, 3, 4), 50, 4, Share(rank, 4)), 32)
        assert n_read == 1600 / 4


class Part(NamedTuple):
    columns: np.ndarray
    target: np.ndarray
    numbers: np.ndarray


def shares_by(batches, n_steps):
    """What of each batch counts here."""
    given = []
    for chunk in batches.chunks(0, n_steps):
        c, d = batches.places, len(batches.source.names)
        assert chunk.n_places == chunk.n_batches * c
        for k in range(chunk.n_batches):
            place = chunk.flat.first + k * chunk.apart * d
            columns = chunk.flat.numbers[place : place + c * d].reshape(c, d).T
            assert np.isfinite(columns).all()
            counts = np.flatnonzero(chunk.rows.weight[k * c : (k + 1) * c])
            parts = columns[:, counts], chunk.rows.target[k * c + counts], chunk.numbers[k * c + counts]
            given.append(Part(*(part.copy() for part in parts)))
    return given


@settings(max_examples=60)
@given(st.integers(1, 400), st.integers(1, 60), st.integers(2, 5), st.one_of(st.none(), st.integers(1, 9)), st.data())
def test_shares_of_rows_in_memory_are_the_batches_wherever_each_process_has_its_rows(n_rows, b, n, per_chunk, data):
    X, y = numbers(n_rows)
    order, shares, steps = Order(n_rows, 3, 0, shuffle=False), [], []
    for rank in range(n):
        memory = np.empty(X.size + 8)
        own = memory[data.draw(st.integers(0, 8)) :][: X.size].reshape(X.shape)  # of eight places in 64 bytes
        own[:] = X
        batches = Batches(ArraySource(own, y), order, b, per_chunk, Share(rank, n))
        shares.append(shares_by(batches, batches.n_batches))
        steps.append([(chunk.step, chunk.n_batches) for chunk in batches.chunks(0, batches.n_batches)])
    assert all(own == steps[0] for own in steps)
    for k, parts in enumerate(zip(*shares, strict=True)):
        np.testing.assert_array_equal(
            np.concatenate([part.columns for part in parts], axis=1), X[k * b : (k + 1) * b].T
        )
        np.testing.assert_array_equal(np.concatenate([part.target for part in parts]), y[k * b : (k + 1) * b])
        np.testing.assert_array_equal(np.concatenate([part.numbers for part in parts]), np.arange(n_rows)[k * b :][:b])


@pytest.mark.parametrize("first", [1, 7, 30, 31, 32, 45])
def test_going_on_from_any_step_gives_the_same_as_going_through(first):
    X, y = numbers(700)
    batches = Batches(ArraySource(X, y), Order(700, 3, 4), 23, 5)
    assert batches.n_batches == 31
    assert_same(given_by(batches, first, 62 - first), given_by(batches, 0, 62)[first:])


def test_the_number_of_batches_in_a_chunk_changes_nothing():
    X, y = numbers(700)
    source, order = ArraySource(X, y), Order(700, 3, 4)
    expected = given_by(Batches(source, order, 10, 1), 0, 100)
    for per_chunk in (2, 7, 64, 70, 100, None):
        assert_same(given_by(Batches(source, order, 10, per_chunk), 0, 100), expected)


def collect(rows, batches):
    """Add the numbers of each batch's rows, until an error ends it."""
    for chunk in batches.chunks():
        b = batches.batch_size
        rows += [chunk.numbers[k * b : (k + 1) * b].tolist() for k in range(chunk.n_batches)]


def bad_file(path, kind, bad, X, y):
    if kind == "npy":
        np.save(path / "rows.npy", np.column_stack([X, y]))
        return path / "rows.npy", -1
    arrow = table(X, y)
    if kind == "null":
        arrow = table(np.where(np.isnan(X), 0, X), y)
        column = arrow.column("height").to_pylist()
        column[bad] = None
        arrow = arrow.set_column(1, "height", [column])
    parquet.write_table(arrow, path / "rows.parquet", write_statistics=False, row_group_size=20)
    return path / "rows.parquet", "y"


@pytest.mark.parametrize(
    ("kind", "value"), [("parquet", np.nan), ("parquet", -np.inf), ("null", np.nan), ("npy", np.inf)]
)
@pytest.mark.parametrize("per_chunk", [1, 4, 100])
def test_a_bad_value_ends_them_at_its_batch_and_is_named(kind, value, per_chunk, tmp_path):
    X, y = numbers(700)
    whole = given_by(Batches(ArraySource(X, y), Order(700, 3, 4), 23, 3), 0, 62)
    bad = 411
    X[bad, 1] = value
    data, target = bad_file(tmp_path, kind, bad, X, y)
    source = open_source(data, target)
    problem = "is NaN" if np.isnan(value) else f"is {value} as float64"
    column = "x2" if kind == "npy" else "height"
    with pytest.raises(InvalidData, match=f"column '{column}', row 411 of rows.{data.suffix[1:]}, {problem}"):
        collect(given := [], Batches(source, Order(700, 3, 4), 23, per_chunk))
    at = next(step for step, *_, rows in whole if bad in rows)
    assert len(given) == at > 0
    for rows, (*_, expected) in zip(given, whole, strict=False):
        assert rows == expected.tolist()


def test_a_bad_target_and_a_bad_weight_are_named_too(tmp_path):
    X, y = numbers(50)
    for name, value, problem in (("y", np.nan, "is NaN"), ("age", -2.0, "is -2.0, and weights must be at least 0")):
        arrow = table(np.abs(X), y).to_pandas()
        arrow.loc[33, name] = value
        arrow.to_parquet(tmp_path / "rows.parquet")
        arrow = parquet.read_table(tmp_path / "rows.parquet")
        parquet.write_table(arrow, tmp_path / "rows.parquet", write_statistics=False, row_group_size=20)
        source = open_source(tmp_path / "rows.parquet", "y", "age")
        with pytest.raises(InvalidData, match=f"column '{name}', row 33 of rows.parquet, {problem}"):
            list(Batches(source, Order(50, 2), 10).chunks())


def test_a_number_beyond_single_precision_is_named(tmp_path):
    X = np.ones((50, 2), np.float32)
    source = open_source((X, np.ones(50)))
    assert len(given_by(Batches(source, Order(50, 2), 10), 0, 5)) == 5
    X[17, 0] = 3.4e38  # finite, though a sum is not
    source = open_source((X, np.ones(50)))
    source.is_checked = False
    assert len(given_by(Batches(source, Order(50, 2), 10), 0, 5)) == 5


def test_damage_is_raised_after_what_came_before_it(tmp_path, monkeypatch):
    X, y = numbers(2000)
    path = tmp_path / "rows.parquet"
    parquet.write_table(table(X, y), path, write_page_checksum=True, row_group_size=100, compression="none")
    content = bytearray(path.read_bytes())
    content[content.index(X[1500, 1].tobytes())] ^= 1
    path.write_bytes(content)
    monkeypatch.setattr(parquet_source, "_BATCH", 50)
    source = open_source(path, "y", shuffle=False)
    with pytest.raises(InvalidFile, match=r"rows.parquet' is damaged, .*checksum"):
        collect(batches := [], Batches(source, Order(2000, 3, shuffle=False), 10, 1))
    seen = [row for rows in batches for row in rows]
    assert seen == list(range(len(seen)))
    assert len(seen) == 1500 // 16 * 16 // 10 * 10  # the blocks before it


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "downslope reads ahead"]


@pytest.mark.slow
def test_the_thread_ends_with_those_who_stop_asking():
    X, y = numbers(700)
    batches = Batches(ArraySource(X, y), Order(700, 3, 4), 23, 5)
    chunks = batches.chunks()
    next(chunks)
    assert len(threads()) == 2
    chunks.close()
    assert threads() == []
    chunks = batches.chunks()
    next(chunks)
    del chunks
    gc.collect()
    assert threads() == []
    assert len(given_by(batches, 0, 3)) == 3
    assert threads() == []


def test_rows_are_read_while_others_are_trained_on():
    X, y = numbers(2000)
    source = ArraySource(X, y)
    read, seen = source.read, threading.Event()

    def told(first, into):
        read(first, into)
        if threading.current_thread() is not threading.main_thread():
            seen.set()

    source.read, source.in_memory = told, None
    chunks = Batches(source, Order(2000, 3), 8, 1).chunks()
    next(chunks)
    time.sleep(0.05)
    seen.clear()
    next(chunks)
    assert threads()
    for _ in range(16):  # a window's worth
        next(chunks)
    assert seen.wait(5)  # the next window is read without being asked for
    chunks.close()


def test_only_a_window_and_its_chunks_are_in_memory_whatever_the_epochs(monkeypatch):
    made = []
    real = module.Chunk

    def counted(*arguments):
        made.append(1)
        return real(*arguments)

    monkeypatch.setattr(module, "Chunk", counted)
    monkeypatch.setattr(module, "WindowRows", lambda *arguments: made.append(100) or WindowRows(*arguments))
    X, y = numbers(5000)
    batches = Batches(ArraySource(X, y), Order(5000, 3), 8, 1)
    assert sum(chunk.n_batches for chunk in batches.chunks(0, 3 * batches.n_batches)) == 3 * 625
    assert sum(made) <= 2 * 100 + 3
