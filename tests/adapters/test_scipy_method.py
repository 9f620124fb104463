"""downslope behind scipy.optimize: the same paths as without it, in SciPy's own habits."""

import pickle
import warnings

import numpy as np
import optax
import pytest
from scipy import optimize

import downslope
from downslope import InvalidInput, Status, UnknownName, scipy_method
from downslope.learning_rates import Backtracking, GeometricDecay
from downslope.methods import Momentum

pytestmark = pytest.mark.slow  # many small programs to compile

ROSENBROCK_START = [-1.2, 1.0]


def bowl(x, scale=1.0, middle=1.0):
    return scale * np.sum((x - middle) ** 2)


def bowl_slope(x, scale=1.0, middle=1.0):
    return 2 * scale * (x - middle)


class Opaque:
    """A bowl that takes NumPy's arrays alone, as code in C does; it keeps the points that it was called at."""

    def __init__(self, fun=bowl):
        self.fun, self.points = fun, []

    def __call__(self, x, *args):
        if type(x) is not np.ndarray:
            raise TypeError("an array, please")
        self.points.append(x.tolist())
        return self.fun(x, *args)

    @property
    def n_calls(self):
        return len(self.points)


def booth(x):
    return (x[0] + 2 * x[1] - 7) ** 2 + (2 * x[0] + x[1] - 5) ** 2


def quartic(x):
    return np.sum((x - np.array([0.5, -1.0, 2.0])) ** 4 + (x - np.array([0.5, -1.0, 2.0])) ** 2)


def kinked_exponential(x):
    return np.exp(x[0] + 3 * x[1] - 0.1) + np.exp(x[0] - 3 * x[1] - 0.1) + np.exp(-x[0] - 0.1)


PROBLEMS = {
    "rosenbrock": (optimize.rosen, ROSENBROCK_START),
    "rosenbrock in four dimensions": (optimize.rosen, [1.3, 0.7, 0.8, 1.9]),
    "booth": (booth, [0.0, 0.0]),
    "quartic": (quartic, [0.0, 0.0, 0.0]),
    "exponentials": (kinked_exponential, [1.0, 0.5]),
}


@pytest.mark.parametrize("other", ["BFGS", "L-BFGS-B"])
@pytest.mark.parametrize("ours", [scipy_method("newton"), scipy_method(maxiter=50_000)], ids=["newton", "default"])
@pytest.mark.parametrize("name", PROBLEMS)
def test_it_finds_the_minimum_that_scipys_own_methods_find(name, ours, other):
    fun, start = PROBLEMS[name]
    options = {"gtol": 1e-8}
    found = optimize.minimize(fun, start, method=ours, options=options)
    theirs = optimize.minimize(fun, start, method=other, options=options)
    assert found.success
    # Theirs stops for the rounding of its differences, about 1e-5 off in x; the loss is flat there: 1e-10.
    np.testing.assert_allclose(found.x, theirs.x, atol=1e-4)
    assert found.fun <= theirs.fun + 1e-9


@pytest.mark.parametrize("jac", [None, optimize.rosen_der], ids=["no jac", "jac"])
@pytest.mark.parametrize(
    ("method", "rate"),
    [("gradient_descent", None), ("momentum", 0.001), (Momentum(beta=0.5), 0.001), ("adam", 0.01), ("newton", None)],
    ids=["gradient_descent", "momentum", "an instance", "adam", "newton"],
)
def test_the_path_is_that_of_downslope_minimize(method, rate, jac):
    through = optimize.minimize(
        optimize.rosen,
        ROSENBROCK_START,
        jac=jac,
        method=scipy_method(method, rate),
        options={"maxiter": 200, "return_all": True},
    )
    run = downslope.minimize(
        optimize.rosen, ROSENBROCK_START, jac=jac, method=method, learning_rate=rate, max_steps=200
    )
    np.testing.assert_array_equal(through.allvecs, run.path)
    assert (through.nit, through.fun, through.status) == (run.n_steps, run.loss, run.status)
    assert through.message == run.message


