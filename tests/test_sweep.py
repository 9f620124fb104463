"""A sweep is `minimize` at every point of a grid, checked before anything runs, with labels on its axes."""

import sys

import numpy as np
import pytest

import downslope
from downslope import Adam, InvalidInput, MissingExtra, Momentum, Status, sweep
from downslope.learning_rates import Backtracking, GeometricDecay

pytestmark = pytest.mark.slow  # each compiles many runs at once

RANDOM = np.random.default_rng(11)
STARTS = RANDOM.uniform(-3, 3, (4, 2))


def himmelblau(x):
    return (x[0] ** 2 + x[1] - 11) ** 2 + (x[0] + x[1] ** 2 - 7) ** 2


def never(x):
    raise AssertionError("nothing may be computed")


def assert_same(found, index, run):
    assert Status(found.status[index]) is run.status
    assert found.n_steps[index] == run.n_steps
    # Two compilations of one descent, each free to contract a product and a sum; it settles on the same point.
    np.testing.assert_allclose(found.x[index], np.ravel(run.x), rtol=1e-8)
    np.testing.assert_allclose(found.loss[index], run.loss, rtol=1e-8, atol=1e-12)


def test_every_combination_is_the_run_that_minimize_makes():
    rates, betas = [0.002, 0.005], [0.0, 0.5, 0.8]
    found = sweep(
        himmelblau,
        starts=STARTS,
        learning_rates=rates,
        methods=["momentum", "nesterov"],
        coefficients={"beta": betas},
        max_steps=500,
    )
    assert {name: len(labels) for name, labels in found.dimensions.items()} == {
        "method": 2,
        "learning_rate": 2,
        "beta": 3,
        "start": 4,
    }
    assert found.dimensions["method"].tolist() == ["Momentum(beta=0.9)", "Nesterov(beta=0.9)"]
    for index in np.ndindex(found.status.shape):
        method, rate, beta, start = index
        rule = (downslope.Momentum, downslope.Nesterov)[method](betas[beta])
        alone = downslope.minimize(himmelblau, STARTS[start], method=rule, learning_rate=rates[rate], max_steps=500)
        assert_same(found, index, alone)


def test_one_value_is_no_dimension_and_a_list_of_one_is():
    assert list(sweep("x^2", starts=[1.0], learning_rates=0.1).dimensions) == ["start"]
    found = sweep("x^2", starts=[1.0], learning_rates=[0.1], methods=["momentum"], seeds=[3])
    assert list(found.dimensions) == ["method", "learning_rate", "seed", "start"]
    assert found.status.shape == (1, 1, 1, 1)


@pytest.mark.slow
def test_schedules_and_searches_stand_beside_numbers():
    rates = [0.01, GeometricDecay(0.02, 0.99), None, Backtracking(shrink=0.3), lambda k: 0.01 / (1 + k / 100)]
    found = sweep(himmelblau, starts=STARTS, learning_rates=rates, max_steps=300)
    assert found.dimensions["learning_rate"][:3].tolist() == [
        "0.01",
        "GeometricDecay(rate=0.02, factor=0.99)",
        "default",
    ]
    assert "Python code" in found.notes[0]
    for index in np.ndindex(found.status.shape):
        alone = downslope.minimize(himmelblau, STARTS[index[1]], learning_rate=rates[index[0]], max_steps=300)
        assert_same(found, index, alone)


def test_rules_of_other_libraries_run_one_by_one():
    optax = pytest.importorskip("optax")
    found = sweep(himmelblau, starts=STARTS[:2], methods=optax.adam(0.05), max_steps=30)
    assert list(found.dimensions) == ["start"]
    assert "another library's rule" in found.notes[0]
    assert_same(found, (1,), downslope.minimize(himmelblau, STARTS[1], method=optax.adam(0.05), max_steps=30))


