"""A film's files, read again by other eyes: Pillow, a parser of HTML, and a stand-in for ffmpeg."""

import html.parser
import io
import os
import re
import stat
import sys

import numpy as np
import pytest
from PIL import Image

import downslope
from downslope.plots import film_files, plane

pytestmark = pytest.mark.slow  # many pictures


@pytest.fixture(scope="module")
def run():
    return downslope.minimize("0.2*x1^2 + x2^2", [9.0, -3.0], learning_rate=0.8, max_steps=6, gradient_tolerance=None)


@pytest.fixture
def no_ffmpeg(monkeypatch):
    monkeypatch.setattr(film_files.shutil, "which", lambda name: None)
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)


def pixels(image):
    return np.asarray(image.convert("RGB")).astype(int)


def opened(path):
    with Image.open(path) as image:
        image.load()
    return image


def drawn(figure):
    """A figure as matplotlib itself draws it, all at once."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return pixels(Image.open(buffer))


def test_a_gif_has_every_frame_plays_at_its_speed_and_holds_the_last(run, tmp_path):
    film = run.animate(fps=8)
    film.save(tmp_path / "film.gif")
    with Image.open(tmp_path / "film.gif") as gif:
        assert (gif.n_frames, gif.size, gif.info["loop"]) == (7, (700, 520), 0)
        durations = []
        for k in range(gif.n_frames):
            gif.seek(k)
            durations.append(gif.info["duration"])
    # A GIF counts in hundredths of a second: 125 ms are 120.
    assert durations == [120] * 6 + [1500]


@pytest.mark.parametrize("view", ["contours", "surface", "history"])
def test_a_frame_of_the_file_is_the_figure_of_its_step(run, tmp_path, view):
    film = run.animate(view=view)
    film.save(tmp_path / "film.gif")
    with Image.open(tmp_path / "film.gif") as gif:
        for k in (0, 3, 6):
            gif.seek(k)
            difference = np.abs(pixels(gif) - drawn(film.frame(k))).max(axis=-1)
            # 256 colours for thousands, and what lies below the moving artists' own order: few pixels, but no more.
            assert np.mean(difference > 40) < 0.01
            assert difference.mean() < 3


class Page(html.parser.HTMLParser):
    """What a page holds: its tags' addresses, its title, its script."""

    def __init__(self, text):
        super().__init__()
        self.addresses, self.tags, self.data, self.inside = [], [], {}, None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.inside = tag
        self.addresses += [value for name, value in attributes if name in ("src", "href", "srcset", "data")]

    def handle_data(self, data):
        self.data[self.inside] = self.data.get(self.inside, "") + data


def test_a_page_holds_every_frame_and_fetches_nothing(run, tmp_path):
    run.animate().save(tmp_path / "film.html")
    text = (tmp_path / "film.html").read_text(encoding="utf-8")
    assert "//" not in re.sub(r"data:image/png;base64,[\w+/=]+|// decoded.*|// they have.*", "", text)
    page = Page(text)
    assert page.addresses
    assert all(address.startswith("data:image/png;base64,") for address in page.addresses)
    frames = re.findall(r'^"data:image/png;base64,', page.data["script"], flags=re.MULTILINE)
    assert len(frames) == 7
    assert "const steps = [0,1,2,3,4,5,6];" in page.data["script"]
    assert "{{" not in text


def test_a_title_cannot_leave_its_place(tmp_path):
    def loss(x):
        return x**2

    loss.__name__ = '</title><script>alert("1")</script>'
    run = downslope.minimize(loss, 5.0, learning_rate=0.5)
    run.animate().save(tmp_path / "film.html")
    page = Page((tmp_path / "film.html").read_text(encoding="utf-8"))
    assert page.tags.count("script") == 1
    assert loss.__name__ in page.data["title"]
    shown = Page(run.animate()._repr_html_())
    assert shown.tags == ["iframe"]


def test_a_png_is_the_last_frame(run, tmp_path):
    run.animate().save(tmp_path / "film.png")
    difference = np.abs(pixels(opened(tmp_path / "film.png")) - drawn(run.animate().frame(6)))
    assert difference.max() < 20  # the contours' grid is as fine as the machine is quick


def test_a_resolution_scales_the_frames(run, tmp_path):
    run.animate().save(tmp_path / "film.gif", dpi=50)
    assert opened(tmp_path / "film.gif").size == (350, 260)


