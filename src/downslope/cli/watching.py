"""Following a training in the browser while the command goes on."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from downslope.lab.watching import Watched


@contextlib.contextmanager
def watching(title: str, is_wanted: bool) -> Iterator[Watched | None]:
    """A page that shows what it is told, for as long as the context lasts; None where none is wanted."""
    if not is_wanted:
        yield None
        return
    from downslope.lab import starting
    from downslope.lab.laboratory import Laboratory
    from downslope.lab.watching import Watched

    watched = Watched(title)
    with starting.serving(Laboratory(training=watched)) as url:
        print(f"Follow it at {url}", file=sys.stderr, flush=True)
        starting.open_browser(url)
        yield watched


def wait_for_the_end() -> None:
    """Keep the page until Ctrl-C."""
    print("The page stays until Ctrl-C.", file=sys.stderr, flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        threading.Event().wait()
