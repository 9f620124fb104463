"""Basins are the intervals and regions that theory knows, and what leads to no minimum is not counted as one."""

import json

import numpy as np
import pytest
import scipy.optimize

import downslope
from downslope import InvalidInput, Status, basins

pytestmark = pytest.mark.slow  # each compiles many runs at once

BOX = (-5.1, 14.1)


@pytest.fixture(scope="module")
def plotted():
    return basins("x cos(x) + 9", BOX, resolution=2000, learning_rate=0.1)


def lowest_inside(found):
    return next(k for k, outside in enumerate(found.outside) if not outside)


def test_the_lowest_minimum_of_the_plotted_function_has_one_contiguous_basin_between_the_maxima(plotted):
    k = lowest_inside(plotted)
    assert plotted.minima[k].x == pytest.approx(9.529334, abs=1e-6)
    assert plotted.minima[k].loss == pytest.approx(-0.477294, abs=1e-6)
    inside = plotted.which == k
    assert np.count_nonzero(np.diff(inside.astype(int))) == 2
    ends = plotted.starts[inside][[0, -1]]
    maxima = [point.x for point in downslope.critical_points("x cos(x) + 9", BOX) if point.kind.value == "maximum"]
    below, above = (max(x for x in maxima if x < 9), min(x for x in maxima if x > 10))
    slope = lambda x: np.cos(x) - x * np.sin(x)  # noqa: E731
    assert (below, above) == pytest.approx((scipy.optimize.brentq(slope, 6, 7), scipy.optimize.brentq(slope, 12, 13)))
    # A finite rate shifts an end only where a step leaps over the minimum, 1 - a f'' < 0; here it does nowhere.
    x = np.linspace(below, above, 10_001)
    assert np.max(-2 * np.sin(x) - x * np.cos(x)) < 1 / 0.1
    spacing = (BOX[1] - BOX[0]) / 1999
    assert below < ends[0] < below + spacing
    assert above - spacing < ends[1] < above


def test_a_step_that_leaps_over_the_minimum_shifts_the_end_of_its_basin():
    # x <- x - a (x^3 - x) is zero at 0 and at sqrt(1 + 1 / a): beyond it, the first step lands on the other side.
    found = basins("x^4/4 - x^2/2", (0.001, 2.1), resolution=1500, learning_rate=0.5)
    (right,) = (k for k, minimum in enumerate(found.minima) if minimum.x > 0)
    end = found.starts[np.argmax(found.which != right)]
    assert end == pytest.approx(np.sqrt(3), abs=2.1 / 1499)
    small = basins("x^4/4 - x^2/2", (0.001, 2.1), resolution=1500, learning_rate=0.05)
    assert len(small.minima) == 1


def test_minima_outside_the_box_count_and_are_told_apart(plotted):
    assert [round(minimum.x, 3) for minimum in plotted.minima] == [15.771, 9.529, -6.437, 3.426, -0.86]
    assert plotted.outside == (True, False, True, False, False)
    assert "2 of the minima lie outside the box" in plotted.message
    held = basins("x cos(x) + 9", BOX, resolution=200, learning_rate=0.1, inside=True)
    assert not any(held.outside)
    assert sorted(minimum.x for minimum in held.minima if minimum.at_bound) == list(BOX)


def test_each_minimum_of_himmelblau_lies_in_its_own_basin():
    found = basins("himmelblau", [(-5, 5), (-5, 5)], resolution=101, learning_rate=0.01)
    assert len(found.minima) == 4
    x, y = found.starts[0, :, 0], found.starts[:, 0, 1]
    for k, minimum in enumerate(found.minima):
        assert found.which[np.abs(y - minimum.x[1]).argmin(), np.abs(x - minimum.x[0]).argmin()] == k
    assert sum(minimum.share for minimum in found.minima) == pytest.approx(1.0)
    assert [m.n_starts for m in found.minima] == np.bincount(found.which.ravel()).tolist()


def test_every_start_leads_where_minimize_leads():
    found = basins("himmelblau", [(-5, 5), (-4, 3)], resolution=6, learning_rate=0.012, method="gradient_descent")
    for j, i in np.ndindex(found.which.shape):
        run = downslope.minimize("himmelblau", found.starts[j, i], learning_rate=0.012)
        assert found.n_steps[j, i] == run.n_steps
        np.testing.assert_allclose(found.minima[found.which[j, i]].x, run.x, atol=1e-6)
    assert found.starts[0, 0].tolist() == [-5, -4]
    assert found.starts[0, -1].tolist() == [5, -4]


