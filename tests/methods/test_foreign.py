"""optax's transformations and PyTorch's optimizers, as methods: the same steps as in their own loops."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import torch

import downslope
from downslope.errors import InvalidInput, MethodFailed
from downslope.methods.foreign import Optax
from downslope.objectives.structure import Structure

START = [-1.2, 1.0]
# A path that two programs compute with the same operations may differ in the last bits, and a curved valley
# multiplies that by a few thousand over a hundred steps.
CLOSE = {"rtol": 1e-11, "atol": 1e-13}


def rosenbrock(x):
    return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2


class Traces:
    """A count outside of what the function's key is made of."""

    __slots__ = ("n",)


TRACES = Traces()
TRACES.n = 0


def counted_traces(x):
    TRACES.n += isinstance(x, jax.core.Tracer)
    return jnp.sum(x**2)


def branching_rosenbrock(x):
    """The same for the eager engine: code that branches on its values cannot be compiled."""
    return rosenbrock(x) if x[0] > -1e9 else 0.0


def optax_path(transformation, fun, start, n_steps):
    """The points of optax's own loop, as its documentation writes it."""
    with jax.enable_x64(True):
        x = jnp.asarray(start, float)
        state = transformation.init(x)
        wide = optax.with_extra_args_support(transformation)

        @jax.jit
        def step(x, state):
            value, grad = jax.value_and_grad(fun)(x)
            updates, state = wide.update(grad, state, x, value=value, grad=grad, value_fn=fun)
            return optax.apply_updates(x, updates), state

        path = [x]
        for _ in range(n_steps):
            x, state = step(x, state)
            path.append(x)
        return np.array(path)


TRANSFORMATIONS = {
    "sgd": lambda: optax.sgd(1e-3),
    "momentum": lambda: optax.sgd(1e-4, momentum=0.9, nesterov=True),
    "adam": lambda: optax.adam(1e-2),
    "chain": lambda: optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(1e-2)),
    "schedule": lambda: optax.sgd(optax.cosine_decay_schedule(1e-3, 50)),
    "inject_hyperparams": lambda: optax.inject_hyperparams(optax.adam)(learning_rate=0.02),
    "value": lambda: optax.chain(optax.adam(1e-2), optax.contrib.reduce_on_plateau(patience=3)),
    "polyak": lambda: optax.polyak_sgd(max_learning_rate=1e-3),
    "backtracking": lambda: optax.chain(optax.sgd(1.0), optax.scale_by_backtracking_linesearch(30)),
    "lbfgs": lambda: optax.lbfgs(),
    "random": lambda: optax.chain(optax.add_noise(0.1, 0.1, key=jax.random.key(1)), optax.sgd(1e-3)),
    "MultiSteps": lambda: optax.MultiSteps(optax.adam(1e-2), 3).gradient_transformation(),
}


@pytest.mark.sampled
@pytest.mark.parametrize("name", TRANSFORMATIONS)
def test_an_optax_transformation_walks_the_path_of_its_own_loop(name):
    n = 20 if name in ("lbfgs", "backtracking") else 100  # line searches amplify the last bits most
    expected = optax_path(TRANSFORMATIONS[name](), rosenbrock, START, n)
    run = downslope.minimize(rosenbrock, START, method=TRANSFORMATIONS[name](), max_steps=n, gradient_tolerance=None)
    assert run.engine == "compiled"
    np.testing.assert_allclose(run.path, expected, **CLOSE)


@pytest.mark.sampled
@pytest.mark.parametrize("name", ["adam", "backtracking", "random", "MultiSteps", "inject_hyperparams"])
def test_the_eager_engine_walks_it_too(name):
    n = 2 if name == "backtracking" else 30  # a search over a function that cannot be compiled is slow
    compiled = downslope.minimize(rosenbrock, START, method=TRANSFORMATIONS[name](), max_steps=n)
    eager = downslope.minimize(branching_rosenbrock, START, method=TRANSFORMATIONS[name](), max_steps=n)
    assert eager.engine == "eager"
    np.testing.assert_allclose(eager.path, compiled.path, **CLOSE)
    np.testing.assert_allclose(eager.learning_rates, compiled.learning_rates, **CLOSE)
    assert eager.n_evaluations == compiled.n_evaluations


