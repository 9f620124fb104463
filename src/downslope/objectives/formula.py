"""A formula typed as text, as a function: `parse("x cos(x) + 9")`. It is read by a grammar, never by `eval`.

    + - * /         as in Python; − · × ÷ are read too
    x^2  x**2       powers, from the right: 2^x^y is 2^(x^y); before the sign: -x^2 is -(x^2); 2^-1 is 0.5
    2x  x cos(x)    a product needs no sign: 2(x+1), (x+1)(x-1), x y; but x 2 is an error,
                    and so is 1/2x, which could be 1/(2*x) or (1/2)*x
    x  t  x1  w_2   a letter, perhaps with a number, is a variable; xy is one name, and must be declared
    sin(x)          a name with a bracket after it is a call, so x(x+1) is an error that offers x*(x+1)
    pi  e  tau      constants; 2e is 2*e, while 2e3 is 2000
    sum(x^2)        with sum, mean, prod, norm, dot, or min and max of one argument, x is a whole vector

The functions are listed in formula_functions.py, the grammar proper is formula.lark.
"""

from __future__ import annotations

import difflib
import functools
import importlib.resources
import keyword
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from downslope.errors import FormulaError, InvalidInput, shortened
from downslope.objectives.formula_functions import (
    CONSTANTS,
    FUNCTIONS,
    REDUCTIONS,
    Part,
    function_of,
    is_reduction,
    python,
    value,
)

MAX_CHARACTERS = 10_000
MAX_LEVELS = 100  # of nesting: evaluation is recursive, and Python's recursion is limited

_VARIABLE = re.compile(r"[A-Za-z](_?[0-9]+)?")  # found by themselves, where none are declared
_DECLARABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_KNOWN = FUNCTIONS.keys() | REDUCTIONS.keys() | CONSTANTS.keys()


@dataclass(frozen=True)
class Formula:
    """A formula that has been read; made by `parse`, equal and hashed by its text and variables.

    `is_vector` is true where a reduction such as sum(...) is applied: the variable is then a whole vector.
    """

    text: str
    variables: tuple[str, ...]
    is_vector: bool = field(compare=False)
    _tree: Part = field(repr=False, compare=False)

    def __call__(self, x: Any) -> Any:
        """The value at `x`: a number, or a flat vector with one entry per variable (any if `is_vector`).

        Computed in `jax.numpy` for JAX arrays and tracers; in NumPy, as a float64, for anything else. A value
        that is undefined or too large is NaN or inf, without a warning. InvalidInput where `x` does not fit.

        >>> parse("x^2 + y/2")([3, 4])
        np.float64(11.0)
        >>> parse("sqrt(x)")(-1)
        np.float64(nan)
        """
        xp, array = _as_array(x, "x0")
        return self.evaluate(xp, self._by_variable(array))

    def evaluate(self, xp: Any, values: Mapping[str, Any]) -> Any:
        """The value with each variable given by name, elementwise on arrays that broadcast.

        `xp` is `numpy` or `jax.numpy`. The result has the shape of all the arrays together.

        >>> parse("x^2 + y").evaluate(np, {"x": np.array([[1.0], [2.0]]), "y": np.array([0.0, 10.0])})
        array([[ 1., 11.],
               [ 4., 14.]])
        """
        missing = [name for name in self.variables if name not in values]
        if missing:
            raise InvalidInput("values", f"must hold {_listed(missing)}", list(values))
        arrays = {name: _as_array(values[name], "values", xp)[1] for name in self.variables}
        with np.errstate(all="ignore"):
            result = value(self._tree, xp, arrays)
        shape = () if self.is_vector else np.broadcast_shapes(*(array.shape for array in arrays.values()))
        if type(result) is float or result.shape != shape:  # some variable is unused, perhaps all
            dtype = xp.result_type(*(array.dtype for array in arrays.values()))
            result = xp.array(xp.broadcast_to(xp.asarray(result, dtype=dtype), shape))
        return result[()] if xp is np else result

    @property
    def python(self) -> str:
        """The same in Python with NumPy as np (and scipy.special for erf and sigmoid).

        >>> parse("2x cos(x) + e^-x").python
        '2*x*np.cos(x) + np.exp(-x)'
        """
        return python(self._tree)[0]

    def __str__(self) -> str:
        return self.text

    def __reduce__(self) -> tuple[Callable[..., Formula], tuple[Any, ...]]:
        return parse, (self.text, self.variables)

    def _by_variable(self, x: Any) -> dict[str, Any]:
        names = self.variables
        if self.is_vector and x.ndim <= 1 and x.size:
            return {names[0]: x.reshape(-1)}
        if len(names) == 1 and x.ndim == 0:
            return {names[0]: x}
        if not self.is_vector and x.shape == (len(names),):
            return {name: x[i] for i, name in enumerate(names)}
        if self.is_vector:
            rule = f"must be a flat vector, the whole of which is {names[0]} in {shortened(self.text)}"
        elif len(names) == 1:
            rule = (
                f"must be one number, {names[0]}; to sum over a vector, write for example sum({names[0]}^2)"
            )
        else:
            rule = f"must be a vector of {len(names)} numbers: {_listed(names)}"
        raise InvalidInput("x0", rule, x)


