"""The disk cache: the next process compiles nothing, and whatever happens to the files, a run prints the same."""

import os
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from downslope import InvalidInput, disk_cache

pytestmark = pytest.mark.slow  # a process a test

RUN = ["run", "parabola", "--learning-rate", "0.1", "--steps", "3"]
# What JAX counts, told after the run: programs asked for, found in the cache, and written to it.
COUNTING = """
import sys, jax.monitoring
counts = dict.fromkeys(("compile_requests_use_cache", "cache_hits", "cache_misses"), 0)
def count(event, **_):
    name = event.rpartition("/")[2]
    if name in counts:
        counts[name] += 1
jax.monitoring.register_event_listener(count)
from downslope.cli import main
try:
    main()
finally:
    print("counts", *counts.values(), file=sys.stderr)
"""


def in_a_process(words, cache, code="from downslope.cli import main; main()", **options):
    environment = {**os.environ, "DOWNSLOPE_CACHE_DIR": str(cache), **options.pop("env", {})}
    command = [sys.executable, "-W", "error", "-c", code, *words]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False, **options)


def counted(cache):
    """(asked for, found, written) in a process that runs the problem, and what it prints."""
    done = in_a_process(RUN, cache, COUNTING)
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("counts "), "nothing else is said there"
    return tuple(map(int, done.stderr.split()[1:])), done.stdout


@pytest.fixture(scope="module")
def expected():
    """What the run prints without a cache."""
    return in_a_process(RUN, "off").stdout


@pytest.fixture(scope="module")
def warm(tmp_path_factory, expected):
    """A folder with a cache that one process has filled."""
    folder = tmp_path_factory.mktemp("warm")
    (asked, found, written), out = counted(folder)
    assert (found, written) == (0, asked)
    assert asked > 0
    assert out == expected
    return folder


def programs(folder):
    return sorted((folder / "downslope" / "jax").iterdir())


# -- what it is for ---------------------------------------------------------------------------------------


def test_a_second_process_compiles_nothing_and_prints_the_same(warm, expected):
    (asked, found, written), out = counted(warm)
    assert (found, written) == (asked, 0)
    assert out == expected


def test_the_library_alone_never_switches_it_on(tmp_path):
    code = "import jax, downslope; downslope.minimize('x^2', 5.0); print(jax.config.jax_compilation_cache_dir)"
    home = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path), "LOCALAPPDATA": str(tmp_path)}
    assert in_a_process([], tmp_path, code, env=home).stdout == "None\n"
    assert list(tmp_path.iterdir()) == []


def test_a_user_s_own_cache_of_jax_is_left_alone(tmp_path, expected):
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    done = in_a_process(RUN, ours, env={"JAX_COMPILATION_CACHE_DIR": str(theirs)})
    assert done.stdout == expected
    assert not ours.exists()


# -- whatever happens to its files ------------------------------------------------------------------------


