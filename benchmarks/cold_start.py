"""How long a new process takes, start to end: the commands beside `python -c pass` and `python -c "import jax"`.

Disk caches of the system are warm; a compile cache that is cold is a folder made anew for each process.

Goals: `run` at most 1.5 s with a warm compile cache; `--help`, `problems` and the Tab key at most 0.3 s.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from timing import interleaved, print_machine, print_table

ROUNDS = 9
PROGRAM = [sys.executable, "-c", "from downslope.cli import main; main()"]
TAB = {"_DOWNSLOPE_COMPLETE": "complete_bash", "COMP_WORDS": "downslope run parab", "COMP_CWORD": "2"}


def process(command, cache="off", **environment):
    """A function that runs the command in a new process."""
    environment = {**os.environ, "DOWNSLOPE_CACHE_DIR": str(cache), **environment}

    def run():
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)

    return run


def with_no_programs_yet(folder, run):
    """The same with an empty cache."""

    def run_cold():
        shutil.rmtree(folder, ignore_errors=True)
        run()

    return run_cold


def main():
    """Measure each command in turn, and print seconds and what they are beside the import of JAX."""
    print(__doc__)
    print_machine("jax", "jaxlib", "numpy", "typer")
    with tempfile.TemporaryDirectory() as folder:
        warm, cold = Path(folder) / "warm", Path(folder) / "cold"
        problem = [*PROGRAM, "run", "parabola"]
        formula = [*PROGRAM, "run", "x cos(x) + 9", "--start", "12", "--learning-rate", "0.1"]
        seconds = interleaved(
            {
                "python -c pass": process([sys.executable, "-c", "pass"]),
                "python -c 'import numpy'": process([sys.executable, "-c", "import numpy"]),
                "python -c 'import jax'": process([sys.executable, "-c", "import jax"]),
                "downslope --version": process([*PROGRAM, "--version"]),
                "downslope --help": process([*PROGRAM, "--help"]),
                "downslope problems": process([*PROGRAM, "problems"]),
                "downslope methods": process([*PROGRAM, "methods"]),
                "downslope run parab<TAB>": process(PROGRAM, **TAB),
                "run parabola, no cache": process(problem),
                "run parabola, cold cache": with_no_programs_yet(cold, process(problem, cold)),
                "run parabola, warm cache": process(problem, warm),
                "run a formula, no cache": process(formula),
                "run a formula, warm cache": process(formula, warm),
            },
            rounds=ROUNDS,
        )
    print_table(seconds, unit="s", scale=1)
    jax = statistics.median(seconds["python -c 'import jax'"])
    beside = statistics.median(seconds["run parabola, warm cache"]) / jax
    print(f"\nrun parabola with a warm cache takes {beside:.2f} times as long as the import of JAX alone")


if __name__ == "__main__":
    main()
