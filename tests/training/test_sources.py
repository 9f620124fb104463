"""A source gives the rows that were written, whatever they lie in, and says where one lies that it cannot give."""

import decimal
import os
import re

import numpy as np
import pandas
import polars
import pyarrow as pa
import pytest
import scipy.sparse
from pyarrow import parquet

from downslope import InvalidData, InvalidFile, InvalidInput, UnknownName
from downslope.training.sources import copying, kept, open_source, opening, read_rows
from tests.training.tables import KINDS, NAMES, every_kind, numbers, table


@pytest.fixture(autouse=True)
def streamed(monkeypatch):
    """Small files are read as large ones are."""
    monkeypatch.setattr(kept, "KEPT_NUMBERS", 0)


@pytest.fixture(scope="module")
def kinds(tmp_path_factory):
    """The rows, and every form of them."""
    X, y = numbers()
    return X, y, every_kind(tmp_path_factory.mktemp("kinds"), X, y)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n_rows", [1, 37, 70, 300, 1000])
def test_the_rows_are_those_that_were_written(kind, n_rows, kinds):
    X, y, forms = kinds
    data, words = forms[kind]
    source = open_source(data, **words)
    assert source.n_rows == len(y)
    rng = np.random.default_rng(n_rows)
    firsts = [*range(0, 1001 - n_rows, n_rows), *rng.integers(0, 1001 - n_rows, 10)]  # one after the other, and not
    for first in firsts:
        rows = read_rows(source, first, n_rows)
        np.testing.assert_array_equal(rows.columns, X[first : first + n_rows].T)
        np.testing.assert_array_equal(rows.target, y[first : first + n_rows])
        assert (rows.weight == 1).all()
    source.close()


def test_every_kind_is_there(kinds):
    assert set(kinds[2]) == set(KINDS)


@pytest.mark.parametrize("kind", ["pandas", "polars", "arrow", "Parquet", "a folder of Parquet", "CSV"])
def test_columns_are_chosen_by_name_and_may_be_weights(kind, kinds):
    X, y, forms = kinds
    data, _ = forms[kind]
    source = open_source(data, "height", "y", features=["weight of it", "age"])
    rows = read_rows(source, 5, 20)
    assert source.names == ("weight of it", "age")
    assert (source.target_name, source.weight_name) == ("height", "y")
    np.testing.assert_array_equal(rows.columns, X[5:25, [2, 0]].T)
    np.testing.assert_array_equal(rows.target, X[5:25, 1])
    np.testing.assert_array_equal(rows.weight, y[5:25])


def test_small_files_are_kept_in_memory(kinds, monkeypatch):
    monkeypatch.setattr(kept, "KEPT_NUMBERS", 10_000)
    X, y, forms = kinds
    source = open_source(*forms["Parquet"][:1], "y")
    first = read_rows(source, 0, 10)
    monkeypatch.setattr(kept, "read_rows", lambda *arguments: pytest.fail("it was read again"))
    np.testing.assert_array_equal(read_rows(source, 990, 10).target, y[990:])
    np.testing.assert_array_equal(first.columns, X[:10].T)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_single_precision_stays_single(dtype, tmp_path):
    X, y = numbers(50, dtype=dtype)
    for data, words in (
        ((X, y), {}),
        (table(X, y), {"target": "y"}),
        (table(X, y).to_pandas(), {"target": "y"}),
    ):
        assert open_source(data, **words).dtype == np.float32
    np.save(tmp_path / "X.npy", X)
    source = open_source(tmp_path / "X.npy", y)
    assert source.dtype == np.float32
    np.testing.assert_array_equal(read_rows(source, 0, 50).columns, X.T.astype(np.float32))


@pytest.mark.parametrize(
    "column",
    [
        pa.array([1, 2, 3], pa.int8()),
        pa.array([1, 2, 3], pa.uint64()),
        pa.array([1.0, 2.0, 3.0], pa.float16()),
        pa.array([decimal.Decimal("1.00"), decimal.Decimal("2.00"), decimal.Decimal("3.00")]),
        pa.array([1.0, 2.0, 3.0]).dictionary_encode(),
        pa.array([1, 2, 3]).cast(pa.float32()),
    ],
)
def test_numbers_of_every_type_are_read_as_they_are(column, tmp_path):
    arrow = pa.table({"a": column, "b": [1.5, 2.5, 3.5], "y": [True, False, True]})
    parquet.write_table(arrow, tmp_path / "rows.parquet")
    for data in (arrow, tmp_path / "rows.parquet"):
        source = open_source(data, "y")
        assert source.labels == ("False", "True")
        rows = read_rows(source, 0, 3)
        np.testing.assert_array_equal(rows.columns, [[1, 2, 3], [1.5, 2.5, 3.5]])
        np.testing.assert_array_equal(rows.target, [1, 0, 1])


