"""The multipliers of a method are what theory says, on quadratics of chosen curvatures, and what its runs then do.

A search for where the unit circle is crossed is asked for 1e-6, relative: it allows 1e-9 outside of the circle for
rounding, and a multiplier moves by about its rate's share of 1 to 40 as the rate does.
"""

from dataclasses import dataclass
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
import optax
import pytest
import torch

import downslope
from downslope import AdaGrad, Adam, GradientDescent, Momentum, Nesterov, Newton, RMSProp, SignDescent
from downslope.analysis.multipliers import stability
from downslope.analysis.update_map import NotLinearError, update_map, whole_map
from downslope.methods import METHODS, Method, as_method

SEARCHED = 1e-6
ROUNDING = 1e-10
"""Eigenvalues of matrices of a few rows, of size 1 and conditioned up to about 1e4, in double precision."""
BETAS = (0.0, 0.5, 0.9, 0.99)
SPECTRA = {
    "one": [2.0],
    "equal": [3.0, 3.0],
    "ravine": [1.0, 100.0],
    "three": [0.2, 1.0, 7.0],
    "badly scaled": [1e-3, 0.5, 30.0, 1e4],
}
each_spectrum = pytest.mark.parametrize("curvatures", SPECTRA.values(), ids=SPECTRA)


def rotation(n, seed=0):
    """A random one: the Q of a matrix of normal numbers."""
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((n, n)))[0]


def matrix(curvatures, seed=0):
    """A symmetric matrix with these eigenvalues, along random directions."""
    Q = rotation(len(curvatures), seed)
    H = Q @ np.diag(curvatures) @ Q.T
    return (H + H.T) / 2


def quadratic(H):
    return lambda x: 0.5 * x @ H @ x


@dataclass(frozen=True)
class Tripled(Method):
    """Gradient descent that goes three times as far as its rate says."""

    def init(self, x):
        return ()

    def update(self, gradient, state, learning_rate):
        return -3 * learning_rate * gradient, state


@dataclass(frozen=True)
class Mixing(Method):
    """Each coordinate hears its mirror image's slope as well."""

    share: float = 0.5

    def init(self, x):
        return ()

    def update(self, gradient, state, learning_rate):
        return -learning_rate * (gradient + self.share * gradient[::-1]), state

    def matrix(self, n):
        return np.eye(n) + self.share * np.eye(n)[::-1]


class Averaged(NamedTuple):
    mean: object


@dataclass(frozen=True)
class MixingMomentum(Method):
    """Heavy ball whose velocity is shared: half of each coordinate's comes from the mean of all."""

    beta: float = 0.8

    def init(self, x):
        return Averaged(0 * x)

    def update(self, gradient, state, learning_rate):
        shared = 0.5 * state.mean + 0.5 * state.mean.mean()
        velocity = self.beta * shared - learning_rate * gradient
        return velocity, Averaged(velocity)

    def jacobian(self, H, rate):
        n = len(H)
        share = self.beta * (0.5 * np.eye(n) + 0.5 * np.ones((n, n)) / n)
        return np.block([[np.eye(n) - rate * H, share], [-rate * H, share]])


