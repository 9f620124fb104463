"""Runs whose behaviour is known by hand or from theory, and the words for one of each kind."""

import math
from typing import Any, NamedTuple

import numpy as np
import optax
import pytest
import torch

import downslope
from downslope import AdaGrad, Momentum, Nesterov, Newton
from downslope.analysis.behaviour import Behaviour
from downslope.learning_rates import Backtracking, Constant, GeometricDecay, InverseTime
from tests.explanation.rules import Tripled, logistic

# Starts at rest are warned of, which is right, and tested elsewhere.
pytestmark = [
    pytest.mark.slow,  # each compiles what it explains
    pytest.mark.filterwarnings("ignore:the gradient is exactly zero at the start"),
]

B = Behaviour


class Case(NamedTuple):
    expected: Behaviour
    fun: Any
    start: Any
    options: dict[str, Any]
    reason: str


def case(expected, fun, start, reason, **options):
    return Case(expected, fun, start, options, reason)


def wrong_way(x):
    return -2 * x


def torch_sgd(parameters):
    return torch.optim.SGD(parameters, lr=0.9)


CASES = [
    # No step is made, or none is needed.
    case(B.AT_REST, "x^2", 0.0, "the start is the minimum", learning_rate=0.1),
    case(B.AT_REST, "x^2 - 4x + 5", 2.0, "the start is the minimum", learning_rate=0.1),
    case(B.AT_REST, "x^2 + 3*y^2", [0.0, 0.0], "the start is the minimum", method="adam"),
    case(B.AT_REST, "x^2", 0.5, "0.25 is below the target", learning_rate=0.1, target_loss=1.0),
    # All multipliers within [0, 1).
    case(B.STRAIGHT, "x^2", 5.0, "1 - 2 * 0.1 = 0.8", learning_rate=0.1),
    case(B.STRAIGHT, "x^2", 5.0, "1 - 2 * 0.5 = 0: one step", learning_rate=0.5),
    case(B.STRAIGHT, "x^2 - 4x + 5", -1.0, "1 - 2 * 0.25 = 0.5", learning_rate=0.25),
    case(B.STRAIGHT, "0.2*x^2 + y^2", [9.0, -3.0], "0.84 and 0.2", learning_rate=0.4),
    case(B.STRAIGHT, "x^2", 5.0, "without momentum it is gradient descent", method=Momentum(beta=0), learning_rate=0.1),
    case(
        B.STRAIGHT,
        "x^2",
        5.0,
        "overdamped: a c = 0.2 < (1 - root 0.04)^2 = 0.64",
        method=Momentum(beta=0.04),
        learning_rate=0.1,
    ),
    case(
        B.STRAIGHT,
        "x^2",
        5.0,
        "overdamped: 1.1^2 (1 - 0.2) > 4 * 0.1",
        method=Nesterov(beta=0.1),
        learning_rate=0.1,
    ),
    case(B.STRAIGHT, "0.05*x^2 + 4*y^2", [-4.5, 1.5], "one Newton step", method="newton", learning_rate=1.0),
    case(B.STRAIGHT, "0.05*x^2 + 4*y^2", [-4.5, 1.5], "1 - 0.5 in all", method="newton", learning_rate=0.5),
    case(B.STRAIGHT, "x^2", 5.0, "the target is passed at 5 * 0.8^8", learning_rate=0.1, target_loss=1.0),
    case(B.STRAIGHT, "x^2", 5.0, "there long before the decay tells", learning_rate=GeometricDecay(0.4, 0.99)),
    case(B.STRAIGHT, "x^2", 5.0, "1 - 3 * 0.1 * 2 = 0.4", method=Tripled(), learning_rate=0.1),
    case(B.STRAIGHT, "x^2", 5.0, "0.8, by another library", method=optax.sgd(0.1)),
    # A negative multiplier that shrinks.
    case(B.ZIGZAG, "x^2", 5.0, "1 - 2 * 0.9 = -0.8", learning_rate=0.9),
    case(B.ZIGZAG, "x^2", 5.0, "1 - 2 * 0.6 = -0.2", learning_rate=0.6),
    case(B.ZIGZAG, "x^2", 5.0, "-0.96 does converge in 400 steps", learning_rate=0.98, max_steps=1000),
    case(B.ZIGZAG, "0.05*x^2 + 4*y^2", [-4.5, 1.5], "across 1 - 8 * 0.24 = -0.92", learning_rate=0.24),
    case(
        B.ZIGZAG,
        "x^2",
        5.0,
        "a c = 2.4 is beyond (1 + 0.5)^2 and below 2.5: -0.86 and -0.29",
        method=Momentum(beta=0.25),
        learning_rate=1.2,
    ),
    case(B.ZIGZAG, "x^2", 5.0, "z^2 + 0.3 z - 0.1: -0.5 and 0.2", method=Nesterov(beta=0.5), learning_rate=0.6),
    case(B.ZIGZAG, "x^2 + 3*y^2", [5.0, 1.0], "1 - 1.5 in all", method="newton", learning_rate=1.5),
    case(B.ZIGZAG, "x^2", 5.0, "1 - 3 * 0.25 * 2 = -0.5", method=Tripled(), learning_rate=0.25),
    case(B.ZIGZAG, "x^2", 5.0, "-0.8, by another library", method=optax.sgd(0.9)),
    case(B.ZIGZAG, "x^2", 5.0, "-0.8, by PyTorch", method=torch_sgd),
    # Complex multipliers.
    case(B.SPIRAL, "x^2", 5.0, "a c = 0.2 > (1 - root 0.9)^2", method="momentum", learning_rate=0.1),
    case(B.SPIRAL, "x^2", 5.0, "a c = 0.02 > (1 - root 0.9)^2 = 0.0026", method="momentum", learning_rate=0.01),
    case(B.SPIRAL, "x^2", 5.0, "1.9^2 (1 - 0.1) < 4 * 0.9", method="nesterov", learning_rate=0.05),
    case(B.SPIRAL, "0.2*x^2 + y^2", [9.0, -3.0], "complex at both", method="momentum", learning_rate=0.05),
    case(B.SPIRAL, "x^2", 5.0, "the same by another library", method=optax.sgd(0.1, momentum=0.9)),
    # A multiplier of -1, a step that does not shrink, a cycle of two.
    case(B.BOUNCING, "x^2", 5.0, "1 - 2 * 1 = -1", learning_rate=1.0, max_steps=100),
    case(B.BOUNCING, "4*x^2", 1.0, "1 - 8 * 0.25 = -1", learning_rate=0.25, max_steps=101),
    case(B.BOUNCING, "x^2 + 0.25*y^2", [3.0, 2.0], "-1 in x, 0.5 in y", learning_rate=1.0, max_steps=100),
    case(
        B.BOUNCING,
        "x^2",
        5.0,
        "heavy ball at its limit, 2 * 1.5 / 2: -1 and -0.5",
        method=Momentum(beta=0.5),
        learning_rate=1.5,
        max_steps=200,
    ),
    case(B.BOUNCING, "x^2", 5.0, "Newton at its limit, 2", method=Newton(), learning_rate=2.0, max_steps=60),
    case(B.BOUNCING, "x^2", 5.0, "0.2 and -0.1 take turns", method="sign_descent", learning_rate=0.3, max_steps=200),
    case(
        B.BOUNCING,
        "0.05*x^2 + 4*y^2",
        [-4.5, 1.5],
        "both coordinates by 0.4",
        method="sign_descent",
        learning_rate=0.4,
        max_steps=200,
    ),
    case(B.BOUNCING, "abs(x)", 1.0, "0.2 and -0.2 take turns", learning_rate=0.4, max_steps=100),
    case(B.BOUNCING, "abs(x) + abs(y)", [2.1, -0.7], "each across its kink", learning_rate=0.5, max_steps=100),
    case(
        B.BOUNCING,
        "(x^2 - 1)^2",
        0.5,
        "1 - 8 * 0.28 < -1 at the minimum; the cubic map has a stable 2-cycle for 1 + 4 a in (2, root 5)",
        learning_rate=0.28,
        max_steps=1000,
    ),
    case(B.BOUNCING, logistic(3.2), 0.3, "the logistic map's 2-cycle, r in (3, 1 + root 6)", learning_rate=1.0),
    case(
        B.BOUNCING,
        "x^2",
        5.0,
        "it ends by half its rate",
        method="rmsprop",
        learning_rate=0.1,
        gradient_tolerance=None,
        max_steps=3000,
    ),
    # A multiplier just below 1, or a slope that falls as a power.
    case(B.CRAWLING, "x^2", 5.0, "0.9998 a step: 82,000 to go", learning_rate=1e-4, max_steps=1000),
    case(B.CRAWLING, "0.05*x^2 + 4*y^2", [-4.5, 1.5], "0.999 along the floor", learning_rate=0.01, max_steps=500),
    case(B.CRAWLING, "x^4", 2.0, "x as 1 / root(8 a k)", learning_rate=0.01, max_steps=2000),
    case(B.CRAWLING, "rosenbrock", [-1.2, 1.0], "along the bent floor", learning_rate=1e-3, max_steps=2000),
    case(B.CRAWLING, "x^2", 5.0, "the same, by PyTorch", method=torch.optim.SGD, max_steps=100),
    # Next to no slope, and no minimum.
    case(B.PLATEAU, "1 - exp(-x^2/2)", 8.0, "slope 8 exp(-32), within the tolerance", learning_rate=0.1),
    case(B.PLATEAU, "1 - exp(-x^2/2)", 4.0, "4 exp(-8) of slope", learning_rate=0.01, max_steps=100),
    case(B.PLATEAU, "(1/(1 + exp(-x)) - 1)^2", -30.0, "a saturated sigmoid", learning_rate=0.1),
    case(B.SADDLE, "x^2 - y^2", [2.0, 0.0], "y has no slope", learning_rate=0.1),
    case(B.SADDLE, "x^2 - y^2", [1.0, 1e-9], "both 1e-5 from it", learning_rate=0.1, max_steps=50),
    case(B.SADDLE, "(x^2 - 1)^2 + y^2", [0.0, 1.0], "x has no slope on the ridge", learning_rate=0.1),
    case(B.SADDLE, "x^2 - y^2", [2.0, 0.0], "Newton's step leads there", method="newton", learning_rate=1.0),
    case(B.MAXIMUM, "-x^2", 0.0, "the top", learning_rate=0.1),
    case(B.MAXIMUM, "(x^2 - 1)^2", 0.0, "the top between the wells", learning_rate=0.1),
    case(B.MAXIMUM, "cos(x)", 0.0, "the top", method="momentum", learning_rate=0.1),
    case(B.MAXIMUM, "-x^2 - 2*y^2", [0.0, 0.0], "the top", learning_rate=0.1),
    # A multiplier outside the unit circle.
    case(B.DIVERGING, "exp(x^2)", 3.0, "3 - 0.2 * 6 e^9 = -9,721, whose loss overflows: no edge", learning_rate=0.2),
    case(B.DIVERGING, "x^2", 5.0, "1 - 2 * 1.1 = -1.2, until overflow", learning_rate=1.1),
    case(B.DIVERGING, "x^2", 5.0, "-1.2, for 25 steps", learning_rate=1.1, max_steps=25),
    case(B.DIVERGING, "x^2", 5.0, "-1.2, until 1e3", learning_rate=1.1, loss_limit=1e3),
    case(B.DIVERGING, "50*x^2", 1.0, "1 - 100 * 0.03 = -2", learning_rate=0.03),
    case(B.DIVERGING, "0.05*x^2 + 4*y^2", [-4.5, 1.5], "1 - 8 * 0.26 = -1.08", learning_rate=0.26, max_steps=300),
    case(B.DIVERGING, "x^2", 5.0, "beyond 3.8 / 2", method="momentum", learning_rate=2.0, max_steps=100),
    case(B.DIVERGING, "x^2", 5.0, "beyond 3.8 / 5.6", method="nesterov", learning_rate=0.7, max_steps=300),
    case(B.DIVERGING, "x^2 + 3*y^2", [5.0, 1.0], "1 - 2.5 = -1.5", method="newton", learning_rate=2.5, max_steps=99),
    case(B.DIVERGING, "x^2", 5.0, "1 - 3 * 0.4 * 2 = -1.4", method=Tripled(), learning_rate=0.4, max_steps=60),
    case(B.DIVERGING, "x^2", 5.0, "-1.2, by another library", method=optax.sgd(1.1), max_steps=60),
    case(B.DIVERGING, "x^4", 2.0, "2 - 0.4 * 32 and worse: by a cube a step", learning_rate=0.4),
    # No bottom.
    case(B.FALLING, "x", 1.0, "the slope is 1 everywhere", learning_rate=0.1, max_steps=100),
    case(B.FALLING, "-x^2", 1.0, "1.2^k down, until overflow", learning_rate=0.1),
    case(B.FALLING, "x^2 - y^2", [2.0, 0.001], "off the saddle, 1.2^k", learning_rate=0.1),
    case(B.FALLING, "x^2 + y", [1.0, 1.0], "at rest in x, falling in y", learning_rate=0.1, max_steps=300),
    # Rates whose sum is finite.
    case(B.STOPPED_SHORT, "x^2", 5.0, "S = 0.1: exp(-0.2)", learning_rate=GeometricDecay(0.01, 0.9), max_steps=100),
    case(
        B.STOPPED_SHORT,
        "x^2",
        5.0,
        "S = 1 < 5",
        method="sign_descent",
        learning_rate=GeometricDecay(0.1, 0.9),
        max_steps=100,
    ),
    case(
        B.STOPPED_SHORT,
        "x^2",
        5.0,
        "the same, until its steps change no bit",
        learning_rate=GeometricDecay(0.01, 0.9),
        max_steps=5000,
    ),
    case(B.AT_BOUND, "x^2", 5.0, "it slopes down to 1", learning_rate=0.1, bounds=(1, 6)),
    case(B.AT_BOUND, "(x - 3)^2 + y^2", [0.0, 1.0], "x = 2 holds it", learning_rate=0.1, bounds=[(-5, 2), (-5, 5)]),
    case(B.AT_BOUND, "-x^2", 0.5, "the hill falls to both ends", learning_rate=0.1, bounds=(-2, 2)),
    case(
        B.NOISE_FLOOR, "x^2", 5.0, "variance a s^2 / 2 (2 - a c)", learning_rate=0.1, noise=0.1, seed=0, max_steps=2000
    ),
    case(
        B.NOISE_FLOOR,
        "x^2 + 3*y^2",
        [5.0, 1.0],
        "the same in each",
        learning_rate=0.05,
        noise=0.2,
        seed=1,
        max_steps=2000,
    ),
    case(B.ERRATIC, logistic(3.9), 0.3, "the logistic map's chaos", learning_rate=1.0, max_steps=2000),
    case(B.LEFT_DOMAIN, "sqrt(x)", 1.0, "it walks to 0 and beyond", learning_rate=0.5),
    case(B.LEFT_DOMAIN, "x + 0*sqrt(x)", 3.5, "0.5, and -0.5", method="sign_descent", learning_rate=1.0),
    case(
        B.LIMIT_OF_PRECISION, "abs(x)", 1.0, "1e-20 is below the spacing of doubles near 1, 2e-16", learning_rate=1e-20
    ),
    case(
        B.LIMIT_OF_PRECISION,
        lambda x: x**2,
        5.0,
        "the given gradient points uphill",
        jac=wrong_way,
        learning_rate=Backtracking(max_trials=20),
    ),
]


