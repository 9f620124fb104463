"""Small functions that show one difficulty each: a notch, a saddle, a plateau, a kink."""

from __future__ import annotations

import numpy as np

from downslope.objectives.gallery.problem import Minimum, Problem, Value


def notch(x: Value) -> Value:
    return x**2 - 3 * np.exp(-100 * (x - 1.5) ** 2)


NOTCH = Problem(
    name="notch",
    title="A narrow notch in a wide bowl, which large steps jump over",
    fun=notch,
    formula="x^2 - 3*exp(-100*(x - 1.5)^2)",
    start=5.0,
    minima=(
        # The notch is felt at the bottom of the bowl too: it moves the minimum by 9e-96.
        Minimum(8.648764775207321e-96, 0.0, (2.0,)),
        Minimum(1.495004199685461, -0.7574843724616679, (597.5168889273566,)),
    ),
    domain=((-3.0, 6.0),),
    variables=("x",),
    source="made for this gallery",
    notes="The bowl is stable below a learning rate of 1, the notch below 0.0033: at 0.25 a run from 5 never "
    "sees the notch, at 0.002 it ends in it.",
)


def sine(x: Value) -> Value:
    return np.sin(x)


SINE = Problem(
    name="sine",
    title="The sine wave: equal valleys without end",
    fun=sine,
    formula="sin(x)",
    start=2.0,
    minima=(Minimum(-1.5707963267948966, -1.0, (1.0,)), Minimum(4.71238898038469, -1.0, (1.0,))),
    domain=((-7.0, 7.0),),
    variables=("x",),
    source="made for this gallery",
    notes="A start right of pi/2, the top between the two valleys, ends in the right one.",
)


def saddle(x: Value, y: Value) -> Value:
    return x**2 - y**2


SADDLE = Problem(
    name="saddle",
    title="A saddle: a valley along x, a ridge along y, and no minimum",
    fun=saddle,
    formula="x^2 - y^2",
    start=(2.0, 0.001),
    minima=(),
    domain=((-3.0, 3.0), (-3.0, 3.0)),
    variables=("x", "y"),
    source="made for this gallery",
    notes="Unbounded below. A run with y = 0 exactly ends on the saddle; any other slides off in the end.",
)


def plateau(x: Value) -> Value:
    return 1 - np.exp(-(x**2) / 2)


PLATEAU = Problem(
    name="plateau",
    title="A hole in a plain that is almost flat",
    fun=plateau,
    formula="1 - exp(-x^2/2)",
    start=4.0,
    minima=(Minimum(0.0, 0.0, (1.0,)),),
    domain=((-6.0, 6.0),),
    variables=("x",),
    source="made for this gallery: the loss of Welsch's robust regression (Dennis and Welsch 1978)",
    notes="At the start the slope is 0.0013, so a gradient tolerance of 0.01 would call it a minimum.",
)


def quartic(x: Value) -> Value:
    return x**4


QUARTIC = Problem(
    name="quartic",
    title="A bowl with a flat bottom: no curvature at the minimum",
    fun=quartic,
    formula="x^4",
    start=2.0,
    minima=(Minimum(0.0, 0.0, (0.0,)),),
    domain=((-2.5, 2.5),),
    variables=("x",),
    source="made for this gallery",
    notes="With a constant learning rate x falls as 1/sqrt(8 a n) after n steps, slower than any exponential.",
)


def double_well(x: Value) -> Value:
    return (x**2 - 1) ** 2


DOUBLE_WELL = Problem(
    name="double_well",
    title="Two equal wells and a hill between them",
    fun=double_well,
    formula="(x^2 - 1)^2",
    start=0.25,
    minima=(Minimum(-1.0, 0.0, (8.0,)), Minimum(1.0, 0.0, (8.0,))),
    domain=((-1.8, 1.8),),
    variables=("x",),
    source="made for this gallery",
    notes="Both wells are stable below a learning rate of 0.25. A start at 0, the top of the hill, never moves.",
)


def absolute_value(x: Value) -> Value:
    return np.sum(np.abs(x))


ABSOLUTE_VALUE = Problem(
    name="absolute_value",
    title="A bowl with straight sides and a kink: no step is small enough to settle",
    fun=absolute_value,
    formula="sum(abs(x))",
    start=(2.0, -0.75),
    minima=(Minimum((0.0, 0.0), 0.0, None),),
    domain=((-3.0, 3.0), (-3.0, 3.0)),
    variables=("x1", "x2"),
    source="the standard example of a convex function without a gradient everywhere (Shor 1985, Minimization "
    "Methods for Non-Differentiable Functions)",
    notes="No gradient where a coordinate is 0. Steps of a constant length end up hopping across the kink; "
    "a decaying learning rate settles.",
    any_size=True,
    smooth=False,
)
