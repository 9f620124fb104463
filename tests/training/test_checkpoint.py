"""A checkpoint that was acknowledged can be read, whatever happens; one that is damaged is never believed."""

import errno
import json
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from downslope import InvalidFile, InvalidInput
from downslope.training import checkpoint, checkpoint_file
from downslope.training.checkpoint import CheckpointFolder, newest, read, write
from tests.full_disk import files_of_at_most

ARRAYS = {
    "x": np.linspace(0, 1, 7),
    "single": np.array([[1.5, -0.0], [np.nan, np.inf]], np.float32),
    "half": np.array([0.5], np.float16),
    "count": np.array(2**62 + 1),
    "none": np.empty((0, 3)),
    "flags": np.array([True, False]),
    "big endian": np.array([1.0, 2.0], ">f8"),
    "by columns": np.asfortranarray(np.arange(6).reshape(2, 3)),
}
FACTS = {"epoch": 3, "seed": 2**64 - 1, "rate": 0.1, "worst": float("inf"), "names": ["a", "é"], "none": None}


def assert_equal_bits(read_arrays, arrays):
    assert list(read_arrays) == list(arrays)
    for name, array in arrays.items():
        assert read_arrays[name].shape == array.shape
        assert read_arrays[name].dtype == array.dtype.newbyteorder("=")
        assert read_arrays[name].tobytes() == array.astype(array.dtype.newbyteorder("=")).tobytes()


def test_what_was_written_is_read_to_the_last_bit(tmp_path):
    path = write(tmp_path / "new" / "folder", 12, ARRAYS, FACTS)
    found = newest(tmp_path / "new" / "folder")
    assert (found.step, found.path, found.facts) == (12, path, FACTS)
    assert_equal_bits(found.arrays, ARRAYS)
    found.arrays["x"][0] = 5  # they are our own, and can be gone on with


@pytest.mark.parametrize("n", [0, 1, 7, 8, 9, 63, 64, 65, 1000])
def test_headers_of_any_length_find_their_arrays(n, tmp_path):
    arrays = {"a" * n: np.arange(n), "b": np.arange(n, dtype=np.int8), "c": np.ones(3)}
    write(tmp_path, n, arrays, {"word": "w" * n})
    assert_equal_bits(newest(tmp_path).arrays, arrays)


def test_arrays_lie_where_the_header_says_as_anybody_can_read_them(tmp_path):
    import hashlib

    content = write(tmp_path, 5, {"x": np.arange(3.0)}, {}).read_bytes()
    assert content[:24] == b"downslope checkpoint\0\0\0\1"
    assert content[24:56] == hashlib.sha256(content[56:]).digest()
    size = int.from_bytes(content[56:64], "little")
    told = json.loads(content[64 : 64 + size])
    (name, kind, shape, start) = told["arrays"][0]
    assert (name, kind, shape) == ("x", "<f8", [3])
    assert start % 64 == 0
    assert content[start : start + 24] == np.arange(3.0).tobytes()


def test_the_newest_is_the_one_of_the_last_step_and_two_are_kept(tmp_path):
    assert newest(tmp_path) is None
    assert newest(tmp_path / "nothing") is None
    (tmp_path / "notes.txt").write_text("mine")
    for step in (0, 9, 10, 11, 99, 100):
        write(tmp_path, step, {"x": np.array([step])}, {})
        assert newest(tmp_path).step == step
    assert {path.name for path in tmp_path.iterdir()} == {
        "notes.txt",
        "step-00000000000000000099.checkpoint",
        "step-00000000000000000100.checkpoint",
    }


def test_each_flipped_and_each_missing_byte_is_noticed_and_the_file_named(tmp_path):
    path = write(tmp_path, 3, {"x": np.arange(3.0)}, {"epoch": 1})
    content = path.read_bytes()
    assert len(content) < 500
    words = re.compile(f"`checkpoint` '{re.escape(str(path))}' is damaged")
    rng = np.random.default_rng(0)

    def damaged():
        for place in range(len(content)):
            flipped = bytes([content[place] ^ 1 << int(rng.integers(8))])
            yield content[:place] + flipped + content[place + 1 :]
            yield content[:place] + content[place + 1 :]
            yield content[:place]
        yield content + b"\0"

    for bad in damaged():
        path.write_bytes(bad)
        with pytest.raises(InvalidFile, match=words):
            newest(tmp_path)
    path.write_bytes(content)
    assert newest(tmp_path).facts == {"epoch": 1}


