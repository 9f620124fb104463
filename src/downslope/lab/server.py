"""The local page: files that were built, and a WebSocket at /socket. Starlette does the work, `guard` the refusing."""

from __future__ import annotations

import contextlib
import mimetypes
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from downslope.lab.conversation import Conversation, Workers
from downslope.lab.guard import HEADERS, Guard
from downslope.lab.laboratory import Laboratory
from downslope.lab.limits import LIMITS

_KINDS = {".html", ".js", ".css", ".svg", ".png", ".ico", ".woff2", ".json", ".webmanifest"}
_REFUSED, _TOO_BIG = 1008, 1009
MOST_PAGES = 64
"""Connections at once."""


def application(guard: Guard, laboratory: Laboratory, page: Path, *, seconds: float = LIMITS.seconds) -> ASGIApp:
    """The server as an ASGI application."""
    workers = Workers(laboratory, seconds=seconds)
    files = {f"/{path.relative_to(page).as_posix()}": path for path in page.rglob("*") if path.suffix in _KINDS}
    n_pages = 0

    async def serve(request: Request) -> Response:
        if guard.is_token(request.query_params.get("token")):
            return Response(status_code=303, headers={"location": "/", "set-cookie": guard.cookie})
        if not guard.has_cookie(request.headers.get("cookie")):
            return PlainTextResponse("Open the address that `downslope lab` printed: it holds the key.\n", 403)
        path = files.get("/index.html" if request.url.path == "/" else request.url.path)
        if path is None:
            return PlainTextResponse("There is nothing here.\n", 404)
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        return FileResponse(path, media_type="text/javascript" if path.suffix == ".js" else kind)

    async def converse(socket: WebSocket) -> None:
        nonlocal n_pages
        if not guard.has_cookie(socket.headers.get("cookie")) or n_pages >= MOST_PAGES:
            await socket.close(_REFUSED)
            return
        await socket.accept()
        conversation = Conversation(workers, socket.send_bytes)
        n_pages += 1
        try:
            while True:
                message = await socket.receive()
                if message["type"] == "websocket.disconnect":
                    break
                text = message.get("text")
                await conversation.hear(message.get("bytes") or b"" if text is None else text)
        except (WebSocketDisconnect, RuntimeError):
            pass  # it went away while it was being told something
        finally:
            n_pages -= 1
            await conversation.close()

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        workers.close()

    routes = [WebSocketRoute("/socket", converse), Route("/{path:path}", serve, methods=["GET", "HEAD"])]
    return _Guarded(Starlette(routes=routes, lifespan=lifespan), guard)


class _Guarded:
    """Refuses before anything else is done, and puts the headers on every answer, errors among them."""

    def __init__(self, app: ASGIApp, guard: Guard):
        self._app, self._guard = app, guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        is_socket = scope["type"] == "websocket"
        refused = self._guard.why_not(_headers(scope), is_socket=is_socket)

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
                others = [pair for pair in message.get("headers", []) if pair[0].decode().lower() not in HEADERS]
                message = {**message, "headers": [*others, *own]}
            await send(message)

        if refused and is_socket:
            await send({"type": "websocket.close", "code": _REFUSED})
        elif refused:
            await PlainTextResponse(f"Refused: {refused}.\n", 403)(scope, receive, with_headers)
        else:
            await self._app(scope, receive, with_headers)


def _headers(scope: Scope) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in scope.get("headers", []):
        found.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    return found


def settings() -> dict[str, Any]:
    """What uvicorn is told: local, quiet, without compression, and with messages no longer than ours."""
    return {
        "loop": "asyncio",
        "http": "h11",
        "ws": "websockets-sansio",
        "ws_max_size": LIMITS.message_bytes,
        "ws_per_message_deflate": False,
        "ws_max_queue": 32,
        "log_level": "warning",
        "access_log": False,
        "server_header": False,
        "date_header": False,
        "proxy_headers": False,
        "timeout_graceful_shutdown": 1,
        "h11_max_incomplete_event_size": 16_384,
    }
