"""A progress bar on the standard error, by rich; for runs that take long enough to be watched."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

SECONDS_BEFORE = 0.5
"""A run that is over by then draws nothing, and does not load rich."""


@contextmanager
def progress_bar(total: int | None, *, with_loss: bool = True, of: str = "") -> Iterator[Callable[[int, float], None]]:
    """Yields update(n_steps, loss); draws nothing where `total` is None.

    `of` names what is counted, such as "runs", where the bar is to tell how many there are a second.
    """
    began, drawn = time.perf_counter(), None

    def update(n: int, loss: float) -> None:
        nonlocal drawn
        if drawn is None and time.perf_counter() - began > SECONDS_BEFORE:
            bar = stack.enter_context(_bar(with_loss, of))
            drawn = bar, bar.add_task("", total=total, loss=float("nan"), pace=0.0)
        if drawn is not None:
            bar, task = drawn
            bar.update(task, completed=n, loss=loss, pace=n / (time.perf_counter() - began))

    with ExitStack() as stack:
        yield (lambda n, loss: None) if total is None else update


def _bar(with_loss: bool, of: str) -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        *([TextColumn("loss {task.fields[loss]:.6g}")] if with_loss else []),
        *([TextColumn(f"{{task.fields[pace]:,.0f}} {of}/s")] if of else []),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=Console(stderr=True), transient=True)