@pytest.mark.slow
def test_a_callback_does_not_slow_a_search_over_a_function_that_compiles():
    compiled = downslope.minimize(rosenbrock, START, method=optax.lbfgs(), max_steps=10)
    eager = downslope.minimize(rosenbrock, START, method=optax.lbfgs(), max_steps=10, callback=lambda step: None)
    assert eager.engine == "eager"
    np.testing.assert_allclose(eager.path, compiled.path, **CLOSE)
    np.testing.assert_allclose(eager.learning_rates, compiled.learning_rates, **CLOSE)
    assert eager.n_evaluations == compiled.n_evaluations


@pytest.mark.sampled
@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: optax.contrib.sam(optax.sgd(1e-3), optax.sgd(1e-3), opaque_mode=True), id="sam"),
        pytest.param(lambda: optax.contrib.sophia(1e-3), id="sophia"),
        pytest.param(lambda: optax.contrib.momo(), id="momo"),
        pytest.param(lambda: optax.contrib.prodigy(), id="prodigy"),
        pytest.param(lambda: optax.contrib.schedule_free_sgd(1e-3), id="schedule_free"),
    ],
)
def test_rules_that_ask_for_more_get_it(make):
    run = downslope.minimize(rosenbrock, START, method=make(), max_steps=200)
    assert run.engine == "compiled"
    assert run.loss < run.losses[0] / 2


def test_optax_lbfgs_converges_and_its_trials_are_counted():
    calls = []

    def counted(x):
        calls.append(np.asarray(x))
        return branching_rosenbrock(x)

    run = downslope.minimize(rosenbrock, START, method=optax.lbfgs())
    assert run.status.name == "GRADIENT_SMALL"
    np.testing.assert_allclose(run.x, 1.0, atol=1e-6)
    assert run.n_evaluations > run.n_steps + 1
    short = downslope.minimize(
        counted,
        START,
        method=TRANSFORMATIONS["backtracking"](),
        max_steps=2,
        jac=jax.grad(rosenbrock),
        callback=lambda step: calls.clear() if step.n == 0 else None,  # what the checks of the start asked for
    )
    assert short.n_evaluations == 1 + len(calls)


def test_the_rate_of_a_search_or_of_injected_hyperparameters_is_in_the_record():
    injected = optax.inject_hyperparams(optax.sgd)(learning_rate=optax.linear_schedule(0.1, 0.0, 10))
    run = downslope.minimize("x^2", 5.0, method=injected, max_steps=3)
    np.testing.assert_allclose(run.learning_rates[:3], [0.1, 0.09, 0.08], rtol=1e-6)
    unknown = downslope.minimize("x^2", 5.0, method=optax.sgd(0.1), max_steps=3)
    assert np.isnan(unknown.learning_rates).all()


def test_the_record_tells_one_transformation_from_another():
    told = downslope.minimize("x^2", 5.0, method=optax.adam(0.1), max_steps=1).specification["method"]
    assert told["name"] == "optax"
    assert told["transformation"].startswith("scale_by_adam(b1=0.9, b2=0.999, eps=1e-08")
    assert "scale(step_size=-0.1)" in told["transformation"]


def test_a_foreign_run_is_repeated_in_memory():
    for method in (optax.adam(0.1), functools.partial(torch.optim.SGD, lr=0.1)):
        assert downslope.minimize("x^2", 5.0, method=method, max_steps=20).replay().identical
    assert downslope.minimize("x^2", 5.0, learning_rate=lambda k: 0.1 / (k + 1), max_steps=20).replay().identical


def test_a_new_rate_in_injected_hyperparameters_does_not_recompile():
    ends = []
    for rate in (0.1, 0.2, 0.3):
        method = optax.inject_hyperparams(optax.sgd)(learning_rate=rate)
        ends.append(downslope.minimize(counted_traces, [1.0, 2.0], method=method, max_steps=1).path[1, 0])
        if rate == 0.1:
            first = TRACES.n
    assert TRACES.n == first
    np.testing.assert_allclose(ends, [0.8, 0.6, 0.4])


def test_equal_transformations_share_a_loop_and_others_do_not():
    structure = Structure.of([1.0, 2.0])[0]
    a, b, c = (Optax(optax.chain(optax.clip(1.0), optax.adam(r))).on(structure) for r in (0.1, 0.1, 0.2))
    assert a == b
    assert hash(a) == hash(b)
    assert a != c


