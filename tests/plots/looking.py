"""How the tests look at a picture."""

import io

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg


def rendered(picture):
    """The picture, once drawn in full, so that what only drawing raises is raised."""
    figure = picture.figure if hasattr(picture, "get_title") else picture
    figure.savefig(io.BytesIO(), format="png", dpi=50)
    return picture


def lines(ax, n_points=None, **properties):
    """The lines of so many points, with these properties."""
    return [
        line
        for line in ax.lines
        if (n_points is None or len(line.get_xdata()) == n_points)
        and all(getattr(line, f"get_{name}")() == value for name, value in properties.items())
    ]


def has_line_through(ax, points):
    """Whether one of the lines goes through exactly these points, shape (n, 2)."""
    points = np.asarray(points)
    return any(np.array_equal(line.get_xydata(), points, equal_nan=True) for line in lines(ax, len(points)))


def way_outs(ax):
    """The arrows that mark where a run leaves the frame."""
    return [text for text in ax.texts if getattr(text, "arrow_patch", None) is not None]


def legend_texts(ax_or_figure):
    """The words of the legend."""
    legend = ax_or_figure.get_legend() if hasattr(ax_or_figure, "get_legend") else ax_or_figure.legends[0]
    return [text.get_text() for text in legend.get_texts()]


def holds(ax, points):
    """Whether the frame holds all these points."""
    low, high = np.transpose([ax.get_xlim(), ax.get_ylim()])
    return bool(np.all((points >= low) & (points <= high)))


def words_over_the_curves(ax):
    """Titles and legends that lie over the frame."""
    renderer = FigureCanvasAgg(ax.figure).get_renderer()
    frame = ax.get_window_extent(renderer).shrunk(0.999, 0.999)
    outside = [ax.title, *filter(None, [ax.get_legend()])]
    return [words for words in outside if words.get_window_extent(renderer).overlaps(frame)]
