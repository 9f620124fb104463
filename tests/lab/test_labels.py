"""What is refused is told in the page's words: its labels, and no names of Python or of the command line."""

import pytest

from downslope.errors import DownslopeError
from downslope.lab.laboratory import error_of


@pytest.mark.parametrize(
    ("method", "params", "words"),
    [
        ("run", {"start": [1e200]}, "start must be a number from -1e+100 to 1e+100; got 1e+200."),
        ("run", {"max_steps": 1e9}, "number of steps must be a whole number from 0 to 10000; got 1000000000.0."),
        ("run", {"decay": 0.9}, "learning rate must be a number where it falls with the steps."),
        ("run", {"method": "momentum", "coefficients": {"beta": 2}}, "beta must be in [0, 1); got 2.0."),
        ("run", {"fun": "log(x)", "start": [-1.0]}, "the function must be finite at the start -1.0; got nan."),
        (
            "surface",
            {"ranges": [[3, 3]]},
            "the range must have low below high, with room between them; got [3, 3].",
        ),
        ("function", {"fun": "velocity^2"}, "has an unknown name 'velocity': a variable is a letter, as x or x2"),
    ],
)
def test_a_refusal_speaks_the_words_of_the_page(laboratory, method, params, words):
    with pytest.raises(DownslopeError) as caught:
        laboratory.call(method, {"fun": "x^2", **params})
    assert error_of(caught.value)["message"] == words
