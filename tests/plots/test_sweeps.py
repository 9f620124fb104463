"""Pictures of many runs show the sweep's own numbers, and draw the limits that theory gives."""

import numpy as np
import pytest
from matplotlib import colors
from matplotlib.collections import QuadMesh
from matplotlib.patches import StepPatch

import downslope
from downslope import InvalidInput, UnknownName, plots
from downslope.learning_rates import GeometricDecay
from downslope.plots.basins import HUES, NONE, hues_of
from downslope.plots.dimensions import dimension
from downslope.plots.sweeps import BEHAVIOURS, NOT_CONVERGED
from tests.plots.looking import legend_texts, lines, rendered, words_over_the_curves

pytestmark = pytest.mark.slow  # each compiles many runs at once

RATES = np.geomspace(1e-3, 1, 24)
BETAS = np.linspace(0, 0.9, 10)
LIMIT = "largest stable learning rate"


@pytest.fixture(scope="module")
def by_start():
    return downslope.sweep("x cos(x) + 9", starts=np.linspace(-5, 14, 20), learning_rates=RATES, max_steps=500)


@pytest.fixture(scope="module")
def by_beta():
    rates = np.linspace(0.01, 1.2, 30)
    options = {"methods": "momentum", "coefficients": {"beta": BETAS}, "max_steps": 500}
    return downslope.sweep("ravine", starts=[[-4.5, 1.5]], learning_rates=rates, **options)


@pytest.fixture(scope="module")
def four():
    return downslope.basins("himmelblau", [(-5, 5), (-4, 4)], resolution=40, learning_rate=0.01)


def mesh(ax):
    (found,) = (drawn for drawn in ax.collections if isinstance(drawn, QuadMesh))
    return found


def step_line(ax):
    (found,) = (patch for patch in ax.patches if isinstance(patch, StepPatch))
    return found


def test_each_cell_has_the_steps_of_its_run_and_those_that_did_not_converge_have_none(by_start):
    ax = rendered(plots.sweep_map(by_start))
    values = mesh(ax).get_array()
    assert values.shape == (20, 24)  # starts up, rates across
    np.testing.assert_array_equal(values.mask, ~by_start.converged.T)
    np.testing.assert_array_equal(values.compressed(), np.maximum(by_start.n_steps.T, 1)[by_start.converged.T])
    assert colors.to_hex(ax.get_facecolor()) == NOT_CONVERGED.lower()
    assert legend_texts(ax) == ["did not converge", LIMIT]
    assert ax.figure.axes[1].get_ylabel() == "steps to converge"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("learning rate", "start x")
    assert ax.get_title() == "x cos(x) + 9, gradient descent"


def test_cells_lie_around_their_labels_on_a_logarithmic_axis_for_rates_spaced_by_ratios(by_start, by_beta):
    ax = rendered(plots.sweep_map(by_start))
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "linear")
    edges = mesh(ax).get_coordinates()[0, :, 0]
    np.testing.assert_allclose(np.sqrt(edges[:-1] * edges[1:]), RATES)
    assert rendered(plots.sweep_map(by_beta)).get_xscale() == "linear"


def test_the_limit_over_starts_is_that_of_the_minimum_that_each_leads_to(by_start):
    limits, edges, _ = step_line(rendered(plots.sweep_map(by_start))).get_data()
    starts = np.linspace(-5, 14, 20)
    np.testing.assert_allclose((edges[:-1] + edges[1:]) / 2, starts)
    # Small steps stay between the maxima, and the limit is 2 / f'' at the minimum between them.
    for start, limit in zip(starts, limits, strict=True):
        x = downslope.minimize("x cos(x) + 9", start, learning_rate=0.005).x
        assert limit == pytest.approx(2 / (-2 * np.sin(x) - x * np.cos(x)), rel=1e-6)


