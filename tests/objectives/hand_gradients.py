"""The gradient of every gallery function, by hand, in plain NumPy.

`HAND_GRADIENTS[name](x)` has the shape of `x`: a number for a function of one variable, else a flat vector.
test_gallery.py holds them to finite differences of the functions.
"""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import cos, exp, pi, sin

from downslope.objectives.gallery import data_fits

HAND_GRADIENTS: dict[str, Callable[[Any], Any]] = {}


def gradient(function):
    """Enter `function` under its name; one of several numbers gives one partial derivative for each."""
    if len(inspect.signature(function).parameters) == 1:
        HAND_GRADIENTS[function.__name__] = function
    else:
        HAND_GRADIENTS[function.__name__] = lambda x: np.stack(function(*(x[i] for i in range(x.size))))
    return function


# One variable.


@gradient
def dart(t):
    miss = 10 * np.tan(t) - 4.9 / cos(t) ** 2
    return miss * (10 - 9.8 * np.tan(t)) / cos(t) ** 2


@gradient
def parabola(x):
    return 2 * x


@gradient
def shifted_parabola(x):
    return 2 * x - 4


@gradient
def many_minima(x):
    return cos(x) - x * sin(x)


@gradient
def notch(x):
    return 2 * x + 600 * (x - 1.5) * exp(-100 * (x - 1.5) ** 2)


@gradient
def sine(x):
    return cos(x)


@gradient
def plateau(x):
    return x * exp(-(x**2) / 2)


@gradient
def quartic(x):
    return 4 * x**3


@gradient
def double_well(x):
    return 4 * x * (x**2 - 1)


# Two variables and more, one number each.


@gradient
def bowl_2d(x1, x2):
    return 0.4 * x1, 2 * x2


@gradient
def ravine(x, y):
    return 0.1 * x, 8 * y


@gradient
def egg_box_bowl(x, z):
    return 0.12 * x - 0.99 * sin(1.1 * x), 0.12 * z - 0.99 * sin(1.1 * z)


@gradient
def round_bowl(x, z):
    return 0.4 * x, 0.4 * z


@gradient
def saddle(x, y):
    return 2 * x, -2 * y


@gradient
def matyas(x, y):
    return 0.52 * x - 0.48 * y, 0.52 * y - 0.48 * x


@gradient
def booth(x, y):
    return 10 * x + 8 * y - 34, 8 * x + 10 * y - 38


@gradient
def rosenbrock(x, y):
    return -400 * x * (y - x**2) - 2 * (1 - x), 200 * (y - x**2)


@gradient
def cube(x, y):
    return -600 * x**2 * (y - x**3) - 2 * (1 - x), 200 * (y - x**3)


@gradient
def beale(x, y):
    r1, r2, r3 = 1.5 - x * (1 - y), 2.25 - x * (1 - y**2), 2.625 - x * (1 - y**3)
    return (
        -2 * (r1 * (1 - y) + r2 * (1 - y**2) + r3 * (1 - y**3)),
        2 * x * (r1 + 2 * y * r2 + 3 * y**2 * r3),
    )


@gradient
def helical_valley(x1, x2, x3):
    r = np.sqrt(x1**2 + x2**2)
    twist = x3 - 10 * (0.25 - np.arctan2(x1, x2) / (2 * pi))
    return (
        1000 / pi * twist * x2 / r**2 + 200 * (r - 1) * x1 / r,
        -1000 / pi * twist * x1 / r**2 + 200 * (r - 1) * x2 / r,
        200 * twist + 2 * x3,
    )


@gradient
def powell_singular(x1, x2, x3, x4):
    a, b, c, d = 2 * (x1 + 10 * x2), 10 * (x3 - x4), 4 * (x2 - 2 * x3) ** 3, 40 * (x1 - x4) ** 3
    return a + d, 10 * a + c, b - 2 * c, -b - d


@gradient
def wood(x1, x2, x3, x4):
    a, b, c, d = 200 * (x2 - x1**2), 180 * (x4 - x3**2), 20 * (x2 + x4 - 2), 0.2 * (x2 - x4)
    return -2 * x1 * a - 2 * (1 - x1), a + c + d, -2 * x3 * b - 2 * (1 - x3), b + c - d