def test_another_library_s_method_goes_through_too():
    through = optimize.minimize(
        optimize.rosen, ROSENBROCK_START, method=scipy_method(optax.adam(0.01), return_all=True, maxiter=50)
    )
    run = downslope.minimize(optimize.rosen, ROSENBROCK_START, method=optax.adam(0.01), max_steps=50)
    np.testing.assert_array_equal(through.allvecs, run.path)
    with pytest.raises(InvalidInput, match="learning_rate"):
        scipy_method(optax.adam(0.01), 0.1)


class TestTheResult:
    def test_it_is_scipys_own_with_scipys_shapes(self):
        result = optimize.minimize(bowl, 3.0, method=scipy_method(learning_rate=0.1))
        assert isinstance(result, optimize.OptimizeResult)
        assert result.x.shape == result.jac.shape == (1,)
        assert isinstance(result.fun, float)
        np.testing.assert_array_equal(result.jac, bowl_slope(result.x))
        assert {type(result[name]) for name in ("status", "nit", "nfev", "njev")} == {int}

    def test_the_run_is_with_it_and_is_printed_on_one_line(self):
        result = optimize.minimize(bowl, [3.0, 4.0], method=scipy_method(learning_rate=0.1))
        assert isinstance(result.run, downslope.Run)
        assert str(result).count("run: <Run GRADIENT_SMALL after") == 1

    def test_it_is_pickled_without_the_run_and_what_the_run_holds(self):
        result = optimize.minimize(lambda x: bowl(x), [3.0], method=scipy_method(learning_rate=0.1))
        again = pickle.loads(pickle.dumps(result))
        assert set(result) - set(again) == {"run"}
        np.testing.assert_array_equal(again.x, result.x)

    def test_the_method_can_be_pickled_to_work_in_other_processes(self):
        method = pickle.loads(pickle.dumps(scipy_method(Momentum(beta=0.5), 0.1, maxiter=7)))
        assert optimize.minimize(bowl, [3.0], method=method).nit == 7

    @pytest.mark.parametrize(
        ("options", "status", "success"),
        [
            ({}, Status.GRADIENT_SMALL, True),
            ({"target_loss": 0.5}, Status.TARGET_REACHED, True),
            ({"maxiter": 3}, Status.MAX_STEPS, False),
            ({"maxiter": 0}, Status.MAX_STEPS, False),
            ({"learning_rate": 1.5, "loss_limit": 1e6}, Status.DIVERGED, False),
            ({"learning_rate": 1e200}, Status.NOT_FINITE, False),
        ],
        ids=["gradient", "target", "steps", "no step", "diverged", "overflow"],
    )
    def test_success_is_true_for_a_converged_run_alone(self, options, status, success):
        result = optimize.minimize(bowl, [3.0, 4.0], method=scipy_method(learning_rate=0.1), options=options)
        assert result.status == status
        assert result.success is success
        assert result.message.startswith(f"{status.name} after {result.nit} step")
        assert np.all(np.isfinite(result.x))

    def test_a_single_precision_start_stays_one(self):
        start = np.array([3.0, 4.0], dtype=np.float32)
        result = optimize.minimize(bowl, start, bounds=[(-9, 9)] * 2, method=scipy_method(), tol=1e-3)
        assert result.x.dtype == np.float32


