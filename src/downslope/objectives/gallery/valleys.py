"""Classic functions with one long valley, bent or badly scaled: the gradient points across it, not along.

MGH is Moré, Garbow and Hillstrom 1981, Testing unconstrained optimization software, ACM Transactions on
Mathematical Software 7; where it has the function, the start is the one given there.
"""

from __future__ import annotations

import numpy as np

from downslope.objectives.gallery.problem import Minimum, Problem, Value


def rosenbrock(x: Value, y: Value) -> Value:
    return 100 * (y - x**2) ** 2 + (1 - x) ** 2


ROSENBROCK = Problem(
    name="rosenbrock",
    title="The banana valley: easy to reach, slow to follow",
    fun=rosenbrock,
    formula="100*(y - x^2)^2 + (1 - x)^2",
    start=(-1.2, 1.0),
    minima=(Minimum((1.0, 1.0), 0.0, (0.39936076748763305, 1001.6006392325123)),),
    domain=((-2.0, 2.0), (-1.0, 3.0)),
    variables=("x", "y"),
    source="Rosenbrock 1960, An automatic method for finding the greatest or least value of a function, "
    "Computer J. 3; MGH 1",
)


def rosenbrock_chain(x: Value) -> Value:
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


ROSENBROCK_CHAIN = Problem(
    name="rosenbrock_chain",
    title="Rosenbrock's valley in more dimensions, each variable chained to the next",
    fun=rosenbrock_chain,
    formula="sum(100*(x_(i+1) - x_i^2)^2 + (1 - x_i)^2)",
    start=(-1.2, 1.0, -1.2, 1.0),
    minima=(
        Minimum(
            (-0.7756592265653526, 0.6130933654850435, 0.38206284633839316, 0.1459720185521946),
            3.701428610430017,
            (0.3795335917013132, 190.81276530903048, 440.43280672478437, 866.1268771561506),
        ),
        Minimum(
            (1.0, 1.0, 1.0, 1.0),
            0.0,
            (0.4929590929593482, 436.085029430067, 1001.8003594496615, 1567.6216520273122),
        ),
    ),
    domain=((-2.0, 2.0), (-2.0, 2.0), (-2.0, 2.0), (-2.0, 2.0)),
    variables=("x1", "x2", "x3", "x4"),
    source="Rosenbrock 1960, chained as in Shang and Qiu 2006, A note on the extended Rosenbrock function, "
    "Evolutionary Computation 14",
    notes="From four variables on there is a second minimum near (-1, 1, ..., 1).",
    formula_parses=False,
    any_size=True,
)


def cube(x: Value, y: Value) -> Value:
    return 100 * (y - x**3) ** 2 + (1 - x) ** 2


CUBE = Problem(
    name="cube",
    title="A valley along a cubic",
    fun=cube,
    formula="100*(y - x^3)^2 + (1 - x)^2",
    start=(-1.2, 1.0),
    minima=(Minimum((1.0, 1.0), 0.0, (0.19982014390105327, 2001.800179856099)),),
    domain=((-1.5, 1.5), (-2.0, 2.0)),
    variables=("x", "y"),
    source="Leon 1966, A comparison among eight known optimizing procedures, in Lavi and Vogl, Recent "
    "Advances in Optimization Techniques",
    notes="The start is that of the CUTE collection.",
)


def beale(x: Value, y: Value) -> Value:
    return (1.5 - x * (1 - y)) ** 2 + (2.25 - x * (1 - y**2)) ** 2 + (2.625 - x * (1 - y**3)) ** 2


BEALE = Problem(
    name="beale",
    title="A curved valley with high corners and a flat far end",
    fun=beale,
    formula="(1.5 - x*(1 - y))^2 + (2.25 - x*(1 - y^2))^2 + (2.625 - x*(1 - y^3))^2",
    start=(1.0, 1.0),
    minima=(Minimum((3.0, 0.5), 0.0, (0.3014636465222471, 48.979786353477756)),),
    domain=((-4.5, 4.5), (-4.5, 4.5)),
    variables=("x", "y"),
    source="Beale 1958, On an iterative method for finding a local minimum of a function of more than one "
    "variable, Princeton, technical report 25; MGH 5",
    notes="The loss also falls towards 0.452 as x goes to minus infinity, with y near 1.",
)


def helical_valley(x1: Value, x2: Value, x3: Value) -> Value:
    # From -1/4 to 3/4 as in the source: measured from the x2 axis, so that the jump is where theirs is.
    turns = 0.25 - np.arctan2(x1, x2) / (2 * np.pi)
    return 100 * ((x3 - 10 * turns) ** 2 + (np.sqrt(x1**2 + x2**2) - 1) ** 2) + x3**2


HELICAL_VALLEY = Problem(
    name="helical_valley",
    title="A valley that winds down a spiral staircase",
    fun=helical_valley,
    formula="100*((x3 - 10*(1/4 - atan2(x1, x2)/(2*pi)))^2 + (sqrt(x1^2 + x2^2) - 1)^2) + x3^2",
    start=(-1.0, 0.0, 0.0),
    minima=(Minimum((1.0, 0.0, 0.0), 0.0, (1.4327634322309113, 200.0, 707.173154779458)),),
    domain=((-2.0, 2.0), (-2.0, 2.0), (-2.5, 7.5)),
    variables=("x1", "x2", "x3"),
    source="Fletcher and Powell 1963, A rapidly convergent descent method for minimization, Computer J. 6; MGH 7",
    notes="Jumps where x1 = 0 and x2 < 0, and has no gradient where x1 = x2 = 0.",
    smooth=False,
    minima_complete=False,
)


