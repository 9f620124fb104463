"""The estimators are scikit-learn's own kind, and agree with its estimators where both solve the same problem."""

import pickle

import numpy as np
import pytest
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from downslope.estimators import DescentClassifier, DescentRegressor
from downslope.training import UnscaledFeatures

pytestmark = [pytest.mark.filterwarnings("ignore::downslope.training.UnscaledFeatures")]


@pytest.mark.slow
@parametrize_with_checks([DescentRegressor(), DescentClassifier()])
def test_scikit_learns_own_checks_pass(estimator, check):
    check(estimator)


rng = np.random.default_rng(6)
X = rng.normal(size=(150, 3))
Y = X @ [1.0, -2.0, 0.5] + 3 + 0.2 * rng.normal(size=150)
THREE = np.array(["low", "mid", "top"])[np.digitize(Y, [2, 4])]


def test_the_regressor_is_ridge_regression():
    ours = DescentRegressor(l2=0.3).fit(X, Y)
    peer = Ridge(alpha=0.3 * 150, tol=1e-12).fit(X, Y)
    np.testing.assert_allclose(ours.coef_, peer.coef_, atol=1e-6)
    assert ours.intercept_ == pytest.approx(peer.intercept_, abs=1e-6)
    assert ours.run_.status.name == "GRADIENT_SMALL"


@pytest.mark.slow
def test_the_classifier_is_logistic_regression_of_words():
    ours = DescentClassifier(l2=0.01, epochs=3000).fit(X, THREE)
    peer = LogisticRegression(C=1 / 1.5, tol=1e-10, max_iter=1000).fit(X, THREE)
    np.testing.assert_allclose(ours.predict_proba(X), peer.predict_proba(X), atol=1e-4)
    assert ours.classes_.tolist() == ["low", "mid", "top"]
    assert ours.coef_.shape == (3, 3)


@pytest.mark.slow
def test_partial_fit_goes_on_with_the_methods_memory():
    options = {"batch_size": 30, "method": "momentum", "learning_rate": 0.02, "shuffle": False}
    whole = DescentRegressor(epochs=2, **options).fit(X, Y)
    parts = DescentRegressor(**options)
    parts.partial_fit(X, Y).partial_fit(X, Y)
    np.testing.assert_array_equal(parts.coef_, whole.coef_)
    assert parts.n_iter_ == 2
    classes = DescentClassifier(batch_size=30, learning_rate=0.1)
    classes.partial_fit(X[:60], THREE[:60], classes=["low", "mid", "top"]).partial_fit(X[60:], THREE[60:])
    assert classes.score(X, THREE) > 0.7
    with pytest.raises(ValueError, match=r"must hold classes of \['low', 'mid', 'top'\]"):
        classes.partial_fit(X, np.where(THREE == "low", "none", THREE))


def test_warm_start_goes_on_from_the_weights():
    cold = DescentRegressor(learning_rate=0.1, epochs=20).fit(X, Y)
    warm = DescentRegressor(learning_rate=0.1, epochs=10, warm_start=True).fit(X, Y).fit(X, Y)
    np.testing.assert_allclose(warm.coef_, cold.coef_, rtol=1e-12)


@pytest.mark.slow
def test_it_works_in_pipelines_searches_and_pickles():
    pipeline = make_pipeline(
        StandardScaler(), DescentClassifier(hidden_layer_sizes=(8,), method="adam", random_state=0)
    )
    pipeline.set_params(descentclassifier__learning_rate=0.05, descentclassifier__epochs=60)
    search = GridSearchCV(pipeline, {"descentclassifier__activation": ["tanh", "relu"]}, cv=2)
    search.fit(X * [1, 1000, 1], THREE)
    assert search.score(X * [1, 1000, 1], THREE) > 0.85
    again = pickle.loads(pickle.dumps(search.best_estimator_))
    np.testing.assert_array_equal(again.predict_proba(X), search.best_estimator_.predict_proba(X))
    assert again[-1].run_.losses.tolist() == search.best_estimator_[-1].run_.losses.tolist()


def test_sparse_rows_are_refused_and_unscaled_ones_told():
    with pytest.raises(TypeError, match=r"[Ss]parse"):
        DescentRegressor().fit(sparse.csr_matrix(X), Y)
    with pytest.warns(UnscaledFeatures, match="condition number is"):
        DescentRegressor(epochs=1).fit(X * [1, 1000, 1], Y)
    with pytest.raises(ValueError, match="two classes or more"):
        DescentClassifier().fit(X, np.zeros(150))


def test_a_fit_that_diverges_warns_as_scikit_learn_does():
    X = np.random.default_rng(0).normal(size=(200, 3))
    with pytest.warns(ConvergenceWarning, match="the training ended DIVERGED after"):
        DescentRegressor(learning_rate=5.0).fit(X, X.sum(axis=1))
