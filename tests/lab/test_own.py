"""Functions of the user's own: of one variable, two, or more, which are cut by a plane; from Python and from a file."""

import numpy as np
import pytest

import downslope
from downslope.errors import InvalidInput, InvalidObjective
from downslope.lab import opening, page_files
from downslope.lab.functions import Own
from downslope.lab.laboratory import Laboratory
from downslope.lab.limits import LIMITS

CURVATURES = np.array([1.0, 9.0, 4.0, 0.5])
TURN = np.linalg.qr(np.random.default_rng(0).normal(size=(4, 4)))[0]
LOWEST = np.array([1.0, -2.0, 0.5, 3.0])


def tilted(x):
    """A quadratic with known axes: the columns of TURN."""
    along = (x - LOWEST) @ TURN
    return np.sum(CURVATURES * along**2) / 2


def of_one(x):
    return (x - 1) ** 4


def of_a_vector_of_one(x):
    return x[0] ** 2


def of_two(a, b):
    return a**2 + 3 * b**2


@pytest.fixture(scope="module")
def own():
    return Laboratory(
        {"tilted": Own(tilted, [0.0, 0.0, 0.0, 0.0]), "one": of_one, "vector": of_a_vector_of_one, "two": of_two}
    )


def test_hello_lists_them(own):
    told = {one["name"]: one for one in own.call("hello", {})["own"]}
    assert told["own:two"]["variables"] == ["a", "b"]
    assert told["own:two"]["start"] == [1.0, 1.0]
    assert told["own:tilted"]["n_variables"] == 4
    assert told["own:tilted"]["ranges"] is None


@pytest.mark.parametrize(
    ("name", "fun", "start"),
    [
        ("one", of_one, 3.0),
        ("vector", of_a_vector_of_one, [3.0]),
        ("two", of_two, [3.0, 1.0]),
        ("tilted", tilted, [1.0] * 4),
    ],
)
def test_each_descends_as_minimize_does(own, name, fun, start):
    asked = {"fun": f"own:{name}", "start": np.ravel(start).tolist(), "learning_rate": 0.01, "max_steps": 40}
    found = own.call("run", {**asked, "explain": False})
    run = downslope.minimize(fun, start, learning_rate=0.01, max_steps=40)
    np.testing.assert_array_equal(found["path"], run.structure.flatten_rows(run.path))
    fan = own.call("fan", {**asked, "interval": [0.005, 0.02], "n_rates": 3})
    middle = slice(int(fan["first"][1]), int(fan["first"][1] + fan["lengths"][1]))
    again = downslope.minimize(fun, start, learning_rate=float(fan["rates"][1]), max_steps=40)
    np.testing.assert_array_equal(fan["path"][middle], again.structure.flatten_rows(again.path))


def test_the_principal_plane_goes_through_the_minimum_along_the_steepest_axes(own):
    cut = own.call("function", {"fun": "own:tilted"})["slice"]
    np.testing.assert_allclose(cut["origin"], LOWEST, atol=1e-9)
    for direction, axis in zip(cut["directions"], (1, 2), strict=True):  # curvatures 9 and 4
        assert abs(direction @ TURN[:, axis]) == pytest.approx(1.0, abs=1e-9)
        assert direction[np.abs(direction).argmax()] > 0


def test_the_surface_of_a_plane_is_the_function_there(own):
    found = own.call("surface", {"fun": "own:tilted", "ranges": [[-2, 2], [-1, 1]], "resolution": 3})
    expected = 9 * found["x"][None, :] ** 2 / 2 + 4 * found["y"][:, None] ** 2 / 2
    np.testing.assert_allclose(found["z"], expected, atol=1e-12)


@pytest.mark.slow
def test_paths_are_drawn_at_their_feet_on_the_plane(own):
    asked = {"fun": "own:tilted", "learning_rate": 0.05, "max_steps": 30}
    cut = own.call("function", {"fun": "own:tilted"})["slice"]
    for found in (own.call("run", asked), own.call("fan", asked), own.call("drop", {**asked, "count": 5})):
        expected = (found["path"] - cut["origin"]) @ cut["directions"].T
        np.testing.assert_allclose(found["drawn"], expected, atol=1e-12)


def test_a_click_on_a_plane_is_a_start_in_it(own):
    cut = own.call("function", {"fun": "own:tilted"})["slice"]
    found = own.call("place", {"fun": "own:tilted", "at": [0.5, -2.0]})
    expected = cut["origin"] + 0.5 * cut["directions"][0] - 2.0 * cut["directions"][1]
    np.testing.assert_allclose(found["start"], expected)
    assert found["loss"] == pytest.approx(9 * 0.25 / 2 + 4 * 4 / 2)


def test_with_many_variables_there_are_fewer_rates_and_marbles(laboratory):
    asked = {"fun": "sum(x^2)", "start": [1.0] * 100, "learning_rate": 0.1, "max_steps": 100}
    fan = laboratory.call("fan", asked)
    assert fan["path"].size + 2 * len(fan["losses"]) <= LIMITS.fan_numbers
    assert 100 < len(fan["rates"]) < 256
    with pytest.raises(InvalidInput) as error:
        laboratory.call("drop", {**asked, "count": 256})
    assert error.value.parameter == "starts"


