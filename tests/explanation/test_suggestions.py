"""What is suggested was tried: made again by hand, it goes as the words say; and where nothing helps, they say so."""

import dataclasses

import numpy as np
import optax
import pytest

import downslope
from downslope import Adam, GradientDescent, Momentum, Newton
from downslope.learning_rates import GeometricDecay
from downslope.minimization import minimize
from downslope.wording import counted, short

pytestmark = [
    pytest.mark.slow,  # each compiles what it explains
    pytest.mark.filterwarnings("ignore:the gradient is exactly zero at the start"),
]

RAVINE = ("0.05*x^2 + 4*y^2", [-4.5, 1.5])
HELPED = {
    "diverged": ("x^2", 5.0, {"learning_rate": 1.1}),
    "diverged in a ravine": (*RAVINE, {"learning_rate": 0.26, "max_steps": 300}),
    "bouncing": ("x^2", 5.0, {"learning_rate": 1.0, "max_steps": 100}),
    "zigzag": ("x^2", 5.0, {"learning_rate": 0.95}),
    "crawling": ("x^2", 5.0, {"learning_rate": 1e-4, "max_steps": 1000}),
    "crawling in a ravine": (*RAVINE, {"learning_rate": 0.01, "max_steps": 500}),
    "momentum too fast": ("x^2", 5.0, {"method": "momentum", "learning_rate": 2.0, "max_steps": 100}),
    "nesterov too slow": ("x^2", 5.0, {"method": "nesterov", "learning_rate": 1e-5, "max_steps": 200}),
    "sign descent bouncing": ("x^2", 5.0, {"method": "sign_descent", "learning_rate": 0.3, "max_steps": 200}),
    "stopped short": ("x^2", 5.0, {"learning_rate": GeometricDecay(0.01, 0.9), "max_steps": 200}),
    "at a saddle": ("(x^2 - 1)^2 + y^2", [0.0, 1.0], {"learning_rate": 0.1}),
    "at a maximum": ("(x^2 - 1)^2", 0.0, {"learning_rate": 0.1}),
    "on a plateau": ("1 - exp(-x^2/2)", 4.0, {"learning_rate": 0.01, "max_steps": 100}),
    "noise": ("x^2", 5.0, {"learning_rate": 0.4, "noise": 0.1, "seed": 0, "max_steps": 2000}),
    "bounded": ("(x - 1)^2", 5.0, {"learning_rate": 1.1, "bounds": (-10, 10), "max_steps": 100}),
    "target": ("x^2", 5.0, {"learning_rate": 1e-4, "target_loss": 1e-3, "max_steps": 500}),
    "chaos": ("(x^2 - 1)^2", 0.3, {"learning_rate": 0.48, "max_steps": 3001}),
}
METHODS = {
    "Momentum": Momentum,
    "Adam": Adam,
    "Newton": Newton,
    "GradientDescent": GradientDescent,
}


def by_hand(fun, start, options, changes):
    """The run that the change asks for, from public names alone."""
    given = {"x0": start, **options, **changes}
    x0 = given.pop("x0")
    return downslope.minimize(fun, x0, **given)


def check_words(suggestion, run):
    """The quoted end is that of the run made by hand."""
    steps, loss = counted(run.n_steps, "step"), short(run.loss)
    assert steps in suggestion.words
    assert loss in suggestion.words
    assert ("converged" in suggestion.words) == run.converged


@pytest.mark.parametrize("name", HELPED)
def test_what_is_suggested_goes_as_quoted(name):
    fun, start, options = HELPED[name]
    explanation = downslope.minimize(fun, start, **options).explain()
    suggestion = explanation.suggestion
    assert suggestion is not None, str(explanation)
    assert explanation.sentences[-1].startswith(f"Try {suggestion.words}")
    again = by_hand(fun, start, options, suggestion.change.arguments)
    told = suggestion.to_dict()
    assert (again.n_steps, again.loss, again.status.name) == (told["n_steps"], told["loss"], told["status"])
    check_words(suggestion, again)


@pytest.mark.parametrize("name", HELPED)
def test_its_dictionary_is_enough_to_make_it_again(name):
    fun, start, options = HELPED[name]
    told = downslope.minimize(fun, start, **options).explain().to_dict()["suggestion"]
    changes = {}
    for key, value in told["arguments"].items():
        if isinstance(value, dict):
            names = {k: v for k, v in value.items() if k != "name"}
            if key == "method":
                value = METHODS[value["name"]](**names)
            elif value["name"] == "Constant":
                value = names["rate"]
            elif value["name"] == "Backtracking":
                value = None
            else:
                value = getattr(downslope.learning_rates, value["name"])(**names)
        changes[key] = value
    again = by_hand(fun, start, options, changes)
    assert (again.n_steps, again.loss) == (told["n_steps"], told["loss"])


