"""Films show what they are said to: their frames, step by step, and no frame that jumps."""

import numpy as np
import pytest

import downslope
from downslope import plots
from downslope.cli import completing
from downslope.plots import films
from downslope.plots.moving_picture import MOST_FRAMES, Film, thinned

pytestmark = pytest.mark.slow  # many pictures


@pytest.fixture(scope="module")
def bowl():
    return downslope.minimize("0.2*x1^2 + x2^2", [9.0, -3.0], learning_rate=0.8, max_steps=30, gradient_tolerance=None)


@pytest.fixture(scope="module")
def line():
    return downslope.minimize("x^2 - 4x + 5", -1.0, learning_rate=0.2, max_steps=10, gradient_tolerance=None)


@pytest.fixture(scope="module")
def racers():
    rates = {"gradient_descent": 0.11, "momentum": 0.05}
    return [downslope.minimize("ravine", method=m, learning_rate=a, max_steps=500) for m, a in rates.items()]


def test_the_tangent_film_has_a_frame_a_point_and_frame_2_says_x_0_gradient_minus_4():
    film = plots.tangent_film("x^2 - 4x + 5", np.arange(-1, 5.5, 0.5))
    assert len(film) == 13
    titles = [film.frame(k).axes[0].get_title() for k in range(13)]
    assert titles[2] == "gradient at x = 0: -4"
    assert titles[6] == "gradient at x = 2: 0"
    # Each frame is drawn in the same world.
    assert {film.frame(k).axes[0].get_xlim() + film.frame(k).axes[0].get_ylim() for k in (0, 6, 12)} == {
        film.frame(2).axes[0].get_xlim() + film.frame(2).axes[0].get_ylim()
    }


def longest_line(ax):
    """The points of the line with most of them: the path."""
    return max((line.get_xydata() for line in ax.lines if line.get_marker() == "o"), key=len)


def test_a_frame_shows_the_path_up_to_its_step_and_no_farther(bowl):
    film = bowl.animate()
    assert film.frames == tuple(range(31))
    for step in (0, 1, 7, 30):
        ax = film.frame(step).axes[0]
        # Points are drawn relative to the frame's centre: a few roundings.
        assert longest_line(ax) == pytest.approx(bowl.path[: step + 1], rel=1e-12, abs=1e-12)
        assert ax.get_title().startswith(f"step {step},")


def test_a_run_of_one_variable_goes_along_its_curve(line):
    ax = line.animate().frame(4).axes[0]
    # The curve is sampled more finely than the path has points.
    path = min((line.get_xydata() for line in ax.lines if len(line.get_xydata()) == 5), key=len)
    # Points are drawn relative to the frame's centre: a few roundings.
    assert path == pytest.approx(np.column_stack([line.path[:5], line.losses[:5]]), rel=1e-12)


def test_several_runs_of_one_variable_have_a_panel_each(line):
    other = downslope.minimize("x^2 - 4x + 5", -1.0, learning_rate=0.8, max_steps=3, gradient_tolerance=None)
    film = plots.film([line, other])
    assert film.frames[-1] == line.n_steps
    assert [ax.get_title() for ax in film.frame(10).axes] == ["step 10, learning rate 0.2", "step 3, learning rate 0.8"]


def test_racers_go_in_step_and_wait_at_their_end(racers):
    first, second = sorted(racers, key=lambda run: run.n_steps)
    film = plots.film({"first": first, "second": second})
    last = second.n_steps
    assert last > first.n_steps
    told = " ".join(text.get_text() for text in film.frame(last).axes[0].get_legend().get_texts())
    assert f"first: {first.n_steps} steps" in told
    assert f"second: {last} steps" in told
    assert film.title == "ravine: first, second"


def limits(ax):
    return (*ax.get_xlim(), *ax.get_ylim(), *ax.get_position().bounds)


def test_the_world_is_the_same_in_every_frame(bowl):
    for view in ("contours", "surface", "projection", "history"):
        film = bowl.animate(view=view)
        frames = [film.frame(step) for step in (0, 15, 30)]
        for panels in zip(*(figure.axes for figure in frames), strict=True):
            # A bar's limits depend on the contours' grid, which is as fine as the machine is quick.
            seen = {ax.get_position().bounds if ax.get_label() == "<colorbar>" else limits(ax) for ax in panels}
            assert len(seen) == 1, view


