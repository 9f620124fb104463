"""Our transformations under jit, vmap and donation, in every precision, and inside optax's own wrappers."""

import subprocess
import sys
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import downslope
from downslope import GradientDescent, InvalidInput, MissingExtra, Momentum, Newton
from downslope.learning_rates import Backtracking, BarzilaiBorwein, Cosine, Polyak, WarmUp
from downslope.methods import METHODS

pytestmark = pytest.mark.slow  # many small programs to compile

RULES = {name: (name, 0.05) for name in METHODS}
RULES |= {
    "schedule": ("nesterov", WarmUp(Cosine(0.05, n_steps=20), n_steps=3)),
    "one a coordinate": ("adam", np.linspace(0.01, 0.05, 3)),
    "backtracking": ("rmsprop", Backtracking()),
    "barzilai-borwein": ("gradient_descent", BarzilaiBorwein()),
    "polyak": ("gradient_descent", Polyak()),
    "newton's search": ("newton", None),
}
each_rule = pytest.mark.parametrize("rule", RULES)
# One of each kind, where what is tested knows nothing of the method.
KINDS = ("adam", "schedule", "backtracking", "barzilai-borwein", "newton's search")
each_kind = pytest.mark.parametrize("rule", KINDS)
DTYPES = ("bfloat16", "float16", "float32", "float64")


def loss(p):
    return (p["a"] - 1) ** 2 + 4 * jnp.sum(p["b"] ** 2)


def parameters(dtype="float32"):
    return {"a": jnp.array(3.0, dtype), "b": jnp.array([1.0, -0.5], dtype)}


def step_with(transformation, loss=loss):
    """A training step that passes all that a rule may ask for, and more."""

    def step(params, state):
        value, gradient = jax.value_and_grad(loss)(params)
        updates, state = transformation.update(
            gradient, state, params, value=value, grad=gradient, value_fn=loss, of_no_interest=1
        )
        return optax.apply_updates(params, updates), state

    return step


def kinds(tree):
    return jax.tree.map(lambda leaf: (jnp.shape(leaf), leaf.dtype, leaf.weak_type), tree)


def assert_close(left, right, **tolerance):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, **tolerance), left, right)


@pytest.mark.parametrize(
    ("rule", "dtype"),
    [(rule, dtype) for rule in RULES for dtype in DTYPES if rule in KINDS or dtype == "bfloat16"],
)
def test_it_compiles_once_and_no_dtype_changes(rule, dtype):
    with jax.enable_x64(dtype == "float64"):
        transformation = downslope.as_optax(*RULES[rule])
        traces = []

        @jax.jit
        def step(params, state):
            traces.append(kinds(state))
            # A branch is refused where the two sides differ in any dtype or weak type.
            return jax.lax.cond(
                params["a"] > -100, lambda: step_with(transformation)(params, state), lambda: (params, state)
            )

        params, state = parameters(dtype), transformation.init(parameters(dtype))
        first = kinds((params, state))
        before = loss(params)
        for _ in range(4):
            params, state = step(params, state)
            assert kinds((params, state)) == first
        assert len(traces) == 1
        assert all(not leaf.weak_type for leaf in jax.tree.leaves(state))
        assert loss(params) < before  # in half precision, too, it walks downhill


@pytest.mark.parametrize("dtype", DTYPES)
def test_an_update_has_the_gradient_s_dtype_whatever_the_rate_s(dtype):
    with jax.enable_x64(True):
        params = parameters(dtype)
        for rate in (0.1, np.float64(0.1), jnp.array(0.1), jnp.array(0.1, "bfloat16"), np.full(3, 0.1)):
            for name in METHODS:
                transformation = downslope.as_optax(name, rate)
                state = transformation.init(params)
                updates, after = jax.eval_shape(partial(transformation.update, value_fn=loss), params, state, params)
                assert {leaf.dtype.name for leaf in jax.tree.leaves(updates)} == {dtype}
                assert kinds(after) == kinds(state)


def test_leaves_of_several_dtypes_keep_theirs():
    params = {"a": jnp.array(3.0, "float32"), "b": jnp.array([1.0, -0.5], "bfloat16")}
    for method, rate in RULES.values():
        transformation = downslope.as_optax(method, rate)
        state = transformation.init(params)
        new, after = jax.eval_shape(step_with(transformation), params, state)
        assert (kinds(new), kinds(after)) == (kinds(params), kinds(state))


