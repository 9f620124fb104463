"""Lanes in C with the processor's vector instructions, compiled here by the machine's `cc`."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np

COMMAND = "cc -O3 -march=native -ffast-math -fopenmp -shared -fPIC"


def rosenbrock_fixed_steps():
    """The compiled function of starts (m, 2), a rate and a number of steps, m a multiple of 32; None without `cc`."""
    if shutil.which("cc") is None:
        return None
    library = Path(tempfile.mkdtemp()) / "fixed_steps.so"
    source = Path(__file__).with_name("fixed_steps.c")
    subprocess.run([*COMMAND.split(), "-o", library, source], check=True)
    compiled = ctypes.CDLL(str(library)).rosenbrock_fixed_steps
    pointer = ctypes.POINTER(ctypes.c_double)
    compiled.argtypes = [pointer, pointer, ctypes.c_long, ctypes.c_long, ctypes.c_double]
    compiled.restype = None

    def run(starts, rate, n_steps):
        x, y = np.ascontiguousarray(starts.T)
        x, y = x.copy(), y.copy()
        compiled(x.ctypes.data_as(pointer), y.ctypes.data_as(pointer), len(x), n_steps, rate)
        return np.stack([x, y], axis=1)

    return run
