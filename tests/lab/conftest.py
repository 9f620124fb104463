"""What the laboratory's tests share: a laboratory, a page that stands in for the built one, and a server."""

import json
import urllib.error
import urllib.request

import pytest

from downslope.lab import page_files
from downslope.lab.laboratory import Laboratory
from downslope.lab.messages import unpacked

pytest.importorskip("starlette")


@pytest.fixture(scope="session")
def laboratory():
    return Laboratory()


@pytest.fixture(scope="session")
def page(tmp_path_factory):
    """A folder as Vite leaves one; what is in the files does not matter here."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "assets").mkdir()
    (folder / "index.html").write_text("<!doctype html><title>downslope</title>")
    (folder / "assets" / "main.js").write_text("export const it = 1;")
    (folder / "widget.js").write_text("export default { render() {} };")
    (folder / "standalone.js").write_text("const end = '</script>'; // and <!-- a comment")
    (folder / "secret.txt").write_text("not a part of a page")
    return folder


@pytest.fixture
def built(page, monkeypatch):
    """The page is built."""
    monkeypatch.setattr(page_files, "PAGE", page)
    return page


class Client:
    """A browser's part: it has opened the printed address, and talks over the socket."""

    def __init__(self, url):
        from websockets.sync.client import connect

        self.base, self.token = url.split("/?token=")
        self.cookie = cookie(url)
        self._connection = connect(
            self.base.replace("http", "ws") + "/socket",
            origin=self.base,
            additional_headers={"Cookie": self.cookie},
            compression=None,
            max_size=None,
        )
        self.socket = self._connection.__enter__()

    def send(self, message):
        self.socket.send(message if isinstance(message, str | bytes) else json.dumps(message))

    def hear(self, timeout=20):
        return unpacked(self.socket.recv(timeout))

    def call(self, method, params, identifier=1):
        self.send({"id": identifier, "method": method, "params": params})
        return self.hear()

    def close(self):
        self._connection.__exit__(None, None, None)


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def get(url, **headers):
    """Status, headers and body; redirects are not followed."""
    request = urllib.request.Request(url, headers={name.replace("_", "-"): value for name, value in headers.items()})
    try:
        with urllib.request.build_opener(_Stay).open(request, timeout=10) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


def cookie(url):
    return get(url)[1]["set-cookie"].split(";")[0]


@pytest.fixture(scope="session")
def url(laboratory, page):
    from downslope.lab.starting import serving

    with serving(laboratory, page=page) as address:
        yield address


@pytest.fixture
def client(url):
    one = Client(url)
    yield one
    one.close()
