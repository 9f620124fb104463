"""`--json`: docs/json.md tells every key and its type, and nothing else is printed."""

import json
import re
from pathlib import Path

import pytest

from downslope.cli.as_json import FORMAT
from downslope.methods import METHODS
from downslope.objectives import gallery

SECTIONS = re.split(r"^## ", (Path(__file__).parents[1] / "docs" / "json.md").read_text(), flags=re.MULTILINE)[1:]


def documented(command):
    """The keys of a command's table, with their types and meanings."""
    (section,) = (section for section in SECTIONS if f"`downslope {command} --json`" in section.splitlines()[0])
    rows = re.findall(r"^\| `(.+?)` \| (.+?) \| (.+?) \|$", section, flags=re.MULTILINE)
    return {key: (kind, meaning) for key, kind, meaning in rows}


def found(value, keys, path=""):
    """Every value with its documented path; objects and lists are entered where the documentation enters them."""
    is_entered = any(key.startswith((f"{path}.", f"{path}[].")) for key in keys) or not path
    if is_entered and isinstance(value, dict):
        for key, inner in value.items():
            yield from found(inner, keys, f"{path}.{key}" if path else key)
    elif is_entered and isinstance(value, list):
        for inner in value:
            yield from found(inner, keys, f"{path}[]")
    else:
        yield path, value


def is_a(value, kind):
    if ", or " in kind:
        return any(is_a(value, one) for one in kind.split(", or "))
    if kind.startswith("list of "):
        return isinstance(value, list) and all(is_a(inner, kind.removeprefix("list of ")) for inner in value)
    if kind == "number":
        is_finite = isinstance(value, int | float) and not isinstance(value, bool)
        return is_finite or value in ("nan", "inf", "-inf")
    kinds = {"text": str, "list": list, "boolean": bool, "object": dict, "integer": int, "null": type(None)}
    return type(value) is kinds[kind]


def strictly(text):
    return json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


COMMANDS = {
    "a problem": ["run", "himmelblau", "--steps", "3"],
    "an overflow": ["run", "x^2", "--start", "5", "--learning-rate", "1.1", "--table"],
    "many options": ["run", "x^2 + y^2", "--start", "1,2", "--bounds", "0:,-2:2", "--learning-rate", "0.1,0.2",
                     "--noise", "0.1", "--seed", "3", "--target-loss", "0", "--loss-limit", "9", "--table"],
    "a long vector": ["run", "sum(x^2)", "--start", ",".join(["1"] * 1001), "--learning-rate", "0.1", "--steps", "1"],
    "explained": ["explain", "x^2", "--start", "5", "--learning-rate", "1.1"],
    "explained, another way": ["explain", "himmelblau", "--method", "adam", "--steps", "50", "--decay", "0.9",
                               "--learning-rate", "0.1"],
    "explained, without an end": ["explain", "x", "--start", "5", "--learning-rate", "0.1", "--steps", "20"],
    "swept": ["sweep", "x^2 + y^2", "--start", "1:2:2,-1:1:3", "--learning-rate", "0.1:1.2:4", "--methods",
              "momentum,nesterov", "--beta", "0,0.5", "--noise", "0.1", "--seed", "0:2:3", "--steps", "20", "--table"],
    "swept, without an end": ["sweep", "x", "--start", "1", "--learning-rate", "backtracking", "--steps", "0"],
    "minima": ["multistart", "himmelblau", "--starts", "32"],
    "a map": ["basins", "himmelblau", "--resolution", "6", "--learning-rate", "0.01"],
    "problems": ["problems"],
    "one problem": ["problems", "rosenbrock"],
    "methods": ["methods"],
    "cache": ["cache"],
    "cache, cleared": ["cache", "--clear"],
}  # fmt: skip


SLOW = {"explained", "explained, another way", "swept", "swept, without an end", "minima", "a map"}


@pytest.mark.parametrize(
    "words",
    [pytest.param(words, marks=[pytest.mark.slow] * (name in SLOW)) for name, words in COMMANDS.items()],
    ids=COMMANDS,
)
def test_what_is_printed_is_what_is_documented(run_cli, words):
    status, out, err = run_cli(*words, "--json")
    assert (status in (0, 3), err) == (True, "")
    table = documented(words[0])
    printed = list(found(strictly(out), table))
    optional = {key for key, (_, meaning) in table.items() if meaning.startswith("only with ")}
    given = {key for key in optional if any(f"`{word}`" in table[key][1] for word in words)}
    assert {path for path, _ in printed} == set(table) - optional | given
    for path, value in printed:
        assert is_a(value, table[path][0]), f"{path} is {value!r}"


def test_a_saved_run_is_shown_with_the_same_keys_and_its_replay(run_cli, tmp_path):
    file = str(tmp_path / "run.parquet")
    _, out, _ = run_cli("run", "x^2", "--start", "5", "--learning-rate", "0.1", "--json", "--save", file)
    shown = strictly(run_cli("show", file, "--replay", "--json")[1])
    replay = shown.pop("replay")
    assert shown == strictly(out)
    table = documented("show")
    assert {f"replay.{key}" for key in replay} == {key for key in table if key.startswith("replay.")}
    assert replay["identical"] is True


def test_every_object_tells_its_format(run_cli):
    for words in (["problems"], ["methods"], ["cache"], ["run", "x^2", "--start", "1", "--steps", "0"]):
        outcome = strictly(run_cli(*words, "--json")[1])
        assert (next(iter(outcome)), outcome["format"]) == ("format", FORMAT)


def test_rows_have_the_documented_columns_in_order(run_cli):
    words = ["run", "x^2 + y^2", "--start", "1,2", "--steps", "2", "--json", "--table"]
    (row, *_, last) = strictly(run_cli(*words, "--learning-rate", "0.1")[1])["rows"]
    assert list(row) == ["step", "x", "y", "loss", "gradient_norm", "learning_rate"]
    assert last["learning_rate"] == "nan"
    (row, *_) = strictly(run_cli(*words, "--learning-rate", "0.1,0.2")[1])["rows"]
    assert list(row)[-2:] == ["learning_rate x", "learning_rate y"]


def test_problems_and_methods_tell_what_the_library_holds(run_cli):
    problems = strictly(run_cli("problems", "--json")[1])["problems"]
    assert [problem["name"] for problem in problems] == sorted(gallery.PROBLEMS)
    (rosenbrock,) = strictly(run_cli("problems", "rosenbrock", "--json")[1])["problems"]
    assert rosenbrock in problems
    assert rosenbrock["minima"][0]["x"] == [1.0, 1.0]
    methods = {method["name"]: method for method in strictly(run_cli("methods", "--json")[1])["methods"]}
    assert list(methods) == list(METHODS)
    assert methods["momentum"]["coefficients"] == [{"name": "beta", "default": 0.9, "interval": "[0, 1)"}]


def test_an_error_leaves_the_standard_output_empty(run_cli):
    for words in (["run", "x^", "--start", "1"], ["problems", "himelblau"], ["run", "x^2"]):
        status, out, err = run_cli(*words, "--json")
        assert (status, out) == (2, "")
        assert err.startswith("error: ")