@pytest.mark.parametrize(("x", "y"), [(None, None), ("beta", "learning_rate")])
def test_the_limit_over_beta_is_polyaks(by_beta, x, y):
    ax = rendered(plots.sweep_map(by_beta, x, y))
    (line,) = lines(ax, len(BETAS))
    rates, betas = line.get_data() if x is None else line.get_data()[::-1]
    np.testing.assert_array_equal(betas, BETAS)
    curvature = max(downslope.gallery.get("ravine").minima[0].curvatures)
    np.testing.assert_allclose(rates, 2 * (1 + BETAS) / curvature, rtol=1e-6)
    # And the runs agree: none converges a step beyond it.
    shown = mesh(ax).get_array()
    shown = shown if x is None else shown.T
    beyond = by_beta.dimensions["learning_rate"] > rates[:, None]
    assert shown.mask[beyond].all()


def test_colours_of_behaviour_are_named_for_those_that_are_there(by_start):
    ax = rendered(plots.sweep_map(by_start, colour="behaviour"))
    seen = set(by_start.behaviour.ravel())
    assert legend_texts(ax) == [*(word.value for word in BEHAVIOURS if word.value in seen), LIMIT]
    image = mesh(ax)
    drawn = image.cmap(image.norm(image.get_array()))[..., :3]
    colour_of = {word.value: colors.to_rgb(colour) for word, colour in BEHAVIOURS.items()}
    told = np.array([[colour_of[word] for word in row] for row in by_start.behaviour.T])
    np.testing.assert_allclose(drawn, told, atol=1 / 255)
    assert words_over_the_curves(ax) == []


def test_colours_of_loss_are_the_losses_up_to_where_the_runs_began(by_start, by_beta):
    ax = rendered(plots.sweep_map(by_start, colour="loss"))
    np.testing.assert_array_equal(mesh(ax).get_array(), by_start.loss.T)
    ax = rendered(plots.sweep_map(by_beta, colour="loss"))
    assert isinstance(mesh(ax).norm, colors.LogNorm)
    assert mesh(ax).norm.vmax == pytest.approx(by_beta.lanes.first_loss[0])


def test_unsorted_labels_are_drawn_in_order():
    found = downslope.sweep("x^2", starts=[3.0, -1.0, 2.0], learning_rates=[0.4, 0.1, 0.2])
    ax = rendered(plots.sweep_map(found))
    np.testing.assert_array_equal(mesh(ax).get_array(), found.n_steps[np.ix_([1, 2, 0], [1, 2, 0])].T)


@pytest.mark.slow
def test_further_dimensions_are_chosen_by_their_labels():
    options = {"methods": ["momentum", "nesterov"], "coefficients": {"beta": [0.1, 0.5]}}
    found = downslope.sweep("x^2", starts=[3.0, 1.0], learning_rates=[0.1, 0.2, 0.4], **options)
    ax = rendered(plots.sweep_map(found, method="Nesterov(beta=0.9)", start=1))
    np.testing.assert_array_equal(mesh(ax).get_array(), found.n_steps[1, :, :, 1].T)
    assert ax.get_title() == "x^2, nesterov, from 1"
    (line,) = lines(ax, 2)
    beta = np.array([0.1, 0.5])
    np.testing.assert_allclose(line.get_xdata(), 2 * (1 + beta) / (1 + 2 * beta) / 2, rtol=1e-6)
    ax = rendered(plots.sweep_map(found, "method", "beta", learning_rate=0.2, start=0))
    assert [text.get_text() for text in ax.get_xticklabels()] == ["momentum", "nesterov"]
    with pytest.raises(InvalidInput, match="dimensions that can be chosen are learning_rate, beta"):
        plots.sweep_map(found, "method", "start", speed=0.1)


@pytest.mark.slow
def test_of_further_dimensions_that_are_not_chosen_each_cell_shows_the_best():
    options = {"methods": "momentum", "coefficients": {"beta": [0.1, 0.5, 0.8]}, "max_steps": 60}
    found = downslope.sweep("x^2", starts=[1.0, 3.0], learning_rates=[0.01, 0.2, 0.4, 1.3], **options)
    ax = rendered(plots.sweep_map(found))
    assert ax.get_title() == "x^2, momentum, best of 2 starts"
    steps = np.where(found.converged, found.n_steps, 10**6).min(axis=2)
    np.testing.assert_array_equal(mesh(ax).get_array().filled(10**6), steps.T)
    assert lines(ax) == []  # each cell has a limit of its own
    ax = rendered(plots.sweep_map(found, "learning_rate", "start", colour="loss"))
    assert ax.get_title() == "x^2, momentum, best of 3 betas"
    np.testing.assert_array_equal(mesh(ax).get_array(), np.maximum(found.loss.min(axis=1).T, mesh(ax).norm.vmin))


