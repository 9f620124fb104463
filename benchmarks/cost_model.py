"""What bounds a step of n processes: a small model, its constants measured here, and what it predicts.

    step(n) = max(o + c w b / n, r d b / n) + exchange(n)        seconds

b rows a batch, d features, w = P weights that a row meets, of 4 bytes each. o and c are fitted to epochs of logistic
regression by one process at several batch sizes; a network of 91,392 weights has a c of its own, since its products
are of matrices, each number of which is used many times; r is that of an epoch read from a shuffled .npy file. An
exchange of s bytes costs

    small (s (n - 1) <= 1 MiB)   a + (n - 1) s / B           every process sends it to every other
    large                        2 (n - 1) a + 2 s / B       XLA's ring, s / n at a time

with a the latency and B the bandwidth: of this machine between two processes, fitted; of a network, assumed.

    python benchmarks/cost_model.py [--latency 5e-5] [--bandwidth 1.25e9]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
from cluster import N_FEATURES, RATE, data, free_address
from timing import print_machine

BATCH_SIZES = (128, 512, 2048, 8192)
SIZES = (100, 1_000, 10_000, 100_000, 1_000_000)
SMALL = 2**20


def one_process(n_rows=2**18):
    """(o, c): seconds a step beyond the arithmetic, and a multiply-add; from the fastest of four epochs each."""
    from downslope import training

    rows, seconds = data(n_rows), []
    for b in BATCH_SIZES:
        run = training.fit("logistic", rows, batch_size=b, epochs=5, learning_rate=RATE, shuffle=False, record="losses")
        seconds.append(b / max(epoch.rows_per_second for epoch in run.epochs[1:]))
    return fitted(np.array(BATCH_SIZES) * float(N_FEATURES), np.array(seconds))


def of_network(n_rows=2**15):
    """The c of a network with two hidden layers of 256, at batches of 4,096."""
    from downslope import training

    network = training.Network("logistic", hidden_layer_sizes=(256, 256))
    run = training.fit(network, data(n_rows), batch_size=4096, epochs=4, learning_rate=RATE, record="losses")
    n_weights = N_FEATURES * 256 + 256 * 256 + 256
    return 1 / (n_weights * max(epoch.rows_per_second for epoch in run.epochs[1:]))


def reading(n_rows=2**19):
    """r: seconds a number of a shuffled .npy file, with the training that goes on meanwhile."""
    from downslope import training
    from downslope.training.sources import kept

    kept.KEPT_NUMBERS = 0
    X, y = data(n_rows)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.npy"
        np.save(path, np.column_stack([X, y]))
        asked = {"target": N_FEATURES, "batch_size": 4096, "epochs": 4, "learning_rate": RATE, "record": "losses"}
        run = training.fit("logistic", str(path), **asked)
    return 1 / (N_FEATURES * max(epoch.rows_per_second for epoch in run.epochs[1:]))


def exchanges():
    """In one of two processes: seconds of a sum over both, by its size in float32 numbers."""
    import jax
    import jax.numpy as jnp
    from jax import lax
    from jax.sharding import PartitionSpec

    from downslope import training
    from downslope.training.all_reduce import sum_over_processes
    from downslope.training.cluster import copied, mesh

    cluster, found = training.join(), []
    for size in SIZES:
        n = max(10, min(500, 10**7 // size))

        def sums(x, n=n):
            return lax.fori_loop(0, n, lambda _, x: sum_over_processes(x, 2) / 2, x)

        same = PartitionSpec()
        loop = jax.jit(jax.shard_map(sums, mesh=mesh(), in_specs=same, out_specs=same, check_vma=False))
        x = copied(np.ones(size, np.float32))
        seconds = []
        for _ in range(6):
            began = time.perf_counter()
            jax.block_until_ready(loop(jnp.asarray(x)))
            seconds.append((time.perf_counter() - began) / n)
        found.append(min(seconds[1:]))
    return cluster.rank, found


def fitted(x, y):
    """The line through points, least squares of relative errors, with an intercept that is not negative."""
    from scipy.optimize import nnls

    found, _ = nnls(np.column_stack([np.ones_like(x), x]) / y[:, None], np.ones_like(y))
    return found


def of_two():
    address = free_address()
    environment = os.environ | {"WORLD_SIZE": "2", "JAX_COORDINATOR_ADDRESS": address}
    words = [sys.executable, __file__, "--worker"]
    started = [
        subprocess.Popen(words, env=environment | {"RANK": str(rank)}, stdout=subprocess.PIPE, text=True)
        for rank in range(2)
    ]
    first, _ = [process.communicate(timeout=300)[0] for process in started]
    return np.array(json.loads(first.splitlines()[-1]))


class Model:
    """The model, with its constants."""

    def __init__(self, overhead, work, of_network, read, latency, bandwidth):
        self.overhead, self.work, self.of_network, self.read = overhead, work, of_network, read
        self.latency, self.bandwidth = latency, bandwidth

    def exchange(self, n, n_bytes):
        if n == 1:
            return 0.0
        if (n - 1) * n_bytes <= SMALL:
            return self.latency + (n - 1) * n_bytes / self.bandwidth
        return 2 * (n - 1) * self.latency + 2 * n_bytes / self.bandwidth

    def step(self, n, b, d, parameters, reads=True):
        work = self.work if parameters <= d + 1 else self.of_network
        arithmetic = self.overhead + work * parameters * b / n
        reading = self.read * d * b / n if reads else 0.0
        return max(arithmetic, reading) + self.exchange(n, 4 * parameters)


def predictions(model):
    print(f"{'parameters':>12}{'batch':>10}" + "".join(f"{f'n = {n:,}':>22}" for n in (1, 8, 64, 1024)))
    print(f"{'':22}" + f"{'ms   million rows/s':>22}" * 4)
    for d, parameters in ((100, 100), (100, 100_000), (1000, 10_000_000)):
        for b in (4096, 65_536, 1_048_576):
            cells = ""
            for n in (1, 8, 64, 1024):
                seconds = model.step(n, b, d, parameters)
                cells += f"{f'{1e3 * seconds:,.3g} {b / seconds / 1e6:12,.3g}':>22}"
            print(f"{parameters:12,}{b:10,}{cells}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--latency", type=float, default=50e-6, help="of a network, seconds")
    parser.add_argument("--bandwidth", type=float, default=1.25e9, help="of a network, bytes a second: 10 Gbit/s")
    parser.add_argument("--worker", action="store_true")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    if asked.worker:
        rank, found = exchanges()
        print(json.dumps(found) if rank == 0 else "")
        return
    print_machine("jax")
    overhead, work = np.median([one_process() for _ in range(3)], axis=0)
    network = statistics.median(of_network() for _ in range(3))
    read = statistics.median(reading() for _ in range(3))
    seconds = np.median([of_two() for _ in range(3)], axis=0)
    a, of_byte = fitted(4.0 * np.array(SIZES), seconds)
    print(f"o = {1e6 * overhead:.2f} us a step, r = {1e9 * read:.2f} ns a number read")
    print(f"c = {1e9 * work:.3f} ns a weight and row, of the network {1e9 * network:.3f}")
    told = ", ".join(f"{4 * n:,}: {1e6 * s:,.0f}" for n, s in zip(SIZES, seconds, strict=True))
    print(f"exchanges of two processes here, bytes: us    {told}")
    print(f"a = {1e6 * a:.0f} us, B = {1 / of_byte / 1e9:.2f} GB/s between two processes here")
    here = Model(overhead, work, network, read, a, 1 / of_byte)
    print("of two processes here, predicted us a step, rows in memory:", end=" ")
    print(", ".join(f"{b:,}: {1e6 * here.step(2, b, 100, 101, reads=False):,.0f}" for b in (256, 1024, 4096, 16384)))
    print(f"\nOver a network of {1e6 * asked.latency:.0f} us and {asked.bandwidth / 1e9:.2f} GB/s:")
    predictions(Model(overhead, work, network, read, asked.latency, asked.bandwidth))


if __name__ == "__main__":
    main()
