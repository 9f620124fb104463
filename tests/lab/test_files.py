"""Runs saved and opened, and pages that stand by themselves."""

import base64
import json
import re

import numpy as np
import pytest

import downslope
from downslope.errors import InvalidInput, PageNotBuilt
from downslope.lab.laboratory import Laboratory
from downslope.lab.limits import LIMITS
from downslope.lab.messages import joined


def encoded(path):
    return base64.b64encode(path.read_bytes()).decode()


def test_what_was_saved_is_the_file_that_the_library_writes(laboratory, tmp_path):
    asked = {"fun": "rosenbrock", "learning_rate": 1e-3, "method": "momentum", "max_steps": 80}
    saved = laboratory.call("save", asked)
    path = tmp_path / saved["name"]
    path.write_bytes(base64.b64decode(saved["content"]))
    run = downslope.load(path)
    np.testing.assert_array_equal(run.path, laboratory.call("run", {**asked, "explain": False})["path"])
    assert run.replay().identical


@pytest.mark.parametrize(
    "asked",
    [
        {"fun": "rosenbrock", "learning_rate": 1e-3, "method": "momentum", "coefficients": {"beta": 0.4}},
        {"fun": "x cos(x) + 9", "start": [12.0], "learning_rate": 0.1, "decay": 0.9, "noise": 0.1, "seed": 4},
        {"fun": "x^4", "start": [1.0], "learning_rate": 0.1, "cosine": 50.0, "gradient_tolerance": None},
        {"fun": "sum(x^2)", "start": [1.0, 2.0, 3.0]},
    ],
    ids=lambda asked: asked["fun"],
)
def test_what_was_opened_has_the_run_and_the_setting_that_makes_it_again(laboratory, asked):
    opened = laboratory.call("open", {"content": laboratory.call("save", asked)["content"]})
    again = laboratory.call("run", {**opened["setting"], "explain": False})
    for name in ("path", "losses", "gradient_norms", "learning_rates", "x"):
        np.testing.assert_array_equal(opened[name], again[name])
    for name in ("status", "n_steps", "loss", "message"):
        assert opened[name] == again[name]


def test_a_run_of_code_that_is_not_at_hand_is_shown_without_a_setting(laboratory, tmp_path):
    downslope.minimize(lambda x: (x - 1) ** 2, 3.0, learning_rate=0.1).save(tmp_path / "run.parquet")
    opened = laboratory.call("open", {"content": encoded(tmp_path / "run.parquet")})
    assert opened["setting"] is None
    assert len(opened["path"]) == opened["n_steps"] + 1


def test_of_a_training_s_file_it_says_what_opens_it(laboratory, tmp_path):
    X = np.random.default_rng(0).normal(size=(30, 2))
    downslope.fit("linear", (X, X[:, 0]), batch_size=10, epochs=1).save(tmp_path / "run.parquet")
    with pytest.raises(InvalidInput, match=r"holds a training, which `downslope.load\(...\).show\(\)` opens"):
        laboratory.call("open", {"content": encoded(tmp_path / "run.parquet")})


def test_a_run_with_bounds_is_shown_without_a_setting(laboratory, tmp_path):
    downslope.minimize("x^2", 3.0, learning_rate=0.1, bounds=(1, 4)).save(tmp_path / "run.parquet")
    assert laboratory.call("open", {"content": encoded(tmp_path / "run.parquet")})["setting"] is None


@pytest.mark.parametrize(
    "content", ["", "!", "AAAA", base64.b64encode(b"PAR1" + b"\0" * 400 + b"PAR1").decode(), 5, None]
)
def test_what_is_no_file_of_a_run_is_refused(laboratory, content):
    with pytest.raises(InvalidInput) as error:
        laboratory.call("open", {"content": content})
    assert "tmp" not in str(error.value)


