"""A run that was cut off on its way is told how it went, by which multiplier, and how far it has still to go."""

import re

import numpy as np
import pytest

import downslope
from downslope import Momentum
from downslope.analysis.behaviour import Behaviour


def explained(fun, start, **options):
    return downslope.minimize(fun, start, **options).explain(suggest=False)


def assert_the_steps_told_are_those_needed(found, fun, start, within, **options):
    told = int(re.search(r"1e-06 is about (\d+) more steps away", found.sentences[0])[1])
    whole = downslope.minimize(fun, start, max_steps=10_000, **options)
    assert told == found.steps_needed
    assert told == pytest.approx(whole.n_steps - found.run.n_steps, abs=within)


def test_a_zigzag_that_was_cut_off_is_one_and_its_multiplier_keeps_its_sign():
    found = explained("x^2", 5.0, learning_rate=0.9, max_steps=25)  # 1 - 2 * 0.9
    assert found.behaviour is Behaviour.ZIGZAG
    assert "it multiplied the distance by -0.8. It was still on its way" in found.sentences[0]
    assert_the_steps_told_are_those_needed(found, "x^2", 5.0, 1, learning_rate=0.9)


def test_the_direction_that_is_last_to_arrive_is_told_with_the_zigzag_across_it():
    # The curvatures are 0.4 and 2: 1 - 0.98 * 2 and 1 - 0.98 * 0.4.
    found = explained("bowl_2d", [9.0, -3.0], learning_rate=0.98, max_steps=100)
    assert found.behaviour is Behaviour.ZIGZAG
    assert "Across the valley each step multiplies the distance by -0.96, and along the floor by 0.608." in str(found)
    assert "flattest direction" not in str(found)
    assert_the_steps_told_are_those_needed(found, "bowl_2d", [9.0, -3.0], 1, learning_rate=0.98)


def test_a_spiral_that_was_cut_off_is_one_in_both_directions():
    # Both pairs of multipliers are complex, of size root beta.
    options = {"method": Momentum(beta=0.85), "learning_rate": 0.11}
    found = explained("ravine", [-4.5, 1.5], max_steps=120, **options)
    assert found.behaviour is Behaviour.SPIRAL
    assert f"is multiplied by {np.sqrt(0.85):.4g} at each. It was still on its way" in found.sentences[0]
    assert "flattest direction" not in str(found)
    # Where in its swing the flattest direction meets the tolerance is not known: a swing takes 2 pi / angle steps.
    swing = 2 * np.pi / np.arccos((1.85 - 0.011) / (2 * np.sqrt(0.85)))
    assert_the_steps_told_are_those_needed(found, "ravine", [-4.5, 1.5], swing / 2, **options)


def test_what_crawls_along_the_floor_is_no_zigzag_though_it_was_one_across():
    # After 120 steps 0.92^120 = 5e-5 is left across, and 0.976^120 = 0.05 along.
    found = explained("ravine", [-4.5, 1.5], learning_rate=0.24, max_steps=120)
    assert found.behaviour is Behaviour.CRAWLING
    assert "multiplies the distance along the flattest direction by 0.976" in found.sentences[0]


def test_a_function_with_one_curved_direction_has_no_floor_to_multiply_along():
    found = explained(lambda u, v: (u * v - 1) ** 2, [1.5, 1.0], learning_rate=0.3)
    assert found.behaviour is Behaviour.ZIGZAG
    across = found.stability.multipliers[-1, 0].real
    assert found.curvatures[0] == pytest.approx(0, abs=1e-6)
    assert f"along the only direction that is curved by {across:.4g}." in found.sentences[0]
    assert "floor" not in found.sentences[0]


def test_a_round_bowl_has_no_valley():
    found = explained("x^2 + y^2", [3.0, 1.0], learning_rate=0.9)
    assert "Each step multiplies the distance in every direction by -0.8." in found.sentences[0]


def test_a_way_that_ends_to_and_fro_is_not_said_not_to_turn_back():
    found = explained("(u*v - 1)^2", [2.0, 1.2], learning_rate=0.4)
    steps = np.diff(found.run.path, axis=0)
    assert np.all(np.sum(steps[5:] * steps[4:-1], axis=1) < 0)
    assert found.behaviour is Behaviour.ZIGZAG
    assert "without turning back" not in str(found)


def test_a_multiplier_close_to_minus_1_is_told_by_what_is_left():
    found = explained("x^2", 5.0, learning_rate=1 - 3e-5, max_steps=1000)
    assert "by -1 + 6e-05." in found.sentences[0]
