"""Gradient descent you can run, see, explain and scale.

    >>> import downslope
    >>> run = downslope.minimize("x^2", 5.0, learning_rate=0.1)
    >>> run.status.name, run.n_steps
    ('GRADIENT_SMALL', 73)

The names below are loaded when they are first used, so that importing downslope costs almost nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from downslope import learning_rates, methods
    from downslope import plots as plots
    from downslope import torch as torch
    from downslope import training as training
    from downslope.adapters.optax_transformation import as_optax
    from downslope.adapters.scipy_method import scipy_method
    from downslope.analysis.behaviour import Behaviour
    from downslope.analysis.critical_points import critical_points
    from downslope.analysis.critical_set import CriticalPoint, CriticalPoints
    from downslope.analysis.curvature import PointKind
    from downslope.analysis.rates import LearningRateRange, learning_rate_range
    from downslope.engines.eager import Step
    from downslope.errors import (
        CallbackFailed,
        DownslopeError,
        FormulaError,
        InvalidData,
        InvalidFile,
        InvalidInput,
        InvalidObjective,
        MethodFailed,
        MissingExtra,
        MissingProgram,
        ObjectiveFailed,
        PageNotBuilt,
        RunFailed,
        ScheduleFailed,
        UnknownName,
        WorkersFailed,
    )
    from downslope.estimators import DescentClassifier as DescentClassifier
    from downslope.estimators import DescentRegressor as DescentRegressor
    from downslope.explanation import Explanation
    from downslope.lab.opening import lab as lab
    from downslope.methods import (
        AdaGrad,
        Adam,
        GradientDescent,
        Method,
        Momentum,
        Nesterov,
        Newton,
        RMSProp,
        SignDescent,
    )
    from downslope.minimization import minimize
    from downslope.objectives import gallery
    from downslope.objectives.objective import GradientSource, Objective
    from downslope.run import Run
    from downslope.stopping import Status
    from downslope.storage import Replay, load
    from downslope.sweeps.basins import Basins, basins
    from downslope.sweeps.multistart import Multistart, multistart
    from downslope.sweeps.sweep import Sweep
    from downslope.sweeps.sweep_file import SweepFile
    from downslope.sweeps.sweeping import sweep
    from downslope.training.fitting import fit
    from downslope.training.range_test import RateSearch, find_learning_rate
    from downslope.training.training_run import TrainingRun

__version__ = "0.1.0"

_HOMES = {
    "downslope.adapters.optax_transformation": ("as_optax",),
    "downslope.adapters.scipy_method": ("scipy_method",),
    "downslope.analysis.behaviour": ("Behaviour",),
    "downslope.analysis.critical_points": ("critical_points",),
    "downslope.analysis.critical_set": ("CriticalPoint", "CriticalPoints"),
    "downslope.analysis.curvature": ("PointKind",),
    "downslope.analysis.rates": ("LearningRateRange", "learning_rate_range"),
    "downslope.engines.eager": ("Step",),
    "downslope.errors": (
        "CallbackFailed",
        "DownslopeError",
        "FormulaError",
        "InvalidData",
        "InvalidFile",
        "InvalidInput",
        "InvalidObjective",
        "MethodFailed",
        "MissingExtra",
        "MissingProgram",
        "ObjectiveFailed",
        "PageNotBuilt",
        "RunFailed",
        "ScheduleFailed",
        "UnknownName",
        "WorkersFailed",
    ),
    "downslope.estimators": ("DescentClassifier", "DescentRegressor"),
    "downslope.explanation": ("Explanation",),
    "downslope.methods": (
        "AdaGrad",
        "Adam",
        "GradientDescent",
        "Method",
        "Momentum",
        "Nesterov",
        "Newton",
        "RMSProp",
        "SignDescent",
    ),
    "downslope.minimization": ("minimize",),
    "downslope.objectives.objective": ("GradientSource", "Objective"),
    "downslope.run": ("Run",),
    "downslope.storage": ("Replay", "load"),
    "downslope.stopping": ("Status",),
    "downslope.sweeps.basins": ("Basins", "basins"),
    "downslope.sweeps.multistart": ("Multistart", "multistart"),
    "downslope.sweeps.sweep": ("Sweep",),
    "downslope.sweeps.sweep_file": ("SweepFile",),
    "downslope.sweeps.sweeping": ("sweep",),
    "downslope.training.fitting": ("fit",),
    "downslope.training.range_test": ("RateSearch", "find_learning_rate"),
    "downslope.training.training_run": ("TrainingRun",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}
_MODULES = {
    "gallery": "downslope.objectives.gallery",
    "lab": "downslope.lab",
    "learning_rates": "downslope.learning_rates",
    "methods": "downslope.methods",
    # Not in __all__, as the estimators: a star import must not need matplotlib, PyTorch or scikit-learn.
    "plots": "downslope.plots",
    "torch": "downslope.torch",
    "training": "downslope.training",
}

__all__ = [
    "AdaGrad",
    "Adam",
    "Basins",
    "Behaviour",
    "CallbackFailed",
    "CriticalPoint",
    "CriticalPoints",
    "DownslopeError",
    "Explanation",
    "FormulaError",
    "GradientDescent",
    "GradientSource",
    "InvalidData",
    "InvalidFile",
    "InvalidInput",
    "InvalidObjective",
    "LearningRateRange",
    "Method",
    "MethodFailed",
    "MissingExtra",
    "MissingProgram",
    "Momentum",
    "Multistart",
    "Nesterov",
    "Newton",
    "Objective",
    "ObjectiveFailed",
    "PageNotBuilt",
    "PointKind",
    "RMSProp",
    "RateSearch",
    "Replay",
    "Run",
    "RunFailed",
    "ScheduleFailed",
    "SignDescent",
    "Status",
    "Step",
    "Sweep",
    "SweepFile",
    "TrainingRun",
    "UnknownName",
    "WorkersFailed",
    "as_optax",
    "basins",
    "critical_points",
    "find_learning_rate",
    "fit",
    "gallery",
    "lab",
    "learning_rate_range",
    "learning_rates",
    "load",
    "methods",
    "minimize",
    "multistart",
    "scipy_method",
    "sweep",
]


if not TYPE_CHECKING:  # to a type checker, it would make every misspelt name an Any

    def __getattr__(name: str) -> Any:
        if name in _MODULES:
            return importlib.import_module(_MODULES[name])
        if name in _HOME_OF:
            value = getattr(importlib.import_module(_HOME_OF[name]), name)
            globals()[name] = value
            return value
        raise AttributeError(f"module 'downslope' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
