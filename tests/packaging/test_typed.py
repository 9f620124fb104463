"""A type checker knows the installed package: it passes what is right in `user_code.py` and reports what is wrong."""

import re
from pathlib import Path

import pytest

api = pytest.importorskip("mypy.api")
pytestmark = pytest.mark.slow

USER_CODE = Path(__file__).with_name("user_code.py")


def test_mypy_in_strict_mode_reports_the_marked_lines_and_no_others(installed, tmp_path):
    lines = enumerate(USER_CODE.read_text().splitlines(), start=1)
    marked = [(number, code) for number, line in lines for code in re.findall(r"# error: ([a-z-]+)$", line)]
    assert len(marked) >= 30
    printed, trouble, _ = api.run(
        [
            str(USER_CODE),
            f"--python-executable={installed / 'python'}",
            f"--cache-dir={tmp_path}",
            "--config-file=",
            "--strict",
        ]
    )
    reported = re.findall(r"user_code\.py:(\d+): error: .*\[([a-z-]+)\]$", printed, flags=re.MULTILINE)
    assert [(int(number), code) for number, code in reported] == marked, printed
    assert f"Found {len(marked)} errors in 1 file" in printed
    assert trouble == ""