def told(one):
    name = one.fun if isinstance(one.fun, str) else one.fun.__name__
    return f"{one.expected.value}: {name}: {one.reason}"


@pytest.mark.parametrize("one", CASES, ids=told)
def test_the_behaviour_is_what_theory_says(one):
    run = downslope.minimize(one.fun, one.start, **one.options)
    explanation = run.explain(suggest=False)
    assert explanation.behaviour is one.expected, f"{run}\n{explanation}"


BOTH = [one for one in CASES if one.fun in ("x^2", "x^2 - y^2", "abs(x)", "x") and "method" not in one.options]


@pytest.mark.parametrize("one", BOTH, ids=told)
def test_the_engine_does_not_matter(one):
    options = {"max_steps": 2000, **one.options}
    found = [
        downslope.minimize(one.fun, one.start, engine=engine, **options).explain(suggest=False)
        for engine in ("eager", "compiled")
    ]
    assert [explanation.behaviour for explanation in found] == [one.expected] * 2
    if "noise" not in one.options:
        assert str(found[0]) == str(found[1])


def test_the_table_has_every_behaviour():
    assert {one.expected for one in CASES} == set(Behaviour)
    assert len(CASES) >= 40


@pytest.mark.parametrize("rate", [0.4, 0.45, 0.48])
@pytest.mark.parametrize("start", [0.3, 0.31, 0.5])
@pytest.mark.parametrize("n_steps", [1000, 2000, 3001])
def test_chaos_is_called_so_wherever_it_is_cut_off(rate, start, n_steps):
    # A step is x <- r x - 4 a x^3 with r = 1 + 4 a. For r < 3 it maps [-root(2/(2a)), root(2/(2a))] into itself, so
    # nothing diverges; its Lyapunov exponents at these rates, over 20,000 steps, are 0.68, 0.80 and 0.91, so it never
    # settles; and its losses go up to 1 and down to 1e-3 all the time, so that it is on no plateau.
    run = downslope.minimize("(x^2 - 1)^2", start, learning_rate=rate, max_steps=n_steps)
    assert np.abs(run.path).max() < np.sqrt(1 / rate)
    explanation = run.explain(suggest=False)
    assert explanation.behaviour is Behaviour.ERRATIC, str(explanation)


