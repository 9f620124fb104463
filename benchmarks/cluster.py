"""What a step of n processes costs beyond its arithmetic, against PyTorch's DistributedDataParallel (gloo, too).

Logistic regression on 100 features, float32, rows in memory in order, at batches of 256 to 16,384. A step of n
processes on b rows is compared with one of one process on b / n rows, which is the same arithmetic: the difference is
the overhead. Both programs run in one round after the other. Of two processes each has a core of its own.

    python benchmarks/cluster.py [--processes 2] [--rows 131072] [--rounds 3] [--programs ours,torch]
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import time
import warnings

import numpy as np
from timing import print_machine

N_FEATURES, RATE, EPOCHS = 100, 0.1, 4
BATCH_SIZES = (256, 1024, 4096, 16384)


def data(n_rows):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n_rows, N_FEATURES), dtype=np.float32)
    return X, (X[:, 0] > rng.standard_normal(n_rows)).astype(np.float32)


def ours(n_rows, batch_sizes):
    """Microseconds a step, by batch size: the fastest epoch but the first, which is compiled."""
    from downslope import training

    warnings.simplefilter("ignore")
    cluster, rows = training.join(), data(n_rows)
    found = []
    for b in batch_sizes:
        asked = {"batch_size": b, "epochs": EPOCHS, "learning_rate": RATE, "shuffle": False, "record": "losses"}
        run = training.fit("logistic", rows, **asked, cluster=True)
        found.append(1e6 * b / max(epoch.rows_per_second for epoch in run.epochs[1:]))
    return cluster.rank, found


def of_torch(n_rows, batch_sizes):
    """The same."""
    import torch
    from torch import distributed
    from torch.nn.parallel import DistributedDataParallel

    torch.set_num_threads(1)
    rank, n = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    host, port = os.environ["JAX_COORDINATOR_ADDRESS"].split(":")
    distributed.init_process_group("gloo", init_method=f"tcp://{host}:{port}", rank=rank, world_size=n)
    X, y = (torch.from_numpy(part) for part in data(n_rows))
    found = []
    for b in batch_sizes:
        layer = torch.nn.Linear(N_FEATURES, 1)
        model = DistributedDataParallel(layer) if n > 1 else layer
        optimizer, loss = torch.optim.SGD(model.parameters(), lr=RATE), torch.nn.BCEWithLogitsLoss()
        own, seconds = b // n, []
        for _ in range(EPOCHS):
            began = time.perf_counter()
            for first in range(rank * own, n_rows, b):
                optimizer.zero_grad()
                loss(model(X[first : first + own])[:, 0], y[first : first + own]).backward()
                optimizer.step()
            seconds.append(time.perf_counter() - began)
        found.append(1e6 * min(seconds[1:]) * b / n_rows)
    distributed.destroy_process_group()
    return rank, found


PROGRAMS = {"ours": ours, "torch": of_torch}


def free_address():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


def measured(program, n, n_rows, batch_sizes):
    """Microseconds a step of n processes."""
    words = [sys.executable, __file__, "--worker", program, "--rows", str(n_rows), "--sizes", json.dumps(batch_sizes)]
    told = {"WORLD_SIZE": str(n), "JAX_COORDINATOR_ADDRESS": free_address()}
    started = [
        subprocess.Popen(words, env=os.environ | told | {"RANK": str(rank)}, stdout=subprocess.PIPE, text=True)
        for rank in range(n)
    ]
    told_by_first, *_ = [process.communicate(timeout=600)[0] for process in started]
    return json.loads(told_by_first)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--rows", type=int, default=2**17)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--programs", default=",".join(PROGRAMS))
    parser.add_argument("--worker")
    parser.add_argument("--sizes")
    asked = parser.parse_args()
    if asked.worker:
        if hasattr(os, "sched_setaffinity"):
            cores = sorted(os.sched_getaffinity(0))
            os.sched_setaffinity(0, {cores[int(os.environ["RANK"]) % len(cores)]})
        rank, found = PROGRAMS[asked.worker](asked.rows, json.loads(asked.sizes))
        print(json.dumps(found) if rank == 0 else "")
        return
    programs = asked.programs.split(",")
    print_machine("jax", *[name for name in programs if name != "ours"])
    n = asked.processes
    parts = [b // n for b in BATCH_SIZES]
    ones, all_of_them = {name: [] for name in programs}, {name: [] for name in programs}
    for _ in range(asked.rounds):
        for name in programs:
            ones[name].append(measured(name, 1, asked.rows // n, parts))
            all_of_them[name].append(measured(name, n, asked.rows, BATCH_SIZES))
    titles = f"{'batch':>8}{f'one, b/{n}':>12}{f'{n} of b':>12}{'overhead':>12}{'to ours':>10}"
    print(f"{'microseconds a step':22}{titles}")
    for i, b in enumerate(BATCH_SIZES):
        overheads = {}
        for name in programs:
            one, many = ([found[i] for found in kind[name]] for kind in (ones, all_of_them))
            overheads[name] = statistics.median(after - before for before, after in zip(one, many, strict=True))
            ratio = overheads[name] / overheads[programs[0]]
            numbers = f"{statistics.median(one):12.0f}{statistics.median(many):12.0f}{overheads[name]:12.0f}"
            print(f"{name:22}{b:8,}{numbers}{ratio:10.2f}")


if __name__ == "__main__":
    main()
