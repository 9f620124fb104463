"""Classic functions with very many minima, of which only the lowest is listed.

The literature gives no starts for them; these are ours.
"""

from __future__ import annotations

import numpy as np

from downslope.objectives.gallery.problem import Minimum, Problem, Value


def ackley(x: Value) -> Value:
    bowl = -20 * np.exp(-0.2 * np.sqrt(np.mean(x**2)))
    ripples = -np.exp(np.mean(np.cos(2 * np.pi * x)))
    return bowl + ripples + 20 + np.e


ACKLEY = Problem(
    name="ackley",
    title="A rippled plain around a deep funnel",
    fun=ackley,
    formula="20 + e - 20*exp(-0.2*sqrt(mean(x^2))) - exp(mean(cos(2*pi*x)))",
    start=(2.3, -1.6),
    minima=(Minimum((0.0, 0.0), 0.0, None),),
    domain=((-5.0, 5.0), (-5.0, 5.0)),
    variables=("x1", "x2"),
    source="Ackley 1987, A Connectionist Machine for Genetic Hillclimbing",
    notes="The funnel ends in a point, like a cone: at the minimum itself there is no gradient.",
    any_size=True,
    smooth=False,
    minima_complete=False,
)


def rastrigin(x: Value) -> Value:
    return np.sum(10 + x**2 - 10 * np.cos(2 * np.pi * x))


RASTRIGIN = Problem(
    name="rastrigin",
    title="An egg box in a bowl: a minimum near every whole number",
    fun=rastrigin,
    formula="sum(10 + x^2 - 10*cos(2*pi*x))",
    start=(2.3, -1.6),
    minima=(Minimum((0.0, 0.0), 0.0, (396.78417604357435, 396.78417604357435)),),
    domain=((-5.12, 5.12), (-5.12, 5.12)),
    variables=("x1", "x2"),
    source="Rastrigin 1974, Systems of Extremal Control; in n dimensions Mühlenbein, Schomisch and Born "
    "1991, The parallel genetic algorithm as function optimizer, Parallel Computing 17",
    any_size=True,
    minima_complete=False,
)


def griewank(x: Value) -> Value:
    return 1 + np.sum(x**2) / 4000 - np.prod(np.cos(x / np.sqrt(np.arange(1, x.size + 1))))


GRIEWANK = Problem(
    name="griewank",
    title="A very wide bowl under ripples of one height",
    fun=griewank,
    formula="1 + sum(x^2)/4000 - prod(cos(x_i/sqrt(i)))",
    start=(6.5, -5.5),
    minima=(Minimum((0.0, 0.0), 0.0, (0.5005, 1.0005)),),
    domain=((-10.0, 10.0), (-10.0, 10.0)),
    variables=("x1", "x2"),
    source="Griewank 1981, Generalized descent for global optimization, J. Optimization Theory and Applications 34",
    notes="Often sampled on -600 to 600, where it looks like a smooth bowl.",
    formula_parses=False,
    any_size=True,
    minima_complete=False,
)


def levy(x: Value) -> Value:
    w = 1 + (x - 1) / 4
    first = np.sin(np.pi * w[0]) ** 2
    middle = np.sum((w[:-1] - 1) ** 2 * (1 + 10 * np.sin(np.pi * w[:-1] + 1) ** 2))
    last = (w[-1] - 1) ** 2 * (1 + np.sin(2 * np.pi * w[-1]) ** 2)
    return first + middle + last


LEVY = Problem(
    name="levy",
    title="Parallel wavy valleys in a shallow bowl",
    fun=levy,
    formula="sin(pi*w_1)^2 + sum((w_i - 1)^2*(1 + 10*sin(pi*w_i + 1)^2)) + (w_n - 1)^2*(1 + sin(2*pi*w_n)^2) "
    "with w = 1 + (x - 1)/4 and the sum over all but the last",
    start=(-6.5, 4.5),
    minima=(Minimum((1.0, 1.0), 0.0, (0.125, 2.243792322978134)),),
    domain=((-10.0, 10.0), (-10.0, 10.0)),
    variables=("x1", "x2"),
    source="Levy and Montalvo 1985, The tunneling algorithm for the global minimization of functions, SIAM "
    "J. Scientific and Statistical Computing 6; in the form of Laguna and Martí 2005, Experimental testing "
    "of advanced scatter search designs for global optimization of multimodal functions, J. Global "
    "Optimization 33",
    formula_parses=False,
    any_size=True,
    minima_complete=False,
)


