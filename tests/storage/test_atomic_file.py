"""A file is replaced as a whole or not at all, whatever happens meanwhile."""

import errno
import os
import threading

import numpy as np
import pytest

import downslope
from downslope import InvalidFile
from downslope.storage import atomic_file, table
from tests.full_disk import files_of_at_most
from tests.storage.runs import made_run, make


@pytest.fixture
def old(tmp_path):
    """An older file, and what it holds."""
    path = tmp_path / "run.parquet"
    make("formula").save(path)
    return path, path.read_bytes()


def assert_nothing_happened(old):
    path, content = old
    assert path.read_bytes() == content
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize("n_bytes", [0, 1000, 100_000, 700_000])
def test_a_disk_that_is_full_leaves_the_older_file(n_bytes, old, monkeypatch):
    monkeypatch.setattr(table, "_GROUP_ROWS", 10_000)
    run = made_run(np.zeros(2), n_steps=40_000)
    with files_of_at_most(n_bytes), pytest.raises(InvalidFile, match="cannot be written: File too large"):
        run.save(old[0])
    assert_nothing_happened(old)
    run.save(old[0])
    assert downslope.load(old[0]).n_steps == 40_000


def test_a_disk_that_fails_at_the_last_moment_leaves_the_older_file(old, monkeypatch):
    def full(number):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InvalidFile, match="No space left on device"):
        make("gallery").save(old[0])
    assert_nothing_happened(old)


@pytest.mark.parametrize("group", [0, 1, 3])
@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, RuntimeError])
def test_ctrl_c_and_errors_leave_the_older_file(error, group, old, monkeypatch):
    calls = iter(range(10))

    def interrupted(*arguments):
        if next(calls) == group:
            raise error
        return whole(*arguments)

    whole = table.kept_points
    monkeypatch.setattr(table, "_GROUP_ROWS", 5)
    monkeypatch.setattr(table, "kept_points", interrupted)
    with pytest.raises(error):
        made_run(np.zeros(2), n_steps=30).save(old[0])
    assert_nothing_happened(old)


def test_the_new_file_is_on_the_disk_before_it_takes_the_name(old, monkeypatch):
    path, content = old
    seen = []
    monkeypatch.setattr(os, "fsync", lambda number: seen.append((path.read_bytes(), os.fstat(number).st_size)))
    make("gallery").save(path)
    assert seen == [(content, path.stat().st_size)]


def test_readers_see_the_old_run_or_the_new_one_and_nothing_between(old):
    path, _ = old
    runs = [make("formula"), make("gallery")]
    done = threading.Event()

    def write():
        for i in range(30):
            runs[i % 2].save(path)
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    while not done.is_set():
        assert downslope.load(path).n_steps in {run.n_steps for run in runs}
    writer.join()


def test_what_a_link_points_to_is_replaced(old):
    path, _ = old
    link = path.with_name("link")
    link.symlink_to(path)
    make("gallery").save(link)
    assert link.is_symlink()
    assert downslope.load(path).n_steps == make("gallery").n_steps


def test_a_new_file_has_the_permissions_of_any_new_file(tmp_path):
    make("formula").save(tmp_path / "run.parquet")
    (tmp_path / "any").write_text("")
    assert (tmp_path / "run.parquet").stat().st_mode == (tmp_path / "any").stat().st_mode


def test_a_place_where_no_file_can_be_is_told_before_any_work(tmp_path, monkeypatch):
    run = make("formula")
    monkeypatch.setattr(table, "write", lambda *arguments: pytest.fail("work was done"))
    os.mkfifo(tmp_path / "pipe")
    for path, words in (
        (tmp_path / "missing" / "run.parquet", "cannot be written: there is no folder .*missing"),
        (tmp_path / "pipe" / "run.parquet", "cannot be written"),
        (tmp_path, "is a folder, and must be a file"),
        ("", "is a folder, and must be a file"),
        (tmp_path / "pipe", "is no regular file"),
        ("/dev/null", "is no regular file"),
        (tmp_path / ("a" * 300), "cannot be written: File name too long"),
        ("a\0b", "cannot be written: .*null"),
        (None, "must be a path"),
        (3, "must be a path"),
    ):
        with pytest.raises(InvalidFile, match=words) as caught:
            run.save(path)
        assert caught.value.parameter == "path"


def test_a_folder_that_is_not_writable_is_told_before_any_work(tmp_path, monkeypatch):
    monkeypatch.setattr(atomic_file.os, "access", lambda *arguments: False)  # root may write anywhere
    with pytest.raises(InvalidFile, match=r"the folder .* is not writable"):
        make("formula").save(tmp_path / "run.parquet")
    assert not os.listdir(tmp_path)
