"""The widget of notebooks answers as the server does."""

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