def parse(text: str, variables: Iterable[str] | None = None) -> Formula:
    """Read a formula. `variables` declares its variables, in order; without, they are found: x, y or x2, x10.

    Raises FormulaError, pointing at the column, where `text` cannot be read, and InvalidInput where
    `variables` are not names, or are names of functions or constants.

    >>> parse("x cos(x) + 9")(0.0)
    np.float64(9.0)
    >>> parse("x10 + x2 + x1").variables
    ('x1', 'x2', 'x10')
    >>> parse("theta^2 + b", ["theta", "b"])([3, 1])
    np.float64(10.0)
    >>> parse("sum(x^2)")([1, 2, 3])
    np.float64(14.0)
    >>> parse("1/2x")
    Traceback (most recent call last):
    ...
    downslope.errors.FormulaError: `fun` can be read in two ways: write 1/(2*x) or (1/2)*x, at column 2:
      1/2x
       ^
    """
    if not isinstance(text, str):
        raise InvalidInput("fun", "must be a formula as text", text)
    declared = None if variables is None else _checked_names(variables)
    tree = _read(text)
    for part in _parts(tree):
        _check(text, part, declared)
    found = {part.text for part in _parts(tree) if part.kind == "name"} - CONSTANTS.keys()
    names = declared or tuple(sorted(found, key=_natural_order))
    if not names:
        raise FormulaError(text, "has no variable, such as x")
    is_vector = _reduces(text, tree, names)
    return Formula(text, names, is_vector, tree)


def _checked_names(variables: Iterable[str]) -> tuple[str, ...]:
    names = () if isinstance(variables, str) else tuple(variables)
    if not names or len(set(names)) < len(names):
        raise InvalidInput("variables", "must be a list of different names, one at least", variables)
    for name in names:
        if not (isinstance(name, str) and _DECLARABLE.fullmatch(name)) or keyword.iskeyword(name):
            raise InvalidInput("variables", "must be names of letters, digits and _", name)
        if name in _KNOWN:
            raise InvalidInput("variables", "must not be names of functions or constants", name)
    return names


def _natural_order(name: str) -> tuple[str, int, str, str]:
    digits = name.lstrip("_" + name[0]).lstrip("0")
    return name[0], len(digits), digits, name  # x2 before x10, and no int() of ten thousand digits


# Reading. Lark calls a method of _Builder for each rule, innermost first: no depth can overflow a stack.


