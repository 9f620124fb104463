"""The commands that draw: the files that they write, what they print, and what they refuse."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from downslope.cli import reading
from downslope.plots import film_files

pytestmark = pytest.mark.slow  # a process or a film a test

BOWL = ("0.2*x1^2 + x2^2", "--start", "9,-3", "--learning-rate", "0.8", "--steps", "6", "--tolerance", "none")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """What a command writes goes here."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def opened(path):
    with Image.open(path) as image:
        image.load()
        return image.format, getattr(image, "n_frames", 1)


def test_plot_draws_a_descent_and_says_how_it_ended(run_cli):
    status, out, err = run_cli("plot", *BOWL)
    assert status == 0
    assert out.splitlines() == [
        "0.2*x1^2 + x2^2 from (9, -3) by gradient descent, learning rate 0.8",
        "MAX_STEPS after 6 steps: all steps were made.",
        "  x1 = 0.889807, x2 = -0.139968   loss = 0.177942",
    ]
    assert err == "saved to plot.png\n"
    assert opened("plot.png") == ("PNG", 1)


@pytest.mark.parametrize("view", ["contours", "surface", "projection", "history"])
def test_plot_takes_a_view_a_step_and_a_place(run_cli, view):
    status, _, err = run_cli("plot", *BOWL, "--view", view, "--step", "3", "--save", "bowl.png")
    assert (status, err) == (0, "saved to bowl.png\n")
    assert opened("bowl.png") == ("PNG", 1)


@pytest.mark.parametrize(("suffix", "start"), [("svg", b"<?xml"), ("pdf", b"%PDF"), ("jpg", b"\xff\xd8")])
def test_the_suffix_says_the_format(run_cli, suffix, start):
    status, _, _ = run_cli("plot", "x^2", "--region", "-1:2", "--save", f"curve.{suffix}")
    assert status == 0
    assert Path(f"curve.{suffix}").read_bytes().startswith(start)


def test_a_formula_without_a_start_is_drawn_alone(run_cli):
    assert run_cli("plot", "-x^2") == (0, "", "saved to plot.png\n")
    assert run_cli("plot", "x^2 + y^2", "--view", "surface", "--region", "-2:2,-1:1")[0] == 0
    status, _, err = run_cli("plot", "x^2 + y^2 + z^2")
    assert (status, err.startswith("error: --start must be given")) == (2, True)
    assert "--view must be line" in run_cli("plot", "x^2", "--view", "surface")[2]


def test_film_writes_every_step(run_cli):
    status, out, err = run_cli("film", *BOWL)
    assert (status, err) == (0, "saved to film.gif\n")
    assert out.splitlines()[1] == "MAX_STEPS after 6 steps: all steps were made."
    assert opened("film.gif") == ("GIF", 7)
    assert run_cli("film", *BOWL, "--save", "film.html", "--fps", "4")[0] == 0
    assert "data:image/png" in Path("film.html").read_text()


def test_film_writes_a_single_frame(run_cli):
    status, _, err = run_cli("film", *BOWL, "--step", "3")
    assert (status, err) == (0, "saved to film.png\n")
    assert opened("film.png") == ("PNG", 1)
    status, out, err = run_cli("film", *BOWL, "--step", "7")
    assert (status, out, err) == (2, "", "error: --step must be a whole number from 0 to 6; got 7.\n")


RACE = ("ravine", "--steps", "20", "--learning-rate", "0.05")


@pytest.mark.parametrize(
    "words",
    [
        (*RACE, "--methods", "gradient_descent", "momentum:0.02", "adam", "--save", "out.png"),
        (*RACE, "--methods", "gradient_descent,momentum:0.02,adam", "--save", "out.png"),
        (*RACE, "--save", "out.png", "--methods", "gradient_descent,", "momentum:0.02,", "adam"),
    ],
    ids=["words", "commas", "both"],
)
def test_a_race_tells_every_end_in_a_line(run_cli, words):
    status, out, err = run_cli("race", *words)
    assert (status, err) == (0, "saved to out.png\n")
    lines = out.splitlines()
    assert lines[0] == "ravine from (-4.5, 1.5)"
    assert lines[1].split() == ["method", "end", "steps", "loss", "x", "y"]
    assert [re.split(r"  +", line.strip())[:3] for line in lines[2:]] == [
        ["gradient descent", "MAX_STEPS", "20"],
        ["momentum 0.02", "MAX_STEPS", "20"],
        ["adam", "MAX_STEPS", "20"],
    ]
    assert opened("out.png") == ("PNG", 1)


