"""Each request against the library, or against what is known in closed form."""

import numpy as np
import pytest

import downslope
from downslope.lab.limits import told as limits_told
from downslope.methods import METHODS
from downslope.objectives import gallery


def test_hello_tells_every_problem_method_and_limit(laboratory):
    hello = laboratory.call("hello", {})
    assert [one["name"] for one in hello["functions"]] == list(gallery.PROBLEMS)
    assert [one["name"] for one in hello["methods"]] == list(METHODS)
    assert hello["limits"] == limits_told()
    assert hello["version"] == downslope.__version__
    momentum = next(one for one in hello["methods"] if one["name"] == "momentum")
    (beta,) = momentum["coefficients"]
    assert (beta["name"], beta["default"], beta["interval"]) == ("beta", 0.9, "[0, 1)")
    assert hello["own"] == []
    assert hello["opening"] is None
    assert hello["shows"] is False


A_FEW = ("parabola", "notch", "rosenbrock", "easom", "wood", "brown_badly_scaled")


@pytest.mark.parametrize(
    "name", [n if n in A_FEW else pytest.param(n, marks=pytest.mark.slow) for n in gallery.PROBLEMS]
)
def test_every_problem_of_the_gallery_can_be_shown(laboratory, name):
    found = laboratory.call("function", {"fun": name})
    problem = gallery.PROBLEMS[name]
    assert found["start"] == np.ravel(problem.start).tolist()
    assert found["loss"] == pytest.approx(float(problem(problem.start)), rel=1e-12)
    drawn = min(len(problem.variables), 2)
    assert len(found["ranges"]) == drawn
    surface = laboratory.call("surface", {"fun": name, "resolution": 5})
    assert surface["z"].shape == (5,) * drawn
    assert np.isfinite([surface["low"], surface["high"]]).all()
    assert surface["low"] < surface["high"]
    for slider in found["learning_rates"].values():
        low, high = slider["interval"]
        assert 0 < low < slider["default"] < high


@pytest.mark.parametrize(
    ("fun", "low", "high"),
    [
        ("cos(3x) + 0.1x^2", (-1, -0.8), (2.7, 2.8)),  # its highest top, near 4.2, is no wall
        ("x^2", (0, 1e-3), (25, 25)),
        ("exp(x^2)", (1, 1.01), (1e6, 1e10)),  # a wall: at the edge it is 7e10
        ("tan(x)", (-30, -5), (5, 30)),  # poles of any height
    ],
)
def test_a_curve_is_drawn_whole_but_for_walls_and_poles(laboratory, fun, low, high):
    surface = laboratory.call("surface", {"fun": fun, "ranges": [[-5, 5]]})
    assert low[0] <= surface["low"] <= low[1]
    assert high[0] <= surface["high"] <= high[1]


def test_a_formula_brings_its_variables_and_a_start_where_it_has_a_value(laboratory):
    assert laboratory.call("function", {"fun": "x cos(x) + 9"})["variables"] == ["x"]
    assert laboratory.call("function", {"fun": "b^2 + a"})["variables"] == ["a", "b"]
    found = laboratory.call("function", {"fun": "log(1 - x)"})
    assert np.isfinite(found["loss"])
    assert found["start"][0] < 1


def test_the_slider_of_gradient_descent_goes_beyond_the_stable_rate(laboratory):
    # On x^2 that rate is 2/2 = 1, for any formula of curvature c it is 2/c.
    for curvature in (2.0, 50.0, 0.01):
        found = laboratory.call("function", {"fun": f"{curvature / 2}*x^2"})
        low, high = found["learning_rates"]["gradient_descent"]["interval"]
        assert low < 0.01 * 2 / curvature
        assert 2 / curvature < high < 4 * 2 / curvature


def test_the_curve_is_the_function_and_its_slope(laboratory):
    found = laboratory.call("surface", {"fun": "x cos(x) + 9", "ranges": [[-3.0, 7.0]], "resolution": 101})
    x = np.linspace(-3, 7, 101)
    np.testing.assert_array_equal(found["x"], x)
    np.testing.assert_allclose(found["z"], x * np.cos(x) + 9, rtol=1e-14)
    np.testing.assert_allclose(found["slope"], np.cos(x) - x * np.sin(x), rtol=1e-12, atol=1e-13)


