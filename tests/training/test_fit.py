"""Training reaches what closed forms and peers reach, by the very steps that `minimize` and PyTorch make."""

import numpy as np
import optax
import pytest
import torch
from scipy.optimize import minimize as scipy_minimize
from sklearn.linear_model import Lasso, LogisticRegression

import downslope
from downslope import learning_rates as rates
from downslope.errors import CallbackFailed, InvalidData, InvalidInput, InvalidObjective
from downslope.training import Huber, Linear, Network, Softmax, UnscaledFeatures, one_step
from downslope.training import steps as steps_module

rng = np.random.default_rng(1)
X = rng.normal(size=(120, 2))
NOISE = 0.3 * rng.normal(size=120)
Y = X @ [2.0, -1.0] + 3.0 + NOISE
LABELS = (X @ [1.0, -2.0] + 0.5 + rng.logistic(size=120) > 0).astype(float)
WITH_ONES = np.column_stack([np.ones(120), X])


def flat(run):
    return run.structure.flatten(run.x)


def closed_form(l2=0.0):
    """The normal equations; the bias is not penalised."""
    return np.linalg.solve(WITH_ONES.T @ WITH_ONES / 120 + l2 * np.diag([0, 1, 1]), WITH_ONES.T @ Y / 120)


def half_mse(w):
    return ((WITH_ONES @ w - Y) ** 2).mean() / 2


@pytest.mark.parametrize("l2", [0.0, 0.5])
def test_batch_descent_reaches_the_normal_equations(l2):
    run = downslope.fit("linear", (X, Y), learning_rate=0.5, l2=l2, gradient_tolerance=1e-11)
    assert run.status.name == "GRADIENT_SMALL"
    np.testing.assert_allclose(flat(run), closed_form(l2), atol=1e-8)


METHODS = {
    "gradient_descent": 0.1,
    "momentum": 0.05,
    "nesterov": 0.05,
    "adagrad": 0.5,
    "rmsprop": 0.05,
    "adam": 0.1,
    "sign_descent": 0.05,
    "newton": 0.5,
}


@pytest.mark.sampled
@pytest.mark.parametrize("method", METHODS)
def test_batch_descent_is_the_descent_of_minimize(method):
    rate = METHODS[method]
    run = downslope.fit("linear", (X, Y), method=method, learning_rate=rate, epochs=20)
    peer = downslope.minimize(
        half_mse, np.zeros(3), method=method, learning_rate=rate, max_steps=20, gradient_tolerance=None
    )
    np.testing.assert_allclose(run.structure.flatten_rows(run.path), peer.path, rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(run.losses, peer.losses, rtol=1e-10)
    np.testing.assert_allclose(run.gradient_norms, peer.gradient_norms, rtol=1e-7, atol=1e-10)
    assert run.n_steps == 20


SCHEDULES = {
    "decay": rates.GeometricDecay(0.3, 0.9),
    "cosine": rates.Cosine(0.3, n_steps=15),
    "restarts after a rise": rates.WarmUp(rates.WarmRestarts(0.3, n_steps=5), n_steps=3),
    "code": lambda k: 0.3 / (k + 1),
    "backtracking": rates.Backtracking(),
    "polyak": rates.Polyak(lowest=0.03),
    "barzilai borwein": rates.BarzilaiBorwein(),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SCHEDULES)
def test_every_kind_of_rate_is_that_of_minimize(name):
    run = downslope.fit("linear", (X, Y), learning_rate=SCHEDULES[name], epochs=8)
    peer = downslope.minimize(
        half_mse, np.zeros(3), learning_rate=SCHEDULES[name], max_steps=8, gradient_tolerance=None
    )
    np.testing.assert_allclose(run.learning_rates[:-1], peer.learning_rates[:-1][: run.n_steps], rtol=1e-6)
    np.testing.assert_allclose(run.losses, peer.losses[: len(run.losses)], rtol=1e-9)


def torch_path(optimizer, loss_of, batches, start):
    """The weights after each step of a torch optimizer over these batches."""
    w = torch.tensor(start, requires_grad=True)
    made = optimizer([w])
    path = [w.detach().numpy().copy()]
    for rows in batches:
        made.zero_grad()
        loss_of(w, rows).backward()
        made.step()
        path.append(w.detach().numpy().copy())
    return np.array(path)


def logistic_of(w, rows):
    z = torch.from_numpy(WITH_ONES[rows]) @ w
    return torch.nn.functional.binary_cross_entropy_with_logits(z, torch.from_numpy(LABELS[rows]))


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("method", "rate", "peer"),
    [
        ("gradient_descent", 0.5, lambda p: torch.optim.SGD(p, lr=0.5)),
        ("nesterov", 0.1, lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True)),
        ("adam", 0.05, lambda p: torch.optim.Adam(p, lr=0.05)),
    ],
)
@pytest.mark.parametrize("batch_size", [50, 1])
def test_batches_make_the_steps_of_pytorch(method, rate, peer, batch_size):
    run = downslope.fit(
        "logistic", (X, LABELS), method=method, learning_rate=rate, batch_size=batch_size, epochs=2, shuffle=False
    )
    batches = [np.arange(k, min(k + batch_size, 120)) for k in range(0, 120, batch_size)] * 2  # the last has 20 rows
    path = torch_path(peer, logistic_of, batches, np.zeros(3))
    np.testing.assert_allclose(run.structure.flatten_rows(run.path), path, rtol=1e-9, atol=1e-11)