def test_a_damaged_one_is_told_with_the_whole_one_before_it(tmp_path):
    older = write(tmp_path, 1, {"x": np.zeros(1)}, {})
    path = write(tmp_path, 2, {"x": np.ones(1)}, {})
    path.write_bytes(path.read_bytes()[:-1])
    words = f"{path.name}' is damaged: .*; {older.name} is whole: remove the damaged file to go on from step 1"
    with pytest.raises(InvalidFile, match=words):
        newest(tmp_path)
    older.write_bytes(b"")
    with pytest.raises(InvalidFile, match=r"is damaged: its bytes are not those that were written\.$"):
        newest(tmp_path)
    path.unlink()
    older.unlink()
    (tmp_path / older.name).mkdir()
    with pytest.raises(InvalidFile, match="cannot be read: Is a directory"):
        newest(tmp_path)


def test_nothing_is_unpickled_and_objects_are_refused(tmp_path):
    with pytest.raises(InvalidInput, match="`arrays` must be numbers; x is of type"):
        write(tmp_path, 1, {"x": np.array([object()])}, {})
    assert os.listdir(tmp_path) == []
    assert "pickle" not in sys.modules["downslope.training.checkpoint"].__dict__


def test_a_newer_format_asks_for_an_upgrade(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint_file, "_FORMAT", 2)
    write(tmp_path, 1, {}, {})
    monkeypatch.undo()
    with pytest.raises(InvalidFile, match="format this one does not know: upgrade downslope"):
        newest(tmp_path)


@pytest.mark.parametrize("n_bytes", [0, 30, 200, 5000, 70_000])
def test_a_disk_that_is_full_leaves_the_older_ones_and_nothing_else(n_bytes, tmp_path):
    for step in (1, 2):
        write(tmp_path, step, {"x": np.zeros(1)}, {})
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    x = np.random.default_rng(0).standard_normal(10_000)
    kept = x.copy()
    with files_of_at_most(n_bytes), pytest.raises(InvalidFile, match=r"00003.checkpoint' cannot be written: File too"):
        write(tmp_path, 3, {"x": x}, {})
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    np.testing.assert_array_equal(x, kept)
    write(tmp_path, 3, {"x": x}, {})
    np.testing.assert_array_equal(newest(tmp_path).arrays["x"], x)


def test_a_full_file_system_leaves_the_older_one(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", disk]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no right to mount a small disk")
    try:
        write(disk, 1, {"x": np.arange(10_000.0)}, {})
        for step in (2, 3, 4):
            (disk / "filler").write_bytes(bytes(100_000))
            with pytest.raises(InvalidFile, match="cannot be written: No space left on device"):
                write(disk, step, {"x": np.arange(20_000.0)}, {})
            found = newest(disk)
            assert found.step == 1
            np.testing.assert_array_equal(found.arrays["x"], np.arange(10_000.0))
            assert sorted(os.listdir(disk)) == ["filler", found.path.name]
        (disk / "filler").unlink()
        write(disk, 5, {"x": np.arange(10_000.0)}, {})
        assert newest(disk).step == 5
    finally:
        subprocess.run(["umount", disk], check=True)


def test_the_file_and_the_folder_are_on_the_disk_before_it_is_acknowledged(tmp_path, monkeypatch):
    synced, real = [], os.fsync

    def seen(number):
        synced.append((os.path.basename(os.readlink(f"/proc/self/fd/{number}")), sorted(os.listdir(tmp_path))))
        real(number)

    monkeypatch.setattr(os, "fsync", seen)
    path = write(tmp_path, 1, {"x": np.zeros(1)}, {})
    (beside, before), (folder, after) = synced
    assert before == [beside]  # under another name
    assert (folder, after) == (tmp_path.name, [path.name])