def test_labels_of_other_libraries_rules_are_the_same_in_every_process():
    optax = pytest.importorskip("optax")
    rules = [optax.adam(0.05), optax.sgd(0.1), optax.sgd(0.1), "adam"]
    found = sweep("x^2", starts=[3.0], methods=rules, max_steps=20)
    assert found.dimensions["method"].tolist() == [
        "optax(scale_by_adam(b1=0.9, b2=0.999, eps=1e-08, eps_root=0), scale(step_size=-0.05))",
        "optax(scale(step_size=-0.1))",
        "optax(scale(step_size=-0.1)) (2)",
        "Adam(beta1=0.9, beta2=0.999, epsilon=1e-08)",
    ]
    assert found.select(method="optax(scale(step_size=-0.1))").x == pytest.approx(found.x[1, 0, 0], rel=1e-12)

    class Halving:
        def __call__(self, step):
            return 0.4 / 2**step

    rates = sweep("x^2", starts=[3.0], learning_rates=[Halving(), lambda step: 0.1], max_steps=5)
    assert rates.dimensions["learning_rate"][1] == "<lambda>"
    assert "Halving object" in rates.dimensions["learning_rate"][0]
    assert not any("0x" in label for label in rates.dimensions["learning_rate"])


def test_seeds_are_those_of_minimize_and_without_any_one_is_drawn_for_all():
    options = {"learning_rates": 0.01, "noise": 0.3, "max_steps": 50}
    found = sweep(himmelblau, starts=STARTS[:2], seeds=[1, 2, 1], **options)
    np.testing.assert_array_equal(found.x[0], found.x[2])
    assert (found.x[0] != found.x[1]).all()
    assert_same(found, (1, 1), found.select(seed=2, start=1))
    drawn = sweep(himmelblau, starts=STARTS[:2], **options)
    assert_same(drawn, (1,), drawn.select(start=1))


def test_starts_may_be_numbers_vectors_or_containers():
    assert sweep("x^2", starts=[1.0, -2.0], learning_rates=0.5).x.tolist() == [[0.0], [0.0]]
    assert sweep("x^2", starts=np.linspace(-1, 1, 5), learning_rates=0.5).x.shape == (5, 1)
    assert sweep(lambda x, y: x**2 + y**2, starts=[(1, 2), (3, 4)], learning_rates=0.5).x.shape == (2, 2)
    trees = [{"a": 1.0, "b": [2.0, 3.0]}, {"a": 0.0, "b": [1.0, 1.0]}]
    found = sweep(lambda p: p["a"] ** 2 + np.sum(p["b"] ** 2), starts=trees, learning_rates=0.5)
    assert found.x.shape == (2, 3)
    assert found.variables == ("a", "b[0]", "b[1]")
    assert found.select(start=1).x["a"] == 0.0
    assert sweep("himmelblau", learning_rates=0.01).converged_fraction == 1.0  # the gallery's own start


@pytest.mark.parametrize(
    ("options", "parameter", "rule"),
    [
        ({"starts": []}, "starts", "at least one"),
        ({"starts": 5.0}, "starts", "list or array"),
        ({"starts": None}, "starts", "must be given"),
        ({"starts": [[1.0, np.nan]]}, "starts", "must be finite, and start 0 is not"),
        ({"starts": [[1.0, 2.0], [1.0, np.inf]]}, "starts", "start 1 is not"),
        ({"starts": [[1.0, 2.0], [1.0]]}, "starts", "start 1 is not"),
        ({"starts": [[1.0, 2.0], {"a": 1.0}]}, "starts", "start 1 is not"),
        ({"starts": [[0.0, 0.0], [5.0, 0.0]], "bounds": (-1, 1)}, "starts", "inside the bounds"),
        ({"starts": [[5.0, 0.0], [0.0, 0.0]], "bounds": (-1, 1)}, "starts", "inside the bounds"),
        ({"learning_rates": []}, "learning_rates", "at least one"),
        ({"learning_rates": [0.1, -0.1]}, "learning_rates", "positive"),
        ({"learning_rates": np.array([0.1, np.nan])}, "learning_rates", "positive"),
        ({"learning_rates": [0.1, True]}, "learning_rate", "must be"),
        ({"learning_rates": [[0.1, 0.2, 0.3]]}, "learning_rate", "2 of them"),
        ({"learning_rates": [[0.1, 0.2, 0.3], 0.1]}, "learning_rate", "2 of them"),
        (
            {"learning_rates": [None, 0.1], "methods": "momentum", "coefficients": {"gamma": [1]}},
            "coefficients",
            "beta",
        ),
        ({"methods": "momentum", "coefficients": {"beta": [0.5, 1.0]}}, "beta", r"\[0, 1\)"),
        ({"methods": "momentum", "coefficients": {"beta": []}}, "beta", "at least one"),
        ({"methods": ["momentum", "adam"], "coefficients": {"beta": [0.5]}}, "coefficients", "Adam"),
        ({"methods": "momentum", "coefficients": [0.5]}, "coefficients", "by name"),
        ({"starts": np.array([[1j, 2.0]])}, "starts", "real numbers"),
        ({"methods": []}, "methods", "at least one"),
        ({"methods": ["momentum", "gradient_decent"]}, "method", "must be"),
        ({"methods": ["momentum"], "learning_rates": [Backtracking()]}, "learning_rate", "line search"),
        ({"seeds": []}, "seeds", "at least one"),
        ({"seeds": [1, -1]}, "seed", "whole number"),
        ({"noise": 0.1, "learning_rates": [0.1, None]}, "noise", "Backtracking"),
        ({"max_steps": -1}, "max_steps", "whole number"),
        (
            {"starts": np.zeros((10**6, 2)), "learning_rates": np.geomspace(1e-6, 1, 10**5)},
            "starts",
            r"1 x 100000 x 1 x 1000000 runs",
        ),
    ],
)
def test_bad_input_is_named_before_anything_runs(options, parameter, rule):
    with pytest.raises(InvalidInput, match=rule) as caught:
        sweep(never, **{"starts": [[1.0, 2.0]], "learning_rates": 0.1, **options})
    assert caught.value.parameter == parameter