@pytest.mark.parametrize("damage", [b"garbage", b"", None], ids=["garbage", "empty", "cut short"])
def test_damaged_files_are_written_anew_and_nobody_notices(warm, expected, damage):
    whole = {path: path.read_bytes() for path in programs(warm)}
    for path, content in whole.items():
        path.write_bytes(content[: len(content) // 2] if damage is None else damage)
    (asked, found, written), out = counted(warm)
    assert (found, written) == (0, asked)
    assert out == expected
    assert [path.stat().st_size > 1000 for path in programs(warm)] == [True] * len(whole)
    assert counted(warm) == ((asked, asked, 0), expected)


def no_file_may_grow():
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


FOLDERS = {
    "a file in its place": lambda folder: (folder / "downslope").write_text("mine"),
    "a broken link in its place": lambda folder: (folder / "downslope").symlink_to(folder / "nowhere" / "at all"),
    "a folder that cannot be made": lambda folder: Path("/dev/null/cache"),
    "open to other users": lambda folder: os.chmod(made(folder), 0o777),
}


def made(folder):
    (folder / "downslope" / "jax").mkdir(parents=True)
    return folder / "downslope" / "jax"


@pytest.mark.parametrize("prepare", FOLDERS.values(), ids=FOLDERS)
def test_a_folder_that_cannot_be_used_is_not(tmp_path, expected, prepare):
    other = prepare(tmp_path)
    cache = other if isinstance(other, Path) else tmp_path
    done = in_a_process(RUN, cache)
    assert (done.returncode, done.stdout, done.stderr) == (0, expected, "")
    assert not list(tmp_path.rglob("*.program"))
    told = in_a_process(["cache"], cache)
    assert (told.returncode, told.stderr) == (0, "")
    assert "off: " in told.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="no limit to the size of files there")
@pytest.mark.filterwarnings("ignore:os.fork:RuntimeWarning")  # JAX warns if it ran before; the child only execs
def test_a_full_disk_leaves_no_file_behind(tmp_path, expected):
    done = in_a_process(RUN, tmp_path, preexec_fn=no_file_may_grow)
    assert (done.returncode, done.stdout, done.stderr) == (0, expected, "")
    assert programs(tmp_path) == []


def test_two_processes_at_once_share_it(tmp_path, expected):
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _: in_a_process(RUN, tmp_path), range(2)))
    assert [(done.returncode, done.stdout, done.stderr) for done in both] == [(0, expected, "")] * 2
    (asked, found, _), _ = counted(tmp_path)
    assert found == asked


def test_without_a_home_there_is_no_cache(monkeypatch):
    monkeypatch.delenv("DOWNSLOPE_CACHE_DIR")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)

    def no_home():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", no_home)
    assert not disk_cache.state().is_on
    assert "DOWNSLOPE_CACHE_DIR can name another" in disk_cache.state().reason


# -- the store --------------------------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path):
    return disk_cache.Store(tmp_path, 1000)


def test_the_store_gives_back_what_it_got(store, tmp_path):
    assert store.get("key") is None
    store.put("key", b"program")
    store.put("key", b"program of today")
    assert store.get("key") == b"program of today"
    assert store.get("other key") is None
    (path,) = tmp_path.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_one_changed_bit_is_seen_and_the_file_deleted(store, tmp_path):
    store.put("key", bytes(100))
    (path,) = tmp_path.iterdir()
    content = bytearray(path.read_bytes())
    content[70] ^= 1
    path.write_bytes(content)
    assert store.get("key") is None
    assert not path.exists()


def test_those_used_longest_ago_go_first(store, tmp_path):
    for name in ("a", "b", "c"):
        store.put(name, bytes(250))  # 282 bytes with the checksum: three fit into 1000
        os.utime(store._place(name), (0, time.time() - 100 + ord(name)))
    assert store.get("a") == bytes(250)
    store.put("d", bytes(250))
    assert [name for name in "abcd" if store.get(name)] == ["a", "c", "d"]
    store.put("too large", bytes(1001))
    assert [name for name in "abcd" if store.get(name)] == ["a", "c", "d"]


def test_another_machine_s_programs_are_not_found(store, monkeypatch):
    store.put("key", b"program")
    monkeypatch.setattr(disk_cache, "_machine", lambda: "another processor")
    assert store.get("key") is None


@pytest.mark.skipif(os.name != "posix", reason="files have no owner there")
def test_another_user_s_files_are_not_used(tmp_path, monkeypatch):
    monkeypatch.setenv("DOWNSLOPE_CACHE_DIR", str(tmp_path))
    store = disk_cache.Store(made(tmp_path), 1000)
    store.put("key", b"program")
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert store.get("key") is None
    assert disk_cache.state().reason.endswith("belongs to another user")


def test_a_folder_that_is_read_only_is_still_read(store, tmp_path, monkeypatch):
    store.put("key", b"program")

    def refuse(*args, **kwargs):
        raise PermissionError(30, "Read-only file system")

    for name in ("utime", "replace", "unlink", "open"):
        monkeypatch.setattr(os, name, refuse)  # as root, a test cannot make a folder that refuses
    assert store.get("key") == b"program"
    store.put("other", b"program")
    assert store.get("other") is None


