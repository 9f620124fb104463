"""What data can do to a run: bad rows in the middle, single precision, one row, more rows than are looked at."""

import os
import time

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

import downslope
from downslope.errors import InvalidData, InvalidFile, InvalidInput
from downslope.learning_rates import Backtracking
from downslope.training import ConstantColumns, Huber, Linear, Network, UnscaledFeatures
from downslope.training.checkpoint import newest
from downslope.training.loop import Training
from downslope.training.preparing import prepared
from downslope.training.sources import kept
from downslope.training.sources.arrays import ArraySource

rng = np.random.default_rng(11)
X = rng.normal(size=(900, 3))
Y = X @ [1.0, -1.0, 2.0] + 0.1 * rng.normal(size=900)


class UncheckedSource(ArraySource):
    """Rows that are looked at only when they are read, as those of a large file are."""

    in_memory = None

    def __init__(self, features, target, spoilt):
        super().__init__(features, target, where=" of big.parquet")
        self.spoilt, self.is_checked, self.in_memory = spoilt, False, None

    def read(self, first, into):
        super().read(first, into)
        for (row, column), value in self.spoilt.items():
            if first <= row < first + len(into.target):
                into.columns[column, row - first] = value


@pytest.mark.slow
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_bad_value_ends_the_run_at_its_batch_with_the_weights_before_it(value):
    source = UncheckedSource(X, Y, {(625, 1): value})
    run = downslope.fit("linear", source, batch_size=50, epochs=3, learning_rate=0.1, shuffle=False)
    whole = downslope.fit("linear", (X, Y), batch_size=50, epochs=3, learning_rate=0.1, shuffle=False)
    assert (run.status.name, run.n_steps) == ("NOT_FINITE", 12)  # row 625 is in the 13th batch
    np.testing.assert_array_equal(run.x["weights"], whole.path["weights"][12])
    assert "column 'x2', row 625 of big.parquet" in run.notes[-1]
    assert run.explain().behaviour.value == "left the domain"


def test_a_bad_value_in_the_first_batch_is_an_error():
    with pytest.raises(InvalidData, match="row 3 of big"):
        downslope.fit(
            "linear", UncheckedSource(X, Y, {(3, 0): np.nan}), batch_size=50, shuffle=False, learning_rate=0.1
        )
    with pytest.raises(InvalidData, match="row 3 of big"):
        downslope.fit("linear", UncheckedSource(X, Y, {(3, 0): np.nan}))


def average(params, batch):
    return ((batch.X @ params["w"] - batch.y) ** 2).mean() / 2


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("model", "data", "options"),
    [
        ("linear", (X, Y, 0.5 + (Y > 0)), {"method": "momentum", "l2": 0.1, "validation": 0.2}),
        (Linear(Huber(0.5)), (X, Y), {"method": "adam", "l1": 0.01}),
        (Network("logistic", (4,)), (X, Y > 0), {"clip_norm": 0.1}),
        (average, (np.asfortranarray(X), Y), {"start": {"w": np.zeros(3)}}),
    ],
)
def test_batch_descent_on_more_than_memory_holds_makes_the_same_steps(model, data, options, monkeypatch):
    options = {"learning_rate": 0.1, "epochs": 30, **options}
    held = downslope.fit(model, data, **options)
    monkeypatch.setattr("downslope.training.surveying.MOST_BATCH_BYTES", 0)
    monkeypatch.setattr("downslope.training.summing.PIECE_NUMBERS", 3 * 100)
    read = downslope.fit(model, data, **options)
    # The same sums, of rows in another grouping.
    np.testing.assert_allclose(read.losses, held.losses, rtol=1e-12)
    np.testing.assert_allclose(read.structure.flatten(read.x), held.structure.flatten(held.x), rtol=1e-10)
    with pytest.raises(InvalidInput, match="must not be a search"):
        downslope.fit(model, data, **options | {"method": "gradient_descent", "learning_rate": Backtracking()})