@pytest.mark.parametrize("name", HELPED)
def test_it_is_better_than_what_was(name):
    fun, start, options = HELPED[name]
    run = downslope.minimize(fun, start, **options)
    again = run.explain().suggestion.run
    fewer = again.converged and again.n_steps < run.n_steps
    tail = len(again.losses) // 10 + 1
    assert fewer or np.median(again.losses[-tail:]) < np.median(run.losses[-(len(run.losses) // 10 + 1) :])


def test_a_parabola_that_blew_up_at_1_1_is_there_in_one_step_of_0_5():
    explanation = downslope.minimize("x^2", 5.0, learning_rate=1.1).explain()
    suggestion = explanation.suggestion
    assert suggestion.change.arguments == {"learning_rate": 0.5}
    assert (suggestion.run.n_steps, suggestion.run.x, suggestion.run.loss) == (1, 0.0, 0.0)
    assert explanation.sentences[-1] == "Try learning rate 0.5: tried, it converged in 1 step, to a loss of 0."


@pytest.mark.parametrize(
    ("fun", "start", "options"),
    [
        ("x", 1.0, {"learning_rate": 0.1, "max_steps": 100}),
        ("-x^2", 1.0, {"learning_rate": 0.1, "max_steps": 100}),
        ("x^2 - y^2", [2.0, 0.001], {"learning_rate": 0.1, "max_steps": 300}),
        ("x^2 + y", [1.0, 1.0], {"learning_rate": 0.1, "max_steps": 300}),
    ],
    ids=["a slope", "a hill", "a saddle", "a slide"],
)
def test_where_there_is_no_bottom_nothing_helps(fun, start, options):
    explanation = downslope.minimize(fun, start, **options).explain()
    assert explanation.suggestion is None, str(explanation)
    assert "Nothing helped" in explanation.sentences[-1]
    assert explanation.trials.n_tried > 0


@pytest.mark.parametrize(
    ("fun", "start", "options"),
    [
        ("x^2", 0.0, {"learning_rate": 0.1}),
        ("x^2 + 3*y^2", [0.0, 0.0], {"method": "adam"}),
        ("x^2", 0.5, {"learning_rate": 0.1, "target_loss": 1.0}),
        ("x^2", 5.0, {"learning_rate": 0.1, "bounds": (1, 6)}),
        ("(x - 3)^2 + y^2", [0.0, 1.0], {"learning_rate": 0.1, "bounds": [(-5, 2), (-5, 5)]}),
    ],
    ids=["minimum", "minimum of two", "target", "bound", "bound of two"],
)
def test_at_rest_or_at_a_bound_nothing_is_suggested(fun, start, options):
    explanation = downslope.minimize(fun, start, **options).explain()
    assert explanation.suggestion is None
    assert not any(word in str(explanation) for word in ("Try", "Nothing helped"))
    assert explanation.trials.n_tried == 0


def test_a_run_that_was_quick_is_left_alone():
    explanation = downslope.minimize("x^2", 5.0, learning_rate=0.5).explain()
    assert explanation.suggestion is None
    assert "Nothing helped" not in str(explanation)


def test_without_suggest_nothing_is_tried():
    explanation = downslope.minimize("x^2", 5.0, learning_rate=1.1).explain(suggest=False)
    assert explanation.suggestion is None
    assert explanation.trials.n_tried == 0


def test_a_suggestion_keeps_what_was_asked_for():
    run = downslope.minimize("x^2", 5.0, learning_rate=1.1, gradient_tolerance=1e-3, max_steps=40, bounds=(-9, 9))
    asked = run.explain().suggestion.run.specification
    assert asked["gradient_tolerance"] == 1e-3
    assert asked["max_steps"] <= 40
    np.testing.assert_array_equal(np.ravel(asked["bounds"]), [-9, 9])


def test_the_run_itself_stays_as_it_was():
    run = downslope.minimize("x^2", 5.0, learning_rate=1.1, max_steps=30)
    before = {field.name: getattr(run, field.name) for field in dataclasses.fields(run)}
    path = run.path.copy()
    run.explain()
    assert all(getattr(run, name) is value for name, value in before.items())
    np.testing.assert_array_equal(run.path, path)


def test_a_rule_with_a_rate_of_its_own_is_not_told_a_learning_rate_for_itself():
    # minimize refuses a learning rate beside an optax rule: what is suggested must be something that it takes.
    run = downslope.minimize("x^2", 5.0, method=optax.sgd(1.1), max_steps=60)
    suggestion = run.explain().suggestion
    assert suggestion is not None
    again = by_hand("x^2", 5.0, {"max_steps": 60, "method": run.rules.method, **suggestion.change.arguments}, {})
    assert again.n_steps == suggestion.run.n_steps


def test_minimize_is_what_tries():
    assert minimize is downslope.minimize
