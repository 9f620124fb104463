"""Whatever the function and however the run ended: an explanation, without an exception, that claims what is known."""

import ctypes
import json
import math
import re
import warnings

import jax.numpy as jnp
import numpy as np
import optax
import pytest
import scipy.integrate
import torch

import downslope
from downslope import Status
from downslope.analysis.behaviour import Behaviour
from downslope.analysis.curvature import PointKind
from downslope.engines import recorder
from downslope.explanation import Explanation, explain
from downslope.learning_rates import BarzilaiBorwein, Cosine, Polyak
from downslope.objectives import bound as bounds_module

pytestmark = pytest.mark.slow  # each compiles what it explains

TINY = {"max_steps": 40}


def quietly(fun, start, **options):
    """A run, whose own warnings are tested elsewhere."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return downslope.minimize(fun, start, **options)


def integral(x):
    """1/3 - x + x^2, by adaptive quadrature: the minimum is at 1/2, the curvature 2."""
    return scipy.integrate.quad(lambda t: (t - float(x)) ** 2, 0, 1)[0]


def c_cosine(x):
    """The cosine of the C library: the minimum from 2 is at pi, the curvature there 1."""
    cos = ctypes.CDLL(None).cos
    cos.restype, cos.argtypes = ctypes.c_double, [ctypes.c_double]
    return cos(float(x))


def two_in_c(x):
    return c_cosine(x[0]) + (float(x[1]) - 1) ** 2


def interrupted_at(step_number):
    def callback(step):
        if step.n == step_number:
            raise KeyboardInterrupt

    return callback


def tree_loss(p):
    return (p["a"] - 1) ** 2 + jnp.sum((p["b"] + 2) ** 2)


def rosenbrock_chain(x):
    return jnp.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def torch_bowl(x):
    return ((x - 1) ** 2).sum() + x[0] ** 4


def nan_slope(x):
    return np.sqrt(x[0] ** 2) + x[1] ** 2


def raises_far_away(x):
    if np.abs(x).max() > 10:
        raise RuntimeError("too far")
    return (x**2).sum()


START = np.linspace(-1, 1, 500)
RUNS = {
    "finite differences, quadrature": lambda: quietly(integral, 3.0, learning_rate=0.1, **TINY),
    "finite differences, line search": lambda: quietly(integral, 3.0, max_steps=20),
    "finite differences, C": lambda: quietly(c_cosine, 2.0, learning_rate=0.5),
    "finite differences, C, two": lambda: quietly(two_in_c, [2.0, 0.0], learning_rate=0.3, max_steps=100),
    "finite differences, diverged": lambda: quietly(lambda x: c_cosine(0.0) * float(x) ** 2, 5.0, learning_rate=1.1),
    "kinks": lambda: quietly("absolute_value", [2.0, -0.75]),
    "kinks, by a rate": lambda: quietly("absolute_value", [2.0, -0.75], learning_rate=0.1, max_steps=100),
    "kinks, maximum": lambda: quietly(lambda x: np.maximum(x, -2 * x), 3.0, learning_rate=0.4, max_steps=50),
    "steps": lambda: quietly("floor(x)", 3.5, learning_rate=0.1, max_steps=10),
    "a jump": lambda: quietly(lambda x: np.where(x > 1, x, x - 5), 3.0, learning_rate=0.3, max_steps=50),
    "unbounded, line": lambda: quietly("x", 1.0, learning_rate=0.1, max_steps=100),
    "unbounded, hill": lambda: quietly("-x^2", 1.0, learning_rate=0.1),
    "unbounded, cube": lambda: quietly("x^3", 1.0, learning_rate=0.1, max_steps=500),
    "unbounded, cube, falling": lambda: quietly("x^3", -1.0, learning_rate=0.1, max_steps=500),
    "unbounded, log": lambda: quietly("log(x)", 1.0, learning_rate=0.05, max_steps=500),
    "unbounded, exp": lambda: quietly("exp(x)", 1.0, learning_rate=0.05, max_steps=500),
    "unbounded, line search": lambda: quietly("-x^2", 1.0, max_steps=100),
    "flat": lambda: quietly("3 + 0*x", 1.0, learning_rate=0.1),
    "flat, of two": lambda: quietly("x^2 + 0*y", [1.0, 1.0], learning_rate=0.1),
    "flat valley": lambda: quietly("(x + y)^2", [1.0, 2.0], learning_rate=0.1),
    "flat power": lambda: quietly("x^10", 1.0, learning_rate=0.01, max_steps=500),
    "no curvature at the minimum": lambda: quietly("abs(x)^1.5", 1.0, learning_rate=0.1, max_steps=300),
    "losses alone": lambda: quietly("x^2", 5.0, learning_rate=0.9, record="losses"),
    "losses alone, diverged": lambda: quietly("x^2", 5.0, learning_rate=1.1, record="losses"),
    "losses alone, crawling": lambda: quietly("x^2", 5.0, learning_rate=1e-4, max_steps=300, record="losses"),
    "losses alone, compiled": lambda: quietly("x^2", 5.0, learning_rate=0.9, record="losses", engine="compiled"),
    "a rate each": lambda: quietly("x^2 + 50*y^2", [1.0, 1.0], learning_rate=[0.1, 0.005]),
    "a rate each, one zigzags": lambda: quietly("x^2 + 50*y^2", [1.0, 1.0], learning_rate=[0.01, 0.019]),
    "a rate each, diverged": lambda: quietly("x^2 + 50*y^2", [1.0, 1.0], learning_rate=[0.1, 0.03], max_steps=50),
    "a tree": lambda: quietly(tree_loss, {"a": 4.0, "b": np.array([1.0, 2.0])}, learning_rate=0.1),
    "a tree, diverged": lambda: quietly(tree_loss, {"a": 4.0, "b": np.array([1.0, 2.0])}, learning_rate=1.1),
    "a tree, optax": lambda: quietly(tree_loss, {"a": 4.0, "b": np.array([1.0])}, method=optax.adam(0.1), **TINY),
    "bounds": lambda: quietly("x^2 + y^2", [3.0, 4.0], learning_rate=0.1, bounds=[(1, 5), (-5, 5)]),
    "bounds, a corner": lambda: quietly("x^2 + y^2", [3.0, 4.0], learning_rate=0.1, bounds=[(1, 5), (2, 5)]),
    "bounds, diverged": lambda: quietly("x^2", 3.0, learning_rate=1.1, bounds=(-4, 5), **TINY),
    "bounds, no room": lambda: quietly("x^2 + y^2", [3.0, 4.0], learning_rate=0.1, bounds=[(3, 3), (-5, 5)]),
    "noise": lambda: quietly("x^2", 5.0, learning_rate=0.1, noise=0.1, seed=0, max_steps=300),
    "noise, a slope": lambda: quietly("x", 5.0, learning_rate=0.1, noise=2.0, seed=0, max_steps=300),
    "torch": lambda: quietly(torch_bowl, torch.tensor([3.0, 2.0]), learning_rate=0.01, max_steps=50),
    "torch, double": lambda: quietly(torch_bowl, torch.tensor([3.0, 2.0], dtype=torch.float64), learning_rate=0.05),
    "torch.optim": lambda: quietly(torch_bowl, torch.tensor([3.0, 2.0]), method=torch.optim.SGD, **TINY),
    "single precision": lambda: quietly(
        lambda x: jnp.sum((x - 1) ** 2), jnp.ones(3, jnp.float32) * 4, learning_rate=0.1
    ),
    "500 variables": lambda: quietly(rosenbrock_chain, START, learning_rate=1e-3, max_steps=100),
    "500 variables, at rest": lambda: quietly(lambda x: jnp.sum(x**2), START, learning_rate=0.1),
    "500 variables, diverged": lambda: quietly(lambda x: jnp.sum(x**2), START, learning_rate=1.1, max_steps=100),
    "500 variables, momentum": lambda: quietly(rosenbrock_chain, START, method="momentum", max_steps=60),
    "NaN slope at the start": lambda: quietly(nan_slope, [0.0, 1.0], learning_rate=0.1),
    "NaN loss soon": lambda: quietly("sqrt(x)", 1.0, learning_rate=0.5),
    "interrupted": lambda: quietly("x^2", 5.0, learning_rate=0.1, callback=interrupted_at(6), engine="eager"),
    "interrupted at once": lambda: quietly("x^2", 5.0, learning_rate=0.1, callback=interrupted_at(0), engine="eager"),
    "stopped by a callback": lambda: quietly("x^2", 5.0, learning_rate=0.1, callback=lambda step: step.n == 3),
    "no steps": lambda: quietly("x^2", 5.0, learning_rate=0.1, max_steps=0),
    "no steps, line search": lambda: quietly("x^2", 5.0, max_steps=0),
    "no steps, momentum": lambda: quietly("x^2 + y^2", [5.0, 1.0], method="momentum", max_steps=0),
    "no steps, optax": lambda: quietly("x^2", 5.0, method=optax.sgd(0.1), max_steps=0),
    "one step": lambda: quietly("x^2", 5.0, learning_rate=0.1, max_steps=1),
    "two steps": lambda: quietly("x^2", 5.0, learning_rate=1.1, max_steps=2),
    "no tolerance": lambda: quietly("x^2", 5.0, learning_rate=0.3, gradient_tolerance=None, max_steps=500),
    "a raising function": lambda: quietly(raises_far_away, np.array([3.0, 4.0]), learning_rate=0.9, **TINY),
    "Polyak": lambda: quietly("x^2", 5.0, learning_rate=Polyak(0.0), **TINY),
    "Barzilai-Borwein": lambda: quietly("x^2 + 9*y^2", [5.0, 1.0], learning_rate=BarzilaiBorwein(), **TINY),
    "cosine": lambda: quietly("x^2", 5.0, learning_rate=Cosine(0.1, 100), max_steps=200),
    "a rate by a function": lambda: quietly("x^2", 5.0, learning_rate=lambda k: 0.1 / (k + 1), **TINY),
    "adam": lambda: quietly("rosenbrock", [-1.2, 1.0], method="adam", max_steps=100),
    "newton": lambda: quietly("rosenbrock", [-1.2, 1.0], method="newton", max_steps=100),
    "tiny numbers": lambda: quietly("1e-200*x^2", 1e-50, learning_rate=0.1, **TINY),
    "huge numbers": lambda: quietly("1e200*x^2", 1e20, learning_rate=1e-201, **TINY),
}


def check(explanation):
    """What every explanation must be."""
    assert isinstance(explanation, Explanation)
    assert isinstance(explanation.behaviour, Behaviour)
    assert explanation.sentences
    for sentence in explanation.sentences:
        assert sentence.strip() == sentence != ""
        assert sentence.endswith("."), sentence
        assert sentence[0].isupper() or sentence[0].isdigit(), sentence
        assert not re.search(r"\b(nan|None)\b", sentence), sentence
    assert str(explanation) == "\n".join(explanation.sentences)
    told = json.loads(json.dumps(explanation.to_dict(), allow_nan=False))
    assert told["behaviour"] == explanation.behaviour.value
    assert repr(explanation)
    assert explanation._repr_html_()


@pytest.mark.parametrize("name", RUNS)
def test_it_is_explained(name):
    run = RUNS[name]()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check(run.explain())
        check(run.explain(suggest=False))


class TestDifferences:
    def test_curvature_by_differences_says_how_far_off_it_may_be(self):
        explanation = quietly(integral, 3.0, learning_rate=0.1, max_steps=200).explain()
        assert "The gradient comes from finite differences: the curvatures may be off by" in str(explanation)
        error = explanation.evidence.target.spectrum.uncertainty
        assert 0 < error < 0.1
        assert abs(explanation.curvatures[0] - 2) <= error
        assert explanation.evidence.target.x[0] == pytest.approx(0.5, abs=1e-5)  # central differences of 3e-6 steps

    def test_a_c_function_s_limit_is_theory_s_within_that_error(self):
        explanation = quietly(c_cosine, 2.0, learning_rate=0.5).explain()
        error = explanation.evidence.target.spectrum.uncertainty
        assert explanation.kind is PointKind.MINIMUM
        assert abs(explanation.curvatures[0] - 1) <= error
        assert explanation.stability.largest_stable == pytest.approx(2.0, abs=2 * error / (1 - error) + 1e-6)

    def test_it_zigzags_all_the_same(self):
        explanation = quietly(integral, 3.0, learning_rate=0.8, gradient_tolerance=1e-4).explain()
        assert explanation.behaviour is Behaviour.ZIGZAG


class TestWhatCannotBeTold:
    def test_a_kink_is_named(self):
        explanation = quietly("absolute_value", [2.1, -0.75], learning_rate=0.1, max_steps=100).explain()
        assert "The function has kinks, where slope and curvature say nothing of the other side." in str(explanation)

    @pytest.mark.parametrize("fun", ["absolute_value", "abs(x) + abs(y)"])
    def test_no_stable_rate_is_claimed_at_a_kink(self, fun):
        explanation = quietly(fun, [2.1, -0.75], learning_rate=0.1, max_steps=100).explain()
        assert explanation.stability is None or explanation.stability.largest_stable is None
        assert "stable there up to" not in str(explanation)

    @pytest.mark.parametrize("name", ["unbounded, line", "unbounded, hill", "unbounded, cube, falling"])
    def test_no_minimum_is_claimed_where_there_is_none(self, name):
        explanation = RUNS[name]().explain(suggest=False)
        assert explanation.behaviour is Behaviour.FALLING
        assert explanation.evidence.target is None or explanation.evidence.target.kind is not PointKind.MINIMUM
        assert "at the minimum" not in str(explanation)

    def test_no_minimum_is_claimed_on_a_slide(self):
        # x^2 + y has the slope 1 along y everywhere.
        explanation = quietly("x^2 + y", [1.0, 1.0], learning_rate=0.1, max_steps=300).explain(suggest=False)
        assert explanation.evidence.target is None, explanation.evidence.target
        assert "minimum below" not in str(explanation)

    @pytest.mark.parametrize("name", ["flat", "steps"])
    def test_a_flat_function_is_no_minimum(self, name):
        explanation = RUNS[name]().explain()
        assert explanation.kind is PointKind.FLAT
        assert explanation.stability is None or explanation.stability.largest_stable is None
        assert explanation.suggestion is None

    def test_a_flat_direction_is_told_apart(self):
        explanation = quietly("(x + y)^2", [1.0, 2.0], learning_rate=0.1).explain()
        # (x + y)^2 has the curvatures 0 and 4.
        np.testing.assert_allclose(explanation.curvatures, [0.0, 4.0], rtol=0, atol=1e-12)
        assert "1 flat" in str(explanation)
        assert explanation.stability.largest_stable == pytest.approx(0.5, rel=1e-6)


class TestLoaded:
    def test_a_function_that_no_file_holds_is_missed_and_said_so(self, tmp_path):
        run = downslope.minimize(lambda x: x**2, 5.0, learning_rate=0.9)
        run.save(tmp_path / "run.parquet")
        explanation = downslope.load(tmp_path / "run.parquet").explain()
        check(explanation)
        assert explanation.behaviour is Behaviour.ZIGZAG
        assert "its curvature is not known: the file holds no function" in str(explanation).lower()
        assert explanation.stability is None
        assert explanation.suggestion is None
        assert explanation.to_dict()["observed_multiplier"] == pytest.approx(-0.8, rel=1e-9)

    @pytest.mark.parametrize("rate", [0.1, 0.5, 0.9, 1.0, 1.1, 1e-4])
    def test_a_function_that_no_file_holds_changes_no_label_in_one_variable(self, rate, tmp_path):
        run = downslope.minimize(lambda x: x**2, 5.0, learning_rate=rate, max_steps=100)
        run.save(tmp_path / "run.parquet")
        assert downslope.load(tmp_path / "run.parquet").explain().behaviour is run.explain(suggest=False).behaviour

    @pytest.mark.parametrize(
        ("method", "rate"),
        [
            ("gradient_descent", 0.9),
            ("gradient_descent", 1.1),
            ("gradient_descent", 1e-4),
            ("gradient_descent", None),
            ("momentum", 0.1),
            ("nesterov", 0.01),
            ("sign_descent", 0.3),
            ("newton", 0.5),
        ],
    )
    def test_a_formula_is_explained_in_the_same_words(self, method, rate, tmp_path):
        run = downslope.minimize("x^2 + 0.1*y^2", [5.0, 2.0], method=method, learning_rate=rate, max_steps=150)
        run.save(tmp_path / "run.parquet")
        assert str(downslope.load(tmp_path / "run.parquet").explain()) == str(run.explain())

    @pytest.mark.parametrize("method", ["adagrad", "rmsprop", "adam"])
    def test_what_a_method_remembered_is_found_again_by_a_replay(self, method, tmp_path):
        run = downslope.minimize("x^2 + 0.1*y^2", [5.0, 2.0], method=method, learning_rate=0.1, max_steps=150)
        run.save(tmp_path / "run.parquet")
        assert str(downslope.load(tmp_path / "run.parquet").explain()) == str(run.explain())

    def test_a_rule_of_another_library_is_missed_and_said_so(self, tmp_path):
        run = downslope.minimize("x^2", 5.0, method=optax.sgd(0.1))
        run.save(tmp_path / "run.parquet")
        explanation = downslope.load(tmp_path / "run.parquet").explain()
        check(explanation)
        assert explanation.to_dict()["no_stability"]


class TestRecords:
    @pytest.mark.parametrize("rate", [0.1, 1e-4, 1.1])
    def test_losses_alone_tell_what_points_are_not_needed_for(self, rate):
        whole, bare = (
            downslope.minimize("x^2", 5.0, learning_rate=rate, max_steps=200, record=record)
            for record in ("path", "losses")
        )
        assert bare.path is None
        assert bare.explain(suggest=False).behaviour is whole.explain(suggest=False).behaviour

    def test_a_thinned_path_is_no_reason_to_be_wrong(self, monkeypatch):
        monkeypatch.setattr(recorder, "PATH_BYTES", 800)
        for engine in ("eager", "compiled"):
            run = quietly("x^2", 5.0, learning_rate=0.98, max_steps=300, engine=engine)
            assert run.path_steps[1] > 1
            explanation = run.explain()
            check(explanation)
            # Points several steps apart do not show that it turns: the way is not to be called straight.
            assert explanation.behaviour is not Behaviour.SPIRAL
            assert "without turning back" not in str(explanation)

    def test_a_rate_each_is_scaled_curvature(self):
        # 0.1 * 2 and 0.005 * 100 are 0.2 and 0.5: scaled by the largest rate, curvatures 2 and 5.
        explanation = quietly("x^2 + 50*y^2", [1.0, 1.0], learning_rate=[0.1, 0.005]).explain(suggest=False)
        assert sorted(explanation.stability.multipliers[:, 0].real) == pytest.approx([0.5, 0.8], abs=1e-9)
        assert explanation.stability.largest_stable == pytest.approx(2 / 5, rel=1e-6)
        assert explanation.behaviour is Behaviour.STRAIGHT

    def test_a_rate_each_of_which_one_is_too_large_diverges(self):
        # 1 - 0.03 * 100 = -2
        explanation = RUNS["a rate each, diverged"]().explain()
        assert explanation.behaviour is Behaviour.DIVERGING

    def test_no_steps_claim_no_movement(self):
        explanation = RUNS["no steps"]().explain(suggest=False)
        assert explanation.behaviour not in (
            Behaviour.STRAIGHT,
            Behaviour.ZIGZAG,
            Behaviour.DIVERGING,
            Behaviour.BOUNCING,
            Behaviour.AT_REST,
        )

    def test_a_nan_slope_at_the_start_is_named(self):
        run = RUNS["NaN slope at the start"]()
        assert run.status is Status.NOT_FINITE
        explanation = run.explain()
        assert explanation.behaviour is Behaviour.LEFT_DOMAIN
        assert explanation.sentences[0] == "Left the domain: the slope is not finite at the start, (0, 1)."

    def test_an_interrupted_run_is_read_as_far_as_it_went(self):
        explanation = RUNS["interrupted"]().explain(suggest=False)
        assert explanation.run.status is Status.INTERRUPTED
        assert explanation.to_dict()["observed_multiplier"] == pytest.approx(0.8, rel=1e-9)


@pytest.fixture
def products(monkeypatch):
    """How many Hessian-vector products, and Hessians, have been asked for, by class."""
    counts = {"products": 0, "hessians": 0}
    kinds = [bounds_module.Bound]
    for kind in kinds:
        kinds.extend(kind.__subclasses__())
    for kind in kinds:
        for name, told in (("hessian_vector_product", "products"), ("hessian", "hessians")):
            if name in vars(kind):
                original = vars(kind)[name]

                def counted(self, *args, _original=original, _told=told, **kwargs):
                    counts[_told] += 1
                    return _original(self, *args, **kwargs)

                monkeypatch.setattr(kind, name, counted)
    return counts


class TestManyVariables:
    def test_500_variables_show_the_ends_of_their_spectrum(self):
        c = np.linspace(1.0, 50.0, 500)
        run = downslope.minimize(lambda x: 0.5 * jnp.sum(c * x**2), np.ones(500), learning_rate=0.03)
        explanation = run.explain(suggest=False)
        assert explanation.behaviour is Behaviour.STRAIGHT
        assert explanation.curvatures[-1] == pytest.approx(50.0, rel=1e-3)  # what "resolved" promises
        assert explanation.stability.largest_stable == pytest.approx(2 / 50, rel=2e-3)
        assert "Hessian-vector products" in str(explanation)

    @pytest.mark.slow
    @pytest.mark.parametrize("case", ["at rest", "diverging", "not quadratic", "differences of gradients"])
    def test_100_000_variables_take_at_most_200_products(self, case, products):
        n = 100_000
        c = np.linspace(1.0, 10.0, n)

        def bowl(x):
            return 0.5 * jnp.sum(c * x**2)

        def cosh(x):
            return jnp.sum(jnp.cosh(x)) + 0.5 * jnp.sum((x[1:] - x[:-1]) ** 2)

        start = np.sin(np.arange(n))
        options = {"record": "losses"}
        run = {
            "at rest": lambda: quietly(bowl, start, learning_rate=0.15, **options),
            "diverging": lambda: quietly(bowl, start, learning_rate=0.25, max_steps=50, **options),
            "not quadratic": lambda: quietly(cosh, start, learning_rate=0.05, max_steps=50, **options),
            "differences of gradients": lambda: quietly(
                lambda x: 0.5 * float(c @ x**2), start, jac=lambda x: c * x, learning_rate=0.1, max_steps=50, **options
            ),
        }[case]()
        for name in products:
            products[name] = 0
        explanation = run.explain()
        check(explanation)
        assert products["hessians"] == 0
        assert products["products"] <= 200


def test_a_path_that_is_kept_of_many_variables_is_read_too():
    run = quietly(lambda x: jnp.sum(x**2), np.ones(2000), learning_rate=0.9, record="path")
    explanation = run.explain(suggest=False)
    assert explanation.behaviour is Behaviour.ZIGZAG
    assert explanation.to_dict()["observed_multiplier"] == pytest.approx(-0.8, rel=1e-9)


def test_explain_takes_a_run_alone():
    with pytest.raises(downslope.InvalidInput, match="run"):
        explain("x^2")


@pytest.mark.parametrize("rate", [0, -1.0, math.inf, math.nan, "0.1", None, True])
def test_at_rate_takes_a_positive_number(rate):
    explanation = downslope.minimize("x^2", 5.0, learning_rate=0.1).explain(suggest=False)
    with pytest.raises(downslope.InvalidInput, match="`rate` must be a positive number"):
        explanation.at_rate(rate)
