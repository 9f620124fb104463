"""Docstrings written for a prompt become what reStructuredText means by them."""

from downslope import Momentum
from tests.docs.loading import of_the_site

docstrings = of_the_site("docstrings")


def mended(text, what="function", thing=None):
    lines = text.split("\n")
    docstrings.mend(None, what, "downslope.here", thing, None, lines)
    return lines


def test_an_indented_block_is_code():
    assert mended("The rule:\n\n    x <- x - a g\n\nand `a` is small.") == [
        *("The rule:", "", "::", "", "    x <- x - a g", "", "and ``a`` is small."),
    ]


def test_a_paragraph_at_the_margin_ends_the_parameters():
    assert mended("It.\n\nParameters\n----------\nx\n    A number.\n\nRaises nothing.")[-3:] == [
        "",
        "",
        "Raises nothing.",
    ]


def test_the_next_section_does_not():
    text = "It.\n\nParameters\n----------\nx\n    A number.\n\nRaises\n------\nInvalidInput\n    Always."
    assert mended(text) == text.split("\n")


def test_an_example_stays_as_it_is():
    text = ">>> f('`x`')\n'|`x`|'"
    assert mended(text) == text.split("\n")


def test_a_public_name_is_a_link_to_where_its_entry_is():
    assert mended("As `Run` and `Cosine`, unlike `here`.") == [
        "As :py:obj:`Run <downslope.Run>` and :py:obj:`Cosine <downslope.learning_rates.Cosine>`, unlike ``here``."
    ]


def test_the_first_line_of_an_attribute_is_no_type():
    assert mended("Two of them: a and b.", "attribute") == ["..", "", "Two of them: a and b."]


def test_coefficients_come_before_the_example_with_their_intervals():
    assert mended("Heavy ball.\n\n>>> 1\n1", "class", Momentum) == [
        *("Heavy ball.", "", "Parameters", "----------", "beta"),
        *("    The share of the velocity that is kept; in [0, 1).", "", "", ">>> 1", "1"),
    ]
