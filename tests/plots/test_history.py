"""Losses, distances, gradients and rates against the steps."""

import numpy as np
import pytest

import downslope
from downslope import plots
from downslope.plots.history import draw_losses
from tests.plots.looking import has_line_through, holds, legend_texts, lines, rendered

pytestmark = pytest.mark.slow  # many pictures

DRAWN = {
    "losses": (plots.losses, lambda run: run.losses, "loss"),
    "gradients": (plots.gradients, lambda run: run.gradient_norms, "largest gradient component"),
    "distances": (plots.distances, lambda run: np.abs(run.path), "distance to the nearest minimum"),
    "rates": (plots.rates, lambda run: run.learning_rates[:-1], "learning rate"),
}


@pytest.mark.parametrize("what", DRAWN)
def test_what_is_drawn_is_the_record(what):
    draw, series, name = DRAWN[what]
    run = downslope.minimize("parabola", 5.0, learning_rate=0.1, max_steps=30)
    ax = rendered(draw(run))
    values = series(run)
    assert has_line_through(ax, np.column_stack([np.arange(len(values)), values]))
    assert holds(ax, np.column_stack([np.arange(len(values)), values]))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("step", name)
    assert legend_texts(ax) == [f"gradient descent: 30 steps, loss {run.loss:.3g}"]


@pytest.mark.parametrize(
    ("fun", "rate", "scale"),
    [("x^2", 0.1, "log"), ("x^2 + 1", 0.1, "linear"), ("x cos(x) + 9", 0.1, "linear"), ("x^2", 0.5, "linear")],
    ids=range(4),
)
def test_the_scale_is_logarithmic_where_that_helps(fun, rate, scale):
    run = downslope.minimize(fun, 4.5, learning_rate=rate)
    assert rendered(plots.losses(run)).get_yscale() == scale


def test_a_loss_of_exactly_zero_is_marked_on_a_logarithmic_scale():
    run = downslope.minimize("x^2", 5.0, learning_rate=0.1, max_steps=30)
    other = downslope.minimize("x^2", 5.0, learning_rate=0.5)
    ax = rendered(plots.losses([run, other]))
    assert ax.get_yscale() == "log"
    (mark,) = lines(ax, marker="v")
    assert mark.get_xdata().tolist() == [1]


def test_a_loss_that_is_not_finite_is_marked_and_told():
    run = downslope.minimize("log(x)", 5.0, learning_rate=1.2)
    ax = rendered(plots.losses(run))
    (mark,) = lines(ax, marker="X")
    assert mark.get_xydata().tolist() == [[run.n_steps - 1, run.loss]]
    assert legend_texts(ax)[0].endswith(f"\nnot finite at step {run.n_steps}")


def test_a_diverging_run_leaves_the_picture_at_a_mark_beside_one_that_does_not():
    good, bad = (downslope.minimize("x^2", 5.0, learning_rate=rate, max_steps=300) for rate in (0.1, 1.4))
    ax = rendered(plots.losses([good, bad]))
    assert ax.get_ylim()[1] < 1e6 < bad.losses.max()
    (mark,) = lines(ax, marker="^")
    assert mark.get_xdata()[0] == np.argmax(bad.losses > ax.get_ylim()[1])
    assert plots.losses(bad).get_ylim()[1] > bad.losses.max()  # alone, it is shown whole


def test_each_coordinate_s_rate_has_a_line_and_many_have_their_spread():
    two = downslope.minimize("x^2 + y^2", [1.0, 2.0], learning_rate=[0.1, 0.2], max_steps=5)
    assert [line.get_ydata()[0] for line in rendered(plots.rates(two)).lines] == [0.1, 0.2]
    many = downslope.minimize("sum(x^2)", np.ones(9), learning_rate=np.arange(1, 10) / 10, max_steps=5)
    assert [line.get_ydata()[0] for line in rendered(plots.rates(many)).lines] == [0.1, 0.5, 0.9]


def test_the_distance_is_to_the_nearest_of_several_minima():
    run = downslope.minimize("himmelblau", [-4.0, 4.0])
    minima = np.array([minimum.x for minimum in downslope.gallery.get("himmelblau").minima])
    nearest = np.min(np.linalg.norm(run.path[:, None] - minima, axis=2), axis=1)
    assert plots.distances(run).lines[0].get_ydata() == pytest.approx(nearest)


def test_without_a_known_minimum_there_is_no_distance():
    run = downslope.minimize("x^2", 5.0)
    with pytest.raises(downslope.InvalidInput, match="must be on a problem of the gallery"):
        plots.distances(run)
    assert [ax.get_ylabel() for ax in rendered(plots.history(run)).axes] == [
        "loss",
        "largest gradient component",
        "learning rate",
    ]


def test_a_film_s_frame_keeps_the_limits_of_the_whole_run():
    run = downslope.minimize("x^2", 5.0, learning_rate=0.1)
    ax = plots.losses(run)
    whole = ax.get_xlim(), ax.get_ylim()
    for artist in draw_losses(ax, run, 3):
        artist.remove()
    assert (ax.get_xlim(), ax.get_ylim()) == whole
    (line,) = ax.lines
    assert len(line.get_xdata()) == run.n_steps + 1


def test_a_loss_that_overflows_is_followed_until_the_scale_ends():
    run = downslope.minimize("x^2", 5.0, learning_rate=1.1, max_steps=2000, gradient_tolerance=None)
    ax = rendered(plots.losses(run))
    assert 1e230 < ax.get_ylim()[1] < 1e246
    assert np.nanmax(ax.lines[0].get_ydata()) > 1e229
    assert not [line for line in ax.lines if line.get_marker() == "X"], "the last drawn value is finite"