@pytest.mark.slow
def test_rules_in_words_and_several_variables_have_axes_too():
    rates = [0.01, GeometricDecay(0.02, 0.99), None]
    found = downslope.sweep("himmelblau", starts=[[1.0, 1.0], [2.0, 0.0]], learning_rates=rates, max_steps=50)
    ax = rendered(plots.sweep_map(found))
    assert ax.get_ylabel() == "number of the start"
    assert all(tick == round(tick) for tick in ax.get_yticks())
    assert [text.get_text() for text in ax.get_xticklabels()][::2] == ["0.01", "default"]
    apart = downslope.sweep("himmelblau", starts=[[1.0, 1.0], [1.0, 3.0]], learning_rates=[0.01], max_steps=0)
    assert dimension(apart, "start").label == "start y"


@pytest.mark.slow
def test_methods_that_scale_their_coordinates_have_no_limit_to_draw():
    methods = ["gradient_descent", "adam"]
    found = downslope.sweep("x^2", starts=[3.0], learning_rates=[0.1, 0.5, 1.5], methods=methods, max_steps=300)
    limits, _, _ = step_line(rendered(plots.sweep_map(found))).get_data()
    assert limits[0] == pytest.approx(1.0)
    assert np.isnan(limits[1])


def test_where_nothing_converged_it_says_so():
    found = downslope.sweep("x^2", starts=[3.0, 1.0], learning_rates=[2.0, 3.0])
    assert legend_texts(rendered(plots.sweep_map(found))) == ["did not converge"]
    assert legend_texts(rendered(plots.sweep_map(found, colour="behaviour"))) == ["diverging"]
    assert legend_texts(rendered(plots.sweep_map(found, colour="loss"))) == ["no loss that can be drawn"]
    curve = rendered(plots.loss_by_rate(found, start=0))
    assert legend_texts(curve)[1] == f"{LIMIT} 1 (not in the picture)"


@pytest.mark.parametrize(
    ("arguments", "options", "parameter"),
    [
        (("speed",), {}, "x"),
        (("start", "start"), {}, "y"),
        ((), {"beta": 0.1}, "beta"),
        (("start",), {"start": 3}, "start"),
        ((), {"start": 0}, "found"),
    ],
)
def test_dimensions_that_there_are_not_are_refused(by_start, arguments, options, parameter):
    with pytest.raises(InvalidInput) as caught:
        plots.sweep_map(by_start, *arguments, **options)
    assert caught.value.parameter == parameter


def test_other_things_are_refused(by_start):
    with pytest.raises(UnknownName, match="steps"):
        plots.sweep_map(by_start, colour="speed")
    for draw in (plots.sweep_map, plots.loss_by_rate, plots.basins):
        with pytest.raises(InvalidInput, match="`found` must be a"):
            draw(downslope.minimize("x^2", 1.0, max_steps=1))
    with pytest.raises(InvalidInput, match="numbers"):
        plots.loss_by_rate(downslope.sweep("x^2", starts=[1.0], learning_rates=0.1))
    with pytest.raises(InvalidInput, match="`start` must be chosen, such as start=0"):
        plots.loss_by_rate(by_start)
    with pytest.raises(InvalidInput, match="`start` must be one of 0, 1"):
        plots.loss_by_rate(by_start, start=99)


def test_the_losses_by_rate_tell_what_converged_and_shade_what_is_stable():
    rates = np.geomspace(1e-3, 4, 50)
    found = downslope.sweep("3 x^2", starts=[5.0], learning_rates=rates, max_steps=100)
    ax = rendered(plots.loss_by_rate(found))
    converged, missed = lines(ax, marker="o")[0], lines(ax, marker="X")[0]
    np.testing.assert_array_equal(converged.get_xdata(), rates[found.converged[:, 0]])
    np.testing.assert_array_equal(converged.get_ydata(), found.loss[found.converged])
    assert set(missed.get_xdata()) < set(rates[~found.converged[:, 0]])
    (above,) = lines(ax, marker="^")
    np.testing.assert_array_equal(above.get_xdata(), rates[found.loss[:, 0] > ax.get_ylim()[1]])
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    limit, best = (
        line.get_xdata()[0] for line in ax.lines if line.get_color() == "black" and len(line.get_xdata()) == 2
    )
    assert (limit, best) == pytest.approx((2 / 6, 1 / 6))
    (shade,) = ax.patches
    assert shade.get_bbox().x1 == pytest.approx(2 / 6)
    assert rates[found.converged[:, 0]].max() < limit