def test_a_network_makes_the_steps_of_pytorch():
    net = Network("squared_error", (6,), "tanh", seed=2)
    run = downslope.fit(net, (X, Y), learning_rate=0.05, batch_size=30, epochs=3, shuffle=False, method="momentum")
    layers = [{k: torch.tensor(v, requires_grad=True) for k, v in layer.items()} for layer in net.start(2, float)]
    made = torch.optim.SGD([layer[k] for layer in layers for k in ("bias", "weights")], lr=0.05, momentum=0.9)
    for first in [0, 30, 60, 90] * 3:
        made.zero_grad()
        a = torch.from_numpy(X[first : first + 30])
        a = torch.tanh(a @ layers[0]["weights"].T + layers[0]["bias"])
        z = (a @ layers[1]["weights"].T + layers[1]["bias"])[:, 0]
        (((z - torch.from_numpy(Y[first : first + 30])) ** 2).mean() / 2).backward()
        made.step()
    for ours, theirs in zip(run.x, layers, strict=True):
        for name in ours:
            np.testing.assert_allclose(ours[name], theirs[name].detach().numpy(), rtol=1e-9, atol=1e-11)


def test_logistic_regression_reaches_scikit_learns():
    l2 = 0.01
    run = downslope.fit("logistic", (X, LABELS), l2=l2, method="nesterov", learning_rate=1.0, gradient_tolerance=1e-9)
    peer = LogisticRegression(C=1 / (120 * l2), tol=1e-10, max_iter=1000).fit(X, LABELS)
    at_peer = {"bias": peer.intercept_[0], "weights": peer.coef_[0]}
    assert run.loss == pytest.approx(run.objective.value(at_peer), abs=1e-9)
    np.testing.assert_allclose(flat(run)[1:], peer.coef_[0], atol=1e-5)  # their tolerance


@pytest.mark.slow
def test_softmax_reaches_scikit_learns():
    classes = (X[:, 0] + 0.5 * NOISE > 0).astype(float) + (X[:, 1] > 0.5)
    run = downslope.fit("softmax", (X, classes), l2=0.01, learning_rate=1.0, gradient_tolerance=1e-8, epochs=5000)
    peer = LogisticRegression(C=1 / 1.2, tol=1e-10, max_iter=1000).fit(X, classes)
    np.testing.assert_allclose(run.model.probabilities(X), peer.predict_proba(X), atol=1e-5)
    assert (run.model.predict(X) == peer.predict(X)).all()


def test_huber_regression_reaches_scipys_and_shrugs_off_an_outlier():
    y = Y.copy()
    y[0] += 1000
    run = downslope.fit(Linear(Huber(0.5)), (X, y), learning_rate=1.0, gradient_tolerance=1e-10)
    found = scipy_minimize(lambda w: Huber(0.5).value(np, WITH_ONES @ w, y).mean(), np.zeros(3), tol=1e-12)
    np.testing.assert_allclose(flat(run), found.x, atol=1e-5)  # by their finite differences
    np.testing.assert_allclose(flat(run), closed_form(), atol=0.1)


