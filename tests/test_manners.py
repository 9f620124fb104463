"""The command line's manners: statuses for scripts, plain text for pipes, narrow terminals, the Tab key, Ctrl-C."""

import os
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import get_args

import pytest

import downslope
from downslope.cli import completing, reading, terminal
from downslope.engines.job import Engine
from downslope.methods import METHODS
from downslope.objectives import gallery

MAIN = [sys.executable, "-c", "from downslope.cli import main; main()"]
RUN = ["run", "x^2 + y^2", "--start", "-3,2", "--learning-rate", "0.1", "--steps", "20"]


def test_the_version_is_the_package_s_own(run_cli):
    assert run_cli("--version") == (0, f"downslope {downslope.__version__}\n", "")
    assert downslope.__version__ == metadata.version("downslope")


# -- statuses ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["show", "--help"]], ids=" ".join)
def test_the_help_tells_every_exit_status(run_cli, words):
    status, out, _ = run_cli(*words)
    told = " ".join(out.split())
    assert status == 0
    assert "Exit status: 0 finished" in told
    assert all(f"; {number} " in told for number in (1, 2, 3, 130))


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["run", "x^2", "--start", "5"], 0),
        (["run", "x^2", "--start", "5", "--learning-rate", "0.1", "--steps", "2"], 0),
        (["run", "x^2"], 2),
        (["run"], 2),
        (["runn"], 2),
        (["run", "x^2", "--start", "5", "--steps"], 2),
        (["run", "x^2", "--start", "5", "--steps", "many"], 2),
        (["run", "x^2", "--start", "5", "--steps", "1.5"], 2),
        (["run", "x^2", "--start", "5", "--save", "no/such/folder/run.parquet"], 2),
        (["show", "no such file"], 2),
        (["run", "x^2", "--start", "5", "--learning-rate", "1.1"], 3),
        (["run", "x^2", "--start", "5", "--learning-rate", "1.1", "--loss-limit", "99"], 3),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_the_status_is_the_documented_one(run_cli, words, status):
    found, out, err = run_cli(*words)
    assert found == status
    assert bool(err) == (status == 2)
    assert bool(out) == (status != 2)


def test_numbers_among_the_options_are_read_with_their_own_messages(run_cli):
    for words, message in [
        (["--steps", "many"], "--steps must be a number; got 'many'"),
        (["--steps", "1.5"], "--steps must be a whole number; got '1.5'"),
        (["--seed", "x"], "--seed must be a number; got 'x'"),
        (["--noise", "loud"], "--noise must be a number; got 'loud'"),
        (["--beta", "x"], "--beta must be a number; got 'x'"),
        (["--target-loss", "low"], "--target-loss must be a number; got 'low'"),
    ]:
        assert run_cli("run", "x^2", "--start", "5", *words)[2] == f"error: {message}.\n"
    assert run_cli("run", "x^2", "--start", "5", "--steps", "1e3", "--tolerance", "none")[0] == 0


@pytest.fixture
def interrupt(monkeypatch):
    """Raises as Ctrl-C does; the process that then ends at once is this one, so its end becomes an exception."""
    monkeypatch.setattr("downslope.cli.entry.os._exit", sys.exit)

    def raised(*args, **kwargs):
        raise KeyboardInterrupt

    return raised


def test_ctrl_c_shows_what_was_done_and_ends_with_130(run_cli, monkeypatch, interrupt):
    monkeypatch.setattr("downslope.engines.compiled.run_compiled", interrupt)
    status, out, err = run_cli("run", "x^2", "--start", "5")
    assert (status, err) == (130, "")
    assert "INTERRUPTED after 0 steps: interrupted from the keyboard." in out


def test_ctrl_c_before_there_is_a_run_ends_with_130_and_no_traceback(run_cli, monkeypatch, interrupt):
    monkeypatch.setattr("downslope.minimization.minimize", interrupt)
    status, out, err = run_cli("run", "x^2", "--start", "5")
    assert (status, out) == (130, "")
    assert "Traceback" not in err


# -- errors -----------------------------------------------------------------------------------------------