def test_half_precision_is_computed_in_single():
    # In float16 epsilon = 1e-8 is 0, and a zero gradient would be divided by it; in bfloat16 beta2 = 0.999 is 1.
    zero = jnp.zeros(1, "float16")
    adam = downslope.as_optax("adam", 0.1)
    assert adam.update(zero, adam.init(zero))[0].tolist() == [0.0]

    rows = {}
    for dtype in ("bfloat16", "float32"):
        params, state = parameters(dtype), adam.init(parameters(dtype))
        step = jax.jit(step_with(adam))
        for _ in range(30):
            params, state = step(params, state)
        rows[dtype] = [float(params["a"]), *map(float, params["b"])]
    # 30 roundings of points of size 1 to 3 to 8 bits
    np.testing.assert_allclose(rows["bfloat16"], rows["float32"], atol=30 * 2**-9)


@each_kind
def test_a_plain_call_gives_what_a_compiled_one_does(rule):
    transformation = downslope.as_optax(*RULES[rule])
    plain = compiled = (parameters(), transformation.init(parameters()))
    step = step_with(transformation)
    compiled_step = jax.jit(step)
    for _ in range(2):
        plain, compiled = step(*plain), compiled_step(*compiled)
    assert_close(plain, compiled, rtol=1e-5)  # fused operations round differently, by 6e-8 each


@each_kind
def test_parameters_and_state_can_be_donated(rule):
    transformation = downslope.as_optax(*RULES[rule])
    step = jax.jit(step_with(transformation), donate_argnums=(0, 1))
    carry = (params := parameters(), transformation.init(params))
    for _ in range(3):
        carry = step(*carry)
    assert all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves(carry))


def test_a_shape_without_numbers_is_enough_for_a_state():
    params = jax.eval_shape(parameters)
    for method, rate in RULES.values():
        transformation = downslope.as_optax(method, rate)
        assert kinds(transformation.init(params)) == kinds(transformation.init(parameters()))


def test_parameters_may_be_python_numbers():
    transformation = downslope.as_optax("momentum", 0.25)
    updates, _ = transformation.update(jnp.array(2.0), transformation.init(3.0))
    assert updates == -0.5


def test_many_learning_rates_run_at_once():
    def end(rate):
        transformation = downslope.as_optax("momentum", rate)
        step = step_with(transformation)
        carry = (parameters(), transformation.init(parameters()))
        return jax.lax.fori_loop(0, 20, lambda _, carry: step(*carry), carry)[0]["a"]

    rates = jnp.linspace(0.001, 0.1, 5)
    # single precision, fused in two ways
    np.testing.assert_allclose(jax.vmap(end)(rates), [end(rate) for rate in rates], rtol=1e-4)


