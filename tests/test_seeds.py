"""Every number that the five texts print: counts and verdicts exactly, values at rel 1e-9 (see seeds.json)."""

import json
from pathlib import Path

import numpy as np
import pytest

import downslope
from downslope.methods import Momentum

SEEDS = json.loads((Path(__file__).parent / "reference" / "seeds.json").read_text())
ENGINES = ("compiled", "eager")


def run(fun, start, *, engine="auto", max_steps, **options):
    """A run of fixed length, as the texts make them: the gradient tolerance is off."""
    return downslope.minimize(fun, start, engine=engine, max_steps=max_steps, gradient_tolerance=None, **options)


def dart_id(case):
    return f"{case['method']}-{case['learning_rate']}-{case['max_steps']}"


# 100,000 eager steps take a minute; the shorter runs hold the engines together.
@pytest.mark.sampled
@pytest.mark.parametrize(
    ("engine", "case"),
    [(e, c) for e in ENGINES for c in SEEDS["dart"]["runs"] if e == "compiled" or c["max_steps"] <= 10_000],
    ids=lambda value: value if isinstance(value, str) else dart_id(value),
)
def test_the_dart_thrower_finds_the_angle_in_the_printed_number_of_steps(case, engine):
    bounds = case.get("bounds_deg")
    result = run(
        "dart",
        np.radians(SEEDS["dart"]["start_deg"]).item(),
        engine=engine,
        method=case["method"],
        learning_rate=case["learning_rate"],
        max_steps=case["max_steps"],
        target_loss=case["target_loss"],
        bounds=None if bounds is None else tuple(np.radians(bounds)),
    )
    assert result.n_steps == case["steps"]
    assert (result.status is downslope.Status.TARGET_REACHED) == case["reached_target"]
    assert np.degrees(result.x) == pytest.approx(case["angle_deg"], rel=1e-9)
    assert result.loss == pytest.approx(case["loss_at_angle"], rel=1e-9)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_parabola_s_table_is_the_printed_one(engine):
    seed = SEEDS["parabola"]
    result = run("parabola", seed["start"], engine=engine, learning_rate=seed["learning_rate"], max_steps=seed["steps"])
    table = [
        [k, round(x, 4), round(loss, 4)] for k, (x, loss) in enumerate(zip(result.path, result.losses, strict=True))
    ]
    assert table == seed["table_4dp"]
    assert result.x == pytest.approx(seed["final_x"], rel=1e-9)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("regime", SEEDS["parabola"]["regimes_after_25_steps"], ids=lambda r: r["learning_rate"])
def test_each_regime_of_the_parabola_ends_where_the_text_says(regime, engine):
    result = run("x^2", 5.0, engine=engine, learning_rate=regime["learning_rate"], max_steps=25)
    # At 0.6 the multiplier is -0.2: the rounding of 0.6 * 2x is worth 1e-16 of x a step, 25 steps long.
    assert result.x == pytest.approx(regime["final_x"], rel=1e-9, abs=1e-300)


def test_the_challenge_s_largest_rate_is_the_end_of_the_passing_interval():
    challenge = SEEDS["parabola"]["challenge"]
    below, above = challenge["passing_interval"]
    assert above == pytest.approx(challenge["answer"], abs=1e-11)
    for rate, passes in ((below - 1e-9, False), (below + 1e-9, True), (above - 1e-9, True), (above + 1e-9, False)):
        assert (abs(run("parabola", 5.0, learning_rate=rate, max_steps=25).x) < 1e-3) == passes


def test_the_sum_of_squares_shrinks_each_coordinate_alike():
    seed = SEEDS["sum_of_squares"]
    for fun in ("sum_of_squares", seed["fun"]):
        result = run(fun, seed["start"], learning_rate=seed["learning_rate"], max_steps=seed["steps"])
        assert result.x == pytest.approx(seed["final_x"], rel=1e-9)


@pytest.mark.parametrize("case", SEEDS["shifted_parabola"]["runs"], ids=lambda c: c["learning_rate"])
def test_the_shifted_parabola_ends_where_the_text_says(case):
    seed = SEEDS["shifted_parabola"]
    for fun in ("shifted_parabola", seed["fun"]):
        result = run(fun, seed["start"], learning_rate=case["learning_rate"], max_steps=seed["steps"])
        assert result.x == pytest.approx(case["final_x"], rel=1e-9)
        assert result.loss == pytest.approx(case["final_loss"], rel=1e-9)


