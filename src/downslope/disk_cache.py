"""Compiled programs kept on disk, for the processes that are ours: the command line, the laboratory, its workers.

The first run of a program spends most of its time in the compiler; the next process finds the outcome here.
JAX's cache is a process's as a whole, so the library never calls `switch_on`; our processes do, before they compile.

JAX decides what is kept and under which key (the program, its options, the versions of JAX and XLA, the kind of
device). The files are ours, in place of JAX's own store, which keeps a torn file for ever, fails for good where one
of its files is gone, needs a lock file even to read, and says so on the standard error. Here a file that is not as
it was written, or is another user's, does not exist; what cannot be read or written costs time and nothing else.

    FOLDER/<hash of the key and the machine>.program    a checksum, then what JAX gave; changed when last used
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import math
import os
import platform
import stat
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from downslope.errors import InvalidInput

FOLDER_VARIABLE, LIMIT_VARIABLE = "DOWNSLOPE_CACHE_DIR", "DOWNSLOPE_CACHE_MAX_MB"
JAX_VARIABLE = "JAX_COMPILATION_CACHE_DIR"
_MEGABYTES = 100.0
_SUFFIX, _UNFINISHED = ".program", ".unfinished"
_CHECKSUM_BYTES = hashlib.sha256().digest_size


class CacheState(NamedTuple):
    """Where the programs are kept, and how much there is."""

    folder: Path | None
    """None where the user wants no cache, or has no folder for one."""
    max_bytes: int
    reason: str = ""
    """Why the cache is off; empty where it is on."""
    n_entries: int = 0
    n_bytes: int = 0

    @property
    def is_on(self) -> bool:
        """Whether our processes use it."""
        return not self.reason


def state() -> CacheState:
    """What the environment asks for and what is there, without creating anything; InvalidInput for a bad limit."""
    max_bytes = _max_bytes()
    if os.environ.get(JAX_VARIABLE):
        return CacheState(None, max_bytes, f"{JAX_VARIABLE} is set: JAX keeps its own cache there")
    folder, reason = _folder()
    if folder is None or max_bytes == 0:
        return CacheState(folder, max_bytes, reason or f"{LIMIT_VARIABLE} is 0")
    files = _files(folder)
    n_entries = sum(path.suffix == _SUFFIX for path, _, _ in files)
    return CacheState(folder, max_bytes, _why_unusable(folder), n_entries, sum(size for _, size, _ in files))


def switch_on() -> CacheState:
    """From now on, let JAX keep what it compiles in this process, and find what others kept."""
    now = state()
    if now.folder is None or not now.is_on:
        return now
    try:
        now.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        return now._replace(reason=f"{now.folder}: {error.strerror}")
    import jax
    from jax._src import compilation_cache  # JAX has no public way to bring a store

    if not hasattr(compilation_cache, "get_file_cache"):
        return now._replace(reason=f"JAX {jax.__version__} takes no store of ours")
    store = Store(now.folder, now.max_bytes)
    compilation_cache.get_file_cache = lambda path: (store, path)  # type: ignore[assignment, return-value]
    settings = {
        "jax_compilation_cache_dir": str(now.folder),
        "jax_persistent_cache_min_compile_time_secs": 0.0,
        "jax_persistent_cache_min_entry_size_bytes": -1,
        "jax_persistent_cache_enable_xla_caches": "none",  # they would write beside our files, and without limit
    }
    for name, value in settings.items():
        jax.config.update(name, value)  # type: ignore[no-untyped-call]
    return now


def clear() -> int:
    """Delete the programs, and nothing else that may be in the folder; returns how many there were."""
    folder, _ = _folder()
    if folder is None:
        return 0
    n = sum(_deleted(path) and path.suffix == _SUFFIX for path, _, _ in _files(folder))
    for empty in (folder, folder.parent):
        with contextlib.suppress(OSError):  # something else is in it
            empty.rmdir()
    return n


class Store:
    """What JAX asks for a program and gives one to. It never raises, and never warns."""

    def __init__(self, folder: Path, max_bytes: int):
        self._path, self._max_bytes = folder, max_bytes  # JAX's log reads `_path`

    def get(self, key: str) -> bytes | None:
        """What was put under that key, if it is whole and ours."""
        path = self._place(key)
        try:
            with path.open("rb") as file:
                content = file.read() if _is_ours(os.fstat(file.fileno())) else b""
        except OSError:
            return None
        value = content[_CHECKSUM_BYTES:]
        if content[:_CHECKSUM_BYTES] != hashlib.sha256(value).digest():
            _deleted(path)
            return None
        with contextlib.suppress(OSError):  # a folder that is read-only
            os.utime(path)
        return value

    def put(self, key: str, value: bytes) -> None:
        """Keep it, and let those go that were used longest ago; a reader sees a whole file or none."""
        if len(value) > self._max_bytes:
            return
        try:
            number, unfinished = tempfile.mkstemp(suffix=_UNFINISHED, dir=self._path)
        except OSError:
            return
        try:
            with os.fdopen(number, "wb") as file:
                file.write(hashlib.sha256(value).digest() + value)
            os.replace(unfinished, self._place(key))
        except OSError:
            _deleted(Path(unfinished))
        self._shrink()

    def _place(self, key: str) -> Path:
        return self._path / (hashlib.sha256(f"{_machine()} {key}".encode()).hexdigest() + _SUFFIX)

    def _shrink(self) -> None:
        files = sorted(_files(self._path), key=lambda file: file[2])
        too_much = sum(size for _, size, _ in files) - self._max_bytes
        for path, size, _ in files:
            if too_much <= 0:
                return
            too_much -= size * _deleted(path)


def _max_bytes() -> int:
    text = os.environ.get(LIMIT_VARIABLE, "").strip()
    try:
        megabytes = float(text) if text else _MEGABYTES
    except ValueError:
        megabytes = math.nan
    if not 0 <= megabytes < math.inf:
        raise InvalidInput(LIMIT_VARIABLE, "must be a number of megabytes, 0 or more", text)
    return int(megabytes * 1e6)


def _folder() -> tuple[Path | None, str]:
    """The folder, or None and why: a folder of our own even inside the one that the user names."""
    named = os.environ.get(FOLDER_VARIABLE)
    if named is not None and named.strip().lower() in ("", "off", "none"):
        return None, f"{FOLDER_VARIABLE} is {named.strip() or 'empty'}"
    try:
        return (_users_cache() if named is None else Path(named).expanduser().absolute()) / "downslope" / "jax", ""
    except (RuntimeError, OSError):  # neither $HOME nor an entry in the list of users; a working folder that is gone
        return None, f"there is no home folder; {FOLDER_VARIABLE} can name another"


def _users_cache() -> Path:
    """Where each platform wants files that may be deleted at any time."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    given = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return given if given.is_absolute() else Path.home() / ".cache"  # the XDG specification: ignore relative ones


