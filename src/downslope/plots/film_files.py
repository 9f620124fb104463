"""What a film's frames become: a GIF, a page that plays them, an MP4, or a cell of a notebook.

matplotlib's own page is not used, since it fetches its buttons from another site; nor its GIF, since it cannot hold
the last frame, where one wants to read the end before the film begins again.
"""

from __future__ import annotations

import base64
import html
import importlib
import io
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from downslope.errors import MissingProgram

if TYPE_CHECKING:
    from PIL.Image import Image

    from downslope.plots.moving_picture import Film
    from downslope.plots.shots import Shots

SECONDS_HELD = 1.5
"""So long the last frame stays before a film begins again."""


def write_gif(images: Shots, film: Film, file: BinaryIO) -> None:
    """By Pillow, with one palette for all frames, so that a frame keeps only what changed."""
    from PIL import Image

    each = round(1000 / film.fps)
    durations = [each] * (len(images) - 1) + [max(each, round(1000 * SECONDS_HELD))]
    palette = _palette(images)
    paletted = (image.quantize(palette=palette, dither=Image.Dither.NONE) for image in images)
    first = next(paletted)
    first.save(file, "GIF", save_all=True, append_images=paletted, duration=durations, loop=0, optimize=True)


def _palette(images: Shots) -> Image:
    """The colours of the first, the middle and the last frame."""
    from PIL import Image

    seen = [images[k] for k in sorted({0, len(images) // 2, len(images) - 1})]
    together = Image.new("RGB", (seen[0].width, seen[0].height * len(seen)))
    for k, image in enumerate(seen):
        together.paste(image, (0, k * image.height))
    found = together.quantize(256, dither=Image.Dither.NONE)
    colours = np.array(found.getpalette()).reshape(-1, 3)
    colours[colours.min(axis=1) > 247] = 255  # averages all: the paper is to be white
    found.putpalette(colours.ravel().tolist())
    return found


def write_html(images: Shots, film: Film, file: BinaryIO) -> None:
    """One page with the frames inside it and nothing fetched."""
    file.write(page(images, film).encode())


def page(images: Shots, film: Film) -> str:
    """The page, as text."""
    palette = _palette(images)
    sources = [f"data:image/png;base64,{base64.b64encode(_png(image, palette)).decode()}" for image in images]
    template = Path(__file__).with_name("player.html").read_text(encoding="utf-8")
    parts = {
        "TITLE": html.escape(film.title),
        "STEPS": ",".join(map(str, film.frames)),
        "MILLISECONDS": f"{1000 / film.fps:g}",
        "MILLISECONDS_HELD": f"{1000 * SECONDS_HELD:g}",
        "FRAMES": ",\n".join(f'"{source}"' for source in sources),
        "FIRST": sources[0],
    }
    head, *rest = template.split("{{")
    return head + "".join(parts[name] + text for name, text in (part.split("}}", 1) for part in rest))


def _png(image: Image, palette: Image) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    image.quantize(palette=palette, dither=Image.Dither.NONE).save(buffer, "PNG")
    return buffer.getvalue()


def write_mp4(images: Shots, film: Film, file: BinaryIO) -> None:
    """By ffmpeg, as H.264 that every browser plays."""
    file.write(_mp4(images, film))


def _mp4(images: Shots, film: Film) -> bytes:
    program, (width, height) = ffmpeg(), images[0].size
    with tempfile.TemporaryDirectory(prefix="downslope-") as folder, tempfile.TemporaryFile() as said:
        out = Path(folder) / "film.mp4"  # not a pipe: the table of contents is written last and belongs at the front
        command = [program, "-y", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}"]
        command += ["-r", f"{film.fps:g}", "-i", "-", "-an", "-c:v", "libx264", "-pix_fmt", "yuv420p"]
        command += [
            "-vf",
            "crop=trunc(iw/2)*2:trunc(ih/2)*2",
            "-movflags",
            "+faststart",
            str(out),
        ]  # sides must be even
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=said, stderr=said) as process:
            assert process.stdin is not None  # of a pipe
            try:
                for image in images:
                    process.stdin.write(image.tobytes())
            except BrokenPipeError:
                pass  # it has ended; the status says how
        if process.returncode != 0:
            said.seek(0)
            last = said.read().decode(errors="replace").strip().splitlines()[-1:]
            raise OSError(0, f"ffmpeg failed: {''.join(last)}", program)
        return out.read_bytes()


def ffmpeg() -> str:
    """The path of ffmpeg: the machine's, or the one that the package imageio-ffmpeg brings."""
    if found := shutil.which("ffmpeg"):
        return found
    try:
        return str(importlib.import_module("imageio_ffmpeg").get_ffmpeg_exe())
    except (ImportError, RuntimeError):
        how = "apt install ffmpeg, brew install ffmpeg or pip install imageio-ffmpeg; .gif and .html need nothing more"
        raise MissingProgram("a film as .mp4", "ffmpeg", how) from None


def in_notebook(images: Shots, film: Film) -> str:
    """A video where ffmpeg is installed; else the page, in a frame of its own, where no name can clash."""
    title = html.escape(film.title)
    try:
        ffmpeg()
    except MissingProgram:
        width, height = images[0].size
        whole = html.escape(page(images, film))
        style = f"width: 100%; max-width: {width + 20}px; height: {height + 70}px; border: 0"
        return f'<iframe title="{title}" style="{style}" srcdoc="{whole}"></iframe>'
    data = base64.b64encode(_mp4(images, film)).decode()
    return f'<video title="{title}" controls autoplay loop muted src="data:video/mp4;base64,{data}"></video>'


WRITERS: dict[str, Callable[[Shots, Film, BinaryIO], None]] = {
    ".gif": write_gif,
    ".html": write_html,
    ".mp4": write_mp4,
}
