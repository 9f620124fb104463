"""Multistart finds the minima that are there, counts who leads to them, and is honest about what it may have missed."""

import math

import numpy as np
import pytest
import scipy.optimize

import downslope
from downslope import InvalidInput, Status, UnknownName, multistart
from downslope.sweeps.clusters import clusters
from downslope.sweeps.multistart import Minimum
from downslope.sweeps.samplers import SAMPLERS, sample

pytestmark = pytest.mark.slow  # each compiles many runs at once

HIMMELBLAU = [[-3.779310, -3.283186], [-2.805118, 3.131312], [3.0, 2.0], [3.584428, -1.848127]]  # Himmelblau 1972


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_the_four_minima_of_himmelblau(sampler):
    found = multistart("himmelblau", [(-5, 5), (-5, 5)], 400, sampler=sampler)
    points = sorted(minimum.x.tolist() for minimum in found)
    np.testing.assert_allclose(points, HIMMELBLAU, atol=1e-5)
    assert found.n_converged == 400
    assert sum(minimum.share for minimum in found) == pytest.approx(1.0)
    assert [minimum.loss for minimum in found] == sorted(minimum.loss for minimum in found)
    assert found.lowest is found[0]


def test_the_shares_are_the_lengths_of_the_basins():
    # x cos x + 9 on [-10, 10]: small steps stay between the maxima, which are the roots of cos x = x sin x.
    found = multistart("x cos(x) + 9", (-10, 10), 5000, sampler="grid", learning_rate=0.005)
    slope = lambda x: np.cos(x) - x * np.sin(x)  # noqa: E731  # odd extrema: maxima at x, minima at -x
    first, second, third = (scipy.optimize.brentq(slope, *ends) for ends in ((0.5, 1), (6, 7), (3, 4)))
    shares = {round(minimum.x, 3): minimum.share for minimum in found}
    assert shares[round(third, 3)] == pytest.approx((second - first) / 20, abs=1e-3)
    assert shares[9.529] == pytest.approx((10 - second) / 20, abs=1e-3)
    assert shares[round(-first, 3)] == pytest.approx((third + first) / 20, abs=1e-3)


def test_saddles_and_maxima_are_no_minima():
    # Of an odd grid the middle column starts on the ridge x = 0, and ends at the saddle (0, 0), all but nothing else.
    found = multistart("(x^2 - 1)^2 + y^2", [(-2, 2), (-2, 2)], 81, sampler="grid", learning_rate=0.02)
    assert [minimum.x.round(3).tolist() for minimum in found] == [[-1.0, 0.0], [1.0, 0.0]]
    assert [minimum.n_starts for minimum in found] == [36, 36]
    assert (found.n_converged, found.n_resting) == (72, 9)
    assert "of which 72 converged; 9 starts ended at a maximum or a saddle." in found.message
    top = multistart("double_well", (-1.8, 1.8), 3, sampler="grid", learning_rate=0.05)  # the middle is a maximum
    assert (len(top), top.n_resting) == (2, 1)


def test_flat_minima_and_lines_of_minima_are_one():
    flat = multistart("x^4", (-1, 1), 200, learning_rate=1.0, inside=False)
    assert len(flat) == 1
    valley = multistart("(x + y)^2", [(-2, 2), (-2, 2)], 128, learning_rate=0.1, inside=False)
    assert (len(valley), valley[0].n_starts) == (1, 128)


def test_ends_at_the_edge_of_the_box_say_so():
    found = multistart("x^3 - 3x", (-3, 3), 100, learning_rate=0.01)
    assert [(round(m.x, 6), m.at_bound) for m in found] == [(-3.0, True), (1.0, False)]
    # Below the maximum at -1 all goes to the edge: a third of the box.
    assert found[0].share == pytest.approx(1 / 3, abs=0.02)


def test_nothing_is_evaluated_outside_unless_asked_for():
    def inside_alone(x):
        return np.where((x >= 0) & (x <= 4), np.cos(3 * x), np.nan)

    assert multistart(inside_alone, (0, 4), 64).n_converged == 64
    free = multistart("x^3 - 3x", (-3, 3), 100, inside=False, learning_rate=0.01)
    assert len(free) == 1
    assert set(free.sweep.lanes.status) == {Status.GRADIENT_SMALL, Status.NOT_FINITE}


def test_a_number_a_vector_and_parameters_are_told_apart():
    assert isinstance(multistart(lambda x: (x - 1) ** 2, (-3, 3), 8)[0].x, float)
    assert multistart(lambda x: np.sum((x - 1) ** 2), [(-3, 3)], 8)[0].x.shape == (1,)
    assert multistart(lambda x, y: (x - 1) ** 2 + y**2, (-3, 3), 8)[0].x.shape == (2,)
    assert multistart("rastrigin", None, 16)[0].x.ndim == 1  # on its own domain


