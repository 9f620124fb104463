"""The reference is complete: each public name has an entry, an example and the shapes of its arrays.

An array's shape is told where its docstring has the word, or a shape such as (n,) or (n, d), or says that the vector is
flat; learning rates, losses and counts have no units, and the few times are in seconds by their names.
"""

import ast
import importlib
import inspect
import itertools
import re
import textwrap
from pathlib import Path

import pytest
import typer

from downslope.cli.app import app

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
AREAS = ("learning_rates", "methods", "plots", "training", "torch", "objectives.gallery")
SHAPE = re.compile(r"\bshaped?\b|\((\w+,|\w+(, \w+)+,?)\)|\bflat\b")


def public():
    """Every public object once, by its name: a function, a class or a table."""
    found = {}
    for area in ("downslope", *(f"downslope.{area}" for area in AREAS)):
        module = importlib.import_module(area)
        for name in module.__all__:
            found.setdefault(id(getattr(module, name)), (f"{area}.{name}", getattr(module, name)))
    found |= {
        id(value): (f"downslope.{name}", value)
        for name in ("DescentRegressor", "DescentClassifier")
        if (value := getattr(importlib.import_module("downslope"), name))
    }
    opening = importlib.import_module("downslope.lab.opening")
    named = {name: value for name, value in found.values() if not inspect.ismodule(value)}
    return named | {"downslope.lab": opening.lab}  # the package of this name is called in its place


def entries():
    """What the pages of the reference show, as Sphinx would find it."""
    text = "\n".join(path.read_text() for path in sorted(REFERENCE.glob("*.md")))
    for kind, name, options in re.findall(r"^\.\. auto(\w+):: (\S+)\n((?:   :.*\n)*)", text, re.MULTILINE):
        module, _, last = name.rpartition(".")
        if kind != "module":
            yield getattr(importlib.import_module(module), last)
        elif ":members:" in options:
            left_out = re.search(r":exclude-members: (.*)", options)
            names = set(importlib.import_module(name).__all__) - set(left_out[1].split(", ") if left_out else ())
            yield from (getattr(importlib.import_module(name), each) for each in names)


def attribute_docs(kind):
    """The docstrings under the fields of a class and of those that it is made of."""
    found = {}
    for each in reversed(kind.__mro__):
        if each.__module__.startswith("downslope"):
            body = ast.parse(textwrap.dedent(inspect.getsource(each))).body[0].body
            for field, below in itertools.pairwise(body):
                if isinstance(field, ast.AnnAssign) and isinstance(below, ast.Expr):
                    found[field.target.id] = below.value.value
    return found


def members(kind):
    """The public methods and properties that a class defines, as functions."""
    for name, value in vars(kind).items():
        function = getattr(value, "fget", None) or getattr(value, "__func__", value)
        if not name.startswith("_") and inspect.isfunction(function):
            yield name, function


def has_array(annotation):
    return "ndarray" in str(annotation)


PUBLIC = public()
EACH = pytest.mark.parametrize("name", PUBLIC)


def test_every_public_name_has_an_entry():
    shown = {id(entry) for entry in entries()}
    assert [name for name, value in PUBLIC.items() if id(value) not in shown] == []


@EACH
def test_it_has_an_example(name):
    if callable(PUBLIC[name]):  # and no table, whose entries have theirs
        assert ">>> " in inspect.getdoc(PUBLIC[name])


@EACH
def test_every_parameter_is_told(name):
    if inspect.isfunction(PUBLIC[name]):
        told = inspect.getdoc(PUBLIC[name])
        missing = [p for p in inspect.signature(PUBLIC[name]).parameters if not re.search(rf"\b{p}\b", told)]
        assert missing == []


@EACH
def test_every_attribute_is_told_and_every_array_has_a_shape(name):
    kind = PUBLIC[name]
    if not inspect.isclass(kind):
        return
    told = attribute_docs(kind)
    for field, annotation in vars(kind).get("__annotations__", {}).items():
        if not field.startswith("_") and "coefficient(" not in inspect.getsource(kind):  # those tell their own interval
            words = told.get(field, "")
            assert words or re.search(rf"\b{field}\b", inspect.getdoc(kind)), field
            assert SHAPE.search(words) or not has_array(annotation), field
    for member, function in members(kind):
        words = inspect.getdoc(function)
        assert words, member
        assert SHAPE.search(words) or not any(map(has_array, function.__annotations__.values())), member


def test_every_function_that_takes_or_gives_arrays_tells_their_shapes():
    arrays = {
        name: inspect.getdoc(value)
        for name, value in PUBLIC.items()
        if inspect.isfunction(value) and any(map(has_array, value.__annotations__.values()))
    }
    assert [name for name, words in arrays.items() if not SHAPE.search(words)] == []


def test_every_option_of_every_command_says_what_it_does():
    group = typer.main.get_command(app)
    context = group.make_context("downslope", [], resilient_parsing=True)
    for name, command in group.commands.items():
        assert command.help, name
        for parameter in command.get_params(context):
            assert parameter.hidden or parameter.help, f"{name} {parameter.name}"
