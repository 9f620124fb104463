"""The fan is the runs: to the last bit, at every rate, whatever the function and the method."""

import numpy as np
import pytest

import downslope
from downslope.lab.functions import Own
from downslope.lab.laboratory import Laboratory
from downslope.methods import METHODS
from downslope.objectives.program import PROGRAMS


def rows_of(fan, k):
    first, length = int(fan["first"][k]), int(fan["lengths"][k])
    return slice(first, first + length)


def assert_is_the_run(fan, k, run):
    rows = rows_of(fan, k)
    path = run.structure.flatten_rows(run.path)
    assert fan["status"][k] == run.status.name
    np.testing.assert_array_equal(fan["path"][rows], path)
    np.testing.assert_array_equal(fan["losses"][rows], run.losses)
    np.testing.assert_array_equal(fan["gradient_norms"][rows], run.gradient_norms)


def checked_at(fan, make, n=12):
    """A few rates from all over the fan, its ends among them."""
    for k in np.unique(np.linspace(0, len(fan["rates"]) - 1, n).astype(int)):
        assert_is_the_run(fan, k, make(float(fan["rates"][k])))


@pytest.mark.sampled
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("fun", "start"), [("notch", 5.0), ("rosenbrock", [-1.2, 1.0]), ("ackley", [2.3, -1.6])])
def test_every_descent_is_the_run_at_its_rate_to_the_last_bit(laboratory, fun, start, method):
    fan = laboratory.call("fan", {"fun": fun, "start": np.ravel(start).tolist(), "method": method, "max_steps": 200})
    checked_at(fan, lambda rate: downslope.minimize(fun, start, method=method, learning_rate=rate, max_steps=200))


def test_chaotic_rates_too(laboratory):
    # At 0.06 ... the steps neither settle nor leave: after 300 of them any rounding error would fill the picture.
    setting = {"fun": "himmelblau", "start": [0.1, 0.1], "max_steps": 300}
    fan = laboratory.call("fan", {**setting, "interval": [0.02, 0.04], "n_rates": 64})
    assert sum(status == "MAX_STEPS" for status in fan["status"]) > 10
    checked_at(fan, lambda rate: downslope.minimize("himmelblau", [0.1, 0.1], learning_rate=rate, max_steps=300), 64)


@pytest.mark.parametrize(
    ("more", "options"),
    [
        ({"decay": 0.97}, lambda rate: {"learning_rate": downslope.learning_rates.GeometricDecay(rate, 0.97)}),
        ({"cosine": 90}, lambda rate: {"learning_rate": downslope.learning_rates.Cosine(rate, n_steps=90.0)}),
        ({"noise": 0.3, "seed": 5}, lambda rate: {"learning_rate": rate, "noise": 0.3, "seed": 5}),
        ({"gradient_tolerance": None}, lambda rate: {"learning_rate": rate, "gradient_tolerance": None}),
        ({"max_steps": 0}, lambda rate: {"learning_rate": rate, "max_steps": 0}),
        (
            {"method": "momentum", "coefficients": {"beta": 0.5}},
            lambda rate: {"learning_rate": rate, "method": downslope.Momentum(beta=0.5)},
        ),
    ],
    ids=["decay", "cosine", "noise", "no tolerance", "no step", "beta"],
)
def test_with_all_that_a_setting_can_say(laboratory, more, options):
    fan = laboratory.call("fan", {"fun": "ravine", "start": [2.0, 1.0], "learning_rate": 0.1, "max_steps": 120, **more})
    checked_at(fan, lambda rate: downslope.minimize("ravine", [2.0, 1.0], **{"max_steps": 120, **options(rate)}), n=6)


def test_on_the_parabola_it_is_the_closed_form(laboratory):
    fan = laboratory.call("fan", {"fun": "x^2", "start": [5.0], "interval": [0.01, 1.2], "max_steps": 30})
    for k, rate in enumerate(fan["rates"]):
        path = fan["path"][rows_of(fan, k), 0]
        # 30 steps of one rounding each, and the factor 1 - 2 a itself loses what cancels near a = 1/2.
        expected = 5 * (1 - 2 * rate) ** np.arange(len(path))
        np.testing.assert_allclose(path, expected, rtol=1e-11, atol=1e-14)
        np.testing.assert_allclose(fan["slopes"][rows_of(fan, k)], 2 * path, rtol=1e-15)