def test_two_points_are_one_by_distance_and_not_by_rounding():
    # Rounding to 0.001 would tear the first two apart and leave nothing to chance but the last digit.
    points = np.array([[0.4999], [0.5001], [0.9], [0.50021]])
    assert clusters(points, np.array([1e-3])).tolist() == [0, 0, 1, 0]


def test_clusters_are_those_of_single_linkage():
    random = np.random.default_rng(5)
    centres = random.uniform(-1, 1, (9, 3))
    which = random.integers(0, 9, 2000)
    points = centres[which] + random.uniform(-1e-3, 1e-3, (2000, 3))
    label = clusters(points, np.full(3, 4e-3))
    assert len(np.unique(label)) == 9
    assert len(np.unique(which * 9 + label)) == 9  # the same division


@pytest.mark.parametrize(("n", "w"), [(10, 1), (30, 3), (100, 7)])
def test_the_probability_is_bayes_sum_over_all_numbers_of_minima(n, w):
    # C(k, w) ways to be the ones seen, and C(n + k - 1, n) equally likely divisions of n starts among k minima.
    weights = [math.comb(k, w) / math.comb(n + k - 1, n) for k in range(w, 4000)]
    counts = [n // w] * (w - 1) + [n - n // w * (w - 1)]
    minima = tuple(Minimum(0.0, 0.0, count, count / n, False) for count in counts)
    found = downslope.Multistart(minima, None)
    # The tail of the sum beyond k = 4000 falls like k^(w - n).
    assert found.probability_missed == pytest.approx(1 - weights[0] / sum(weights), abs=1e-6)


def test_what_is_found_once_tells_of_what_is_not_found():
    # Rastrigin's function in four dimensions has 11^4 minima on its domain: 300 starts see few of them twice.
    found = multistart("rastrigin", [(-5.12, 5.12)] * 4, 300, learning_rate=0.002, seed=3)
    assert len(found) > 100
    assert found.unseen_share > 0.3
    assert found.probability_missed > 0.999
    more = multistart("rastrigin", [(-5.12, 5.12)] * 4, 300, learning_rate=0.002, seed=4)
    seen = np.array([minimum.x for minimum in found])
    new = [m.n_starts for m in more if np.abs(seen - m.x).max(axis=1).min() > 1e-2]
    # Good and Turing's claim is about the next starts: the share of others that end somewhere new.
    assert sum(new) / more.n_converged == pytest.approx(found.unseen_share, abs=0.12)


def test_it_says_what_it_found_and_what_it_assumes():
    found = multistart("double_well", (-1.8, 1.8), 64)
    assert found.message.startswith("2 minima from 64 starts, of which 64 converged.")
    assert "Good-Turing" in found.message
    assert "95 % certainty" in found.message
    assert repr(found).count("50.00 % of starts") == 2
    nothing = multistart("x^2", (-1, 1), 8, max_steps=0)
    assert (len(nothing), nothing.lowest, nothing.unseen_share) == (0, None, 1.0)
    assert nothing.message == "0 minima from 8 starts, of which 0 converged."


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("m", [4, 100, 1000])
def test_samples_fill_the_box_and_repeat_with_the_seed(sampler, m):
    lower, upper = np.array([-1.0, 5.0]), np.array([1.0, 5.5])
    points = sample(sampler, lower, upper, m, 1)
    assert points.shape == ((31**2, 2) if (sampler, m) == ("grid", 1000) else (m, 2))
    assert ((points >= lower) & (points <= upper)).all()
    np.testing.assert_array_equal(points, sample(sampler, lower, upper, m, 1))
    if m == 1000:
        np.testing.assert_allclose(points.mean(axis=0), (lower + upper) / 2, atol=0.06)


@pytest.mark.parametrize(
    ("options", "parameter", "rule"),
    [
        ({"bounds": (0, None)}, "bounds", "finite"),
        ({"bounds": (1, 1)}, "bounds", "low < high"),
        ({"n_starts": 0}, "n_starts", "whole number"),
        ({"n_starts": 1.5}, "n_starts", "whole number"),
        ({"seed": -1}, "seed", "whole number"),
        ({"sampler": "halton"}, "sampler", "latin_hypercube"),
        ({"sampler": "grid", "n_starts": 1}, "n_starts", "at least 2"),
        ({"gradient_tolerance": None}, "gradient_tolerance", "must be a number"),
        ({"learning_rate": -1.0}, "learning_rate", "positive"),
    ],
)
def test_bad_input_is_named(options, parameter, rule):
    with pytest.raises(InvalidInput, match=rule) as caught:
        multistart("x^2", **{"bounds": (-1, 1), **options})
    assert caught.value.parameter == parameter
    if parameter == "sampler":
        assert isinstance(caught.value, UnknownName)