def test_optax_sees_the_structure_of_the_start():
    labels = {"still": "frozen", "moving": "free"}
    method = optax.multi_transform({"frozen": optax.set_to_zero(), "free": optax.sgd(0.1)}, labels)
    start = {"still": np.ones(2), "moving": np.ones((2, 2))}
    run = downslope.minimize(lambda p: np.sum(p["still"] ** 2) + np.sum(p["moving"] ** 2), start, method=method)
    np.testing.assert_array_equal(run.x["still"], 1.0)
    assert run.x["moving"].shape == (2, 2)
    assert run.status.name == "STALLED" or np.abs(run.x["moving"]).max() < 1e-6


def torch_path(make, start, n_steps):
    """The points of PyTorch's own loop."""
    x = torch.nn.Parameter(torch.tensor(start, dtype=torch.float64))
    optimizer = make([x])

    def closure():
        optimizer.zero_grad()
        loss = rosenbrock(x)
        loss.backward()
        return loss

    path = [x.detach().numpy().copy()]
    for _ in range(n_steps):
        optimizer.step(closure)
        path.append(x.detach().numpy().copy())
    return np.array(path)


OPTIMIZERS = {
    "SGD": functools.partial(torch.optim.SGD, lr=1e-4, momentum=0.9, nesterov=True),
    "Adam": torch.optim.Adam,
    "AdamW": functools.partial(torch.optim.AdamW, lr=0.01, amsgrad=True),
    "Adadelta": torch.optim.Adadelta,
    "Adagrad": torch.optim.Adagrad,
    "Adamax": torch.optim.Adamax,
    "NAdam": torch.optim.NAdam,
    "RAdam": torch.optim.RAdam,
    "RMSprop": torch.optim.RMSprop,
    "Rprop": torch.optim.Rprop,
    "LBFGS": torch.optim.LBFGS,
    "strong_wolfe": functools.partial(torch.optim.LBFGS, line_search_fn="strong_wolfe", max_iter=3),
    "function": lambda parameters: torch.optim.SGD(parameters, lr=1e-3),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_torch_optimizer_walks_the_path_of_its_own_loop(name):
    n = 4 if name in ("LBFGS", "strong_wolfe") else 100
    expected = torch_path(OPTIMIZERS[name], START, n)
    run = downslope.minimize(
        lambda x: (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2 + 0 * torch.sum(x),
        START,
        method=OPTIMIZERS[name],
        max_steps=n,
        gradient_tolerance=None,
    )
    assert run.engine == "eager"
    # The step is recorded as the difference of two points, which costs it the last bit where it is a large one.
    np.testing.assert_allclose(run.path, expected[: len(run.path)], rtol=1e-9)
    assert run.status.name in ("MAX_STEPS", "STALLED")


def test_a_torch_optimizer_steps_any_function():
    for fun in (rosenbrock, "rosenbrock", lambda x: jnp.sum((x - 1) ** 2)):
        run = downslope.minimize(fun, START, method=torch.optim.LBFGS)
        np.testing.assert_allclose(run.x, 1.0, atol=1e-4)
        assert run.specification["method"] == {"name": "torch.optim.LBFGS"}


def test_lbfgs_of_torch_counts_its_evaluations_and_ends_where_it_stands_still():
    calls = []

    def counted(x):
        calls.append(x)
        return rosenbrock(x)

    run = downslope.minimize(counted, START, method=torch.optim.LBFGS, engine="eager", jac=jax.grad(rosenbrock))
    assert run.status.name in ("STALLED", "GRADIENT_SMALL")
    assert run.n_steps < 20
    assert run.n_evaluations == len(calls) - 2  # one call checks the start, and one traces


def test_the_rate_of_a_torch_optimizer_is_in_the_record():
    run = downslope.minimize("x^2", 5.0, method=functools.partial(torch.optim.SGD, lr=0.1), max_steps=3)
    assert run.learning_rates[:3].tolist() == [0.1] * 3
    np.testing.assert_allclose(run.path, [5.0, 4.0, 3.2, 2.56])


@pytest.mark.parametrize(
    ("method", "words"),
    [
        (optax.sgd(0.1), "brings its own rate"),
        (torch.optim.SGD, "brings its own rate"),
    ],
    ids=["optax", "torch"],
)
def test_a_learning_rate_beside_a_foreign_method_is_an_error(method, words):
    with pytest.raises(InvalidInput, match=words) as caught:
        downslope.minimize("x^2", 5.0, method=method, learning_rate=0.1)
    assert caught.value.parameter == "learning_rate"


@pytest.mark.parametrize(
    ("method", "words"),
    [
        (torch.optim.SparseAdam, "SparseAdam does not support dense gradients"),
        (torch.optim.Muon, "2D parameters"),
        (functools.partial(torch.optim.SGD, lr=-1.0), "Invalid learning rate"),
        (lambda parameters: None, "a function that makes an optimizer"),
        (torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1), "no finished optimizer"),
        (optax.adam, r"call it, as in optax\.adam\(0\.1\)"),
        (3.0, "an optax transformation, a torch.optim class"),
    ],
    ids=["sparse", "shape", "rate", "none", "instance", "uncalled", "number"],
)
def test_what_cannot_step_is_refused_before_the_run(method, words):
    with pytest.raises(InvalidInput, match=words) as caught:
        downslope.minimize("x^2", 5.0, method=method)
    assert caught.value.parameter == "method"


def test_a_method_that_raises_later_leaves_the_record():
    class Fragile(torch.optim.SGD):
        n = 0

        def step(self, closure=None):
            self.n += 1
            if self.n == 4:
                raise OSError("gone")
            return super().step(closure)

    with pytest.raises(MethodFailed, match="raised OSError: gone, after 2 steps") as caught:
        downslope.minimize("x^2", 5.0, method=functools.partial(Fragile, lr=0.1))
    np.testing.assert_allclose(caught.value.run.path, [5.0, 4.0, 3.2])
    assert isinstance(caught.value.__cause__, OSError)


@pytest.mark.slow
@pytest.mark.parametrize("method", [optax.lbfgs(), torch.optim.LBFGS], ids=["optax", "torch"])
def test_bounds_hold_even_for_line_searches(method):
    seen = []

    def watched(x):
        seen.append(np.array(x, float))
        return rosenbrock(x)

    run = downslope.minimize(
        watched, START, method=method, bounds=[(-2, -1), (-1, 2)], max_steps=4, jac=jax.grad(rosenbrock)
    )
    assert np.array(seen)[:, 0].max() <= -1.0
    assert run.path[:, 0].max() == -1.0  # it was tried


@pytest.mark.parametrize("method", [optax.adam(0.1), torch.optim.Adam], ids=["optax", "torch"])
def test_callbacks_and_noise_work_with_foreign_methods(method):
    steps = []
    run = downslope.minimize(
        "bowl_2d", method=method, noise=0.1, seed=3, callback=lambda s: steps.append(s.n) or s.n == 5
    )
    assert run.status.name == "STOPPED_BY_CALLBACK"
    assert steps == [0, 1, 2, 3, 4, 5]
    again = downslope.minimize("bowl_2d", method=method, noise=0.1, seed=3, max_steps=5, engine="eager")
    np.testing.assert_array_equal(run.path, again.path[:6])


@pytest.mark.slow
def test_half_a_million_optax_variables_keep_their_precision():
    def loss(x):
        return jnp.sum(x**2)

    start = np.linspace(1, 2, 500_000, dtype=np.float32)
    theirs = downslope.minimize(loss, start, method=optax.adam(0.1), max_steps=3)
    ours = downslope.minimize(loss, start, method="adam", learning_rate=0.1, max_steps=3)
    assert theirs.x.dtype == np.float32
    np.testing.assert_allclose(theirs.x, ours.x, rtol=1e-6)  # a few units of float32's last place


def test_a_search_sees_what_a_callback_changes():
    weight = [1.0]

    def penalised(x):
        return (x[0] - 3) ** 2 + weight[0] * x[1] ** 2

    def raise_the_weight(step):
        weight[0] = 10.0 ** min(step.n, 2)

    paths = []
    for fun in (penalised, lambda x: penalised(x) if x[0] > -1e9 else 0.0):  # the second is never compiled
        weight[0] = 1.0
        method = TRANSFORMATIONS["backtracking"]()
        run = downslope.minimize(fun, [0.0, 2.0], method=method, callback=raise_the_weight, max_steps=4)
        paths.append(run.path)
    np.testing.assert_allclose(paths[0], paths[1], **CLOSE)
