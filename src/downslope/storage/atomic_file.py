"""Files that are replaced as a whole or not at all.

What is written goes to a new file beside the old one, to the disk, and only then takes its name: a full disk,
Ctrl-C or a crash leaves the old file as it was.
"""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from downslope.errors import InvalidFile


def check_path(path: Any, parameter: str = "path") -> Path:
    """`path` as a Path; InvalidFile where it is none."""
    try:
        return Path(os.fsdecode(path))
    except TypeError:
        raise InvalidFile(repr(path), "must be a path", parameter=parameter) from None


def check_writable(path: Any, parameter: str = "path") -> Path:
    """`path` as a Path; InvalidFile where no file can be put there."""
    checked = check_path(path, parameter)
    try:
        folder = Path(os.path.realpath(checked)).parent
        rule = (
            "is a folder, and must be a file"
            if checked.is_dir()
            else "is no regular file"
            if checked.exists() and not checked.is_file()
            else f"cannot be written: there is no folder {folder}"
            if not folder.is_dir()
            else f"cannot be written: the folder {folder} is not writable"
            if not os.access(folder, os.W_OK | os.X_OK)
            else ""
        )
    except (OSError, ValueError) as error:  # a name too long, a zero byte
        rule = f"cannot be written: {getattr(error, 'strerror', None) or error}"
    if rule:
        raise InvalidFile(checked, rule, parameter=parameter)
    with _beside(checked, parameter):  # some folders say that they are writable, and are not
        pass
    return checked


@contextmanager
def replacing(path: Path, parameter: str = "path") -> Iterator[BinaryIO]:
    """A file to write to (and read back), which takes the place of `path` when the block ends without an error."""
    with _beside(path, parameter) as (file, beside, target):
        yield file
        file.flush()
        os.fsync(file.fileno())
        os.replace(beside, target)


@contextmanager
def _beside(path: Path, parameter: str = "path") -> Iterator[tuple[BinaryIO, Path, Path]]:
    """A new file in the folder of `path`, gone when the block ends unless it was renamed."""
    target = Path(os.path.realpath(path))  # what a link points to is replaced, and not the link
    beside = target.with_name(f".downslope-{uuid.uuid4().hex}.tmp")
    try:
        with open(beside, "x+b") as file:
            yield file, beside, target
    except OSError as error:
        raise InvalidFile(path, f"cannot be written: {error.strerror or error}", parameter=parameter) from error
    finally:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
