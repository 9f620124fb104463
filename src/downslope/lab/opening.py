"""Opening the laboratory from Python: in a notebook as a widget, elsewhere as a local page."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from downslope.errors import InvalidInput, MissingExtra
from downslope.lab.files import setting_of
from downslope.lab.functions import PREFIX, Own
from downslope.lab.laboratory import Laboratory
from downslope.lab.page_files import check_page
from downslope.lab.settings import setting
from downslope.objectives.objective import Objective
from downslope.run import Run


def lab(
    fun: Any = None,
    x0: Any = None,
    *,
    jac: Callable[..., Any] | None = None,
    ranges: Any = None,
    browser: bool | None = None,
    port: int = 0,
    **more: Any,
) -> Any:
    """Open the laboratory, showing `fun`.

    Parameters
    ----------
    fun
        A formula, a gallery name, a Python function of your own, or a dict of such functions by name. None is the
        page's own choice.
    x0
        Where it begins: a number or a flat list. It tells how many variables a function f(x) takes.
    jac
        The gradient of `fun`, if you have it.
    ranges
        What is drawn: a pair (low, high), or one a variable.
    browser
        True serves a local page, opens it, and comes back when Ctrl-C ends it; False returns a widget. None is a
        widget in a notebook, and the page elsewhere.
    port
        Of the local page; 0 is any that is free.
    more
        What else the page begins with: method, coefficients, learning_rate, decay, noise, seed, max_steps and
        gradient_tolerance, as docs/laboratory.md tells them.

    Raises InvalidInput for what the laboratory cannot show, MissingExtra without the extra `lab`, PageNotBuilt where
    the page is not built.

    >>> widget = lab("x^2", 5.0, learning_rate=0.3, browser=False)  # what a notebook shows in its cell
    """
    check_page()
    own, opening = chosen(fun, x0, jac, ranges)
    if more and opening is None:
        raise InvalidInput("fun", "must be given beside a setting for it", None)
    laboratory = Laboratory(own, opening=None if opening is None else {**opening, **more})
    if laboratory.opening is not None:
        setting(laboratory.opening, laboratory.functions)  # raises where the page could not begin with it
    return _opened(laboratory, browser, port)


def show(run: Run, *, browser: bool | None = None, port: int = 0) -> Any:
    """What `Run.show` documents."""
    check_page()
    if hasattr(run, "epochs"):  # a TrainingRun, whose module is not needed to tell
        from downslope.lab.watching import Watched

        return _opened(Laboratory(training=Watched.ended(run)), browser, port)  # type: ignore[arg-type]
    objective, own = run.objective, {}
    if run.specification["kind"] == "function" and run.rules is not None:
        x0 = np.ravel(run.specification["x0"]).tolist()
        own = {_name(objective): Own(objective.fun, x0, jac=objective.jac)}
    try:
        laboratory = Laboratory(own, shown=run)
    except InvalidInput:  # a start that is no number and no vector: what was recorded can be shown all the same
        laboratory = Laboratory(shown=run)
    laboratory.opening = setting_of(run, laboratory.functions)
    return _opened(laboratory, browser, port)


def chosen(fun: Any, x0: Any, jac: Any, ranges: Any) -> tuple[dict[str, Own], dict[str, Any] | None]:
    """The functions of the user's own by name, and the piece of setting that is shown first."""
    start = None if x0 is None else np.ravel(np.asarray(x0, dtype=float)).tolist()
    pairs = None if ranges is None else [(float(low), float(high)) for low, high in np.atleast_2d(ranges)]
    if fun is None:
        return {}, None
    if isinstance(fun, Mapping):
        own = {str(name): one if isinstance(one, Own) else Own(one, start, pairs) for name, one in fun.items()}
        return own, {"fun": PREFIX + next(iter(own))} if own else None
    objective = Objective.of(fun, jac)
    shown: dict[str, Any] = {} if start is None else {"start": start}
    if pairs is not None:
        shown["ranges"] = [list(pair) for pair in pairs]
    if objective.formula is not None or objective.problem is not None:
        return {}, {"fun": objective.name, **shown}
    name = _name(objective)
    return {name: Own(objective.fun, start, pairs, jac=objective.jac)}, {"fun": PREFIX + name, **shown}


def _name(objective: Objective) -> str:
    name = objective.name
    return name if name.isidentifier() else "loss"


def _opened(laboratory: Laboratory, browser: bool | None, port: int) -> Any:
    if browser is False or (browser is None and in_notebook()):
        try:
            from downslope.lab.widget import LaboratoryWidget
        except ImportError as error:
            raise MissingExtra("a laboratory in a notebook", error.name or "anywidget", extra="lab") from None
        return LaboratoryWidget(laboratory)
    from downslope.lab.starting import open_browser, serve

    def ready(url: str) -> None:
        print(f"The laboratory is at {url}\nCtrl-C ends it.", flush=True)
        open_browser(url)

    serve(laboratory, port, ready=ready)
    return None


def in_notebook() -> bool:
    """Whether a notebook runs this code: Jupyter's kernel, or marimo."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if shell is not None and hasattr(shell, "kernel"):
        return True
    running = getattr(sys.modules.get("marimo"), "running_in_notebook", lambda: False)
    return bool(running())
