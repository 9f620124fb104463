"""The page in a real browser, before the real server. Where there is none these tests fail and say what to install.

Tests act through mouse and keyboard, read what is shown, and compare it with what the library computes by itself.
"""

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page

from downslope.lab.page_files import check_page
from tests.laboratory_page import steep
from tests.laboratory_page.a_command import shared

SCREENSHOTS = Path(__file__).parents[2] / "build" / "laboratory_page"
GATHER = 60_000
"""Milliseconds to wait for the page at most: the first compile of a function takes a second or two."""


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def address(tmp_path_factory):
    """Of the real command, which has a Python function of one's own, too."""
    check_page()
    folder = tmp_path_factory.getbasetemp()
    is_worker = "PYTEST_XDIST_WORKER" in os.environ
    with shared(folder.parent if is_worker else folder, f"{steep.__file__}:steep") as url:
        yield url


@pytest.fixture
def browser(browsers):
    """The page has to bear it where there is no WebGL, which saves most of a test's time."""
    return browsers(False)


class LabPage:
    """The page as a person has it: what is shown, and what can be pressed."""

    def __init__(self, page: Page, address: str):
        self.page, self.address = page, address
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.frames_sent: list[str] = []
        page.set_default_timeout(GATHER)
        page.on("console", lambda m: self.complaints.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("websocket", lambda socket: socket.on("framesent", lambda text: self.frames_sent.append(str(text))))

    def open(self, fragment: str = "") -> "LabPage":
        """The printed address once, for its cookie; then the page with what the fragment says."""
        assert self.page.context.request.get(self.address).ok
        self.page.goto(f"{self.address.partition('?')[0]}#{fragment}")
        self.settle()
        return self

    def settle(self) -> None:
        """Until no answer is being waited for, and what came is drawn: the table too is written in the next frame."""
        self.page.wait_for_selector(".laboratory[aria-busy=false]", state="attached")
        self.page.evaluate("new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn)))")

    def button(self, name: str, exact: bool = True) -> Locator:
        return self.page.get_by_role("button", name=name, exact=exact).first

    def tab(self, name: str) -> None:
        self.page.get_by_role("tab", name=name).click()
        self.settle()

    def text(self, selector: str) -> str:
        return self.page.locator(selector).first.inner_text()

    def readout(self, name: str) -> float:
        return number(self.text(f"[data-readout='{name}']"))

    def step(self) -> tuple[int, int]:
        now, _, last = self.text("[data-readout=step]").partition(" of ")
        return int(now), int(last)

    def type_rate(self, rate: float) -> None:
        field = self.page.get_by_label("learning rate, exact").first
        field.fill(repr(rate))
        field.press("Enter")
        self.settle()

    def rows(self) -> list[list[str]]:
        """The rows of the table that are in the document."""
        return self.page.locator(".table tbody tr").evaluate_all(
            "rows => rows.map(r => [...r.cells].map(c => c.innerText))"
        )

    def click_at(self, selector: str, across: float, down: float) -> None:
        """Click a place of a drawing, told as shares of its width and height."""
        box = self.page.locator(selector).bounding_box()
        self.page.mouse.click(box["x"] + across * box["width"], box["y"] + down * box["height"])
        self.settle()

    def scroll_to(self, selector: str) -> Locator:
        found = self.page.locator(selector).first
        found.scroll_into_view_if_needed()
        return found

    def screenshot(self, name: str) -> Path:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        path = SCREENSHOTS / f"{name}.png"
        self.page.screenshot(path=path, full_page=True)
        return path


def number(text: str) -> float:
    """A number as the page shows it, to at most six digits."""
    plain = re.sub("\N{MINUS SIGN}", "-", text).strip()
    return float(plain.replace("\N{INFINITY}", "inf"))


SHOWN = 1e-5
"""Relative: the page rounds to six digits for the eye."""


def new_page(browser: Browser, address: str, **options) -> LabPage:
    context = browser.new_context(**{"viewport": {"width": 1400, "height": 1000}, "accept_downloads": True} | options)
    return LabPage(context.new_page(), address)


@pytest.fixture
def lab(request, browsers, address):
    """A fresh page, with WebGL for the tests of the hill.

    Afterwards: no complaint on the console, and nothing asked of anyone but the laboratory.
    """
    hill = "hill" in request.node.name
    # Each pixel that is drawn in software costs.
    made = new_page(browsers(hill), address, **({"viewport": {"width": 1000, "height": 700}} if hill else {}))
    made.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    yield made
    home = address.partition("?")[0]
    outside = [url for url in made.requests if not url.startswith((home, "blob:", "data:", "file:"))]
    made.page.context.close()
    assert made.complaints == []
    assert outside == []