# -- where it is, and how large ---------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["", "off", "None", " OFF "])
def test_a_word_switches_it_off(monkeypatch, word):
    monkeypatch.setenv("DOWNSLOPE_CACHE_DIR", word)
    now = disk_cache.state()
    assert (now.is_on, now.folder) == (False, None)
    assert "DOWNSLOPE_CACHE_DIR is" in now.reason
    assert disk_cache.clear() == 0


@pytest.mark.parametrize(
    ("platform", "variable", "folder"),
    [
        ("linux", "XDG_CACHE_HOME", "{given}"),
        ("linux", None, "{home}/.cache"),
        ("darwin", "XDG_CACHE_HOME", "{home}/Library/Caches"),
        ("win32", "LOCALAPPDATA", "{given}"),
        ("win32", None, "{home}/AppData/Local"),
    ],
)
def test_each_platform_has_its_folder(monkeypatch, tmp_path, platform, variable, folder):
    for name in ("DOWNSLOPE_CACHE_DIR", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    monkeypatch.setattr(sys, "platform", platform)
    if variable:
        monkeypatch.setenv(variable, str(tmp_path / "given"))
    expected = Path(folder.format(given=tmp_path / "given", home=tmp_path / "home")) / "downslope" / "jax"
    assert disk_cache.state().folder == expected


def test_a_relative_folder_of_xdg_is_ignored_as_xdg_asks(monkeypatch, tmp_path):
    monkeypatch.delenv("DOWNSLOPE_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.setattr(sys, "platform", "linux")
    assert disk_cache.state().folder == tmp_path / ".cache" / "downslope" / "jax"


def test_the_limit_is_read_and_checked(monkeypatch, tmp_path):
    monkeypatch.setenv("DOWNSLOPE_CACHE_DIR", str(tmp_path))
    assert disk_cache.state().max_bytes == 100_000_000
    monkeypatch.setenv("DOWNSLOPE_CACHE_MAX_MB", "0.5")
    assert (disk_cache.state().max_bytes, disk_cache.state().is_on) == (500_000, True)
    monkeypatch.setenv("DOWNSLOPE_CACHE_MAX_MB", "0")
    assert disk_cache.state().reason == "DOWNSLOPE_CACHE_MAX_MB is 0"
    for wrong in ("many", "-1", "nan", "inf"):
        monkeypatch.setenv("DOWNSLOPE_CACHE_MAX_MB", wrong)
        with pytest.raises(InvalidInput, match=f"DOWNSLOPE_CACHE_MAX_MB.*0 or more; got '{wrong}'"):
            disk_cache.state()


# -- the command ------------------------------------------------------------------------------------------


def test_the_command_shows_and_clears_and_deletes_nothing_else(run_cli, monkeypatch, tmp_path):
    monkeypatch.setenv("DOWNSLOPE_CACHE_DIR", str(tmp_path))
    folder = made(tmp_path)
    store = disk_cache.Store(folder, 10**6)
    store.put("a", bytes(20_000))
    store.put("b", bytes(10_000))
    (folder / "torn.unfinished").write_bytes(b"half")
    kept = [tmp_path / "thesis.tex", folder.parent / "notes", folder / "not a program", folder / "x.program.bak"]
    for path in kept:
        path.write_text("mine")
    status, out, err = run_cli("cache")
    assert (status, err) == (0, "")
    assert out.splitlines() == [
        "the disk cache is on",
        f"  folder   {folder}",
        "  holds    2 programs, 0.03 of 100 MB",
    ]
    status, out, _ = run_cli("cache", "--clear")
    assert (status, out.splitlines()[0]) == (0, "2 programs deleted")
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == sorted(kept)


def test_clearing_removes_the_empty_folders_that_are_ours(run_cli, monkeypatch, tmp_path):
    monkeypatch.setenv("DOWNSLOPE_CACHE_DIR", str(tmp_path))
    disk_cache.Store(made(tmp_path), 10**6).put("a", b"program")
    assert run_cli("cache", "--clear")[1].startswith("1 program deleted")
    assert list(tmp_path.iterdir()) == []
    assert run_cli("cache", "--clear")[1].startswith("0 programs deleted")
