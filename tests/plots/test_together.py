"""Whole figures: what `run.plot()` picks, comparisons, projections, the dart thrower; and how figures behave."""

import subprocess
import sys

import numpy as np
import pytest

import downslope
from downslope import plots
from downslope.plots.dart import trajectory
from downslope.plots.projection import main_plane
from tests.plots.looking import has_line_through, legend_texts, rendered

pytestmark = pytest.mark.slow  # many pictures


@pytest.mark.parametrize(
    ("fun", "start", "labels"),
    [("x^2", 5.0, ("x", "loss")), ("x1^2 + x2^2", [1.0, 2.0], ("x1", "x2")), ("sum(x^2)", [1.0, 2, 3], None)],
    ids=range(3),
)
def test_plot_picks_what_suits_the_number_of_variables(fun, start, labels):
    run = downslope.minimize(fun, start, learning_rate=0.1)
    figure = rendered(run.plot(step=2))
    left, right = figure.axes[:2]
    labels = labels or ("first direction (100% of the variance)", "second direction (0% of the variance)")
    assert (left.get_xlabel(), left.get_ylabel()) == labels
    assert (right.get_xlabel(), right.get_ylabel()) == ("step", "loss")
    assert left.get_title() == "step 2, learning rate 0.1"
    assert has_line_through(right, np.column_stack([range(3), run.losses[:3]]))


def test_a_run_without_a_path_shows_what_it_has():
    run = downslope.minimize("rosenbrock", record="losses", max_steps=50)
    figure = rendered(run.plot())
    assert [ax.get_ylabel() for ax in figure.axes] == ["loss", "largest gradient component"]
    assert 'record="losses"' in figure.get_suptitle()


@pytest.mark.parametrize(
    ("fun", "start"),
    [(lambda x: x**2, 5.0), (lambda x, y: x**2 + y**2, [1.0, 2.0]), (lambda x: x @ x, [1.0, 2, 3])],
    ids=range(3),
)
def test_a_run_from_a_file_without_its_function_is_drawn_without_a_landscape(fun, start, tmp_path):
    run = downslope.minimize(fun, start, learning_rate=0.1)
    run.save(tmp_path / "run.parquet")
    loaded = downslope.load(tmp_path / "run.parquet")
    figure = rendered(loaded.plot())
    words = [ax.get_title() for ax in figure.axes] + [
        t for ax in figure.axes if ax.get_legend() for t in legend_texts(ax)
    ]
    assert any("the path alone: the file does not hold the function" in text for text in words)
    assert len(figure.axes) == 2  # and no colour bar
    rendered(plots.compare([run, loaded]))
    if np.size(start) == 2:
        rendered(plots.surface(loaded))


def test_a_comparison_tells_each_end():
    runs = {rate: downslope.minimize("x^2", 5.0, learning_rate=rate, max_steps=30) for rate in (0.4, 1.4)}
    figure = rendered(plots.compare(runs))
    texts = legend_texts(figure)
    assert texts[0].startswith("0.4: ")
    assert "GRADIENT_SMALL" in texts[0]
    assert "MAX_STEPS" in texts[1]
    assert "leaves the picture at step" in texts[1]


def test_runs_of_many_variables_are_compared_by_their_losses():
    runs = [downslope.minimize("sum(x^2)", [1.0, 2.0, 3.0], method=m) for m in ("gradient_descent", "newton")]
    (ax,) = rendered(plots.compare(runs)).axes
    assert ax.get_ylabel() == "loss"


def test_a_projection_keeps_all_of_a_path_that_lies_in_a_plane():
    run = downslope.minimize("ravine", learning_rate=0.11, method="momentum", max_steps=60)
    deep = downslope.minimize(
        lambda x: 0.05 * x[3] ** 2 + 4 * x[7] ** 2 + x[0] ** 2,
        [0, 0, 0, run.path[0, 0], 0, 0, 0, run.path[0, 1], 0, 0],
        learning_rate=0.11,
        method="momentum",
        max_steps=60,
    )
    plane = main_plane(deep)
    assert plane.shares.sum() == pytest.approx(1)
    assert plane.directions @ plane.directions.T == pytest.approx(np.eye(2), abs=1e-12)
    seen = plane.seen(deep.path)
    assert np.linalg.norm(np.diff(seen, axis=0), axis=1) == pytest.approx(
        np.linalg.norm(np.diff(run.path, axis=0), axis=1)
    )
    assert has_line_through(rendered(plots.projection(deep)), seen)


