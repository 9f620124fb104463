"""`downslope lab`: a server that tells its address once it listens, and ends with Ctrl-C."""

import os
import signal
import subprocess
import sys

import pytest

from downslope.cli import laboratory as command
from downslope.errors import InvalidInput
from downslope.lab import page_files, starting

from .conftest import Client


@pytest.fixture
def served(monkeypatch, built):
    """The laboratory that the command would serve, and the port."""
    found = []
    monkeypatch.setattr(starting, "serve", lambda laboratory, port, ready: found.append((laboratory, port)))
    monkeypatch.setattr("downslope.cli.entry.leave_at_once", sys.exit)
    return found


FILE = """
import numpy as np
HERE = "loaded"
def loss(x):
    return np.sum((x - 1) ** 2)
def of_two(a, b):
    return a**2 + b**2
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "some_losses_of_mine.py"
    path.write_text(FILE)
    return path


@pytest.mark.parametrize(("fun", "opening"), [("rosenbrock", "rosenbrock"), ("x cos(x)", "x cos(x)"), ("-x^2", "-x^2")])
def test_a_function_is_shown_first(run_cli, served, fun, opening):
    status, _, errors = run_cli("lab", fun, "--no-browser", "--port", "0")
    assert status == 0, errors
    ((laboratory, port),) = served
    assert laboratory.opening == {"fun": opening}
    assert port == 0


def test_a_formula_begins_where_it_is_told_and_is_drawn_where_it_is_told(run_cli, served):
    status, _, errors = run_cli("lab", "x^2 + y^4", "--start=-3,0.5", "--range=-4:2", "--no-browser")
    assert status == 0, errors
    ((laboratory, _),) = served
    assert laboratory.opening == {"fun": "x^2 + y^4", "start": [-3.0, 0.5], "ranges": [[-4.0, 2.0], [-4.0, 2.0]]}


def test_a_file_without_a_function_s_name_is_told_how_to_name_one(run_cli, served, file):
    status, _, errors = run_cli("lab", str(file), "--no-browser")
    assert status == 2
    assert "must say which function of the file" in errors
    assert not served


@pytest.mark.slow
def test_a_python_function_of_ones_own(run_cli, served, file):
    status, _, errors = run_cli("lab", f"{file}:loss", "--start", "3,0.5", "--range", "-1:4", "--no-browser")
    assert status == 0, errors
    ((laboratory, _),) = served
    (told,) = laboratory.call("hello", {})["own"]
    assert (told["name"], told["start"]) == ("own:loss", [3.0, 0.5])
    assert laboratory.call("run", {"fun": "own:loss", "learning_rate": 0.5})["x"].tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["x +"], "ends too early"),
        (["rosenbroc"], "rosenbrock"),
        (["x^2", "--port", "99999"], "--port"),
        (["x^2", "--start", "3,4"], "--start"),
        (["x^2", "--range", "4:3"], "--range"),
        (["x^2+y^2", "--range", "0:1,0:1,0:1"], "--range"),
        (["--start", "3"], "--start"),
        (["nowhere.py:loss"], "nowhere.py"),
        (["FILE:nothing"], "of_two"),
        (["FILE:HERE"], "must be a function"),
    ],
)
def test_what_cannot_be_shown_is_told_before_anything_is_served(run_cli, served, file, words, told):
    status, _, errors = run_cli("lab", *(word.replace("FILE", str(file)) for word in words), "--no-browser")
    assert status == 2
    assert told in errors
    assert served == []


def test_a_file_that_does_not_run_is_told(tmp_path):
    (tmp_path / "broken_one.py").write_text("1/0")
    with pytest.raises(InvalidInput, match="ZeroDivisionError"):
        command.function_in(str(tmp_path / "broken_one.py"), "loss")


def test_without_the_built_page_it_says_how_to_build_it(run_cli, monkeypatch, tmp_path):
    monkeypatch.setattr(page_files, "PAGE", tmp_path)
    status, _, errors = run_cli("lab", "--no-browser")
    assert status == 2
    assert "make lab" in errors


@pytest.mark.slow
def test_it_serves_until_ctrl_c(page):
    code = f"""
import pathlib, sys
from downslope.lab import page_files, starting
page_files.PAGE = starting.PAGE = pathlib.Path({str(page)!r})
sys.argv = ["downslope", "lab", "x^2 + y^2", "--no-browser", "--port", "0"]
from downslope.cli import main
main()
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ
    )
    try:
        address = process.stdout.readline().split()[-1]
        assert "Ctrl-C" in process.stdout.readline()
        one = Client(address)  # at once: it listens already
        assert one.call("hello", {})["result"]["opening"] == {"fun": "x^2 + y^2"}
        assert one.call("run", {"fun": "x^2 + y^2", "learning_rate": 0.5})["result"]["converged"]
        one.close()
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert process.stderr.read() == ""
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()