def test_rates_are_geometric_and_end_at_the_interval(laboratory):
    fan = laboratory.call("fan", {"fun": "x^2", "interval": [1e-3, 3.0]})
    assert len(fan["rates"]) == 256
    np.testing.assert_allclose(fan["rates"], np.geomspace(1e-3, 3.0, 256), rtol=1e-14)
    assert fan["first"][0] == 0
    np.testing.assert_array_equal(np.cumsum(fan["lengths"])[:-1], fan["first"][1:])
    assert len(fan["path"]) == fan["lengths"].sum()


@pytest.mark.slow
def test_the_behaviours_are_those_of_a_sweep(laboratory):
    fan = laboratory.call("fan", {"fun": "ravine", "start": [2.0, 1.0], "max_steps": 200})
    swept = downslope.sweep("ravine", starts=[[2.0, 1.0]], learning_rates=fan["rates"], max_steps=200)
    # The lanes of a sweep may round otherwise; none of these words hangs on a bit.
    assert fan["behaviour"] == swept.behaviour[:, 0].tolist()


@pytest.mark.slow
def test_neither_a_new_start_nor_a_new_number_compiles_anything(laboratory):
    def fan(**more):
        laboratory.call("fan", {"fun": "x^4 - 3x^2 + x", "method": "momentum", **more})

    def n_compiled():
        programs = [program for program in PROGRAMS._programs.values() if hasattr(program, "kernels")]
        kernels = [kernel for program in programs for kernel in program.kernels.values()]
        return sum(kernel._cache_size() for kernel in kernels if hasattr(kernel, "_cache_size"))

    fan(start=[1.5], max_steps=50)
    before = n_compiled()
    fan(start=[-0.3], coefficients={"beta": 0.3}, max_steps=77, gradient_tolerance=1e-4)
    fan(start=[2.0], n_rates=100, interval=[1e-4, 0.5])
    laboratory.call("drop", {"fun": "x^4 - 3x^2 + x", "method": "momentum", "learning_rate": 0.01, "count": 17})
    assert n_compiled() == before


@pytest.mark.slow
def test_a_function_that_is_not_compiled_has_the_same_fan_with_fewer_rates():
    def branching(x):
        return x**2 if x > 0 else 3 * x**2

    one = Laboratory({"branching": Own(branching, [2.0])})
    fan = one.call("fan", {"fun": "own:branching", "max_steps": 20})
    assert 2 <= len(fan["rates"]) < 256
    checked_at(fan, lambda rate: downslope.minimize(branching, 2.0, learning_rate=rate, max_steps=20), n=5)
    np.testing.assert_array_equal(np.abs(fan["slopes"]), fan["gradient_norms"])


def test_global_settings_of_jax_stay_as_they_are(laboratory):
    import jax

    laboratory.call("fan", {"fun": "x^2"})
    assert not jax.config.jax_enable_x64


@pytest.mark.slow
def test_a_function_that_raises_somewhere_has_the_steps_before():
    def cliff(x):
        if x < 1:
            raise ValueError("below one")
        return (x - 2) ** 2

    fan = Laboratory({"cliff": Own(cliff, [3.0])}).call("fan", {"fun": "own:cliff", "interval": [0.1, 1.6]})
    ends = fan["path"][(fan["first"] + fan["lengths"] - 1).astype(int), 0]
    falls = 3 - 2 * fan["rates"] < 1  # the first step leads beyond the cliff: to 2 + (1 - 2a)
    assert falls.any()
    assert not falls.all()
    assert fan["lengths"][falls].tolist() == [1] * falls.sum()
    np.testing.assert_allclose(ends[fan["rates"] < 0.9], 2, atol=1e-5)