def powell_singular(x1: Value, x2: Value, x3: Value, x4: Value) -> Value:
    return (x1 + 10 * x2) ** 2 + 5 * (x3 - x4) ** 2 + (x2 - 2 * x3) ** 4 + 10 * (x1 - x4) ** 4


POWELL_SINGULAR = Problem(
    name="powell_singular",
    title="A minimum without curvature in two of its four directions",
    fun=powell_singular,
    formula="(x1 + 10*x2)^2 + 5*(x3 - x4)^2 + (x2 - 2*x3)^4 + 10*(x1 - x4)^4",
    start=(3.0, -1.0, 0.0, 1.0),
    minima=(Minimum((0.0, 0.0, 0.0, 0.0), 0.0, (0.0, 0.0, 20.0, 202.0)),),
    domain=((-4.0, 5.0), (-4.0, 5.0), (-4.0, 5.0), (-4.0, 5.0)),
    variables=("x1", "x2", "x3", "x4"),
    source="Powell 1962, An iterative method for finding stationary values of a function of several "
    "variables, Computer J. 5; MGH 13",
    notes="The Hessian is singular at the minimum, so every method of first or second order slows down.",
)


def wood(x1: Value, x2: Value, x3: Value, x4: Value) -> Value:
    return (
        100 * (x2 - x1**2) ** 2
        + (1 - x1) ** 2
        + 90 * (x4 - x3**2) ** 2
        + (1 - x3) ** 2
        + 10 * (x2 + x4 - 2) ** 2
        + 0.1 * (x2 - x4) ** 2
    )


WOOD = Problem(
    name="wood",
    title="Two coupled banana valleys with a false rest halfway",
    fun=wood,
    formula="100*(x2 - x1^2)^2 + (1 - x1)^2 + 90*(x4 - x3^2)^2 + (1 - x3)^2 + 10*(x2 + x4 - 2)^2 + 0.1*(x2 - x4)^2",
    start=(-3.0, -1.0, -3.0, -1.0),
    minima=(
        Minimum(
            (1.0, 1.0, 1.0, 1.0),
            0.0,
            (0.7195680843175734, 32.15015439716185, 905.6053497894363, 1005.9249277290842),
        ),
    ),
    domain=((-4.0, 4.0), (-4.0, 4.0), (-4.0, 4.0), (-4.0, 4.0)),
    variables=("x1", "x2", "x3", "x4"),
    source="Colville 1968, A comparative study of nonlinear programming codes, IBM New York Scientific "
    "Center, report 320-2949; MGH 14",
    notes="Near (-1, 1, -1, 1), where the loss is 7.88, the gradient nearly vanishes: a saddle.",
)


def brown_badly_scaled(x: Value, y: Value) -> Value:
    return (x - 1e6) ** 2 + (y - 2e-6) ** 2 + (x * y - 2) ** 2


BROWN_BADLY_SCALED = Problem(
    name="brown_badly_scaled",
    title="One variable counts in millions, the other in millionths",
    fun=brown_badly_scaled,
    formula="(x - 1000000)^2 + (y - 0.000002)^2 + (x*y - 2)^2",
    start=(1.0, 1.0),
    minima=(Minimum((1000000.0, 2e-06), 0.0, (2.0, 2000000000002.0)),),
    domain=((0.0, 2e6), (-1.0, 2.0)),
    variables=("x", "y"),
    source="Brown, unpublished; MGH 4",
    notes="The curvatures differ by 1e12: gradient descent with one learning rate cannot do it.",
)


def powell_badly_scaled(x: Value, y: Value) -> Value:
    return (1e4 * x * y - 1) ** 2 + (np.exp(-x) + np.exp(-y) - 1.0001) ** 2


POWELL_BADLY_SCALED = Problem(
    name="powell_badly_scaled",
    title="A valley along a hyperbola, so thin that it looks like a crack",
    fun=powell_badly_scaled,
    formula="(10000*x*y - 1)^2 + (exp(-x) + exp(-y) - 1.0001)^2",
    start=(0.0, 1.0),
    minima=(
        Minimum(
            (-0.009948091925800946, -0.009948091925800946),
            1.0402940039616395,
            (209.15359141449034, 39384.86034449186),
        ),
        Minimum((1.0981593296998175e-05, 9.106146739866524), 0.0, (2.4101361339573038e-08, 16584381691.62042)),
        Minimum((9.106146739866524, 1.0981593296998175e-05), 0.0, (2.4101361339573038e-08, 16584381691.62042)),
    ),
    domain=((-1.0, 10.0), (-1.0, 10.0)),
    variables=("x", "y"),
    source="Powell 1970, A hybrid method for nonlinear equations, in Rabinowitz, Numerical Methods for "
    "Nonlinear Algebraic Equations; MGH 3",
    notes="Symmetric in x and y. The third minimum, on the diagonal, is a false one.",
)