def test_each_start_has_the_hue_of_its_minimum_and_is_darker_the_longer_it_takes(four):
    ax = rendered(plots.basins(four))
    (image,) = ax.images
    drawn = np.asarray(image.get_array())
    assert drawn.shape == (40, 40, 3)
    for k, hue in enumerate(HUES[:4]):
        inside = four.which == k
        # What is mixed with white keeps the proportions of its distance to white.
        away = 1 - drawn[inside]
        full = 1 - np.array(colors.to_rgb(hue))
        shares = away @ full / (full @ full)
        np.testing.assert_allclose(away, shares[:, None] * full, atol=1e-12)
        steps = four.n_steps[inside]
        assert (np.diff(shares[np.argsort(steps, kind="stable")]) >= -1e-12).all()
    assert image.origin == "lower"


def test_minima_are_marked_where_they_lie_with_their_losses(four):
    ax = rendered(plots.basins(four))
    marked = sorted(line.get_xydata()[0].tolist() for line in lines(ax, 1, markerfacecolor="white"))
    assert marked == sorted(minimum.x.tolist() for minimum in four.minima)
    assert [text.get_text() for text in ax.texts] == ["0"] * 4
    assert [text.partition(":")[0] for text in legend_texts(ax)] == [
        f"to {place}" for place in map(four.place, four.minima)
    ]
    # Cells lie around their starts: half a spacing beyond the box.
    assert ax.get_xlim() == pytest.approx((-5 - 5 / 39, 5 + 5 / 39))
    assert words_over_the_curves(ax) == []


def test_one_variable_has_a_strip_under_its_curve():
    found = downslope.basins("x cos(x) + 9", (-5.1, 14.1), resolution=300, learning_rate=0.1)
    ax = rendered(plots.basins(found))
    (strip,) = ax.child_axes
    assert np.asarray(strip.images[0].get_array()).shape == (1, 300, 3)
    assert strip.images[0].get_extent()[:2] == pytest.approx(ax.get_xlim())
    assert [text.get_text() for text in ax.texts] == ["-0.477", "5.71", "8.44"]
    assert legend_texts(ax)[0].startswith("to 15.7713, outside the box: ")


def test_starts_that_lead_nowhere_are_nearly_black():
    found = downslope.basins("x^2 + y^2", [(-1, 1)] * 2, resolution=6, max_steps=0)
    ax = rendered(plots.basins(found))
    assert legend_texts(ax) == ["no minimum: 100 % of starts"]
    np.testing.assert_allclose(np.asarray(ax.images[0].get_array())[0, 0], colors.to_rgb(NONE))


def test_many_basins_differ_from_those_beside_them():
    which = np.arange(49).reshape(7, 7).repeat(3, axis=0).repeat(3, axis=1)
    hues = np.array(hues_of(which, 49))[which]
    for axis in (0, 1):
        one, other = np.moveaxis(which, axis, 0)[:-1], np.moveaxis(which, axis, 0)[1:]
        a, b = np.moveaxis(hues, axis, 0)[:-1], np.moveaxis(hues, axis, 0)[1:]
        assert (a[one != other] != b[one != other]).all()
    assert len(set(hues.ravel())) == len(HUES)


def test_they_draw_on_axes_that_they_are_given(by_beta, four):
    own = plots.contours("himmelblau").figure
    ax = own.add_subplot(1, 3, 3)
    height = own.get_figheight()
    assert plots.sweep_map(by_beta, ax=ax) is ax
    assert plots.basins(four, ax=own.add_subplot(1, 3, 2)).figure is own
    assert plots.loss_by_rate(by_beta, beta=0.9, ax=own.add_subplot(2, 3, 1)).get_title().endswith("beta 0.9")
    assert own.get_figheight() == height