@pytest.mark.sampled
@pytest.mark.parametrize("method", ["gradient_descent", "momentum", "nesterov", "adam"])
def test_l1_reaches_the_lasso_and_its_zeros(method):
    wide = np.random.default_rng(3).normal(size=(80, 6))
    y = wide @ [3.0, 0.0, -2.0, 0.0, 0.05, 0.0] + 1 + 0.1 * np.random.default_rng(4).normal(size=80)
    rate = rates.Cosine(0.1, n_steps=3000) if method == "adam" else 0.1
    options = {"method": method, "learning_rate": rate, "epochs": 3000, "gradient_tolerance": 1e-9}
    run = downslope.fit("linear", (wide, y), l1=0.2, **options)
    peer = Lasso(alpha=0.2, tol=1e-12, max_iter=100_000).fit(wide, y)
    np.testing.assert_allclose(run.x["weights"], peer.coef_, atol=1e-6)
    assert ((run.x["weights"] == 0) == (peer.coef_ == 0)).all()  # zero, and not merely small
    assert (peer.coef_ == 0).sum() == 4


def test_l1_is_refused_where_a_step_has_no_length():
    with pytest.raises(InvalidInput, match="`l1` must be 0 with SignDescent"):
        downslope.fit("linear", (X, Y), l1=0.1, method="sign_descent")


def test_each_parameter_may_have_its_own_rate():
    run = downslope.fit("linear", (X, Y), learning_rate=[0.5, 0.1, 0.2], epochs=5)
    peer = downslope.minimize(half_mse, np.zeros(3), learning_rate=[0.5, 0.1, 0.2], max_steps=5)
    np.testing.assert_allclose(run.structure.flatten_rows(run.path), peer.path, rtol=1e-10)
    np.testing.assert_array_equal(run.learning_rates[:-1], peer.learning_rates[:-1].max(axis=1))


@pytest.mark.slow
def test_optax_methods_are_taken_and_pytorchs_refused():
    options = {"batch_size": 30, "epochs": 2}
    run = downslope.fit("linear", (X, Y), method=optax.adam(0.05), **options)
    peer = downslope.fit("linear", (X, Y), method="adam", learning_rate=0.05, **options)
    np.testing.assert_allclose(run.losses, peer.losses, rtol=1e-9)
    with pytest.raises(InvalidInput, match=r"`method` must be one that compiles, .*optax"):
        downslope.fit("linear", (X, Y), method=torch.optim.SGD)


def test_clipping_bounds_the_step():
    run = downslope.fit("linear", (X, 1000 * Y), learning_rate=0.5, clip_norm=0.2, epochs=5)
    lengths = np.linalg.norm(np.diff(run.structure.flatten_rows(run.path), axis=0), axis=1)
    np.testing.assert_allclose(lengths, 0.1, rtol=1e-12)


@pytest.mark.slow
def test_a_weight_of_two_is_a_row_twice():
    weight = np.ones(120)
    weight[:40], weight[40:50] = 2, 0
    twice = np.concatenate([np.arange(40), np.arange(40), np.arange(50, 120)])
    weighted = downslope.fit("logistic", (X, LABELS, weight), learning_rate=1.0, epochs=20)
    repeated = downslope.fit("logistic", (X[twice], LABELS[twice]), learning_rate=1.0, epochs=20)
    np.testing.assert_allclose(flat(weighted), flat(repeated), rtol=1e-10)


def test_a_weight_counts_also_where_a_row_is_alone_in_its_batch():
    weight = np.where(np.arange(120) < 60, 3.0, 1.0)
    run = downslope.fit("linear", (X, Y, weight), batch_size=1, epochs=1, learning_rate=0.01, shuffle=False)
    w = np.zeros(3)
    for x, y, c in zip(WITH_ONES, Y, weight / 2.0, strict=True):
        w = w - 0.01 * c * (x @ w - y) * x
    np.testing.assert_allclose(flat(run), w, rtol=1e-10)


@pytest.mark.slow
def test_stochastic_descent_hovers_at_the_floor_that_theory_states():
    """With independent draws the excess loss is a tr(C) / 4b at small rates (Bottou, Curtis and Nocedal 2018); an order
    that takes each row once an epoch is nowhere above it, and goes below where an epoch ends."""
    rate, b = 0.02, 4
    run = downslope.fit("linear", (X, Y), batch_size=b, epochs=300, learning_rate=rate)
    w = closed_form()
    residuals = (WITH_ONES @ w - Y)[:, None] * WITH_ONES
    floor = rate * np.trace(residuals.T @ residuals / 120) / (4 * b)
    points = run.structure.flatten_rows(run.path)[run.path_steps > 50 * 30]
    excess = np.mean([half_mse(point) - half_mse(w) for point in points])
    assert 0.1 * floor < excess < floor
    smaller = downslope.fit("linear", (X, Y), batch_size=b, epochs=300, learning_rate=rates.InverseTime(0.1, 0.01))
    assert half_mse(flat(smaller)) - half_mse(w) < 0.1 * excess


