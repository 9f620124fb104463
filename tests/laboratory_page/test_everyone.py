"""For everyone: the keyboard, screen readers, reduced motion, dark and light, phones; and what was looked at."""

import pytest

from tests.laboratory_page.conftest import new_page

VIEWS = {
    "line": "f=parabola&a=0.92",
    "hill": "f=himmelblau&s=0.5,-1.5&a=0.012",
    "many": "f=himmelblau&a=0.012&v=many",
    "race": "f=ravine&v=race",
    "decay": "f=notch&v=decay",
    "play": "f=parabola&v=play",
}
FOCUSED = (
    """({ activeElement: e }) => e && [e.ariaLabel || e.innerText || e.tagName, getComputedStyle(e).outlineStyle]"""
)
NAMELESS = """root => [...root.querySelectorAll('button, input, select, textarea, [tabindex]')]
    .filter(e => e.tabIndex >= 0 && e.offsetParent !== null)
    .filter(e => !(e.innerText || e.ariaLabel || e.title || (e.labels && e.labels.length)))
    .map(e => e.outerHTML.slice(0, 120))"""


def root(lab):
    return lab.page.evaluate_handle("document.querySelector('#laboratory').shadowRoot")


def test_the_keyboard_reaches_everything_in_sight_and_shows_where_it_is(lab):
    lab.open(VIEWS["hill"])
    reached, outlines = [], set()
    for _ in range(60):
        lab.page.keyboard.press("Tab")
        told = root(lab).evaluate(FOCUSED)
        if told is None:
            break
        reached.append(told[0])
        outlines.add(told[1])
    names = " ".join(reached)
    for name in (
        "Descend",
        "Share",
        "Formula",
        "Loss surface",
        "Contours",
        "Roll",
        "Step",
        "learning rate",
        "Download CSV",
    ):
        assert name in names
    assert outlines <= {"solid", "auto"}


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_has_names_fits_in_light_dark_and_on_a_phone_and_is_kept_to_be_looked_at(lab, view):
    lab.open(VIEWS[view])
    assert lab.page.evaluate(NAMELESS, root(lab)) == []
    assert lab.page.locator("canvas[tabindex]:not([role])").count() == 0
    if view == "many":
        lab.button("Drop 50").click()
        lab.settle()
    elif view == "race":
        lab.page.get_by_label("Step of the race").fill("40")
    elif view == "play":
        lab.page.locator(".choice").nth(1).click()
        lab.settle()
    else:
        lab.page.locator(".table tbody tr").nth(3).click()
    for name, width, scheme in (("light", 1400, "light"), ("dark", 1400, "dark"), ("phone", 375, "light")):
        lab.page.emulate_media(color_scheme=scheme)
        lab.page.set_viewport_size({"width": width, "height": 900})
        lab.page.wait_for_timeout(250)
        lab.screenshot(f"{view}-{name}")
        assert lab.page.evaluate("document.documentElement.scrollWidth") <= width
        ground = lab.page.locator(".laboratory").evaluate("e => getComputedStyle(e.getRootNode().host).backgroundColor")
        assert (ground == "rgb(20, 23, 28)") == (scheme == "dark")


def test_the_dark_button_overrules_the_system(lab):
    lab.open("f=parabola")
    ground = "e => getComputedStyle(e.getRootNode().host).backgroundColor"
    light = lab.page.locator(".laboratory").evaluate(ground)
    lab.button("Dark colours").click()
    assert lab.page.locator(".laboratory").evaluate(ground) != light
    assert lab.button("Dark colours").get_attribute("aria-pressed") == "true"


def test_reduced_motion_shows_whole_steps_only(browser, address):
    lab = new_page(browser, address, reduced_motion="reduce")
    lab.open("f=parabola&a=0.02")
    canvas = lab.page.locator(".curve canvas")
    lab.button("Roll").click()
    lab.page.wait_for_timeout(400)
    lab.button("Pause").click()
    row, _ = lab.step()
    still = canvas.screenshot()
    lab.page.locator(".table").focus()
    lab.page.keyboard.press("Home")
    for _ in range(row):
        lab.page.keyboard.press("ArrowDown")
    lab.page.wait_for_timeout(150)
    assert canvas.screenshot() == still
    lab.page.context.close()


def test_a_laboratory_that_is_gone_is_told_in_words(browser):
    from downslope.lab.laboratory import Laboratory
    from downslope.lab.starting import serving

    with serving(Laboratory()) as url:
        lab = new_page(browser, url)
        lab.open("f=parabola")
    lab.page.locator(".curve canvas").focus()
    lab.page.keyboard.press("ArrowLeft")
    lab.page.locator(".trouble", has_text="downslope lab").wait_for()
    lab.page.context.close()