def test_shardings_stay():
    code = """
import jax, jax.numpy as jnp, downslope
jax.config.update("jax_num_cpu_devices", 2)
mesh = jax.make_mesh((2,), ("x",), axis_types=(jax.sharding.AxisType.Explicit,))
with jax.set_mesh(mesh):
    params = jnp.ones((3, 4, 2), "float16", out_sharding=jax.P(None, "x"))
    for name in sorted(set(downslope.methods.METHODS) - {"newton"}):
        transformation = downslope.as_optax(name, 0.1)
        state = transformation.init(params)
        for update in (transformation.update, jax.jit(transformation.update)):
            updates, after = update(params, state)
            assert jax.typeof(updates) == jax.typeof(params), name
            assert jax.tree.map(jax.typeof, after) == jax.tree.map(jax.typeof, state), name
print("as they were")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "as they were\n", done.stderr


def test_a_count_that_has_come_to_its_end_stays_there():
    last = np.iinfo(np.int32).max
    adam = downslope.as_optax("adam", 0.1)
    params, state = parameters(), adam.init(parameters())
    counts = {"count": jnp.array(last - 2), "method": state.method._replace(n_gradients=jnp.array(last - 2))}
    state = state._replace(**counts)
    step = jax.jit(step_with(adam))
    for _ in range(4):
        params, state = step(params, state)
    assert (state.count, state.method.n_gradients) == (last - 1, last - 1)
    assert params["a"] < 2.8  # and goes on: the first steps of uncorrected means are longer than 0.05 each


# --- optax's wrappers


@each_kind
def test_it_works_in_inject_hyperparams(rule):
    method, rate = RULES[rule]
    plain = downslope.as_optax(method, rate)
    injected = optax.inject_hyperparams(downslope.as_optax)(method=method, learning_rate=rate)
    left = (parameters(), plain.init(parameters()))
    right = (parameters(), injected.init(parameters()))
    plain_step, injected_step = jax.jit(step_with(plain)), jax.jit(step_with(injected))
    for _ in range(3):
        left, right = plain_step(*left), injected_step(*right)
    assert_close(left, (right[0], right[1].inner_state), rtol=1e-5)  # single precision


def test_injected_rates_and_coefficients_can_be_changed_without_compiling_again():
    injected = optax.inject_hyperparams(lambda learning_rate, beta: downslope.as_optax(Momentum(beta), learning_rate))(
        learning_rate=0.1, beta=0.5
    )
    traces = []

    @jax.jit
    def update(gradient, state, params):
        traces.append(gradient)
        return injected.update(gradient, state, params)

    params = jnp.array([1.0])
    updates, state = update(jnp.array([10.0]), injected.init(params), params)
    assert updates.tolist() == [-1.0]
    for rate, beta, expected in ((0.2, 0.5, -2.5), (0.0, 0.5, -1.25), (0.0, 0.0, 0.0)):
        state.hyperparams.update(learning_rate=jnp.float32(rate), beta=jnp.float32(beta))
        updates, state = update(jnp.array([10.0]), state, params)
        assert updates.tolist() == pytest.approx([expected])
    assert len(traces) == 1


def test_the_rate_is_told_where_optax_looks_for_it():
    search = downslope.as_optax("gradient_descent", Backtracking(initial=1.0))
    params = jnp.array([3.0])
    _, state = search.update(params, search.init(params), params, value=4.5, value_fn=lambda p: jnp.sum(p**2) / 2)
    # On the parabola of curvature 1 the full step lands on the minimum.
    assert optax.tree_utils.tree_get(state, "learning_rate") == 1.0

    injected = optax.inject_hyperparams(downslope.as_optax)("adam", learning_rate=0.1)
    assert optax.tree_utils.tree_get(injected.init(params), "learning_rate") == pytest.approx(0.1)


@each_kind
def test_gradients_add_up_in_multi_steps(rule):
    transformation = downslope.as_optax(*RULES[rule])
    every_other = optax.MultiSteps(transformation, every_k_schedule=2)
    step = jax.jit(step_with(every_other))
    params, state = step(parameters(), every_other.init(parameters()))
    assert_close(params, parameters(), rtol=0)
    params, state = step(params, state)
    expected, _ = jax.jit(step_with(transformation))(parameters(), transformation.init(parameters()))
    assert_close(params, expected, rtol=1e-6)  # the mean of two equal gradients, in single precision


@each_kind
def test_a_gradient_that_is_not_finite_is_skipped_by_apply_if_finite(rule):
    guarded = optax.apply_if_finite(downslope.as_optax(*RULES[rule]), max_consecutive_errors=3)
    params, state = jax.jit(step_with(guarded))(parameters(), guarded.init(parameters()))
    nan = jax.tree.map(lambda leaf: leaf * jnp.nan, params)
    updates, after = jax.jit(partial(guarded.update, value_fn=loss))(nan, state, params, value=jnp.nan)
    assert_close(updates, jax.tree.map(jnp.zeros_like, params), rtol=0)
    # A search has counted the step, which it refused by itself.
    remembered = state.inner_state._asdict().keys() - {"count", "learning_rate"}
    for part in remembered:
        assert_close(getattr(after.inner_state, part), getattr(state.inner_state, part), rtol=0)


def test_chained_masked_and_partitioned_it_is_a_transformation_like_any_other():
    params, gradient = parameters(), jax.grad(loss)(parameters())
    clipped = optax.chain(optax.clip_by_global_norm(1.0), downslope.as_optax("momentum", 0.1))
    norm = jnp.sqrt(sum(jnp.sum(g**2) for g in gradient.values()))
    updates, _ = clipped.update(gradient, clipped.init(params), params)
    assert_close(updates, jax.tree.map(lambda g: -0.1 * g / norm, gradient), rtol=1e-6)

    masked = optax.masked(downslope.as_optax("adam", 0.1), {"a": True, "b": False})
    updates, _ = masked.update(gradient, masked.init(params), params)
    assert_close(updates, {"a": -0.1, "b": gradient["b"]}, rtol=1e-5)  # 1 - 0.999 in single precision

    rules = {"fast": downslope.as_optax("sign_descent", 0.5), "slow": downslope.as_optax(Normalised(), 0.25)}
    split = optax.multi_transform(rules, {"a": "fast", "b": "slow"})
    updates, _ = split.update(gradient, split.init(params), params)
    expected = {"a": -0.5, "b": -0.25 * gradient["b"] / jnp.linalg.norm(gradient["b"])}
    assert_close(updates, expected, rtol=1e-6)


class Normalised(downslope.Method):
    def init(self, x):
        return ()

    def update(self, gradient, state, learning_rate):
        return -learning_rate * gradient / (gradient @ gradient) ** 0.5, state


def test_optax_finds_what_is_shaped_as_the_parameters():
    adam = downslope.as_optax("adam", 0.1)
    state = adam.init(parameters())
    marked = optax.tree_utils.tree_map_params(adam, lambda _: "theirs", state, transform_non_params=lambda _: "ours")
    theirs = {"a": "theirs", "b": "theirs"}
    assert marked.method._asdict() == {"mean": theirs, "mean_square": theirs, "n_gradients": "ours"}
    assert marked.count == "ours"


# --- searches, and what they need

ASKED = {
    "newton at rate one": (Newton(), 1.0, {"params", "value_fn"}),
    "newton's search": (Newton(), None, {"params", "value", "value_fn"}),
    "backtracking": (GradientDescent(), None, {"params", "value", "value_fn"}),
    "polyak": (GradientDescent(), Polyak(), {"params", "value"}),
    "barzilai-borwein": (GradientDescent(), BarzilaiBorwein(), {"params"}),
    "momentum": (Momentum(), 0.1, set()),
}


@pytest.mark.parametrize("case", ASKED)
def test_an_argument_that_is_missing_is_named_with_the_call_that_has_it(case):
    method, rate, asked = ASKED[case]
    transformation = downslope.as_optax(method, rate)
    params = parameters()
    gradient, state = jax.grad(loss)(params), transformation.init(params)
    given = {"params": params, "value": loss(params), "value_fn": loss}
    needed = {name: given[name] for name in asked}
    updates, _ = transformation.update(gradient, state, **needed)
    assert loss(optax.apply_updates(params, updates)) < loss(params)
    for name in asked:
        rest = {other: given[other] for other in asked - {name}}
        with pytest.raises(InvalidInput, match=rf"`{name}` must be given .*update\(grads, state, params, value=\.\.\."):
            transformation.update(gradient, state, **rest)


def test_a_value_function_is_given_the_extra_arguments_that_it_has_parameters_for():
    def on_batch(p, batch):
        return jnp.mean((p["a"] - batch) ** 2) + jnp.sum(p["b"] ** 2)

    newton, params, batch = downslope.as_optax(Newton(), 1.0), parameters(), jnp.array([1.0, 3.0])
    gradient = jax.grad(on_batch)(params, batch)
    updates, _ = newton.update(gradient, newton.init(params), params, value_fn=on_batch, batch=batch, other=1)
    assert_close(optax.apply_updates(params, updates), {"a": 2.0, "b": [0.0, 0.0]}, atol=1e-6)


@pytest.mark.parametrize("value", [np.inf, np.nan, 5.0])
def test_where_no_rate_passes_nothing_moves_but_the_count(value):
    transformation = downslope.as_optax("rmsprop")
    params = parameters()
    state = transformation.init(params)
    # The gradient points uphill, so no trial is low enough.
    gradient = jax.tree.map(jnp.negative, jax.grad(loss)(params))
    updates, after = jax.jit(partial(transformation.update, value_fn=loss))(gradient, state, params, value=value)
    assert_close(updates, jax.tree.map(jnp.zeros_like, params), rtol=0)
    assert_close(after, state._replace(count=jnp.array(1)), rtol=0)  # the rate is 0, as before


# --- what is refused

BAD = {
    "an unknown name": (("adamm",), "Did you mean 'adam'"),
    "a coefficient out of range": ((Momentum(beta=1.5),), r"`Momentum.beta` must be in \[0, 1\); got 1.5"),
    "a coefficient that is no number": ((Momentum(beta="0.9"),), r"`Momentum.beta` must be a number in \[0, 1\)"),
    "a negative rate": (("adam", -0.1), "`learning_rate` must be positive and finite; got -0.1"),
    "a rate in words": (("adam", "fast"), "`learning_rate` must be a positive number"),
    "momentum with a search": (("momentum", Backtracking()), "may point uphill"),
    "a bad schedule": (("adam", Cosine(-1.0)), "`Cosine.rate` must be positive"),
    "a transformation": ((optax.adam(0.1),), "`method` must be"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_parameter_is_refused_at_once(case):
    arguments, message = BAD[case]
    with pytest.raises(InvalidInput, match=message):
        downslope.as_optax(*arguments)


def test_complex_parameters_are_refused():
    for transformation in (downslope.as_optax("momentum"), downslope.as_optax("newton")):
        with pytest.raises(InvalidInput, match="`params` must be real"):
            transformation.init({"a": jnp.array(1j)})


def test_rates_that_do_not_fit_the_parameters_are_refused():
    for method in ("momentum", "newton"):
        transformation = downslope.as_optax(method, [0.1, 0.2])
        with pytest.raises(InvalidInput, match=r"flat array of 3, one a coordinate; got the shape \(2,\)"):
            transformation.update(
                parameters(), transformation.init(parameters()), parameters(), value=1.0, value_fn=loss
            )


def test_without_optax_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "optax", None)
    with pytest.raises(MissingExtra, match=r'as_optax needs optax: pip install "downslope\[optax\]"'):
        downslope.as_optax("adam")