class TestTheLargestStableRate:
    """Where the first multiplier leaves the unit circle."""

    @each_spectrum
    def test_of_gradient_descent_is_2_over_L(self, curvatures):
        found = stability(GradientDescent(), np.array(curvatures), rate=0.01)
        assert found.largest_stable == pytest.approx(2 / curvatures[-1], rel=SEARCHED)

    @each_spectrum
    @pytest.mark.parametrize("beta", BETAS)
    def test_of_heavy_ball_is_2_times_1_plus_beta_over_L(self, curvatures, beta):
        found = stability(Momentum(beta=beta), np.array(curvatures), rate=0.01)
        assert found.largest_stable == pytest.approx(2 * (1 + beta) / curvatures[-1], rel=SEARCHED)

    @each_spectrum
    @pytest.mark.parametrize("beta", BETAS)
    def test_of_nesterov_is_less_by_1_plus_2_beta(self, curvatures, beta):
        found = stability(Nesterov(beta=beta), np.array(curvatures), rate=0.01)
        expected = 2 * (1 + beta) / ((1 + 2 * beta) * curvatures[-1])
        assert found.largest_stable == pytest.approx(expected, rel=SEARCHED)

    @each_spectrum
    def test_of_newton_is_2_whatever_the_curvatures(self, curvatures):
        found = stability(Newton(), np.array(curvatures), rate=0.5, hessian=matrix(curvatures))
        assert found.largest_stable == pytest.approx(2.0, rel=SEARCHED)
        # (1 - a) in every direction, and so the whole way at a = 1.
        np.testing.assert_allclose(found.multipliers, 0.5, rtol=0, atol=1e-9)
        assert found.best_rate == pytest.approx(1.0, rel=SEARCHED)
        assert found.best_factor == pytest.approx(0.0, abs=SEARCHED)

    @each_spectrum
    def test_of_adagrad_with_its_scaling_held_is_2_over_the_largest_scaled_curvature(self, curvatures):
        found = stability(AdaGrad(), np.array(curvatures), rate=0.01)
        assert found.is_scaled
        assert not found.forgets
        assert found.largest_stable == pytest.approx(2 / curvatures[-1], rel=SEARCHED)

    @pytest.mark.slow
    @pytest.mark.parametrize("seed", range(3))
    def test_of_an_adagrad_run_is_that_of_gradient_descent_on_what_its_scaling_makes_of_the_hessian(self, seed):
        H = matrix([0.5, 2.0, 9.0], seed)
        run = downslope.minimize(
            quadratic(H), [1.0, -2.0, 1.5], method="adagrad", learning_rate=1.0, gradient_tolerance=1e-9
        )
        slopes = run.path[:-1] @ H  # the gradients that the method has squared and added up
        root = 1 / np.sqrt(np.sqrt((slopes**2).sum(axis=0)) + 1e-10)
        largest = np.linalg.eigvalsh(root[:, None] * H * root)[-1]
        found = run.explain(suggest=False).stability
        assert found.is_scaled
        assert found.largest_stable == pytest.approx(2 / largest, rel=SEARCHED)

    @pytest.mark.parametrize("beta1", [0.0, 0.5, 0.9, 0.95])
    @pytest.mark.parametrize("rate", [1e-3, 0.1])
    def test_of_adam_is_a_threshold_of_the_scaled_curvature(self, beta1, rate):
        # x <- x - a m, m <- b m + (1 - b) c x leaves the circle at -1: a c (1 - b) = 2 (1 + b); 38 / rate for 0.9
        # (Cohen et al. 2022).
        found = stability(Adam(beta1=beta1), np.array([0.5, 3.0]), rate=rate)
        assert found.forgets
        assert found.most_curvature == pytest.approx(2 * (1 + beta1) / ((1 - beta1) * rate), rel=SEARCHED)
        if beta1 == 0.9:
            assert found.most_curvature == pytest.approx(38 / rate, rel=SEARCHED)

    def test_of_rmsprop_is_not_claimed(self):
        found = stability(RMSProp(), np.array([0.5, 3.0]), rate=0.1)
        assert found.forgets
        assert found.most_curvature == pytest.approx(2 / 0.1, rel=SEARCHED)

    @each_spectrum
    def test_of_a_rule_of_one_s_own_has_its_hidden_factor(self, curvatures):
        found = stability(Tripled(), np.array(curvatures), rate=0.01)
        assert found.largest_stable == pytest.approx(2 / (3 * curvatures[-1]), rel=SEARCHED)

    @pytest.mark.sampled
    @each_spectrum
    def test_of_a_rule_that_mixes_coordinates_comes_from_the_whole_jacobian(self, curvatures):
        n = len(curvatures)
        H, rule = matrix(curvatures, seed=4), Mixing()
        if n == 1:
            pytest.skip("nothing to mix")
        found = stability(rule, np.array(curvatures), rate=0.01, hessian=H)
        # I + share * flip and H are both positive definite, so their product's eigenvalues are real and positive.
        products = np.linalg.eigvals(rule.matrix(n) @ H).real
        assert found.largest_stable == pytest.approx(2 / products.max(), rel=SEARCHED)

    def test_of_a_rule_that_mixes_its_memory_is_where_its_own_jacobian_leaves_the_circle(self):
        curvatures = [0.5, 2.0, 8.0]
        H, rule = matrix(curvatures, seed=5), MixingMomentum()
        found = stability(rule, np.array(curvatures), rate=0.01, hessian=H)

        def radius(rate):
            return np.abs(np.linalg.eigvals(rule.jacobian(H, rate))).max()

        low, high = 1e-3, 10.0
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if radius(middle) <= 1 else (low, middle)
        assert found.largest_stable == pytest.approx(low, rel=SEARCHED)

    def test_is_over_the_positive_curvatures_alone(self):
        found = stability(GradientDescent(), np.array([-1.0, 0.0, 4.0]), rate=0.1)
        assert found.largest_stable == pytest.approx(0.5, rel=SEARCHED)
        np.testing.assert_allclose(found.multipliers[:, 0], [1.1, 1.0, 0.6], rtol=0, atol=ROUNDING)

    def test_is_none_where_no_curvature_is_positive(self):
        found = stability(GradientDescent(), np.array([-1.0, 0.0]), rate=0.1)
        assert found.largest_stable is None
        assert found.best_rate is None
        assert found.factor is None


