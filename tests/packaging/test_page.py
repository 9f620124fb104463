"""The laboratory's page in the build: made where it is missing, and one clear sentence where it cannot be."""

import json
import os
import shutil
import subprocess
import sys
import zipfile

import pytest

from tests.packaging.conftest import ROOT

pytestmark = pytest.mark.slow

PAGE = "downslope/lab/page/index.html"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """What a fresh checkout holds of the build: no page, and no libraries of Node's."""
    folder = tmp_path_factory.mktemp("checkout") / "downslope"
    left_out = shutil.ignore_patterns("node_modules", "page", "__pycache__")
    for name in ("src", "frontend"):
        shutil.copytree(ROOT / name, folder / name, ignore=left_out)
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE", ".gitignore"):
        shutil.copy(ROOT / name, folder)
    return folder


def build(checkout, out, **variables):
    """Exit status, all that is printed, and the names in the wheel."""
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", out, checkout]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | variables
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    wheels = list(out.glob("*.whl"))
    names = zipfile.ZipFile(wheels[0]).namelist() if wheels else []
    return done.returncode, done.stdout + done.stderr, names


def nowhere(tmp_path):
    """npm told of a registry that does not answer, with nothing kept from before."""
    return {
        "npm_config_registry": "http://127.0.0.1:9/",
        "npm_config_fetch_retries": "0",
        "npm_config_cache": str(tmp_path / "npm"),
    }


def test_without_the_registry_one_sentence_says_what_to_do(checkout, tmp_path):
    status, printed, names = build(checkout, tmp_path, **nowhere(tmp_path))
    assert (status, names) == (1, [])
    (sentence,) = [line for line in printed.splitlines() if "downslope lab" in line]
    assert "could not be built" in sentence
    assert "set DOWNSLOPE_WITHOUT_PAGE=1 to install all but the page" in sentence


def test_the_variable_builds_all_but_the_page(checkout, tmp_path):
    status, printed, names = build(checkout, tmp_path, DOWNSLOPE_WITHOUT_PAGE="1", **nowhere(tmp_path))
    assert status == 0, printed
    assert PAGE not in names
    assert "downslope/lab/server.py" in names


def test_with_the_registry_the_page_is_built_and_then_not_again(checkout, tmp_path):
    for attempt, variables in enumerate(({}, nowhere(tmp_path))):
        out = tmp_path / str(attempt)
        out.mkdir()
        status, printed, names = build(checkout, out, **variables)
        assert status == 0, printed
        assert PAGE in names


def test_the_lock_file_holds_no_download_address():
    packages = json.loads((ROOT / "frontend" / "package-lock.json").read_text())["packages"]
    for package in packages.values():
        package.pop("funding", None)  # where to thank who wrote it
    assert "http" not in json.dumps(packages)
    assert len(packages) > 20