def test_a_projection_s_landscape_is_the_loss_on_its_plane():
    run = downslope.minimize("wood", max_steps=300)
    ax = rendered(plots.projection(run))
    plane = main_plane(run)
    assert plane.seen(run.path[-1:])[0] == pytest.approx([0, 0], abs=1e-12)
    assert float(ax.get_xlabel().partition("(")[2].partition("%")[0]) == pytest.approx(100 * plane.shares[0], abs=0.1)


@pytest.mark.parametrize("n_steps", [0, 1])
def test_a_path_without_directions_is_projected_all_the_same(n_steps):
    run = downslope.minimize("sum(x^2)", [1.0, 2.0, 3.0], learning_rate=0.1, max_steps=n_steps)
    rendered(plots.projection(run))
    assert main_plane(run).directions @ main_plane(run).directions.T == pytest.approx(np.eye(2), abs=1e-12)


@pytest.fixture(scope="module")
def throws(seeds):
    runs = []
    for case in seeds["dart"]["runs"]:
        bounds = case.get("bounds_deg")
        runs.append(
            downslope.minimize(
                "dart",
                0.0,
                method=case["method"],
                learning_rate=float(case["learning_rate"]),
                max_steps=case["max_steps"],
                target_loss=case["target_loss"],
                bounds=None if bounds is None else tuple(np.radians(bounds)),
            )
        )
    return runs


def test_the_dart_thrower_s_six_panels_tell_angle_and_steps(throws, seeds):
    for first in (0, 6, 12):
        figure = rendered(plots.dart(throws[first : first + 6]))
        cases = seeds["dart"]["runs"][first : first + 6]
        assert [ax.get_title().partition("\n")[2] for ax in figure.axes] == [
            f"{case['angle_deg']:.1f}° after {case['steps']:,} step{'s' * (case['steps'] != 1)}" for case in cases
        ]
        assert figure.axes[3].get_xlabel() == "distance (m)"
        assert figure.axes[0].get_ylabel() == "height (m)"


def test_a_throw_flies_as_the_formula_says(seeds):
    for degrees in seeds["dart"]["minima_deg"]:
        x, y = trajectory(np.radians(degrees))[-1]
        assert (x, y) == (pytest.approx(10), pytest.approx(1))  # it hits the bullseye
    t = seeds["dart"]["flight_time_s"]
    assert 10 / (10 * np.cos(np.radians(seeds["dart"]["minima_deg"][0]))) == pytest.approx(t)


def test_a_dart_is_thrown_in_its_own_problem_alone():
    with pytest.raises(downslope.InvalidInput, match='must be on the problem "dart"'):
        plots.dart(downslope.minimize("x^2", 1.0))


def test_a_notebook_shows_what_is_returned():
    for picture in (plots.curve("x^2"), plots.surface("x^2 + y^2"), plots.descents(downslope.minimize("x^2", 1.0))):
        assert picture._repr_png_().startswith(b"\x89PNG")


def test_no_window_no_pyplot_and_no_figure_kept_open():
    code = """
import gc, sys, weakref
import downslope
assert "matplotlib" not in sys.modules
from downslope import plots
run = downslope.minimize("x^2", 5.0, learning_rate=0.1)
figures = [weakref.ref(run.plot()) for _ in range(30)]
assert "matplotlib.pyplot" not in sys.modules
gc.collect()
print(sum(figure() is not None for figure in figures))
"""
    environment = {"DISPLAY": "", "DOWNSLOPE_CACHE_DIR": "off"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False, env=environment
    )
    assert done.stderr == ""
    assert done.stdout == "0\n"


def test_without_matplotlib_the_error_says_what_to_install():
    code = """
import sys
sys.modules["matplotlib"] = None
import downslope
run = downslope.minimize("x^2", 5.0)
for use in (run.plot, lambda: downslope.plots):
    try:
        use()
    except downslope.MissingExtra as error:
        print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    told = 'downslope.plots needs matplotlib: pip install "downslope[plots]".\n'
    assert done.stdout == 2 * told


def test_importing_the_package_by_name_works():
    import downslope.plots as by_name

    assert by_name is plots is downslope.plots
    assert set(plots.__all__) <= set(dir(plots))