WORDS = ["red", "green", "red", "blue"]


@pytest.mark.parametrize(
    "column",
    [pa.array(WORDS), pa.array(WORDS, pa.large_string()), pa.array(WORDS).dictionary_encode()],
    ids=["words", "large", "dictionary"],
)
def test_words_as_a_target_are_numbered_by_the_alphabet(column, tmp_path):
    arrow = pa.table({"a": [1.0, 2.0, 3.0, 4.0], "y": column})
    parquet.write_table(arrow, tmp_path / "rows.parquet")
    arrow.to_pandas().to_csv(tmp_path / "rows.csv", index=False)
    expected = [sorted(set(WORDS)).index(word) for word in WORDS]
    for data in (arrow, arrow.to_pandas(), polars.from_arrow(arrow), tmp_path / "rows.parquet", tmp_path / "rows.csv"):
        source = open_source(data, "y")
        assert source.labels == ("blue", "green", "red")
        np.testing.assert_array_equal(read_rows(source, 0, 4).target, expected)
    np.testing.assert_array_equal(read_rows(open_source(([1.0, 2.0, 3.0, 4.0], WORDS)), 0, 4).target, expected)


@pytest.mark.parametrize(
    ("column", "holds"),
    [
        (pa.array(WORDS), "holds words, which are no numbers: replace it by a column of 0 and 1 for each category"),
        (pa.array(WORDS).dictionary_encode(), "holds words"),
        (pa.array([[1.0]] * 4), "holds lists, which are no numbers: give each of their entries a column"),
        (
            pa.array([0] * 4, pa.timestamp("s")),
            "holds dates, which are no numbers: replace it by numbers",
        ),
        (pa.array([b"a"] * 4), "holds binary"),
        (pa.nulls(4), "has no value"),
    ],
)
def test_a_feature_of_no_numbers_is_refused_by_name_with_what_to_do(column, holds, tmp_path):
    arrow = pa.table({"a": [1.0, 2.0, 3.0, 4.0], "colour": column, "y": [0, 1, 0, 1]})
    parquet.write_table(arrow, tmp_path / "rows.parquet")
    for data in (arrow, tmp_path / "rows.parquet"):
        with pytest.raises(InvalidData, match=f"`data` column 'colour', .*{holds}") as caught:
            open_source(data, "y")
        assert caught.value.column == "colour"
        assert open_source(data, "y", features=["a"]).n_rows == 4  # which nobody asked for does no harm


def test_a_value_that_is_missing_is_refused_with_file_row_and_column(tmp_path):
    a = [float(i) for i in range(500)]
    a[437] = None
    arrow = pa.table({"a": a, "b": [1.0] * 500, "y": [0.0] * 500})
    parquet.write_table(arrow, tmp_path / "rows.parquet", row_group_size=100)
    (tmp_path / "many").mkdir()
    parquet.write_table(arrow[:400], tmp_path / "many" / "0.parquet")
    parquet.write_table(arrow[400:], tmp_path / "many" / "1.parquet")
    arrow.to_pandas().to_csv(tmp_path / "rows.csv", index=False)
    advice = "has no value: fill it in .*, or leave such rows or the column out"
    for data, place in (
        (arrow, "row 437"),
        (arrow.to_pandas(), "row 437"),
        (polars.from_arrow(arrow), "row 437"),
        (tmp_path / "rows.parquet", "row 437 of rows.parquet"),
        (tmp_path / "many", "row 37 of 1.parquet"),
        (tmp_path / "rows.csv", "row 437 of rows.csv"),
        (tmp_path / "rows.csv", "row 437 of rows.csv"),  # from the copy
    ):
        with pytest.raises(InvalidData, match=f"`data` column 'a', {place}, {advice}") as caught:
            open_source(data, "y")
        assert (caught.value.column, caught.value.place) == ("a", place)
        assert open_source(data, "y", features=["b"]).n_rows == 500


