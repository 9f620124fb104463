"""The same rows as arrays, frames and files."""

import csv

import numpy as np
import polars
import pyarrow as pa
from pyarrow import parquet

NAMES = ("age", "height", "weight of it")


def numbers(n_rows=1000, n_features=3, seed=0, dtype=np.float64):
    """Features (n, d) and a target (n,); a row's number can be told from its target."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n_rows, n_features)).astype(dtype), np.arange(n_rows, dtype=dtype)


def table(X, y, names=NAMES):
    return pa.table({**dict(zip(names, X.T, strict=True)), "y": y})


def every_kind(folder, X, y):
    """The rows in each form that is read, by name: what `open_source` is given."""
    folder.mkdir(exist_ok=True)
    arrow = table(X, y)
    parquet.write_table(arrow, folder / "rows.parquet", row_group_size=70)
    (folder / "many").mkdir()
    for i, first in enumerate(range(0, len(y), 300)):
        parquet.write_table(arrow.slice(first, 300), folder / "many" / f"{i}.parquet", row_group_size=97)
    with open(folder / "rows.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*NAMES, "y"])
        writer.writerows([*map(repr, row), repr(target)] for row, target in zip(X.tolist(), y.tolist(), strict=True))
    np.save(folder / "X.npy", X)
    np.save(folder / "Xf.npy", np.asfortranarray(X))
    np.save(folder / "y.npy", y)
    np.save(folder / "all.npy", np.column_stack([X, y]))
    return {
        "arrays": ((X, y), {}),
        "arrays by columns": ((np.asfortranarray(X), y), {}),
        "pandas": (arrow.to_pandas(), {"target": "y"}),
        "polars": (polars.from_arrow(arrow), {"target": "y"}),
        "arrow": (arrow, {"target": "y"}),
        "Parquet": (folder / "rows.parquet", {"target": "y"}),
        "a folder of Parquet": (folder / "many", {"target": "y"}),
        "CSV": (str(folder / "rows.csv"), {"target": "y"}),
        "npy": (folder / "X.npy", {"target": folder / "y.npy"}),
        "npy by columns": (folder / "Xf.npy", {"target": y}),
        "npy with the target in it": (folder / "all.npy", {"target": -1}),
    }


KINDS = (
    "arrays",
    "arrays by columns",
    "pandas",
    "polars",
    "arrow",
    "Parquet",
    "a folder of Parquet",
    "CSV",
    "npy",
    "npy by columns",
    "npy with the target in it",
)