def test_a_folder_that_cannot_be_written_to_the_disk_is_no_acknowledgement(tmp_path, monkeypatch):
    write(tmp_path, 1, {"x": np.zeros(1)}, {})
    real = os.fsync

    def failing(number):
        if os.path.isdir(f"/proc/self/fd/{number}"):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        real(number)

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(InvalidFile, match="cannot be written: Input/output error"):
        write(tmp_path, 2, {"x": np.zeros(1)}, {})
    assert checkpoint.checkpoints_in(tmp_path)[0][0] == 1  # the older is not removed for the one that may get lost


WRITER = """\
import sys
import numpy as np
from downslope.training.checkpoint import CheckpointFolder, newest
from tests.full_disk import files_of_at_most
path, size = sys.argv[1], int(sys.argv[2])
with CheckpointFolder(path) as folder:
    found = newest(path)
    step = found.step if found else 0
    while True:
        step += 1
        rng = np.random.default_rng(step)
        folder.write(step, {"x": rng.standard_normal(size), "m": rng.integers(0, 9, size)}, {"step": step})
        print(step, flush=True)
"""


@pytest.mark.slow
def test_kill_9_at_any_moment_leaves_the_newest_acknowledged_checkpoint(tmp_path):
    size, rng, last, waits = 20_000, np.random.default_rng(0), 0, []
    for _ in range(25):
        process = subprocess.Popen([sys.executable, "-c", WRITER, tmp_path, str(size)], stdout=subprocess.PIPE)
        first = int(process.stdout.readline())  # it is at work
        assert first in (last + 1, last + 2)  # it goes on from what was there
        wait = rng.uniform(0, 0.05)
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        acknowledged = [first, *map(int, process.stdout.read().split())][-1]
        process.stdout.close()
        assert process.wait() == -signal.SIGKILL
        found = newest(tmp_path)
        assert found.step in (acknowledged, acknowledged + 1)  # the latter was renamed, and not yet told
        again = np.random.default_rng(found.step)
        np.testing.assert_array_equal(found.arrays["x"], again.standard_normal(size))
        np.testing.assert_array_equal(found.arrays["m"], again.integers(0, 9, size))
        last = found.step
        waits.append(len(list(tmp_path.glob(".downslope-*.tmp"))))
    print(f"{last} checkpoints; {sum(waits)} of {len(waits)} kills left a temporary file")
    CheckpointFolder(tmp_path).close()
    assert all(name.startswith("step-") for name in os.listdir(tmp_path))


def test_what_a_killed_run_left_is_swept_and_nothing_else(tmp_path):
    left = tmp_path / ".downslope-0123456789abcdef.tmp"
    left.write_bytes(b"half of it")
    (tmp_path / "other.tmp").write_bytes(b"mine")
    with CheckpointFolder(tmp_path):
        assert os.listdir(tmp_path) == ["other.tmp"]


@pytest.mark.slow
def test_two_runs_cannot_write_to_one_folder(tmp_path):
    with CheckpointFolder(tmp_path) as folder:
        other = "import sys; from downslope.training.checkpoint import CheckpointFolder as F; F(sys.argv[1])"
        done = subprocess.run([sys.executable, "-c", other, tmp_path], capture_output=True, text=True, check=False)
        assert "is being written to by another run" in done.stderr
        with pytest.raises(InvalidFile, match="is being written to by another run"):
            CheckpointFolder(tmp_path)
        folder.write(1, {}, {})
    CheckpointFolder(tmp_path).close()


def test_a_place_where_no_folder_can_be_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    for path, words in (
        (tmp_path / "file", "is a file, and must be a folder"),
        (tmp_path / "file" / "folder", "cannot be written: Not a directory"),
        ("/proc/nothing", "cannot be written"),
        ("a\0b", "cannot be written: .*null"),
        (5, "must be a path"),
    ):
        with pytest.raises(InvalidFile, match=words) as caught:
            CheckpointFolder(path)
        assert caught.value.parameter == "checkpoint"


def test_one_checkpoint_can_be_read_by_its_path(tmp_path):
    path = write(tmp_path, 1, {"x": np.ones(2)}, {})
    assert read(path).step == 1
