"""The command line.

one run      `downslope run`, `explain`, `show`
pictures     `plot`, `film`, `race`
many runs    `sweep`, `basins`, `multistart`
the browser  `lab`
listings     `problems`, `methods`, `cache`
"""

from downslope.cli.entry import main

__all__ = ["main"]
