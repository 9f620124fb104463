"""What a user writes, as a type checker sees it: `right` passes, and in `wrong` each marked line is reported.

Nothing here is called; the module is read by `test_typed.py`.
"""

from typing import Any, assert_type

import numpy as np
import numpy.typing as npt
import scipy.optimize  # type: ignore[import-untyped]  # SciPy brings no types

import downslope
from downslope import Adam, InvalidInput, Momentum, ObjectiveFailed, Run, Status, Step, gallery, scipy_method
from downslope.learning_rates import Backtracking, Cosine, GeometricDecay
from downslope.methods import METHODS, GradientDescent

Vector = npt.NDArray[np.float64]


def loss(x: Vector) -> float:
    return float(np.sum((x - 1) ** 2))


def gradient(x: Vector) -> Vector:
    return 2 * (x - 1)


def stop_early(step: Step) -> bool:
    print(step.n, step.x, step.gradient)
    return step.loss < 1e-3 or step.gradient_norm < 1e-3


def falling(step: int) -> float:
    return float(0.1 * 0.9**step)


def fit(parameters: dict[str, Any]) -> float:
    return float(np.mean((parameters["slope"] * np.arange(5.0) + parameters["offset"] - 3.0) ** 2))


def last_rate(run: Run) -> float:
    return float(run.learning_rates[-2])


def right() -> None:
    run = downslope.minimize(lambda x: (x[0] - 1) ** 2 + x[1] ** 2, [3.0, 1.0], learning_rate=0.1)
    assert_type(run, Run)
    assert_type(run.loss, float)
    assert_type(run.status, Status)
    assert_type(run.converged, bool)
    assert_type(run.n_steps, int)
    assert_type(run.message, str)
    assert_type(run.notes, tuple[str, ...])
    source: str = run.gradient_source.name
    x: Vector = run.x
    smallest = float(run.losses.min()) + last_rate(run) + float(x[0])
    if run.status is Status.MAX_STEPS and smallest > 0:
        print(source, run.rows()[0]["loss"], run.to_dict()["x"], run.path[-1], run.gradient_norms[-1])

    downslope.minimize("x cos(x) + 9", 12.0, method="momentum", max_steps=100)
    downslope.minimize("rosenbrock", method="newton", record="losses", engine="compiled", progress=True)
    downslope.minimize(loss, np.zeros(3), jac=gradient, bounds=[(0, None)] * 3, callback=stop_early)
    downslope.minimize(loss, (1, 2), bounds=scipy.optimize.Bounds(0, 5), gradient_tolerance=None, loss_limit=1e9)
    downslope.minimize(fit, {"slope": 1.0, "offset": np.zeros(2)}, method=Adam(beta1=0.8), noise=0.1, seed=1)
    downslope.minimize(gallery.PROBLEMS["booth"].fun, [0.0, 0.0], callback=lambda step: step.n > 3)

    for rule in (Momentum(beta=0.5), GradientDescent(), METHODS["adam"]()):
        downslope.minimize(loss, np.zeros(3), method=rule, learning_rate=0.1)
    for rate in (0.1, np.array([0.1, 0.2, 0.3]), [0.1, 0.2, 0.3], Cosine(0.1, n_steps=50), Backtracking()):
        downslope.minimize(loss, np.zeros(3), learning_rate=rate)
    downslope.minimize(loss, np.zeros(3), learning_rate=falling)
    downslope.minimize(loss, np.zeros(3), learning_rate=lambda step: 0.1 / (step + 1))
    assert_type(Momentum(0.5).beta, float)
    GeometricDecay(0.2, factor=0.9)

    objective = downslope.Objective(loss, gradient, call="array")
    assert_type(objective.value([1.0, 2.0]), float)
    assert_type(objective.gradient_reason, str)

    try:
        downslope.minimize(objective, [0.0, 0.0])
    except ObjectiveFailed as error:
        assert_type(error.run, Run)
    except InvalidInput as error:
        assert_type(error.parameter, str)
    except downslope.DownslopeError:
        raise

    run.save("run.parquet")
    assert_type(downslope.load("run.parquet"), Run)
    scipy.optimize.minimize(loss, [0.0], method=scipy_method(Momentum(beta=0.8), 0.1, maxiter=50))
    assert_type(downslope.__version__, str)


def wrong() -> None:
    run = downslope.minimize(loss, [0.0])
    downslope.minimize(loss, [0.0], lr=0.1)  # error: call-arg
    downslope.minimise(loss, [0.0])  # error: attr-defined
    downslope.minimize()  # error: call-arg
    downslope.minimize(loss, [0.0], "momentum")  # error: call-arg
    downslope.minimize(loss, [0.0], record="points")  # error: arg-type
    downslope.minimize(loss, [0.0], record=True)  # error: arg-type
    downslope.minimize(loss, [0.0], engine="jit")  # error: arg-type
    downslope.minimize(loss, [0.0], max_steps="100")  # error: arg-type
    downslope.minimize(loss, [0.0], max_steps=1e4)  # error: arg-type
    downslope.minimize(loss, [0.0], target_loss="small")  # error: arg-type
    downslope.minimize(loss, [0.0], seed=0.5)  # error: arg-type
    downslope.minimize(loss, [0.0], jac=True)  # error: arg-type
    downslope.minimize(loss, [0.0], callback=last_rate)  # error: arg-type

    run.x = np.zeros(1)  # error: misc
    print(run.loss.shape)  # error: attr-defined
    print(run.convergd)  # error: attr-defined
    run.n_steps()  # error: operator
    print(run.status == "GRADIENT_SMALL")  # error: comparison-overlap
    words: int = run.message  # error: assignment
    print(words, Status.CONVERGED)  # error: attr-defined

    Momentum(gamma=0.9)  # error: call-arg
    Momentum(beta="high")  # error: arg-type
    Momentum().beta = 0.5  # error: misc
    GeometricDecay(0.2, rate_factor=0.9)  # error: call-arg
    print(downslope.learning_rates.Exponential)  # error: attr-defined
    downslope.methods.SGD()  # error: attr-defined
    print(InvalidInput("x0", "must be given").paramter)  # error: attr-defined
    downslope.Objective(loss).slope([1.0])  # error: attr-defined
    downslope.Objective(loss, call="vector")  # error: arg-type
    print(scipy_method(lr=0.1).method.beta)  # error: attr-defined