def test_batch_descent_on_more_than_memory_holds_finds_a_rate_and_comes_to_rest(monkeypatch):
    monkeypatch.setattr("downslope.training.surveying.MOST_BATCH_BYTES", 0)
    run = downslope.fit("linear", (X, Y), gradient_tolerance=1e-9)
    exact = np.linalg.lstsq(np.column_stack([np.ones(900), X]), Y, rcond=None)[0]
    assert run.status.name == "GRADIENT_SMALL"
    # At most the tolerance over the smallest curvature, which is near 1.
    np.testing.assert_allclose([run.x["bias"], *run.x["weights"]], exact, atol=1e-8)


def test_damage_that_training_comes_upon_leaves_the_record_and_a_checkpoint(tmp_path, monkeypatch):
    monkeypatch.setattr(kept, "KEPT_NUMBERS", 0)
    monkeypatch.setattr("downslope.training.order.MOST_BLOCK_ROWS", 16)
    monkeypatch.setattr("downslope.training.batches.CHUNK_NUMBERS", 1)
    path, options = tmp_path / "rows.npy", {"batch_size": 50, "learning_rate": 0.1, "epochs": 2}
    np.save(path, X)
    whole = downslope.fit("linear", path, target=Y, **options)

    def cut_short(epoch):
        os.truncate(path, 4096)

    with pytest.raises(InvalidFile, match=r"was (cut short|written to) while it was read") as caught:
        downslope.fit("linear", path, target=Y, **options, callback=cut_short, checkpoint=tmp_path / "kept")
    run = caught.value.run
    assert (run.status.name, len(run.epochs)) == ("INTERRUPTED", 1)
    assert len(X) // 50 <= run.n_steps < whole.n_steps
    np.testing.assert_array_equal(run.losses[:-1], whole.losses[: run.n_steps])
    np.testing.assert_array_equal(run.x["weights"], whole.path["weights"][run.n_steps])
    assert newest(tmp_path / "kept").step == run.n_steps


def test_a_value_that_makes_the_loss_explode_is_named_with_its_file(tmp_path):
    spoilt = X.copy()
    spoilt[700, 2] = 1e12
    columns = {name: spoilt[:, k] for k, name in enumerate(("age", "size", "income"))}
    parquet.write_table(pa.table({**columns, "y": Y}), tmp_path / "rows.parquet")
    options = {"batch_size": 50, "learning_rate": 0.1, "shuffle": False, "loss_limit": 1e6}
    with pytest.warns(downslope.training.UnscaledFeatures, match="from 'age' to 'income'|from 'size' to 'income'"):
        run = downslope.fit("linear", tmp_path / "rows.parquet", target="y", **options)
    assert (run.status.name, run.n_steps) == ("DIVERGED", 14)  # updates; row 700 is in the 15th batch
    assert "row 700" in run.notes[-1]
    assert "rows.parquet" in run.notes[-1]
    assert "'income' is 1e+12" in run.notes[-1]
    clean = downslope.fit("linear", (X, Y), batch_size=50, learning_rate=0.1, shuffle=False, epochs=1)
    np.testing.assert_allclose(run.x["weights"], clean.path["weights"][14], rtol=1e-12)


@pytest.mark.slow
def test_single_precision_stays_single():
    run = downslope.fit("linear", (X.astype(np.float32), Y), batch_size=50, epochs=3, learning_rate=0.1, method="adam")
    assert {run.losses.dtype, run.x["weights"].dtype, run.path["bias"].dtype} == {np.dtype(np.float32)}
    double = downslope.fit("linear", (X, Y), batch_size=50, epochs=3, learning_rate=0.1, method="adam")
    np.testing.assert_allclose(run.losses, double.losses, rtol=1e-4)  # 54 steps of rounding to 1e-7
    assert downslope.fit("linear", (X.astype(np.float32), Y), epochs=3).losses.dtype == np.float32


