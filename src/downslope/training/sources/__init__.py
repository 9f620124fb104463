"""Where rows come from: arrays, frames, files. `open_source` makes a source of whatever a user has."""

from downslope.training.sources.opening import open_source
from downslope.training.sources.source import Rows, Source, read_rows

__all__ = ["Rows", "Source", "open_source", "read_rows"]