@gradient
def brown_badly_scaled(x, y):
    return 2 * (x - 1e6) + 2 * y * (x * y - 2), 2 * (y - 2e-6) + 2 * x * (x * y - 2)


@gradient
def powell_badly_scaled(x, y):
    a, b = 2 * (1e4 * x * y - 1), 2 * (exp(-x) + exp(-y) - 1.0001)
    return 1e4 * y * a - exp(-x) * b, 1e4 * x * a - exp(-y) * b


@gradient
def himmelblau(x, y):
    a, b = 2 * (x**2 + y - 11), 2 * (x + y**2 - 7)
    return 2 * x * a + b, a + 2 * y * b


@gradient
def freudenstein_roth(x, y):
    a, b = 2 * (x - 13 + 5 * y**2 - y**3 - 2 * y), 2 * (x - 29 + y**3 + y**2 - 14 * y)
    return a + b, a * (10 * y - 3 * y**2 - 2) + b * (3 * y**2 + 2 * y - 14)


@gradient
def branin(x, y):
    valley = y - 5.1 / (4 * pi**2) * x**2 + 5 / pi * x - 6
    return 2 * valley * (5 / pi - 5.1 / (2 * pi**2) * x) - 10 * (1 - 1 / (8 * pi)) * sin(x), 2 * valley


@gradient
def goldstein_price(x, y):
    # Each factor is 1 or 30 plus s^2 q; both q depend on one combination of x and y, written out in q' below.
    s, t = x + y + 1, 2 * x - 3 * y
    p = 19 - 14 * s + 14 + 3 * (s - 1) ** 2  # 19 - 14 (x + y) + 3 (x + y)^2
    q = 18 - 16 * t + 3 * t**2  # 18 - 32 x + 48 y + 12 x^2 - 36 x y + 27 y^2
    first, second = 1 + s**2 * p, 30 + t**2 * q
    d_first = 2 * s * p + s**2 * (6 * (s - 1) - 14)
    d_second = 2 * t * q + t**2 * (6 * t - 16)
    return d_first * second + 2 * first * d_second, d_first * second - 3 * first * d_second


@gradient
def six_hump_camel(x, y):
    return 8 * x - 8.4 * x**3 + 2 * x**5 + y, x - 8 * y + 16 * y**3


@gradient
def three_hump_camel(x, y):
    return 4 * x - 4.2 * x**3 + x**5 + y, x + 2 * y


@gradient
def mccormick(x, y):
    return cos(x + y) + 2 * (x - y) - 1.5, cos(x + y) - 2 * (x - y) + 2.5


@gradient
def easom(x, y):
    bell = exp(-((x - pi) ** 2) - (y - pi) ** 2)
    return (
        bell * cos(y) * (sin(x) + 2 * (x - pi) * cos(x)),
        bell * cos(x) * (sin(y) + 2 * (y - pi) * cos(y)),
    )


@gradient
def bohachevsky(x, y):
    return 2 * x + 0.9 * pi * sin(3 * pi * x), 4 * y + 1.6 * pi * sin(4 * pi * y)


@gradient
def trefethen(x, y):
    wave = 10 * cos(10 * (x + y))
    return (
        50 * cos(50 * x) * exp(sin(50 * x)) + 70 * cos(x) * cos(70 * sin(x)) - wave + x / 2,
        60 * exp(y) * cos(60 * exp(y)) + 80 * cos(80 * y) * cos(sin(80 * y)) - wave + y / 2,
    )


# A vector of any length.


@gradient
def sum_of_squares(x):
    return 2 * x


@gradient
def absolute_value(x):
    return np.sign(x)


@gradient
def zakharov(x):
    weights = 0.5 * np.arange(1, x.size + 1)
    s = weights @ x
    return 2 * x + (2 * s + 4 * s**3) * weights


@gradient
def trid(x):
    neighbours = np.concatenate((x[1:], [0])) + np.concatenate(([0], x[:-1]))
    return 2 * (x - 1) - neighbours