def _why_unusable(folder: Path) -> str:
    """Empty where it can be used: whoever else can write there could make us run anything."""
    existing = next((path for path in (folder, *folder.parents) if os.path.lexists(path)), folder)
    try:
        facts = existing.stat()
    except OSError as error:
        return f"{existing}: {error.strerror}"
    if not stat.S_ISDIR(facts.st_mode):
        return f"{existing} is a file"
    if existing != folder:
        return "" if os.access(existing, os.W_OK) else f"{existing} cannot be written to"
    if not _is_ours(facts):
        return f"{folder} belongs to another user"
    if os.name == "posix" and facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return f"{folder} is open to other users"
    return ""


def _is_ours(facts: os.stat_result) -> bool:
    return os.name != "posix" or facts.st_uid == os.geteuid()


def _files(folder: Path) -> list[tuple[Path, int, float]]:
    """Our files there with their sizes and the times of their last use; those left half-written as well."""
    found: list[tuple[Path, int, float]] = []
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith((_SUFFIX, _UNFINISHED)):
                with contextlib.suppress(OSError):  # another process has just deleted it
                    facts = entry.stat(follow_symlinks=False)
                    found.append((Path(entry.path), facts.st_size, facts.st_mtime))
    return found


def _deleted(path: Path) -> bool:
    try:
        path.unlink()
    except OSError:
        return False
    return True


@functools.cache
def _machine() -> str:
    """The kind of processor: a home folder may be shared with machines that know other instructions."""
    words = [platform.machine(), os.environ.get("PROCESSOR_IDENTIFIER", "")]
    with contextlib.suppress(OSError), open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
        for line in file:
            if not line.strip():
                break  # the next processor is of the same kind
            if line.startswith(("model name", "flags", "Features", "CPU part")):
                words.append(line.partition(":")[2].strip())
    return " ".join(words)
