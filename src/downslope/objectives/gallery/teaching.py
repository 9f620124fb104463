"""The functions of the teaching texts that this program grew from.

Their printed runs, steps and losses are in tests/reference/seeds.json.
"""

from __future__ import annotations

import numpy as np

from downslope.objectives.gallery.problem import Minimum, Problem, Value


def dart(t: Value) -> Value:
    return 0.5 * (10 * np.tan(t) - 4.9 / np.cos(t) ** 2) ** 2


DART = Problem(
    name="dart",
    title="By how much a dart misses the bullseye, squared and halved, for each angle of the throw",
    fun=dart,
    formula="0.5*(10*tan(t) - 4.9/cos(t)^2)^2",
    start=0.0,
    minima=(
        Minimum(0.6852307422358885, 0.0, (11.01840245492912,)),
        Minimum(0.8855655845590081, 0.0, (24.68808593903279,)),
    ),
    domain=((-0.4, 1.2),),
    variables=("t",),
    source="a teaching text's dart thrower: a board 10 m away, 10 m/s, g = 9.8 m/s^2",
    notes="The angle is in radians: a low throw (39.26 degrees) and a high one (50.74) both hit. "
    "The loss is infinite straight up, at pi/2, and has period pi.",
)


def parabola(x: Value) -> Value:
    return x**2


PARABOLA = Problem(
    name="parabola",
    title="The simplest bowl",
    fun=parabola,
    formula="x^2",
    start=5.0,
    minima=(Minimum(0.0, 0.0, (2.0,)),),
    domain=((-6.0, 6.0),),
    variables=("x",),
    source="a teaching text's table of 25 steps",
    notes="A step multiplies x by 1 - 2a: below a = 0.5 it walks, up to 1 it zigzags, above 1 it diverges.",
)


def shifted_parabola(x: Value) -> Value:
    return x**2 - 4 * x + 5


SHIFTED_PARABOLA = Problem(
    name="shifted_parabola",
    title="A parabola whose lowest point is at 2, not at 0",
    fun=shifted_parabola,
    formula="x^2 - 4x + 5",
    start=-1.0,
    minima=(Minimum(2.0, 1.0, (2.0,)),),
    domain=((-2.0, 6.0),),
    variables=("x",),
    source="a teaching text's comparison of four learning rates, ten steps each",
    notes="Learning rates a and 1 - a end equally far off, one walking, one zigzagging; 0.5 lands in one step.",
)


def bowl_2d(x1: Value, x2: Value) -> Value:
    return 0.2 * x1**2 + x2**2


BOWL_2D = Problem(
    name="bowl_2d",
    title="An oval bowl, five times as steep one way as the other",
    fun=bowl_2d,
    formula="0.2*x1^2 + x2^2",
    start=(9.0, -3.0),
    minima=(Minimum((0.0, 0.0), 0.0, (0.4, 2.0)),),
    domain=((-10.0, 10.0), (-4.0, 4.0)),
    variables=("x1", "x2"),
    source="a teaching text's first function of two variables",
    notes="Gradient descent is stable below a learning rate of 1.",
)


def many_minima(x: Value) -> Value:
    return x * np.cos(x) + 9


MANY_MINIMA = Problem(
    name="many_minima",
    title="A wave that grows: where you start decides where you end",
    fun=many_minima,
    formula="x cos(x) + 9",
    start=12.0,
    minima=(
        Minimum(-0.8603335890193797, 8.438903661808954, (2.0772166715899907,)),
        Minimum(3.4256184594817283, 5.711628604409103, (3.848816238188103,)),
        Minimum(9.529334405361963, -0.47729425947979387, (9.686026351438894,)),
    ),
    domain=((-5.1, 14.1),),
    variables=("x",),
    source="a teaching text's local and global minima",
    notes="Unbounded below: 'global' means within the plotted range.",
)


def ravine(x: Value, y: Value) -> Value:
    return 0.05 * x**2 + 4 * y**2


RAVINE = Problem(
    name="ravine",
    title="A straight ravine, eighty times as steep across as along",
    fun=ravine,
    formula="0.05*x^2 + 4*y^2",
    start=(-4.5, 1.5),
    minima=(Minimum((0.0, 0.0), 0.0, (0.1, 8.0)),),
    domain=((-5.0, 5.0), (-2.0, 2.0)),
    variables=("x", "y"),
    source="a teaching text's case for momentum",
    notes="Gradient descent is stable below a learning rate of 0.25, which is slow along the floor.",
)


def egg_box_bowl(x: Value, z: Value) -> Value:
    return 0.06 * (x**2 + z**2) + 0.9 * (np.cos(1.1 * x) + np.cos(1.1 * z))


EGG_BOX_BOWL = Problem(
    name="egg_box_bowl",
    title="A bowl with four equal hollows around a hill",
    fun=egg_box_bowl,
    formula="0.06*(x^2 + z^2) + 0.9*(cos(1.1*x) + cos(1.1*z))",
    start=(0.3, 0.2),
    minima=(
        Minimum(
            (-2.568212336451984, -2.568212336451984),
            -0.9190761962165453,
            (1.1548899790415719, 1.1548899790415719),
        ),
        Minimum(
            (-2.568212336451984, 2.568212336451984),
            -0.9190761962165453,
            (1.1548899790415719, 1.1548899790415719),
        ),
        Minimum(
            (2.568212336451984, -2.568212336451984),
            -0.9190761962165453,
            (1.1548899790415719, 1.1548899790415719),
        ),
        Minimum(
            (2.568212336451984, 2.568212336451984),
            -0.9190761962165453,
            (1.1548899790415719, 1.1548899790415719),
        ),
    ),
    domain=((-4.5, 4.5), (-4.5, 4.5)),
    variables=("x", "z"),
    source="a teaching text's landscape for a rolling marble",
    notes="The start, near the top of the hill, is ours: the text lets the reader drop the marble anywhere.",
)


def round_bowl(x: Value, z: Value) -> Value:
    return 0.2 * (x**2 + z**2)


ROUND_BOWL = Problem(
    name="round_bowl",
    title="A round bowl: every path is straight",
    fun=round_bowl,
    formula="0.2*(x^2 + z^2)",
    start=(2.3, 2.1),
    minima=(Minimum((0.0, 0.0), 0.0, (0.4, 0.4)),),
    domain=((-4.5, 4.5), (-4.5, 4.5)),
    variables=("x", "z"),
    source="a teaching text's simplest landscape for a rolling marble",
)


def sum_of_squares(x: Value) -> Value:
    return np.sum(x**2)


SUM_OF_SQUARES = Problem(
    name="sum_of_squares",
    title="The simplest bowl in any number of dimensions",
    fun=sum_of_squares,
    formula="sum(x^2)",
    start=(5.0, -3.0, 2.0),
    minima=(Minimum((0.0, 0.0, 0.0), 0.0, (2.0, 2.0, 2.0)),),
    domain=((-6.0, 6.0), (-6.0, 6.0), (-6.0, 6.0)),
    variables=("x1", "x2", "x3"),
    source="a teaching text's parabola in three dimensions; the first test function of De Jong 1975",
    any_size=True,
)
