"""
A law fitted to measurements
============================

Ten measured temperatures of a cooling cup of tea as dots, and the curve of Newton's law of cooling that fits them,
which runs through all of them.
"""

import numpy as np
from matplotlib.figure import Figure

from downslope import minimize

minutes = np.array([0.0, 2, 4, 6, 8, 10, 15, 20, 25, 30])
degrees = np.array([92.0, 86.1, 80.8, 76.1, 71.9, 68.2, 60.5, 54.7, 50.3, 47.0])


def cooling(law, t):
    room, excess, rate = law
    return room + excess * np.exp(-rate / 100 * t)


run = minimize(lambda law: np.mean((cooling(law, minutes) - degrees) ** 2), [20.0, 70.0, 3.0], method="newton")

figure = Figure(layout="constrained")
ax = figure.add_subplot(xlabel="minutes", ylabel="degrees Celsius", title=f"{run.x[0]:.1f} degrees in the end")
t = np.linspace(0, 60, 200)
ax.plot(t, cooling(run.x, t))
ax.plot(minutes, degrees, "o")
figure
