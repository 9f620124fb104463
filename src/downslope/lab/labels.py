"""Messages for people at the page: its labels in the place of Python's names, and no options of the command line."""

from __future__ import annotations

import re

_LABELS = {
    "at": "the place",
    "coefficients": "the method's coefficients",
    "content": "the file",
    "cosine": "the fall of the rate",
    "decay": "rate decay",
    "entrants": "the entrants",
    "fun": "the function",
    "gradient_tolerance": "the gradient's tolerance",
    "learning_rate": "learning rate",
    "max_steps": "number of steps",
    "n_variables": "the number of variables",
    "path": "the file",
    "ranges": "the range",
    "slice": "the slice",
    "starts": "the marbles",
    "x0": "start",
}
_REPLACED = (
    (
        r": a long name must be declared with `variables` \(--variables\)",
        ": a variable is a letter, as x or x2",
    ),
    (r"the start x0 = ", "the start "),
    (r"`(?:\w+\.)?(\w+)`", lambda found: _LABELS.get(found[1], found[1].replace("_", " "))),
    (r"; got None\.", "."),
)


def labelled(message: str) -> str:
    """The message as the page says it.

    >>> labelled("`max_steps` must be a whole number from 0 to 10000; got 1e+09.")
    'number of steps must be a whole number from 0 to 10000; got 1e+09.'
    """
    for pattern, put in _REPLACED:
        message = re.sub(pattern, put, message)
    return message
