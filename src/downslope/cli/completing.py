"""What the Tab key offers: names of problems, methods, learning rates, views and their like. None needs JAX."""

from __future__ import annotations

ENGINES = ("auto", "compiled", "eager")
COLOURS = ("steps", "behaviour", "loss")
VIEWS = ("auto", "line", "contours", "surface", "projection", "history")


def problems(incomplete: str) -> list[tuple[str, str]]:
    """Names of the gallery, with what they are."""
    from downslope.objectives import gallery

    return [(name, gallery.PROBLEMS[name].title) for name in sorted(gallery.PROBLEMS) if name.startswith(incomplete)]


def methods(incomplete: str) -> list[str]:
    """Names of methods."""
    from downslope.methods import METHODS

    return [name for name in METHODS if name.startswith(incomplete)]


def learning_rates(incomplete: str) -> list[str]:
    """The learning rates that are words."""
    from downslope.cli.reading import SEARCHES

    return [name for name in SEARCHES if name.startswith(incomplete)]


def engines(incomplete: str) -> list[str]:
    """Names of engines."""
    return [name for name in ENGINES if name.startswith(incomplete)]


def views(incomplete: str) -> list[str]:
    """Names of views."""
    return [name for name in VIEWS if name.startswith(incomplete)]


def colours(incomplete: str) -> list[str]:
    """What a map of a sweep can show."""
    return [name for name in COLOURS if name.startswith(incomplete)]


def samplers(incomplete: str) -> list[str]:
    """Names of samplers."""
    from downslope.sweeps.samplers import SAMPLERS

    return [name for name in SAMPLERS if name.startswith(incomplete)]


def several_methods(incomplete: str) -> list[str]:
    """Names of methods, after those that are there already."""
    before, comma, last = incomplete.rpartition(",")
    return [before + comma + name for name in methods(last)]
