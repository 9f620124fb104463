"""The command line: what it prints, where it prints it, and how it ends."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import downslope
from downslope.methods import METHODS
from downslope.objectives import gallery


def table_rows(text):
    """The numbers of the table of steps."""
    lines = text[text.index("step ") :].splitlines()
    return [line.split() for line in lines[1:] if line.strip()]


def test_run_prints_the_end_the_reason_the_gradient_and_the_first_and_last_steps(run_cli):
    status, out, err = run_cli(
        "run", "x^2 + y^2", "--start", "3,4", "--learning-rate", "0.1", "--steps", "20", "--brief"
    )
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "x^2 + y^2 from (3, 4) by gradient descent, learning rate 0.1"
    assert lines[1] == "MAX_STEPS after 20 steps: all steps were made."
    end = 0.8**20
    assert lines[2].split() == [
        "x",
        "=",
        f"{3 * end:.6g},",
        "y",
        "=",
        f"{4 * end:.6g}",
        "loss",
        "=",
        f"{25 * end**2:.6g}",
    ]
    assert "gradient: compiled (exact, by automatic differentiation); compiled engine" in out
    assert "21 evaluations, 21 gradients" in out
    rows = table_rows(out)
    assert [row[0] for row in rows] == ["0", "1", "2", "3", "4", "5", "...", "18", "19", "20"]
    assert rows[1] == ["1", "2.4", "3.2", "16", "6.4", "0.1"]


def test_table_prints_every_step(run_cli):
    _, out, _ = run_cli("run", "x^2", "--start", "5", "--learning-rate", "0.1", "--steps", "20", "--table", "--brief")
    rows = table_rows(out)
    assert [int(row[0]) for row in rows] == list(range(21))
    # Six digits are printed.
    assert [float(row[1]) for row in rows] == pytest.approx([5 * 0.8**k for k in range(21)], rel=1e-5)


def test_some_rows_are_those_of_all_rows():
    run = downslope.minimize("rosenbrock", learning_rate=1e-3, max_steps=20)
    for which in (slice(3), slice(-2, None), slice(4, 15, 5), slice(99, None)):
        assert str(run.rows(which)) == str(run.rows()[which])  # as text, where NaN equals NaN


def strictly(text):
    """JSON as the standard has it, without NaN."""
    return json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def test_json_keeps_every_digit(run_cli):
    status, out, err = run_cli("run", "himmelblau", "--start=-1,0.3", "--learning-rate", "0.01", "--json", "--table")
    outcome = strictly(out)
    run = downslope.minimize("himmelblau", [-1, 0.3], learning_rate=0.01)
    assert (status, err) == (0, "")
    assert [outcome["x"]["x"], outcome["x"]["y"]] == run.x.tolist()
    assert (outcome["loss"], outcome["status"], outcome["n_steps"]) == (run.loss, run.status.name, run.n_steps)
    assert [[row["x"], row["y"]] for row in outcome["rows"]] == run.path.tolist()
    assert outcome["rows"][-1]["learning_rate"] == "nan"
    assert outcome["specification"]["x0"] == [-1.0, 0.3]


def test_json_of_a_run_that_overflows_is_still_json(run_cli):
    status, out, _ = run_cli("run", "x^2", "--start", "5", "--learning-rate", "1.1", "--json", "--table")
    outcome = strictly(out)
    assert status == 3
    assert outcome["status"] == "NOT_FINITE"
    assert outcome["rows"][-1]["loss"] == "inf"


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["x^2", "--start", "5"], 0),
        (["x^2", "--start", "5", "--steps", "1", "--learning-rate", "0.1"], 0),
        (["x^2", "--start", "5", "--learning-rate", "1.1"], 3),
        (["x^2", "--start", "5", "--learning-rate", "1.1", "--loss-limit", "100"], 3),
        (["x^", "--start", "5"], 2),
        (["x^2", "--start", "5", "--no-such-option"], 2),
    ],
)
def test_the_exit_status_tells_success_bad_input_and_a_run_that_failed(run_cli, words, status):
    assert run_cli("run", *words)[0] == status


@pytest.mark.parametrize(
    ("words", "start"),
    [
        (["--start", "-3"], [-3.0]),
        (["--start=-3"], [-3.0]),
        (["--start", "-3,2"], [-3.0, 2.0]),
        (["--start=-3,2"], [-3.0, 2.0]),
        (["--start", "-1e-3, -2.5"], [-1e-3, -2.5]),
    ],
)
def test_a_start_may_be_negative(run_cli, words, start):
    formula = "x^2" if len(start) == 1 else "x^2 + y^2"
    _, out, _ = run_cli("run", formula, *words, "--steps", "0", "--json")
    assert list(strictly(out)["x"].values()) == start


OPTIONS = [
    (
        ["--method", "momentum", "--beta", "0.5", "--learning-rate", "0.1"],
        {"method": {"name": "Momentum", "beta": 0.5}},
    ),
    (["--learning-rate", "0.1,0.2"], {"learning_rate": {"name": "Constant", "rate": [0.1, 0.2]}}),
    (
        ["--learning-rate", "0.1", "--decay", "0.9"],
        {"learning_rate": {"name": "GeometricDecay", "rate": 0.1, "factor": 0.9}},
    ),
    (["--bounds", "0:,-2:2"], {"bounds": [[0.0, -2.0], ["inf", 2.0]]}),
    (["--bounds", "-9:9"], {"bounds": [[-9.0, -9.0], [9.0, 9.0]]}),
    (["--target-loss", "-1", "--tolerance", "none"], {"target_loss": -1.0, "gradient_tolerance": None}),
    (["--tolerance", "1e-3", "--loss-limit", "1e9"], {"gradient_tolerance": 1e-3, "loss_limit": 1e9}),
    (["--noise", "0.5", "--seed", "7", "--learning-rate", "0.1"], {"noise": 0.5, "seed": 7}),
]


@pytest.mark.parametrize(("words", "expected"), OPTIONS, ids=lambda v: " ".join(v) if isinstance(v, list) else "")
def test_options_reach_the_run(run_cli, words, expected):
    status, out, err = run_cli("run", "x^2 + y^2", "--start", "1,2", "--steps", "3", "--json", *words)
    assert (status, err) == (0, "")
    specification = strictly(out)["specification"]
    assert {key: specification[key] for key in expected} == expected


def test_long_names_are_declared_and_the_engine_chosen(run_cli):
    words = ["theta^2 + b", "--variables", "theta, b", "--start", "1,2", "--steps", "1", "--engine", "eager", "--json"]
    outcome = strictly(run_cli("run", *words)[1])
    assert list(outcome["x"]) == ["theta", "b"]
    assert outcome["engine"] == "eager"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["x^2", "--start", "1", "--method", "adm"], "--method must be one of adagrad, .* Did you mean 'adam'"),
        (["x^2", "--start", "1", "--learning-rate", "-0.1"], "--learning-rate must be positive and finite; got -0.1"),
        (["x^2", "--start", "1", "--learning-rate", "quick"], "learning-rate must be a number.*got 'quick'"),
        (["x^2", "--start", "abc"], "--start must be a number.*; got 'abc'"),
        (["x^2"], "--start must be given"),
        (["x^2 + y^2", "--start", "1"], "--start must be a vector of 2 numbers: x and y"),
        (["x^2", "--start", "1", "--steps", "-1"], "--steps must be a whole number from 0 to 2.62; got -1"),
        (["x^2", "--start", "1", "--tolerance", "-1"], "--tolerance must be a finite number, 0 or more"),
        (["x^2", "--start", "1", "--bounds", "1"], "--bounds must be LOW:HIGH.*got '1'"),
        (["x^2", "--start", "5", "--bounds", "0:1"], "--start must lie inside the bounds"),
        (["x^2", "--start", "1", "--beta", "0.5"], "--beta is for momentum and nesterov, and gradient_desc"),
        (["x^2", "--start", "1", "--decay", "0.5"], "--decay needs a learning rate to start from"),
        (["x^2", "--start", "1", "--learning-rate", "polyak", "--decay", "0.5"], "--decay needs a number"),
        (["x^2", "--start", "1", "--engine", "fast"], "--engine must be one of 'auto', 'eager', 'compiled'"),
        (["himelblau"], "unknown name 'himelblau'.*did you mean the problem 'himmelblau'"),
        (["log(x)", "--start", "-1"], "`fun` must be finite at the start x0 = -1.0; got nan"),
    ],
)  # fmt: skip
def test_errors_go_to_the_standard_error_and_name_the_option(run_cli, words, message):
    status, out, err = run_cli("run", *words)
    assert (status, out) == (2, "")
    assert err.startswith("error: ")
    assert re.search(message, err)
    assert "Traceback" not in err


def test_a_formula_error_points_at_its_column(run_cli):
    _, _, err = run_cli("run", "x^2 + launch(x)", "--start", "1")
    assert err.splitlines()[1:] == ["  x^2 + launch(x)", "        ^"]
    assert "at column 7" in err


def test_problems_are_listed_and_one_is_shown_whole(run_cli):
    status, out, _ = run_cli("problems")
    assert status == 0
    listed, advice = out.split("\n\n")
    assert [line.split()[0] for line in listed.splitlines()] == sorted(gallery.PROBLEMS)
    assert "problems NAME" in advice
    _, out, _ = run_cli("problems", "himmelblau")
    assert gallery.get("himmelblau").formula in out
    assert " ".join(out.split()).count("minimum") == len(gallery.get("himmelblau").minima)
    status, _, err = run_cli("problems", "himelblau")
    assert status == 2
    assert "Did you mean 'himmelblau'?" in err


def test_methods_are_listed_with_their_coefficients(run_cli):
    status, out, _ = run_cli("methods")
    assert status == 0
    assert all(f"\n{name} " in out for name in METHODS)
    assert "beta1 = 0.9 in [0, 1)" in out


def test_help_lists_the_commands(run_cli):
    status, out, _ = run_cli("--help")
    assert status == 0
    assert all(f"  {command} " in out for command in ("run", "problems", "methods"))


@pytest.mark.slow
@pytest.mark.parametrize("columns", ["30", "200"])
def test_what_is_piped_is_plain_text_in_any_width(columns):
    command = Path(sys.executable).with_name("downslope")
    words = ["run", "x^2 + y^2", "--start", "-3,2", "--learning-rate", "0.1", "--steps", "4"]
    environment = {**os.environ, "COLUMNS": columns, "TERM": "xterm-256color"}
    done = subprocess.run([command, *words], capture_output=True, text=True, env=environment, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    assert "MAX_STEPS after 4 steps: all steps were made." in done.stdout
    # No number is cut short.
    for word in ("-1.536", "3.40787", "2.18104", "2.4576"):
        assert word in done.stdout
