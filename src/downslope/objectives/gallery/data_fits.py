"""Classic nonlinear least squares on small published data: a model is fitted to a dozen measured points.

MGH is Moré, Garbow and Hillstrom 1981, Testing unconstrained optimization software, ACM Transactions on
Mathematical Software 7; data and starts are those given there. The loss is the sum of squares, not halved.
"""

from __future__ import annotations

import numpy as np

from downslope.objectives.gallery.problem import Minimum, Problem, Value

BARD_Y = np.array([0.14, 0.18, 0.22, 0.25, 0.29, 0.32, 0.35, 0.39, 0.37, 0.58, 0.73, 0.96, 1.34, 2.10, 4.39])
BARD_U = np.arange(1.0, 16.0)
BARD_V = 16 - BARD_U
BARD_W = np.minimum(BARD_U, BARD_V)


def bard(x1: Value, x2: Value, x3: Value) -> Value:
    return np.sum((BARD_Y - (x1 + BARD_U / (BARD_V * x2 + BARD_W * x3))) ** 2)


BARD = Problem(
    name="bard",
    title="A rational model of 15 measurements",
    fun=bard,
    formula="sum((y_i - (x1 + u_i/(v_i*x2 + w_i*x3)))^2) with u_i = i, v_i = 16 - i, w_i = min(u_i, v_i)",
    start=(1.0, 1.0, 1.0),
    minima=(
        Minimum(
            (0.08241055974978893, 1.1330360920297216, 2.343695178642537),
            0.008214877306578975,
            (0.007410520364342102, 5.087773302570234, 33.56267956049396),
        ),
    ),
    domain=((-1.0, 2.0), (0.5, 3.0), (0.5, 3.0)),
    variables=("x1", "x2", "x3"),
    source="Bard 1970, Comparison of gradient methods for the solution of nonlinear parameter estimation "
    "problems, SIAM J. Numerical Analysis 7; MGH 8",
    notes="There are poles where x2 and x3 differ in sign; far out the loss also levels off at 17.43.",
    formula_parses=False,
)

GAUSSIAN_T = np.arange(3.5, -4.0, -0.5)
GAUSSIAN_HALF = np.array([0.0009, 0.0044, 0.0175, 0.0540, 0.1295, 0.2420, 0.3521])
GAUSSIAN_Y = np.concatenate((GAUSSIAN_HALF, [0.3989], GAUSSIAN_HALF[::-1]))


def gaussian(x1: Value, x2: Value, x3: Value) -> Value:
    return np.sum((x1 * np.exp(-x2 * (GAUSSIAN_T - x3) ** 2 / 2) - GAUSSIAN_Y) ** 2)


GAUSSIAN = Problem(
    name="gaussian",
    title="A bell curve fitted to 15 values of one, from a start that is almost right",
    fun=gaussian,
    formula="sum((x1*exp(-x2*(t_i - x3)^2/2) - y_i)^2) with t_i = (8 - i)/2",
    start=(0.4, 1.0, 0.0),
    minima=(
        Minimum(
            (0.39895613783875666, 1.0000190844878056, 0.0),
            1.127932769618648e-08,
            (0.13965436317321997, 0.5642329960052896, 7.161689360753185),
        ),
    ),
    domain=((0.1, 1.0), (0.2, 2.0), (-2.0, 2.0)),
    variables=("x1", "x2", "x3"),
    source="unpublished; MGH 9",
    notes="The loss at the start is 4e-6 already: a tolerance on the loss must be small.",
    formula_parses=False,
    minima_complete=False,
)

KOWALIK_OSBORNE_Y = np.array([0.1957, 0.1947, 0.1735, 0.1600, 0.0844, 0.0627, 0.0456, 0.0342, 0.0323, 0.0235, 0.0246])
KOWALIK_OSBORNE_U = np.array([4.0, 2.0, 1.0, 0.5, 0.25, 0.167, 0.125, 0.1, 0.0833, 0.0714, 0.0625])


def kowalik_osborne(x1: Value, x2: Value, x3: Value, x4: Value) -> Value:
    u = KOWALIK_OSBORNE_U
    return np.sum((KOWALIK_OSBORNE_Y - x1 * (u**2 + u * x2) / (u**2 + u * x3 + x4)) ** 2)


