"""Reads the site that was built, without a network, and tells what a reader would stumble on.

    python docs/check_site.py docs/_build/html

Every picture has a text alternative, every frame a title, every link within the site ends at a page and a place that
exist, and no page needs anything of another site to be shown.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

OWN = "_static/laboratory"
"""Pages of the laboratory, which have tests of their own."""
FETCHED = {"script": "src", "img": "src", "iframe": "src", "video": "src", "source": "src", "link": "href"}
"""What a browser fetches by itself."""


class Page(HTMLParser):
    """What one page refers to, the places in it, and its pictures that say nothing."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.references: set[str] = set()
        self.fetched: set[str] = set()
        self.places: set[str] = set()
        self.silent: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Called for each element as it opens."""
        given = {name: value or "" for name, value in attrs}
        self.places |= {given[name] for name in ("id", "name") if name in given}
        for name in ("href", "src"):
            if name in given:
                self.references.add(given[name])
        if FETCHED.get(tag) in given:
            self.fetched.add(given[FETCHED[tag]])
        label = {"img": "alt", "iframe": "title", "video": "aria-label"}.get(tag)
        if tag == "svg" and given.get("role") == "img":
            label = "aria-label"
        if label and not given.get(label, "").strip() and given.get("aria-hidden") != "true":
            self.silent.append(f"<{tag}> {given.get('src', '')[:80]} has no {label}")


def complaints(site: Path) -> Iterator[str]:
    """One sentence for each fault."""
    pages = {
        path: Page(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html")) if is_read(path, site)
    }
    for path, page in pages.items():
        name = path.relative_to(site)
        yield from (f"{name}: {silent}" for silent in page.silent)
        yield from (f"{name}: fetches {url}" for url in sorted(page.fetched) if urlsplit(url).netloc)
        for reference in sorted(page.references):
            scheme, host, target, _, place = urlsplit(reference)
            if scheme or host:
                continue
            there = (path.parent / unquote(target)).resolve() if target else path
            if not there.is_file():
                yield f"{name}: {reference} does not exist"
            elif place and there in pages and unquote(place) not in pages[there].places:
                yield f"{name}: {reference} ends at no place of that page"


def is_read(path: Path, site: Path) -> bool:
    """Whether it is a page of the documentation itself."""
    return not path.relative_to(site).as_posix().startswith(OWN)


def main() -> int:
    """Print the faults; 1 where there is one."""
    site = Path(sys.argv[1]).resolve()
    found = list(complaints(site))
    print(*found, sep="\n", end="\n" if found else "")
    n = sum(is_read(path, site) for path in site.rglob("*.html"))
    print(f"{n} pages read: {len(found) or 'no'} fault{'' if len(found) == 1 else 's'}.")
    return int(bool(found) or n == 0)


if __name__ == "__main__":
    sys.exit(main())