class TestOptions:
    @pytest.mark.parametrize(
        ("ours", "theirs", "n_steps"),
        [
            ({"maxiter": 5}, {}, 5),
            ({"max_steps": 5}, {}, 5),
            ({"maxiter": 5}, {"maxiter": 7}, 7),
            ({"max_steps": 5}, {"maxiter": 7}, 7),
            ({"maxiter": 5}, {"max_steps": 7}, 7),
            ({"maxiter": 5}, {"maxiter": None}, 5),
        ],
    )
    def test_those_of_scipy_win(self, ours, theirs, n_steps):
        method = scipy_method(learning_rate=0.01, **ours)
        assert optimize.minimize(bowl, [3.0], method=method, options=theirs).nit == n_steps

    @pytest.mark.parametrize(
        ("ours", "theirs", "tolerance"),
        [
            ({}, {}, 1e-6),
            ({"gtol": 1e-2}, {}, 1e-2),
            ({"gtol": 1e-2}, {"options": {"gtol": 1e-3}}, 1e-3),
            ({"gtol": 1e-2}, {"tol": 1e-3}, 1e-3),
            ({}, {"tol": 1e-2, "options": {"gtol": 1e-3}}, 1e-3),
            ({"tol": 1e-2}, {"options": {"gradient_tolerance": 1e-3}}, 1e-3),
        ],
    )
    def test_tol_is_the_gradients_tolerance_where_nothing_nearer_is_given(self, ours, theirs, tolerance):
        result = optimize.minimize(bowl, [3.0], method=scipy_method(learning_rate=0.1, **ours), **theirs)
        sizes = result.run.gradient_norms
        assert sizes[-1] <= tolerance < sizes[-2]

    def test_minimizes_own_go_through(self):
        method = scipy_method("gradient_descent", 0.1, noise=0.5, seed=3, engine="eager", record="losses")
        result = optimize.minimize(bowl, [3.0], method=method, options={"maxiter": 20, "seed": 4})
        run = downslope.minimize(bowl, [3.0], learning_rate=0.1, noise=0.5, seed=4, max_steps=20, engine="eager")
        np.testing.assert_array_equal(result.run.losses, run.losses)
        assert result.run.path is None
        assert result.run.engine == "eager"

    def test_an_unknown_one_is_refused_with_the_known_ones(self):
        for refused in (
            lambda: scipy_method(maxiters=3),
            lambda: optimize.minimize(bowl, [3.0], method=scipy_method(), options={"maxiters": 3}),
        ):
            with pytest.raises(UnknownName, match=r"disp.*engine.*gtol.*maxiter.*Did you mean 'maxiter'"):
                refused()

    def test_method_and_rate_are_checked_before_anything_is_minimised(self):
        with pytest.raises(UnknownName, match="Did you mean 'momentum'"):
            scipy_method("momentun")
        with pytest.raises(InvalidInput, match="`learning_rate` must be positive"):
            scipy_method("momentum", -1)
        with pytest.raises(InvalidInput, match="cannot be a line search"):
            scipy_method("momentum", Backtracking())
        with pytest.raises(InvalidInput, match=r"beta"):
            scipy_method(Momentum(beta=2.0))

    def test_a_schedule_is_a_rate(self):
        result = optimize.minimize(bowl, [3.0], method=scipy_method(learning_rate=GeometricDecay(0.2, factor=0.9)))
        np.testing.assert_allclose(result.run.learning_rates[:3], [0.2, 0.18, 0.162])

    def test_return_all_gives_every_point(self):
        result = optimize.minimize(bowl, [3.0, 4.0], method=scipy_method(return_all=True), options={"maxiter": 9})
        assert len(result.allvecs) == result.nit + 1
        assert {point.shape for point in result.allvecs} == {(2,)}
        np.testing.assert_array_equal(result.allvecs[0], [3.0, 4.0])
        np.testing.assert_array_equal(result.allvecs[-1], result.x)

    def test_return_all_of_a_record_without_points_is_refused(self):
        with pytest.raises(InvalidInput, match="return_all"):
            optimize.minimize(bowl, [3.0], method=scipy_method(return_all=True, record="losses"))

    def test_disp_prints_the_end_and_is_off_by_itself(self, capsys):
        optimize.minimize(bowl, [3.0], method=scipy_method(learning_rate=0.5))
        assert capsys.readouterr().out == ""
        optimize.minimize(bowl, [3.0], method=scipy_method(learning_rate=0.5), options={"disp": True})
        assert capsys.readouterr().out.split("\n")[:3] == [
            "GRADIENT_SMALL after 1 step: the gradient is within the tolerance.",
            "         Current function value: 0.000000",
            "         Iterations: 1",
        ]


