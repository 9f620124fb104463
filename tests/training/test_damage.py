"""A file that is damaged, cut short or replaced is an error that names it, and never a silent number."""

import os
import subprocess
import sys
from contextlib import contextmanager

import numpy as np
import pytest
from pyarrow import parquet

from downslope import InvalidData, InvalidFile
from downslope.training.sources import copying, kept, open_source, opening, read_rows
from tests.training.tables import numbers, table


@pytest.fixture(autouse=True)
def streamed(monkeypatch):
    """Small files are read as large ones are."""
    monkeypatch.setattr(kept, "KEPT_NUMBERS", 0)


def outcome(path, X):
    """Of reading all rows: whether they were refused, or are those that were written."""
    try:
        source = open_source(path, "y", shuffle=False)
        rows = read_rows(source, 0, source.n_rows)
    except InvalidFile as error:
        return "refused" if path.name in str(error) else "refused without a name"
    return "whole" if rows.columns.shape == X.T.shape and np.array_equal(rows.columns, X.T) else "wrong"


def flipped(content, place, rng):
    damaged = bytearray(content)
    damaged[place] ^= 1 << int(rng.integers(8))
    return bytes(damaged)


@pytest.fixture
def checked(tmp_path):
    """A file with checksums for its pages, its bytes, its rows, and where its footer begins."""
    X, y = numbers(100)
    path = tmp_path / "rows.parquet"
    options = {"compression": "none", "use_dictionary": False, "write_page_checksum": True}
    parquet.write_table(table(X, y), path, row_group_size=40, **options)
    content = path.read_bytes()
    return path, content, X, len(content) - 8 - int.from_bytes(content[-8:-4], "little")


@pytest.mark.slow
def test_no_flipped_bit_of_a_page_reads_as_another_number(checked):
    path, content, X, footer = checked
    rng = np.random.default_rng(0)
    seen = set()
    for place in range(footer):
        path.write_bytes(flipped(content, place, rng))
        seen.add(outcome(path, X))
    assert seen == {"refused", "whole"}  # a page's header has bits that nothing depends on


def test_each_number_of_a_page_is_covered(checked):
    path, content, X, _ = checked
    place = content.index(X[57, 1].tobytes())
    for byte in range(8):
        path.write_bytes(flipped(content, place + byte, np.random.default_rng(byte)))
        with pytest.raises(InvalidFile, match=r"rows.parquet' is damaged, .*checksum"):
            read_rows(open_source(path, "y"), 0, 100)


def test_no_flipped_bit_of_a_copy_s_footer_or_record_reads_as_another_number(tmp_path):
    X, y = numbers(60)
    path = tmp_path / "rows.csv"
    table(X, y).to_pandas().to_csv(path, index=False)
    assert outcome(path, X) == "whole"
    part = copying.copy_of(path) / "part-00000.parquet"
    content = part.read_bytes()
    footer = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    rng = np.random.default_rng(0)
    for place in range(footer, len(content), 3):
        part.write_bytes(flipped(content, place, rng))
        with pytest.raises(InvalidFile, match=r"part-00000.parquet' is (damaged: its footer|damaged, cut short)"):
            open_source(path, "y")
    part.write_bytes(content)
    record = copying.copy_of(path) / "made_from.json"
    told = record.read_bytes()
    for place in range(0, len(told), 7):  # the copy is made anew
        (copying.copy_of(path) / "made_from.json").write_bytes(flipped(told, place, rng))
        assert outcome(path, X) == "whole"


@pytest.mark.parametrize("length", [0, 3, 200, 1500])
def test_a_parquet_file_cut_short_is_refused(length, checked):
    path, content, *_ = checked
    path.write_bytes(content[:length])
    with pytest.raises(InvalidFile, match=r"rows.parquet' is damaged, cut short or no Parquet file"):
        open_source(path, "y")
    path.write_bytes(content[:-1])
    with pytest.raises(InvalidFile, match=r"rows.parquet' is damaged, cut short or no Parquet file"):
        open_source(path, "y")


