"""
The gradient is a slope (film)
==============================

A dashed line touches the parabola and rolls along it; its slope, told in the title, falls from steep and negative
through zero at the minimum to steep and positive.
"""

import numpy as np

from downslope import plots

plots.tangent_film("x^2 - 4x + 5", np.arange(-1, 5.5, 0.5), (-1.5, 5.5))