def easom(x: Value, y: Value) -> Value:
    return -np.cos(x) * np.cos(y) * np.exp(-((x - np.pi) ** 2) - (y - np.pi) ** 2)


EASOM = Problem(
    name="easom",
    title="A small deep hole in a wide flat plain",
    fun=easom,
    formula="-cos(x)*cos(y)*exp(-(x - pi)^2 - (y - pi)^2)",
    start=(2.0, 4.0),
    minima=(Minimum((3.141592653589793, 3.141592653589793), -1.0, (3.0, 3.0)),),
    domain=((-2.0, 8.0), (-2.0, 8.0)),
    variables=("x", "y"),
    source="Easom 1990, A Survey of Global Optimization Techniques, thesis, University of Louisville",
    notes="Often sampled on -100 to 100, where most gradients are exactly 0 in floating point.",
    minima_complete=False,
)


def bohachevsky(x: Value, y: Value) -> Value:
    return x**2 + 2 * y**2 - 0.3 * np.cos(3 * np.pi * x) - 0.4 * np.cos(4 * np.pi * y) + 0.7


BOHACHEVSKY = Problem(
    name="bohachevsky",
    title="A bowl with ripples that matter only near the bottom",
    fun=bohachevsky,
    formula="x^2 + 2*y^2 - 0.3*cos(3*pi*x) - 0.4*cos(4*pi*y) + 0.7",
    start=(0.9, -0.6),
    minima=(Minimum((0.0, 0.0), 0.0, (28.64793188294127, 67.16546816697189)),),
    domain=((-1.5, 1.5), (-1.5, 1.5)),
    variables=("x", "y"),
    source="Bohachevsky, Johnson and Stein 1986, Generalized simulated annealing for function optimization, "
    "Technometrics 28; the first of their functions",
    notes="Often sampled on -100 to 100, where the ripples vanish.",
    minima_complete=False,
)


def schwefel(x: Value) -> Value:
    return 418.9829 * x.size - np.sum(x * np.sin(np.sqrt(np.abs(x))))


SCHWEFEL = Problem(
    name="schwefel",
    title="Waves that grow outwards, with the lowest far from the next lowest",
    fun=schwefel,
    formula="418.9829*n - sum(x*sin(sqrt(abs(x))))",
    start=(250.0, -150.0),
    minima=(
        Minimum(
            (420.96874635998205, 420.96874635998205),
            2.5455132587450428e-05,
            (0.2523670621726437, 0.2523670621726437),
        ),
    ),
    domain=((-500.0, 500.0), (-500.0, 500.0)),
    variables=("x1", "x2"),
    source="Schwefel 1981, Numerical Optimization of Computer Models",
    notes="Unbounded below outside the domain. The constant is rounded in the literature, so the lowest "
    "loss is not quite 0. No second derivative where a coordinate is 0, and an automatic gradient is NaN "
    "there.",
    formula_parses=False,
    any_size=True,
    smooth=False,
    minima_complete=False,
)


def trefethen(x: Value, y: Value) -> Value:
    return (
        np.exp(np.sin(50 * x))
        + np.sin(60 * np.exp(y))
        + np.sin(70 * np.sin(x))
        + np.sin(np.sin(80 * y))
        - np.sin(10 * (x + y))
        + (x**2 + y**2) / 4
    )


TREFETHEN = Problem(
    name="trefethen",
    title="The fourth of the hundred-digit problems: thousands of minima in a small square",
    fun=trefethen,
    formula="exp(sin(50*x)) + sin(60*exp(y)) + sin(70*sin(x)) + sin(sin(80*y)) - sin(10*(x + y)) + (x^2 + y^2)/4",
    start=(0.5, -0.5),
    minima=(
        Minimum(
            (-0.024403079694375173, 0.21061242715535577),
            -3.306868647475237,
            (5977.993667976551, 9898.120675037124),
        ),
    ),
    domain=((-1.0, 1.0), (-1.0, 1.0)),
    variables=("x", "y"),
    source="Trefethen 2002, A hundred-dollar, hundred-digit challenge, SIAM News 35",
    minima_complete=False,
)
