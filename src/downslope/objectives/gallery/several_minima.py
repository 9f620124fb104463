"""Classic functions with a few minima, all of which are listed: which one a run finds depends on its start.

The literature gives starts for Freudenstein and Roth's function only; the others are ours.
"""

from __future__ import annotations

import numpy as np

from downslope.objectives.gallery.problem import Minimum, Problem, Value


def himmelblau(x: Value, y: Value) -> Value:
    return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2


HIMMELBLAU = Problem(
    name="himmelblau",
    title="Four equal minima around a hill",
    fun=himmelblau,
    formula="(x^2 + y - 11)^2 + (x + y^2 - 7)^2",
    start=(0.0, 0.0),
    minima=(
        Minimum((-3.779310253377747, -3.2831859912861696), 0.0, (70.71435474424425, 133.78561521306708)),
        Minimum((-2.805118086952745, 3.131312518250573), 0.0, (64.8403727706842, 80.55007177893319)),
        Minimum((3.0, 2.0), 0.0, (25.715728752538098, 82.2842712474619)),
        Minimum((3.5844283403304917, -1.8481265269644036), 0.0, (28.690677156755243, 105.41890833631605)),
    ),
    domain=((-5.0, 5.0), (-5.0, 5.0)),
    variables=("x", "y"),
    source="Himmelblau 1972, Applied Nonlinear Programming",
)


def freudenstein_roth(x: Value, y: Value) -> Value:
    return (x - 13 + ((5 - y) * y - 2) * y) ** 2 + (x - 29 + ((y + 1) * y - 14) * y) ** 2


FREUDENSTEIN_ROTH = Problem(
    name="freudenstein_roth",
    title="A true solution, and a false one that most runs find",
    fun=freudenstein_roth,
    formula="(x - 13 + ((5 - y)*y - 2)*y)^2 + (x - 29 + ((y + 1)*y - 14)*y)^2",
    start=(0.5, -2.0),
    minima=(
        Minimum((5.0, 4.0), 0.0, (2.9004320756230717, 3729.099567924377)),
        Minimum((11.412778986902094, -0.8968052532744765), 48.98425367924002, (0.820717742291265, 905.06703409825)),
    ),
    domain=((-2.0, 14.0), (-3.0, 5.0)),
    variables=("x", "y"),
    source="Freudenstein and Roth 1963, Numerical solution of systems of nonlinear equations, J. ACM 10; "
    "Moré, Garbow and Hillstrom 1981, no. 2",
)


def branin(x: Value, y: Value) -> Value:
    valley = y - 5.1 / (4 * np.pi**2) * x**2 + 5 / np.pi * x - 6
    return valley**2 + 10 * (1 - 1 / (8 * np.pi)) * np.cos(x) + 10


BRANIN = Problem(
    name="branin",
    title="Three equal minima along a parabola",
    fun=branin,
    formula="(y - 5.1/(4*pi^2)*x^2 + 5/pi*x - 6)^2 + 10*(1 - 1/(8*pi))*cos(x) + 10",
    start=(2.5, 7.5),
    minima=(
        Minimum((-3.141592653589793, 12.275), 0.3978873577297383, (0.8614951603679563, 22.291739023047022)),
        Minimum((3.141592653589793, 2.275), 0.3978873577297383, (1.7322622632530167, 11.08621118864351)),
        Minimum((9.42477796076938, 2.475), 0.3978873577297383, (1.6949573849279933, 11.330211281598903)),
    ),
    domain=((-5.0, 10.0), (0.0, 15.0)),
    variables=("x", "y"),
    source="Branin 1972, Widely convergent method for finding multiple solutions of simultaneous nonlinear "
    "equations, IBM J. Research and Development 16",
)


def goldstein_price(x: Value, y: Value) -> Value:
    first = 1 + (x + y + 1) ** 2 * (19 - 14 * x + 3 * x**2 - 14 * y + 6 * x * y + 3 * y**2)
    second = 30 + (2 * x - 3 * y) ** 2 * (18 - 32 * x + 12 * x**2 + 48 * y - 36 * x * y + 27 * y**2)
    return first * second


GOLDSTEIN_PRICE = Problem(
    name="goldstein_price",
    title="Four minima, and values from 3 to a million",
    fun=goldstein_price,
    formula="(1 + (x + y + 1)^2*(19 - 14*x + 3*x^2 - 14*y + 6*x*y + 3*y^2))"
    "*(30 + (2*x - 3*y)^2*(18 - 32*x + 12*x^2 + 48*y - 36*x*y + 27*y^2))",
    start=(-1.5, 1.0),
    minima=(
        Minimum((-0.6, -0.4), 30.0, (447.91778179851815, 4340.082218201482)),
        Minimum((0.0, -1.0), 3.0, (402.8310116673604, 965.1689883326395)),
        Minimum((1.2, 0.8), 840.0, (2061.414393441207, 13202.585606558794)),
        Minimum((1.8, 0.2), 84.0, (207.6259666218459, 26216.374033378153)),
    ),
    domain=((-2.0, 2.0), (-2.0, 2.0)),
    variables=("x", "y"),
    source="Goldstein and Price 1971, On descent from local minima, Mathematics of Computation 25",
)


