"""Laws that hold for any numbers: descent, equivariance, bounds, restarts, noise, and engines that agree."""

import math

import numpy as np
import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

import downslope
from downslope.learning_rates import BarzilaiBorwein, Constant, GeometricDecay
from downslope.methods import (
    METHODS,
    AdaGrad,
    Adam,
    GradientDescent,
    Momentum,
    Nesterov,
    Newton,
    RMSProp,
    SignDescent,
)

# Numbers come from a seeded generator: round ones would land on points where the gradient is exactly zero,
# and where rounding alone decides which way sign descent goes.
# They do not shrink to anything simpler, so that phase is left out.
UNSHRUNK = (Phase.explicit, Phase.generate)
generators = st.integers(0, 2**32 - 1).map(np.random.default_rng)


def bowl(p):
    x, y = p
    return 2.5 * x * x + 0.6 * x * y + 0.5 * y * y


BOWL_HESSIAN = np.array([[5.0, 0.6], [0.6, 1.0]])
BOWL_L = np.linalg.eigvalsh(BOWL_HESSIAN)[-1]


def soft_v(p):
    """Convex, not quadratic; curved by 1 at least, so that Newton's full steps do not fly off."""
    return np.log(np.cosh(p[0] - 0.3)) + np.log(np.cosh(p[1] + p[0] / 4)) + 0.5 * (p[0] ** 2 + p[1] ** 2)


FUNCTIONS = {"bowl": bowl, "soft_v": soft_v, "himmelblau": downslope.gallery.get("himmelblau").fun}


def random_quadratic(rng, n):
    """Hessian, loss and gradient of a convex quadratic with a known minimum."""
    A = rng.normal(size=(n, n))
    H, middle = A @ A.T, rng.normal(size=n)
    return H, lambda x: 0.5 * (x - middle) @ H @ (x - middle), lambda x: H @ (x - middle)


@given(rng=generators, n=st.integers(1, 4), share=st.floats(0.01, 0.99))
def test_below_two_over_L_the_loss_never_rises(rng, n, share):
    H, fun, jac = random_quadratic(rng, n)
    L = np.linalg.eigvalsh(H)[-1]
    start = 5 * rng.normal(size=n)
    run = downslope.minimize(fun, start, jac=jac, learning_rate=share * 2 / L, max_steps=30, engine="eager")
    # A loss is a sum of n^2 products: it rounds to about n^2 1e-16 of the first one.
    assert np.all(np.diff(run.losses) <= 1e-14 * run.losses[0])


@given(rng=generators, n=st.integers(1, 4))
def test_at_one_over_L_each_step_lowers_the_loss_by_the_descent_lemma(rng, n):
    H, fun, jac = random_quadratic(rng, n)
    L = np.linalg.eigvalsh(H)[-1]
    run = downslope.minimize(fun, 5 * rng.normal(size=n), jac=jac, learning_rate=1 / L, max_steps=30, engine="eager")
    squares = np.array([np.sum(jac(x) ** 2) for x in run.path[:-1]])
    assert np.all(-np.diff(run.losses) >= squares / (2 * L) - 1e-14 * run.losses[0])


@pytest.mark.slow
@pytest.mark.parametrize("kind", [Momentum, Nesterov])
@given(rng=generators)
def test_beta_zero_is_plain_gradient_descent(kind, rng):
    options = {"learning_rate": rng.uniform(0.01, 0.3), "max_steps": 30}
    start = rng.normal(size=2)
    for engine in ("eager", "compiled"):
        plain = downslope.minimize(bowl, start, engine=engine, **options)
        heavy = downslope.minimize(bowl, start, engine=engine, method=kind(beta=0.0), **options)
        assert heavy.status is plain.status
        if engine == "eager":
            np.testing.assert_array_equal(heavy.path, plain.path)
            np.testing.assert_array_equal(heavy.losses, plain.losses)
        else:  # 0 v - a g may be fused into one rounding: the last bit of each of 30 contracting steps
            np.testing.assert_allclose(heavy.path, plain.path, rtol=0, atol=1e-14)


METHODS_AT_A_RATE = (GradientDescent(), Momentum(), Nesterov(), AdaGrad(), RMSProp(), Adam(), SignDescent())