def test_a_missing_value_of_which_no_statistics_tell_is_read_as_nan(tmp_path):
    arrow = pa.table({"a": pa.array([1, None, 3]), "y": ["u", "v", None]})
    parquet.write_table(arrow, tmp_path / "rows.parquet", write_statistics=False)
    rows = read_rows(open_source(tmp_path / "rows.parquet", "y"), 0, 3)
    np.testing.assert_array_equal(rows.columns, [[1, np.nan, 3]])
    np.testing.assert_array_equal(rows.target, [0, 1, np.nan])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_arrays_and_frames_are_looked_through_at_once(bad):
    X, y = numbers(100)
    X[42, 1] = bad
    for data, words, column in (
        ((X, y), {}, "x2"),
        ((X.astype(np.float32), y), {}, "x2"),
        (pandas.DataFrame(X, columns=NAMES).assign(y=y), {"target": "y"}, "height"),
    ):
        problem = "is NaN|has no value" if np.isnan(bad) else f"is {bad} as float"
        with pytest.raises(InvalidData, match=f"'{column}', row 42, ({problem})"):
            open_source(data, **words)
    X[42, 1], y[17] = 0, bad
    with pytest.raises(InvalidData, match=f"'target', row 17, is {'NaN' if np.isnan(bad) else bad}"):
        open_source((X, y))
    with pytest.raises(InvalidData, match=f"'weight', row 17, is {'NaN' if np.isnan(bad) else bad}"):
        open_source((X, np.ones(100), y))


def test_large_finite_numbers_are_no_bad_ones():
    X = np.full((10, 2), 3e38, np.float32)  # whose sum is infinite
    assert open_source((X, np.zeros(10))).dtype == np.float32


def test_what_does_not_fit_together_is_refused_before_anything_is_read(tmp_path):
    X, y = numbers(10)
    frame = pandas.DataFrame(X, columns=NAMES).assign(y=y)
    np.save(tmp_path / "X.npy", X)
    parquet.write_table(table(X, y), tmp_path / "rows.parquet")
    for data, words, rule in (
        ((X, y[:9]), {}, "`target` must have one value for each of the 10 rows; got 'shape .9,.'"),
        ((X, y, y[:9]), {}, "`weight` must have one value for each of the 10 rows"),
        ((X, y, -y), {}, "'weight', row 1, is -1.0, and weights must be at least 0"),
        ((X, y, 0 * y), {}, "`weight` must be above 0 for at least one row"),
        ((X[:0], y[:0]), {}, "`data` must have at least one row"),
        ((X[:, :0], y), {}, "`data` must have at least one row and one feature"),
        ((X[None], y), {}, "`data` must have two dimensions"),
        ((X + 1j, y), {}, "must be real numbers"),
        ((scipy.sparse.csr_matrix(X), y), {}, "must not be sparse; .* got 'csr_matrix'"),
        ((np.ma.masked_equal(X, X[4, 2]), y), {}, "column 'x3', row 4, is NaN"),
        ((X, np.ma.masked_equal(y, 5)), {}, "column 'target', row 5, is NaN"),
        (([[1.0, 2.0], [3.0]], y), {}, "must have rows of equal length"),
        (([[1.0, "a"]], [0.0]), {}, "holds '1.0', which is no number"),
        (([[1.0, None]], [0.0]), {}, "'x2', row 0, has no value"),
        (frame, {"target": "y", "weight": y}, "`weight` must be a column's name as the target is"),
        ((frame, y[:9]), {}, "`target` must have one value for each of the 10 rows"),
        (frame, {"target": "y", "features": ["y"]}, "`features` must not have the target among them"),
        (frame[["y"]], {"target": "y"}, "must have at least one feature beside"),
        (frame[:0], {"target": "y"}, "must have at least one row"),
        (frame[["age", "age", "y"]], {"target": "y"}, "must have columns with names of their own"),
        (frame.assign(age=[1.0, "a"] * 5), {"target": "y"}, "values of one type: .*age"),
        (polars.from_pandas(frame).lazy(), {"target": "y"}, "must be a frame with its rows"),
        (X, {"target": y, "features": ["a"]}, "`features` are chosen by name"),
        (tmp_path / "X.npy", {"target": 3}, "`target` must be one of the 3 columns of X.npy; got 3"),
        (tmp_path / "X.npy", {"target": y[:9]}, "`target` must have one value for each of the 10"),
        (tmp_path / "X.npy", {"target": "y"}, "`target` must be a column's name .x1 is the first., its number"),
        (tmp_path / "rows.parquet", {"target": y}, "`target` must be the name of a column"),
    ):
        with pytest.raises(InvalidInput, match=rule):
            open_source(data, **words)


