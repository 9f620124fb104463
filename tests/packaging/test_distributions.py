"""The wheel and the sdist hold what they should, and work where there is nothing else of downslope."""

import email
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from packaging.metadata import Metadata
from packaging.requirements import Requirement

import downslope
from tests.packaging.conftest import ROOT, run

pytestmark = pytest.mark.slow


def contents(path):
    """The files of a distribution, by name; an sdist's without its one folder."""
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as archive:
            return {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}
    with tarfile.open(path) as archive:
        members = [member for member in archive.getmembers() if member.isfile()]
        return {member.name.partition("/")[2]: archive.extractfile(member).read() for member in members}


def sources(folder):
    found = (path for path in (ROOT / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(ROOT).as_posix() for path in found}


def test_the_wheel_holds_the_package_whole_and_nothing_else(distributions):
    names = set(contents(distributions.wheel))
    package = {name.removeprefix("src/") for name in sources("src/downslope")}
    assert {"downslope/py.typed", "downslope/objectives/formula/grammar.lark"} <= package <= names
    assert {f"downslope/lab/page/{name}" for name in ("index.html", "widget.js", "standalone.js")} <= names
    info = f"downslope-{downslope.__version__}.dist-info"
    assert names - package == {f"{info}/{name}" for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt")} | {
        f"{info}/licenses/LICENSE"
    }


def test_the_sdist_holds_all_that_its_tests_need(distributions):
    names = set(contents(distributions.sdist))
    assert sources("src") | sources("tests") | sources("examples") | sources("benchmarks") <= names
    assert {"README.md", "CHANGELOG.md", "LICENSE", "Makefile", "pyproject.toml", "PKG-INFO"} <= names
    assert {"hatch_build.py", "frontend/package-lock.json", "frontend/.npmrc", "frontend/src/page.ts"} <= names
    assert not any(part in name for name in names for part in ("__pycache__", ".venv", "demo/", ".pyc", "node_modules"))


def test_no_path_of_the_machine_that_built_them_is_inside(distributions):
    machine = [str(path).encode() for path in (ROOT, Path(sys.prefix), distributions.wheel.parent)]
    for distribution in distributions:
        for name, content in contents(distribution).items():
            assert not any(path in content for path in machine), name


def test_the_metadata_are_valid_and_show_the_readme(distributions):
    raw = contents(distributions.wheel)[f"downslope-{downslope.__version__}.dist-info/METADATA"]
    metadata = Metadata.from_email(raw, validate=True)
    assert (metadata.name, str(metadata.version)) == ("downslope", downslope.__version__)
    assert metadata.license_expression == "MIT"
    assert metadata.license_files == ["LICENSE"]
    assert metadata.description_content_type == "text/markdown"
    assert metadata.description == (ROOT / "README.md").read_text()
    assert "Typing :: Typed" in metadata.classifiers
    assert contents(distributions.sdist)["PKG-INFO"] == raw
    # What PyPI refuses: a requirement by address instead of by name.
    assert not any(Requirement(line).url for line in email.message_from_bytes(raw).get_all("Requires-Dist"))


def test_the_installed_command_works_from_anywhere(installed, tmp_path):
    assert "run" in run(installed / "downslope", "--help", cwd=tmp_path)
    printed = run(installed / "downslope", "run", "parabola", cwd=tmp_path)
    assert "GRADIENT_SMALL after" in printed


def test_the_installed_package_reads_formulas_and_lies_in_its_own_environment(installed, tmp_path):
    code = """
import downslope
run = downslope.minimize("x^2", 5.0, learning_rate=0.5)
print(run.status.name, run.x, downslope.__version__, downslope.__file__)
"""
    status, x, version, file = run(installed / "python", "-W", "error", "-c", code, cwd=tmp_path).split()
    assert (status, x, version) == ("GRADIENT_SMALL", "0.0", downslope.__version__)
    assert Path(file).is_relative_to(installed.parent)
