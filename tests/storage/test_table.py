"""The table, as other programs read it: pyarrow, pandas, polars and DuckDB."""

import duckdb
import numpy as np
import pandas
import polars
import pyarrow.parquet
import pytest

import downslope
from downslope.storage import table
from tests.storage.runs import bits, made_run, make, saved_and_loaded

NAN = "NaN, which is not null"


def shown(value):
    """A cell, in the same words from every reader."""
    if isinstance(value, list | tuple | np.ndarray):
        return [shown(inner) for inner in value]
    return NAN if value is not None and value != value else value


def by_pyarrow(path):
    return pyarrow.parquet.read_table(path, page_checksum_verification=True).to_pylist()


def by_pandas(path):
    # pandas has one sign for NaN and null in its own types, and two in Arrow's.
    return pandas.read_parquet(path, dtype_backend="pyarrow").to_dict("records")


def by_polars(path):
    return polars.read_parquet(path).to_dicts()


def by_lazy_polars(path):
    return polars.scan_parquet(path).filter(polars.col("step") >= 0).collect().to_dicts()


def by_duckdb(path):
    found = duckdb.sql(f"select * from '{path}' order by step")
    return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]


READERS = [by_pyarrow, by_pandas, by_polars, by_lazy_polars, by_duckdb]
each_reader = pytest.mark.parametrize("read", READERS)


def cells(read, path):
    rows = [{name: shown(value) for name, value in row.items()} for row in read(path)]
    return [{k: None if v is pandas.NA else v for k, v in row.items()} for row in rows]


@each_reader
@pytest.mark.parametrize(
    "name", ["gallery", "overflow", "container", "rates a coordinate", "two hundred variables", "two hundred rates"]
)
def test_other_programs_read_the_rows_of_the_run(read, name, tmp_path):
    run = make(name)
    run.save(tmp_path / "run.parquet")
    expected = [{name: shown(value) for name, value in row.items()} for row in run.rows()]
    assert cells(read, tmp_path / "run.parquet") == expected


@each_reader
@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("size", [2, 101])
def test_each_precision_is_read(read, dtype, size, tmp_path):
    run = made_run(np.arange(size, dtype=dtype), n_steps=4, path="thinned")
    run.save(tmp_path / "run.parquet")
    found = cells(read, tmp_path / "run.parquet")
    assert [row["loss"] for row in found] == run.losses.tolist()
    points = [row["x"] if size > 100 else [row["x[0]"], row["x[1]"]] for row in found]
    path = dict(zip(run.path_steps.tolist(), run.path.tolist(), strict=True))
    assert points == [path.get(step, None if size > 100 else [None, None]) for step in range(5)]


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_the_file_s_numbers_have_the_run_s_precision(dtype, tmp_path):
    made_run(np.arange(3, dtype=dtype)).save(tmp_path / "run.parquet")
    read = pandas.read_parquet(tmp_path / "run.parquet")
    assert read.dtypes.astype(str).tolist() == ["int64", *[dtype] * 6]


@each_reader
@pytest.mark.parametrize("size", [2, 101])
def test_a_point_that_was_not_kept_is_null_and_nan_is_nan(read, size, tmp_path):
    run = made_run(np.ones(size), n_steps=8, path="none", last_is_finite=False)
    run.save(tmp_path / "run.parquet")
    found = cells(read, tmp_path / "run.parquet")
    column = "x" if size > 100 else "x[1]"
    # The start, and the last point that is finite throughout.
    assert [row["step"] for row in found if row[column] is not None] == [0, 7]
    assert (found[8]["loss"], found[8]["learning_rate"]) == (NAN, NAN)
    assert found[7][column] == (run.x.tolist() if size > 100 else run.x[1])


@each_reader
def test_the_last_good_point_is_there_though_the_path_is_thinned(read, tmp_path):
    run = made_run(np.ones(2), n_steps=8, path="thinned", last_is_finite=False)
    assert run.path_steps.tolist() == [0, 3, 6, 8]
    run.save(tmp_path / "run.parquet")
    known = [row["step"] for row in cells(read, tmp_path / "run.parquet") if row["x[0]"] is not None]
    assert known == [0, 3, 6, 7, 8]
    assert saved_and_loaded(run, tmp_path).path_steps.tolist() == [0, 3, 6, 8]


def colliding(step, loss, x, gradient_norm, learning_rate):
    return step**2 + loss**2 + x**2 + gradient_norm**2 + learning_rate**2


