"""The laboratory: gradient descent in the browser. The page draws; every number on it comes from here.

    laboratory.py   one `call(method, params)` for every way in; knows nothing of sockets
    limits.py       how much a request may ask for
    functions.py, settings.py, reading.py    what is asked for, checked
    descents.py     many short descents with every step of each
    fan.py ...      the requests, one file each
    messages.py     answers in binary
    server.py       the local page, over a WebSocket
    widget.py       the same page in a notebook

docs/laboratory.md tells the messages and every request.

`downslope.lab` is this package, and it can be called: `downslope.lab(fun)` opens the laboratory.
"""

from __future__ import annotations

import sys
import types
from typing import Any


class _Callable(types.ModuleType):
    """The import of any module of a package puts the package in the place of a function of its name; so it is both."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        from downslope.lab.opening import lab

        return lab(*arguments, **options)


sys.modules[__name__].__class__ = _Callable