def test_methods_before_a_formula_are_one_word(run_cli):
    status, out, _ = run_cli("race", "--methods", "momentum,adam", "x^2", "--start", "1", "--steps", "3")
    assert (status, len(out.splitlines())) == (0, 4)
    assert run_cli("race", "-x^2", "--methods", "momentum", "adam", "--start", "1", "--steps", "3")[0] == 0


def test_a_race_is_filmed_where_the_suffix_says_so(run_cli):
    assert run_cli("race", *RACE, "--steps", "5", "--save", "race.gif")[0] == 0
    assert opened("race.gif") == ("GIF", 6)


def test_a_race_with_a_diverging_run_is_drawn_and_has_its_exit_status(run_cli):
    words = ["x^2", "--start", "5", "--learning-rate", "1.1", "--steps", "9999", "--methods", "gradient_descent,adam"]
    status, out, _ = run_cli("race", *words)
    assert (status, "NOT_FINITE" in out, "GRADIENT_SMALL" in out) == (3, True, True)
    assert opened("race.png") == ("PNG", 1)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["plot", *BOWL, "--save", "a.bmp"], "--save must end with .png, .svg, .pdf or .jpg; got 'a.bmp'"),
        (["plot", *BOWL, "--save", "no/a.png"], "--save 'no/a.png' cannot be written: there is no folder"),
        (["plot", *BOWL, "--view", "sideways"], "--view must be one of auto"),
        (["plot", *BOWL, "--view", "line"], "--view must suit the runs"),
        (["plot", *BOWL, "--region", "1"], "--region must be LOW:HIGH"),
        (["plot", *BOWL, "--region", "1:,2:3"], "--region must be"),
        (["plot", *BOWL, "--step", "x"], "--step must be a number; got 'x'"),
        (["film", *BOWL, "--fps", "0"], "--fps must be a number above 0"),
        (["film", *BOWL, "--step", "3", "--save", "a.gif"], "--save must end with .png"),
        (["film", "x^2"], "--start must be given"),
        (["race", *RACE, "--methods", "adm"], "must be one of .* Did you mean 'adam'"),
        (["race", *RACE, "--methods", "adam", "adam"], "--methods must differ from each other"),
        (["race", *RACE, "--methods", "adam:fast"], "--learning-rate must be a number"),
        (["race", *RACE, "--save", "a.parquet"], "--save must end with .png, .svg"),
    ],
    ids=lambda value: " ".join(value[-2:]) if isinstance(value, list) else "",
)  # fmt: skip
def test_what_cannot_be_drawn_is_refused_before_anything_is_written(run_cli, folder, words, message):
    status, out, err = run_cli(*words)
    assert (status, out) == (2, "")
    assert err.startswith("error: ")
    assert re.search(message, err)
    assert list(folder.iterdir()) == []


def test_without_ffmpeg_an_mp4_is_refused_before_the_run(run_cli, monkeypatch):
    monkeypatch.setattr(film_files.shutil, "which", lambda name: None)
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    status, out, err = run_cli("film", *BOWL, "--save", "film.mp4")
    assert (status, out) == (2, "")
    assert "needs ffmpeg, which is not installed: apt install ffmpeg" in err


@pytest.mark.parametrize("command", ["plot", "film", "race"])
def test_help_says_what_each_does(run_cli, command):
    status, out, _ = run_cli(command, "--help")
    assert status == 0
    for option in ("--start", "--learning-rate", "--view", "--region", "--save"):
        assert option in out
    assert ("--method " in out) == (command != "race")


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("downslope plot parab", ["parabola"]),
        ("downslope film x^2 --method ada", ["adagrad", "adam"]),
        ("downslope plot x^2 --view s", ["surface"]),
        ("downslope race x^2 --methods momentum,ada", ["momentum,adagrad", "momentum,adam"]),
    ],
)
def test_the_tab_key_offers_names_here_too(run_cli, monkeypatch, words, names):
    monkeypatch.setenv("_DOWNSLOPE_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(len(words.split(" ")) - 1))
    status, out, err = run_cli()
    assert (status, err) == (0, "")
    assert [line for line in out.splitlines() if line] == names


def test_entrants_have_the_rate_after_their_colon_or_that_of_all():
    assert reading.entrants("gradient_descent:backtracking, adam", None) == [
        ("gradient descent backtracking", "gradient_descent", "backtracking"),
        ("adam", "adam", None),
    ]


def test_a_process_of_its_own_draws_without_a_display(folder):
    environment = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "MPLBACKEND")}
    command = [sys.executable, "-W", "error", "-c", "from downslope.cli import main; main()", "film", *BOWL]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=folder, check=False)
    assert (done.returncode, done.stderr) == (0, "saved to film.gif\n")