KOWALIK_OSBORNE = Problem(
    name="kowalik_osborne",
    title="The speed of an enzyme reaction, a model of four parameters for 11 measurements",
    fun=kowalik_osborne,
    formula="sum((y_i - x1*(u_i^2 + u_i*x2)/(u_i^2 + u_i*x3 + x4))^2)",
    start=(0.25, 0.39, 0.415, 0.39),
    minima=(
        Minimum(
            (0.19280693457903786, 0.19128232873436696, 0.12305650692632066, 0.13606233068379484),
            0.00030750560384923745,
            (0.0028973466121164147, 0.017683592277006537, 0.9213113978244873, 8.847595646464837),
        ),
    ),
    domain=((0.05, 0.5), (0.05, 0.5), (0.05, 0.5), (0.05, 0.5)),
    variables=("x1", "x2", "x3", "x4"),
    source="Kowalik and Osborne 1968, Methods for Unconstrained Optimization Problems; MGH 15",
    notes="The loss also falls towards 0.00103 as the parameters run off to infinity.",
    formula_parses=False,
)

JENNRICH_SAMPSON_I = np.arange(1.0, 11.0)


def jennrich_sampson(x: Value, y: Value) -> Value:
    i = JENNRICH_SAMPSON_I
    return np.sum((2 + 2 * i - np.exp(i * x) - np.exp(i * y)) ** 2)


JENNRICH_SAMPSON = Problem(
    name="jennrich_sampson",
    title="Two exponentials fitted to a straight line: a loss that cannot reach 0",
    fun=jennrich_sampson,
    formula="sum((2 + 2*i - exp(i*x) - exp(i*y))^2) for i = 1..10",
    start=(0.3, 0.4),
    minima=(
        Minimum(
            (0.2578252136703641, 0.2578252136703641),
            124.36218235561485,
            (4484.247203641626, 135786.0417555256),
        ),
    ),
    domain=((-0.5, 0.5), (-0.5, 0.5)),
    variables=("x", "y"),
    source="Jennrich and Sampson 1968, Application of stepwise regression to nonlinear estimation, "
    "Technometrics 10; MGH 6",
    formula_parses=False,
)

BOX_T = np.arange(1, 11) / 10


def box_3d(x1: Value, x2: Value, x3: Value) -> Value:
    data = np.exp(-BOX_T) - np.exp(-10 * BOX_T)
    return np.sum((np.exp(-BOX_T * x1) - np.exp(-BOX_T * x2) - x3 * data) ** 2)


BOX_3D = Problem(
    name="box_3d",
    title="The difference of two decays, with two mirror minima and a whole line of further ones",
    fun=box_3d,
    formula="sum((exp(-t_i*x1) - exp(-t_i*x2) - x3*(exp(-t_i) - exp(-10*t_i)))^2) with t_i = i/10, i = 1..10",
    start=(0.0, 10.0, 20.0),
    minima=(
        Minimum((1.0, 10.0, 1.0), 0.0, (0.0009115851274801644, 0.2797486691684909, 7.604023199991706)),
        Minimum((10.0, 1.0, -1.0), 0.0, (0.0009115851274801644, 0.2797486691684909, 7.604023199991706)),
    ),
    domain=((0.0, 12.0), (0.0, 12.0), (-2.0, 20.0)),
    variables=("x1", "x2", "x3"),
    source="Box 1966, A comparison of several current optimization methods, and the use of transformations "
    "in constrained problems, Computer J. 9; MGH 12",
    notes="The loss is 0 wherever x1 = x2 and x3 = 0 as well; that line is not listed.",
    formula_parses=False,
    minima_complete=False,
)

BROWN_DENNIS_T = np.arange(1, 21) / 5


def brown_dennis(x1: Value, x2: Value, x3: Value, x4: Value) -> Value:
    t = BROWN_DENNIS_T
    return np.sum(((x1 + t * x2 - np.exp(t)) ** 2 + (x3 + x4 * np.sin(t) - np.cos(t)) ** 2) ** 2)


BROWN_DENNIS = Problem(
    name="brown_dennis",
    title="Lines and waves fitted to an exponential and a cosine, with large residuals",
    fun=brown_dennis,
    formula="sum(((x1 + t_i*x2 - exp(t_i))^2 + (x3 + x4*sin(t_i) - cos(t_i))^2)^2) with t_i = i/5, i = 1..20",
    start=(25.0, 5.0, -5.0, -1.0),
    minima=(
        Minimum(
            (-11.594439904762165, 13.203630051207204, -0.40343948817685954, 0.2367787744557363),
            85822.20162635634,
            (1230.6684551867215, 2292.142482098744, 4327.458278089602, 93031.79478286339),
        ),
    ),
    domain=((-25.0, 30.0), (-20.0, 20.0), (-6.0, 5.0), (-5.0, 5.0)),
    variables=("x1", "x2", "x3", "x4"),
    source="Brown and Dennis 1971, New computational algorithms for minimizing a sum of squares of nonlinear "
    "functions, Yale University, report 71-6; MGH 16",
    formula_parses=False,
)