def test_without_ffmpeg_an_mp4_is_refused_before_anything_is_drawn_and_told_what_to_install(run, tmp_path, no_ffmpeg):
    film = run.animate()
    film._scene = None  # drawing would fail
    with pytest.raises(downslope.MissingProgram, match=r"needs ffmpeg.*apt install ffmpeg.*pip install imageio-ffmpeg"):
        film.save(tmp_path / "film.mp4")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("film.avi", {}, r"`path` must end with \.gif, \.html, \.mp4 or \.png; got '.*film\.avi'"),
        ("film", {}, r"`path` must end with"),
        ("no/such/folder/film.gif", {}, "there is no folder"),
        (".", {}, "is a folder"),
        ("film.gif", {"dpi": 0}, "`dpi` must be a number above 0"),
        ("film.gif", {"dpi": "high"}, "`dpi` must be a number above 0"),
    ],
    ids=str,
)
def test_a_place_that_cannot_be_written_is_refused_before_anything_is_drawn(run, tmp_path, name, options, message):
    film = run.animate()
    film._scene = None
    with pytest.raises(downslope.InvalidInput, match=message):
        film.save(tmp_path / name, **options)
    assert list(tmp_path.iterdir()) == []


def test_a_film_that_fails_on_the_way_leaves_the_old_file_as_it_was(run, tmp_path):
    (tmp_path / "film.gif").write_bytes(b"old")
    film = run.animate()
    whole = film._scene

    def failing():
        figure, draw = whole()
        return figure, lambda step: draw(step) if step != 3 else 1 / 0

    film._scene = failing
    with pytest.raises(ZeroDivisionError):
        film.save(tmp_path / "film.gif")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("film.gif", b"old")]


FAKE = """#!{python}
import sys
data = sys.stdin.buffer.read()
open(sys.argv[-1], "wb").write(b"MP4" + str(len(data)).encode())
print("frame= 7", file=sys.stderr)
sys.exit({status})
"""


def fake_ffmpeg(folder, monkeypatch, status=0):
    program = folder / "bin" / "ffmpeg"
    program.parent.mkdir()
    program.write_text(FAKE.format(python=sys.executable, status=status))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)


@pytest.mark.skipif(os.name == "nt", reason="the stand-in is a script")
def test_ffmpeg_gets_every_frame_and_its_file_is_kept(run, tmp_path, monkeypatch):
    fake_ffmpeg(tmp_path, monkeypatch)
    run.animate().save(tmp_path / "film.mp4")
    assert (tmp_path / "film.mp4").read_bytes() == b"MP4%d" % (7 * 700 * 520 * 3)
    assert Page(run.animate()._repr_html_()).tags == ["video"]


@pytest.mark.skipif(os.name == "nt", reason="the stand-in is a script")
def test_what_ffmpeg_says_is_told_where_it_fails(run, tmp_path, monkeypatch):
    fake_ffmpeg(tmp_path, monkeypatch, status=1)
    with pytest.raises(downslope.InvalidFile, match="ffmpeg failed: frame= 7"):
        run.animate().save(tmp_path / "film.mp4")
    assert not (tmp_path / "film.mp4").exists()


def test_without_ffmpeg_a_notebook_plays_the_page_in_a_frame_of_its_own(run, no_ffmpeg):
    shown = Page(run.animate()._repr_html_())
    assert shown.tags == ["iframe"]
    assert shown.addresses == []


def test_a_bar_is_drawn_where_it_is_wanted_and_never_in_a_pipe(run, tmp_path, capfd, monkeypatch):
    monkeypatch.setattr("downslope.progress.SECONDS_BEFORE", -1.0)
    run.animate().save(tmp_path / "film.gif")
    assert capfd.readouterr() == ("", "")
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich then takes what catches the standard error for a terminal
    run.animate().save(tmp_path / "film.gif", progress=True)
    out, err = capfd.readouterr()
    assert (out, "7/7" in err or "6/7" in err, "loss" in err) == ("", True, False)


def test_the_landscape_of_a_hundred_frames_is_drawn_once(tmp_path, monkeypatch):
    drawn, draw = [], plane.draw_contours
    monkeypatch.setattr(plane, "draw_contours", lambda *a, **k: drawn.append(1) or draw(*a, **k))
    run = downslope.minimize("0.2*x1^2 + x2^2", [9.0, -3.0], learning_rate=0.02, max_steps=99, gradient_tolerance=None)
    film = run.animate()
    film.save(tmp_path / "film.gif")  # how long it takes: benchmarks/pictures.py
    assert len(film) == 100
    assert drawn == [1]
