"""The films of the texts that this program grew from are made by examples/films.py, and are what the texts describe."""

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.slow
def test_the_examples_films_are_written_with_the_frames_of_the_texts(tmp_path):
    done = subprocess.run(
        [sys.executable, EXAMPLES / "films.py"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    frames = {}
    for line in done.stdout.split():
        if line.endswith(".gif"):
            with Image.open(tmp_path / line) as film:
                frames[Path(line).name] = film.n_frames
    assert frames == {
        "tangent.gif": 13,
        "rates.gif": 11,
        "minimum.gif": 11,
        "bowl-at-0.2.gif": 101,
        "bowl-at-0.8.gif": 101,
        "surface.gif": 101,
        "race.gif": 120,
    }
    assert (tmp_path / "demo" / "tangent.html").stat().st_size < 1e6
