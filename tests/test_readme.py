"""The README is true: its commands print what it shows, and its examples run."""

import doctest
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"
TEXT = README.read_text()
BLOCKS = re.findall(r"```console\n(.*?)```", TEXT, flags=re.DOTALL)


@pytest.mark.slow  # a process a command
@pytest.mark.parametrize("block", BLOCKS, ids=[block.split("\n")[0] for block in BLOCKS])
def test_the_commands_of_the_readme_print_what_the_readme_shows(block, tmp_path):
    for command, shown in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, flags=re.MULTILINE):
        program, *arguments = shlex.split(command)
        assert program == "downslope"
        # A pipe has no width of its own; the README is 100 columns wide.
        done = subprocess.run(
            [sys.executable, "-c", "from downslope.cli import main; main()", *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            env={**os.environ, "COLUMNS": "100"},
            check=False,
        )
        printed = "\n".join(line.rstrip() for line in (done.stdout + done.stderr).rstrip().split("\n"))
        assert printed == shown.rstrip()


@pytest.mark.slow
def test_the_examples_of_the_readme_run():
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    failed, tried = doctest.testfile(str(README), module_relative=False, optionflags=flags)
    assert tried > 10
    assert failed == 0


def test_the_readme_names_the_make_targets_that_exist():
    targets = set(re.findall(r"^([a-z]+):", (README.parent / "Makefile").read_text(), flags=re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z]+)", TEXT))
    assert {"demo", "test"} <= named <= targets


@pytest.mark.slow
def test_the_demo_writes_every_run_and_prints_its_end(tmp_path):
    script = README.parent / "examples" / "demo.py"
    done = subprocess.run([sys.executable, script], cwd=tmp_path, capture_output=True, text=True, check=True)
    written = sorted(path.name for path in (tmp_path / "demo").iterdir())
    n_runs = done.stdout.count(" steps: ") + done.stdout.count(" step: ")
    assert n_runs >= 8
    assert len(written) == 2 * n_runs
    assert "GRADIENT_SMALL" in done.stdout


@pytest.mark.slow
def test_the_pictures_of_the_readme_are_what_the_script_draws(tmp_path):
    from matplotlib.testing.compare import compare_images

    shown = [README.parent / path for path in re.findall(r"!\[.*?\]\((.*?\.png)\)", TEXT)]
    assert len(shown) == 2
    script = README.parent / "examples" / "pictures.py"
    subprocess.run([sys.executable, script, tmp_path, *(path.stem for path in shown)], check=True)
    for path in shown:
        # Root mean square over 256 grey levels: fonts differ a little between machines, another path gives 15 and more.
        assert compare_images(path, tmp_path / path.name, tol=5) is None