@pytest.mark.parametrize(
    ("cut", "directions"),
    [
        ({"axes": [0, 3]}, [[1, 0, 0, 0], [0, 0, 0, 1]]),
        ({"origin": [0, 0, 0, 0], "directions": [[2, 0, 0, 0], [1, 1, 0, 0]]}, [[1, 0, 0, 0], [0, 1, 0, 0]]),
    ],
)
def test_other_planes_can_be_chosen(own, cut, directions):
    told = own.call("function", {"fun": "own:tilted", "slice": cut})["slice"]
    np.testing.assert_allclose(told["directions"], directions, atol=1e-12)


@pytest.mark.parametrize(
    "cut",
    [
        {"axes": [0, 4]},
        {"axes": [1, 1]},
        {"directions": [[1, 0, 0, 0], [0, 1, 0, 0]]},
        {"origin": [0, 0, 0, 0], "directions": [[1, 0, 0, 0], [2, 0, 0, 0]]},
        {"origin": [0, 0, 0], "directions": [[1, 0, 0], [0, 1, 0]]},
        {"upside": True},
    ],
)
def test_what_is_no_plane_is_refused(own, cut):
    with pytest.raises(InvalidInput):
        own.call("surface", {"fun": "own:tilted", "slice": cut})


def test_what_is_drawn_of_ones_own_function_can_be_told():
    wide = Laboratory({"two": Own(of_two, [1.0, 2.0], [(-3, 3)])})
    assert wide.call("function", {"fun": "own:two"})["ranges"] == [[-3.0, 3.0], [-3.0, 3.0]]
    for ranges in ([(1, 1)], [(0, 1)] * 3):
        with pytest.raises(InvalidInput, match="ranges"):
            Laboratory({"two": Own(of_two, [1.0, 2.0], ranges)})


def test_a_function_without_a_number_is_refused_when_it_is_given():
    with pytest.raises(InvalidObjective):
        Laboratory({"bad": lambda x: "text"})


def test_an_exception_in_the_middle_of_a_run_is_told(page):
    def fails(x):
        if float(x) < 1:
            raise RuntimeError("no further")
        return float(x) ** 2

    from downslope.lab.laboratory import error_of

    one = Laboratory({"fails": Own(fails, [3.0])})
    with pytest.raises(downslope.ObjectiveFailed) as error:
        one.call("run", {"fun": "own:fails", "learning_rate": 0.4})
    told = error_of(error.value)
    assert told["kind"] == "function"
    assert "no further" in told["message"]


@pytest.fixture
def opened(monkeypatch, built):
    """What would be served."""
    served = []
    monkeypatch.setattr(opening, "_opened", lambda laboratory, browser, port: served.append(laboratory))
    return served


@pytest.mark.slow
def test_lab_shows_what_it_is_given(opened):
    downslope.lab(of_two, [2.0, 1.0], learning_rate=0.05, method="momentum")
    downslope.lab("rosenbrock")
    downslope.lab({"first": of_one, "second": of_two})
    downslope.lab()
    assert [one.opening for one in opened] == [
        {"fun": "own:of_two", "start": [2.0, 1.0], "learning_rate": 0.05, "method": "momentum"},
        {"fun": "rosenbrock"},
        {"fun": "own:first"},
        None,
    ]
    assert opened[0].call("run", opened[0].opening)["converged"]
    assert sorted(opened[2].functions.own) == ["first", "second"]


def test_lab_refuses_a_setting_that_it_could_not_begin_with(opened):
    with pytest.raises(InvalidInput, match="learning_rate"):
        downslope.lab("x^2", learning_rate=-1)
    with pytest.raises(InvalidInput, match="fun"):
        downslope.lab(learning_rate=0.1)


def test_a_run_shows_itself_and_the_setting_that_makes_it_again(opened):
    run = downslope.minimize(of_two, [2.0, 1.0], learning_rate=0.1, method=downslope.Momentum(beta=0.3))
    run.show()
    (one,) = opened
    assert one.call("hello", {})["shows"] is True
    shown = one.call("shown", {})
    np.testing.assert_array_equal(shown["path"], run.path)
    again = one.call("run", {**one.opening, "explain": False})
    np.testing.assert_array_equal(again["path"], run.path)


def test_a_run_that_no_setting_can_say_shows_what_was_recorded(opened):
    run = downslope.minimize(lambda x: x["a"] ** 2 + x["b"][0] ** 2, {"a": 1.0, "b": [2.0]}, learning_rate=0.1)
    run.show()
    (one,) = opened
    assert one.opening is None
    assert len(one.call("shown", {})["path"]) == run.n_steps + 1


def test_without_the_built_page_lab_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(page_files, "PAGE", tmp_path)
    with pytest.raises(downslope.PageNotBuilt):
        downslope.lab("x^2")