class TestGradients:
    @pytest.mark.parametrize("jac", [None, False, "2-point", "3-point", "cs"])
    def test_without_a_function_they_are_exact(self, jac):
        result = optimize.minimize(quartic, np.zeros(3), jac=jac, method=scipy_method())
        assert result.run.gradient_source is downslope.GradientSource.COMPILED

    def test_a_given_one_is_used(self):
        result = optimize.minimize(bowl, [3.0], jac=lambda x: bowl_slope(x) / 2, method=scipy_method(learning_rate=0.1))
        np.testing.assert_allclose(result.run.path[1], [3.0 - 0.1 * 2.0])
        assert result.run.gradient_source is downslope.GradientSource.GIVEN

    def test_args_go_to_both_functions(self):
        method = scipy_method(learning_rate=0.1)
        for args in ((2.0, np.array([5.0, 6.0])), (3.0, np.array([1.0, 2.0]))):
            result = optimize.minimize(bowl, [3.0, 4.0], args, jac=bowl_slope, method=method)
            np.testing.assert_allclose(result.x, args[1], atol=1e-6)
        assert optimize.minimize(bowl, [3.0], 2.0, method=method).success  # SciPy makes a tuple of it

    def test_two_parameters_are_the_point_and_an_argument(self):
        result = optimize.minimize(lambda x, scale: scale * np.sum(x**2), [3.0, 4.0], (2.0,), method=scipy_method())
        np.testing.assert_allclose(result.x, 0, atol=1e-6)

    def test_a_function_that_returns_both_is_compiled_too(self):
        def both(x, scale):
            return bowl(x, scale), bowl_slope(x, scale)

        options = {"return_all": True}
        method = scipy_method(learning_rate=0.1)
        result = optimize.minimize(both, [3.0, 4.0], (2.0,), jac=True, method=method, options=options)
        assert (result.run.engine, result.run.gradient_source) == ("compiled", downslope.GradientSource.GIVEN)
        run = downslope.minimize(lambda x: bowl(x, 2.0), [3.0, 4.0], learning_rate=0.1)
        # x - 1 is squared in one and doubled in the other: the same to the last bit or two.
        np.testing.assert_allclose(result.allvecs, run.path, rtol=1e-14)

    def test_a_function_that_returns_both_is_called_once_a_point(self):
        both = Opaque(lambda x: (bowl(x), bowl_slope(x)))
        result = optimize.minimize(both, [3.0, 4.0], jac=True, method=scipy_method(), options={"gtol": 1e-10})
        assert len(set(map(tuple, both.points))) == both.n_calls == result.nfev == result.njev

    def test_a_regression_in_the_manner_of_scikit_learn(self):
        X = np.array([[1.0, 0.2], [1.0, 1.1], [1.0, 1.9], [1.0, 3.2]])
        y = np.array([0.9, 3.2, 4.8, 7.4])

        def loss_and_gradient(w, X, y, alpha):
            residual = X @ w - y
            return 0.5 * residual @ residual + 0.5 * alpha * w @ w, X.T @ residual + alpha * w

        w = optimize.minimize(
            loss_and_gradient,
            np.zeros(2),
            args=(X, y, 0.1),
            jac=True,
            method=scipy_method(),
            options={"maxiter": 1000, "gtol": 1e-9, "disp": False},
        ).x
        np.testing.assert_allclose(w, np.linalg.solve(X.T @ X + 0.1 * np.eye(2), X.T @ y), rtol=1e-8)


class TestCounts:
    def test_with_a_gradient_they_are_the_calls(self):
        fun, jac = Opaque(), Opaque(bowl_slope)
        result = optimize.minimize(fun, [3.0, 4.0], jac=jac, method=scipy_method(), options={"gtol": 1e-10})
        assert (result.nfev, result.njev) == (fun.n_calls, jac.n_calls)

    def test_with_differences_nfev_has_their_calls(self):
        fun = Opaque()
        result = optimize.minimize(fun, [3.0, 4.0], method=scipy_method(learning_rate=0.1))
        assert result.run.gradient_source is downslope.GradientSource.FINITE_DIFFERENCES
        assert result.nfev == fun.n_calls > 5 * result.nit
        assert result.njev == result.nit + 1

    def test_of_compiled_functions_they_are_the_rows_and_trials(self):
        result = optimize.minimize(quartic, np.zeros(3), method=scipy_method())
        assert (result.nfev, result.njev) == (result.run.n_evaluations, result.nit + 1)
        assert result.nfev > result.nit + 1


