"""What the front page of the site shows is what the library answers."""

import doctest
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "index.md"


@pytest.mark.slow
def test_the_example_of_the_front_page_runs():
    text = PAGE.read_text().replace("```", "\n")  # a fence would be taken for output
    test = doctest.DocTestParser().get_doctest(text, {}, "index.md", str(PAGE), 0)
    assert len(test.examples) == 4
    assert doctest.DocTestRunner().run(test).failed == 0
