"""`downslope sweep`, `multistart` and `basins`: how ranges are written, what is told, what is kept."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import downslope
from downslope import InvalidInput
from downslope.cli import ranges

pytestmark = pytest.mark.slow  # each compiles many runs at once

PROGRAM = [sys.executable, "-c", "from downslope.cli import main; main()"]
PARABOLA = ("sweep", "x^2", "--start", "5;-3", "--learning-rate", "0.1,0.5,0.9,1.1", "--steps", "200")


def no_sweep(*arguments, **options):
    raise AssertionError("nothing may be computed")


# -- ranges -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.1", 0.1),
        ("-5:5:5", [-5.0, -2.5, 0.0, 2.5, 5.0]),
        ("1e-3:1:log:4", [1e-3, 1e-2, 1e-1, 1.0]),
        ("0.5,0.1", [0.5, 0.1]),
        (" 0 : 1 : 2 , 7", [0.0, 1.0, 7.0]),
        ("1:2:1e1", np.linspace(1, 2, 10)),
    ],
)
def test_a_range_holds_its_ends_and_what_lies_between(text, expected):
    # A power of ten is not always the nearest number to its neighbour times ten.
    np.testing.assert_allclose(ranges.values("beta", text), expected, rtol=1e-15)


def test_the_ends_of_a_range_are_exact():
    for low, high, count in ((1e-3, 1.0, 100), (0.1, 0.7, 7), (1e-6, 0.3, 13)):
        for spacing in ("", "log:"):
            found = ranges.values("beta", f"{low}:{high}:{spacing}{count}")
            assert (found[0], found[-1], len(found)) == (low, high, count)


def test_starts_of_several_variables_are_every_combination():
    assert ranges.starts("-5:5:3").tolist() == [-5.0, 0.0, 5.0]
    assert ranges.starts("-5:5:3,1:2:2").tolist() == [[-5, 1], [-5, 2], [0, 1], [0, 2], [5, 1], [5, 2]]
    assert ranges.starts("9,-3").tolist() == [[9.0, -3.0]]
    assert ranges.starts("9,-3; 0:1:2,7").tolist() == [[9.0, -3.0], [0.0, 7.0], [1.0, 7.0]]
    assert ranges.starts(None) is None


@pytest.mark.parametrize(
    ("option", "text", "message"),
    [
        ("--learning-rate", "0.1:1", "--learning-rate must be a number, LOW:HIGH:COUNT or LOW:.*; got '0.1:1'"),
        ("--learning-rate", "0.1:1:lin:5", "--learning-rate must be a number.*; got '0.1:1:lin:5'"),
        ("--learning-rate", "0.1,quick", "--learning-rate must be a number.*; got 'quick'"),
        ("--learning-rate", "0:1:log:5", "--learning-rate must have LOW above 0 .*; got '0:1:log:5'"),
        ("--learning-rate", "0:1:5", "--learning-rate must be positive and finite; got"),
        ("--learning-rate", "1:0.1:5", "--learning-rate must have LOW below HIGH, both finite; got '1:0.1:5'"),
        ("--learning-rate", "0.1:inf:5", "--learning-rate must have LOW below HIGH, both finite; got '0.1:inf:5'"),
        ("--start", "-5:5:1", "--start must have a whole COUNT from 2 to 10,000,000; got '-5:5:1'"),
        ("--start", "-5:5:2.5", "--start must have a whole COUNT .*; got '-5:5:2.5'"),
        ("--start", "-5:5:1e9", "--start must have a whole COUNT .*; got '-5:5:1e9'"),
        ("--start", "0:1:20000,0:1:20000", "--start must span at most 10,000,000 starts, and spans 400,000,000; got"),
        ("--start", "0:1:1e7", "--start must span a grid whose results fit in 16 GiB: .*; got '200000000 runs'"),
        ("--start", "1;2,3", "--start must have as many variables after a semicolon as before; got '1;2,3'"),
        ("--start", "nan", "--start must be finite, and start 0 is not"),
        ("--beta", "0.5,0.9", "--beta is for momentum and nesterov, and gradient_descent has none; got"),
        ("--seed", "0:1:3", "--seed must be of whole numbers, and has 0.5; got '0:1:3'"),
        ("--methods", "adam,adam", "--methods must differ from each other; got 'adam,adam'"),
        ("--methods", "adm", "--method must be one of adagrad.*Did you mean 'adam'"),
        ("--colour", "red", "--colour must be one of behaviour, loss, steps; got 'red'"),
        ("--save", "nowhere/sweep.parquet", "--save 'nowhere/sweep.parquet' cannot be written: there is no folder"),
        ("--plot", "map.txt", "--plot"),
        ("--plot", "nowhere/map.png", "--plot 'nowhere/map.png' cannot be written"),
        ("--bounds", "0:1", "--start must lie inside the bounds"),
    ],
)
def test_an_error_names_the_option_the_rule_and_the_value_before_anything_runs(
    run_cli, monkeypatch, option, text, message
):
    monkeypatch.setattr("downslope.sweeps.lots.run_lanes", no_sweep)
    given = {"--start": "5", "--learning-rate": "0.1:0.2:20", option: text}
    words = [word for pair in given.items() for word in pair]
    status, out, err = run_cli("sweep", "x^2", *words)
    assert (status, out) == (2, "")
    assert re.match(f"error: {message}", err), err


def test_starts_must_suit_the_formula(run_cli):
    for text in ("1:2:3,4", "1,2"):
        assert run_cli("sweep", "x^2", "--start", text)[2].startswith("error: --start must be one number, x")
    assert run_cli("sweep", "x^2 + y^2", "--start", "1:2:3")[2].startswith("error: --start must be a vector of 2")


def test_beta_must_be_in_its_interval(run_cli):
    words = ("--start", "5", "--learning-rate", "0.1", "--method", "momentum")
    assert run_cli("sweep", "x^2", *words, "--beta", "0:1:3")[2].startswith("error: --beta must be in [0, 1); got")
    assert run_cli("sweep", "x^2", *words, "--beta", "2")[2].startswith("error: --beta must be in [0, 1); got 2.0")
    _, _, err = run_cli("sweep", "x^2", *words, "--methods", "adam")
    assert err == "error: --methods takes the place of --method momentum: give one of them; got 'adam'.\n"


# -- what is told -----------------------------------------------------------------------------------------


def test_a_sweep_tells_what_was_swept_and_how_it_ended(run_cli):
    status, out, err = run_cli(*PARABOLA)
    assert (status, err) == (0, "")
    assert (
        out
        == """\
