"""A file is read whole or refused: no damage, cut or stranger passes for a run."""

import io
import json

import numpy as np
import pandas
import pyarrow as pa
import pyarrow.parquet
import pytest

import downslope
from downslope import InvalidFile
from downslope.storage import metadata, seal
from tests.storage.runs import assert_same, made_run, make


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A small run, and its file's bytes."""
    run = make("gallery")
    path = tmp_path_factory.mktemp("whole") / "run.parquet"
    run.save(path)
    return run, path.read_bytes()


@pytest.fixture
def loads(tmp_path):
    """The run in a file of these bytes."""
    path = tmp_path / "run.parquet"

    def load(content):
        path.write_bytes(content)
        return downslope.load(path)

    return load


def is_refused(content):
    try:
        seal.check_seal(io.BytesIO(content), "run.parquet")
    except InvalidFile:
        return True
    return False


def test_a_bit_flipped_anywhere_is_noticed(whole, loads):
    run, content = whole
    rng = np.random.default_rng(0)
    for place in range(len(content)):
        damaged = bytearray(content)
        damaged[place] ^= 1 << rng.integers(8)
        assert is_refused(damaged), place
        if place % 40 == 0:
            with pytest.raises(InvalidFile):
                loads(damaged)
    assert_same(loads(content), run)


def test_a_file_cut_anywhere_is_noticed(whole, loads):
    _, content = whole
    for length in range(len(content)):
        assert is_refused(content[:length]), length
        if length % 40 == 0:
            with pytest.raises(InvalidFile):
                loads(content[:length])


@pytest.mark.parametrize("seed", range(50))
def test_damage_of_any_kind_is_noticed(whole, loads, seed):
    _, content = whole
    rng = np.random.default_rng(seed)
    first, end = sorted(rng.integers(0, len(content), 2))
    instead = rng.choice([b"", b"\0" * (end - first), rng.bytes(end - first), rng.bytes(rng.integers(1, 100))])
    with pytest.raises(InvalidFile):
        loads(content[:first] + instead + content[end + 1 :])


def test_what_is_damaged_is_told_from_what_is_cut_short_or_foreign(whole, loads):
    _, content = whole
    middle = bytearray(content)
    middle[len(content) // 3] ^= 1
    no_key = content.replace(seal.KEY.encode(), b"somebody.else 16")
    for bad, words in (
        (b"", "is empty"),
        (content[:-1], "is cut short or damaged"),
        (content[: len(content) // 2], "is cut short or damaged"),
        (bytes(middle), "is damaged: its bytes are not those that were written"),
        (no_key, "is a Parquet file, and not one that run.save"),
        (b"step,x,loss\n0,5.0,25.0\n", "is no Parquet file, as run.save"),
        (b"PK\x03\x04 or anything", "is no Parquet file"),
        (b"PAR1", "is cut short or damaged"),
        (b"PAR1" + b"\xff" * 4 + b"PAR1", "is cut short or damaged"),
    ):
        with pytest.raises(InvalidFile, match=words) as caught:
            loads(bad)
        assert caught.value.parameter == "path"
        assert str(caught.value.path) in str(caught.value)


def test_another_program_s_parquet_file_is_no_run(tmp_path):
    path = tmp_path / "other.parquet"
    pandas.DataFrame({"step": [0, 1], "x": [1.0, 2.0]}).to_parquet(path)
    with pytest.raises(InvalidFile, match=r"is a Parquet file, and not one that run\.save"):
        downslope.load(path)


def test_a_run_s_file_written_again_by_another_program_is_refused(whole, tmp_path):
    # pyarrow keeps our metadata, which may no longer be true of what was written.
    path = tmp_path / "again.parquet"
    pyarrow.parquet.write_table(pyarrow.parquet.read_table(io.BytesIO(whole[1])), path)
    with pytest.raises(InvalidFile, match=r"is (damaged|a Parquet file)"):
        downslope.load(path)


def test_a_newer_format_asks_for_an_upgrade(tmp_path, monkeypatch):
    path = tmp_path / "run.parquet"
    monkeypatch.setattr(metadata, "FORMAT", 3)
    monkeypatch.setattr(downslope, "__version__", "9.1.0")
    made_run(np.zeros(2)).save(path)
    monkeypatch.undo()
    words = r"was written by downslope 9.1.0 in format 3; this one reads up to 1: upgrade downslope"
    with pytest.raises(InvalidFile, match=words):
        downslope.load(path)


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"format": 1},
        {"format": "one"},
        [],
        {"format": 1, "structure": {"layout": "spiral", "kind": "numpy"}},
    ],
)
def test_a_sealed_file_that_holds_no_run_is_refused(told, tmp_path):
    path = tmp_path / "run.parquet"
    with open(path, "x+b") as file:
        with pyarrow.parquet.ParquetWriter(file, pa.schema([("step", pa.int64())])) as writer:
            writer.add_key_value_metadata({metadata.KEY: json.dumps(told), seal.KEY: seal.BLANK})
        seal.seal(file, path)
    with pytest.raises(InvalidFile, match="holds no run"):
        downslope.load(path)


def test_the_seal_is_a_sha256_that_anybody_can_compute(whole):
    import hashlib

    _, content = whole
    written = pyarrow.parquet.read_metadata(io.BytesIO(content)).metadata[seal.KEY.encode()]
    assert content.count(written) == 1
    assert hashlib.sha256(content.replace(written, seal.BLANK.encode())).hexdigest().encode() == written


def test_a_file_that_is_not_there_is_told_and_so_is_a_folder(tmp_path):
    with pytest.raises(InvalidFile, match=r"`path` '.*nothing.parquet' does not exist"):
        downslope.load(tmp_path / "nothing.parquet")
    with pytest.raises(InvalidFile, match="is a folder, and must be a file"):
        downslope.load(tmp_path)
    for wrong in (None, 5, ["run.parquet"]):
        with pytest.raises(InvalidFile, match="must be a path"):
            downslope.load(wrong)
    with pytest.raises(InvalidFile, match="cannot be read"):
        downslope.load("a" * 300)
    with pytest.raises(InvalidFile, match="null"):
        downslope.load("a\0b")
