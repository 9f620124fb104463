"""`downslope run --save` and `downslope show`."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import downslope
from tests.storage.runs import MADE, made_run, make

pytestmark = pytest.mark.slow  # a process a test

RUNS = [
    (["himmelblau", "--start=-1,0.3", "--learning-rate", "0.01"], 0),
    (["x^2 + y^2", "--start", "1,2", "--learning-rate", "0.1,0.2", "--steps", "30"], 0),
    (["x^2", "--start", "5", "--learning-rate", "1.1"], 3),
    (["theta^2 + b^2", "--variables", "theta,b", "--start", "1,2", "--bounds", "0:,-2:2"], 0),
]


@pytest.mark.parametrize("options", [[], ["--table"], ["--json"], ["--json", "--table"]], ids=" ".join)
@pytest.mark.parametrize(("words", "status"), RUNS, ids=lambda v: v[0] if isinstance(v, list) else "")
def test_a_saved_run_is_shown_as_it_was(run_cli, words, status, options, tmp_path):
    path = str(tmp_path / "run.parquet")
    ended, printed, said = run_cli("run", *words, *options, "--save", path)
    assert (ended, said) == (status, f"saved to {path}\n")
    assert run_cli("show", path, *options) == (status, printed, "")


def test_the_standard_output_is_the_same_with_and_without_save(run_cli, tmp_path):
    words = ["run", "x^2", "--start", "5", "--learning-rate", "0.1"]
    assert run_cli(*words)[1] == run_cli(*words, "--save", str(tmp_path / "run.parquet"))[1]
    json.loads(run_cli(*words, "--json", "--save", str(tmp_path / "run.parquet"))[1])


def test_replay_tells_the_difference(run_cli, tmp_path):
    path = str(tmp_path / "run.parquet")
    make("noise").save(path)
    status, out, err = run_cli("show", path, "--replay")
    assert (status, err) == (0, "")
    assert out == run_cli("show", path)[1] + "\nreplay: bit-identical over 41 rows\n"
    told = json.loads(run_cli("show", path, "--replay", "--json")[1])["replay"]
    assert (told["identical"], told["message"]) == (True, "bit-identical over 41 rows")
    make("function").save(path)
    status, out, err = run_cli("show", path, "--replay")
    assert (status, out) == (2, "")
    assert err.startswith("error: `fun` must be given: squares is code, which no file holds")


@pytest.mark.parametrize("name", MADE)
def test_every_run_of_python_can_be_shown(run_cli, name, tmp_path):
    run = make(name)
    run.save(tmp_path / "run.parquet")
    status, out, err = run_cli("show", str(tmp_path / "run.parquet"))
    assert (status, err) == (3 if run.status.name in ("NOT_FINITE", "DIVERGED") else 0, "")
    assert run.message in out
    assert " ".join(run.objective.name.split()) in " ".join(out.split())


def test_methods_and_rates_that_are_code_are_named(run_cli, tmp_path):
    import optax

    for options, words in (
        ({"method": optax.adam(0.1)}, "optax"),
        ({"learning_rate": lambda k: 0.1}, "custom"),
        ({"learning_rate": downslope.learning_rates.WarmUp(downslope.learning_rates.Constant(0.1))}, "warm up"),
    ):
        downslope.minimize("booth", max_steps=3, **options).save(tmp_path / "run.parquet")
        status, out, _ = run_cli("show", str(tmp_path / "run.parquet"))
        assert status == 0
        assert words in out.splitlines()[0]


def test_many_variables_are_shortened(run_cli, tmp_path):
    made_run(np.arange(2000.0), rate_shape=(2000,)).save(tmp_path / "run.parquet")
    status, out, _ = run_cli("show", str(tmp_path / "run.parquet"), "--table")
    assert status == 0
    assert len(out) < 3000
    assert "from 2000 numbers" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["show", "missing.parquet"], "error: FILE 'missing.parquet' does not exist."),
        (["show", "."], "error: FILE '.' is a folder, and must be a file."),
        (["show", "text.csv"], "error: FILE 'text.csv' is no Parquet file, as run.save() writes them."),
        (["show", "cut.parquet"], "error: FILE 'cut.parquet' is cut short or damaged"),
        (["run", "x^2", "--start", "1", "--save", "."], "error: --save '.' is a folder, and must be a file."),
        (
            ["run", "x^2", "--start", "1", "--save", "no/run.parquet"],
            "--save 'no/run.parquet' cannot be written: there",
        ),
    ],
    ids=lambda v: " ".join(v) if isinstance(v, list) else "",
)
def test_a_file_that_cannot_be_is_told_by_its_option(run_cli, words, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("text.csv").write_text("step,x\n0,1\n")
    make("formula").save("cut.parquet")
    os.truncate("cut.parquet", 1000)
    status, out, err = run_cli(*words)
    assert (status, out) == (2, "")
    assert message in err
    assert sorted(os.listdir()) == ["cut.parquet", "text.csv"]


def test_the_place_is_checked_before_the_run_starts(run_cli, monkeypatch, tmp_path):
    monkeypatch.setattr("downslope.minimization.minimize", lambda *_, **__: pytest.fail("the run has started"))
    assert run_cli("run", "x^2", "--start", "1", "--save", str(tmp_path))[0] == 2


def test_a_run_whose_file_cannot_be_written_in_the_end_is_shown_all_the_same(run_cli, monkeypatch, tmp_path):
    def full(number):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    path = tmp_path / "run.parquet"
    status, out, err = run_cli("run", "x^2", "--start", "5", "--save", str(path))
    assert "GRADIENT_SMALL" in out
    assert (status, err) == (2, f"error: FILE '{path}' cannot be written: No space left on device.\n")


def test_another_process_shows_it(tmp_path):
    command = Path(sys.executable).with_name("downslope")
    words = ["rosenbrock", "--learning-rate", "0.001", "--steps", "20"]
    path = str(tmp_path / "run.parquet")
    ran = subprocess.run([command, "run", *words, "--save", path], capture_output=True, text=True, check=True)
    shown = subprocess.run([command, "show", path, "--replay"], capture_output=True, text=True, check=True)
    assert shown.stdout == ran.stdout + "\nreplay: bit-identical over 21 rows\n"
    assert shown.stderr == ""
