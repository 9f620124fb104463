"""The sum over all processes, inside the compiled loop.

Between processors a short vector goes to every process as it is, in one exchange, and each adds up what it gets in the
order of the ranks: 0.1 ms between two processes of one machine, where XLA's own all-reduce took 0.2 to 4 ms, since its
ring waits for one message after another. A long vector, and one on accelerators, is left to XLA.

Each sum must wait for the one before: of two that do not, XLA begins either, in each process as it comes.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.flatten_util import ravel_pytree

AXIS = "processes"
"""Over which a batch's rows are divided, where several processes train together."""
MOST_BYTES = 2**20
"""That a process sends of a vector as it is, to all others together."""


def sum_over_processes(values: Any, n_processes: int) -> Any:
    """The sum of a tree of arrays, by one message, and the same in all processes to the last bit."""
    if n_processes == 1:
        return values
    flat, back = ravel_pytree(values)
    if jax.default_backend() != "cpu" or (n_processes - 1) * flat.size * flat.dtype.itemsize > MOST_BYTES:
        return back(lax.psum(flat, AXIS))  # type: ignore[no-untyped-call]
    copies = jnp.broadcast_to(flat, (n_processes, *flat.shape))
    return back(lax.all_to_all(copies, AXIS, 0, 0).sum(axis=0))  # type: ignore[no-untyped-call]
