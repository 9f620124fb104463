"""`downslope fit --watch`: the page follows the command, and shows at the end what the command printed."""

import re
import signal
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from tests.laboratory_page.conftest import new_page

COMMAND = "import sys; from downslope.cli import main; main()"


@pytest.fixture
def data(tmp_path):
    X = np.random.default_rng(0).normal(size=(20_000, 6)).astype(np.float32)
    columns = {f"x{k}": column for k, column in enumerate(X.T)}
    parquet.write_table(pa.table(columns | {"y": X @ [1, -1, 2, 0, 0.5, 0] > 0.2}), tmp_path / "data.parquet")
    return tmp_path / "data.parquet"


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is sent as a signal")
def test_a_training_is_followed_to_its_end_and_explained(browsers, data):
    options = "--target y --model logistic --batch-size 32 --epochs 4 --validation 0.1 --learning-rate 0.2 --watch"
    command = [sys.executable, "-c", COMMAND, "fit", str(data), *options.split()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            told = next(line for line in process.stderr if "Follow it at" in line)
            address = re.search(r"http\S+", told).group()
            lab = new_page(browsers(False), address)
            lab.open()
            lab.page.get_by_role("img", name="Contours of the loss around the weights").wait_for()
            names = ("step", "epoch", "learning rate", "validation", "time left")
            facts = {name: lab.text(f"[data-fact='{name}']") for name in names}
            why = lab.text("section.why")
            lab.screenshot("training")
            lab.page.set_viewport_size({"width": 390, "height": 800})
            lab.settle()
            lab.screenshot("training_on_a_phone")
            assert lab.page.evaluate("document.documentElement.scrollWidth") <= 390
            lab.page.context.close()
            assert lab.complaints == []
        finally:
            process.send_signal(signal.SIGINT)
            printed, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    # 18,000 rows are left to train on: 563 batches of 32, four times.
    assert (facts["step"], facts["epoch"], facts["learning rate"]) == ("2,252 of 2,252", "4", "0.2")
    assert facts["time left"] == "over"
    last = [line.split() for line in printed.splitlines() if line.split()[:2] == ["4", "2252"]]
    assert float(facts["validation"]) == pytest.approx(float(last[0][3]), rel=1e-5)  # six digits
    headline = next(line for line in printed.splitlines() if re.match(r"(Noise floor|Crawling|Straight)", line))
    assert headline in why
