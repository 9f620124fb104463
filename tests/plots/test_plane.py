"""Two variables from above and in three dimensions."""

import numpy as np
import pytest
from matplotlib.contour import QuadContourSet
from matplotlib.quiver import Quiver

import downslope
from downslope import plots
from downslope.methods import Momentum
from downslope.plots.plane import draw_contours, draw_paths
from downslope.plots.surface import draw_path
from downslope.plots.trail import MOST_ARROWS
from tests.plots.looking import has_line_through, holds, legend_texts, lines, rendered, way_outs, words_over_the_curves

REGION = ((-10, 10), (-4, 4))


@pytest.fixture(scope="module")
def bowl():
    return downslope.minimize("0.2*x1^2 + x2^2", [9.0, -3.0], learning_rate=0.8, max_steps=100, gradient_tolerance=None)


@pytest.fixture(scope="module")
def ravine():
    methods = ("gradient_descent", Momentum(0.85))
    return [
        downslope.minimize("ravine", [-4.5, 1.5], method=m, learning_rate=0.11, max_steps=120, gradient_tolerance=None)
        for m in methods
    ]


def contour_sets(ax):
    return [found for found in ax.collections if isinstance(found, QuadContourSet)]


def test_contours_have_thirty_even_levels_over_the_region():
    ax = rendered(plots.contours("0.2*x1^2 + x2^2", REGION))
    levels = contour_sets(ax)[0].levels
    assert len(levels) == 31
    assert np.diff(levels) == pytest.approx(np.diff(levels)[0])
    assert (ax.get_xlim(), ax.get_ylim()) == REGION
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("x1", "x2")


def test_in_a_long_flat_valley_the_levels_are_denser_below():
    levels = contour_sets(rendered(plots.contours("rosenbrock")))[0].levels
    assert levels[1] - levels[0] < (levels[-1] - levels[-2]) / 20


def test_the_colour_bar_tells_the_loss():
    figure = plots.contours("0.2*x1^2 + x2^2", REGION).figure
    bar = rendered(figure).axes[1]
    assert bar.get_ylabel() == "loss"
    assert bar.get_yticklabels()[0].get_text() == "0"
    assert bar.get_yticklabels()[-1].get_text() == "36"  # 0.2 * 10^2 + 4^2


def test_where_the_function_has_no_value_nothing_is_drawn():
    for fun in ("log(x) + y", lambda x, y: x / 0 * y, "0*x + 0*y"):
        rendered(plots.contours(fun))
        rendered(plots.surface(fun))


def test_a_path_goes_from_its_black_start_through_every_point(bowl):
    ax = rendered(plots.paths(bowl))
    assert has_line_through(ax, bowl.path)
    (start,) = lines(ax, 1, markerfacecolor="black")
    assert start.get_xydata().tolist() == [[9.0, -3.0]]
    assert holds(ax, bowl.path)
    assert ax.get_title() == "step 100, learning rate 0.8"
    assert legend_texts(ax) == ["gradient descent: 100 steps, loss 5.14e-33", "start"]


def test_a_step_shows_the_path_so_far(bowl):
    ax = rendered(plots.paths(bowl, step=3))
    assert has_line_through(ax, bowl.path[:4])
    assert ax.get_title() == "step 3, learning rate 0.8"
    assert legend_texts(ax)[0] == f"gradient descent: 3 steps, loss {bowl.losses[3]:.3g}"


def test_a_race_tells_the_methods_apart(ravine):
    ax = rendered(plots.paths(ravine))
    assert legend_texts(ax)[:2] == [
        "gradient descent: 120 steps, loss 0.0712",
        "momentum (beta 0.85): 120 steps, loss 3.7e-08",
    ]
    drawn = lines(ax, 121)
    assert [line.get_color() for line in drawn] == ["#0072B2", "#D55E00"]
    assert len(lines(ax, 1, markerfacecolor="black")) == 2
    assert words_over_the_curves(ax) == []


def test_labels_tell_what_differs_and_repeat_what_does_not():
    runs = [downslope.minimize("himmelblau", start, max_steps=5) for start in ([0, 0], [-4, 4], [-4, 4])]
    assert [text.partition(":")[0] for text in legend_texts(plots.paths(runs))[:3]] == [
        "gradient descent, from (0, 0)",
        "gradient descent, from (-4, 4)",
        "gradient descent, from (-4, 4) #2",
    ]
    assert legend_texts(plots.paths({"mine": runs[0]}))[0].startswith("mine: 5 steps")


def test_the_seventh_run_is_dashed_in_the_first_one_s_colour():
    runs = [downslope.minimize("himmelblau", [k, 0.0], max_steps=3) for k in range(7)]
    drawn = lines(rendered(plots.paths(runs)), 4)
    assert len({(line.get_color(), str(line.get_linestyle())) for line in drawn}) == 7
    assert drawn[0].get_color() == drawn[6].get_color()