def test_the_surface_has_a_row_for_each_y(laboratory):
    found = laboratory.call("surface", {"fun": "x + 10 y^2", "ranges": [[0, 3], [-1, 2]], "resolution": 4})
    x, y = np.linspace(0, 3, 4), np.linspace(-1, 2, 4)
    np.testing.assert_allclose(found["z"], x[None, :] + 10 * y[:, None] ** 2, rtol=1e-14)


def test_where_there_is_no_real_number_the_surface_has_nan(laboratory):
    found = laboratory.call("surface", {"fun": "sqrt(x)", "ranges": [[-1, 1]], "resolution": 3})
    assert np.isnan(found["z"]).tolist() == [True, False, False]


def test_place_tells_the_loss_and_the_gradient_under_a_click(laboratory):
    found = laboratory.call("place", {"fun": "x^2 + 3 y", "at": [2.0, -1.0]})
    assert found == {"start": [2.0, -1.0], "loss": 1.0, "gradient": [4.0, 3.0]}
    assert laboratory.call("place", {"fun": "x^3", "at": [2.0]})["gradient"] == [12.0]


def test_critical_finds_what_the_derivative_says(laboratory):
    found = laboratory.call("critical", {"fun": "x^3 - 3x", "ranges": [[-2, 3]]})
    assert [(p["kind"], round(p["x"][0], 9), p["curvatures"]) for p in found["points"]] == [
        ("minimum", 1.0, [6.0]),
        ("maximum", -1.0, [-6.0]),
    ]


@pytest.mark.slow
def test_run_is_minimize(laboratory):
    found = laboratory.call(
        "run",
        {"fun": "rosenbrock", "start": [-1.2, 1.0], "learning_rate": 1e-3, "max_steps": 400, "method": "nesterov"},
    )
    run = downslope.minimize("rosenbrock", [-1.2, 1.0], learning_rate=1e-3, max_steps=400, method="nesterov")
    np.testing.assert_array_equal(found["path"], run.path)
    np.testing.assert_array_equal(found["losses"], run.losses)
    np.testing.assert_array_equal(found["gradient_norms"], run.gradient_norms)
    np.testing.assert_array_equal(found["learning_rates"], run.learning_rates)
    assert found["message"] == run.message
    assert found["sentences"] == list(run.explain().sentences)


def test_on_the_parabola_the_multiplier_is_1_minus_2a(laboratory):
    for rate in (0.1, 0.5, 0.9, 1.1):
        found = laboratory.call("run", {"fun": "x^2", "start": [5.0], "learning_rate": rate})
        assert found["multiplier"]["real"] == pytest.approx(1 - 2 * rate, abs=1e-9)
        assert found["multiplier"]["imaginary"] == 0
        np.testing.assert_allclose(found["slopes"], 2 * found["path"][:, 0])


@pytest.mark.sampled
@pytest.mark.parametrize(
    "asked",
    [
        {"fun": "x^2", "learning_rate": 0.9},
        {"fun": "rosenbrock", "learning_rate": 0.01},
        {"fun": "ravine", "learning_rate": 0.2, "decay": 0.5},
        {"fun": "saddle", "start": [1.0, 0.0], "learning_rate": 0.1},
        {"fun": "absolute_value", "learning_rate": 0.3},
        {"fun": "plateau", "start": [5.5], "learning_rate": 0.1},
    ],
    ids=lambda asked: asked["fun"],
)
def test_the_suggestion_applied_gives_the_run_that_it_tells_of(laboratory, asked):
    suggestion = laboratory.call("run", asked)["suggestion"]
    if suggestion is None:
        pytest.fail("these runs all have something to mend")
    again = laboratory.call("run", {**asked, **suggestion["change"], "explain": False})
    # The library may try with fewer steps than the setting has; what it tells of is then the beginning.
    assert again["n_steps"] == suggestion["n_steps"]
    assert again["loss"] == suggestion["loss"]


