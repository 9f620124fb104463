"""One variable: what curves, tangents and descents show."""

import numpy as np
import pytest
from matplotlib.quiver import Quiver

import downslope
from downslope import plots
from downslope.plots.line import draw_curve, draw_descent, draw_tangent
from tests.plots.looking import has_line_through, holds, lines, rendered, way_outs, words_over_the_curves


def shifted(rate, steps=10):
    return downslope.minimize("x^2 - 4x + 5", -1.0, learning_rate=rate, max_steps=steps, gradient_tolerance=None)


@pytest.mark.parametrize("fun", ["x^2 - 4x + 5", "shifted_parabola", lambda x: x**2 - 4 * x + 5, lambda x: x[0] ** 2])
def test_a_curve_goes_through_the_values_of_its_function(fun):
    ax = rendered(plots.curve(fun, (-2, 6)))
    (curve,) = ax.lines
    x, y = curve.get_data()
    values = downslope.Objective(fun).values(x[:, None])
    # One block of a thousand points is the same compiled program.
    assert y == pytest.approx(values, rel=1e-12)
    assert (x[0], x[-1]) == ax.get_xlim() == (-2, 6)
    assert ax.get_xlabel() == "x"
    assert ax.get_ylabel() == "loss"


def test_a_problem_is_shown_on_its_own_domain_and_with_its_own_name():
    ax = plots.curve("dart")
    assert ax.get_xlim() == downslope.gallery.get("dart").domain[0]
    assert ax.get_xlabel() == "t"


def test_a_curve_has_gaps_where_there_is_no_number():
    x, y = plots.curve("log(x)", (-1, 1)).lines[0].get_data()
    assert np.all(np.isnan(y[x < 0]))
    assert np.all(np.isfinite(y[x > 0]))


def test_no_line_joins_the_two_sides_of_a_pole():
    ax = plots.curve("1/x", (-5, 5))
    x, y = ax.lines[0].get_data()
    assert np.isnan(y[np.searchsorted(x, 0)])
    assert ax.get_ylim()[1] < 20  # without the cap it would be 200, and the curve a line


def test_a_narrow_well_is_not_cut_off():
    ax = plots.curve("-exp(-10*(x - 1)^2)", (-50, 50))
    assert ax.get_ylim()[0] < ax.lines[0].get_ydata().min() < -0.1


@pytest.mark.parametrize(("x", "slope"), [(-1, -6), (0, -4), (2, 0), (5, 6)])
def test_a_tangent_touches_the_curve_with_its_slope(x, slope):
    ax = rendered(plots.tangent("x^2 - 4x + 5", x, (-1, 5)))
    assert ax.get_title() == f"gradient at x = {x}: {slope}"
    (tangent,) = lines(ax, linestyle="--")
    (x0, x1), (y0, y1) = tangent.get_data()
    assert (y1 - y0) / (x1 - x0) == pytest.approx(slope, abs=1e-12)
    assert y0 + slope * (x - x0) == pytest.approx(x**2 - 4 * x + 5)
    assert has_line_through(ax, [[x, x**2 - 4 * x + 5]])


@pytest.mark.parametrize("x", [-1.0, 0.0])
def test_where_there_is_no_gradient_the_title_says_so(x):
    assert rendered(plots.tangent("log(x)", x, (-2, 2))).get_title() == f"no gradient at x = {x:.0f}"


@pytest.mark.parametrize("step", [None, 0, 1, 4, 10])
def test_a_descent_shows_its_points_up_to_the_step(step):
    run = shifted(0.2)
    ax = rendered(plots.descent(run, step=step))
    shown = 11 if step is None else step + 1
    assert has_line_through(ax, np.column_stack([run.path, run.losses])[:shown])
    assert ax.get_title() == f"step {10 if step is None else step}, learning rate 0.2"
    assert holds(ax, np.column_stack([run.path, run.losses]))


def test_a_descent_starts_black_and_has_arrows_along_its_steps():
    ax = rendered(plots.descent(shifted(0.8)))
    (start,) = lines(ax, 1, markerfacecolor="black")
    assert start.get_xydata().tolist() == [[-1.0, 10.0]]
    (arrows,) = (found for found in ax.collections if isinstance(found, Quiver))
    assert np.sign(arrows.U[:2]).tolist() == [1, -1]  # to the right, and back over the valley


def test_several_rates_share_one_frame():
    figure = rendered(plots.descents([shifted(rate) for rate in (0.2, 0.02, 0.8, 1.01)]))
    assert [ax.get_title() for ax in figure.axes] == [
        f"step 10, learning rate {rate}" for rate in (0.2, 0.02, 0.8, 1.01)
    ]
    assert len({(ax.get_xlim(), ax.get_ylim()) for ax in figure.axes}) == 1
    assert figure.axes[0].get_gridspec().get_geometry() == (2, 2)


