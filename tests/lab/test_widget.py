"""The widget of notebooks answers as the server does."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import downslope
from downslope.lab.messages import joined
from downslope.lab.opening import in_notebook
from downslope.lab.widget import LaboratoryWidget


@pytest.fixture
def widget(laboratory, built, monkeypatch):
    one = LaboratoryWidget(laboratory)
    one.sent = []
    monkeypatch.setattr(one, "send", lambda content, buffers=None: one.sent.append((content, buffers)))
    return one


def test_a_request_is_answered_with_a_head_and_one_buffer(widget, laboratory):
    asked = {"fun": "x^2", "start": [5.0], "learning_rate": 0.1}
    widget._hear(widget, {"id": 3, "method": "run", "params": asked}, [])
    ((head, (numbers,)),) = widget.sent
    assert head["id"] == 3
    answer = joined(head, numbers)["result"]
    np.testing.assert_array_equal(answer["path"], laboratory.call("run", asked)["path"])


@pytest.mark.parametrize("content", [None, 5, {}, {"id": {}}, {"id": 1, "method": "run", "params": 3}, {"id": 1}])
def test_a_malformed_message_is_answered_with_an_error(widget, content):
    widget._hear(widget, content, [])
    assert "error" in widget.sent[0][0]


def test_it_brings_the_built_module(built, laboratory):
    assert LaboratoryWidget(laboratory)._esm == (built / "widget.js").read_text()


def test_outside_of_notebooks_there_is_none():
    assert not in_notebook()


def test_lab_gives_a_widget_where_it_is_asked_for(built):
    one = downslope.lab("rosenbrock", browser=False)
    assert isinstance(one, LaboratoryWidget)
    assert isinstance(downslope.minimize("x^2", 5.0).show(browser=False), LaboratoryWidget)


@pytest.mark.slow
def test_in_a_real_kernel_it_shows_the_run_and_answers_over_the_kernels_messages(page):
    again = {"fun": "rosenbrock", "start": [-1.2, 1.0], "learning_rate": 1e-3, "max_steps": 50, "explain": False}
    requests = [
        {"id": 1, "method": "hello", "params": {}},
        {"id": 2, "method": "shown", "params": {}},
        {"id": "three", "method": "run", "params": again},
        {"id": 4, "method": "run", "params": {"fun": "x +"}},
    ]
    script = Path(__file__).with_name("a_kernel.py")
    words = [sys.executable, str(script), str(page), json.dumps(requests)]
    told = json.loads(subprocess.run(words, check=True, capture_output=True, text=True, timeout=180).stdout)
    assert "application/vnd.jupyter.widget-view+json" in told["kinds"]
    hello, shown, run, bad = (joined(one["head"], bytes.fromhex(one["numbers"])) for one in told["answers"])
    assert hello["result"]["shows"] is True
    assert hello["result"]["opening"]["fun"] == "rosenbrock"
    expected = downslope.minimize("rosenbrock", [-1.2, 1.0], learning_rate=1e-3, max_steps=50)
    np.testing.assert_array_equal(shown["result"]["path"], expected.path)
    np.testing.assert_array_equal(run["result"]["path"], expected.path)
    assert (run["id"], bad["error"]["kind"], bad["error"]["column"]) == ("three", "formula", 4)
