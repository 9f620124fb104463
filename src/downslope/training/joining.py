"""Joining the processes that train together, and making sure that they do.

A launcher that people have starts them; here they find each other (`jax.distributed`). Nothing is taken on trust: the
number of processes is compared before JAX's devices are looked for, the devices are counted, and a first sum over all
processes must be right.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import warnings
from collections.abc import Iterator
from importlib.metadata import version

import jax
import numpy as np

from downslope.errors import InvalidInput
from downslope.training import leaving
from downslope.training.cluster import ALONE, Cluster
from downslope.training.launchers import Place, place

HEARTBEAT_SECONDS = 10
"""A process that is not heard of for so long is taken for dead, and all leave."""
TIMEOUT_SECONDS = 60

_joined: Cluster | None = None


def join(
    address: str | None = None,
    n_processes: int | None = None,
    rank: int | None = None,
    *,
    bind_address: str | None = None,
    timeout: int = TIMEOUT_SECONDS,
    heartbeat: int = HEARTBEAT_SECONDS,
) -> Cluster:
    """Join the processes that a launcher has started with this one, before JAX has computed anything here.

    Parameters
    ----------
    address, n_processes, rank
        host:port of process 0, how many there are, and which this one is; None: as the launcher says (launchers.py).
    bind_address
        host:port that process 0 listens on; None is `address`, and nothing else.
    timeout
        Seconds to wait for all processes.
    heartbeat
        Seconds after which a process that is not heard of is taken for dead.

    Raises
    ------
    InvalidInput
        No launcher has started this process. What goes wrong once others may wait, JAX having computed something
        before for example, is told on the standard error, and ends the process.

    >>> import subprocess, sys
    >>> code = "from downslope.training import join; print(join('localhost:29500', 1, 0))"
    >>> print(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout)
    Cluster(rank=0, n_processes=1)
    <BLANKLINE>
    """
    global _joined
    if _joined is not None:
        return _joined
    here = _place(address, n_processes, rank)
    if here.n_processes == 1:
        _joined = ALONE
        return _joined
    here = here._replace(address=here.address or _address_by_jax(here, timeout))
    cluster = Cluster(here.rank, here.n_processes)
    _keep_the_core_while_awake()
    with leaving.at_once(cluster), _standard_output_kept():
        jax.config.update("jax_enable_preemption_service", False)  # type: ignore[no-untyped-call]  # ignores SIGTERM
        jax.config.update("jax_cpu_collectives_implementation", "gloo")  # type: ignore[no-untyped-call]
        jax.distributed.initialize(
            here.address,
            here.n_processes,
            here.rank,
            local_device_ids=here.local_rank,
            initialization_timeout=timeout,
            heartbeat_timeout_seconds=heartbeat,
            coordinator_bind_address=bind_address or here.address,
        )
        leaving.listen(cluster)
        _check(cluster, timeout)
    _joined = cluster
    return cluster


def _keep_the_core_while_awake() -> None:
    """Ask Linux for its policy of programs that compute, for this thread and those that it starts from now on.

    By the usual policy a thread that gets a message pushes another from its core, often while that one holds gloo's
    lock; gloo's own thread then asks for the lock again and again until the clock's next tick. So an exchange between
    four processes on two cores took 3.8 ms, and takes 0.12.
    """
    if not hasattr(os, "SCHED_BATCH"):
        return
    with contextlib.suppress(OSError):  # a container may forbid it
        if os.sched_getscheduler(0) == os.SCHED_OTHER:
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def asked_for(cluster: bool | None) -> Cluster:
    """The cluster that `fit` is to use; InvalidInput where a launcher started several processes and nobody chose."""
    if cluster:
        return join()
    here = place()
    if cluster is None and (_joined not in (None, ALONE) or (here is not None and here.n_processes > 1)):
        told = f"None in a process that {here.launcher if here else 'join()'} has made one of several"
        rule = "must be True, to train one model together, or False, to train one in each process"
        raise InvalidInput("cluster", rule, told)
    return ALONE


def warn_of_several() -> None:
    """Warn where a launcher started several processes, and each is about to train a model of its own."""
    here = place()
    if here is not None and here.n_processes > 1:
        told = f"each of the {here.n_processes} processes that {here.launcher} started trains a model of its own"
        warnings.warn(f"{told}; `downslope.fit(cluster=True)` trains one together", stacklevel=4)


def _place(address: str | None, n_processes: int | None, rank: int | None) -> Place:
    given = (address, n_processes, rank)
    if address is not None and n_processes is not None and rank is not None:
        if not 0 <= rank < n_processes:
            raise InvalidInput("rank", f"must be from 0 to below `n_processes`, which is {n_processes}", rank)
        return Place("join()", rank, n_processes, None, address)
    if given != (None, None, None):
        raise InvalidInput("address", "must be given with `n_processes` and `rank`, or none of them", given)
    found = place()
    if found is None:
        rule = "must be started by torchrun, mpirun or srun, or by `join(address, n_processes, rank)`"
        raise InvalidInput("cluster", rule, "no launcher's variables in the environment")
    if not found.rank < found.n_processes:
        raise InvalidInput("cluster", f"must have ranks below {found.n_processes}", found.rank)
    return found


def _address_by_jax(here: Place, timeout: int) -> str:
    """Asked for beforehand: where JAX looks for it by itself, the coordinator listens on all addresses."""
    from jax._src.clusters import ClusterEnv  # it has no public name

    found = ClusterEnv.auto_detect_unset_distributed_params(None, here.n_processes, here.rank, [0], None, timeout)
    if found[0] is None:
        rule = f"must be set to host:port of process 0: {here.launcher} does not tell it"
        raise InvalidInput("JAX_COORDINATOR_ADDRESS", rule, None)
    return str(found[0])


def _check(cluster: Cluster, timeout: int) -> None:
    """Compare what the processes are, count the devices, and make the first exchange."""
    n, told = cluster.n_processes, leaving.client()
    own = {"processes": n} | {name: version(name) for name in ("downslope", "jax", "jaxlib", "numpy")}
    if cluster.is_first:
        told.key_value_set("downslope/cluster", json.dumps(own))
    expected = json.loads(told.blocking_key_value_get("downslope/cluster", 1000 * timeout))
    for name, value in own.items():
        if expected[name] != value:
            raise InvalidInput("cluster", f"must have {name} {expected[name]}, as process 0 has", value)
    told.wait_at_barrier("downslope/joined", 1000 * timeout)
    counts = (jax.process_count(), len(jax.local_devices()), jax.device_count())
    if counts != (n, 1, n):
        rule = f"must have one device a process, {n} in all (JAX_LOCAL_DEVICE_IDS chooses one of several)"
        raise InvalidInput("cluster", rule, f"{counts[0]} processes, {counts[1]} devices here, {counts[2]} in all")
    ranks = cluster.every(np.array([cluster.rank]))[:, 0].tolist()
    if ranks != list(range(n)):
        raise InvalidInput("cluster", f"must hear from ranks 0 to {n - 1} in its first exchange", ranks)


@contextlib.contextmanager
def _standard_output_kept() -> Iterator[None]:
    """Leave out what gloo prints of its connections: the standard output may be somebody's JSON."""
    sys.stdout.flush()
    kept, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)
