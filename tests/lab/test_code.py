"""Copied code makes the run again, to the last bit: Python by being run, the command by being given to a shell."""

import os
import re
import shlex
import subprocess
import sys

import numpy as np
import pytest

import downslope

SETTINGS = {
    "plain": {"fun": "x^2", "start": [5.0], "learning_rate": 0.1},
    "default rate": {"fun": "rosenbrock", "start": [-1.2, 1.0]},
    "a minus first": {"fun": "-cos(x) - 1/(1 + x^2)", "start": [-2.718281828459045], "learning_rate": 0.3},
    "an odd rate": {"fun": "himmelblau", "start": [0.1, -0.7], "learning_rate": 0.030000000000000002, "max_steps": 250},
    "momentum": {"fun": "ravine", "learning_rate": 0.02, "method": "momentum", "coefficients": {"beta": 0.55}},
    "decay and noise": {
        "fun": "x^2 + y^4",
        "start": [3, 1],
        "learning_rate": 0.05,
        "decay": 0.9,
        "noise": 0.1,
        "seed": 9,
    },
    "no tolerance": {"fun": "many_minima", "learning_rate": 0.05, "gradient_tolerance": None, "max_steps": 25},
    "a vector": {"fun": "sum(x^4)", "start": [1.0, 2.0, -0.5], "learning_rate": 0.01},
    "adam": {"fun": "x^2", "start": [5.0], "learning_rate": 0.1, "method": "adam"},
}
ONLY_PYTHON = {
    "cosine": {"fun": "x^2", "start": [5.0], "learning_rate": 0.4, "cosine": 60},
    "adam's own": {
        "fun": "x^2",
        "start": [5.0],
        "learning_rate": 0.1,
        "method": "adam",
        "coefficients": {"beta1": 0.5},
    },
}


def assert_same_record(run, told):
    np.testing.assert_array_equal(run.structure.flatten_rows(run.path), told["path"])
    np.testing.assert_array_equal(run.losses, told["losses"])
    np.testing.assert_array_equal(run.gradient_norms, told["gradient_norms"])
    np.testing.assert_array_equal(run.learning_rates, told["learning_rates"])
    assert run.status.name == told["status"]


@pytest.mark.sampled
@pytest.mark.parametrize("name", [*SETTINGS, *ONLY_PYTHON])
def test_the_python_code_makes_the_run_again(laboratory, name, capsys):
    asked = (SETTINGS | ONLY_PYTHON)[name]
    told = laboratory.call("run", {**asked, "explain": False})
    namespace, code = {}, laboratory.call("code", asked)["python"]
    explaining = "print(run.explain())"
    assert code.endswith(f"{explaining}\n")
    exec(code if name == "plain" else code.replace(explaining, ""), namespace)
    assert_same_record(namespace["run"], told)
    assert repr(namespace["run"]) in capsys.readouterr().out


@pytest.mark.parametrize("name", SETTINGS)
def test_the_command_makes_the_run_again(laboratory, name, run_cli, tmp_path):
    told = laboratory.call("run", {**SETTINGS[name], "explain": False})
    code = laboratory.call("code", SETTINGS[name])
    assert code["no_command"] == ""
    program, *words = shlex.split(code["command"])
    assert program == "downslope"
    status, _, errors = run_cli(*words, "--save", str(tmp_path / "run.parquet"), "--json")
    assert status in (0, 3), errors
    assert_same_record(downslope.load(tmp_path / "run.parquet"), told)


@pytest.mark.slow
def test_a_process_of_its_own_makes_it_again_too(laboratory, tmp_path):
    # Chaotic: after 200 steps nothing but the very same arithmetic arrives at the same place.
    asked = {"fun": "himmelblau", "start": [0.1, 0.1], "learning_rate": 0.03, "max_steps": 300}
    told = laboratory.call("run", {**asked, "explain": False})
    assert told["status"] == "MAX_STEPS"
    code = laboratory.call("code", asked)["python"]
    code = code.replace("print(run.explain())", f"run.save({str(tmp_path / 'run.parquet')!r})")
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, env=os.environ)
    assert_same_record(downslope.load(tmp_path / "run.parquet"), told)


@pytest.mark.parametrize("name", ONLY_PYTHON)
def test_where_the_command_line_cannot_say_it_there_is_a_reason(laboratory, name):
    code = laboratory.call("code", ONLY_PYTHON[name])
    assert code["command"] is None
    assert re.search("command line has no option", code["no_command"])


@pytest.mark.slow
def test_code_of_a_function_of_ones_own_imports_it_from_its_file(tmp_path, monkeypatch):
    from downslope.lab.functions import Own
    from downslope.lab.laboratory import Laboratory

    (tmp_path / "my_losses.py").write_text("def loss(x):\n    return (x - 1) ** 2\n")
    monkeypatch.syspath_prepend(tmp_path)
    from my_losses import loss

    own = Laboratory({"loss": Own(loss, [3.0], origin="my_losses.py:loss")})
    asked = {"fun": "own:loss", "learning_rate": 0.1}
    code = own.call("code", asked)
    assert code["command"] is None
    namespace = {}
    exec(code["python"], namespace)
    assert_same_record(namespace["run"], own.call("run", {**asked, "explain": False}))
