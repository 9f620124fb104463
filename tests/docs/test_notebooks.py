"""The pages that are notebooks, taken along: marimo takes each, too.

In Jupyter's kernel `make docs` runs them: the same cells, in the same order.
"""

import subprocess
import sys

import nbformat
import pytest

from tests.docs.loading import DOCS, of_the_site

SECONDS = 300


notebooks = of_the_site("notebooks")
PAGES = [path for path in sorted(DOCS.rglob("*.md")) if "_build" not in path.parts and notebooks.is_notebook(path)]
EACH = pytest.mark.parametrize("page", PAGES, ids=[path.relative_to(DOCS).as_posix() for path in PAGES])


@EACH
def test_no_directive_and_no_lost_link_is_left_in_it(page):
    for cell in notebooks.notebook(page).cells:
        if cell.cell_type == "markdown":
            assert "```{" not in cell.source
            assert ":::{" not in cell.source
            assert ".md)" not in cell.source


def test_directives_become_what_a_notebook_shows(tmp_path):
    page = tmp_path / "page.md"
    (tmp_path / "other.md").write_text("---\nfile_format: mystnb\n---\n# Other")
    (tmp_path / "prose.md").write_text("# Prose")
    page.write_text(
        "---\nfile_format: mystnb\n---\n# One\n\n[two](other.md), [three](prose.md#there)\n\n"
        "```{laboratory} x**2\n:start: 5\n:learning-rate: 0.3\n:title: A marble\n```\n\n"
        "````{dropdown} Answer\n:open:\nIt is\n```python\nx = 1\n```\n````\n\n```{math}\nx^2\n```\n"
    )
    (cell,) = notebooks.notebook(page).cells
    assert cell.source.split("\n") == [
        *("# One", "", "[two](other.ipynb), three", ""),
        *("**In the laboratory: A marble.** A cell with this line opens it:", ""),
        *("```python", "downslope.lab('x**2', 5.0, learning_rate=0.3)", "```", ""),
        *("**Answer**", "", "It is", "```python", "x = 1", "```", ""),
        *("$$", "x^2", "$$"),
    ]


RUN = {"lessons/four-ways.md", "lessons/marble.md", "lessons/momentum.md", "reference/problems.md"}
"""The quick ones are run by marimo from top to bottom; of the others it tells whether it could, as all take minutes."""


@pytest.mark.slow
@EACH
def test_marimo_takes_it(page, tmp_path):
    nbformat.write(notebooks.notebook(page), tmp_path / "page.ipynb")
    commands = [
        ["-m", "marimo", "convert", "page.ipynb", "-o", "page.py"],
        ["-m", "marimo", "check", "--strict", "--select", "MB", "page.py"],  # names that two cells set, cycles
    ]
    if page.relative_to(DOCS).as_posix() in RUN:
        commands.append(["page.py"])
    for command in commands:
        done = subprocess.run(
            [sys.executable, *command], cwd=tmp_path, capture_output=True, text=True, timeout=SECONDS, check=False
        )
        assert done.returncode == 0, (done.stdout + done.stderr)[-2000:]
