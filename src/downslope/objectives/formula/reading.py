"""Text into parts: the grammar is in grammar.lark; what it refuses is told with its column."""

from __future__ import annotations

import functools
import importlib.resources
import re
from dataclasses import replace
from typing import Any

from downslope.errors import FormulaError, shortened
from downslope.objectives.formula.functions import Part

MAX_CHARACTERS = 10_000
MAX_LEVELS = 100  # of nesting: evaluation is recursive, and Python's recursion is limited


class _Builder:
    """Lark calls a method for each rule, innermost first: no depth can overflow a stack."""

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
        return _nested("call", name.start_pos, arguments[-1].end_pos, arguments[::2][: len(arguments) // 2], str(name))

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

    grammar = importlib.resources.files("downslope.objectives.formula").joinpath("grammar.lark").read_text("utf-8")
    return lark.Lark(grammar, parser="lalr", lexer="basic", transformer=_Builder())


def read(text: str) -> Part:
    """The parts of a formula; FormulaError where the grammar or a limit refuses it."""
    import lark

    if len(text) > MAX_CHARACTERS:
        raise FormulaError(text, f"is too long: it has {len(text):,} characters of {MAX_CHARACTERS:,} allowed")
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
            (f"ends too early: {wanted}", at) if needs_operand else ("has a '(' that is never closed", _unclosed(text))
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


def _unclosed(text: str) -> int:
    """Where the innermost bracket is that nothing closes."""
    stack = []
    for at, character in enumerate(text):
        if character == "(":
            stack.append(at)
        elif character == ")":
            stack.pop()
    return stack[-1]
