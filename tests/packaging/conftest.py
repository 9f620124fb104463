"""What is published: a wheel and an sdist, built as for PyPI, and a fresh environment with the wheel in it."""

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]


def run(*command, **kwargs):
    """What a command prints; its whole output in the error where it fails."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, **kwargs)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


class Distributions(NamedTuple):
    wheel: Path
    sdist: Path


@pytest.fixture(scope="session")
def distributions(tmp_path_factory):
    """The sdist of this tree, and the wheel that is built of the unpacked sdist."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--outdir", folder, ROOT)
    (wheel,) = folder.glob("*.whl")
    (sdist,) = folder.glob("*.tar.gz")
    return Distributions(wheel, sdist)


@pytest.fixture(scope="session")
def installed(distributions, tmp_path_factory):
    """The `bin` of a fresh environment with the wheel in it; the dependencies are lent by this one."""
    folder = tmp_path_factory.mktemp("fresh")
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", distributions.wheel)
    (site_packages,) = folder.glob("lib/python*/site-packages")
    # Only what lies there is lent: the path to this source tree, a .pth file there too, is not followed.
    (site_packages / "lent.pth").write_text(sysconfig.get_path("purelib"))
    return folder / "bin"