def test_the_history_goes_up_to_the_step_for_every_run(racers):
    figure = plots.film(racers, view="history").frame(25)
    assert figure.get_suptitle() == "step 25"
    assert figure.axes[0].get_ylabel() == "loss"
    paths = [line.get_xydata() for line in figure.axes[0].lines if len(line.get_xydata()) > 1]
    for run, path in zip(racers, paths, strict=True):
        assert path.tolist() == [[k, run.losses[k]] for k in range(26)]


def test_auto_takes_the_view_that_suits_the_number_of_variables(line, bowl, racers):
    many = downslope.minimize("sum_of_squares", [5.0, -3.0, 2.0], learning_rate=0.1)
    pathless = downslope.minimize("ravine", learning_rate=0.11, record="losses")
    named = plots.words.labelled
    chosen = [films._checked_view("auto", named(runs)) for runs in (line, bowl, racers, many, [many, many], pathless)]
    assert chosen == ["line", "contours", "contours", "projection", "history", "history"]


def test_long_films_are_thinned_evenly_and_keep_both_ends():
    for last in (0, 1, MOST_FRAMES - 1, MOST_FRAMES, 1000, 123_457):
        frames = thinned(last)
        assert (frames[0], frames[-1]) == (0, last)
        assert len(frames) == min(last + 1, MOST_FRAMES)
        # Evenly, but for the rounding to whole steps.
        assert np.ptp(np.diff(frames)) <= 1 if last else True


def test_a_short_film_is_slower_and_the_speed_can_be_chosen(line, bowl):
    assert plots.film(line).fps == pytest.approx(11 / 5)
    assert plots.film(bowl).fps == pytest.approx(31 / 5)
    assert plots.film(downslope.minimize("x^2", 5.0, learning_rate=0.5)).fps == 2
    assert bowl.animate(fps=25).fps == 25


def test_the_views_of_the_command_line_are_those_of_films():
    assert ("auto", *films.VIEWS) == completing.VIEWS


@pytest.mark.parametrize("view", ["contours", "surface", "history", "auto"])
def test_a_run_that_overflows_is_filmed(view):
    run = downslope.minimize("x^2 + 3y^2", [5.0, 1.0], learning_rate=1.1)
    assert run.status.name == "NOT_FINITE"
    film = run.animate(view=view)
    for step in (0, run.n_steps // 2, run.n_steps):
        assert film.frame(step).axes


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"view": "line"}, "`view` must suit the runs: 'line' is for 1 variable"),
        ({"view": "side"}, "`view` must be auto, line, .* or history; got 'side'"),
        ({"view": "history", "region": ((0, 1), (0, 1))}, "`region` must be None for the view 'history'"),
        ({"region": (0, 1)}, "`region` must be"),
        ({"fps": 0}, "`fps` must be a number above 0, up to 50; got 0"),
        ({"fps": "fast"}, "`fps` must be a number"),
        ({"fps": 51}, "`fps` must be a number"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_an_option_that_does_not_suit_is_refused_before_anything_is_drawn(bowl, options, message):
    with pytest.raises(downslope.InvalidInput, match=message):
        bowl.animate(**options)


def test_views_of_one_run_refuse_a_race_and_pathless_runs_all_but_the_history(racers):
    with pytest.raises(downslope.InvalidInput, match="'surface' shows one run"):
        plots.film(racers, view="surface")
    pathless = downslope.minimize("ravine", learning_rate=0.11, record="losses")
    with pytest.raises(downslope.InvalidInput, match='must be "history" for a run without a path'):
        pathless.animate(view="contours")


@pytest.mark.parametrize("xs", [[], [np.nan], [[1.0, 2.0]], "abc", 3.0], ids=repr)
def test_the_points_of_a_tangent_film_are_finite_numbers(xs):
    with pytest.raises(downslope.InvalidInput, match="`xs` must be finite numbers, one or more"):
        plots.tangent_film("x^2", xs)


@pytest.mark.parametrize("step", [-1, 31, 1.5, True, None], ids=repr)
def test_a_frame_outside_the_film_is_refused(bowl, step):
    with pytest.raises(downslope.InvalidInput, match="`step` must be a whole number from 0 to 30"):
        bowl.animate().frame(step)


def test_a_film_is_not_drawn_before_it_is_asked_for():
    def scene():
        raise AssertionError("drawn too early")

    assert len(Film(scene, 9)) == 10