def test_labels_of_one_s_own_stand_before_the_step():
    figure = plots.descents({"timid": shifted(0.02), "bold": shifted(0.8)})
    assert [ax.get_title() for ax in figure.axes] == [
        "timid: step 10, learning rate 0.02",
        "bold: step 10, learning rate 0.8",
    ]


def test_a_run_that_slowly_diverges_is_shown_whole():
    run = shifted(1.01)
    ax = rendered(plots.descent(run))
    assert holds(ax, np.column_stack([run.path, run.losses]))
    assert not way_outs(ax)


def test_a_run_that_runs_away_is_cut_with_a_mark_and_words():
    run = downslope.minimize("x^2", 5.0, learning_rate=1.1, max_steps=40)
    ax = rendered(plots.descent(run))
    low, high = ax.get_xlim()
    first = int(np.flatnonzero((run.path < low) | (run.path > high))[0])
    assert ax.get_title() == f"step 40, learning rate 1.1\nleaves the picture at step {first}"
    assert first > 10  # enough of it is seen
    assert len(way_outs(ax)) == 1
    assert "leaves" not in plots.descent(run, step=first - 1).get_title()


def test_a_path_that_an_interval_cuts_is_marked_too():
    run = shifted(0.8)
    ax = rendered(plots.descent(run, interval=(-2, 2)))
    assert ax.get_title().endswith("leaves the picture for a while at step 1")
    assert len(way_outs(ax)) == 1


def test_a_loss_that_is_no_number_is_told():
    run = downslope.minimize("log(x)", 5.0, learning_rate=1.2)
    ax = rendered(plots.descent(run))
    assert ax.get_title().endswith(f"the loss is not finite at step {run.n_steps}")
    assert lines(ax, 1, marker="X")


def test_titles_stay_off_the_curve():
    ax = rendered(plots.descent(downslope.minimize("x^2", 5.0, learning_rate=1.1, max_steps=40)))
    assert words_over_the_curves(ax) == []


def test_a_film_can_take_the_foreground_off_again():
    run = shifted(0.2)
    ax = plots.curve("x^2 - 4x + 5", (-2, 6))
    before = (list(ax.get_children()), ax.get_xlim(), ax.get_ylim())
    for draw in (lambda: draw_descent(ax, run, 3), lambda: draw_tangent(ax, downslope.Objective("x^2"), 1.0)):
        for artist in draw():
            artist.remove()
        assert (list(ax.get_children()), ax.get_xlim(), ax.get_ylim()) == before


def test_axes_of_one_s_own_are_drawn_on():
    theirs = plots.curve("x^2")
    assert plots.descent(shifted(0.2), ax=theirs) is theirs
    draw_curve(theirs, None, (0, 1))  # no function: a frame alone
    assert theirs.get_xlim() == (0, 1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plots.curve("x + y"), "`fun` must have one variable for this picture; got 'x \\+ y'"),
        (lambda: plots.curve(lambda x, y: x + y), "`fun` must have one variable"),
        (lambda: plots.curve("x^2", (1, 1)), "`interval` must be \\(low, high\\)"),
        (lambda: plots.curve("x^2", 3), "`interval` must be"),
        (lambda: plots.curve("x^2", (0, np.inf)), "`interval` must be"),
        (lambda: plots.curve("x^2", ("a", "b")), "`interval` must be"),
        (lambda: plots.tangent("x^2", np.nan), "`x` must be a finite number; got nan"),
        (lambda: plots.tangent("x^2", "left"), "`x` must be a finite number"),
        (lambda: plots.descent(shifted(0.2), step=11), "`step` must be a whole number from 0 to 10, or None"),
        (lambda: plots.descent(shifted(0.2), step=1.5), "`step` must be a whole number"),
        (lambda: plots.descent("x^2"), "`run` must be a Run; got 'x\\^2'"),
        (lambda: plots.descent(downslope.minimize("bowl_2d")), "`run` must have one variable"),
        (lambda: plots.descents([]), "`runs` must hold at least one Run"),
        (lambda: plots.descents([shifted(0.2), 3]), "`runs` must be a Run, a list of them, or a dict"),
        (lambda: plots.descents(3), "`runs` must be a Run, a list of them, or a dict"),
    ],
    ids=range(15),
)
def test_a_bad_input_is_named(call, message):
    with pytest.raises(downslope.InvalidInput, match=message):
        call()
