"""What a run was made with: versions and machine, which decide on its last bits."""

from __future__ import annotations

import functools
import platform
import sys
from importlib import metadata
from pathlib import Path

import downslope

_ALWAYS = ("numpy", "scipy", "jax", "jaxlib")
_WHERE_USED = ("torch", "optax")
MACHINE = ("machine", "system", "processor")
"""The entries that are no versions."""


@functools.cache
def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "unknown"


def environment() -> dict[str, str]:
    """Versions and machine of this process, by name.

    >>> sorted(environment())[:4]
    ['downslope', 'jax', 'jaxlib', 'machine']
    """
    packages = (*_ALWAYS, *(package for package in _WHERE_USED if package in sys.modules))
    return {
        "downslope": downslope.__version__,
        "python": platform.python_version(),
        **{package: _version(package) for package in packages},
        "machine": platform.machine(),
        "system": platform.system(),
        "processor": _processor(),
    }


@functools.cache
def _processor() -> str:
    """The processor's model; JAX compiles for it, so that another one may round otherwise."""
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8", errors="replace") as lines:
            return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()
