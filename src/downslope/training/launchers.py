"""Which of how many processes this one is, as the launcher that started it says in the environment.

    torchrun       RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR, MASTER_PORT
    Open MPI       OMPI_COMM_WORLD_RANK, OMPI_COMM_WORLD_SIZE, OMPI_COMM_WORLD_LOCAL_RANK
    Slurm          SLURM_PROCID, SLURM_NTASKS, SLURM_LOCALID, in a step that `srun` started
    by hand        RANK and WORLD_SIZE as torchrun sets them, with JAX_COORDINATOR_ADDRESS

JAX_COORDINATOR_ADDRESS is JAX's own and goes before all. Under torchrun the coordinator takes the port after
MASTER_PORT, which torchrun itself listens on. Under Slurm and Open MPI 4 JAX finds the address.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

from downslope.errors import InvalidInput

_NAMES = {
    "torchrun": ("RANK", "WORLD_SIZE", "LOCAL_RANK"),
    "mpirun": ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK"),
    "srun": ("SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID"),
}


class Place(NamedTuple):
    """The place of a process among those that were started together."""

    launcher: str
    rank: int
    n_processes: int
    local_rank: int | None
    """Among those of its machine, which decides the accelerator that is its own."""
    address: str | None
    """host:port of process 0; None where JAX finds it."""


def place(environment: Mapping[str, str] = os.environ) -> Place | None:
    """What the environment says; None where no launcher has started this process.

    >>> place({"RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "10.0.0.1", "MASTER_PORT": "29500"})
    Place(launcher='torchrun', rank=1, n_processes=2, local_rank=None, address='10.0.0.1:29501')
    """
    for launcher, (rank, size, local) in _NAMES.items():
        if launcher == "srun" and "SLURM_STEP_NODELIST" not in environment:
            continue  # in a batch script or `salloc`, which are one process
        if rank in environment and size in environment:
            local_rank = _number(environment, local) if local in environment else None
            return Place(
                launcher, _number(environment, rank), _number(environment, size), local_rank, _address(environment)
            )
    return None


def _address(environment: Mapping[str, str]) -> str | None:
    if "JAX_COORDINATOR_ADDRESS" in environment:
        return environment["JAX_COORDINATOR_ADDRESS"]
    if "MASTER_ADDR" in environment and "MASTER_PORT" in environment:
        return f"{environment['MASTER_ADDR']}:{_number(environment, 'MASTER_PORT') + 1}"
    return None


def _number(environment: Mapping[str, str], name: str) -> int:
    text = environment[name]
    if not text.isdecimal():
        raise InvalidInput(name, "must be a whole number in the environment", text)
    return int(text)
