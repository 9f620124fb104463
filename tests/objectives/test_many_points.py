"""The loss at many points at once is the loss at each."""

import math

import numpy as np
import pytest

import downslope
from downslope import Objective
from downslope.objectives.many_points import losses, spread


def branching(x, y):
    return x**2 if x > 0 else y


FUNCTIONS = {
    "formula": "x^2 + cos(y)",
    "problem": "himmelblau",
    "numbers": lambda x, y: (x - 1) ** 2 + y**4,
    "array": lambda x: np.sum(np.cos(x)),
    "branching": branching,
}


@pytest.mark.sampled
@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("n_points", [0, 1, 1023, 2050])
def test_values_are_those_of_value(name, n_points):
    objective = Objective(FUNCTIONS[name])
    points = np.random.default_rng(0).normal(size=(n_points, 2))
    values = objective.values(points)
    assert values.shape == (n_points,)
    some = slice(None, None, 97)
    # A batched kernel may round the last bit in another way.
    assert values[some] == pytest.approx([objective.value(point) for point in points[some]], rel=1e-14, abs=1e-14)


def test_what_is_kept_while_evaluating_is_kept_as_many_times():
    seen = []

    def keeping(x):
        value = x @ x
        seen.append(float(value))
        return value

    objective = Objective(keeping)
    objective.gradient([1.0, 2.0])
    seen.clear()
    assert objective.values([[1.0, 0.0], [0.0, 2.0]]).tolist() == [1.0, 4.0]
    assert seen == [1.0, 4.0]


def test_more_points_do_not_compile_again():
    traced = []

    def counted(x):
        traced.append(1)
        return x @ x

    objective = Objective(counted)
    objective.values(np.ones((3, 2)))
    traced.clear()
    for n_points in (1, 700, 5000):
        objective.values(np.ones((n_points, 2)))
    assert traced == []


@pytest.mark.parametrize(
    "fun", ["log(x)", lambda x: math.log(x), lambda x: np.log(x), lambda x: np.log(x[0])], ids=range(4)
)
def test_where_there_is_no_real_number_there_is_nan(fun):
    values = Objective(fun).values([[-1.0], [1.0], [math.e]])
    assert np.isnan(values[0])
    assert values[1:] == pytest.approx([0, 1], abs=1e-15)


def test_where_there_is_none_at_all_all_are_nan():
    assert np.isnan(Objective("log(x)").values([[-1.0], [-2.0]])).all()


@pytest.mark.slow
def test_a_matrix_without_an_inverse_is_no_number_either():
    def top_left(x):
        return float(np.linalg.inv(np.array([[float(x), 1.0], [1.0, 1.0]]))[0, 0])

    def branching_too(x):  # one by one, where NumPy raises LinAlgError; the compiled one gives infinity
        return top_left(x) if x > 0 else 0.0

    for fun in (top_left, branching_too):
        values = Objective(fun).values([[2.0], [1.0], [3.0]])
        assert np.isfinite(values).tolist() == [True, False, True]


def test_a_mistake_in_the_function_is_no_nan():
    with pytest.raises(downslope.InvalidObjective, match="AttributeError"):
        Objective(lambda x: x.misspelt).values([[1.0, 2.0]])
    with pytest.raises(downslope.InvalidInput, match="`points` must have one point a row"):
        Objective("x^2").values([1.0, 2.0])


def test_an_objective_keeps_the_structure_that_it_has_seen():
    objective = Objective(lambda p: p["a"] ** 2 + p["b"])
    objective.value({"a": 1.0, "b": 2.0})
    assert objective.values([[2.0, 3.0], [3.0, 4.0]]).tolist() == [7.0, 13.0]


def test_a_block_is_small_where_each_point_meets_much_data():
    data = np.ones(2**22)
    objective = Objective(lambda x: np.mean((x[0] - data) ** 2))
    objective.value([1.0])
    assert losses(objective._bound, np.zeros((5, 1))) == pytest.approx(np.ones(5))


def test_the_places_looked_at_first_lie_apart():
    assert spread(0) == []
    first = np.array(spread(1000)[:4])
    assert np.min(np.diff(np.sort(first))) > 100
    assert sorted(spread(5)) == [0, 1, 2, 3, 4]
