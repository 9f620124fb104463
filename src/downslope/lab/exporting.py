"""A page by itself: the built page's script and the answers to one setting's requests, in one file without network.

It works from a disk and tells what it cannot do. Answers are kept as the page would have got them, their arrays in
base64; a fan that is too big is made again with fewer rates.
"""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable
from typing import Any

import downslope
from downslope.errors import DownslopeError, InvalidInput
from downslope.lab import reading
from downslope.lab.files import safe_name
from downslope.lab.limits import LIMITS
from downslope.lab.messages import split
from downslope.lab.page_files import check_page, script
from downslope.lab.page_requests import Request, function_request, requests_of, whole
from downslope.lab.settings import Setting
from downslope.patience import ask

Answer = Callable[[str, dict[str, Any]], dict[str, Any]]
_NEVER = ("export", "save", "open")
_FEWEST_RATES = 16
_SECURITY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; font-src data:"
)


def export(chosen: Setting, params: dict[str, Any], answer: Answer) -> dict[str, Any]:
    """The page that opens with this setting; `answer` gives the answers to its requests."""
    check_page()
    title = reading.text("title", params.get("title", "Gradient descent"), LIMITS.title_characters)
    setting = whole(chosen, answer(*function_request(chosen))["ranges"])
    asked = requests_of(chosen, setting) if params.get("requests") is None else _requests(params["requests"])
    code = script("standalone.js")
    room = LIMITS.export_bytes - len(code.encode()) - 8_000
    entries: list[dict[str, Any] | None] = [None] * len(asked)
    # Fans come last, into the room that all others have left them.
    for k in sorted(range(len(asked)), key=lambda k: asked[k][0] == "fan"):
        ask()
        entries[k], size = _fitting(*asked[k], answer, room)
        room -= size
    baked = [entry for entry in entries if entry is not None]
    content = _page(title, code, setting, baked, _cannot(baked))
    return {
        "content": content,
        "name": safe_name(title, ".html"),
        "bytes": len(content.encode()),
        "left_out": [method for (method, _), entry in zip(asked, entries, strict=True) if entry is None],
    }


def _requests(given: Any) -> list[Request]:
    found = []
    for entry in reading.listed("requests", given, 1, LIMITS.baked):
        reading.only(reading.table("requests", entry), ("method", "params"), "a request to be baked")
        method = reading.text("method", entry.get("method"), 40)
        if method in _NEVER:
            raise InvalidInput("requests", "cannot hold the answer to this one", method)
        found.append((method, reading.table("params", entry.get("params", {}))))
    return found


def _fitting(method: str, params: dict[str, Any], answer: Answer, room: int) -> tuple[dict[str, Any] | None, int]:
    """The baked answer and its size; None where it does not fit, or there is none."""
    rates = params.get("n_rates", LIMITS.rates)
    asked = params
    while True:
        try:
            head, numbers = split(answer(method, asked))
        except DownslopeError:  # the page says so where it would ask
            return None, 0
        entry = {"method": method, "params": params, "head": head, "numbers": base64.b64encode(numbers).decode()}
        size = len(_as_json(entry).encode())
        if size <= room:
            return entry, size
        if method != "fan" or not isinstance(rates, int) or rates // 2 < _FEWEST_RATES:
            return None, 0
        rates //= 2
        asked = {**params, "n_rates": rates}


def _cannot(baked: list[dict[str, Any]]) -> list[str]:
    fans = [entry["head"]["status"] for entry in baked if entry["method"] == "fan"]
    told = [
        "This page is a copy without Python behind it: function, start and method are fixed to what was exported.",
        "Other functions, starts, methods and maps need `downslope lab`.",
    ]
    if fans:
        told.insert(1, f"The learning rate can be dragged through {len(fans[0])} values; others cannot be typed.")
    return told


def _page(title: str, code: str, setting: dict[str, Any], baked: list[dict[str, Any]], cannot: list[str]) -> str:
    data = {"title": title, "version": downslope.__version__, "setting": setting, "cannot": cannot, "answers": baked}
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_SECURITY}">\n'
        f"<title>{html.escape(title)}</title>\n</head>\n<body>\n"
        f"<noscript>{html.escape(' '.join(cannot))} It also needs scripts to be switched on.</noscript>\n"
        f'<script type="application/json" id="downslope-baked">{_as_json(data)}</script>\n'
        f'<script type="module">{_inside_html(code)}</script>\n</body>\n</html>\n'
    )


def _as_json(value: Any) -> str:
    """JSON that can stand inside a script element: nothing in it ends one."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def _inside_html(code: str) -> str:
    """A script that holds no end of a script element, nor what would hide one."""
    return code.replace("</script", "<\\/script").replace("</SCRIPT", "<\\/SCRIPT").replace("<!--", "<\\!--")