def test_small_data_are_trained_on():
    two = ([[1.0], [2.0]], [1.0, 2.0])
    run = downslope.fit("linear", two, learning_rate=0.4, epochs=2000, gradient_tolerance=1e-10)
    np.testing.assert_allclose([run.x["bias"], *run.x["weights"]], [0, 1], atol=1e-8)
    one = downslope.fit("linear", ([[2.0]], [4.0]), learning_rate=0.1, epochs=50)
    assert one.loss < 1e-6
    nothing = downslope.fit("linear", (X, Y), epochs=0)
    assert (nothing.n_steps, len(nothing.losses), nothing.status.name) == (0, 1, "MAX_STEPS")
    assert nothing.explain().sentences


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ((np.empty((0, 2)), []), "at least one row"),
        ((X, Y[:-1]), "one value for each of the 900 rows"),
        ((X, np.where(np.arange(900) == 4, np.nan, Y)), "row 4"),
        ((X, Y, np.zeros(900)), "above 0 for at least one row"),
        ((X, Y, np.where(np.arange(900) == 4, -1.0, 1.0)), "weights must be at least 0"),
        ("no-such.parquet", "does not exist|no such|cannot"),
    ],
)
def test_unusable_data_are_refused(data, message):
    with pytest.raises(InvalidInput, match=message):
        downslope.fit("linear", data)


def test_where_there_are_too_many_rows_to_look_at_all_a_sample_stands_for_them(monkeypatch):
    monkeypatch.setattr("downslope.training.surveying.MOST_NUMBERS", 2 * 64 * 3)
    monkeypatch.setattr("downslope.training.order.MOST_BLOCK_ROWS", 64)
    run = downslope.fit("linear", (X, Y), batch_size=50, epochs=2, learning_rate=0.1)
    assert "128 of the 900 training rows" in run.notes[0] or "68 of" in run.notes[0]
    rows = np.r_[0:64, 896:900]  # the first and the last block
    residuals = X[rows] @ run.x["weights"] + run.x["bias"] - Y[rows]
    assert run.loss == pytest.approx((residuals**2).mean() / 2, rel=1e-9)


@pytest.mark.slow
def test_the_progress_line_tells_epoch_losses_pace_and_time_left():
    job = prepared("linear", (X, Y), batch_size=50, epochs=4, learning_rate=0.1, validation=0.1)
    training = Training(job, None, False, None, False)
    training.line.__enter__()
    training.run()
    words = training.line.words(time.perf_counter(), 80)
    assert words.startswith("epoch 4/4  loss 0.00")
    assert "  validation 0.00" in words
    assert "rows/s  0:00 left" in words
    assert training.line.words(time.perf_counter(), 30) == "epoch 4/4  0:00 left"


def test_words_are_refused_where_numbers_or_fewer_classes_are_meant():
    labels = np.array(["red", "green", "blue"])[np.digitize(Y, [-1, 1])]
    first = {word: int(np.argmax(labels == word)) for word in ("blue", "red")}
    with pytest.raises(InvalidData, match=f"row {first['blue']}, is 'blue', and squared error takes numbers"):
        downslope.fit("linear", (X, labels))
    with pytest.raises(InvalidData, match=f"row {first['red']}, is 'red', one of 3 words, and .* takes 2: take"):
        downslope.fit("logistic", (X, labels))
    as_numbers = downslope.fit("linear", (X, (Y > 0).astype(float)), epochs=5)
    np.testing.assert_array_equal(downslope.fit("linear", (X, Y > 0), epochs=5).losses, as_numbers.losses)


@pytest.mark.slow
def test_constant_columns_are_told_by_name():
    late = np.where(np.arange(900) > 898, 1.0, 0.0)  # one row differs
    table = pa.table({"age": X[:, 0], "one": np.ones(900), "two": np.full(900, 2.0), "late": late, "y": Y})
    with pytest.warns(ConstantColumns, match="the columns 'one', 'two' are each the same in all of 900 rows"):
        run = downslope.fit("linear", table, target="y", epochs=5)
    assert "tell nothing that the bias does not" in run.notes[-1]
    with pytest.warns(ConstantColumns, match="the column 'two' is 2 in all of 900 rows"):
        downslope.fit("linear", table, target="y", features=["age", "two"], epochs=5)
    assert downslope.fit(Linear(intercept=False), table, target="y", features=["age", "two"], epochs=5).notes == ()


