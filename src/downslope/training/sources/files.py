"""Files that are read while others may replace them: which file it was, and which files a folder holds."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from downslope.errors import InvalidFile
from downslope.storage.atomic_file import check_path

KINDS = (".parquet", ".csv", ".npy")


@dataclass(frozen=True)
class Identity:
    """What tells a file from the one that takes its place, and from itself after it was written to."""

    path: Path
    device: int
    inode: int
    size: int
    modified: int
    """In nanoseconds."""

    @classmethod
    def of(cls, path: Path) -> Identity:
        """The identity of the file that has the name now; InvalidFile where there is none."""
        try:
            found = os.stat(path)
        except FileNotFoundError:
            raise InvalidFile(path, "does not exist", parameter="data") from None
        except OSError as error:
            raise InvalidFile(path, f"cannot be read: {error.strerror or error}", parameter="data") from error
        return cls(path, found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)

    def check(self) -> None:
        """InvalidFile unless the name still belongs to the same file, as it was."""
        now = Identity.of(self.path)
        if now == self:
            return
        changed = (
            "was replaced by another file"
            if (now.device, now.inode) != (self.device, self.inode)
            else "was cut short"
            if now.size < self.size
            else "was written to"
        )
        raise InvalidFile(self.path, f"{changed} while it was read", parameter="data")


def files_of(path: Path | str) -> list[Path]:
    """The files that a path stands for: itself, or those in the folder and the folders in it, by name.

    Names that begin with "." or "_" are left out, as elsewhere. InvalidFile where there are none, of more than one
    kind, or of a kind that cannot be read.
    """
    checked = check_path(path, "data")
    if not checked.is_dir():
        Identity.of(checked)
        if not checked.is_file():
            raise InvalidFile(checked, "is no regular file", parameter="data")
        _check_kind(checked)
        return [checked]
    found = []
    for folder, folders, names in os.walk(checked):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "_")))
        split = next((name for name in folders if "=" in name), None)
        if split is not None:
            rule = f"is split into folders such as {split!r}, whose column is in no file: write it as plain files"
            raise InvalidFile(checked, rule, parameter="data")
        found += [Path(folder, name) for name in names if not name.startswith((".", "_"))]
    found.sort(key=lambda file: file.relative_to(checked).parts)
    if not found:
        raise InvalidFile(checked, "is a folder without files", parameter="data")
    for file in found:
        _check_kind(file)
        if file.suffix.lower() != found[0].suffix.lower():
            rule = f"has files of several kinds: {found[0].name} and {file.name}"
            raise InvalidFile(checked, rule, parameter="data")
    return found


def _check_kind(path: Path) -> None:
    if path.suffix.lower() not in KINDS:
        raise InvalidFile(path, f"is of no kind that can be read: {', '.join(KINDS)}", parameter="data")