@given(rng=generators, method=st.sampled_from(METHODS_AT_A_RATE))
def test_a_shifted_function_gives_the_shifted_path(rng, method):
    H, fun, jac = random_quadratic(rng, 2)
    start, shift = rng.normal(size=2), 10 * rng.normal(size=2)
    rate = 0.5 / np.linalg.eigvalsh(H)[-1] if method in METHODS_AT_A_RATE[:3] else 0.0137
    options = {"method": method, "learning_rate": rate, "max_steps": 25, "gradient_tolerance": None}
    here = downslope.minimize(fun, start, jac=jac, engine="eager", **options)
    there = downslope.minimize(
        lambda x: fun(x - shift), start + shift, jac=lambda x: jac(x - shift), engine="eager", **options
    )
    # x - shift rounds to 1e-15 (the shift is of size 10 to 30); below the stability limit 25 steps add that
    # up. Where the gradient's size divides, a gradient near 0 loses digits, for which there is room.
    np.testing.assert_allclose(there.path - shift, here.path, rtol=0, atol=1e-10)


@given(rng=generators, name=st.sampled_from(sorted(set(METHODS) - {"newton"})))
def test_rates_per_coordinate_are_separate_runs(rng, name):
    # On a + b, each function of its own coordinate; all rules but Newton's work coordinate by coordinate.
    rates, start = rng.uniform(0.01, 0.2, size=2), rng.normal(size=2)
    options = {"method": name, "max_steps": 20, "gradient_tolerance": None, "engine": "eager"}
    both = downslope.minimize(lambda x: x[0] ** 2 + np.cosh(x[1]), start, learning_rate=rates, **options)
    for i, fun in enumerate((lambda x: x**2, np.cosh)):
        alone = downslope.minimize(fun, start[i], learning_rate=rates[i], **options)
        # The same operations; only the compiled gradient may group them in another way.
        np.testing.assert_allclose(both.path[:, i], alone.path, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(both.learning_rates[:-1], np.broadcast_to(rates, (20, 2)))


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["compiled", "eager"])
@given(
    rng=generators,
    n=st.integers(0, 20),
    m=st.integers(0, 20),
    method=st.sampled_from(["sign_descent", "gradient_descent", "newton"]),
)
@settings(max_examples=20, phases=UNSHRUNK)
def test_a_method_without_memory_goes_on_from_where_it_stopped(engine, rng, n, m, method):
    def run(x0, max_steps):
        return downslope.minimize(
            "himmelblau",
            x0,
            method=method,
            learning_rate=0.011,
            max_steps=max_steps,
            gradient_tolerance=None,
            engine=engine,
        )

    start = rng.normal(size=2)
    whole, first = run(start, n + m), run(start, n)
    second = run(first.x, m)
    np.testing.assert_array_equal(whole.path, np.concatenate([first.path, second.path[1:]]))
    np.testing.assert_array_equal(whole.losses, np.concatenate([first.losses, second.losses[1:]]))


class TestNoise:
    """Gradients with normal noise."""

    @staticmethod
    def run(seed, engine="compiled", noise=0.5, **options):
        options = {"learning_rate": 0.1, "max_steps": 50, "gradient_tolerance": None, **options}
        return downslope.minimize("bowl_2d", [3.0, -2.0], noise=noise, seed=seed, engine=engine, **options)

    @given(seed=st.integers(0, 2**32 - 1))
    @settings(max_examples=15, phases=UNSHRUNK)
    def test_a_seed_is_a_path_and_another_seed_another(self, seed):
        first, again, other = self.run(seed), self.run(seed), self.run((seed + 1) % 2**32)
        np.testing.assert_array_equal(first.path, again.path)
        assert np.all(first.path[1:] != other.path[1:])

    @pytest.mark.slow
    @given(seed=st.integers(0, 2**32 - 1), method=st.sampled_from(["gradient_descent", "nesterov", "adam"]))
    @settings(max_examples=15, phases=UNSHRUNK)
    def test_the_engines_draw_the_same_noise(self, seed, method):
        compiled, eager = (self.run(seed, engine, method=method) for engine in ("compiled", "eager"))
        # The normal numbers come from one generator, whose erfinv is compiled in two ways: a few 1e-16 each.
        np.testing.assert_allclose(compiled.path, eager.path, rtol=0, atol=1e-12)

    def test_two_coordinates_and_two_steps_have_noise_of_their_own(self):
        run = self.run(7, max_steps=400)
        gradients = np.array([run.objective.gradient(x) for x in run.path[:-1]])
        noise = -np.diff(run.path, axis=0) / 0.1 - gradients
        # 400 draws: a correlation has the standard error 1 / 20.
        assert abs(np.corrcoef(noise[:, 0], noise[:, 1])[0, 1]) < 0.2
        assert abs(np.corrcoef(noise[:-1, 0], noise[1:, 0])[0, 1]) < 0.2
        assert noise.std() == pytest.approx(0.5, rel=0.15)  # standard error 1 / sqrt(2 * 800), 2.5 %
        assert abs(noise.mean()) < 4 * 0.5 / math.sqrt(800)

    def test_a_parabola_s_point_wanders_around_its_minimum_with_the_known_variance(self):
        # x <- (1 - 2a) x - a sigma xi is an AR(1) walk of variance a^2 sigma^2 / (1 - (1 - 2a)^2).
        a, sigma, n = 0.1, 0.5, 40_000
        run = downslope.minimize("x^2", 0.1, learning_rate=a, noise=sigma, seed=3, max_steps=n, gradient_tolerance=None)
        variance = a**2 * sigma**2 / (1 - (1 - 2 * a) ** 2)
        independent = n * 2 * a  # the walk forgets in 1 / (2a) steps
        assert abs(run.path.mean()) < 4 * math.sqrt(2 * variance / independent)
        assert run.path.var() == pytest.approx(variance, rel=4 * math.sqrt(2 / independent))