def six_hump_camel(x: Value, y: Value) -> Value:
    return (4 - 2.1 * x**2 + x**4 / 3) * x**2 + x * y + (-4 + 4 * y**2) * y**2


SIX_HUMP_CAMEL = Problem(
    name="six_hump_camel",
    title="Six minima in mirror pairs, two of them the lowest",
    fun=six_hump_camel,
    formula="(4 - 2.1*x^2 + x^4/3)*x^2 + x*y + (-4 + 4*y^2)*y^2",
    start=(0.5, 1.5),
    minima=(
        Minimum(
            (-1.703606714969981, 0.7960835686726251),
            -0.21546382438371764,
            (18.81713863516046, 22.697515006928896),
        ),
        Minimum(
            (-1.6071047529201972, -0.5686514548841314),
            2.1042503103112584,
            (7.121512120207152, 10.02160251618325),
        ),
        Minimum(
            (-0.08984201310031806, 0.7126564030207396),
            -1.0316284534898774,
            (7.682251413369077, 16.49319523222773),
        ),
        Minimum(
            (0.08984201310031806, -0.7126564030207396),
            -1.0316284534898774,
            (7.682251413369077, 16.49319523222773),
        ),
        Minimum(
            (1.6071047529201972, 0.5686514548841314),
            2.1042503103112584,
            (7.121512120207152, 10.02160251618325),
        ),
        Minimum(
            (1.703606714969981, -0.7960835686726251),
            -0.21546382438371764,
            (18.81713863516046, 22.697515006928896),
        ),
    ),
    domain=((-2.0, 2.0), (-1.5, 1.5)),
    variables=("x", "y"),
    source="Dixon and Szegö 1978, The global optimization problem: an introduction, in Towards Global Optimisation 2",
)


def three_hump_camel(x: Value, y: Value) -> Value:
    return 2 * x**2 - 1.05 * x**4 + x**6 / 6 + x * y + y**2


THREE_HUMP_CAMEL = Problem(
    name="three_hump_camel",
    title="A minimum between two higher ones",
    fun=three_hump_camel,
    formula="2*x^2 - 1.05*x^4 + x^6/6 + x*y + y^2",
    start=(2.0, 1.5),
    minima=(
        Minimum(
            (-1.7475523458302888, 0.8737761729151444),
            0.2986384422368598,
            (1.9024451549928167, 12.250644136909527),
        ),
        Minimum((0.0, 0.0), 0.0, (1.5857864376269049, 4.414213562373095)),
        Minimum(
            (1.7475523458302888, -0.8737761729151444),
            0.2986384422368598,
            (1.9024451549928167, 12.250644136909527),
        ),
    ),
    domain=((-2.5, 2.5), (-2.5, 2.5)),
    variables=("x", "y"),
    source="Jamil and Yang 2013, A literature survey of benchmark functions for global optimisation "
    "problems, Int. J. Mathematical Modelling and Numerical Optimisation 4",
)


def mccormick(x: Value, y: Value) -> Value:
    return np.sin(x + y) + (x - y) ** 2 - 1.5 * x + 2.5 * y + 1


MCCORMICK = Problem(
    name="mccormick",
    title="A slanted gutter with a wave along it",
    fun=mccormick,
    formula="sin(x + y) + (x - y)^2 - 1.5*x + 2.5*y + 1",
    start=(0.0, 0.0),
    minima=(
        Minimum((-0.5471975511965977, -1.5471975511965979), -1.9132229549810364, (1.7320508075688772, 4.0)),
        Minimum((2.5943951023931957, 1.5943951023931955), 1.2283696986087569, (1.7320508075688772, 4.0)),
    ),
    domain=((-1.5, 4.0), (-3.0, 4.0)),
    variables=("x", "y"),
    source="McCormick 1976, Computability of global solutions to factorable nonconvex programs, Mathematical "
    "Programming 10",
    notes="Unbounded below outside the domain: each minimum further down the gutter is lower by pi.",
)


def styblinski_tang(x: Value) -> Value:
    return np.sum(x**4 - 16 * x**2 + 5 * x) / 2


STYBLINSKI_TANG = Problem(
    name="styblinski_tang",
    title="Two valleys in each variable, one a little lower",
    fun=styblinski_tang,
    formula="sum(x^4 - 16*x^2 + 5*x)/2",
    start=(0.5, -0.5),
    minima=(
        Minimum(
            (-2.903534027771177, -2.903534027771177),
            -78.33233140754282,
            (34.583059102550685, 34.583059102550685),
        ),
        Minimum(
            (-2.903534027771177, 2.746802770990837),
            -64.19561235905536,
            (29.269552776337644, 34.583059102550685),
        ),
        Minimum(
            (2.746802770990837, -2.903534027771177),
            -64.19561235905536,
            (29.269552776337644, 34.583059102550685),
        ),
        Minimum(
            (2.746802770990837, 2.746802770990837),
            -50.05889331056788,
            (29.269552776337644, 29.269552776337644),
        ),
    ),
    domain=((-5.0, 5.0), (-5.0, 5.0)),
    variables=("x1", "x2"),
    source="Styblinski and Tang 1990, Experiments in nonconvex optimization: stochastic approximation with "
    "function smoothing and simulated annealing, Neural Networks 3",
    notes="2^n minima in n variables.",
    any_size=True,
)