@pytest.mark.slow
def test_averaging_is_the_mean_of_the_path():
    run = downslope.fit("linear", (X, Y), batch_size=30, epochs=6, learning_rate=0.1, average_from=3)
    plain = downslope.fit("linear", (X, Y), batch_size=30, epochs=6, learning_rate=0.1)
    path = plain.structure.flatten_rows(plain.path)
    np.testing.assert_allclose(flat(run), path[9:].mean(axis=0), rtol=1e-10)  # 4 steps an epoch; those after 8 updates
    assert "average of the weights since epoch 3" in " ".join(run.notes)


@pytest.mark.slow
def test_a_schedule_counts_epochs_where_it_is_asked_to():
    run = downslope.fit(
        "linear", (X, Y), batch_size=30, epochs=3, learning_rate=rates.GeometricDecay(0.1, 0.5), schedule_per="epoch"
    )
    np.testing.assert_allclose(run.learning_rates[:-1], np.repeat([0.1, 0.05, 0.025], 4))
    code = downslope.fit(
        "linear", (X, Y), batch_size=30, epochs=3, learning_rate=lambda k: 0.1 / 2**k, schedule_per="epoch"
    )
    np.testing.assert_array_equal(code.losses, run.losses)


@pytest.mark.slow
def test_early_stopping_keeps_the_weights_of_the_best_epoch():
    few, labels = X[:30], LABELS[:30]
    net = Network("logistic", (30,), seed=0)
    run = downslope.fit(
        net,
        (few, labels),
        validation=(X[60:], LABELS[60:]),
        method="adam",
        learning_rate=0.1,
        batch_size=10,
        epochs=100,
        early_stopping=5,
    )
    losses = [epoch.validation_loss for epoch in run.epochs]
    assert (run.status.name, run.converged) == ("STOPPED_EARLY", False)
    assert len(losses) == int(np.argmin(losses)) + 1 + 5
    p = run.model.probabilities(X[60:])[:, 1]
    held = -np.mean(np.where(LABELS[60:] == 1, np.log(p), np.log1p(-p)))
    assert held == pytest.approx(min(losses), rel=1e-9)


@pytest.mark.slow
def test_a_loss_of_ones_own_in_numpy_is_the_built_in_one():
    def average(params, batch):
        features, y = batch
        return np.mean((features @ params["w"] + params["b"] - y) ** 2) / 2

    def by_row(params, batch):
        return (batch.X @ params["w"] + params["b"] - batch.y) ** 2 / 2

    start = {"b": 0.0, "w": np.zeros(2)}
    options = {"batch_size": 50, "epochs": 2, "learning_rate": 0.1}
    peer = downslope.fit("linear", (X, Y), **options)
    for loss in (average, by_row):
        run = downslope.fit(loss, (X, Y), start=start, **options)
        np.testing.assert_allclose(run.losses, peer.losses, rtol=1e-12)
        np.testing.assert_allclose(flat(run), flat(peer), rtol=1e-12)
    with pytest.raises(InvalidInput, match="return one number a row"):
        downslope.fit(average, (X, Y, np.ones(120)), start=start)
    with pytest.raises(InvalidObjective, match="the batch's average, or one number for each of its 120 rows"):
        downslope.fit(lambda p, batch: batch.X, (X, Y), start=start)


def test_new_numbers_do_not_recompile(monkeypatch):
    traced = []
    original = one_step.take
    monkeypatch.setattr(one_step, "take", lambda *given: traced.append(1) or original(*given))
    steps_module._compiled.cache_clear()
    for k in range(1, 4):
        downslope.fit(
            Linear(Huber(0.3 * k)),
            (X, Y),
            method=downslope.Momentum(0.2 * k),
            learning_rate=0.01 * k,
            l2=0.1 * k,
            batch_size=20,
            epochs=k,
            clip_norm=float(k),
            seed=k,
        )
    assert len(traced) == 1
    steps_module._compiled.cache_clear()