def random_method(rng, name):
    """An instance with coefficients drawn anew, and a rate below the limits of the functions above.

    RMSProp's memory is long and its rate small: its bouncing doubles a difference at every step otherwise.
    """
    beta = rng.uniform(0, 0.95)
    return {
        "sign_descent": (SignDescent(), rng.uniform(0.001, 0.1)),
        "gradient_descent": (GradientDescent(), rng.uniform(0.001, 0.01)),
        "momentum": (Momentum(beta=beta), rng.uniform(0.0001, 0.003)),
        "nesterov": (Nesterov(beta=beta), rng.uniform(0.0001, 0.003)),
        "adagrad": (AdaGrad(), rng.uniform(0.01, 0.3)),
        "rmsprop": (RMSProp(rho=rng.uniform(0.9, 0.99)), rng.uniform(0.001, 0.01)),
        "adam": (Adam(beta1=beta, beta2=rng.uniform(0.9, 0.999)), rng.uniform(0.001, 0.02)),
        "newton": (Newton(), rng.uniform(0.1, 1.0)),
    }[name]


@pytest.mark.sampled
@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("function", FUNCTIONS)
@given(rng=generators, max_steps=st.integers(0, 60), tolerance=st.sampled_from([None, 1e-6, 0.3]))
@settings(max_examples=10, phases=UNSHRUNK)
def test_the_engines_agree(name, function, rng, max_steps, tolerance):
    method, rate = random_method(rng, name)
    # Around a minimum each: elsewhere on Himmelblau's function the Hessian is nearly singular on curves, beside
    # which Newton's steps are as long as rounding likes.
    start = rng.uniform(-1, 1, size=2) + ((3, 2) if function == "himmelblau" else (0, 0))
    check_engines_agree(
        FUNCTIONS[function],
        start,
        method=method,
        learning_rate=rate,
        max_steps=max_steps,
        gradient_tolerance=tolerance,
        # Near a minimum these bounce, and a difference grows with each bounce.
        digits=1e-9 if name in ("rmsprop", "adam") else 1e-12,
    )


@pytest.mark.sampled
@pytest.mark.parametrize(
    "rate", [None, BarzilaiBorwein(), GeometricDecay(0.01, 0.9), Constant(np.array([0.01, 0.02]))], ids=str
)
@pytest.mark.parametrize("bounds", [None, (-2.0, 2.5)])
@given(rng=generators, max_steps=st.integers(0, 12))
@settings(max_examples=10, phases=UNSHRUNK)
def test_the_engines_agree_whatever_sets_the_rate(rate, bounds, rng, max_steps):
    start = rng.uniform(-2, 2, size=2)
    # Barzilai and Borwein divide by differences of gradients, which loses digits where the curvature is near zero.
    digits = 1e-8 if isinstance(rate, BarzilaiBorwein) else 1e-12
    check_engines_agree("himmelblau", start, digits, learning_rate=rate, bounds=bounds, max_steps=max_steps)


def check_engines_agree(fun, start, digits=1e-12, **options):
    compiled, eager = (downslope.minimize(fun, start, engine=engine, **options) for engine in ("compiled", "eager"))
    assume(not np.any(np.abs(compiled.gradient_norms - (options.get("gradient_tolerance") or 0)) < 1e-9))
    assert (compiled.status, compiled.n_steps) == (eager.status, eager.n_steps)
    assert compiled.n_evaluations == eager.n_evaluations
    for name in ("path", "losses", "gradient_norms", "learning_rates"):
        ours, reference = getattr(compiled, name), getattr(eager, name)
        # Fused multiply-adds round differently, by 1e-16 of the largest number a step: 1e-12 for 60 steps.
        scale = max(1.0, float(np.nanmax(np.abs(reference), initial=0.0)))
        np.testing.assert_allclose(ours, reference, rtol=digits, atol=digits * scale)