class TestTheBestConstantRate:
    @each_spectrum
    def test_of_gradient_descent_is_2_over_L_plus_mu_and_shrinks_by_k_minus_1_over_k_plus_1(self, curvatures):
        found = stability(GradientDescent(), np.array(curvatures), rate=0.01)
        low, high = curvatures[0], curvatures[-1]
        k = high / low
        assert found.best_rate == pytest.approx(2 / (low + high), rel=SEARCHED)
        assert found.best_factor == pytest.approx((k - 1) / (k + 1), abs=SEARCHED)

    @pytest.mark.parametrize("beta", [0.25, 0.81])
    def test_of_heavy_ball_is_where_both_ends_shrink_alike(self, beta):
        # In Polyak's tuning the whole range of curvatures is complex, of modulus sqrt(beta): there is nothing better.
        low, high = 1.0, ((1 + np.sqrt(beta)) / (1 - np.sqrt(beta))) ** 2
        found = stability(Momentum(beta=beta), np.array([low, high]), rate=0.01)
        assert found.best_factor == pytest.approx(np.sqrt(beta), abs=1e-3)  # a double root: errors enter by their root
        assert found.best_rate == pytest.approx((1 - np.sqrt(beta)) ** 2 / low, rel=1e-3)

    def test_more_curvatures_between_the_ends_change_nothing(self):
        many = np.sort(np.concatenate([[0.1, 50.0], np.random.default_rng(2).uniform(0.1, 50.0, 200)]))
        found = stability(GradientDescent(), many, rate=0.01)
        assert found.largest_stable == pytest.approx(2 / 50, rel=SEARCHED)
        assert found.best_rate == pytest.approx(2 / 50.1, rel=SEARCHED)
        assert found.factor_at(0.02) == pytest.approx(1 - 0.02 * 0.1, abs=ROUNDING)