class TestBounds:
    BOX = ((0.0, 0.6), (-1.0, None))

    @pytest.mark.parametrize(
        "bounds",
        [
            BOX,
            [list(pair) for pair in BOX],
            [np.array([0.0, 0.6]), (-1.0, np.inf)],
            np.array([[0.0, 0.6], [-1.0, np.inf]]),
            optimize.Bounds([0.0, -1.0], [0.6, np.inf]),
        ],
        ids=["tuples", "lists", "mixed", "array", "Bounds"],
    )
    def test_every_form_gives_the_minimum_of_l_bfgs_b(self, bounds):
        # Held between the walls of the valley, it crawls: 4,000 steps to the tolerance.
        found = optimize.minimize(optimize.rosen, [0.3, 0.9], bounds=bounds, method=scipy_method(maxiter=50_000))
        theirs = optimize.minimize(
            optimize.rosen, [0.3, 0.9], jac=optimize.rosen_der, bounds=self.BOX, method="L-BFGS-B"
        )
        assert found.success
        np.testing.assert_allclose(found.x, theirs.x, atol=1e-5)
        assert found.x[0] == 0.6

    @pytest.mark.parametrize("jac", [None, bowl_slope], ids=["differences", "jac"])
    @pytest.mark.parametrize(("method", "rate"), [("gradient_descent", None), ("nesterov", 0.1), ("momentum", 0.1)])
    def test_they_are_never_left(self, method, rate, jac):
        fun, box = Opaque(), [(-1.0, 0.5), (1.5, 4.0)]
        slope = None if jac is None else Opaque(jac)
        result = optimize.minimize(fun, [-1.0, 4.0], jac=slope, bounds=box, method=scipy_method(method, rate))
        np.testing.assert_array_equal(result.x, [0.5, 1.5])
        points = np.array(fun.points + (slope.points if slope else []))
        assert len(points) > 5
        assert np.all((points >= np.transpose(box)[0]) & (points <= np.transpose(box)[1]))

    def test_a_start_outside_is_moved_in_as_l_bfgs_b_does(self):
        result = optimize.minimize(
            bowl, [9.0, -9.0], bounds=[(2, 3), (None, None)], method=scipy_method(return_all=True)
        )
        np.testing.assert_array_equal(result.allvecs[0], [3.0, -9.0])
        np.testing.assert_allclose(result.x, [2.0, 1.0], atol=1e-6)

    def test_a_fixed_variable_stays(self):
        result = optimize.minimize(bowl, [3.0, 4.0], bounds=[(3, 3), (0, 9)], method=scipy_method())
        np.testing.assert_allclose(result.x, [3.0, 1.0], atol=1e-6)
        assert result.x[0] == 3.0

    @pytest.mark.parametrize(
        "bounds", [[(0, 1)], [(0, 1, 2)] * 2, [(1, 0)] * 2, [0, 1, 2], optimize.Bounds([0], [1] * 3)]
    )
    def test_wrong_ones_are_refused(self, bounds):
        with pytest.raises(InvalidInput, match="bounds"):
            optimize.minimize(bowl, [3.0, 4.0], bounds=bounds, method=scipy_method())


