"""A run as one Parquet file, and back.

The table is for everybody: pandas, polars and DuckDB read it. What else makes a Run is in the footer, as JSON
under the key `downslope`.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from downslope.errors import InvalidFile, InvalidInput
from downslope.objectives.objective import GradientSource
from downslope.run import Run
from downslope.stopping import Status
from downslope.storage import metadata, seal, table
from downslope.storage.atomic_file import check_path, check_writable, replacing
from downslope.storage.not_stored import objective_of
from downslope.storage.structure_form import from_form, like_structure

_LONGEST_TEXT = 2**31 - 1
"""Of the metadata; pyarrow's own limit of 100 MB is 3 million variables with bounds and rates that all differ."""


def save(run: Run, path: Any) -> None:
    """Write the run to a file, which is replaced as a whole or not at all; InvalidFile where that cannot be."""
    target = check_writable(path)
    texts = {metadata.KEY: metadata.to_json(run), seal.KEY: seal.BLANK}
    with replacing(target) as file:
        table.write(run, file, texts)
        seal.seal(file, target)


def load(path: Any, *, like: Any = None) -> Run:
    """The run that `run.save(path)` wrote: every number, to the last bit, and every word.

    Parameters
    ----------
    path
        The file, as text or a Path.
    like
        A point arranged as the start was, such as a named tuple or a module of JAX's world: the run's containers
        and kind of arrays are taken from it. Dicts, lists and tuples need none; without it other containers become
        ordered dicts by the names of their parts, and `run.notes` says so.

    Raises
    ------
    InvalidFile
        The file is missing, damaged, no run of ours, or of a newer format; no part of it is returned.
    InvalidInput
        `like` is arranged otherwise.

    A file holds no code. `run.objective` is whole again for a formula and a problem of the gallery; for a function
    of yours it is a placeholder, and what needs the function (`run.gradient`, `run.to_scipy()`) raises InvalidInput.
    `run.replay(fun)` takes it.

    >>> import downslope, tempfile
    >>> run = downslope.minimize("x^2", 5.0, learning_rate=0.1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     run.save(f"{folder}/run.parquet")
    ...     again = downslope.load(f"{folder}/run.parquet")
    >>> again
    <Run GRADIENT_SMALL after 73 steps: x = 4.21249e-07, loss = 1.77451e-13>
    >>> again.replay()
    <Replay: bit-identical over 74 rows>
    """
    checked = check_path(path)
    try:
        with open(checked, "rb") as file:
            seal.check_seal(file, checked)
            return _run(file, checked, like)
    except FileNotFoundError:
        raise InvalidFile(checked, "does not exist") from None
    except IsADirectoryError:
        raise InvalidFile(checked, "is a folder, and must be a file") from None
    except OSError as error:
        raise InvalidFile(checked, f"cannot be read: {error.strerror or error}") from error
    except InvalidInput:
        raise
    except (KeyError, TypeError, ValueError, RecursionError) as error:  # whole, but not as `save` writes it
        raise InvalidFile(checked, f"holds no run: {type(error).__name__}: {error}") from error


def _run(file: Any, path: Any, like: Any) -> Run:
    """The run in a file whose bytes are known to be those that were written."""
    from pyarrow import parquet

    opened = parquet.ParquetFile(file, page_checksum_verification=True, thrift_string_size_limit=_LONGEST_TEXT)
    told = json.loads(opened.metadata.metadata[metadata.KEY.encode()])
    _check_format(told, path)
    structure, notes = from_form(told["structure"])
    read = table.read(opened, told["n_steps"] + 1, told["n_points"], structure.size, tuple(told["rate_shape"]))
    if like is not None:
        structure, notes = like_structure(structure, like), []
    x_row = int(np.searchsorted(read.point_steps, told["x_step"]))
    x0 = read.points[0].copy()
    x0.setflags(write=False)
    specification = metadata.decoded(told["specification"]) | {"x0": x0}
    steps, rows = read.point_steps, read.points
    if not told["x_in_path"]:
        steps, rows = np.delete(steps, x_row), np.delete(rows, x_row, axis=0)
    run = Run(
        x=structure.restore(read.points[x_row]),
        loss=float(read.losses[told["x_step"]]),
        status=Status[told["status"]],
        n_steps=told["n_steps"],
        n_evaluations=told["n_evaluations"],
        path=structure.restore_rows(rows) if told["path"] else None,
        path_steps=steps if told["path"] else np.arange(told["n_steps"] + 1),
        losses=read.losses,
        gradient_norms=read.gradient_norms,
        learning_rates=read.learning_rates,
        gradient_source=GradientSource[told["gradient_source"]],
        gradient_reason=told["gradient_reason"],
        engine=told["engine"],
        seconds=told["seconds"],
        notes=(*told["notes"], *notes),
        specification=specification,
        structure=structure,
        objective=objective_of(specification),
        made_with=told["made_with"],
    )
    if "training" not in told:
        return run
    from downslope.training.training_run import restored

    return restored(run, metadata.decoded(told["training"]))


def _check_format(told: dict[str, Any], path: Any) -> None:
    if told["format"] > metadata.FORMAT:
        raise InvalidFile(
            path,
            f"was written by downslope {told['written_by']} in format {told['format']}; "
            f"this one reads up to {metadata.FORMAT}: upgrade downslope",
        )
