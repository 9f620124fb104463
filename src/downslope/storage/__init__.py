"""Runs that outlive their process: one Parquet file a run, and runs repeated from it.

    run.save("run.parquet")            run_file.py, in row groups by table.py
    downslope.load("run.parquet")      a Run again, with what metadata.py and structure_form.py tell of it
    run.replay()                       replay.py: the same again, and the difference to the last bit

A file is replaced as a whole or not at all (atomic_file.py), and no damaged one is read (seal.py). Code is never
stored: no pickle, and nothing is imported on a file's word.
"""

from downslope.storage.replay import Replay
from downslope.storage.run_file import load

__all__ = ["Replay", "load"]