def test_arrows_stand_apart_and_are_few():
    run = downslope.minimize("ravine", [-4.5, 1.5], learning_rate=0.249, max_steps=2000, gradient_tolerance=None)
    ax = rendered(plots.paths(run))
    (arrows,) = (found for found in ax.collections if isinstance(found, Quiver))
    assert 1 <= len(arrows.U) <= 40
    middles = ax.transData.transform(arrows.XY)
    assert np.min(np.hypot(*np.diff(middles, axis=0).T)) > 8  # pixels: a head's length


def test_a_run_that_diverges_is_cut_beside_one_that_does_not():
    good, bad = (
        downslope.minimize("bowl_2d", [9.0, -3.0], learning_rate=rate, max_steps=50, gradient_tolerance=None)
        for rate in (0.2, 1.3)
    )
    ax = rendered(plots.paths([good, bad]))
    assert holds(ax, good.path)
    assert not holds(ax, bad.path)
    first = int(np.argmin([holds(ax, point) for point in bad.path]))
    assert "leaves the picture" not in legend_texts(ax)[0]
    assert f"\nleaves the picture at step {first}" in legend_texts(ax)[1]
    assert len(way_outs(ax)) == 1


def test_a_path_of_ten_thousand_steps_is_one_line_with_few_arrows():
    run = downslope.minimize("rosenbrock", learning_rate=1e-3, max_steps=10_000, gradient_tolerance=None)
    region = ((-1.5, 1.5), (-0.5, 1.5))
    before = len(plots.contours("rosenbrock", region).get_children())
    ax = rendered(plots.paths(run, region))  # how long it takes: benchmarks/pictures.py
    assert len(lines(ax, 10_001)) == 1
    (arrows,) = (c for c in ax.collections if isinstance(c, Quiver))
    assert 1 <= len(arrows.U) <= MOST_ARROWS
    assert len(ax.get_children()) - before < 10


def test_a_film_can_take_the_paths_off_again(bowl):
    ax = plots.contours("bowl_2d", REGION)
    before = list(ax.get_children())
    for step in (0, 5, 100):
        for artist in draw_paths(ax, bowl, REGION, step):
            artist.remove()
        assert list(ax.get_children()) == before
    draw_contours(ax, None, REGION)
    assert (ax.get_xlim(), ax.get_ylim()) == REGION


@pytest.mark.slow
def test_a_surface_has_a_bar_and_a_path_on_it(bowl):
    ax = rendered(plots.surface(bowl, REGION))
    assert len(ax.figure.axes) == 2
    path = next(line for line in ax.lines if len(line.get_data_3d()[0]) == 101)
    assert np.array_equal(np.transpose(path.get_data_3d()), np.column_stack([bowl.path, bowl.losses]))
    assert ax.get_title() == "step 100, learning rate 0.8"
    x1, x2, loss = ax.collections[0]._faces.reshape(-1, 3).T  # the corners; matplotlib has no public name for them
    assert loss == pytest.approx(0.2 * x1**2 + x2**2)
    before = len(ax.lines)
    for artist in draw_path(ax, bowl, REGION, 5):
        artist.remove()
    assert len(ax.lines) == before


def test_a_surface_tells_where_a_run_leaves_it():
    run = downslope.minimize("bowl_2d", [9.0, -3.0], learning_rate=1.3, max_steps=50)
    ax = rendered(plots.surface(run))
    assert "leaves the picture at step" in ax.get_title()


def test_towers_are_left_out_of_a_surface_and_the_bar_says_so():
    ax = rendered(plots.surface("exp(3*x) + y^2"))
    assert ax.get_zlim()[1] < 0.1 * np.exp(15)
    assert ax.figure.axes[1]._colorbar.extend == "max"  # as matplotlib's own tests look it up


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda run: plots.contours("x"), "`fun` must have 2 variables"),
        (lambda run: plots.contours("x+y", levels=1), "`levels` must be a whole number from 2"),
        (lambda run: plots.contours("x+y", (0, 1)), "`region` must be"),
        (lambda run: plots.contours("x+y", 5), "`region` must be"),
        (lambda run: plots.paths(downslope.minimize("x^2", 5.0)), "`run` must have 2 variables"),
        (lambda run: plots.paths(run, step=-1), "`step` must be"),
        (lambda run: plots.surface("x+y", step=3), "`step` must be None for a function"),
        (lambda run: plots.surface(run, ax=plots.curve("x^2")), "`ax` must be three-dimensional"),
    ],
    ids=range(8),
)
def test_a_bad_input_is_named(call, message, bowl):
    with pytest.raises(downslope.InvalidInput, match=message):
        call(bowl)
