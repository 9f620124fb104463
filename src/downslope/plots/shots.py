"""A film's frames in pixels: the background drawn once, each frame its few artists on top."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from downslope.progress import progress_bar

if TYPE_CHECKING:
    from PIL.Image import Image

    from downslope.plots.moving_picture import Stage


class Shots:
    """The pictures of these steps, each drawn when it is asked for; a progress bar while all are asked for in turn."""

    def __init__(self, stage: Stage, steps: tuple[int, ...], progress: bool | None):
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        self.steps = steps
        self._shows = sys.stderr.isatty() if progress is None else progress
        self._stage = stage
        self._canvas: Any = FigureCanvasAgg(stage.figure)
        canvas: Any = self._canvas  # half of its methods are untyped
        for title in stage.titles:  # they are the foreground's
            title.set_visible(False)
        canvas.draw()
        self._background = canvas.copy_from_bbox(stage.figure.bbox)
        for title in stage.titles:
            title.set_visible(True)

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, k: int) -> Image:
        from PIL import Image

        self._canvas.restore_region(self._background)
        artists = self._stage.draw(self.steps[k])
        renderer = self._canvas.get_renderer()
        for artist in sorted([*artists, *self._stage.titles], key=lambda artist: artist.get_zorder()):
            if hasattr(artist, "do_3d_projection"):  # the axes do so before they draw
                artist.do_3d_projection()
            artist.draw(renderer)
        for artist in artists:
            artist.remove()
        return Image.fromarray(np.asarray(self._canvas.buffer_rgba())[..., :3].copy())

    def __iter__(self) -> Iterator[Image]:
        with progress_bar(len(self) if self._shows else None, with_loss=False) as update:
            for k in range(len(self)):
                yield self[k]
                update(k + 1, math.nan)