def test_select_makes_the_run_again_and_names_what_there_is():
    found = sweep(
        himmelblau, starts=STARTS, learning_rates=np.geomspace(0.001, 0.01, 7), methods=[Momentum(0.5), Adam()]
    )
    rate = found.dimensions["learning_rate"][4]
    assert_same(found, (0, 4, 2), found.select(method="Momentum(beta=0.5)", learning_rate=float(rate), start=2))
    with pytest.raises(InvalidInput, match=r"`learning_rate` must be one of 0\.001, .*got 0\.7"):
        found.select(method="Momentum(beta=0.5)", learning_rate=0.7, start=0)
    with pytest.raises(InvalidInput, match="`start` must be given, as one of 0, 1, 2, 3; got None"):
        found.select(method="Momentum(beta=0.5)", learning_rate=0.001)
    with pytest.raises(InvalidInput, match="`beta` must be one of method, learning_rate, start"):
        found.select(beta=0.5)


def test_best_is_the_lowest_loss():
    found = sweep("x cos(x) + 9", starts=np.linspace(-8, 12, 41), learning_rates=[0.05, 0.1])
    best = found.best()
    assert best["loss"] == np.nanmin(found.loss)
    # The lowest minimum that starts on [-8, 12] reach: the root of cos x = x sin x near 9.53, known from theory.
    assert best["x"] == pytest.approx(9.529334405361963, abs=1e-6)
    assert found.select(learning_rate=best["learning_rate"], start=best["start"]).loss == pytest.approx(best["loss"])


def test_basins_of_x_cos_x_end_at_the_adjacent_maxima():
    # Small steps cannot cross a maximum; the maxima are the roots 6.4373 and 12.6453 of cos x = x sin x.
    starts = np.linspace(6.0, 13.0, 1401)
    found = sweep("x cos(x) + 9", starts=starts, learning_rates=0.01)
    inside = np.abs(found.x[:, 0] - 9.529334405361963) < 1e-3
    edges = starts[inside][[0, -1]]
    assert np.diff(np.flatnonzero(inside)).max() == 1  # one contiguous basin
    np.testing.assert_allclose(edges, [6.437298179171947, 12.645287223856643], atol=0.005)


