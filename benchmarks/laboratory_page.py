"""How fast the laboratory's page is in headless Chromium, drawn in software, against the bounds that were set for it.

First paint and first surface; a rate-slider event, which must not ask for anything either; JavaScript a frame of the
roll, three.js and all; and from a click that places the marble to the new fan's first frame.
"""

import shutil
import statistics
import sys

from playwright.sync_api import Page, sync_playwright

from downslope.lab.laboratory import Laboratory
from downslope.lab.starting import serving

ROUNDS = 5
WATCH = """
window.spent = [];
const ask = window.requestAnimationFrame.bind(window);
window.requestAnimationFrame = (draw) => ask((now) => {
  const begin = performance.now();
  draw(now);
  spent.push(performance.now() - begin);
});
const prepend = Element.prototype.prepend;
Element.prototype.prepend = function (...nodes) {
  prepend.apply(this, nodes);
  if (this.className === 'hill-place') ask(() => ask(() => { window.surfaceAt = performance.now(); }));
};
"""
DRAG = """() => {
  const slider = document.querySelector('#laboratory').shadowRoot.querySelector('input.rate');
  return Array.from({ length: 256 }, (_, k) => {
    slider.value = k;
    const begin = performance.now();
    slider.dispatchEvent(new Event('input', { bubbles: true }));
    return performance.now() - begin;
  });
}"""
PLACE = """async (x) => {
  const root = document.querySelector('#laboratory').shadowRoot;
  const canvas = root.querySelector('.contour canvas');
  const begin = performance.now();
  const told = new Promise((resolve) => {
    const watch = new MutationObserver(() => { watch.disconnect(); resolve(performance.now() - begin); });
    watch.observe(root.querySelector('[data-readout=loss]'), { childList: true, characterData: true, subtree: true });
  });
  canvas.dispatchEvent(new PointerEvent('pointerdown', { clientX: canvas.getBoundingClientRect().x + x,
    clientY: canvas.getBoundingClientRect().y + 150, bubbles: true }));
  return told;
}"""


def settle(page: Page) -> None:
    page.wait_for_selector(".laboratory[aria-busy=false]", state="attached", timeout=60_000)


def told(name: str, values: list[float], bound: float) -> None:
    ordered = sorted(values)
    high = ordered[len(ordered) * 95 // 100]
    print(f"{name:42} median {statistics.median(values):8.2f} ms   95 % {high:8.2f} ms   bound {bound:g} ms")


def main() -> None:
    path = next(found for name in ("chromium", "google-chrome", "chrome") if (found := shutil.which(name)))
    flags = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
    paints, surfaces, events, frames, places = [], [], [], [], []
    with serving(Laboratory()) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        for attempt in range(ROUNDS + 1):
            context = browser.new_context(viewport={"width": 1400, "height": 1000})
            context.request.get(url)
            page = context.new_page()
            page.add_init_script(WATCH)
            page.goto(url.partition("?")[0] + "#f=himmelblau&a=0.005")
            settle(page)
            page.wait_for_timeout(500)
            surface = page.evaluate("surfaceAt")
            if attempt:  # the first one compiles
                paints.append(page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime"))
                surfaces.append(surface)
                page.evaluate("spent.length = 0")
                page.get_by_role("button", name="Roll", exact=True).click()
                page.wait_for_timeout(3000)
                frames += page.evaluate("spent")
                page.get_by_role("button", name="Reset", exact=True).click()
                events += page.evaluate(DRAG)
                for k in range(8):
                    places.append(page.evaluate(PLACE, 100 + 20 * k))
                    settle(page)
            context.close()
        browser.close()
    told("first paint", paints, 700)
    told("first surface", surfaces, 1500)
    told("slider event", events, 1)
    told("JavaScript a frame of the roll", frames, 2)
    told("a click to the new run's numbers", places, 60)


if __name__ == "__main__":
    sys.exit(main())