@gradient
def dixon_price(x):
    pull = 2 * np.arange(2, x.size + 1) * (2 * x[1:] ** 2 - x[:-1])
    return np.concatenate(([2 * (x[0] - 1)], 4 * x[1:] * pull)) - np.concatenate((pull, [0]))


@gradient
def rosenbrock_chain(x):
    pull = 200 * (x[1:] - x[:-1] ** 2)
    return np.concatenate((-2 * x[:-1] * pull - 2 * (1 - x[:-1]), [0])) + np.concatenate(([0], pull))


@gradient
def styblinski_tang(x):
    return 2 * x**3 - 16 * x + 2.5


@gradient
def ackley(x):
    radius = np.sqrt(np.mean(x**2))
    ripples = 2 * pi * sin(2 * pi * x) * exp(np.mean(cos(2 * pi * x)))
    return (4 * exp(-0.2 * radius) * x / radius + ripples) / x.size


@gradient
def rastrigin(x):
    return 2 * x + 20 * pi * sin(2 * pi * x)


@gradient
def griewank(x):
    root = np.sqrt(np.arange(1, x.size + 1))
    return x / 2000 + np.prod(cos(x / root)) * np.tan(x / root) / root


@gradient
def levy(x):
    w = 1 + (x - 1) / 4
    u, v = w[:-1] - 1, w[-1] - 1
    first = np.concatenate(([pi * sin(2 * pi * w[0])], 0 * x[1:]))
    middle = 2 * u * (1 + 10 * sin(pi * w[:-1] + 1) ** 2) + 10 * pi * u**2 * sin(2 * pi * w[:-1] + 2)
    last = 2 * v * (1 + sin(2 * pi * v) ** 2) + 2 * pi * v**2 * sin(4 * pi * v)
    return (first + np.concatenate((middle, [last]))) / 4


@gradient
def schwefel(x):
    root = np.sqrt(np.abs(x))
    return -sin(root) - root * cos(root) / 2


# Sums of squares over data: twice the residuals times their slopes.


@gradient
def bard(x1, x2, x3):
    u, v, w = data_fits.BARD_U, data_fits.BARD_V, data_fits.BARD_W
    below = v * x2 + w * x3
    residual = data_fits.BARD_Y - (x1 + u / below)
    slope = 2 * residual * u / below**2
    return -2 * np.sum(residual), slope @ v, slope @ w


@gradient
def gaussian(x1, x2, x3):
    t = data_fits.GAUSSIAN_T
    bell = exp(-x2 * (t - x3) ** 2 / 2)
    slope = 2 * (x1 * bell - data_fits.GAUSSIAN_Y) * bell
    return np.sum(slope), -x1 / 2 * slope @ (t - x3) ** 2, x1 * x2 * slope @ (t - x3)


@gradient
def kowalik_osborne(x1, x2, x3, x4):
    u = data_fits.KOWALIK_OSBORNE_U
    above, below = u**2 + u * x2, u**2 + u * x3 + x4
    slope = 2 * (x1 * above / below - data_fits.KOWALIK_OSBORNE_Y) / below
    down = -x1 * slope * above / below
    return slope @ above, x1 * slope @ u, down @ u, np.sum(down)


@gradient
def jennrich_sampson(x, y):
    i = data_fits.JENNRICH_SAMPSON_I
    slope = -2 * i * (2 + 2 * i - exp(i * x) - exp(i * y))
    return slope @ exp(i * x), slope @ exp(i * y)


@gradient
def box_3d(x1, x2, x3):
    t = data_fits.BOX_T
    data = exp(-t) - exp(-10 * t)
    twice = 2 * (exp(-t * x1) - exp(-t * x2) - x3 * data)
    return -twice @ (t * exp(-t * x1)), twice @ (t * exp(-t * x2)), -twice @ data


@gradient
def brown_dennis(x1, x2, x3, x4):
    t = data_fits.BROWN_DENNIS_T
    line, wave = x1 + t * x2 - exp(t), x3 + x4 * sin(t) - cos(t)
    a, b = 4 * (line**2 + wave**2) * line, 4 * (line**2 + wave**2) * wave
    return np.sum(a), a @ t, np.sum(b), b @ sin(t)
