"""Checkpoints: a training run's state on the disk, whole or not at all.

    step-00000000000000001200.checkpoint        as checkpoint_file.py has it

A checkpoint is written to a file of another name, to the disk, and then renamed; the folder is written to the disk,
too, before `write` returns. So a crash, kill -9 or a power cut at any moment leaves every checkpoint that was
acknowledged.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from downslope.errors import InvalidFile
from downslope.storage.atomic_file import check_path, replacing
from downslope.training.checkpoint_file import Checkpoint, read, write_to

__all__ = ["Checkpoint", "CheckpointFolder", "checkpoints_in", "newest", "read", "write"]

KEPT = 2
"""How many checkpoints a folder keeps: the newest, and the one before."""
_NAME = re.compile(r"step-(\d{20})\.checkpoint")


class CheckpointFolder:
    """A folder that one run at a time writes its checkpoints to.

    Parameters
    ----------
    path
        The folder; made where there is none.

    Raises
    ------
    InvalidFile
        It cannot be made or written to, or another run is writing to it.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as path, CheckpointFolder(path) as folder:
    ...     _ = folder.write(120, {"x": np.arange(3.0)}, {"epoch": 2})
    ...     checkpoint = newest(path)
    >>> checkpoint.step, checkpoint.arrays, checkpoint.facts
    (120, {'x': array([0., 1., 2.])}, {'epoch': 2})
    """

    def __init__(self, path: Any, *, parameter: str = "checkpoint"):
        self.path, self.parameter = check_path(path, parameter), parameter
        self._lock: int | None = None
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            if os.name != "nt":  # Windows opens no folders, locks none and writes none to the disk
                self._lock = os.open(self.path, os.O_RDONLY)
        except FileExistsError:
            raise InvalidFile(self.path, "is a file, and must be a folder", parameter=parameter) from None
        except (OSError, ValueError) as error:
            rule = f"cannot be written: {getattr(error, 'strerror', None) or error}"
            raise InvalidFile(self.path, rule, parameter=parameter) from error
        try:
            if self._lock is not None:
                _lock(self._lock)
        except OSError:
            self.close()
            raise InvalidFile(self.path, "is being written to by another run", parameter=parameter) from None
        self._sweep()

    def write(self, step: int, arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any]) -> Path:
        """Write a checkpoint, and remove those before the one before it.

        When it returns the checkpoint is on the disk. InvalidFile where that cannot be: then the older ones are as they
        were. InvalidInput for an array of Python objects.
        """
        path = self.path / f"step-{step:020}.checkpoint"
        with replacing(path, self.parameter) as file:
            write_to(file, step, arrays, facts)
        self._to_disk(path)
        for _, old in checkpoints_in(self.path)[:-KEPT]:
            if old != path:
                with contextlib.suppress(OSError):
                    old.unlink()
        return path

    def close(self) -> None:
        """Let other runs write to it."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def __enter__(self) -> CheckpointFolder:
        """Itself."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close it."""
        self.close()

    def _sweep(self) -> None:
        """Remove what a run left that was killed while it wrote; nobody else writes now."""
        for left in self.path.glob(".downslope-*.tmp"):
            with contextlib.suppress(OSError):
                left.unlink()

    def _to_disk(self, path: Path) -> None:
        """The folder's list of names, without which a file may be there and not be found after a power cut."""
        if self._lock is None:
            return
        try:
            os.fsync(self._lock)
        except OSError as error:
            rule = f"cannot be written: {error.strerror or error}"
            raise InvalidFile(path, rule, parameter=self.parameter) from error


def write(path: Any, step: int, arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any]) -> Path:
    """Write one checkpoint to a folder: `CheckpointFolder(path).write(...)`."""
    with CheckpointFolder(path) as folder:
        return folder.write(step, arrays, facts)


def newest(path: Any, *, parameter: str = "checkpoint") -> Checkpoint | None:
    """The newest checkpoint in a folder; None where there is none.

    Raises InvalidFile where it is damaged, and tells of the one before if that is whole.
    """
    found = checkpoints_in(check_path(path, parameter))
    if not found:
        return None
    try:
        return read(found[-1][1], parameter=parameter)
    except InvalidFile as error:
        whole = next((older for older in reversed(found[:-1]) if _is_whole(older[1])), None)
        if whole is None:
            raise
        step, path = whole
        rule = f"{error.rule}; {path.name} is whole: remove the damaged file to go on from step {step}"
        raise InvalidFile(found[-1][1], rule, parameter=parameter) from None


def _is_whole(path: Path) -> bool:
    try:
        read(path)
    except InvalidFile:
        return False
    return True


def checkpoints_in(path: Path) -> list[tuple[int, Path]]:
    """The checkpoints in a folder and their steps, the oldest first."""
    try:
        names = os.listdir(path)
    except OSError:
        return []
    return sorted((int(match[1]), path / name) for name in names if (match := _NAME.fullmatch(name)))


def _lock(number: int) -> None:
    """A lock that ends with the process, however that ends; OSError where another process has it."""
    import fcntl  # which Windows does not have

    fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