@each_reader
def test_a_variable_that_is_called_like_a_column_gets_one_of_its_own(read, tmp_path):
    start = [1.0, 2.0, 3.0, 4.0, 5.0]
    run = downslope.minimize(colliding, start, learning_rate=[0.1, 0.2, 0.1, 0.2, 0.1], max_steps=3)
    run.save(tmp_path / "run.parquet")
    first = cells(read, tmp_path / "run.parquet")[0]
    assert first == run.rows()[0]
    names = ["variable step", "variable loss", "x", "variable gradient_norm", "variable learning_rate"]
    assert [first[name] for name in names] == start
    assert (first["step"], first["loss"], first["learning_rate variable loss"]) == (0, 55.0, 0.2)
    assert saved_and_loaded(run, tmp_path).variables == ("step", "loss", "x", "gradient_norm", "learning_rate")


def test_variables_with_one_name_have_two_columns(tmp_path):
    run = made_run({"a": {"b": 1.0}, "a.b": 2.0, "a.b[0]": 3.0, "learning_rate a": 4.0, "": 5.0, "\ud800": 6.0})
    assert run.variables.count("a.b") == 2
    loaded = saved_and_loaded(run, tmp_path)
    assert bits(loaded.structure.flatten(loaded.x)) == bits(run.structure.flatten(run.x))
    for read in (by_pyarrow, by_polars, by_duckdb):
        assert list(cells(read, tmp_path / "run.parquet")[0].values())[1:7] == list(run.rows()[0].values())[1:7]


@each_reader
def test_names_of_any_script_and_sign_are_read(read, tmp_path):
    run = made_run({"größe": [1.0, 2.0], "a b": 3.0, 'q"; drop': 4.0, "x.list.element": 5.0, "行": 6.0})
    run.save(tmp_path / "run.parquet")
    assert list(cells(read, tmp_path / "run.parquet")[0]) == list(run.rows()[0])


def test_names_that_differ_in_case_alone_are_two_columns(tmp_path):
    run = made_run({"x": 1.0, "X": 2.0})
    run.save(tmp_path / "run.parquet")
    for read in READERS[:-1]:
        row = cells(read, tmp_path / "run.parquet")[0]
        assert (row["x"], row["X"]) == (1.0, 2.0)
    assert list(cells(by_duckdb, tmp_path / "run.parquet")[0].values())[1:3] == [2.0, 1.0]  # X, and x_1 there


def test_one_hundred_variables_have_columns_and_one_more_a_list(tmp_path):
    for size, names in ((100, [f"x[{i}]" for i in range(100)]), (101, ["x"])):
        made_run(np.zeros(size)).save(tmp_path / "run.parquet")
        found = pyarrow.parquet.read_schema(tmp_path / "run.parquet").names
        assert found == ["step", *names, "loss", "gradient_norm", "learning_rate"]


def test_pages_have_checksums_that_other_readers_can_check(tmp_path):
    path = tmp_path / "run.parquet"
    make("gallery").save(path)
    column = pyarrow.parquet.read_metadata(path).row_group(0).column(1)
    damaged = bytearray(path.read_bytes())
    damaged[column.data_page_offset + column.total_compressed_size - 3] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(OSError, match="CRC"):
        pyarrow.parquet.read_table(path, page_checksum_verification=True)


@pytest.mark.slow
def test_long_metadata_is_read_by_others_too(tmp_path, monkeypatch):
    # A million random bounds and rates are the longest text that a file is meant to have.
    n = 1_000_000
    rng = np.random.default_rng(0)
    run = made_run(np.zeros(n), n_steps=0)
    run.specification["bounds"] = [-rng.random(n), rng.random(n)]
    loaded = saved_and_loaded(run, tmp_path)
    for i in range(2):
        assert bits(loaded.specification["bounds"][i]) == bits(run.specification["bounds"][i])
    path = tmp_path / "run.parquet"
    assert pandas.read_parquet(path).shape == polars.read_parquet(path).shape == (1, 5)
    assert duckdb.sql(f"select len(x) from '{path}'").fetchall() == [(n,)]


def test_row_groups_are_bounded_in_rows_points_and_lists_of_rates(monkeypatch):
    monkeypatch.setattr(table, "GROUP_BYTES", 8 * 200 * 4)
    monkeypatch.setattr(table, "_GROUP_ROWS", 10)

    def sizes(**options):
        run = made_run(np.zeros(200), n_steps=39, **options)
        return [end - first for first, end in table._groups(run, table.kept_steps(run))]

    assert sizes() == [4] * 10
    assert sizes(path="none") == [10] * 4
    assert sizes(path="none", rate_shape=(200,)) == [4] * 10
    assert sizes(path="thinned") == [10, 10, 10, 10]
