"""The page as a widget of notebooks, by anywidget: JupyterLab, marimo and their like."""

from __future__ import annotations

import time
from typing import Any

import anywidget

from downslope.lab.conversation import valid
from downslope.lab.laboratory import Laboratory, error_of
from downslope.lab.limits import LIMITS
from downslope.lab.messages import split
from downslope.lab.page_files import script
from downslope.patience import LostPatience


class LaboratoryWidget(anywidget.AnyWidget):
    """The laboratory in a cell. It answers in the kernel's own thread, one request after another."""

    def __init__(self, laboratory: Laboratory):
        self._laboratory = laboratory
        super().__init__(_esm=script("widget.js"))
        self.on_msg(self._hear)

    def _hear(self, _: Any, content: Any, buffers: Any) -> None:
        try:
            asked = valid(content)
        except ValueError as error:
            self.send({"id": None, "error": {"kind": "message", "message": str(error)}})
            return
        if "cancel" in asked:
            return  # what it asks to end has been answered by the time that this is heard
        head, numbers = answer(self._laboratory, asked)
        self.send(head, [numbers])


def answer(laboratory: Laboratory, asked: dict[str, Any], seconds: float = LIMITS.seconds) -> tuple[Any, bytes]:
    """The head and the arrays that answer a request; errors among them."""
    began = time.monotonic()

    def check() -> None:
        if time.monotonic() - began > seconds:
            raise LostPatience("too_long")

    told: dict[str, Any]
    try:
        told = {"result": laboratory.call(asked.get("method"), asked.get("params", {}), check)}
    except (Exception, LostPatience) as error:
        told = {"error": error_of(error)}
    return split({"id": asked["id"], **told})
