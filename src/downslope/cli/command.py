"""Typer's commands, read without pydantic and explained on narrow terminals as well."""

from __future__ import annotations

import functools
from typing import Any

import typer.core

_NARROW = 60


class _Plain:
    def parse_args(self, context: Any, arguments: list[str]) -> Any:
        for parameter in self.get_params(context):  # type: ignore[attr-defined]
            if hasattr(parameter, "type_descriptor"):  # older typers read by click, which is quick
                parameter.process_value = _reader(parameter)
        return super().parse_args(context, arguments)  # type: ignore[misc]

    def format_help(self, context: Any, formatter: Any) -> None:
        if formatter.width < _NARROW:  # each option above its explanation, which would be broken inside words
            formatter.write_dl = functools.partial(formatter.write_dl, col_max=4)
        super().format_help(context, formatter)  # type: ignore[misc]


def _reader(parameter: Any) -> Any:
    """Texts and flags as they are: to find out that they are, typer would load pydantic, for 0.1 s."""
    otherwise, kind = parameter.process_value, parameter.type_descriptor.annotation

    def process_value(context: Any, value: Any) -> Any:
        is_missing = value is None and (not parameter.required or context.resilient_parsing)
        if not is_missing and (type(value) is not kind or kind not in (str, bool)):
            return otherwise(context, value)
        return value if parameter.callback is None else parameter.callback(context, parameter, value)

    return process_value


class Command(_Plain, typer.core.TyperCommand):
    """A command whose arguments are texts and flags."""


class SeveralMethods(Command):
    """A command whose --methods takes all words up to the next option: `race x^2 --methods momentum adam`.

    Where the formula comes after it, one word must hold them all, or the formula would be taken for a method.
    """

    def parse_args(self, context: Any, arguments: list[str]) -> Any:
        """Read the words, those of --methods joined by commas."""
        if "--methods" in arguments and not context.resilient_parsing:
            first = arguments.index("--methods") + 1
            last = next((k for k in range(first, len(arguments)) if arguments[k][:1] == "-"), len(arguments))
            has_formula = "--" in arguments[last:] or (first > 1 and arguments[0][:1] != "-")
            if has_formula and last > first:
                joined = ",".join(word.strip(",") for word in arguments[first:last])
                arguments = [*arguments[:first], joined, *arguments[last:]]
        return super().parse_args(context, arguments)


class Group(_Plain, typer.core.TyperGroup):
    """The program, which holds the commands."""