@pytest.mark.parametrize(
    ("fun", "starts", "rates", "least"),
    [
        ("x cos(x) + 9", [-3.2, 1.0, 6.0, 13.0], np.geomspace(0.2, 1.6, 12), 0.9),
        ("rastrigin", [[2.7, -4.6], [-1.3, 0.4]], np.geomspace(0.004, 0.06, 10), 0.85),
        ("double_well", [-1.4, 0.3, 1.7], np.geomspace(0.2, 0.5, 10), 0.85),
        ("himmelblau", [[1.0, -4.0], [-3.0, 0.5]], np.geomspace(0.01, 0.04, 10), 0.9),
        ("rosenbrock", [[-1.2, 1.0], [1.5, -0.5]], np.geomspace(2e-4, 5e-3, 10), 0.9),
    ],
)
def test_runs_that_end_nowhere_are_called_as_their_whole_record_is(fun, starts, rates, least):
    # A lane knows its end and its counts alone; `explain` has the path, the curvature and the minima around.
    found = sweep(fun, starts=starts, learning_rates=rates, max_steps=1000)
    pairs = []
    for rate, start in np.argwhere(found.status == Status.MAX_STEPS).tolist():
        run = found.select(learning_rate=rates[rate], start=start)
        pairs.append((found.behaviour[rate, start], run.explain().behaviour.value))
    assert len(pairs) >= 5
    # Chaos may come near a saddle, or end on three rising thirds, by chance: then `explain` says so.
    assert np.mean([told == explained for told, explained in pairs]) >= least
    assert not any(told in ("crawling", "diverging") and explained == "erratic" for told, explained in pairs)


def test_runs_whose_rates_fade_away_stop_short():
    rates = [0.001, GeometricDecay(0.001, 0.9), GeometricDecay(0.4, 0.99)]
    found = sweep("x^2", starts=[3.0], learning_rates=rates, max_steps=2000, gradient_tolerance=1e-9)
    assert found.behaviour[:, 0].tolist() == ["crawling", "stopped short", "straight descent"]
    label = found.dimensions["learning_rate"][1]
    assert found.select(learning_rate=label).explain().behaviour.value == "stopped short"


def test_runs_that_go_up_and_down_with_noise_have_reached_its_floor():
    found = sweep("x^2", starts=[3.0], learning_rates=[0.1, 1.5], noise=0.1, seeds=0, max_steps=200)
    assert found.behaviour[:, 0].tolist() == ["noise floor", "diverging"]
    assert found.select(learning_rate=0.1).explain().behaviour.value == "noise floor"


def test_starts_that_do_not_suit_the_function_are_named_as_such():
    with pytest.raises(InvalidInput, match="`starts` must hold 2 numbers, one for each parameter of `fun`; got 3"):
        sweep("himmelblau", starts=np.zeros((3, 3)), learning_rates=0.01)
    with pytest.raises(InvalidInput, match="`bounds` must hold 2 numbers"):
        downslope.multistart("himmelblau", [(0, 1)] * 3)
    found = sweep("x^2", starts=[1.0], learning_rates=0.1, methods="momentum", coefficients={"beta": [0.1, 0.5]})
    with pytest.raises(InvalidInput, match=r"`beta` must be given, as one of 0\.1, 0\.5"):
        found.select()


def test_behaviour_follows_the_multiplier_of_a_parabola():
    # x <- (1 - 2a) x, so that the multipliers are 0.8, -0.8, -1 and -1.2.
    found = sweep("x^2", starts=[3.0], learning_rates=[0.1, 0.9, 1.0, 1.1, 1e-6], max_steps=200)
    assert found.behaviour[:, 0].tolist() == ["straight descent", "zigzag", "bouncing", "diverging", "crawling"]
    assert sweep("x^2", starts=[3.0], learning_rates=2.0).behaviour.tolist() == ["diverging"]  # to infinity
    assert sweep("x", starts=[3.0], learning_rates=0.5, bounds=(0, 9)).behaviour.tolist() == ["held at a bound"]
    assert sweep("sqrt(x) + x", starts=[1e-2], learning_rates=0.1).behaviour.tolist() == ["left the domain"]
    assert sweep("x^2", starts=[0.0], learning_rates=0.1).behaviour.tolist() == ["at rest"]


def test_the_stable_rates_of_a_quadratic_are_those_of_theory():
    # Gradient descent on curvature L is stable below 2 / L, the heavy ball below 2 (1 + beta) / L (Polyak 1964).
    rates = np.linspace(0.02, 0.4, 96)
    found = sweep(
        "x^2 + 5 y^2",
        starts=[[3.0, 1.0]],
        learning_rates=rates,
        methods="momentum",
        coefficients={"beta": [0.0, 0.5]},
        max_steps=3000,
    )
    for k, beta in enumerate((0.0, 0.5)):
        np.testing.assert_array_equal(found.converged[:, k, 0], rates < 2 * (1 + beta) / 10 - 1e-9)