def shown(value):
    """Four digits, as sentences give them."""
    return f"{value:.4g}"


def explained(fun, start, **options):
    return downslope.minimize(fun, start, **options).explain()


class TestWords:
    """One of each, with numbers from closed forms."""

    def test_at_rest(self):
        found = explained("x^2", 0.0, learning_rate=0.1)
        assert found.sentences[0] == "At rest: the start is a minimum already, and no step was made."
        assert found.sentences[1] == "The curvature at the minimum is 2."
        assert found.suggestion is None

    def test_at_rest_at_the_target(self):
        found = explained("x^2", 0.5, learning_rate=0.1, target_loss=1.0)
        assert found.sentences[0] == "At rest: the start is at the target already, and no step was made."

    def test_straight(self):
        found = explained("x^2", 5.0, learning_rate=0.1)
        n = math.ceil(math.log(1e-6 / 10) / math.log(0.8))  # the slope is 10 * 0.8^k
        assert found.sentences[0] == (
            f"Straight descent: {n} steps, the last ones each multiplying the distance to the minimum by 0.8."
        )
        assert "The curvature at the minimum is 2." in found.sentences
        assert "stable there up to a learning rate of 1;" in str(found)
        assert "best constant one is 0.5" in str(found)
        assert found.to_dict()["observed_multiplier"] == pytest.approx(0.8, rel=1e-9)

    def test_zigzag(self):
        found = explained("x^2", 5.0, learning_rate=0.9)
        n = math.ceil(math.log(1e-6 / 10) / math.log(0.8))
        assert found.sentences[0] == (
            f"Zigzag: it turned back {n - 1} times in {n} steps, each step overshooting: "
            "it multiplied the distance by -0.8."
        )

    def test_zigzag_across_a_ravine(self):
        found = explained("0.05*x^2 + 4*y^2", [-4.5, 1.5], learning_rate=0.24)
        assert f"Across the valley each step multiplies the distance by {shown(1 - 8 * 0.24)}" in found.sentences[0]
        assert f"along the floor by {shown(1 - 0.1 * 0.24)}" in found.sentences[0]
        assert "The curvatures at the minimum go from 0.1 to 8 (condition number 80)." in found.sentences
        # 2/L, 2/(mu + L), (k - 1)/(k + 1)
        assert "learning rate of 0.25;" in str(found)
        assert f"best constant one is {shown(2 / 8.1)}" in str(found)
        assert f"multiplies the distance by {shown(79 / 81)}." in str(found)

    def test_spiral(self):
        found = explained("x^2", 5.0, method="momentum", learning_rate=0.1)
        # z^2 - (1.9 - 0.2) z + 0.9
        period = 2 * math.pi / math.acos(1.7 / (2 * math.sqrt(0.9)))
        assert f"a swing takes about {period:.3g} steps" in found.sentences[0]
        assert f"is multiplied by {shown(math.sqrt(0.9))} at each" in found.sentences[0]
        assert f"stable there up to a learning rate of {shown(2 * 1.9 / 2)}" in str(found)

    def test_bouncing(self):
        found = explained("x^2", 5.0, learning_rate=1.0, max_steps=100)
        assert found.sentences[0] == (
            "Bouncing: it jumps between x = -5 and x = 5, losses 25 and 25, and comes no closer."
        )
        assert found.sentences[-1] == "Try learning rate 0.5: tried, it converged in 1 step, to a loss of 0."

    def test_bouncing_of_sign_descent(self):
        # 5 is 16 steps of 0.3 and 0.2: it takes turns at 0.2 and -0.1.
        found = explained("x^2", 5.0, method="sign_descent", learning_rate=0.3, max_steps=200)
        head = found.sentences[0]
        assert head.startswith("Bouncing: it jumps between x = ")
        assert "x = 0.2" in head
        assert "x = -0.1" in head
        assert "losses 0.01 and 0.04" in head or "losses 0.04 and 0.01" in head
        assert "r = 0.1 and step - r = 0.2 from the minimum" in head

    def test_bouncing_of_rmsprop(self):
        found = explained("x^2", 5.0, method="rmsprop", learning_rate=0.1, gradient_tolerance=None, max_steps=3000)
        run = found.run
        # Where |g| is the same at each step, s = g^2, and so a step is the rate: from a / 2 to -a / 2.
        assert np.abs(np.diff(run.path)[-10:]) == pytest.approx(0.1, rel=0.2)
        assert "half" in found.sentences[0]

    def test_crawling(self):
        found = explained("x^2", 5.0, learning_rate=1e-4, max_steps=1000)
        slope = 10 * 0.9998**1000
        needed = math.ceil(math.log(1e-6 / slope) / math.log(0.9998))
        assert f"the slope is still {shown(slope)}" in found.sentences[0]
        assert "each step multiplies the distance by 0.9998" in found.sentences[0]
        # The pace comes from a fit, which rounding disturbs: one step either way.
        assert abs(found.steps_needed - needed) <= 1
        assert f"1e-06 is about {found.steps_needed:,} more steps away" in found.sentences[0]
        assert "Try learning rate 0.5: tried, it converged in 1 step, to a loss of 0." in found.sentences[-1]

    def test_crawling_by_a_power(self):
        found = explained("x^4", 2.0, learning_rate=0.01, max_steps=5000)
        # x' = -4 a x^3: x = 1 / root(8 a k), slope 4 x^3, as 1 / k^1.5
        assert "falls only as 1 / step^1.5" in found.sentences[0] or "1 / step^1.49" in found.sentences[0]
        needed = 4 ** (2 / 3) / (8 * 0.01 * 1e-6 ** (2 / 3)) - 5000
        assert found.steps_needed == pytest.approx(needed, rel=0.03)  # the power is seen as 1.49

    def test_plateau(self):
        found = explained("1 - exp(-x^2/2)", 8.0, learning_rate=0.1)
        assert shown(8 * math.exp(-32)) in found.sentences[0]
        assert "no minimum" in found.sentences[0]

    def test_plateau_with_a_minimum_ahead(self):
        found = explained("1 - exp(-x^2/2)", 4.0, learning_rate=0.01, max_steps=100)
        run = found.run
        assert shown(run.gradient_norms[-1]) in found.sentences[0]
        assert f"the loss fell by {shown(run.losses[0] - run.losses[-1])}" in found.sentences[0]

    def test_saddle(self):
        found = explained("x^2 - y^2", [2.0, 0.0], learning_rate=0.1)
        head = found.sentences[0]
        assert head.startswith("Stuck at a saddle: the slope is zero at (")
        assert "which is a saddle and no minimum: the loss falls along (0, 1), where the curvature is -2." in head

    def test_maximum(self):
        found = explained("(x^2 - 1)^2", 0.0, learning_rate=0.1)
        assert found.sentences[0] == (
            "Stuck at a maximum: the slope is zero at x = 0, which is a maximum and no minimum: "
            "the loss falls on both sides, where the curvature is -4."
        )

    def test_diverging(self):
        found = explained("x^2", 5.0, learning_rate=1.1, max_steps=25)
        last = 25 * 1.44**25
        assert found.sentences[0].startswith(
            "Diverging: each step multiplied the distance by -1.2, and the loss rose from 25 "
            f"to {shown(last)}. It would overflow after about "
        )
        needed = math.ceil(math.log(np.finfo(float).max / last) / math.log(1.44))
        assert abs(found.steps_to_overflow - needed) <= 1  # of a fit
        assert "stable there up to a learning rate of 1;" in str(found)
        assert "1.1 is stable up to a curvature of 1.818 only." in str(found)

    def test_falling(self):
        found = explained("x", 1.0, learning_rate=0.25, max_steps=100)
        assert found.sentences[0] == (
            "Falling without end: the loss went down to -24 in 100 steps and the slope did not shrink: "
            "no minimum was found below, and perhaps there is none."
        )

    def test_stopped_short(self):
        found = explained("x^2", 5.0, learning_rate=GeometricDecay(0.01, 0.9), max_steps=100)
        assert "add up to S = 0.1 = 0.01 / (1 - 0.9)" in found.sentences[0]
        assert f"exp(-2 S) = {shown(math.exp(-0.2))}" in found.sentences[0]
        assert found.to_dict()["sum_of_rates"] == pytest.approx(0.1, rel=1e-9)

    def test_stopped_short_of_sign_descent(self):
        found = explained("x^2", 5.0, method="sign_descent", learning_rate=GeometricDecay(0.1, 0.9), max_steps=100)
        assert found.sentences[0] == (
            "Stopped short: all its rates, those to come included, add up to S = 1 = 0.1 / (1 - 0.9), "
            "and sign descent moves no coordinate farther than that; the minimum was 5 away."
        )

    def test_at_bound(self):
        found = explained("x^2", 5.0, learning_rate=0.1, bounds=(1, 6))
        assert found.sentences[0] == (
            "Held at a bound: x at its lower bound, 1; the loss falls beyond (slope 2), and nowhere within."
        )
        assert found.suggestion is None

    def test_noise_floor(self):
        found = explained("x^2", 5.0, learning_rate=0.1, noise=0.1, seed=3, max_steps=20_000)
        # x <- 0.8 x - 0.1 * 0.1 n: variance 1e-4 / (1 - 0.64), which is the mean of x^2
        expected = 1e-4 / 0.36
        assert f"lets expect {shown(expected)}" in found.sentences[0]
        seen = float(np.mean(found.run.losses[10_000:]))
        # 10,000 rows with correlation 0.64 a step in x^2 are 2,200 free ones: 3 % of the mean, thrice.
        assert seen == pytest.approx(expected, rel=0.1)
        assert shown(seen) in found.sentences[0]

    def test_erratic(self):
        found = explained(logistic(3.9), 0.3, learning_rate=1.0, max_steps=2000)
        half = found.run.losses[len(found.run.losses) // 2 :]
        assert found.sentences[0] == (
            "Erratic: it neither settles nor runs away; over the last half the loss was between "
            f"{shown(half.min())} and {shown(half.max())}."
        )

    def test_left_domain(self):
        found = explained("x + 0*sqrt(x)", 3.5, method="sign_descent", learning_rate=1.0)
        assert found.sentences[0] == (
            "Left the domain: step 4 led from x = 0.5 to where the loss or its slope is not finite, "
            "without any growth before."
        )

    def test_limit_of_precision(self):
        found = explained("abs(x)", 1.0, learning_rate=1e-20)
        assert found.sentences[0] == (
            "Limit of precision: the last step was too small to change the point by one bit; the slope is 1."
        )

    def test_another_rate_by_the_quiz(self):
        # Fine at 0.01 and NaN at 0.03 where some curvature is between 2 / 0.03 and 2 / 0.01.
        found = explained("50*x^2", 1.0, learning_rate=0.01)
        assert found.at_rate(0.03).startswith(
            "At 0.03 it would diverge: a step would multiply the distance by up to 2."
        )
        assert found.at_rate(0.02).startswith("At 0.02 it would bounce")
        assert "would converge: a step multiplies the distance by 0.5" in found.at_rate(0.005)

    def test_the_last_sentence_is_the_suggestion(self):
        found = explained("x^2", 5.0, learning_rate=1.1)
        assert found.sentences[-1].startswith(f"Try {found.suggestion.words}")


def test_the_same_words_everywhere():
    found = explained("x^2", 5.0, learning_rate=0.9)
    assert str(found).split("\n") == list(found.sentences) == found.to_dict()["sentences"]
    for sentence in found.sentences:
        assert sentence in found._repr_html_()


@pytest.mark.parametrize("rate", [Constant(0.1), InverseTime(0.1, decay=0.01)])
def test_a_schedule_whose_sum_is_endless_does_not_stop_short(rate):
    # The sum of 1 / (1 + k / 100) grows as a logarithm, without end.
    found = explained("x^2", 5.0, learning_rate=rate, max_steps=20)
    assert found.behaviour is not Behaviour.STOPPED_SHORT


def test_adagrad_is_no_stopping_short():
    found = explained("x^2", 5.0, method=AdaGrad(), learning_rate=0.01, max_steps=100)
    assert found.behaviour is Behaviour.CRAWLING
