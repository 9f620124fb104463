"""Lanes as one batch in PyTorch, with gradients by autograd; what has ended stays where it is."""

from __future__ import annotations

import torch


def until_flat(fun, starts, rate, tolerance):
    """Each start's last point and number of steps; `fun` takes the coordinates, each of shape (m,)."""
    x = torch.tensor(starts.T.copy())
    counts = torch.zeros(x.shape[1], dtype=torch.long)
    for _ in range(10_000):
        x.requires_grad_(True)
        (gradient,) = torch.autograd.grad(fun(*x).sum(), x)
        with torch.no_grad():
            goes_on = gradient.abs().amax(0) > tolerance
            if not goes_on.any():
                break
            x = x - rate * gradient * goes_on
            counts += goes_on
    return x.detach().numpy().T, counts.numpy()
