"""Who may talk to the laboratory: only the browser page of who started it.

Any page in the user's browser can send requests to 127.0.0.1, and any other user of the machine can connect to it. So

- the Host must be exactly ours, which refuses names that were made to point here (DNS rebinding);
- the Origin, which every WebSocket of a browser tells, must be exactly ours, which refuses other pages;
- a random token from the printed URL becomes a cookie that scripts cannot read and other sites do not send; without
  it nothing is served.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie

_SECURITY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "font-src 'self'; connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": _SECURITY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
"""Of every answer. Styles may be inline, since a shadow root brings its own; scripts may not, and nothing is eval'd."""


@dataclass(frozen=True)
class Guard:
    """What a request must bring."""

    port: int
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)

    @property
    def host(self) -> str:
        """The address, as browsers tell it in Host."""
        return "127.0.0.1" if self.port == 80 else f"127.0.0.1:{self.port}"

    @property
    def origin(self) -> str:
        """As browsers tell it in Origin."""
        return f"http://{self.host}"

    @property
    def url(self) -> str:
        """What is printed."""
        return f"{self.origin}/?token={self.token}"

    @property
    def cookie_name(self) -> str:
        """Cookies do not know ports: two laboratories must not overwrite each other's."""
        return f"downslope-{self.port}"

    @property
    def cookie(self) -> str:
        """The header that gives the cookie."""
        return f"{self.cookie_name}={self.token}; Path=/; HttpOnly; SameSite=Strict"

    def is_token(self, given: str | None) -> bool:
        """Whether it is the token; the time that takes tells nothing."""
        return given is not None and secrets.compare_digest(given.encode(errors="replace"), self.token.encode())

    def has_cookie(self, header: str | None) -> bool:
        """Whether a Cookie header holds the token."""
        jar = SimpleCookie()
        try:
            jar.load(header or "")
        except CookieError:
            return False
        return self.cookie_name in jar and self.is_token(jar[self.cookie_name].value)

    def why_not(self, headers: dict[str, list[str]], *, is_socket: bool) -> str:
        """Why a request is refused, cookie aside; empty where it may pass. `headers` has lower-case names."""
        if headers.get("host") != [self.host]:
            return "the Host is not this laboratory's"
        origins = headers.get("origin", [])
        if is_socket and origins != [self.origin]:
            return "the Origin is not this laboratory's"
        if not is_socket and origins not in ([], [self.origin]):
            return "the Origin is not this laboratory's"
        if headers.get("sec-fetch-site", ["none"])[0] not in ("none", "same-origin"):
            return "another site asks"
        return ""