def test_the_limits_are_those_of_theory(laboratory):
    # Largest stable: 2/L, 2(1+b)/L and 2(1+b)/((1+2b)L); zigzag of gradient descent from 1/L, best 2/(l+L).
    low, high, beta = 0.1, 8.0, 0.9
    expected = {
        "gradient_descent": 2 / high,
        "momentum": 2 * (1 + beta) / high,
        "nesterov": 2 * (1 + beta) / ((1 + 2 * beta) * high),
    }
    for method, largest in expected.items():
        found = laboratory.call("limits", {"fun": "ravine", "method": method})
        assert found["largest_stable"] == pytest.approx(largest, rel=1e-6)
        np.testing.assert_allclose(found["curvatures"], [low, high])
    plain = laboratory.call("limits", {"fun": "ravine"})
    assert plain["zigzag_from"] == pytest.approx(1 / high, rel=1e-6)
    assert plain["best_rate"] == pytest.approx(2 / (low + high), rel=1e-6)
    factors = np.maximum(np.abs(1 - low * plain["rates"]), np.abs(1 - high * plain["rates"]))
    np.testing.assert_allclose(plain["factors"], factors, rtol=1e-9)


def test_where_there_are_no_limits_it_says_why(laboratory):
    assert "no minimum" in laboratory.call("limits", {"fun": "saddle"})["why"]
    assert "what it has seen" in laboratory.call("limits", {"fun": "x^2", "method": "adam"})["why"]


@pytest.mark.slow
def test_the_map_is_that_of_basins(laboratory):
    asked = {"fun": "himmelblau", "learning_rate": 0.01, "ranges": [[-5, 5], [-4, 4]], "resolution": 16}
    found = laboratory.call("basins", asked)
    same = downslope.basins("himmelblau", [(-5, 5), (-4, 4)], resolution=16, learning_rate=0.01, max_steps=5000)
    np.testing.assert_array_equal(found["which"], same.which)
    np.testing.assert_array_equal(found["steps"], same.n_steps)
    assert [one["x"] for one in found["minima"]] == [one.x.tolist() for one in same.minima]
    assert sum(one["share"] for one in found["minima"]) == pytest.approx(1.0)


@pytest.mark.slow
def test_the_map_of_one_variable_may_be_finer(laboratory):
    found = laboratory.call("basins", {"fun": "x cos(x) + 9", "learning_rate": 0.1, "resolution": 401})
    assert len(found["which"]) == len(found["x"]) == 401


def test_a_rate_that_changes_has_no_multiplier_of_each_step(laboratory):
    for setting in ({"learning_rate": None}, {"learning_rate": 0.1, "decay": 0.9}):
        found = laboratory.call("run", {"fun": "ravine", "start": [9.0, 1.0], **setting})
        assert found["multiplier"] is None


def test_marbles_left_and_right_of_the_hill_end_in_the_two_wells(laboratory):
    starts = [[-1.7], [-0.2], [0.3], [1.1], [1.6]]
    found = laboratory.call("drop", {"fun": "double_well", "learning_rate": 0.02, "starts": starts})
    assert [round(one["x"][0], 5) for one in found["minima"]] == [-1.0, 1.0]
    assert [one["count"] for one in found["minima"]] == [2, 3]
    assert found["which"].tolist() == [0, 0, 1, 1, 1]
    np.testing.assert_array_equal(found["path"][found["first"].astype(int)], starts)


def test_each_marble_rolls_as_a_run_does(laboratory):
    asked = {"fun": "himmelblau", "learning_rate": 0.01, "count": 40, "seed": 3}
    found = laboratory.call("drop", asked)
    for k in (0, 17, 39):
        first, length = int(found["first"][k]), int(found["lengths"][k])
        run = downslope.minimize("himmelblau", found["starts"][k].tolist(), learning_rate=0.01, max_steps=300)
        np.testing.assert_array_equal(found["path"][first : first + length], run.path)
    again = laboratory.call("drop", asked)
    np.testing.assert_array_equal(again["starts"], found["starts"])
    assert sum(one["count"] for one in found["minima"]) == 40


