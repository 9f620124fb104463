"""`downslope explain`, and the last lines of `run` and `show`: the same words as in Python."""

import json

import pytest

import downslope


@pytest.mark.slow
def test_explain_prints_the_end_and_the_sentences_of_python(run_cli):
    status, out, err = run_cli("explain", "x**2", "--start", "5", "--learning-rate", "1.1")
    assert (status, err) == (3, "")
    run = downslope.minimize("x**2", 5.0, learning_rate=1.1)
    assert run.message in out
    assert out.endswith(f"\n\n{run.explain()}\n")


@pytest.mark.slow
def test_run_and_show_end_with_the_explanation_unless_it_is_to_be_brief(run_cli, tmp_path):
    file = str(tmp_path / "run.parquet")
    words = ["run", "ravine", "--learning-rate", "0.24"]
    told = str(downslope.minimize("ravine", learning_rate=0.24).explain())
    assert run_cli(*words, "--save", file)[1].endswith(f"\n\n{told}\n")
    assert run_cli("show", file)[1].endswith(f"\n\n{told}\n")
    brief = run_cli(*words, "--brief")[1]
    assert brief == run_cli("show", file, "--brief")[1]
    assert told.splitlines()[0] not in brief


@pytest.mark.slow
def test_a_saved_run_is_explained(run_cli, tmp_path):
    file = tmp_path / "run.parquet"
    run = downslope.minimize("x^2", 5.0, learning_rate=0.9)
    run.save(file)
    assert str(run.explain()) in run_cli("explain", str(file))[1]


@pytest.mark.slow
def test_json_has_the_facts_and_the_same_words(run_cli):
    _, out, _ = run_cli("explain", "x^2", "--start", "5", "--learning-rate", "1.1", "--json")
    told = json.loads(out)
    explanation = downslope.minimize("x^2", 5.0, learning_rate=1.1).explain()
    assert "\n".join(told["sentences"]) == str(explanation)
    assert told["behaviour"] == explanation.behaviour.value == "diverging"
    assert told["stability"]["largest_stable"] == 1.0
    assert told["stability"]["multipliers"] == [[[1 - 2.2, 0.0]]]
    assert told["suggestion"]["arguments"] == {"learning_rate": {"name": "Constant", "rate": 0.5}}


def test_bad_input_is_told_as_by_run(run_cli):
    for words in (["x^2"], ["x^", "--start", "1"], ["missing.parquet"]):
        status, out, err = run_cli("explain", *words)
        assert (status, out) == (2, "")
        assert err.startswith("error: ")
        assert "Traceback" not in err
