"""The estimators are scikit-learn's own kind, and agree with its estimators where both solve the same problem."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from downslope.estimators import DescentClassifier, DescentRegressor

pytestmark = [pytest.mark.filterwarnings("ignore::downslope.training.UnscaledFeatures")]


@pytest.mark.slow
@parametrize_with_checks([DescentRegressor(), DescentClassifier()])
def test_scikit_learns_own_checks_pass(estimator, check):
    check(estimator)
