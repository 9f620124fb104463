"""A new process starts quickly, because it loads and compiles what it needs and nothing else.

Seconds depend on the machine: `benchmarks/cold_start.py` measures them. What they depend on is held here.
"""

import gc
import os
import subprocess
import sys

import pytest

import downslope
from downslope.cli.loading import loading

pytestmark = pytest.mark.slow  # a process a test

NEVER = {"matplotlib", "torch", "sklearn", "pandas", "optax", "pyarrow", "pydantic", "rich"}
WITHOUT_JAX = NEVER | {"jax", "jaxlib", "scipy", "lark"}
COMPLETE = {"_DOWNSLOPE_COMPLETE": "complete_bash", "COMP_CWORD": "2"}
LISTING = """
import atexit, sys
from pathlib import Path
atexit.register(lambda: Path(sys.argv.pop()).write_text(" ".join(sys.modules)))
from downslope.cli import main
main()
"""


@pytest.fixture(scope="module")
def typer_s_own():
    """What typer loads in any case: its older versions load rich."""
    code = "import sys, typer; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {module.split(".")[0] for module in done.stdout.split()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A working folder with a saved run in it."""
    folder = tmp_path_factory.mktemp("cold_start")
    downslope.minimize("x^2", 5.0, learning_rate=0.1).save(folder / "run.parquet")
    return folder


def loaded_by(words, folder, **environment):
    """The packages that a process has loaded at its end."""
    file = folder / "modules"
    code = LISTING.replace("sys.argv.pop()", repr(str(file)))
    command = [sys.executable, "-c", code, *words]
    environment = {**os.environ, **environment}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=folder, check=False)
    assert done.returncode == 0, done.stderr
    return {module.split(".")[0] for module in file.read_text().split()}


@pytest.mark.parametrize(
    ("words", "environment", "never"),
    [
        (["--help"], {}, WITHOUT_JAX | {"numpy"}),
        (["run", "--help"], {}, WITHOUT_JAX | {"numpy"}),
        (["race", "--help"], {}, WITHOUT_JAX | {"numpy"}),
        (["sweep", "--help"], {}, WITHOUT_JAX | {"numpy"}),
        (["basins", "--help"], {}, WITHOUT_JAX | {"numpy"}),
        (["--version"], {}, WITHOUT_JAX | {"numpy"}),
        (["problems"], {}, WITHOUT_JAX),
        (["problems", "himmelblau"], {}, WITHOUT_JAX),
        (["methods"], {}, WITHOUT_JAX),
        (["cache"], {}, WITHOUT_JAX),
        ([], {**COMPLETE, "COMP_WORDS": "downslope run parab"}, WITHOUT_JAX),
        (["run", "parabola", "--steps", "3", "--learning-rate", "0.1"], {}, NEVER | {"scipy", "lark"}),
        (["run", "x^2", "--start", "5", "--brief"], {}, NEVER | {"scipy"}),
        (["sweep", "parabola", "--learning-rate", "0.1:0.9:3"], {}, NEVER | {"scipy", "lark"}),
        (["multistart", "parabola", "--starts", "8"], {}, NEVER | {"lark"}),
        (["show", "run.parquet"], {}, {"scipy", "rich", "pydantic", "torch", "optax"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_command_loads_no_package_that_it_does_not_use(words, environment, never, typer_s_own, folder):
    loaded = loaded_by(words, folder, **environment)
    assert not never & loaded - typer_s_own
    assert "downslope" in loaded


def test_scipy_is_loaded_by_code_that_uses_it_and_then_understood():
    code = """
import sys, downslope
assert "scipy" not in sys.modules
def loss(x):
    from scipy.special import logsumexp
    return logsumexp(x) + x @ x
run = downslope.minimize(loss, [1.0, 2.0])
assert run.gradient_source.name == "COMPILED", run.gradient_reason
import math
run = downslope.minimize(lambda x: math.erf(x) + x**2, 1.0)
assert run.gradient_source.name == "COMPILED", run.gradient_reason
"""
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def test_a_run_compiles_one_program(caplog):
    import jax

    def loss(x):
        return (x - 1) ** 4  # new here, so that nothing is compiled yet

    jax.config.update("jax_log_compiles", True)
    try:
        downslope.minimize(loss, 3.0, learning_rate=0.01, method="adam", max_steps=5)
    finally:
        jax.config.update("jax_log_compiles", False)
    compiled = [record.getMessage() for record in caplog.records if record.getMessage().startswith("Compiling ")]
    assert [message.split()[1] for message in compiled] == ["jit(outer)"]


def test_the_collector_works_again_after_loading():
    assert gc.isenabled()
    with loading():
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(ImportError), loading():
        import downslope.nowhere  # type: ignore[import-not-found]  # noqa: F401
    assert gc.isenabled()
    gc.unfreeze()


def test_what_a_new_process_prints_is_what_a_warm_one_prints(run_cli):
    words = ["run", "beale", "--learning-rate", "0.01", "--steps", "20", "--table"]
    command = [sys.executable, "-c", "from downslope.cli import main; main()", *words]
    new = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert run_cli(*words)[1] == new
    assert run_cli(*words)[1] == new