def test_a_symmetric_function_has_a_symmetric_map():
    def bowls(x, y):
        return (x**2 - 1) ** 2 + (y**2 - 1) ** 2

    found = basins(bowls, [(-1.7, 1.7)] * 2, resolution=40, learning_rate=0.02)
    signs = np.array([np.sign(minimum.x) for minimum in found.minima])[found.which]
    np.testing.assert_array_equal(signs, np.sign(found.starts))
    np.testing.assert_array_equal(found.n_steps, found.n_steps[::-1, ::-1])
    np.testing.assert_array_equal(found.n_steps, found.n_steps.T)


def test_starts_on_a_ridge_end_at_a_saddle_and_lead_to_no_minimum():
    found = basins("(x^2 - 1)^2 + y^2", [(-1.5, 1.5)] * 2, resolution=21, learning_rate=0.02)
    assert len(found.minima) == 2
    assert np.flatnonzero((found.which < 0).any(axis=0)).tolist() == [10]  # x = 0, the middle column
    assert (found.which[:, 10] < 0).all()
    assert "21 starts ended at a maximum or a saddle" in found.message


def test_what_does_not_converge_is_told():
    found = basins("x^2 + y^2", [(-1, 1)] * 2, resolution=4, max_steps=0)
    assert (found.minima, (found.which == -1).all(), (found.status == Status.MAX_STEPS).all()) == ((), True, True)
    assert found.message == "0 minima from 4 x 4 starts, of which 0 % reached one; 16 starts: all steps were made."


def test_it_fits_into_json_and_into_words(plotted):
    told = json.loads(json.dumps(plotted.to_dict(), allow_nan=False))
    assert told["minima"][1]["x"] == pytest.approx(9.529334)
    assert (told["which"]["size"], told["resolution"], told["bounds"]) == (2000, 2000, [list(BOX)])
    assert told["message"] == plotted.message
    assert repr(plotted).splitlines()[2].startswith("  x = 9.52933  loss -0.477294  32.")


@pytest.mark.slow
def test_a_number_a_vector_and_parameters_are_told_apart():
    assert isinstance(basins(lambda x: (x - 1) ** 2, (-3, 3), resolution=8).minima[0].x, float)
    assert basins(lambda x: np.sum((x - 1) ** 2), [(-3, 3)], resolution=8).minima[0].x.shape == (1,)
    assert basins("double_well", resolution=8).which.shape == (8,)  # on its own domain


@pytest.mark.parametrize(
    ("fun", "bounds", "options", "parameter"),
    [
        ("x^2 + y^2 + z^2", [(-1, 1)] * 3, {}, "bounds"),
        ("x^2", (1, -1), {}, "bounds"),
        ("x^2", None, {}, "bounds"),
        ("x^2", (-1, 1), {"resolution": 1}, "resolution"),
        ("x^2", (-1, 1), {"resolution": 2.5}, "resolution"),
        ("himmelblau", None, {"resolution": 10**5}, "resolution"),
        ("x^2", (-1, 1), {"gradient_tolerance": None}, "gradient_tolerance"),
        ("x^2", (-1, 1), {"learning_rate": -0.1}, "learning_rate"),
    ],
)
def test_bad_input_is_told_before_anything_runs(fun, bounds, options, parameter):
    with pytest.raises(InvalidInput) as caught:
        basins(fun, bounds, **options)
    assert caught.value.parameter == parameter


@pytest.mark.parametrize("resolution", [16, 33])
def test_minima_that_are_as_low_are_in_the_order_of_their_places_whatever_rounding_says(resolution):
    found = basins("himmelblau", [(-5, 5), (-5, 5)], resolution=resolution, learning_rate=0.01)
    assert [minimum.x.round(1).tolist() for minimum in found.minima] == [[-3.8, -3.3], [-2.8, 3.1], [3, 2], [3.6, -1.8]]
    np.testing.assert_array_equal(found.minima[found.which[-1, -1]].x.round(1), [3, 2])


def test_a_flat_minimum_is_one_although_runs_end_all_around_it():
    # x^4 has the slope 1e-6 at 0.0063, three times as far from 0 as the ends of one minimum may lie apart.
    found = basins("x^4 + y^2", [(-1, 1)] * 2, resolution=8, learning_rate=0.1, max_steps=200_000)
    ends = found.sweep.lanes.x[:, 0]
    assert np.ptp(ends) > 0.01
    assert len(found.minima) == 1
    assert (found.which == 0).all()
    assert (found.minima[0].n_starts, found.minima[0].share) == (64, 1.0)


def test_a_line_of_minima_is_one():
    found = basins("(x^2 - 1)^2 + 0*y", [(-2, 2), (-1, 1)], resolution=10, learning_rate=0.02)
    assert found.message.startswith("1 minimum from 10 x 10 starts, of which 100 % reached one")
    assert found.minima[0].n_starts == 100
