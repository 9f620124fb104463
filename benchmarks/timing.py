"""Interleaved timing: every candidate once a round, so that a machine that slows down slows them all."""

from __future__ import annotations

import platform
import statistics
import time
from collections.abc import Callable, Mapping
from importlib import metadata
from typing import Any


def interleaved(candidates: Mapping[str, Callable[[], Any]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each candidate, one a round, after one round that is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in candidates}
    for counted in [False] + [True] * rounds:
        for name, run in candidates.items():
            began = time.perf_counter()
            run()
            if counted:
                seconds[name].append(time.perf_counter() - began)
    return seconds


def median_ratio(numerator: list[float], denominator: list[float]) -> float:
    """The median of the ratios round by round."""
    return statistics.median(a / b for a, b in zip(numerator, denominator, strict=True))


def print_table(seconds: Mapping[str, list[float]], unit: str = "ms", scale: float = 1e3) -> None:
    """Minimum, median and maximum of each candidate."""
    print(f"{'':34}{'min':>10}{'median':>10}{'max':>10}  {unit}")
    for name, values in seconds.items():
        low, middle, high = (scale * v for v in (min(values), statistics.median(values), max(values)))
        print(f"{name:34}{low:10.3f}{middle:10.3f}{high:10.3f}")


def print_machine(*packages: str) -> None:
    """What the numbers below were measured on."""
    versions = ", ".join(f"{package} {metadata.version(package)}" for package in packages)
    print(f"{platform.machine()}, Python {platform.python_version()}, {versions}")