x^2: 8 runs
  method         gradient descent
  learning rate  0.1, 0.5, 0.9, 1.1
  start          -3, 5

6 of 8 runs converged (75 %).
All converged at learning rates from 0.1 to 0.9, and none elsewhere.

        status  runs   share
GRADIENT_SMALL     6  75.0 %
     MAX_STEPS     2  25.0 %

       behaviour  runs   share
straight descent     4  50.0 %
       diverging     2  25.0 %
          zigzag     2  25.0 %

              learning rate  start x  end x  loss  steps          status         behaviour
 lowest loss            0.5        5      0     0      1  GRADIENT_SMALL  straight descent
fewest steps            0.5        5      0     0      1  GRADIENT_SMALL  straight descent

lowest loss and fewest steps, step by step:
  downslope run 'x^2' --start 5 --learning-rate 0.5 --steps 200
"""
    )


def test_the_counts_are_those_of_the_library(run_cli):
    words = ("--start=-4:4:5,-3:3:4", "--learning-rate", "1e-3:0.1:log:6", "--method", "momentum", "--beta", "0:0.9:3")
    status, out, err = run_cli("sweep", "himmelblau", *words, "--steps", "300", "--json", "--table")
    told = json.loads(out)
    x, y = np.meshgrid(np.linspace(-4, 4, 5), np.linspace(-3, 3, 4), indexing="ij")
    found = downslope.sweep(
        "himmelblau",
        starts=np.stack([x.ravel(), y.ravel()], axis=1),
        learning_rates=np.geomspace(1e-3, 0.1, 6),
        methods="momentum",
        coefficients={"beta": np.linspace(0, 0.9, 3)},
        max_steps=300,
    )
    assert (status, err) == (0, "")
    assert told["dimensions"] == {"learning_rate": 6, "beta": 3, "start": 20}
    assert (told["n_runs"], told["n_converged"]) == (360, int(found.converged.sum()))
    frame = found.to_dataframe()
    assert told["statuses"] == frame["status"].value_counts().to_dict()
    assert told["behaviours"] == frame["behaviour"].value_counts().to_dict()
    assert [row["n_steps"] for row in told["rows"]] == frame["n_steps"].tolist()
    assert told["best"]["loss"] == found.best()["loss"]
    quick = frame[found.converged.ravel() & (frame["n_steps"] > 0)]
    assert told["quickest"]["n_steps"] == quick["n_steps"].min()
    rates = frame.groupby("learning_rate")["status"].apply(lambda status: (status == "GRADIENT_SMALL").any())
    some = told["converging_rates"]["some"]
    assert some["n"] + some["n_elsewhere"] == rates.sum()


def test_rates_that_converged_are_told_as_one_stretch_and_the_others():
    # From 1 a step of 2 leads to the minimum at -1 of double_well, whose slope at 1.5 is 4 x (x^2 - 1) = 7.5.
    rates = [0.05, 0.1, 0.2, 0.25, 2.5 / 7.5]
    found = downslope.sweep("double_well", starts=[1.5], learning_rates=rates[::-1], max_steps=100)
    holds = found.converged[::-1, 0].tolist()
    assert holds == [True, True, True, False, True]
    assert found.to_dict()["converging_rates"]["all"] == {"lowest": 0.05, "highest": 0.2, "n": 3, "n_elsewhere": 1}


@pytest.mark.parametrize(
    "words",
    [
        ["x^2 - 3x", "--start=-3:4:4", "--learning-rate", "1e-3:0.3:log:5", "--tolerance", "1e-4"],
        ["-cos(x)", "--start", "0.1:1:3", "--learning-rate", "backtracking,0.1"],
        ["himmelblau", "--start", "1:2:2,0:1:3", "--methods", "momentum", "nesterov", "--beta", "0.1,0.7",
         "--learning-rate", "0.003", "--bounds", "-4:4,-4:4"],
        ["x^2 + b", "--start", "1,2", "--variables", "x,b", "--learning-rate", "0.1,0.2", "--noise", "0.5",
         "--seed", "3:5:3", "--steps", "30"],
        ["himmelblau", "--method", "momentum", "--beta", "0.5", "--learning-rate", "0.001,0.002"],
        ["x^2 - 3x", "--start", "5", "--learning-rate", "0.1:1.5:8", "--decay", "0.9"],
    ],
)  # fmt: skip
def test_the_command_that_it_tells_makes_the_run_again(run_cli, words):
    status, out, _ = run_cli("sweep", *words)
    assert status == 0
    best = json.loads(run_cli("sweep", *words, "--json")[1])["best"]
    program, *command = shlex.split(re.search(r"lowest loss.*, step by step:\n  (.*)\n", out)[1])
    assert program == "downslope"
    run = json.loads(run_cli(*command, "--json")[1])
    assert (run["status"], run["n_steps"]) == (best["status"], best["n_steps"])
    # Two compilations of one descent, as in test_sweep.py.
    assert run["loss"] == pytest.approx(best["loss"], rel=1e-8, abs=1e-12)


def test_rates_may_decay_as_in_a_run(run_cli, tmp_path):
    words = ("sweep", "x^2 - 3x", "--start", "5;1", "--learning-rate", "0.1:1.5:8", "--decay", "0.9")
    status, out, _ = run_cli(*words, "--plot", str(tmp_path / "map.png"))
    assert status == 0
    assert "learning rate  0.1, 0.3, 0.5, 0.7, 0.9, 1.1, 1.3, 1.5; geometric decay (factor 0.9)" in out
    told = json.loads(run_cli(*words, "--json", "--table")[1])
    assert told["specification"]["learning_rates"][1] == "GeometricDecay(rate=0.3, factor=0.9)"
    for row in told["rows"]:
        start = [5.0, 1.0][row["start"]]
        run = downslope.minimize(
            "x^2 - 3x", start, learning_rate=downslope.learning_rates.GeometricDecay(row["learning_rate"], 0.9)
        )
        assert (run.status.name, run.n_steps) == (row["status"], row["n_steps"])
    for text, message in (
        ("backtracking", "--decay needs a number as the learning rate"),
        ("backtracking,0.1", "--decay needs numbers as the learning rates"),
        ("0.1,-1", "--learning-rate must be positive and finite; got -1.0"),
    ):
        assert run_cli("sweep", "x^2", "--start", "5", "--learning-rate", text, "--decay", "0.9")[2].startswith(
            f"error: {message}"
        )
    assert run_cli("sweep", "x^2", "--start", "5", "--decay", "0.9")[2].startswith("error: --decay needs a learning")


def test_one_value_is_no_dimension(run_cli):
    words = ("x^2", "--start", "5", "--learning-rate", "0.1", "--method", "momentum", "--beta", "0.5")
    told = json.loads(run_cli("sweep", *words, "--json")[1])
    assert (told["dimensions"], told["converging_rates"]) == ({"start": 1}, None)
    assert told["specification"]["methods"] == ["Momentum(beta=0.5)"]


def test_a_problem_brings_its_own_start_and_range(run_cli):
    assert json.loads(run_cli("sweep", "beale", "--learning-rate", "0.01", "--json")[1])["best"]["start"] == {
        "x": 1.0,
        "y": 1.0,
    }
    assert run_cli("sweep", "x^2")[2].startswith("error: --start must be given")


def test_every_run_is_listed_with_its_start_and_end(run_cli):
    out = run_cli(*PARABOLA, "--table")[1]
    lines = [line.split() for line in out.split("\n\n")[-1].splitlines()]
    assert lines[0] == ["learning", "rate", "start", "x", "end", "x", "loss", "steps", "status", "behaviour"]
    assert len(lines) == 9
    assert lines[3] == ["0.5", "5", "0", "0", "1", "GRADIENT_SMALL", "straight", "descent"]


def test_how_long_it_took_is_told_on_a_terminal_alone(run_cli, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setattr("downslope.progress.SECONDS_BEFORE", 1e9)
    status, out, err = run_cli(*PARABOLA)
    assert status == 0
    assert re.fullmatch(r"8 runs in \d+\.\d\d s, [\d,]+ a second\n", err)
    assert "second" not in out


# -- what is kept -----------------------------------------------------------------------------------------


def test_a_saved_sweep_is_read_by_pandas_and_duckdb(run_cli, tmp_path):
    import duckdb
    import pandas
    from pyarrow import parquet

    file = tmp_path / "sweep.parquet"
    status, _, err = run_cli(*PARABOLA, "--save", str(file))
    assert (status, err) == (0, f"saved to {file}\n")
    found = downslope.sweep("x^2", starts=[5.0, -3.0], learning_rates=[0.1, 0.5, 0.9, 1.1], max_steps=200)
    frame = pandas.read_parquet(file)
    pandas.testing.assert_frame_equal(frame, found.to_dataframe())
    query = f"select learning_rate, max(n_steps) from '{file}' where status = 'GRADIENT_SMALL' group by 1 order by 1"
    assert duckdb.sql(query).fetchall() == [(0.1, 73), (0.5, 1), (0.9, 73)]
    told = json.loads(parquet.read_metadata(file).metadata[b"downslope.sweep"])
    assert told["specification"] == found.to_dict()["specification"]
    assert told["specification"]["learning_rates"] == [0.1, 0.5, 0.9, 1.1]
    assert told["specification"]["max_steps"] == 200


def test_a_file_of_several_groups_and_of_long_vectors(tmp_path, monkeypatch):
    import pandas

    monkeypatch.setattr("downslope.sweeps.sweep.CHUNK_ROWS", 3)
    found = downslope.sweep("sum(x^2)", starts=np.ones((4, 101)), learning_rates=[0.1, 0.2], max_steps=3)
    found.save(tmp_path / "sweep.parquet")
    frame = pandas.read_parquet(tmp_path / "sweep.parquet")
    assert len(frame) == 8
    np.testing.assert_array_equal(np.stack(frame["end x"]), found.lanes.x)
    with pytest.raises(InvalidInput, match="`path`"):
        found.save(tmp_path / "nowhere" / "sweep.parquet")


def test_a_sweep_is_no_run(tmp_path):
    file = tmp_path / "sweep.parquet"
    downslope.sweep("x^2", starts=[5.0], learning_rates=0.1).save(file)
    with pytest.raises(downslope.InvalidFile):
        downslope.load(file)


def test_a_folder_holds_the_same_runs_block_by_block(run_cli, tmp_path, monkeypatch):
    import pandas

    monkeypatch.setattr("downslope.sweeps.streaming.FIRST_LANES", 3)
    monkeypatch.setattr("downslope.sweeps.streaming.MOST_LANES", 4)
    folder = f"{tmp_path}/runs/"
    status, out, err = run_cli(*PARABOLA, "--table", "--save", folder, "--plot", str(tmp_path / "map.png"))
    assert (status, err) == (0, f"saved to {folder}\nsaved to {tmp_path}/map.png\n")
    assert out == run_cli(*PARABOLA, "--table")[1]
    assert len(list((tmp_path / "runs").glob("part-*"))) == 3
    assert len(pandas.read_parquet(folder)) == 8
    in_memory = json.loads(run_cli(*PARABOLA, "--table", "--json")[1])
    monkeypatch.setattr("downslope.sweeps.lots.run_lanes", no_sweep)  # all are finished
    again = json.loads(run_cli(*PARABOLA, "--table", "--json", "--save", folder.removesuffix("/"))[1])
    assert {**again, "seconds": 0} == {**in_memory, "seconds": 0}
    _, out, err = run_cli(*PARABOLA, "--target-loss", "1", "--save", folder)
    assert (out, err.startswith("error: --target-loss must be that of the sweep begun in")) == ("", True)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "photo.jpg").touch()
    for place, rule in (("full/", "holds 'photo.jpg', and must be empty"), ("no/where/", "cannot be made: there is")):
        assert run_cli(*PARABOLA, "--save", f"{tmp_path}/{place}")[2].startswith(f"error: --save '{tmp_path}/"), rule


def test_a_sweep_beyond_memory_is_told_where_it_can_go(run_cli):
    words = ("--start", "0:1:1e6", "--learning-rate", "0.1:0.2:1000")
    _, _, err = run_cli("sweep", "x^2", *words)
    assert "and need --save FOLDER/ to be written to; got '1000000000 runs'" in err


@pytest.fixture
def drawn(monkeypatch):
    """Stand-ins for the pictures of sweeps; gives what was asked of them."""
    from matplotlib.figure import Figure

    from downslope import plots

    asked = []

    def stand_in(name):
        def draw(found, **options):
            asked.append((name, found, options))
            return Figure().add_subplot()

        return draw

    for name in ("sweep_map", "loss_by_rate", "basins"):
        monkeypatch.setattr(plots, name, stand_in(name))
    return asked


def test_a_sweep_is_drawn_as_a_map_and_rates_alone_as_a_curve(run_cli, drawn, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, _, err = run_cli(*PARABOLA, "--plot", "map.png", "--colour", "behaviour")
    assert (status, err) == (0, "saved to map.png\n")
    assert Path("map.png").read_bytes().startswith(b"\x89PNG")
    run_cli("sweep", "x^2", "--start", "5", "--learning-rate", "0.1:0.9:3", "--plot", "curve.svg")
    assert Path("curve.svg").read_bytes().startswith(b"<?xml")
    assert [(name, options) for name, _, options in drawn] == [
        ("sweep_map", {"colour": "behaviour"}),
        ("loss_by_rate", {}),
    ]


@pytest.mark.parametrize(
    ("words", "several"),
    [
        (["--start", "1:2:3"], "start"),
        (["--start", "1"], "one run"),
    ],
)
def test_what_no_picture_shows_is_refused_before_it_runs(run_cli, drawn, monkeypatch, words, several):
    monkeypatch.setattr("downslope.sweeps.lots.run_lanes", no_sweep)
    _, out, err = run_cli("sweep", "x^2", *words, "--plot", "map.png")
    assert out == ""
    assert err.startswith("error: --plot needs many learning rates, or many values of two of ")
    assert err.endswith(f"; got {several!r}.\n")


# -- basins and multistart --------------------------------------------------------------------------------


def test_basins_are_those_of_the_library_told_and_drawn(run_cli, drawn, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ("basins", "himmelblau", "--range=-5:5,-4:4", "--resolution", "16", "--learning-rate", "0.01")
    status, out, err = run_cli(*words, "--method", "momentum", "--beta", "0.5", "--plot", "basins.png")
    assert (status, err) == (0, "saved to basins.png\n")
    options = {"resolution": 16, "learning_rate": 0.01, "method": downslope.Momentum(0.5)}
    found = downslope.basins("himmelblau", [(-5, 5), (-4, 4)], **options)
    ((name, shown, _),) = drawn
    assert name == "basins"
    np.testing.assert_array_equal(shown.which, found.which)
    assert out.startswith(f"himmelblau: {found.message}\n\n")
    rows = out.split("\n\n")[1].splitlines()[1:]
    assert [row.split()[-2] for row in rows] == [f"{100 * minimum.share:.2f}" for minimum in found.minima]
    told = json.loads(run_cli(*words, "--method", "momentum", "--beta", "0.5", "--json")[1])
    assert told["message"] == found.message
    assert [minimum["n_starts"] for minimum in told["minima"]] == [minimum.n_starts for minimum in found.minima]


def test_errors_about_a_range_name_it(run_cli):
    for command in ("basins", "multistart"):
        for text in ("5:-5", "0:", "-inf:1"):
            _, out, err = run_cli(command, "x^2", "--range", text)
            assert (out, err) == ("", f"error: --range must have LOW below HIGH, both finite; got {text!r}.\n")
        assert run_cli(command, "x^2")[2].startswith("error: --range must be given")
    assert run_cli("multistart", "himmelblau", "--range", "0:1,0:1,0:1")[2].startswith("error: --range must hold 2")
    assert run_cli("basins", "sum(x^2)", "--range", "0:1,0:1,0:1")[2].startswith("error: --range must be of one or two")
    assert run_cli("basins", "x^2", "--range", "0:1", "--resolution", "1")[2].startswith("error: --resolution must be")


def test_multistart_tells_the_minima_that_the_library_finds(run_cli):
    status, out, err = run_cli("multistart", "himmelblau", "--range", "-5:5,-5:5", "--starts", "64", "--seed", "3")
    found = downslope.multistart("himmelblau", [(-5, 5), (-5, 5)], 64, seed=3)
    assert (status, err) == (0, "")
    assert out.startswith(f"himmelblau: {found.message}\n")
    rows = [line.split() for line in out.split("\n\n")[1].splitlines()[1:]]
    assert [[float(word) for word in row[:2]] for row in rows] == [
        pytest.approx(minimum.x, rel=1e-5) for minimum in found
    ]
    assert [int(row[3]) for row in rows] == [minimum.n_starts for minimum in found]


def test_multistart_takes_a_sampler_and_one_variable(run_cli):
    words = ("multistart", "x cos(x) + 9", "--range=-5:14", "--starts", "20", "--sampler", "grid", "--learning-rate")
    told = json.loads(run_cli(*words, "0.01", "--json")[1])
    assert told["n_starts"] == 20
    assert [minimum["at_bound"] for minimum in told["minima"]].count(True) == 2
    for text, message in (("--starts", "--starts must be a whole number"), ("--sampler", "--sampler must be one of")):
        assert run_cli("multistart", "himmelblau", text, "0")[2].startswith(f"error: {message}")


def test_runs_stay_in_the_range_or_leave_it(run_cli):
    # From 1 on, x^3 - 3x falls to 1; below the maximum at -1 it falls without end.
    words = ("x^3 - 3x", "--range=-3:3", "--learning-rate", "0.01")
    held = json.loads(run_cli("multistart", *words, "--starts", "64", "--json")[1])["minima"]
    free = json.loads(run_cli("multistart", *words, "--starts", "64", "--outside", "--json")[1])["minima"]
    assert [m["at_bound"] for m in held] == [True, False]
    assert [round(m["x"][0], 6) for m in free] == [1.0]
    held = json.loads(run_cli("basins", *words, "--resolution", "64", "--inside", "--json")[1])["minima"]
    free = json.loads(run_cli("basins", *words, "--resolution", "64", "--json")[1])["minima"]
    assert (len(held), len(free)) == (2, 1)


# -- ends -------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_ctrl_c_keeps_what_is_finished(tmp_path):
    import pandas

    # The signal comes as soon as some runs are finished, however busy the machine is.
    code = """
