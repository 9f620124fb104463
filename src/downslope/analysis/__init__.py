"""Facts about a point: the curvature of the loss there, and the stationary points of a function."""
