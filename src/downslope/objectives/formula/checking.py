"""What the grammar allows and a formula may still not say: names, calls, vectors."""

from __future__ import annotations

import difflib
import keyword
import re
from collections.abc import Iterable, Iterator

from downslope.errors import FormulaError, InvalidInput, shortened
from downslope.objectives.formula.functions import (
    CONSTANTS,
    FUNCTIONS,
    REDUCTIONS,
    Part,
    function_of,
    is_reduction,
)

_VARIABLE = re.compile(r"[A-Za-z](_?[0-9]+)?")  # found by themselves, where none are declared
_DECLARABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_KNOWN = FUNCTIONS.keys() | REDUCTIONS.keys() | CONSTANTS.keys()


def checked_names(variables: Iterable[str]) -> tuple[str, ...]:
    names = () if isinstance(variables, str) else tuple(variables)
    if not names or len(set(names)) < len(names):
        raise InvalidInput("variables", "must be a list of different names, one at least", variables)
    for name in names:
        if not (isinstance(name, str) and _DECLARABLE.fullmatch(name)) or keyword.iskeyword(name):
            raise InvalidInput("variables", "must be names of letters, digits and _", name)
        if name in _KNOWN:
            raise InvalidInput("variables", "must not be names of functions or constants", name)
    return names


def natural_order(name: str) -> tuple[str, int, str, str]:
    """Sorts x2 before x10."""
    digits = name.lstrip("_" + name[0]).lstrip("0")
    return name[0], len(digits), digits, name  # x2 before x10, and no int() of ten thousand digits


def parts_of(tree: Part) -> Iterator[Part]:
    """Every part, in the order of the text."""
    stack = [tree]
    while stack:
        part = stack.pop()
        yield part
        stack.extend(reversed(part.children))


def check(text: str, part: Part, declared: tuple[str, ...] | None) -> None:
    if part.kind == "name" and part.text not in CONSTANTS and not _is_variable(part.text, declared):
        raise FormulaError(text, _name_problem(text, part, declared), part.start + 1)
    if part.kind == "call":
        _check_call(text, part, declared)
    if part.kind == "chain" and "/" in part.text:
        for i, operator in enumerate(part.text):
            divisor = part.children[i + 1]
            while divisor.kind == "negative" and not divisor.bracketed:
                divisor = divisor.children[0]
            if operator == "/" and divisor.text.startswith(" ") and not divisor.bracketed:
                raise _ambiguous_division(text, part.children[: i + 2], divisor)


def _is_variable(name: str, declared: tuple[str, ...] | None) -> bool:
    return bool(_VARIABLE.fullmatch(name)) if declared is None else name in declared


def _ambiguous_division(text: str, operands: tuple[Part, ...], divisor: Part) -> FormulaError:
    """`operands` are those up to the division; the last is `divisor`, perhaps with a sign before it."""
    *_, dividend, signed = operands
    over, sign = text[operands[0].start : dividend.end], text[signed.start : divisor.start]
    first, *rest = (text[factor.start : factor.end] for factor in divisor.children)
    whole = f"{over}/({sign}{'*'.join([first, *rest])})"
    apart = f"({over}/{sign}{first})*{'*'.join(rest)}"
    if len(whole) > 60:
        whole, apart = "a/(b*c)", "(a/b)*c"
    slash = text.replace("÷", "/").index("/", dividend.end)
    return FormulaError(text, f"can be read in two ways: write {whole} or {apart}", slash + 1)


def _name_problem(text: str, part: Part, declared: tuple[str, ...] | None) -> str:
    name, quoted = part.text, shortened(part.text, 40)
    if name in FUNCTIONS or name in REDUCTIONS:
        argument = re.compile(r"\s*([A-Za-z_0-9.]+)").match(text, part.end)
        return f"has the function {quoted} without a bracket: write {name}({argument[1] if argument else 'x'})"
    hint = ""
    if name.lower() in _KNOWN:
        hint = f" (did you mean {name.lower()}?)"
    elif len(name) > 2 and (near := _nearest(name)):
        hint = f" (did you mean {near}?)"
    elif 1 < len(name) <= 4 and name.isalpha():
        hint = f" (if it is a product, write {'*'.join(name)})"
    if declared is not None:
        return f"has an unknown name {quoted}{hint}: the declared variables are {listed(declared)}"
    return f"has an unknown name {quoted}{hint}: a long name must be declared with `variables` (--variables)"


def _nearest(name: str) -> str:
    """What `name` was perhaps meant to be: cosx is cos(x), sine is sin."""
    for function in sorted(FUNCTIONS, key=len, reverse=True):
        rest = name.removeprefix(function)
        if rest != name and _VARIABLE.fullmatch(rest) and rest not in CONSTANTS:
            return f"{function}({rest})"
    transposed = [known for known in sorted(_KNOWN) if sorted(known) == sorted(name)]
    return next(iter(transposed or difflib.get_close_matches(name, sorted(_KNOWN), n=1, cutoff=0.75)), "")


def _check_call(text: str, call: Part, declared: tuple[str, ...] | None) -> None:
    name, n_given, column = call.text, len(call.children), call.start + 1
    if name not in FUNCTIONS and name not in REDUCTIONS:
        quoted = shortened(name, 40)
        if _is_variable(name, declared) or name in CONSTANTS:
            problem = f"has {quoted} before a bracket, which would call it: write {name}*( for a product"
        else:
            near = _nearest(name).split("(")[0]
            hint = f"did you mean {near}(? Or write" if near else "write"
            problem = f"has an unknown function {quoted}: {hint} {quoted[1:-1]}*( for a product"
        raise FormulaError(text, problem, column)
    function = function_of(call)
    if n_given != function.n_arguments and not (function.takes_more and n_given > function.n_arguments):
        n = function.n_arguments
        arguments = "1 argument" if n_given == 1 else f"{n_given} arguments"
        least = " or more" if function.takes_more else ""
        raise FormulaError(text, f"gives {name} {arguments}, where it takes {n}{least}", column)


def reduces(text: str, tree: Part, variables: tuple[str, ...]) -> bool:
    """Whether the formula takes a whole vector; FormulaError where it then gives no single number."""
    reduction = next((part for part in parts_of(tree) if is_reduction(part)), None)
    if reduction is None:
        return False
    if len(variables) > 1:
        problem = f"has the variables {listed(variables)}: {reduction.text}(...) needs one, a whole vector"
        raise FormulaError(text, problem, reduction.start + 1)
    if _is_vector(text, tree):
        part = tree
        while part.children:
            part = next(child for child in part.children if _is_vector(text, child))
        problem = f"is a vector and not a number: {part.text} should be inside {reduction.text}(...) here too"
        raise FormulaError(text, problem, part.start + 1)
    return True


def _is_vector(text: str, part: Part) -> bool:
    is_vector = part.kind == "name" and part.text not in CONSTANTS
    for child in part.children:
        child_is_vector = _is_vector(text, child)
        if is_reduction(part) and not child_is_vector:
            raise FormulaError(text, f"gives {part.text} a number, where it takes a vector", child.start + 1)
        is_vector = is_vector or child_is_vector
    return is_vector and not is_reduction(part)


def listed(names: Iterable[str]) -> str:
    *first, last = names
    shown = first if len(first) < 10 else [*first[:9], "..."]
    return f"{', '.join(shown)} and {last}" if first else last