def test_a_fault_of_ours_is_told_in_four_lines_with_its_place(run_cli, monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError("the first line\nthe second\n" + "and many more\n" * 100)

    monkeypatch.setattr("downslope.minimization.minimize", fail)
    status, out, err = run_cli("run", "x^2", "--start", "5")
    assert (status, out) == (1, "")
    assert err.startswith("error: unexpected RuntimeError: the first line\nthe second\n")
    assert re.search(r"at .*run_options\.py:\d+, in minimized\n", err)
    assert len(err.splitlines()) <= 6
    monkeypatch.setenv("DOWNSLOPE_TRACEBACK", "1")
    assert "Traceback (most recent call last)" in run_cli("run", "x^2", "--start", "5")[2]


def test_a_missing_package_is_named_with_what_installs_it(run_cli, monkeypatch):
    def fail(*args, **kwargs):
        raise downslope.MissingExtra("this", "pandas", extra="pandas")

    monkeypatch.setattr("downslope.minimization.minimize", fail)
    assert run_cli("run", "x^2", "--start", "5") == (
        2,
        "",
        'error: this needs pandas: pip install "downslope[pandas]".\n',
    )


def test_a_file_that_cannot_be_had_is_named(run_cli, monkeypatch):
    def fail(*args, **kwargs):
        raise PermissionError(13, "Permission denied", "run.parquet")

    monkeypatch.setattr("downslope.minimization.minimize", fail)
    assert run_cli("run", "x^2", "--start", "5") == (2, "", "error: run.parquet: Permission denied\n")


# -- pipes and terminals ----------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [["problems"], ["problems", "--json"], ["--help"]], ids=" ".join)
def test_a_reader_that_goes_away_is_no_error_to_talk_about(words):
    reading_end, writing_end = os.pipe()
    os.close(reading_end)
    try:
        done = subprocess.run([*MAIN, *words], stdout=writing_end, stderr=subprocess.PIPE, text=True, check=False)
    finally:
        os.close(writing_end)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.slow
def test_a_terminal_without_the_letters_still_gets_a_text():
    words = ["run", "π x^2", "--start", "1", "--steps", "0", "--learning-rate", "0.1"]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run([*MAIN, *words], capture_output=True, text=True, env=environment, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("\\u03c0 x^2 from 1")


@pytest.fixture
def run_on_a_terminal(run_cli, monkeypatch):
    """Like `run_cli`, printing to something that says it is a terminal."""
    monkeypatch.setattr(terminal, "is_terminal", lambda: True)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return run_cli


@pytest.mark.slow
def test_the_end_is_bold_on_a_terminal_and_plain_where_that_is_not_wanted(run_on_a_terminal, monkeypatch):
    bold = "\x1b[1mMAX_STEPS after 20 steps: all steps were made.\x1b[0m"
    assert bold in run_on_a_terminal(*RUN)[1]
    for variable, value in (("NO_COLOR", "1"), ("TERM", "dumb")):
        with monkeypatch.context() as patch:
            patch.setenv(variable, value)
            assert "\x1b" not in run_on_a_terminal(*RUN)[1]


NUMBER = r"-?\d+\.?\d*(?:e[-+]\d+)?"


@pytest.mark.sampled
@pytest.mark.parametrize("words", [RUN, ["problems"], ["problems", "rosenbrock"], ["methods"]], ids=" ".join)
@pytest.mark.parametrize("columns", [40, 60, 100])
def test_lines_fit_the_terminal_and_no_number_is_cut(run_cli, monkeypatch, words, columns):
    whole = set(re.findall(NUMBER, run_cli(*words, columns=1000)[1]))
    monkeypatch.setattr(terminal, "is_terminal", lambda: True)
    monkeypatch.setenv("TERM", "dumb")
    lines = run_cli(*words, columns=columns)[1].splitlines()
    assert max(map(len, lines)) <= columns
    shown = set(re.findall(NUMBER, "\n".join(lines)))
    assert shown <= whole
    if words != ["problems"]:  # there, a title too long is cut between words
        assert shown == whole


def test_what_does_not_fit_beside_goes_below_with_the_steps_again(run_on_a_terminal):
    _, wide, _ = run_on_a_terminal(*RUN, columns=200)
    _, narrow, _ = run_on_a_terminal(*RUN, columns=40)
    headings = [line.split() for line in narrow.splitlines() if line.startswith("step ")]
    assert headings == [["step", "x", "y", "loss"], ["step", "gradient", "rate"]]
    (heading,) = (line.split() for line in wide.splitlines() if line.startswith("step "))
    assert heading == [*headings[0], *headings[1][1:]]


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["cache", "--help"]], ids=" ".join)
def test_the_help_fits_a_narrow_terminal_in_whole_words(run_cli, words):
    _, narrow, _ = run_cli(*words, columns=40)
    _, wide, _ = run_cli(*words, columns=100)
    assert max(map(len, narrow.splitlines())) <= 40
    cut_short = {word for word in narrow.split() if word.endswith("...")}  # a command's summary is one line
    assert set(narrow.split()) - cut_short <= set(wide.split())


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals there")
def test_on_a_real_terminal_the_table_is_whole_and_no_progress_remains():
    import pty

    parent, child = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100", "NO_COLOR": ""}
    process = subprocess.Popen([*MAIN, *RUN], stdout=child, stderr=child, stdin=child, env=environment)
    os.close(child)
    printed = b""
    while True:
        try:
            part = os.read(parent, 4096)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        printed += part
    os.close(parent)
    assert process.wait() == 0
    lines = printed.decode().replace("\r\n", "\n").splitlines()
    assert lines[1] == "\x1b[1mMAX_STEPS after 20 steps: all steps were made.\x1b[0m"
    assert len([line for line in lines if re.match(r" +\d+ +-?\d", line)]) == 9