@pytest.fixture(params=["rows.parquet", "rows.npy", "rows in a folder"])
def opened(request, tmp_path):
    """A source of which some rows were read, its file, and the bytes of another file like it."""
    X, y = numbers(5000)
    paths = []
    for i, rows in enumerate((X, X + 1)):
        (tmp_path / str(i)).mkdir()
        path = tmp_path / str(i) / request.param
        if path.suffix == ".npy":
            np.save(path, np.column_stack([rows, y]))
        elif path.suffix == ".parquet":
            parquet.write_table(table(rows, y), path, row_group_size=500)
        else:
            path.mkdir()
            parquet.write_table(table(rows[:2000], y[:2000]), path / "a.parquet")
            parquet.write_table(table(rows[2000:], y[2000:]), path / "b.parquet")
            paths.append(path / "b.parquet")
            continue
        paths.append(path)
    data = tmp_path / "0" / request.param
    source = open_source(data, -1 if data.suffix == ".npy" else "y")
    np.testing.assert_array_equal(read_rows(source, 2000, 700).columns, X[2000:2700].T)
    yield source, paths[0], paths[1].read_bytes()
    source.close()


def test_a_file_replaced_while_it_is_read_is_told(opened):
    source, path, other = opened
    beside = path.with_name("beside")
    beside.write_bytes(other)
    os.replace(beside, path)
    for first in (2700, 4000, 2000):
        with pytest.raises(InvalidFile, match=f"{path.name}' was replaced by another file while it was read"):
            read_rows(source, first, 500)


def test_a_file_written_to_while_it_is_read_is_told(opened):
    source, path, other = opened
    os.utime(path, ns=(0, 0))
    with open(path, "r+b") as file:
        file.write(other)
    for first in (2700, 4000):
        with pytest.raises(InvalidFile, match=f"{path.name}' (was written to|was cut short) while it was read"):
            read_rows(source, first, 500)


def test_a_file_cut_short_while_it_is_read_is_told_and_the_process_lives(opened):
    source, path, _ = opened
    os.truncate(path, 2**12)
    words = f"{path.name}' (was cut short|is cut short|is damaged, cut short)"
    for first in (2700, 4000):
        with pytest.raises(InvalidFile, match=words):
            read_rows(source, first, 1000)


def test_a_file_that_is_gone_while_it_is_read_is_told(opened):
    source, path, _ = opened
    path.unlink()
    with pytest.raises(InvalidFile, match=f"{path.name}' does not exist"):
        read_rows(source, 2700, 1000)


def test_an_npy_file_shorter_than_its_header_says_is_refused(tmp_path):
    np.save(tmp_path / "X.npy", np.zeros((100, 3)))
    os.truncate(tmp_path / "X.npy", 2000)
    with pytest.raises(InvalidFile, match=r"X.npy' is cut short: 2000 bytes, where its shape \(100, 3\) takes 2528"):
        open_source(tmp_path / "X.npy", 0)


CSV = """\
import sys
from contextlib import contextmanager
from downslope.training.sources import open_source
print(open_source(sys.argv[1], "y").n_rows)
"""


def test_a_csv_file_is_converted_once_and_anew_when_it_changes(tmp_path):
    path = tmp_path / "rows.csv"
    X, y = numbers(100)
    table(X, y).to_pandas().to_csv(path, index=False)
    source = open_source(path, "y")
    assert source.place(12) == "row 12 of rows.csv"
    part = copying.copy_of(path) / "part-00000.parquet"
    assert source.notes == (f"the data are read from a copy in small blocks, {part.parent} (0.0 MB), made once",)
    stamp = part.stat().st_mtime_ns
    assert open_source(path, "y", features=["age"]).n_rows == 100
    assert part.stat().st_mtime_ns == stamp
    with open(path, "a") as file:
        file.write("1,2,3,4\n")
    assert open_source(path, "y").n_rows == 101
    assert set(os.listdir(tmp_path)) == {".rows.csv.downslope", "rows.csv"}


@pytest.mark.parametrize(("separator", "name"), [(",", "a"), (";", "b,b"), ("\t", "c")])
def test_what_separates_the_columns_is_seen(separator, name, tmp_path):
    (tmp_path / "rows.csv").write_text(
        separator.join(["age", name, "more", "y"]) + "\n" + separator.join("1234") + "\n"
    )
    source = open_source(tmp_path / "rows.csv", "y")
    assert source.names == ("age", name, "more")
    np.testing.assert_array_equal(read_rows(source, 0, 1).columns[:, 0], [1, 2, 3])


def test_whole_numbers_may_be_followed_by_fractions_far_below(tmp_path, monkeypatch):
    monkeypatch.setattr("downslope.training.sources.csv._BLOCK", 1000)
    values = ["1"] * 1000 + ["2.5"] + ["3"] * 10
    (tmp_path / "rows.csv").write_text("a,y\n" + "".join(f"{value},{i}\n" for i, value in enumerate(values)))
    source = open_source(tmp_path / "rows.csv", "y")
    np.testing.assert_array_equal(read_rows(source, 0, 1011).columns[0], [float(value) for value in values])