def test_a_column_of_an_array_in_a_file_is_named_as_the_features_are(tmp_path):
    np.save(tmp_path / "all.npy", np.arange(12.0).reshape(4, 3))
    for target in ("x3", 2, -1):
        source = open_source(tmp_path / "all.npy", target=target)
        assert (source.names, read_rows(source, 0, 4).target.tolist()) == (("x1", "x2"), [2, 5, 8, 11])


@pytest.mark.parametrize("kind", ["pandas", "polars", "Parquet", "CSV"])
def test_a_column_that_is_not_there_is_told_with_the_nearest(kind, kinds):
    data = kinds[2][kind][0]
    for words in ({"target": "Y"}, {"target": "y", "features": ["hight"]}, {"target": "y", "weight": "hight"}):
        with pytest.raises(UnknownName, match=r"must be one of age, height, weight of it, y; got '(Y|hight)'"):
            open_source(data, **words)


def test_a_folder_holds_files_of_one_kind_and_of_the_same_columns(tmp_path):
    X, y = numbers(20)
    folder = tmp_path / "rows"
    folder.mkdir()
    with pytest.raises(InvalidFile, match="is a folder without files"):
        open_source(folder, "y")
    parquet.write_table(table(X, y), folder / "a.parquet")
    (folder / ".hidden").write_text("")
    (folder / "_SUCCESS").write_text("")
    assert open_source(folder, "y").n_rows == 20
    for other, words in (
        (table(X, y).drop_columns("age"), "b.parquet' has another column 'age' than a.parquet: none, where .* double"),
        (table(X.astype(np.float32), y), "b.parquet' has another column 'age' than a.parquet: float, where .* double"),
        (table(X, y).append_column("z", [y]), "b.parquet' has a column 'z', which a.parquet does not have"),
    ):
        parquet.write_table(other, folder / "b.parquet")
        with pytest.raises(InvalidFile, match=words):
            open_source(folder, "y")
    parquet.write_table(table(X, y).select(["y", "height", "weight of it", "age"]), folder / "b.parquet")
    np.testing.assert_array_equal(read_rows(open_source(folder, "y"), 10, 20).columns, np.vstack([X, X])[10:30].T)
    (folder / "c.csv").write_text("a,y\n1,2\n")
    with pytest.raises(InvalidFile, match=r"has files of several kinds: a.parquet and c.csv"):
        open_source(folder, "y")
    (folder / "c.csv").rename(folder / "c.txt")
    with pytest.raises(InvalidFile, match=r"c.txt' is of no kind that can be read: .parquet, .csv, .npy"):
        open_source(folder, "y")
    (folder / "c.txt").unlink()
    (folder / "colour=red").mkdir()
    with pytest.raises(InvalidFile, match="is split into folders such as 'colour=red'"):
        open_source(folder, "y")


