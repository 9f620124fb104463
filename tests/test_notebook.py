"""A run in a notebook: all that matters of it, inline, and safe with any text in names."""

import html.parser
import re
import warnings

import numpy as np
import pytest

import downslope
from downslope.notebook import as_html, sparkline


class Shown(html.parser.HTMLParser):
    """The tags of a piece of HTML, properly closed, its attributes and its text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.attributes, self.text = [], [], [], ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes
        self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


ALLOWED = {"div", "b", "table", "tr", "th", "td", "ul", "li", "svg", "path", "circle", "small"}


def segments(svg):
    """The pieces of the line, each an array of points."""
    path = re.search(r'path d="([^"]*)"', svg).group(1)
    return [np.array([p.split() for p in piece.split("L")], dtype=float) for piece in path.split("M")[1:]]


def test_a_run_shows_its_end_its_reason_and_how_it_was_made():
    run = downslope.minimize("(x - 1)^2 + 3y^2", [3.0, 1.0], method="momentum", learning_rate=0.05)
    shown = Shown(run._repr_html_())
    for words in (
        "(x - 1)^2 + 3y^2 from (3, 1) by momentum (beta 0.9), learning rate 0.05",
        f"x = {run.x[0]:.6g}, y = {run.x[1]:.6g}",
        f"{run.loss:.6g}",
        "GRADIENT_SMALL: the gradient is within the tolerance",
        f"{run.n_steps} ({run.n_evaluations} evaluations",
        "compiled (exact, by automatic differentiation); compiled engine",
    ):
        assert words in shown.text
    assert set(shown.tags) <= ALLOWED


def test_notes_are_shown():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run = downslope.minimize("floor(x)", 1.5, learning_rate=0.1)
    assert run.notes
    assert all(note in Shown(as_html(run)).text for note in run.notes)


HOSTILE = '<script>alert("1")</script>&amp;\'"'


def test_no_name_can_become_a_tag_or_an_attribute():
    def loss(p):
        return np.sum((p[HOSTILE] - 1) ** 2)

    loss.__name__ = HOSTILE
    run = downslope.minimize(loss, {HOSTILE: np.zeros(3)}, learning_rate=0.1)
    shown = Shown(as_html(run))
    assert set(shown.tags) <= ALLOWED
    assert shown.text.count(HOSTILE) >= 4  # the title, and three variables
    names = {name for name, _ in shown.attributes}
    assert names <= {"class", "style", "role", "aria-label", "width", "height", "viewbox", "d", "cx", "cy", "r"} | {
        name for name in names if name.startswith(("fill", "stroke"))
    }
    assert not any("<script" in value for _, value in shown.attributes)


def test_it_needs_neither_a_light_nor_a_dark_page():
    text = as_html(downslope.minimize("x^2", 5.0, learning_rate=0.1))
    assert "http" not in text
    assert "background" not in text
    assert not re.search(r"(?<!-)color:", text)


def test_the_sparkline_falls_as_the_loss_does_on_a_log_scale_where_that_helps():
    run = downslope.minimize("x^2", 5.0, learning_rate=0.1)
    svg = sparkline(run.losses)
    assert "loss 25 to" in svg
    assert "log scale" in svg
    (line,) = segments(svg)
    assert len(line) == len(run.losses)
    assert np.all(np.diff(line[:, 0]) > 0)
    # A geometric fall is a straight line; heights have one decimal, so slopes are off by 0.1 at most.
    assert np.ptp(np.diff(line[:, 1])) <= 0.21
    assert np.all(np.diff(line[:, 1]) > 0)  # an SVG counts downwards


def test_losses_that_are_negative_or_alike_are_drawn_as_they_are():
    assert "log" not in sparkline(np.array([3.0, -1.0, -2.0]))
    assert "log" not in sparkline(np.array([100.0, 99.0]))
    (line,) = segments(sparkline(np.array([2.0, 2.0, 2.0])))
    assert line[:, 1].tolist() == [36.0, 36.0, 36.0]


@pytest.mark.parametrize(
    ("losses", "n_segments", "told"),
    [
        ([1.0, 2.0, np.nan, 3.0, 4.0, np.inf], 2, "2 values not finite"),
        ([np.nan, 5.0], 1, "1 value not finite"),
        ([1e308, -1e308, 1e308], 1, "loss 1e+308"),
        ([5e-324, 1e308], 1, "log scale"),
        ([7.0], 1, "loss 7 to 7"),
    ],
    ids=str,
)
def test_values_that_are_not_finite_are_left_out_and_counted(losses, n_segments, told):
    svg = sparkline(np.array(losses))
    lines = segments(svg)
    assert len(lines) == n_segments
    assert told in svg
    points = np.concatenate(lines)
    assert len(points) == np.isfinite(losses).sum()
    assert np.all((points >= 0) & (points <= [340, 72]))


def test_where_nothing_is_finite_there_is_nothing_to_draw():
    assert sparkline(np.array([np.nan, np.inf])) == ""


def test_a_long_run_stays_small_and_keeps_its_spikes():
    losses = np.ones(1_000_000)
    losses[123_456] = 9.0
    svg = sparkline(losses)
    assert len(svg) < 20_000
    (line,) = segments(svg)
    assert line[:, 1].min() == 5.0


def test_a_thousand_variables_are_not_all_told():
    run = downslope.minimize("sum(x^2)", np.ones(1000), learning_rate=0.1)
    shown = Shown(as_html(run)).text
    assert len(shown) < 1000
    assert ", ...)" in shown