def test_a_table_has_one_row_a_run():
    table = sweep(himmelblau, starts=STARTS, learning_rates=[0.001, 0.01]).to_dataframe()
    assert len(table) == 8
    assert table.columns[:6].tolist() == ["learning_rate", "start", "start x[0]", "start x[1]", "end x[0]", "end x[1]"]
    row = table[(table["learning_rate"] == 0.01) & (table["start"] == 2)].iloc[0]
    alone = downslope.minimize(himmelblau, STARTS[2], learning_rate=0.01)
    assert (row["status"], row["n_steps"]) == (alone.status.name, alone.n_steps)
    assert row["start x[1]"] == STARTS[2, 1]


def test_an_xarray_has_the_dimensions_by_name():
    pytest.importorskip("xarray")
    found = sweep(himmelblau, starts=STARTS, learning_rates=[0.001, 0.01], methods=["momentum", "adam"])
    data = found.to_xarray()
    assert dict(data.sizes) == {"method": 2, "learning_rate": 2, "start": 4, "variable": 2}
    one = data.sel(learning_rate=0.01, start=3).isel(method=0)
    np.testing.assert_array_equal(one["x"].values, found.x[0, 1, 3])
    assert one["status"].item() == Status(found.status[0, 1, 3]).name
    np.testing.assert_array_equal(data["start_x"].values, STARTS)


@pytest.mark.parametrize(("method", "package"), [("to_xarray", "xarray"), ("to_dataframe", "pandas")])
def test_a_missing_package_is_named(method, package, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtra, match=package):
        getattr(sweep("x^2", starts=[1.0], learning_rates=0.1), method)()


def test_an_interrupted_sweep_keeps_what_is_finished():
    calls = 0

    def fun(x):  # branches, and so runs one by one
        nonlocal calls
        calls += 1
        if calls > 200:
            raise KeyboardInterrupt
        return x**2 if x > 0 else 2 * x**2

    found = sweep(fun, starts=[1.0, 2.0, 3.0, 4.0], learning_rates=[0.1, lambda k: 0.2], max_steps=40)
    done = found.lanes.status != Status.INTERRUPTED
    assert 0 < done.sum() < 8
    assert (np.diff(done.astype(int)) <= 0).all()
    assert found.behaviour.ravel()[-1] == ""
    assert np.isnan(found.loss.ravel()[-1])


def test_the_bar_tells_runs_a_second(monkeypatch, capsys):
    monkeypatch.setattr("downslope.progress.SECONDS_BEFORE", -1.0)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("FORCE_COLOR", "1")
    sweep("x^2", starts=np.linspace(1, 2, 300), learning_rates=0.1, progress=True)
    assert "runs/s" in capsys.readouterr().err


def test_recorded_lanes_are_full_runs():
    options = {"starts": STARTS, "learning_rates": [0.002, 0.005], "max_steps": 60}
    found = sweep(himmelblau, **options, record=3)
    assert list(found.records) == [0, 4, 7]  # the first, the last, and one between them
    for lane, run in found.records.items():
        assert len(run.path) == run.n_steps + 1
        assert_same(found, np.unravel_index(lane, found.status.shape), run)
    assert list(sweep(himmelblau, **options, record=[6, 1]).records) == [6, 1]
    assert sweep(himmelblau, **options).records == {}


@pytest.mark.parametrize("record", [-1, 1.5, True, [0, 8], [-1], "all", [0.5]])
def test_lanes_that_are_not_there_cannot_be_recorded(record):
    with pytest.raises(InvalidInput, match=r"`record` must be a number of lanes, or a list of lanes from 0 to 7"):
        sweep(never, starts=STARTS, learning_rates=[0.002, 0.005], record=record)


def test_losses_at_the_end_of_all_numbers_are_judged_without_a_warning():
    found = sweep("x cos(x) + 9", starts=[1.633165829145729], learning_rates=0.6579332246575682, methods=Momentum(0.99))
    assert found.behaviour.item()  # pytest makes a warning an error
    assert found.lanes.best_loss[0] < -1e307