import signal
from downslope.cli import main
from downslope.sweeps import lots
lots._counted_from = lambda n_before, update: lambda n: n and signal.raise_signal(signal.SIGINT)
main()
"""
    words = ["sweep", "rosenbrock", "--start", "-2:2:1000,-1:3:1000", "--learning-rate", "1e-3", "--save", "s.parquet"]
    command = [sys.executable, "-c", code, *words]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert (done.returncode, done.stderr) == (130, "saved to s.parquet\n")
    assert re.search(r"^ *INTERRUPTED +[\d,]+ ", done.stdout, flags=re.MULTILINE)
    frame = pandas.read_parquet(tmp_path / "s.parquet")
    assert len(frame) == 1_000_000
    finished = frame[frame["status"] != "INTERRUPTED"]
    assert 0 < len(finished) < len(frame)
    assert finished["loss"].notna().all()


def test_a_folder_goes_on_after_ctrl_c(tmp_path):
    import pandas

    code = """
import signal, sys
from downslope.cli import main
from downslope.sweeps import streaming
if "--interrupted" in sys.argv:
    sys.argv.remove("--interrupted")
    stop = lambda n_before, n: n and n_before > 2000 and signal.raise_signal(signal.SIGINT)
    streaming._counted_from = lambda n_before, update: lambda n: stop(n_before, n)
