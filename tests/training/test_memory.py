"""Data that are larger than memory are read in memory that is bounded: the system refuses more, and none is needed."""

import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

LIMIT = 150 * 2**20
N_ROWS, N_FEATURES, PART = 1_590_000, 100, 53_000  # 636 MB of float32: more than four times the limit

# What is loaded once is not what the data take: the limit counts from there. JAX is not needed to read.
LIMITED = f"""\
import resource, sys
import numpy as np
import pyarrow, pyarrow.parquet, pyarrow.compute
from downslope.training import batches as batching
from downslope.training import order
from downslope.training.batches import Batches
from downslope.training.sources import open_source

def told(key):
    with open("/proc/self/status") as lines:
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith(key))

# Windows of 8 MB and chunks of 1 MB, as the limit is small.
order.BLOCK_NUMBERS, batching.CHUNK_NUMBERS = 2**18, 2**18
path, shuffle = sys.argv[1], sys.argv[2] == "shuffle"
resource.setrlimit(resource.RLIMIT_DATA, (told("VmData") + {LIMIT}, -1))
with open("/proc/self/clear_refs", "w") as peak:
    peak.write("5")
before, peaks = told("VmRSS"), []
source = open_source(path, 0 if path.endswith("npy") else "y", shuffle=shuffle)
batches = Batches(source, order.Order(source.n_rows, len(source.names), 0, shuffle), 256)
total, n_rows = 0.0, 0
for epoch in range(3):
    for chunk in batches.chunks(epoch * batches.n_batches, batches.n_batches):
        total += float((chunk.rows.weight * chunk.rows.target).sum(dtype=float))
        n_rows += chunk.n_rows
    peaks.append(told("VmHWM") - before)
print(n_rows, total, *peaks)
"""


def run(code, *words):
    """Run it with allocators that take no more from the system than they give out: mimalloc asks for a GB at once."""
    frugal = os.environ | {"ARROW_DEFAULT_MEMORY_POOL": "system", "MALLOC_ARENA_MAX": "1"}
    # The limit counts a thread's whole stack, 8 MB, of which pyarrow's ten threads use little.
    shell = ["sh", "-c", 'ulimit -s 512; exec "$@"', "sh", sys.executable, "-c", code, *words]
    return subprocess.run(shell, capture_output=True, text=True, check=False, env=frugal)


def part():
    """Some rows, which are written again and again."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((PART, N_FEATURES), dtype=np.float32)
    return X, (rng.random(PART) < 0.01).astype(np.float32)


@pytest.fixture(params=["a folder", "one group", "npy"])
def large(request, tmp_path):
    """Files of more than four times the limit, the sum of their target, whether they can be shuffled as they are."""
    X, y = part()
    path = tmp_path / {"npy": "rows.npy", "one group": "rows.parquet", "a folder": "rows"}[request.param]
    if request.param == "npy":
        rows = np.column_stack([y, X])
        with open(path, "wb") as file:
            header = {"descr": rows.dtype.str, "fortran_order": False, "shape": (N_ROWS, N_FEATURES + 1)}
            np.lib.format.write_array_header_1_0(file, header)
            for _ in range(N_ROWS // PART):
                rows.tofile(file)
    else:
        table = pa.table([*X.T, y], names=[*(f"x{i}" for i in range(N_FEATURES)), "y"])
        options = {"compression": "none", "use_dictionary": False, "write_page_checksum": True}
        if request.param == "one group":
            parquet.write_table(pa.concat_tables([table] * (N_ROWS // PART)), path, row_group_size=N_ROWS, **options)
        else:
            path.mkdir()
            for i in range(N_ROWS // PART):
                parquet.write_table(table, path / f"{i}.parquet", row_group_size=2048, **options)
    yield path, float(y.sum(dtype=float)) * (N_ROWS // PART), request.param != "one group"
    shutil.rmtree(tmp_path)


@pytest.mark.slow
def test_four_times_as_much_as_memory_is_read_and_memory_stays_flat(large):
    path, total, can_shuffle = large
    assert sum(file.stat().st_size for file in (path.iterdir() if path.is_dir() else [path])) > 4 * LIMIT
    for order in ("in order", "shuffle")[: 1 + can_shuffle]:
        done = run(LIMITED, path, order)
        assert done.returncode == 0, done.stderr
        n_rows, found, *peaks = map(float, done.stdout.split())
        print(path.name, order, "peaks beyond the start, MB:", [round(peak / 2**20) for peak in peaks])
        assert (n_rows, found) == (3 * N_ROWS, 3 * total)
        assert max(peaks) < LIMIT
        assert peaks[-1] - peaks[1] < 8 * 2**20  # the allocator may keep a little more


@pytest.mark.slow
@pytest.mark.parametrize("large", ["a folder"], indirect=True)
def test_the_limit_is_one_that_reading_it_all_would_break(large):
    code = LIMITED.partition("source = open_source")[0] + "print(pyarrow.parquet.read_table(path).num_rows)\n"
    # In what way it breaks depends on who asks first: an error of Arrow's, or the end of the process.
    assert run(code, large[0], "shuffle").returncode != 0
    without = re.sub(r"^resource.setrlimit.*\n", "", code, flags=re.MULTILINE)
    assert run(without, large[0], "shuffle").stdout == f"{N_ROWS}\n"