class TestTheMultipliers:
    @each_spectrum
    @pytest.mark.parametrize("rate", [0.01, 0.3, 1.7])
    def test_of_gradient_descent_are_1_minus_a_c(self, curvatures, rate):
        curvatures = np.array(curvatures)
        found = stability(GradientDescent(), curvatures, rate=rate)
        expected = 1 - rate * curvatures
        np.testing.assert_allclose(found.multipliers[:, 0], expected, rtol=ROUNDING, atol=ROUNDING)
        assert found.factor == pytest.approx(np.abs(expected).max(), rel=ROUNDING)

    @pytest.mark.parametrize("beta", [0.5, 0.9, 0.99])
    @pytest.mark.parametrize("ac", [0.001, 0.3, 1.0, 2.5, 4.1])
    def test_of_heavy_ball_are_the_roots_of_its_polynomial(self, beta, ac):
        # z^2 - (1 + b - a c) z + b
        found = update_map(Momentum(beta=beta)).multipliers([ac / 2], [2.0])[0]
        assert found.sum() == pytest.approx(1 + beta - ac, abs=ROUNDING)
        assert found.prod() == pytest.approx(beta, abs=ROUNDING)

    @pytest.mark.parametrize("beta", [0.5, 0.9])
    @pytest.mark.parametrize("ac", [0.001, 0.3, 1.0, 1.4])
    def test_of_nesterov_are_the_roots_of_its_polynomial(self, beta, ac):
        # z^2 - (1 + b)(1 - a c) z + b (1 - a c)
        found = update_map(Nesterov(beta=beta)).multipliers([ac / 2], [2.0])[0]
        assert found.sum() == pytest.approx((1 + beta) * (1 - ac), abs=ROUNDING)
        assert found.prod() == pytest.approx(beta * (1 - ac), abs=ROUNDING)

    @pytest.mark.sampled
    @each_spectrum
    @pytest.mark.parametrize(
        "rule", [GradientDescent(), Momentum(beta=0.7), Nesterov(beta=0.6), Tripled()], ids=lambda rule: repr(rule)
    )
    def test_at_each_curvature_are_together_the_eigenvalues_of_the_whole_map(self, curvatures, rule):
        rate = 0.37 / curvatures[-1]
        small = update_map(rule).multipliers(rate, np.array(curvatures)).ravel()
        whole = np.linalg.eigvals(whole_map(rule, matrix(curvatures, seed=3))(rate))
        assert len(small) == len(whole)
        # Defective pairs would split by the root of rounding; this rate makes none. 1e-7 leaves room for near ones.
        for value in small:
            assert np.abs(whole - value).min() < 1e-7

    def test_of_the_whole_map_of_gradient_descent_is_the_identity_less_a_H(self):
        H = matrix([1.0, 2.0, 5.0])
        np.testing.assert_allclose(whole_map(GradientDescent(), H)(0.3), np.eye(3) - 0.3 * H, rtol=0, atol=1e-12)

    @pytest.mark.parametrize("curvatures", [[2.0], [0.5, 8.0], [-3.0, 0.0, 2.0, 4.0]])
    def test_turn_negative_from_1_over_L_for_gradient_descent(self, curvatures):
        found = stability(GradientDescent(), np.array(curvatures), rate=0.01)
        assert found.zigzag_from == pytest.approx(1 / curvatures[-1], rel=SEARCHED)

    def test_turn_negative_from_1_plus_root_beta_squared_for_heavy_ball(self):
        # Real again beyond (1 + sqrt b)^2 / L, and then both negative.
        found = stability(Momentum(beta=0.49), np.array([0.5, 8.0]), rate=0.01)
        assert found.zigzag_from == pytest.approx((1 + 0.7) ** 2 / 8, rel=SEARCHED)

    def test_the_leading_one_is_that_of_the_steepest_where_several_tie(self):
        # At 2 / (mu + L) the two ends have opposite signs and one size.
        found = stability(GradientDescent(), np.array([1.0, 3.0]), rate=0.5)
        assert found.leading == pytest.approx(-0.5, abs=ROUNDING)


def limited(transformation, curvatures, rate=1.0, n_steps=0):
    return stability(as_method(transformation), np.array(curvatures), rate, n_steps=n_steps)