def test_what_is_no_file_of_its_kind_is_told(tmp_path):
    for name, content, words in (
        ("a.parquet", b"", "a.parquet' is damaged, cut short or no Parquet file"),
        ("b.parquet", b"PAR1 and no more", "b.parquet' is damaged, cut short or no Parquet file"),
        ("a.npy", b"", "a.npy' is no .npy file of numbers"),
        ("b.npy", b"\x93NUMPY\x01\x00 and no more", "b.npy' is no .npy file of numbers"),
        ("a.csv", b"", "a.csv' is empty"),
        ("b.csv", b"a,y\n1,2\n3\n", "b.csv' cannot be read as a table: .*Row #3: Expected 2 columns, got 1"),
        ("c.csv", b"1.5,2\n3,4\n", "c.csv' must name its columns in the first line, which is '1.5,2'"),
        ("d.csv", b"\xff\xfe\x00a,y\n", "d.csv' is no text in UTF-8"),
        ("e.csv", b"a,y\n", "(has no rows|cannot be read as a table: Empty CSV file)"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InvalidFile, match=words):
            open_source(tmp_path / name, 0 if name.endswith("npy") else "y")
    np.save(tmp_path / "objects.npy", np.array([None]), allow_pickle=True)
    with pytest.raises(InvalidFile, match="must hold real numbers, and holds object"):
        open_source(tmp_path / "objects.npy", 0)
    os.mkfifo(tmp_path / "pipe.parquet")
    with pytest.raises(InvalidFile, match="is no regular file"):
        open_source(tmp_path / "pipe.parquet", "y")
    with pytest.raises(InvalidFile, match="does not exist"):
        open_source(tmp_path / "nothing.parquet", "y")
    assert copying.copy_of(tmp_path / "b.csv").exists() is False


def test_large_row_groups_are_copied_once_into_small_ones(tmp_path, monkeypatch):
    monkeypatch.setattr(opening, "block_rows", lambda n_features: 64)
    monkeypatch.setattr(copying, "block_rows", lambda n_features: 64)
    monkeypatch.setattr(copying, "_FILE_PIECES", 16)
    X, y = numbers(1000)
    path = tmp_path / "rows.parquet"
    parquet.write_table(table(X, y), path)
    source = open_source(path, "y")
    parts = sorted(copying.copy_of(path).glob("*.parquet"))
    groups = [parquet.ParquetFile(part).metadata.row_group(0).num_rows for part in parts]
    assert [parquet.ParquetFile(part).metadata.num_rows for part in parts] == [256, 256, 256, 232]
    assert groups == [64] * 4
    rows = read_rows(source, 100, 800)
    np.testing.assert_array_equal(rows.columns, X[100:900].T)
    np.testing.assert_array_equal(rows.target, y[100:900])
    assert source.place(437) == "row 437 of rows.parquet"
    stamp = parts[0].stat().st_mtime_ns
    open_source(path, "y", features=["age"])  # which it has
    assert parts[0].stat().st_mtime_ns == stamp
    X[:] = 7
    parquet.write_table(table(X, y), path)
    assert (read_rows(open_source(path, "y"), 0, 1000).columns == 7).all()
    assert (read_rows(open_source(path, "y", shuffle=False), 0, 1000).columns == 7).all()


def test_numbers_of_a_copy_are_always_there_and_one_that_was_missing_is_still_told(tmp_path):
    X, y = numbers(300)
    path = tmp_path / "rows.csv"
    frame = pandas.DataFrame(X, columns=NAMES).assign(y=y)
    frame.loc[211, NAMES[1]] = np.nan
    frame.to_csv(path, index=False)
    others = [NAMES[0], *NAMES[2:]]
    rows = read_rows(open_source(path, "y", features=others), 0, 300)
    np.testing.assert_array_equal(rows.columns, np.delete(X, 1, axis=1).T)
    (part,) = copying.copy_of(path).glob("*.parquet")
    assert not any(field.nullable for field in parquet.read_schema(part))
    assert np.isnan(parquet.read_table(part).column(NAMES[1]).to_numpy()[211])
    with pytest.raises(InvalidData, match=f"'{NAMES[1]}', row 211 of rows.csv, has no value"):
        open_source(path, "y")


def test_a_frame_may_have_its_target_beside_it():
    X, y = numbers(20)
    frame = pandas.DataFrame(X, columns=NAMES)
    for data, words in (
        ((frame, y), {}),
        ((frame, pandas.Series(y, index=range(20, 0, -1)), y + 1), {}),  # by place, as everywhere
        (polars.from_pandas(frame), {"target": y, "weight": list(y + 1)}),
    ):
        source = open_source(data, **words)
        assert source.names == NAMES
        rows = read_rows(source, 0, 20)
        np.testing.assert_array_equal(rows.columns, X.T)
        np.testing.assert_array_equal(rows.target, y)
        assert rows.weight.tolist() in ([1.0] * 20, (y + 1).tolist())


def test_where_no_copy_can_be_made_rows_are_read_as_they_lie_and_that_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(opening, "block_rows", lambda n_features: 64)
    X, y = numbers(1000)
    path = tmp_path / "rows.parquet"
    parquet.write_table(table(X, y), path)
    usage = type("usage", (), {"free": 10 * 2**20})
    monkeypatch.setattr(copying.shutil, "disk_usage", lambda path: usage)
    assert open_source(path, "y").notes[0].startswith("the data are read from a copy")
    copying.shutil.rmtree(copying.copy_of(path))
    usage.free = 1000
    source = open_source(path, "y")
    words = "large row groups make shuffling slow, .* takes about 0 MB as a copy for training, and 0 MB are free there"
    assert re.match(words, source.notes[0])
    np.testing.assert_array_equal(read_rows(source, 300, 50).columns, X[300:350].T)
    assert os.listdir(tmp_path) == ["rows.parquet"]
    (tmp_path / "rows.csv").write_text("a,y\n" + "1,2\n" * 1000)
    with pytest.raises(InvalidFile, match=r"rows.csv' takes about 0 MB as a copy for training, and 0 MB are free"):
        open_source(tmp_path / "rows.csv", "y")
