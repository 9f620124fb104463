"""The command line: `downslope run`, `downslope problems`, `downslope methods`, `downslope cache`."""

from downslope.cli.entry import main

__all__ = ["main"]
