"""The command line: `downslope run`, `downslope problems`, `downslope methods`."""

from downslope.cli.app import main

__all__ = ["main"]
