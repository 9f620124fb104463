"""
The loss around a trained network
=================================

Contours of a small network's loss on the plane in which its weights moved most; the path of the training curves from
the left edge down to a star, where it ended, at the border of the lowest region.

The picture holds the part of the path that lies in the plane, and the title tells how much that is.
"""

import numpy as np

from downslope import fit
from downslope.training import Network, loss_slice

rng = np.random.default_rng(0)
X = rng.uniform(-1, 1, size=(600, 2))
inside = (np.hypot(*X.T) < 0.7).astype(float)
network = Network("logistic", hidden_layer_sizes=(16,))
run = fit(network, (X, inside), method="adam", learning_rate=0.01, batch_size=32, epochs=40)
loss_slice(run, resolution=51).plot()
