"""Classic functions with one minimum and no ruse: quadratics, and polynomials close to them."""

from __future__ import annotations

import numpy as np

from downslope.objectives.gallery.problem import Minimum, Problem, Value

JAMIL_YANG = (
    "Jamil and Yang 2013, A literature survey of benchmark functions for global optimisation problems, "
    "Int. J. Mathematical Modelling and Numerical Optimisation 4"
)


def matyas(x: Value, y: Value) -> Value:
    return 0.26 * (x**2 + y**2) - 0.48 * x * y


MATYAS = Problem(
    name="matyas",
    title="A slanted oval bowl, 25 times as steep across as along",
    fun=matyas,
    formula="0.26*(x^2 + y^2) - 0.48*x*y",
    start=(6.0, -4.0),
    minima=(Minimum((0.0, 0.0), 0.0, (0.04, 1.0)),),
    domain=((-10.0, 10.0), (-10.0, 10.0)),
    variables=("x", "y"),
    source="Matyas 1965, Random optimization, Automation and Remote Control 26; as in " + JAMIL_YANG,
    notes="The literature gives no start; this one is ours.",
)


def booth(x: Value, y: Value) -> Value:
    return (x + 2 * y - 7) ** 2 + (2 * x + y - 5) ** 2


BOOTH = Problem(
    name="booth",
    title="A slanted oval bowl around (1, 3): two linear equations as least squares",
    fun=booth,
    formula="(x + 2y - 7)^2 + (2x + y - 5)^2",
    start=(-5.0, -5.0),
    minima=(Minimum((1.0, 3.0), 0.0, (2.0, 18.0)),),
    domain=((-10.0, 10.0), (-10.0, 10.0)),
    variables=("x", "y"),
    source="Booth, as in " + JAMIL_YANG,
    notes="The literature gives no start; this one is ours.",
)


def zakharov(x: Value) -> Value:
    weighted = np.sum(0.5 * np.arange(1, x.size + 1) * x)
    return np.sum(x**2) + weighted**2 + weighted**4


ZAKHAROV = Problem(
    name="zakharov",
    title="A bowl that grows as a fourth power in one direction",
    fun=zakharov,
    formula="sum(x^2) + s^2 + s^4 with s = sum(0.5*i*x_i)",
    start=(4.0, -2.0, 1.0),
    minima=(Minimum((0.0, 0.0, 0.0), 0.0, (2.0, 2.0, 9.0)),),
    domain=((-5.0, 10.0), (-5.0, 10.0), (-5.0, 10.0)),
    variables=("x1", "x2", "x3"),
    source="Zakharov, as in " + JAMIL_YANG,
    notes="The literature gives no start; this one is ours.",
    formula_parses=False,
    any_size=True,
)


def trid(x: Value) -> Value:
    return np.sum((x - 1) ** 2) - np.sum(x[1:] * x[:-1])


TRID = Problem(
    name="trid",
    title="A quadratic whose neighbouring variables pull at each other",
    fun=trid,
    formula="sum((x_i - 1)^2) - sum(x_i*x_(i-1))",
    start=(0.0, 0.0, 0.0, 0.0),
    minima=(
        Minimum(
            (4.0, 6.0, 6.0, 4.0),
            -16.0,
            (0.38196601125010515, 1.381966011250105, 2.618033988749895, 3.618033988749895),
        ),
    ),
    domain=((-16.0, 16.0), (-16.0, 16.0), (-16.0, 16.0), (-16.0, 16.0)),
    variables=("x1", "x2", "x3", "x4"),
    source="Neumaier's collection, as in Hedar and Fukushima 2006, Tabu search directed by direct search "
    "methods for nonlinear global optimization, European J. Operational Research 170",
    notes="For n variables x_i = i (n + 1 - i), the loss is -n (n + 4)(n - 1)/6, and the curvatures are "
    "2 - 2 cos(i pi/(n + 1)). The literature gives no start; this one is ours.",
    formula_parses=False,
    any_size=True,
)


def dixon_price(x: Value) -> Value:
    return (x[0] - 1) ** 2 + np.sum(np.arange(2, x.size + 1) * (2 * x[1:] ** 2 - x[:-1]) ** 2)


DIXON_PRICE = Problem(
    name="dixon_price",
    title="A chain of parabolas, each bound to the one before; two mirror minima",
    fun=dixon_price,
    formula="(x_1 - 1)^2 + sum(i*(2*x_i^2 - x_(i-1))^2)",
    start=(3.0, -2.0, 2.0),
    minima=(
        Minimum(
            (1.0, 0.7071067811865476, -0.5946035575013605),
            0.0,
            (1.7264887909114637, 24.179337194553685, 52.035299511489136),
        ),
        Minimum(
            (1.0, 0.7071067811865476, 0.5946035575013605),
            0.0,
            (1.7264887909114637, 24.179337194553685, 52.035299511489136),
        ),
    ),
    domain=((-10.0, 10.0), (-10.0, 10.0), (-10.0, 10.0)),
    variables=("x1", "x2", "x3"),
    source="Dixon and Price 1989, The truncated Newton method for sparse unconstrained optimisation using "
    "automatic differentiation, J. Optimization Theory and Applications 60",
    notes="Minima at x_i = 2^(2^(1-i) - 1), the last of either sign; at (1/3, 0, 0) the gradient vanishes "
    "too. The literature gives no start; this one is ours.",
    formula_parses=False,
    any_size=True,
)