class TestRulesOfOtherLibraries:
    CURVATURES = (0.5, 8.0)

    @pytest.mark.parametrize("beta", [0.5, 0.9])
    def test_optax_momentum_has_theory_s_limit_as_a_factor_on_its_own_rate(self, beta):
        found = limited(optax.sgd(0.01, momentum=beta), self.CURVATURES)
        assert found.is_factor
        assert found.largest_stable == pytest.approx(2 * (1 + beta) / (8.0 * 0.01), rel=SEARCHED)

    def test_optax_nesterov_too(self):
        found = limited(optax.sgd(0.02, momentum=0.9, nesterov=True), self.CURVATURES)
        assert found.largest_stable == pytest.approx(2 * 1.9 / (2.8 * 8.0 * 0.02), rel=SEARCHED)

    @pytest.mark.slow
    def test_clipping_does_not_show_where_slopes_are_small(self):
        found = limited(optax.chain(optax.clip_by_global_norm(1.0), optax.sgd(0.05)), self.CURVATURES)
        assert found.largest_stable == pytest.approx(2 / (8.0 * 0.05), rel=SEARCHED)

    def test_injected_numbers_count_as_they_are(self):
        found = limited(optax.inject_hyperparams(optax.sgd)(learning_rate=0.1), self.CURVATURES)
        # inject_hyperparams may keep the rate in single precision.
        assert found.largest_stable == pytest.approx(2 / (8.0 * 0.1), rel=SEARCHED)

    def test_a_schedule_counts_at_the_run_s_last_step(self):
        schedule = optax.exponential_decay(0.1, transition_steps=10, decay_rate=0.5)
        found = limited(optax.sgd(schedule), self.CURVATURES, n_steps=20)
        assert found.largest_stable == pytest.approx(2 / (8.0 * 0.1 / 4), rel=SEARCHED)

    @pytest.mark.sampled
    @pytest.mark.parametrize(
        ("rule", "reason"),
        [
            (optax.adam(0.1), "do not shrink with the gradient|no derivative"),
            (optax.sign_sgd(0.1), "do not shrink with the gradient|no derivative|moves where"),
            (optax.lbfgs(), "searches along its direction|do not shrink|no derivative|differentiated|alike"),
            (optax.adamw(0.1), "do not shrink with the gradient|no derivative|moves where"),
            (SignDescent(), "do not shrink with the gradient|no derivative"),
            # So close to rest that its epsilon counts it is linear; once it has seen a slope it is another rule.
            (optax.rmsprop(0.1), "not in proportion"),
            (optax.adagrad(0.1), "not in proportion"),
        ],
        ids=["adam", "sign_sgd", "lbfgs", "adamw", "sign_descent", "rmsprop", "adagrad"],
    )
    def test_what_has_no_linear_map_says_why(self, rule, reason):
        with pytest.raises(NotLinearError, match=reason):
            stability(as_method(rule), np.array(self.CURVATURES), 0.1, hessian=matrix(self.CURVATURES))

    def test_torch_optimizers_are_python_code(self):
        def sgd(parameters):
            return torch.optim.SGD(parameters, lr=0.1)

        with pytest.raises(NotLinearError, match="PyTorch's optimizers are Python code that cannot be differentiated"):
            stability(as_method(sgd), np.array(self.CURVATURES), 1.0)

    @pytest.mark.parametrize(
        "method",
        [
            pytest.param(optax.adam(0.05), marks=pytest.mark.slow),
            optax.sign_sgd(0.05),
            pytest.param(optax.lbfgs(), marks=pytest.mark.slow),
            optax.adamw(0.05),
            SignDescent(),
        ],
        ids=["adam", "sign_sgd", "lbfgs", "adamw", "sign_descent"],
    )
    def test_a_run_s_explanation_gives_the_reason(self, method):
        options = {"learning_rate": 0.05} if isinstance(method, SignDescent) else {}
        explanation = downslope.minimize("x^2 + 4*y^2", [1.0, 1.0], method=method, max_steps=60, **options).explain()
        assert explanation.stability is None
        assert explanation.to_dict()["no_stability"]

    @pytest.mark.slow
    def test_a_torch_run_s_explanation_gives_the_reason_in_its_words(self):
        run = downslope.minimize(
            lambda x: (x**2).sum(), torch.tensor([1.0, 2.0]), method=torch.optim.Adam, max_steps=30
        )
        explanation = run.explain(suggest=False)
        assert explanation.stability is None
        assert "PyTorch's optimizers are Python code that cannot be differentiated" in str(explanation)


def optax_times(factor):
    return optax.chain(optax.sgd(0.01, momentum=0.9), optax.scale(factor))


LIMITED = {
    "gradient descent": GradientDescent(),
    "heavy ball": Momentum(beta=0.9),
    "heavy ball, little": Momentum(beta=0.3),
    "nesterov": Nesterov(beta=0.9),
    "newton": Newton(),
    "tripled": Tripled(),
    "mixing": Mixing(),
    "mixing momentum": MixingMomentum(),
    "optax": optax.sgd(0.01, momentum=0.9),
}


def run_at(method, H, rate, max_steps, engine="compiled"):
    """From a small distance, with a component along every direction."""
    n = len(H)
    start = 1e-3 * rotation(n, seed=1) @ np.ones(n)
    options = {"method": optax_times(rate)} if not isinstance(method, Method) else {"method": method}
    if isinstance(method, Method):
        options["learning_rate"] = rate
    return downslope.minimize(
        lambda x: 0.5 * jnp.dot(x, jnp.dot(H, x)),
        start,
        max_steps=max_steps,
        gradient_tolerance=None,
        engine=engine,
        **options,
    )