main()
"""
    words = ["sweep", "rosenbrock", "--start", "-2:2:500,-1:3:100", "--learning-rate", "1e-4", "--steps", "5000"]
    command = [sys.executable, "-c", code, *words, "--save", "runs/"]
    run = {"capture_output": True, "text": True, "cwd": tmp_path, "check": False}
    done = subprocess.run([*command, "--interrupted"], **run)
    assert (done.returncode, done.stderr) == (130, "saved to runs/\n")
    n = len(pandas.read_parquet(tmp_path / "runs"))
    assert 2000 < n < 50_000
    assert f"\n{n:,} of 50,000 runs are finished; the same command makes the others.\n" in done.stdout
    done = subprocess.run(command, **run)
    assert (done.returncode, "are finished" in done.stdout) == (0, False)
    table = pandas.read_parquet(tmp_path / "runs")
    axes = np.meshgrid(np.linspace(-2, 2, 500), np.linspace(-1, 3, 100), indexing="ij")
    starts = np.stack([axis.ravel() for axis in axes], axis=1)
    found = downslope.sweep("rosenbrock", starts=starts, learning_rates=1e-4, max_steps=5000)
    np.testing.assert_array_equal(table["loss"], found.lanes.loss)


@pytest.mark.slow
def test_what_is_piped_is_plain_text():
    environment = {**os.environ, "COLUMNS": "30", "TERM": "xterm-256color"}
    done = subprocess.run([*PROGRAM, *PARABOLA], capture_output=True, text=True, env=environment, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    assert "fewest steps            0.5        5      0     0      1  GRADIENT_SMALL  straight descent" in done.stdout