def test_a_word_among_numbers_is_told_with_file_row_and_column(tmp_path, monkeypatch):
    monkeypatch.setattr("downslope.training.sources.csv._BLOCK", 1000)
    values = ["1"] * 1000 + ["one"] + ["3"] * 10
    (tmp_path / "rows.csv").write_text("a,b,y\n" + "".join(f"0,{value},{i}\n" for i, value in enumerate(values)))
    words = "column 'b', row 1000 of rows.csv, holds 'one', where the rows before hold values of type double"
    with pytest.raises(InvalidData, match=words):
        open_source(tmp_path / "rows.csv", "y")
    assert os.listdir(tmp_path) == ["rows.csv"]


def test_a_folder_of_csv_files_is_one_table(tmp_path):
    X, y = numbers(50)
    folder = tmp_path / "rows"
    folder.mkdir()
    frame = table(X, y).to_pandas()
    frame[:20].to_csv(folder / "a.csv", index=False)
    frame[20:].to_csv(folder / "b.csv", index=False)
    source = open_source(folder, "y")
    np.testing.assert_array_equal(read_rows(source, 0, 50).columns, X.T)
    assert source.place(20) == "row 0 of b.csv"
    frame.drop(columns="age").to_csv(folder / "c.csv", index=False)
    with pytest.raises(InvalidFile, match=r"c.csv' has other columns than a.csv: height, weight of it, y"):
        open_source(folder, "y")


@pytest.mark.slow
def test_a_disk_that_is_full_leaves_no_half_of_a_copy(tmp_path):
    X, y = numbers(20_000)
    path = tmp_path / "rows.csv"
    table(X, y).to_pandas().to_csv(path, index=False)
    limited = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
    done = subprocess.run([sys.executable, "-c", limited + CSV, path], capture_output=True, text=True, check=False)
    assert "rows.csv' cannot be copied for training" in done.stderr
    assert "File too large" in done.stderr
    assert os.listdir(tmp_path) == ["rows.csv"]


@pytest.mark.slow
def test_a_process_that_is_killed_while_it_converts_leaves_nothing_that_is_believed(tmp_path):
    X, y = numbers(200_000)
    path = tmp_path / "rows.csv"
    table(X, y).to_pandas().to_csv(path, index=False)
    endings = set()
    for wait in (0.0, 0.02, 0.05, 0.1, 0.2):
        process = subprocess.Popen([sys.executable, "-c", CSV, path], stdout=subprocess.DEVNULL)
        while process.poll() is None and not list(tmp_path.glob(".rows.csv.downslope*")):
            pass
        try:
            process.wait(wait)
        except subprocess.TimeoutExpired:
            process.kill()
        endings.add(process.wait())
    assert -9 in endings
    source = open_source(path, "y")
    np.testing.assert_array_equal(read_rows(source, 0, source.n_rows).target, y)
    assert set(os.listdir(tmp_path)) == {".rows.csv.downslope", "rows.csv"}


def test_a_copy_that_is_being_made_by_another_is_not_swept(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("a,y\n1,2\n")
    theirs = tmp_path / ".rows.csv.downslope-1234.tmp"
    theirs.mkdir()
    with copying._locked(theirs):
        open_source(path, "y")
        assert theirs.exists()
    path.write_text("a,y\n1,2\n3,4\n")
    open_source(path, "y")
    assert not theirs.exists()


def test_the_copy_is_never_mixed_with_the_data_of_a_folder(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("a,y\n1,2\n")
    open_source(path, "y")
    assert open_source(tmp_path, "y").n_rows == 1
    assert opening.files_of(tmp_path) == [path]


def test_a_bar_shows_how_far_a_conversion_is(tmp_path, monkeypatch):
    told = []

    @contextmanager
    def bar(total, **words):
        yield lambda done, loss: told.append((done, total))

    monkeypatch.setattr("downslope.training.sources.csv.progress_bar", bar)
    monkeypatch.setattr("downslope.training.sources.csv._BLOCK", 1000)
    folder = tmp_path / "rows"
    folder.mkdir()
    for name in ("a.csv", "b.csv"):
        (folder / name).write_text("a,y\n" + "1,2\n" * 1000)
    open_source(folder, "y", progress=True)
    done, totals = zip(*told, strict=True)
    assert set(totals) == {2 * 4004}
    assert list(done) == sorted(done)
    assert done[-1] == 2 * 4004
    assert len(set(done)) >= 4