def test_a_small_file_that_would_become_huge_is_refused(laboratory, tmp_path):
    import pyarrow
    from pyarrow import parquet

    zeros = pyarrow.table({"x": np.zeros(40_000_000)})
    parquet.write_table(zeros, tmp_path / "zeros.parquet", compression="zstd")
    assert (tmp_path / "zeros.parquet").stat().st_size < LIMITS.message_bytes / 2
    with pytest.raises(InvalidInput):
        laboratory.call("open", {"content": encoded(tmp_path / "zeros.parquet")})


SETTING = {"fun": "rosenbrock", "learning_rate": 1e-3, "max_steps": 300}


def baked_in(content):
    (found,) = re.findall(r'<script type="application/json" id="downslope-baked">(.*?)</script>', content, re.DOTALL)
    return json.loads(found)


@pytest.mark.slow
def test_an_exported_page_holds_the_answers_as_they_are(laboratory, built):
    page = laboratory.call("export", {**SETTING, "title": "The <b>valley</b>"})
    baked = baked_in(page["content"])
    assert page["bytes"] == len(page["content"].encode()) <= LIMITS.export_bytes
    assert page["left_out"] == []
    assert [one["method"] for one in baked["answers"]] == [
        "hello",
        "function",
        "surface",
        "run",
        "run",
        "limits",
        "code",
        "fan",
    ]
    for one in baked["answers"]:
        answer = joined(one["head"], base64.b64decode(one["numbers"]))
        if one["method"] == "run":
            np.testing.assert_array_equal(answer["path"], laboratory.call("run", SETTING)["path"])
    assert baked["title"] == "The <b>valley</b>"
    assert "&lt;b&gt;" in page["content"]
    assert "<b>" not in page["content"]
    assert page["name"] == "the-b-valley-b.html"


def test_an_exported_page_asks_for_nothing_and_says_what_it_cannot_do(laboratory, built):
    content = laboratory.call("export", {**SETTING})["content"]
    assert "default-src 'none'" in content
    assert not re.search(r"""(src|href)\s*=\s*["']?(https?:)?//""", content)
    cannot = " ".join(baked_in(content)["cannot"])
    assert "fixed" in cannot
    assert "downslope lab" in cannot
    # The script of the page holds an end of a script element, as text: exactly our own two elements end.
    assert len(re.findall("</script", content, re.IGNORECASE)) == 2


def test_a_fan_that_is_too_big_is_made_with_fewer_rates(laboratory, built):
    asked = {**SETTING, "method": "adam", "max_steps": 500}
    requests = [{"method": "fan", "params": asked}, {"method": "run", "params": SETTING}]
    page = laboratory.call("export", {**SETTING, "requests": requests})
    fan, run = baked_in(page["content"])["answers"]
    assert (fan["method"], run["method"]) == ("fan", "run")
    assert fan["params"] == asked
    whole = laboratory.call("fan", asked)
    thinned = joined(fan["head"], base64.b64decode(fan["numbers"]))
    assert len(whole["path"]) * 32 > LIMITS.export_bytes
    assert 16 <= len(thinned["rates"]) < 256
    assert thinned["rates"][[0, -1]] == pytest.approx(whole["rates"][[0, -1]])
    assert page["bytes"] <= LIMITS.export_bytes


def test_a_request_that_cannot_be_answered_is_left_out(laboratory, built):
    requests = [{"method": "critical", "params": {"fun": "wood"}}, {"method": "hello"}]
    page = laboratory.call("export", {**SETTING, "requests": requests})
    assert page["left_out"] == ["critical"]


@pytest.mark.parametrize("method", ["export", "save", "open", "nothing"])
def test_a_page_cannot_hold_an_export(laboratory, built, method):
    page = {"fun": "x^2", "requests": [{"method": method, "params": {}}]}
    if method == "nothing":
        assert laboratory.call("export", page)["left_out"] == ["nothing"]
    else:
        with pytest.raises(InvalidInput):
            laboratory.call("export", page)


def test_without_the_built_page_it_says_how_to_build_it(tmp_path, monkeypatch):
    from downslope.lab import page_files

    monkeypatch.setattr(page_files, "PAGE", tmp_path)
    with pytest.raises(PageNotBuilt, match="make lab"):
        Laboratory().call("export", {"fun": "x^2"})
