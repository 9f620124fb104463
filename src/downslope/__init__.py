"""Gradient descent you can run, see, explain and scale."""