def test_a_run_that_explodes_ends_with_weights_from_before_and_names_the_row():
    bad = X.copy()
    bad[77, 1] = 1e9
    with pytest.warns(UnscaledFeatures):
        run = downslope.fit("linear", (bad, Y), batch_size=10, epochs=5, learning_rate=0.05, loss_limit=1e6)
    assert run.status.name == "DIVERGED"
    assert "row 77, where 'x2' is 1e+09" in " ".join(run.notes)
    assert np.isfinite(flat(run)).all()
    assert half_mse(flat(run)) < half_mse(np.zeros(3)) * 1.01  # not those that the row threw far away
    with pytest.raises(InvalidData, match="column 'x2', row 5, is NaN"):
        downslope.fit("linear", (np.where(np.arange(240).reshape(120, 2) == 11, np.nan, X), Y))


def test_too_large_a_rate_diverges_and_says_so():
    run = downslope.fit("linear", (X, Y), batch_size=20, learning_rate=5.0, epochs=50)
    assert run.status.name == "DIVERGED"
    assert run.n_steps < 50 * 6
    assert run.explain().behaviour.value == "diverging"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"batch_size": 0}, "`batch_size` must be a whole number, 1 or more"),
        ({"epochs": 1.5}, "`epochs` must be a whole number"),
        ({"l2": -1}, "`l2` must be a finite number, 0 or more"),
        ({"validation": 1.0}, "`validation` must be a share"),
        ({"early_stopping": 3}, "`early_stopping` needs validation data"),
        ({"gradient_tolerance": 1e-6, "batch_size": 10}, "`gradient_tolerance` must be None with batches"),
        ({"schedule_per": "row"}, '`schedule_per` must be "step" or "epoch"'),
        ({"method": "momentum", "learning_rate": rates.Backtracking()}, "`learning_rate` cannot be a line search"),
        ({"start": {"weights": np.zeros(3)}}, "`start` must be arranged as the model's parameters are"),
        ({"resume": True}, "`resume` needs a checkpoint folder"),
    ],
)
def test_options_are_checked_before_anything_is_computed(given, message):
    with pytest.raises(InvalidInput, match=message):
        downslope.fit("linear", (X, Y), **given)


def test_data_that_do_not_suit_the_loss_are_refused_by_row():
    with pytest.raises(InvalidData, match="row 3, is 2, and the logistic loss takes 0 or 1"):
        downslope.fit("logistic", (X, np.where(np.arange(120) == 3, 2.0, LABELS)))
    with pytest.raises(InvalidInput, match="two classes or more"):
        downslope.fit("logistic", (X, np.zeros(120)))
    with pytest.raises(InvalidInput, match="Did you mean 'logistic'"):
        downslope.fit("logistics", (X, LABELS))
    with pytest.raises(InvalidInput, match="must have a target"):
        downslope.fit("linear", X)
    assert downslope.fit(Linear(Softmax(3)), (X, LABELS), epochs=1).x["weights"].shape == (3, 2)


def test_unscaled_features_are_told_with_both_condition_numbers():
    with pytest.warns(UnscaledFeatures, match=r"condition number is .* standardised it would be 1\.\d+"):
        run = downslope.fit("linear", (X * [1.0, 1000.0], Y), epochs=1)
    assert any("condition number" in note for note in run.notes)


@pytest.mark.slow
def test_a_callback_sees_each_epoch_and_may_stop_the_run():
    seen = []

    def watch(epoch):
        seen.append(epoch)
        return epoch.epoch == 2

    run = downslope.fit("linear", (X, Y), batch_size=60, epochs=9, learning_rate=0.1, callback=watch)
    assert (run.status.name, run.n_steps, tuple(seen)) == ("STOPPED_BY_CALLBACK", 4, run.epochs)
    with pytest.raises(CallbackFailed, match="raised ZeroDivisionError") as caught:
        downslope.fit("linear", (X, Y), batch_size=60, learning_rate=0.1, callback=lambda epoch: 1 / 0)
    assert caught.value.run.n_steps == 2


def test_batch_descent_without_options_ends_where_the_slope_is_small():
    run = downslope.fit("linear", (X, Y))
    assert run.status.name == "GRADIENT_SMALL"
    assert run.gradient_norms[-1] <= 1e-6
    np.testing.assert_allclose(flat(run), closed_form(), atol=1e-5)  # the flattest curvature is above 0.1