class TestCallbacks:
    def test_each_point_after_the_start_is_shown_once(self):
        seen = []
        result = optimize.minimize(
            bowl, [3.0, 4.0], callback=lambda xk: seen.append(xk), method=scipy_method(return_all=True)
        )
        np.testing.assert_array_equal(seen, result.allvecs[1:])

    @pytest.mark.parametrize(
        ("fun", "options"),
        [
            (optimize.rosen, {"maxiter": 5}),  # ends by its steps
            (optimize.rosen, {"learning_rate": 1.0}),  # overflows
            (lambda x: np.sum(np.sqrt(np.abs(x))), {"maxiter": 50}),  # its line search fails
            (bowl, {"gtol": 100.0}),  # ends at its start
        ],
        ids=["steps", "overflow", "kink", "start"],
    )
    def test_as_often_however_the_run_ends(self, fun, options):
        seen = []
        result = optimize.minimize(fun, [3.0, 4.0], callback=seen.append, method=scipy_method(), options=options)
        n_good = result.nit - (result.status == Status.NOT_FINITE)
        assert len(seen) == n_good
        if seen:
            np.testing.assert_array_equal(seen[-1], result.x)

    def test_intermediate_result_has_the_point_and_the_loss(self):
        seen = []

        def callback(intermediate_result):
            seen.append(intermediate_result)

        result = optimize.minimize(bowl, [3.0], callback=callback, method=scipy_method(learning_rate=0.1))
        assert all(isinstance(state, optimize.OptimizeResult) for state in seen)
        assert [state.nit for state in seen] == list(range(1, result.nit + 1))
        assert [state.fun for state in seen] == [bowl(state.x) for state in seen] == result.run.losses[1:].tolist()

    @pytest.mark.parametrize("form", ["xk", "intermediate_result"])
    def test_stop_iteration_ends_the_run_there(self, form):
        seen = []

        def stop(x):
            seen.append(x)
            if len(seen) == 3:
                raise StopIteration

        callbacks = {"xk": stop, "intermediate_result": lambda intermediate_result: stop(intermediate_result.x)}
        result = optimize.minimize(bowl, [3.0], callback=callbacks[form], method=scipy_method(learning_rate=0.01))
        assert (result.nit, result.status, result.success) == (3, Status.STOPPED_BY_CALLBACK, False)
        np.testing.assert_array_equal(result.x, seen[-1])

    def test_stop_iteration_at_the_last_point_changes_nothing(self):
        def stop(xk):
            raise StopIteration

        result = optimize.minimize(bowl, [3.0], callback=stop, method=scipy_method(learning_rate=0.5))
        assert (result.nit, result.success) == (1, True)

    def test_what_it_returns_means_nothing_as_for_scipys_own(self):
        result = optimize.minimize(bowl, [3.0], callback=lambda xk: True, method=scipy_method(learning_rate=0.1))
        assert result.success

    def test_what_it_does_to_its_point_does_not_matter(self):
        def spoil(xk):
            xk[:] = np.nan

        result = optimize.minimize(bowl, [3.0], callback=spoil, method=scipy_method(learning_rate=0.1))
        np.testing.assert_allclose(result.x, 1.0, atol=1e-6)

    def test_one_that_is_no_function_is_refused(self):
        with pytest.raises(InvalidInput, match="callback"):
            optimize.minimize(bowl, [3.0], callback=3, method=scipy_method())


class Trouble(Exception):
    """The user's own."""


class TestExceptions:
    @pytest.mark.parametrize("n_good", [0, 5], ids=["at the start", "later"])
    @pytest.mark.parametrize("where", ["fun", "jac", "callback"])
    def test_the_users_own_comes_through_with_its_own_cause(self, where, n_good):
        calls = []

        def failing(value):
            def call(x):
                calls.append(x)
                if len(calls) > n_good:
                    raise Trouble("no licence") from OSError("no server")
                return value(x)

            return Opaque(call)

        given = {"fun": bowl, "jac": bowl_slope, "callback": np.sum}
        given[where] = failing(given[where])
        with pytest.raises(Trouble, match="no licence") as caught:
            optimize.minimize(x0=[3.0, 4.0], method=scipy_method(learning_rate=0.01), **given)
        assert isinstance(caught.value.__cause__, OSError)
        assert len(calls) == n_good + 1

    def test_ctrl_c_comes_through_so_that_what_calls_it_ends_too(self):
        calls = []

        def fun(x):
            calls.append(float(x[0]))
            if len(calls) > 10:
                raise KeyboardInterrupt
            return calls[-1] ** 2

        with pytest.raises(KeyboardInterrupt):
            optimize.minimize(fun, [3.0], method=scipy_method(learning_rate=0.01))

    def test_a_function_that_returns_no_number_is_an_invalid_input(self):
        with pytest.raises(InvalidInput, match="average or sum it"):
            optimize.minimize(lambda x: x**2, [3.0, 4.0], method=scipy_method())

    @pytest.mark.parametrize("unused", ["hess", "hessp"])
    def test_second_derivatives_are_not_used_and_scipys_warning_says_so(self, unused):
        with pytest.warns(RuntimeWarning, match=rf"Newton does not use Hessian.* information \({unused}\)") as caught:
            optimize.minimize(bowl, [3.0], method=scipy_method("newton"), **{unused: lambda *args: 1 / 0})
        assert caught[0].filename == __file__

    @pytest.mark.parametrize(
        "constraints",
        [
            {"type": "eq", "fun": np.sum},
            [{"type": "ineq", "fun": np.sum}],
            optimize.LinearConstraint([[1.0, 1.0]], 0, 1),
            [optimize.NonlinearConstraint(np.sum, 0, 1)],
        ],
        ids=["dict", "list", "linear", "nonlinear"],
    )
    def test_constraints_are_refused(self, constraints):
        with pytest.raises(InvalidInput, match="`constraints` must be empty"):
            optimize.minimize(bowl, [3.0, 4.0], constraints=constraints, method=scipy_method())

    @pytest.mark.parametrize("constraints", [(), [], {}, None])
    def test_no_constraints_are_none(self, constraints):
        assert optimize.minimize(bowl, [3.0], constraints=constraints, method=scipy_method()).success


