"""The check that `make docs` runs over the built site sees what a reader would stumble on."""

import subprocess
import sys
from pathlib import Path

import pytest

CHECK = Path(__file__).parents[2] / "docs" / "check_site.py"
GOOD = (
    '<h1 id="top">One</h1><img src="a.png" alt="A curve."><a href="two.html#there">two</a><a href="https://x.org">x</a>'
)


def checked(folder, page):
    (folder / "one.html").write_text(page)
    (folder / "two.html").write_text('<p id="there"></p><a href="one.html">back</a>')
    (folder / "a.png").write_bytes(b"")
    return subprocess.run([sys.executable, CHECK, folder], capture_output=True, text=True, check=False)


def test_a_site_without_faults_passes(tmp_path):
    done = checked(tmp_path, GOOD)
    assert (done.returncode, done.stdout) == (0, "2 pages read: no faults.\n")


@pytest.mark.parametrize(
    ("page", "told"),
    [
        (GOOD + '<img src="a.png">', "one.html: <img> a.png has no alt"),
        (GOOD + '<img src="a.png" alt=" ">', "one.html: <img> a.png has no alt"),
        (GOOD + '<iframe src="two.html"></iframe>', "one.html: <iframe> two.html has no title"),
        (GOOD + '<svg role="img"></svg>', "one.html: <svg>  has no aria-label"),
        (GOOD + '<a href="three.html">3</a>', "one.html: three.html does not exist"),
        (GOOD + '<a href="two.html#nowhere">2</a>', "one.html: two.html#nowhere ends at no place of that page"),
        (GOOD + '<a href="#below">b</a>', "one.html: #below ends at no place of that page"),
        (GOOD + '<script src="https://cdn.org/m.js"></script>', "one.html: fetches https://cdn.org/m.js"),
    ],
    ids=["no alt", "blank alt", "frame", "drawing", "page", "place", "own place", "another site"],
)
def test_a_fault_is_told_with_its_page(tmp_path, page, told):
    done = checked(tmp_path, page)
    assert done.returncode == 1
    assert done.stdout == f"{told}\n2 pages read: 1 fault.\n"


def test_a_folder_without_pages_is_no_site(tmp_path):
    done = subprocess.run([sys.executable, CHECK, tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 1