def test_a_number_too_large_to_square_is_named_and_nothing_else_is_warned_of():
    spoilt = X.copy()
    spoilt[700, 2] = 1e200
    with pytest.warns(UnscaledFeatures, match=r"'x3' goes up to 1e\+200, too large to square"):
        run = downslope.fit("linear", (spoilt, Y), batch_size=50, learning_rate=0.1)  # other warnings are errors here
    assert run.status.name == "NOT_FINITE"
    assert "row 700" in run.explain().sentences[0]
    assert "inf times" not in " ".join(run.explain().sentences)


@pytest.mark.slow
def test_a_networks_targets_may_be_words():
    labels = np.array(["red", "green", "blue"])[np.digitize(Y, [-1, 1])]
    run = downslope.fit(
        Network("softmax", (8,), "tanh"), (X, labels), method="adam", learning_rate=0.05, batch_size=50, epochs=10
    )
    assert (run.model.predict(X) == labels).mean() > 0.9
    assert run.model.labels == ("blue", "green", "red")
    assert "'blue' is 0, 'green' is 1, 'red' is 2" in run.notes[-1]


def test_a_nan_in_a_small_file_is_named_by_file_row_and_column(tmp_path):
    spoilt = X.copy()
    spoilt[57, 1] = np.nan
    np.save(tmp_path / "small.npy", spoilt)
    with pytest.raises(InvalidData, match=r"column 'x2', row 57 of small.npy, is NaN"):
        downslope.fit("linear", tmp_path / "small.npy", target=Y, batch_size=32, learning_rate=0.1)


@pytest.mark.sampled
@pytest.mark.filterwarnings("ignore::downslope.training.scaling.UnscaledFeatures")
@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("value", [1e200, 1e30])
def test_a_huge_row_is_named_also_where_the_batch_after_it_breaks(shuffle, value):
    spoilt = X.copy()
    spoilt[57, 1] = value
    run = downslope.fit("linear", (spoilt, Y), batch_size=32, learning_rate=0.1, epochs=3, shuffle=shuffle)
    assert not run.converged
    assert f"from row 57, where 'x2' is {value:.4g}" in run.notes[-1]


@pytest.mark.slow
def test_validation_words_are_numbered_as_those_of_the_training_are():
    words = np.where(Y > 1, "up", np.where(Y < -1, "down", "level"))
    kept_out = Y > -1  # has no "down", so that its own first word would be "level"
    codes = np.searchsorted(["down", "level", "up"], words).astype(float)
    options = {"batch_size": 32, "learning_rate": 0.5, "epochs": 2}
    of_words = downslope.fit("softmax", (X, words), validation=(X[kept_out], words[kept_out]), **options)
    of_codes = downslope.fit("softmax", (X, codes), validation=(X[kept_out], codes[kept_out]), **options)
    assert of_words.epochs[-1].validation_loss == of_codes.epochs[-1].validation_loss
    with pytest.raises(InvalidData, match="row 1, is 'sideways', and the training data have 'down', 'level', 'up'"):
        downslope.fit("softmax", (X, words), validation=(X[:2], ["up", "sideways"]), **options)


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("codes", "told"),
    [
        ([1, 2], "the 3 classes are 0 to 2, and no row is of class 0; a target of words has no such gaps"),
        ([10, 20], "the 21 classes are 0 to 20, and no row is of the classes 0, 1, 2 and 16 more; a target of words"),
        ([0, 1], None),
        (["one", "two"], None),
    ],
)
def test_classes_without_a_row_are_told(codes, told):
    X = np.random.default_rng(0).normal(size=(60, 2))
    run = downslope.fit("softmax", (X, np.array(codes)[(X[:, 0] > 0).astype(int)]), epochs=2)
    notes = [note for note in run.notes if "no row is of" in note]
    assert [note.startswith(told) for note in notes] == [True] * (told is not None)
