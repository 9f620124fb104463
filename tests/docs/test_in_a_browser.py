"""The site in a real browser: it is found, read on a telephone and in the dark, and asks no other site for anything.

Screenshots are left in build/docs/, to be looked at.
"""

import contextlib
from pathlib import Path

import pytest

from tests.docs.conftest import SITE

pytestmark = pytest.mark.slow

SCREENSHOTS = Path(__file__).parents[2] / "build" / "docs"
DESK, PHONE = (1280, 900), (390, 844)
SOME = ("index", "lessons/marble", "guides/method", "reference/minimizing", "reference/command-line", "gallery/index")
CONTRAST = 4.5
"""The least ratio of luminances for text, by WCAG 2.2, level AA."""
COLOURS = """() => {
  const rgb = (text) => text.match(/[\\d.]+/g).slice(0, 3).map(Number);
  const behind = (e) => {
    const colour = getComputedStyle(e).backgroundColor;
    return colour === "rgba(0, 0, 0, 0)" && e.parentElement ? behind(e.parentElement) : rgb(colour);
  };
  return [...document.querySelectorAll("article :is(p, h1, h2, li, td, pre)")]
    .filter((e) => e.checkVisibility() && e.textContent.trim())
    .map((e) => [rgb(getComputedStyle(e).color), behind(e)]);
}"""


@contextlib.contextmanager
def reader(browsers, size, scheme="light", hill=False):
    """A page, and what it asked for of others than this machine."""
    context = browsers(hill).new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
    page, strange = context.new_page(), []
    page.on("request", lambda request: strange.append(request.url) if "127.0.0.1" not in request.url else None)
    page.on("pageerror", lambda error: strange.append(str(error)))
    page.set_default_timeout(60_000)
    yield page
    context.close()
    assert [url for url in strange if not url.startswith(("data:", "blob:"))] == []


def screenshot(page, name):
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name.replace('/', '-')}.png")


def luminance(colour):
    """Relative, of an sRGB colour, by WCAG 2.2."""
    linear = [v / 12.92 if (v := c / 255) <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for c in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(
    ("words", "found"),
    [("zigzag", "lessons/surfaces.html"), ("learning_rate_range", "reference/explaining.html"),
     ("backtracking", "reference/learning-rates.html")],
)  # fmt: skip
def test_search_finds(browsers, address, words, found):
    with reader(browsers, DESK) as page:
        page.goto(f"{address}/index.html")
        page.get_by_placeholder("Search").first.fill(words)
        page.keyboard.press("Enter")
        page.locator(f"#search-results a[href*='{found}']").first.wait_for()


def test_no_page_is_wider_than_a_telephone(browsers, address):
    wide = {}
    with reader(browsers, PHONE) as page:
        for path in sorted(SITE.rglob("*.html")):
            name = path.relative_to(SITE).as_posix()
            if not name.startswith("_static"):
                page.goto(f"{address}/{name}", wait_until="domcontentloaded")
                width = page.evaluate("document.documentElement.scrollWidth")
                if width > PHONE[0]:
                    wide[name] = width
    assert wide == {}


@pytest.mark.parametrize("name", SOME)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read(browsers, address, name, scheme):
    with reader(browsers, PHONE if scheme == "dark" else DESK, scheme) as page:
        page.goto(f"{address}/{name}.html")
        colours = page.evaluate(COLOURS)
        assert len(colours) > 5
        assert min(contrast(text, behind) for text, behind in colours) >= CONTRAST
        behind = luminance(colours[0][1])
        assert behind < 0.05 if scheme == "dark" else behind > 0.9
        screenshot(page, f"{name}-{scheme}")


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_a_laboratory_in_a_lesson_is_the_one_that_it_says(browsers, address, size):
    with reader(browsers, size, "dark") as page:
        page.goto(f"{address}/lessons/marble.html")
        frame = page.locator(".laboratory iframe")
        frame.scroll_into_view_if_needed()
        inside = page.frame_locator(".laboratory iframe")
        inside.locator(".table tbody tr").first.wait_for(state="attached")
        assert inside.locator(".trouble").text_content() == ""
        assert inside.get_by_label("learning rate, exact").first.input_value() != ""
        assert frame.bounding_box()["width"] <= size[0]
        screenshot(page, f"laboratory-{size[0]}")