@pytest.mark.slow
class TestWhatHappens:
    """Theory apart: do runs just below the limit shrink, and just above it grow?"""

    @pytest.mark.parametrize("seed", range(2))
    @pytest.mark.parametrize("name", LIMITED)
    def test_a_run_shrinks_just_below_the_limit_and_grows_just_above(self, name, seed):
        curvatures = np.sort(np.random.default_rng(seed).uniform(0.5, 10.0, 3))
        H = matrix(curvatures, seed)
        limit = stability(as_method(LIMITED[name]), curvatures, 0.01, hessian=H).largest_stable
        below, above = (run_at(LIMITED[name], H, share * limit, max_steps=1500) for share in (0.99, 1.01))
        # At 0.99 and 1.01 times the limit gradient descent multiplies by 0.98 and 1.02: 1e-13 and 1e13 in 1,500 steps.
        # Those that leave the circle elsewhere are farther from 1 still, but the mixed one, which keeps a margin of 3.
        assert np.abs(below.path[-1]).max() < 1e-2 * np.abs(below.path[0]).max()
        assert not np.isfinite(above.losses[-1]) or np.abs(above.path[-1]).max() > 1e2 * np.abs(above.path[0]).max()

    @pytest.mark.parametrize(
        ("rule", "share"),
        [(GradientDescent(), 0.3), (GradientDescent(), 0.97), (GradientDescent(), 1.05), (Tripled(), 0.97)],
        ids=["straight", "zigzag", "growing", "tripled"],
    )
    def test_the_contraction_of_each_step_is_the_leading_multiplier(self, rule, share):
        curvatures = np.array([1.0, 3.0, 9.0])
        H = matrix(curvatures, seed=7)
        limit = stability(rule, curvatures, 0.01).largest_stable
        leading = stability(rule, curvatures, share * limit).leading
        path = run_at(rule, H, share * limit, max_steps=400).path
        k = min(400, int(150 / abs(np.log(abs(leading)))))  # before rounding, or overflow
        ratio = (path[k] @ path[k - 1]) / (path[k - 1] @ path[k - 1])
        # The next multiplier is at most 0.8 of the leading one: 0.8^40 is below 1e-3, squared in the ratio.
        assert ratio == pytest.approx(leading.real, rel=1e-6)

    @pytest.mark.parametrize(
        ("rule", "rate"),
        [
            (Momentum(beta=0.9), 0.05),
            (Momentum(beta=0.9), 1.0),
            (Momentum(beta=0.5), 1.45),
            (Nesterov(beta=0.9), 0.1),
            (Nesterov(beta=0.5), 0.7),
        ],
        ids=lambda value: repr(value),
    )
    def test_two_multipliers_are_the_recurrence_that_the_path_obeys(self, rule, rate):
        # x_{k+2} = (z1 + z2) x_{k+1} - z1 z2 x_k, whatever the velocity was.
        z = update_map(rule).multipliers([rate], [2.0])[0]
        path = downslope.minimize(
            "x^2", 1.0, method=rule, learning_rate=rate, max_steps=60, gradient_tolerance=None
        ).path
        expected = z.sum().real * path[1:-1] - z.prod().real * path[:-2]
        np.testing.assert_allclose(path[2:], expected, rtol=0, atol=1e-12)  # sizes are at most 1 to begin with

    def test_adagrad_s_tail_goes_by_its_multipliers(self):
        # Far down the sum of squares has stopped growing, and the scaling is held indeed: x'' - (sum z) x' + (prod z) x
        # is zero (Cayley and Hamilton), where z are the multipliers.
        H = matrix([1.0, 4.0], seed=2)
        run = downslope.minimize(
            lambda x: 0.5 * jnp.dot(x, jnp.dot(H, x)),
            [1.0, -1.0],
            method="adagrad",
            learning_rate=0.5,
            gradient_tolerance=1e-9,
        )
        z = run.explain(suggest=False).stability.multipliers
        x, after, last = run.path[-3:]
        np.testing.assert_allclose(last, z.sum().real * after - z.prod().real * x, rtol=0, atol=1e-9 * np.abs(x).max())


@pytest.mark.parametrize("name", METHODS)
def test_every_method_but_sign_descent_is_linearised(name):
    rule, curvatures = METHODS[name](), np.array([1.0, 2.0])
    if name == "sign_descent":
        with pytest.raises(NotLinearError):
            stability(rule, curvatures, 0.1, hessian=matrix(curvatures))
    else:
        assert stability(rule, curvatures, 0.1, hessian=matrix(curvatures)).multipliers.size >= 2