def test_the_bowl_s_gradient_loss_and_threshold_are_the_printed_ones():
    seed = SEEDS["bowl_2d"]
    assert downslope.Objective("bowl_2d").gradient(seed["start"]) == pytest.approx(seed["gradient_at_start"])
    for case in seed["runs"]:
        result = run("bowl_2d", seed["start"], learning_rate=case["learning_rate"], max_steps=seed["steps"])
        assert result.loss == pytest.approx(case["final_loss"], rel=1e-9)
        assert int(np.argmax(result.losses < 1e-3)) == case["first_step_below_1e-3"]


def test_the_bowl_is_stable_below_the_printed_rate_and_not_above():
    limit = SEEDS["bowl_2d"]["stable_below"]
    below, above = (
        run("bowl_2d", [9.0, -3.0], learning_rate=limit * factor, max_steps=2000).loss for factor in (0.99, 1.01)
    )
    assert below < 1e-12
    assert above > 1e6


@pytest.mark.parametrize("case", SEEDS["many_minima"]["runs"], ids=lambda c: c["start"])
def test_many_minima_are_reached_from_their_own_starts(case):
    for fun in ("many_minima", SEEDS["many_minima"]["fun"], "x cos(x) + 9"):
        result = run(fun, case["start"], learning_rate=case["learning_rate"], max_steps=case["steps"])
        assert result.x == pytest.approx(case["final_x"], rel=1e-9)
        assert result.loss == pytest.approx(case["final_loss"], rel=1e-9)
        if "path_begins" in case:
            beginning = result.path[: len(case["path_begins"])]
            assert beginning == pytest.approx(case["path_begins"], rel=SEEDS["many_minima"]["path_begins_rtol"])


@pytest.mark.parametrize("case", SEEDS["ravine"]["runs"], ids=lambda c: c["method"])
def test_the_ravine_s_losses_are_the_printed_ones(case):
    seed = SEEDS["ravine"]
    method = Momentum(beta=case["beta"]) if "beta" in case else case["method"]
    result = run("ravine", seed["start"], method=method, learning_rate=case["learning_rate"], max_steps=seed["steps"])
    assert result.loss == pytest.approx(case["final_loss"], rel=seed["rtol"])


def test_the_egg_box_has_the_printed_number_of_minima_at_the_printed_depth():
    seed = SEEDS["egg_box_bowl"]
    low, high = seed["domain"]
    ends = [
        downslope.minimize("egg_box_bowl", [x, z], learning_rate=0.1, bounds=(low, high)).x
        for x in np.linspace(low, high, 6)
        for z in np.linspace(low, high, 6)
    ]
    losses = [downslope.Objective("egg_box_bowl").value(end) for end in ends]
    lowest = {tuple(end.round(3)) for end, loss in zip(ends, losses, strict=True) if loss < seed["minimum_loss"] + 1e-6}
    assert len(lowest) == seed["distinct_minima"]
    assert min(losses) == pytest.approx(seed["minimum_loss"], rel=seed["rtol"])


def test_the_round_bowl_stops_after_the_printed_number_of_steps():
    seed = SEEDS["round_bowl"]
    # The text compares the gradient's length; a round bowl from (2.3, 2.1) shrinks along one line, so the
    # largest component is the same share of it at each step.
    share = max(seed["start"]) / np.hypot(*seed["start"])
    for fun in ("round_bowl", seed["fun"]):
        result = downslope.minimize(
            fun,
            seed["start"],
            learning_rate=seed["learning_rate"],
            gradient_tolerance=seed["stops_when_gradient_below"] * share,
        )
        assert result.n_steps == seed["steps"]


@pytest.mark.parametrize(("rate", "n"), [(1e-3, 1_000), (1e-4, 10_000), (1e-5, 100_000)])
def test_a_rate_that_decays_by_a_factor_of_0_99_stops_the_dart_short(rate, n):
    decay = downslope.learning_rates.GeometricDecay(rate, factor=0.99)
    result = run("dart", 0.0, learning_rate=decay, max_steps=n, target_loss=0.001)
    assert result.status is not downslope.Status.TARGET_REACHED
    assert result.loss > 0.001


def test_sign_descent_with_a_decaying_rate_moves_at_most_the_sum_of_its_rates():
    rate, factor = 0.1, 0.9
    result = run(
        "x^2",
        5.0,
        method="sign_descent",
        learning_rate=downslope.learning_rates.GeometricDecay(rate, factor),
        max_steps=1000,
    )
    assert result.path[0] - result.x == pytest.approx(rate / (1 - factor), rel=1e-12)
