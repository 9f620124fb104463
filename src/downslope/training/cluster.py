"""Several processes that train one model: joined by JAX's own runtime, each with its share of every batch.

    cluster = join()            which of how many, by the launcher's environment; then every `fit(cluster=True)` uses it

Every process holds the weights and makes every step. Gradients of the shares are added up by JAX inside the compiled
loop (all_reduce.py), through gloo on processors and by the platform's own means on accelerators.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from downslope.errors import InvalidInput
from downslope.training.all_reduce import AXIS
from downslope.training.models import Model
from downslope.training.one_step import Data
from downslope.training.shares import Share


@dataclass(frozen=True)
class Cluster:
    """The processes that train together; one alone is a cluster, too.

    A process that fails leaves at once, with a message (leaving.py): the others wait for it in their next step.

    >>> Cluster().is_first, Cluster().is_alone
    (True, True)
    """

    rank: int = 0
    """Which of them this is."""
    n_processes: int = 1
    """How many they are."""

    @property
    def is_first(self) -> bool:
        """Whether it is the one that writes checkpoints and what people read."""
        return self.rank == 0

    @property
    def is_alone(self) -> bool:
        """There are no others."""
        return self.n_processes == 1

    @property
    def share(self) -> Share:
        """Its part of every batch."""
        return Share(self.rank, self.n_processes)

    def first_says(self, value: float) -> float:
        """The number that process 0 has, in all processes; whole numbers up to 2**53 come through."""
        if self.is_alone:
            return value
        return float(self.every(np.array([value], float))[0, 0])

    def any_says(self, condition: bool) -> bool:
        """Whether it holds in some process."""
        return condition if self.is_alone else bool(self.every(np.array([condition])).any())

    def check_suits(self, model: Model, is_in_passes: bool) -> None:
        """Raise InvalidInput where a sum over processes is not what is asked for."""
        if self.is_alone:
            return
        if is_in_passes:
            rule = "must be given where several processes train on more rows than are kept in memory"
            raise InvalidInput("batch_size", rule, None)
        if not model.takes_short_batches:
            rule = "must return one number a row where several processes train: an average cannot be divided among them"
            raise InvalidInput("model", rule, model)

    def check_same(self, facts: dict[str, bytes]) -> None:
        """Raise InvalidInput, in every process, where a fact (a digest of it) is not that of process 0."""
        if self.is_alone:
            return
        table = self.every(np.stack([np.frombuffer(digest, np.uint8) for digest in facts.values()]))
        for i, name in enumerate(facts):
            others = [rank for rank, row in enumerate(table[:, i]) if (row != table[0, i]).any()]
            if others:
                rule = "must be the same in all processes, and is not"
                told = f"in process {', '.join(map(str, others))} as in process 0"
                raise InvalidInput(name, rule, message=f"`{name}` {rule} {told}.")

    def spread(self, data: Data) -> Data:
        """Its rows as a part of one array over all processes."""
        if self.is_alone:
            return data
        sharding = NamedSharding(mesh(), PartitionSpec(AXIS))  # type: ignore[no-untyped-call]

        def part(leaf: Any) -> Any:
            here = jax.device_put(np.atleast_1d(leaf) if np.ndim(leaf) == 0 else leaf, jax.local_devices()[0])
            return jax.make_array_from_single_device_arrays((self.n_processes * len(here),), sharding, [here])

        with jax.enable_x64(True):
            return jax.tree.map(part, data)  # type: ignore[no-any-return]

    def every(self, value: np.ndarray) -> np.ndarray:
        """The array of each process, one after the other: of shape (n_processes, ...) where theirs are (...)."""
        with jax.enable_x64(True):
            return np.asarray(multihost_utils.process_allgather(value)).reshape(self.n_processes, *value.shape)


ALONE = Cluster()


@functools.cache
def mesh() -> Mesh:
    """The device of each process, in the order of the processes."""
    return Mesh(np.array(sorted(jax.devices(), key=lambda device: device.process_index)), (AXIS,))


def over_processes(loop: Callable[..., Any]) -> Callable[..., Any]:
    """The compiled loop (position, data, ...), run by all processes together: only the data differ from one to another.

    What comes out is the same in all, since all that depends on the data goes through a sum over the processes.
    """
    same, divided = PartitionSpec(), PartitionSpec(AXIS)  # type: ignore[no-untyped-call]

    def part(position: Any, data: Data, rest: Any) -> Any:
        flat = data.flat._replace(first=data.flat.first[0])
        apart = None if data.apart is None else data.apart[0]
        return loop(position, dataclasses.replace(data, flat=flat, apart=apart), *rest)

    specs = (same, divided, same)
    whole = jax.jit(jax.shard_map(part, mesh=mesh(), in_specs=specs, out_specs=same, check_vma=False))
    return lambda position, data, *rest: whole(jax.tree.map(copied, position), data, rest)


def copied(leaf: Any) -> jax.Array:
    """An array that every process has: as the loop gives it, so that its first call is compiled like the others."""
    if isinstance(leaf, jax.Array):
        return leaf
    sharding = NamedSharding(mesh(), PartitionSpec())  # type: ignore[no-untyped-call]
    here = jax.device_put(np.asarray(leaf), jax.local_devices()[0])
    return jax.make_array_from_single_device_arrays(here.shape, sharding, [here])