def test_progress_is_drawn_for_runs_that_take_long(monkeypatch, capfd):
    monkeypatch.setattr("downslope.progress.SECONDS_BEFORE", -1.0)
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich then takes what catches the standard error for a terminal
    downslope.minimize("x^2", 5.0, learning_rate=0.1, engine="eager", progress=True)
    drawn = capfd.readouterr()
    assert drawn.out == ""
    assert "loss" in drawn.err


# -- the Tab key ------------------------------------------------------------------------------------------


def offered(words, monkeypatch, run_cli, shell="bash"):
    """What the shell is told when Tab is pressed at the end of these words."""
    monkeypatch.setenv("_DOWNSLOPE_COMPLETE", f"complete_{shell}")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(len(words.split(" ")) - 1))
    monkeypatch.setenv("_TYPER_COMPLETE_ARGS", words)
    monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
    status, out, err = run_cli()
    assert (status, err) == (0, "")
    return out.splitlines()


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("downslope run parab", ["parabola"]),
        ("downslope problems himm", ["himmelblau"]),
        ("downslope problems ", sorted(gallery.PROBLEMS)),
        ("downslope run x^2 --method ", list(METHODS)),
        ("downslope run x^2 --method ada", ["adagrad", "adam"]),
        ("downslope run x^2 --learning-rate ba", ["backtracking", "barzilai_borwein"]),
        ("downslope run x^2 --engine ", list(completing.ENGINES)),
        ("downslope run x^2 --sta", ["--start"]),
        ("downslope ca", ["cache"]),
        ("downslope sweep x^2 --colour ", list(completing.COLOURS)),
        ("downslope sweep x^2 --methods adam,nes", ["adam,nesterov"]),
        ("downslope sweep himm", ["himmelblau"]),
        ("downslope basins himm", ["himmelblau"]),
        ("downslope multistart x^2 --sampler s", ["sobol"]),
        ("downslope run 2x", []),
    ],
)
def test_the_tab_key_offers_names(run_cli, monkeypatch, words, names):
    assert [line for line in offered(words, monkeypatch, run_cli) if line] == names


def test_zsh_and_fish_also_say_what_the_names_are(run_cli, monkeypatch):
    title = gallery.get("parabola").title
    assert offered("downslope run parab", monkeypatch, run_cli, "fish") == [f"parabola\t{title}"]
    (line,) = offered("downslope run parab", monkeypatch, run_cli, "zsh")
    assert line == f"""_arguments '*: :(("parabola":"{title}"))'"""


def test_what_tab_offers_is_what_a_run_takes():
    assert set(completing.ENGINES) == set(get_args(Engine))
    assert completing.methods("") == list(METHODS)
    for name in completing.learning_rates(""):
        assert reading.learning_rate(name, None) is not None


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_there_is_a_script_for_each_shell(run_cli, monkeypatch, shell):
    monkeypatch.setenv("_DOWNSLOPE_COMPLETE", f"source_{shell}")
    status, out, err = run_cli()
    assert (status, err) == (0, "")
    assert "_DOWNSLOPE_COMPLETE=complete_" + shell in out


@pytest.mark.skipif(not Path("/bin/bash").exists(), reason="needs bash")
def test_bash_itself_completes_a_name_by_that_script(tmp_path):
    (tmp_path / "downslope").write_text(f'#!/bin/bash\nexec {sys.executable} -c "{MAIN[-1]}" "$@"\n')
    (tmp_path / "downslope").chmod(0o755)
    script = """
eval "$(_DOWNSLOPE_COMPLETE=source_bash downslope)"
COMP_WORDS=(downslope run parab) COMP_CWORD=2
_downslope_completion downslope
echo "${COMPREPLY[@]}"
"""
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(["/bin/bash", "-c", script], capture_output=True, text=True, env=environment, check=False)
    assert (done.stdout, done.stderr) == ("parabola\n", "")