@pytest.mark.slow
def test_marbles_that_are_slow_are_followed_further_than_they_are_drawn(laboratory):
    asked = {"fun": "double_well", "learning_rate": 0.001, "starts": [[1.5], [-1.5]], "max_steps": 10}
    found = laboratory.call("drop", asked)
    assert found["lengths"].tolist() == [11, 11]
    assert found["status"] == ["MAX_STEPS", "MAX_STEPS"]
    assert (found["steps"] > 10).all()
    np.testing.assert_allclose(found["ends"], [[1.0], [-1.0]], atol=1e-5)


def test_the_race_has_the_runs_and_tells_the_winners(laboratory):
    entrants = [{}, {"method": "momentum", "learning_rate": 0.1, "label": "with momentum"}, {"learning_rate": 0.2}]
    asked = {"fun": "ravine", "start": [2.0, 1.0], "learning_rate": 0.02, "max_steps": 300}
    found = laboratory.call("race", {**asked, "entrants": entrants})
    runs = [
        downslope.minimize("ravine", [2.0, 1.0], max_steps=300, **one)
        for one in ({"learning_rate": 0.02}, {"learning_rate": 0.1, "method": "momentum"}, {"learning_rate": 0.2})
    ]
    for told, run in zip(found["runs"], runs, strict=True):
        np.testing.assert_array_equal(told["path"], run.path)
    steps = [run.n_steps if run.converged else np.inf for run in runs]
    assert found["winner_by_steps"] == int(np.argmin(steps))
    assert found["winner_by_loss"] == int(np.argmin([run.loss for run in runs]))
    assert found["runs"][1]["label"] == "with momentum"
    assert found["differences"].shape == (max(run.n_steps for run in runs) + 1, 3)
    assert found["differences"].min() == 0
    for k in (0, 70):
        losses = [run.losses[min(k, run.n_steps)] for run in runs]
        np.testing.assert_array_equal(found["differences"][k], np.array(losses) - min(losses))


def test_a_race_between_equals_has_no_winner(laboratory):
    found = laboratory.call("race", {"fun": "x^2", "learning_rate": 0.1, "entrants": [{}, {}]})
    assert found["winner_by_steps"] is None
    assert found["winner_by_loss"] is None


@pytest.mark.slow
def test_the_challenge_is_judged_by_its_closed_form(laboratory):
    # |5 (1 - 2a)^25| < 1e-3, so that the largest rate is (1 + (2e-4)^(1/25)) / 2.
    largest = (1 + 2e-4 ** (1 / 25)) / 2
    for rate in (0.05, 0.5, largest - 1e-6, largest + 1e-6, 1.0, 30.0):
        found = laboratory.call("challenge", {"learning_rate": rate})
        assert found["limit"] == pytest.approx(largest, rel=1e-9)
        assert found["met"] == (abs(1 - 2 * rate) < 2e-4 ** (1 / 25))
        assert found["share"] == pytest.approx(rate / largest)


@pytest.mark.slow
def test_every_question_of_the_quiz_worked_once_and_its_answer_is_what_the_runs_show(laboratory):
    truths = set()
    for question in laboratory.call("hello", {})["quiz"]:
        told = laboratory.call("quiz", {"question": question["name"]})
        assert told["first"]["converged"]
        assert "second" not in told
        assert told["tripled"]["learning_rate"] == pytest.approx(3 * told["setting"]["learning_rate"])
        answered = laboratory.call("quiz", {"question": question["name"], "answer": "never"})
        truths.add(answered["truth"])
        assert answered["right"] == (answered["truth"] == "never")
        first, second = told["first"], answered["second"]
        nearby = np.allclose(first["x"], second["x"], atol=1e-3)
        expected = {
            "sooner": second["converged"] and nearby and second["n_steps"] < first["n_steps"],
            "later": second["converged"] and nearby and second["n_steps"] >= first["n_steps"],
            "elsewhere": second["converged"] and not nearby,
            "never": not second["converged"] and np.abs(second["path"]).max() < 100,
            "diverges": not second["converged"] and second["losses"][-1] > 1e6 * first["losses"][0],
        }
        assert [name for name, holds in expected.items() if holds] == [answered["truth"]]
    assert truths == {choice["name"] for choice in told["choices"]}
