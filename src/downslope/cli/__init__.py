"""The command line: `downslope run`, `plot`, `film`, `race`, `show`, `problems`, `methods` and `cache`."""

from downslope.cli.entry import main

__all__ = ["main"]