class _Builder:
    def number(self, children: list[Any]) -> Part:
        (token,) = children
        return Part("number", token.start_pos, token.end_pos, number=float(token.replace("−", "-")))

    def name(self, children: list[Any]) -> Part:
        (token,) = children
        return Part("name", token.start_pos, token.end_pos, str(token))

    def group(self, children: list[Any]) -> Part:
        left, right = children[0], children[2]
        part: Part = children[1]
        levels = part.n_levels + 1
        return replace(part, start=left.start_pos, end=right.end_pos, bracketed=True, n_levels=levels)

    def call(self, children: list[Any]) -> Part:
        name, _, *arguments = children
        return _nested(
            "call", name.start_pos, arguments[-1].end_pos, arguments[::2][: len(arguments) // 2], str(name)
        )

    def negative(self, children: list[Any]) -> Part:
        sign: Any = children[0]
        part: Part = children[1]
        if sign == "+":
            return replace(part, start=sign.start_pos)
        return _nested("negative", sign.start_pos, part.end, [part])

    def power(self, children: list[Any]) -> Part:
        base, _, exponent = children
        return _nested("power", base.start, exponent.end, [base, exponent])

    def implicit(self, children: list[Any]) -> Part:
        return _chain(children, " " * (len(children) - 1))

    def sum(self, children: list[Any]) -> Part:
        return _chain(children[::2], "".join("+" if sign == "+" else "-" for sign in children[1::2]))

    def product(self, children: list[Any]) -> Part:
        return _chain(children[::2], "".join("/" if sign in "/÷" else "*" for sign in children[1::2]))


def _nested(kind: str, start: int, end: int, children: list[Part], text: str = "") -> Part:
    levels = 1 + max(child.n_levels for child in children)
    return Part(kind, start, end, text, tuple(children), levels)


def _chain(children: list[Part], operators: str) -> Part:
    levels = max(child.n_levels for child in children)
    return Part("chain", children[0].start, children[-1].end, operators, tuple(children), levels)


@functools.cache
def _reader() -> Any:
    import lark  # late, so that importing downslope stays fast

    grammar = importlib.resources.files("downslope.objectives").joinpath("formula.lark").read_text("utf-8")
    return lark.Lark(grammar, parser="lalr", lexer="basic", transformer=_Builder())


def _read(text: str) -> Part:
    import lark

    if len(text) > MAX_CHARACTERS:
        raise FormulaError(
            text, f"is too long: it has {len(text):,} characters of {MAX_CHARACTERS:,} allowed"
        )
    if not text.strip():
        raise FormulaError(text, "is empty")
    try:
        tree: Part = _reader().parse(text)
    except lark.UnexpectedInput as error:
        at = len(text) if error.pos_in_stream is None else error.pos_in_stream
        ended = isinstance(error, lark.UnexpectedToken) and error.token.type == "$END"
        problem, at = _syntax_problem(text, len(text.rstrip()) if ended else at)
        raise FormulaError(text, problem, at + 1) from None
    if tree.n_levels > MAX_LEVELS:
        part = tree
        while deeper := [child for child in part.children if child.n_levels > MAX_LEVELS]:
            part = deeper[0]
        raise FormulaError(text, f"is nested too deeply, more than {MAX_LEVELS} levels", part.start + 1)
    return tree


_CHARACTER_HINTS = {
    **dict.fromkeys("<>!", "a formula gives a number and cannot compare"),
    **dict.fromkeys("[]{}", "only round brackets are read, and variables are numbered as in x1, x2"),
    **dict.fromkeys("'\"`", "a formula holds no text"),
    **dict.fromkeys("²³", "write a power with ^"),
    "|": "write abs(x)",
    "√": "write sqrt(x)",
    "%": "write mod(x, y)",
    ".": "a formula has no attributes",
    "=": "a formula has no =",
}


def _syntax_problem(text: str, at: int) -> tuple[str, int]:
    """What is wrong with the character at `at`, where reading stopped, and where to point."""
    before = re.search(r"(\*\*|\S)\s*$", text[:at])
    previous = before[1] if before else ""
    if previous:
        wanted = f"a number, name or '(' should follow {previous!r}"
    else:
        wanted = "a formula begins with a number, a name, '(' or '-'"
    needs_operand = previous in ("", "**", *"(,+-−*·×⋅/÷^")
    if at == len(text.rstrip()):
        return (
            (f"ends too early: {wanted}", at)
            if needs_operand
            else ("has a '(' that is never closed", _open(text))
        )
    symbol = "**" if text.startswith("**", at) else text[at]
    if symbol == "=" and text[at : at + 2] != "==" and text[:at].strip():
        return f"has an unexpected '=': leave out {shortened(text[: at + 1].strip(), 30)}", at
    is_number = symbol.isdecimal() or (symbol == "." and text[at + 1 : at + 2].isdecimal())
    if symbol in _HINTS and not is_number:
        return f"has an unexpected {symbol!r}: {_HINTS[symbol]}", at
    if is_number:
        return "has an unexpected number: an operator, such as * or ^, is missing before it", at
    if symbol == ")" and not needs_operand:
        return "has an unexpected ')': it closes nothing", at
    if symbol == "," and not needs_operand:
        return "has an unexpected ',': decimals are written with a point, and only functions have commas", at
    return f"has an unexpected {symbol!r}" + (f": {wanted}" if symbol in ("**", *"),+-−*·×⋅/÷^") else ""), at


_HINTS = {
    **dict.fromkeys("=<>!&:", "a formula is one expression, and gives a number"),
    **dict.fromkeys("[]{}", "brackets are round, and variables are numbered as in x1, x2"),
    **dict.fromkeys("'\"`", "a formula holds no text"),
    **dict.fromkeys("²³", "write powers with ^"),
    **{"|": "write abs(x)", "√": "write sqrt(x)", "%": "write mod(x, y)", ".": "there are no attributes"},
}


def _open(text: str) -> int:
    """Where the innermost bracket is that nothing closes."""
    stack = []
    for at, character in enumerate(text):
        if character == "(":
            stack.append(at)
        elif character == ")":
            stack.pop()
    return stack[-1]


# Meaning: what the grammar allows and a formula may still not say.


def _parts(tree: Part) -> Iterator[Part]:
    """Every part, in the order of the text."""
    stack = [tree]
    while stack:
        part = stack.pop()
        yield part
        stack.extend(reversed(part.children))


def _check(text: str, part: Part, declared: tuple[str, ...] | None) -> None:
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
        return (
            f"has the function {quoted} without a bracket: write {name}({argument[1] if argument else 'x'})"
        )
    hint = ""
    if name.lower() in _KNOWN:
        hint = f" (did you mean {name.lower()}?)"
    elif len(name) > 2 and (near := _nearest(name)):
        hint = f" (did you mean {near}?)"
    elif 1 < len(name) <= 4 and name.isalpha():
        hint = f" (if it is a product, write {'*'.join(name)})"
    if declared is not None:
        return f"has an unknown name {quoted}{hint}: the declared variables are {_listed(declared)}"
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


def _reduces(text: str, tree: Part, variables: tuple[str, ...]) -> bool:
    """Whether the formula takes a whole vector; FormulaError where it then gives no single number."""
    reduction = next((part for part in _parts(tree) if is_reduction(part)), None)
    if reduction is None:
        return False
    if len(variables) > 1:
        problem = f"has the variables {_listed(variables)}: {reduction.text}(...) needs one, a whole vector"
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


def _listed(names: Iterable[str]) -> str:
    *first, last = names
    shown = first if len(first) < 10 else [*first[:9], "..."]
    return f"{', '.join(shown)} and {last}" if first else last


def _as_array(x: Any, parameter: str, xp: Any = None) -> tuple[Any, Any]:
    """The namespace of `x` and its numbers: real floats, in NumPy always float64."""
    if xp is None:
        xp = x.__array_namespace__() if hasattr(x, "__array_namespace__") else np
    try:
        array = xp.asarray(x)
        if xp is np and array.dtype.kind == "O":  # fractions; but astype would make NaN of None
            array = np.reshape([float(number) for number in array.flat], array.shape)
        if xp is np and array.dtype.kind in "biuf":
            return xp, array.astype(np.float64)[()]
        if xp is not np and not xp.issubdtype(array.dtype, xp.complexfloating):
            return xp, array if xp.issubdtype(array.dtype, xp.floating) else array.astype(float)
    except (TypeError, ValueError):
        pass  # ragged lists, None, text
    raise InvalidInput(parameter, "must be a number or a flat vector of real numbers", x)