class Calls:
    """Told by identity in a function's fingerprint, since it has slots: what it counts does not change the key."""

    __slots__ = ("n",)

    def __init__(self):
        self.n = 0

    def add(self):
        self.n += 1


@pytest.mark.slow
class TestHopping:
    """scipy.optimize.basinhopping and dual_annealing, whose local searches these are."""

    CALLS = Calls()

    @staticmethod
    def wavy(x):
        TestHopping.CALLS.add()
        return np.cos(14.5 * x[0] - 0.3) + (x[1] + 0.2) * x[1] + (x[0] + 0.2) * x[0]

    MINIMUM = (-0.19506755, -0.1)  # SciPy's documentation of basinhopping gives it

    @pytest.mark.parametrize(("method", "rate"), [("gradient_descent", None), ("momentum", 0.002), ("newton", None)])
    def test_basinhopping_finds_the_global_minimum(self, method, rate):
        result = optimize.basinhopping(
            self.wavy, [1.0, 1.0], niter=50, minimizer_kwargs={"method": scipy_method(method, rate)}, seed=1
        )
        assert result.success
        np.testing.assert_allclose(result.x, self.MINIMUM, atol=1e-6)
        assert isinstance(result.lowest_optimization_result.run, downslope.Run)

    def test_a_hop_costs_no_compiling(self):
        kwargs = {"method": scipy_method("momentum", 0.002)}
        optimize.basinhopping(self.wavy, [1.0, 1.0], niter=1, minimizer_kwargs=kwargs, seed=1)
        before, n_hops = self.CALLS.n, 20
        optimize.basinhopping(self.wavy, [1.0, 1.0], niter=n_hops, minimizer_kwargs=kwargs, seed=1)
        # One plain call a run, at its start: a trace would be one more.
        assert self.CALLS.n - before == n_hops + 1

    def test_hops_out_of_the_bounds_are_brought_back(self):
        box = [(-0.5, 0.5), (-0.05, 2.0)]
        result = optimize.basinhopping(
            self.wavy, [0.4, 1.0], niter=30, minimizer_kwargs={"method": scipy_method("newton"), "bounds": box}, seed=1
        )
        np.testing.assert_allclose(result.x, [self.MINIMUM[0], -0.05], atol=1e-6)

    def test_hops_to_where_the_function_is_not_defined_are_failed_results(self):
        def fun(x):
            return x[0] - np.log(x[0])

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # SciPy's own loop compares with the NaN
            result = optimize.basinhopping(
                fun, [1.5], niter=20, stepsize=3.0, minimizer_kwargs={"method": scipy_method()}, seed=1
            )
        assert result.minimization_failures > 0
        np.testing.assert_allclose(result.x, [1.0], atol=1e-6)

    def test_such_a_start_has_a_status_and_no_run(self):
        result = optimize.minimize(lambda x: np.log(x[0]), [-1.0], method=scipy_method(return_all=True))
        assert (result.status, result.success, result.nit) == (Status.NOT_FINITE, False, 0)
        assert result.message.startswith("NOT_FINITE at the start: `fun` must be finite at the start")
        assert np.isnan(result.fun)
        np.testing.assert_array_equal(result.allvecs, [result.x])

    def test_dual_annealing_finds_it_too(self):
        box = [(-2.0, 2.0), (-2.0, 2.0)]
        result = optimize.dual_annealing(
            self.wavy, box, maxiter=20, minimizer_kwargs={"method": scipy_method("newton")}, seed=1
        )
        np.testing.assert_allclose(result.x, self.MINIMUM, atol=1e-6)
