"""The challenge and the quiz. The library is the judge of both."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from downslope.analysis.behaviour import Behaviour
from downslope.analysis.rates import learning_rate_range
from downslope.errors import UnknownName
from downslope.explanation import explain
from downslope.lab import reading
from downslope.lab.descents import one
from downslope.lab.functions import Functions
from downslope.lab.running import record
from downslope.lab.settings import Setting, setting
from downslope.run import Run
from downslope.stopping import Status
from downslope.wording import counted, short

_START, _STEPS, _CLOSE = 5.0, 25, 1e-3
RULE = (
    f"On x^2, from {_START:g}: find the largest learning rate at which step {_STEPS} is within {_CLOSE:g} of the "
    "minimum, |x_25| < 0.001."
)


def challenge(functions: Functions, params: dict[str, Any]) -> dict[str, Any]:
    """Whether a rate meets the rule, and how far it is from the largest one that does."""
    reading.only(params, ("learning_rate",), "challenge")
    rate = reading.number("learning_rate", params.get("learning_rate"), 1e-100)
    asked = _parabola(rate, functions)
    made = one(asked)
    x = float(np.ravel(made.path)[-1])  # a run that ends sooner stands still, or has left the numbers
    met = bool(abs(x) < _CLOSE)
    limit = largest_rate()
    share = rate / limit
    words = f"x_25 = {short(x)}: the rule is {'met' if met else 'not met'}. "
    if met:
        words += f"That is {100 * share:.4g} % of the largest rate there is."
    else:
        words += "Too much." if rate > limit else "Too little: 25 such steps do not get there."
    return {
        "rule": RULE,
        "met": met,
        "x_25": x,
        "limit": limit,
        "share": share,
        "words": words,
        "run": record(made, asked),
    }


def _parabola(rate: float, functions: Functions) -> Setting:
    return setting(
        {"fun": "parabola", "start": [_START], "learning_rate": rate, "max_steps": _STEPS, "gradient_tolerance": None},
        functions,
    )


@functools.cache
def largest_rate() -> float:
    """The largest rate that brings the loss down to the square of the distance in time, by the library's search."""
    found = learning_rate_range("parabola", _START, max_steps=_STEPS, target_loss=_CLOSE**2, gradient_tolerance=None)
    assert found.high is not None  # a rate of 0.5 goes all the way in one step
    return found.high


CHOICES = {
    "sooner": "It converges to the same minimum, in fewer steps",
    "later": "It converges to the same minimum, but takes no fewer steps",
    "elsewhere": "It ends in another minimum",
    "never": "It jumps about and never settles",
    "diverges": "It diverges",
}


@dataclass(frozen=True)
class Question:
    """A descent that works."""

    title: str
    fun: str
    start: tuple[float, ...]
    rate: float
    method: str = "gradient_descent"


QUESTIONS: dict[str, Question] = {
    "parabola_slow": Question("A parabola, slowly", "parabola", (5.0,), 0.05),
    "parabola_brisk": Question("A parabola, briskly", "parabola", (5.0,), 0.3),
    "parabola_bold": Question("A parabola, boldly", "parabola", (5.0,), 0.35),
    "many_minima": Question("A wave that grows", "many_minima", (12.0,), 0.15),
    "double_well": Question("Two wells", "double_well", (1.6,), 0.04),
    "ravine": Question("A ravine", "ravine", (2.0, 1.0), 0.2),
    "himmelblau": Question("Four minima", "himmelblau", (0.0, 0.0), 0.01),
    "momentum": Question("A parabola, with momentum", "parabola", (5.0,), 0.1, "momentum"),
    "camel": Question("Three humps", "three_hump_camel", (2.0, 1.5), 0.05),
}
_FACTOR = 3.0
_QUIZ_STEPS = 1_000


def quiz(functions: Functions, params: dict[str, Any]) -> dict[str, Any]:
    """A rate that worked is tripled: what happens? With an `answer`, what did."""
    reading.only(params, ("question", "answer"), "quiz")
    name = reading.text("question", params.get("question"), 40)
    if name not in QUESTIONS:
        raise UnknownName("question", name, QUESTIONS)
    question = QUESTIONS[name]
    first, second = (asked_in(question, factor, functions) for factor in (1.0, _FACTOR))
    worked = one(first)
    told = {
        "question": f"{question.title}: at a learning rate of {question.rate:g} it took "
        f"{counted(worked.n_steps, 'step')}. What happens at {first_digits(second)}?",
        "choices": [{"name": key, "words": words} for key, words in CHOICES.items()],
        "setting": piece(first),
        "tripled": piece(second),
        "first": record(worked, first),
    }
    if params.get("answer") is None:
        return told
    answer = reading.text("answer", params["answer"], 40)
    if answer not in CHOICES:
        raise UnknownName("answer", answer, CHOICES)
    tripled = one(second)
    truth = outcome(worked, tripled)
    words = " ".join(explain(tripled, suggest=False).sentences)
    return {**told, "right": answer == truth, "truth": truth, "words": words, "second": record(tripled, second)}


def first_digits(asked: Setting) -> str:
    """The rate, without the digits that tripling adds."""
    return f"{asked.learning_rate:.6g}"


def asked_in(question: Question, factor: float, functions: Functions) -> Setting:
    """The setting of a question, its rate multiplied."""
    return setting(
        {
            "fun": question.fun,
            "start": list(question.start),
            "method": question.method,
            "learning_rate": float(f"{factor * question.rate:.12g}"),
            "max_steps": _QUIZ_STEPS,
        },
        functions,
    )


def piece(asked: Setting) -> dict[str, Any]:
    """A setting as the page holds it."""
    return {
        "fun": asked.function.name,
        "start": list(asked.start),
        "method": asked.method_name,
        "learning_rate": asked.learning_rate,
        "max_steps": asked.max_steps,
    }


def outcome(first: Run, second: Run) -> str:
    """Which of the choices came true, judged from the two runs."""
    if second.converged:
        apart = np.max(np.abs(np.ravel(second.x) - np.ravel(first.x)))
        if apart > 1e-2 * max(1.0, float(np.max(np.abs(np.ravel(first.x))))):
            return "elsewhere"
        return "sooner" if second.n_steps < first.n_steps else "later"
    gone = (Behaviour.DIVERGING, Behaviour.FALLING, Behaviour.LEFT_DOMAIN)
    if second.status in (Status.NOT_FINITE, Status.DIVERGED) or explain(second, suggest=False).behaviour in gone:
        return "diverges"
    return "never"
