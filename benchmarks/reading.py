"""Rows a second that files give: read in order and shuffled, in batches of 1,024, beside the bare reader of each kind.

1,000,000 rows of 100 float32 and a target, without compression, in row groups of a block; the files are in the system's
cache. "bare" reads all and does nothing with it: pyarrow's `iter_batches`, with and without comparing checksums, and
`readinto` of NumPy's file. "batches" is what a training loop gets: in order, checked to be finite, row after row.

Goals: from Parquet at least 85% of the bare reader, and from .npy at least 8 million rows a second.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import parquet
from timing import interleaved, median_ratio, print_machine, print_table

from downslope.training.batches import Batches
from downslope.training.order import Order, block_rows
from downslope.training.sources import open_source

ROUNDS = 5
N_ROWS, N_FEATURES, BATCH = 1_000_000, 100, 1024


def write(folder):
    """A Parquet file with checksums, and the same as .npy."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((N_ROWS, N_FEATURES), dtype=np.float32)
    y = (rng.random(N_ROWS) < 0.5).astype(np.float32)
    np.save(folder / "X.npy", X)
    np.save(folder / "y.npy", y)
    table = pa.table({**{f"x{i}": column for i, column in enumerate(X.T)}, "y": y})
    options = {"compression": "none", "use_dictionary": False, "write_page_checksum": True}
    parquet.write_table(table, folder / "rows.parquet", row_group_size=block_rows(N_FEATURES), **options)


def bare_parquet(path, checks):
    def run():
        file = parquet.ParquetFile(path, pre_buffer=False, page_checksum_verification=checks)
        return sum(len(batch) for batch in file.iter_batches(2**14))

    return run


def bare_npy(path):
    buffer = np.empty(2**23, np.uint8)

    def run():
        with open(path, "rb", buffering=0) as file:
            while file.readinto(buffer):
                pass
        return N_ROWS

    return run


def batches(path, target, shuffle):
    source = open_source(path, target, shuffle=shuffle)
    made = Batches(source, Order(source.n_rows, N_FEATURES, 0, shuffle), BATCH)

    def run():
        return sum(chunk.n_rows for chunk in made.chunks(0, made.n_batches))

    return run


def main():
    print_machine("numpy", "pyarrow")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder)
        path = folder / "rows.parquet"
        runs = {
            "Parquet, bare": bare_parquet(path, False),
            "Parquet, bare, checksums": bare_parquet(path, True),
            "Parquet, batches in order": batches(path, "y", False),
            "Parquet, batches shuffled": batches(path, "y", True),
            ".npy, bare": bare_npy(folder / "X.npy"),
            ".npy, batches in order": batches(folder / "X.npy", folder / "y.npy", False),
            ".npy, batches shuffled": batches(folder / "X.npy", folder / "y.npy", True),
        }
        assert all(run() == N_ROWS for run in runs.values())
        seconds = interleaved(runs, ROUNDS)
    report(seconds)


def report(seconds):
    print_table(seconds)
    print()
    for name, values in seconds.items():
        print(f"{name:34}{N_ROWS / min(values) / 1e6:10.2f} million rows a second at best")
    for kind in ("in order", "shuffled"):
        for bare in ("Parquet, bare", "Parquet, bare, checksums"):
            share = median_ratio(seconds[bare], seconds[f"Parquet, batches {kind}"])
            print(f"Parquet {kind}: {share:.0%} of {bare!r}")


if __name__ == "__main__":
    main()
