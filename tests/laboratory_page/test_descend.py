"""The line, the hill, the rate's slider and the steps."""

import csv
import io
import re

import numpy as np
import pytest

import downslope
from tests.laboratory_page.conftest import SHOWN, number
from tests.laboratory_page.steep import steep


def test_the_page_begins_with_a_run_whose_numbers_are_the_librarys(lab):
    lab.open("f=rosenbrock&a=0.001&k=50")
    run = downslope.minimize("rosenbrock", [-1.2, 1.0], learning_rate=0.001, max_steps=50)
    for row in (0, 1, 2, 3):
        lab.page.locator(".table tbody tr").nth(row).click()
        assert lab.step() == (row, run.n_steps)
        shown = [lab.readout(name) for name in ("x", "y", "loss", "gradient", "next step")]
        step = np.abs(run.path[row + 1] - run.path[row]).max()
        assert shown == pytest.approx([*run.path[row], run.losses[row], run.gradient_norms[row], step], rel=SHOWN)
    lab.page.get_by_role("slider", name="Step", exact=True).press("End")
    lab.page.locator("tr.current td:first-child", has_text="50").wait_for()
    # A row has the rate of the step that it begins: the last one begins none.
    assert [row[-1] for row in lab.rows()[-2:]] == ["0.001", ""]


def test_a_click_on_the_contours_places_the_marble_there(lab):
    lab.open("f=himmelblau&a=0.01")
    lab.click_at(".contour canvas", 0.3, 0.4)
    x, y = lab.readout("x"), lab.readout("y")
    box = lab.page.locator(".contour canvas").bounding_box()
    # The drawing's margins: 50 left, 16 right, 26 above, 44 below; the ranges go from -5 to 5.
    assert x == pytest.approx(-5 + 10 * (0.3 * box["width"] - 50) / (box["width"] - 66), abs=0.05)
    assert y == pytest.approx(-5 + 10 * (box["height"] - 44 - 0.4 * box["height"]) / (box["height"] - 70), abs=0.05)
    assert lab.readout("loss") == pytest.approx(downslope.gallery.get("himmelblau")((x, y)), rel=1e-4)
    assert lab.step()[0] == 0


def test_a_click_on_the_hill_places_the_marble_and_a_drag_turns_the_hill(lab):
    lab.open("f=himmelblau&a=0.01")
    lab.page.wait_for_selector(".hill canvas")
    before = lab.readout("x"), lab.readout("y")
    box = lab.page.locator(".hill canvas").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    picture = lab.page.locator(".hill canvas").screenshot()
    lab.page.mouse.move(x, y)
    lab.page.mouse.down()
    lab.page.mouse.move(x + 120, y, steps=4)
    lab.page.mouse.up()
    assert (lab.readout("x"), lab.readout("y")) == before
    assert lab.page.locator(".hill canvas").screenshot() != picture
    lab.click_at(".hill canvas", 0.5, 0.55)
    after = lab.readout("x"), lab.readout("y")
    assert after != before
    assert lab.readout("loss") == pytest.approx(downslope.gallery.get("himmelblau")(after), rel=1e-4)


def test_the_hill_turns_and_zooms_by_keyboard(lab):
    lab.open("f=himmelblau")
    canvas = lab.page.locator(".hill canvas")
    canvas.wait_for()
    lab.page.locator(".hill-place").focus()
    seen = {canvas.screenshot()}
    for key in ("ArrowLeft", "ArrowUp", "+"):
        lab.page.keyboard.press(key)
        lab.page.wait_for_timeout(100)
        seen.add(canvas.screenshot())
    assert len(seen) == 4


def test_the_marble_rolls_to_the_end_and_can_be_paused_and_reset(lab):
    lab.open("f=parabola&a=0.2")
    lab.button("Roll").click()
    lab.page.locator("[data-readout=step]", has_not_text=re.compile("^[01] of")).wait_for()
    lab.button("Pause").click()
    now, last = lab.step()
    assert 0 < now < last
    lab.page.wait_for_timeout(200)
    assert lab.step() == (now, last)
    lab.page.get_by_label("Speed").first.select_option("4")
    lab.page.locator(".table").focus()
    lab.page.keyboard.press(" ")
    lab.button("Roll").wait_for()
    assert lab.step() == (last, last)
    lab.button("Reset").click()
    assert lab.step() == (0, last)


def test_the_badge_of_the_parabola_is_one_minus_two_a_at_every_rate(lab):
    lab.open("f=parabola&a=0.2")
    assert lab.text(".badge").startswith("1 \N{MINUS SIGN} 2a = ")
    slider = lab.page.get_by_role("slider", name="learning rate").first
    slider.focus()
    for _ in range(12):
        lab.page.keyboard.press("ArrowRight")
        rate = float(lab.page.get_by_label("learning rate, exact").first.input_value())
        shown = number(lab.text(".badge").partition("= ")[2])
        assert shown == pytest.approx(1 - 2 * rate, abs=1e-5)


def test_the_limits_on_the_slider_are_the_librarys(lab):
    lab.open("f=himmelblau&a=0.01")
    low, high = next(m.curvatures for m in downslope.gallery.get("himmelblau").minima if m.x == (3.0, 2.0))
    wanted = [2 / (low + high), 1 / high, 2 / high]
    words = lab.text(".limits").split(" \N{MIDDLE DOT} ")
    assert [number(word.rpartition(" ")[2]) for word in words] == pytest.approx(wanted, rel=1e-3)
    low, high = (
        lab.page.locator(".mark.zigzag_from").bounding_box(),
        lab.page.locator(".mark.largest_stable").bounding_box(),
    )
    assert low["x"] < lab.page.locator(".mark.best_rate").bounding_box()["x"] < high["x"]


def test_a_field_says_what_it_wants_until_it_has_it(lab):
    lab.open("f=parabola&a=0.1&m=momentum")
    for label, words in (
        ("learning rate, exact", "learning rate must be a finite number above 0, such as 0.1; got abc"),
        ("start, x", "start, x must be a finite number, such as 0.5; got abc"),
        ("x, lowest drawn", "x, lowest drawn must be a finite number, such as 0.5; got abc"),
        ("beta, exact", "beta must be a finite number, such as 0.5; got abc"),
    ):
        field = lab.page.get_by_label(label, exact=True)
        before = field.input_value()
        field.fill("abc")
        field.press("Enter")
        told = lab.page.locator(".wanted:not(:empty)")
        assert told.all_inner_texts() == [words]
        assert field.get_attribute("aria-describedby") == told.get_attribute("id")
        field.fill(before)
        field.press("Enter")
        lab.settle()
        assert told.count() == 0
        assert field.get_attribute("aria-invalid") == "false"


def test_a_start_that_python_refuses_is_marked_until_there_is_another_and_moves_nothing(lab):
    lab.open("f=parabola&a=0.1")
    stage = lab.page.locator(".stage").bounding_box()
    field = lab.page.get_by_label("start, x", exact=True)
    field.fill("1e200")
    field.press("Enter")
    lab.settle()
    assert lab.text(".trouble") == "start must be a number from -1e+100 to 1e+100; got 1e+200."
    assert field.get_attribute("aria-invalid") == "true"
    assert lab.page.locator(".stage").bounding_box() == stage
    lab.button("Close").click()
    assert lab.page.locator(".trouble").is_hidden()
    field.fill("2e200")
    field.press("Enter")
    lab.settle()
    assert lab.text(".trouble").endswith("got 2e+200.")
    field.fill("1")
    field.press("Enter")
    lab.settle()
    assert lab.page.locator(".trouble").is_hidden()
    assert field.get_attribute("aria-invalid") == "false"


def test_on_a_phone_the_rate_comes_before_the_pictures(lab):
    lab.page.set_viewport_size({"width": 375, "height": 800})
    lab.open("f=parabola")
    for view, picture, last in (
        ("Descend", ".stage", ".why"),
        ("Many minima", ".many", ".found"),
        ("Notch and decay", ".stage", ".why"),
    ):
        lab.tab(view)
        order = (".function-bar", ".rate-slider", picture, last)
        tops = [lab.page.locator(one).bounding_box()["y"] for one in order]
        assert tops == sorted(tops)


def test_dragging_the_rate_asks_for_nothing_and_its_numbers_are_the_runs(lab):
    lab.open("f=rosenbrock&k=60")
    slider = lab.page.get_by_role("slider", name="learning rate").first
    lab.page.locator(".table tbody tr").nth(5).click()
    box = slider.bounding_box()
    lab.page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + box["height"] / 2)
    lab.page.mouse.down()
    sent = len(lab.frames_sent)
    for share in (0.45, 0.6, 0.55, 0.65):
        lab.page.mouse.move(box["x"] + share * box["width"], box["y"] + box["height"] / 2, steps=5)
        rate = float(lab.page.get_by_label("learning rate, exact").first.input_value())
        run = downslope.minimize("rosenbrock", [-1.2, 1.0], learning_rate=rate, max_steps=60)
        assert lab.readout("loss") == pytest.approx(run.losses[lab.step()[0]], rel=SHOWN)
    assert len(lab.frames_sent) == sent
    lab.page.mouse.up()
    lab.settle()
    assert len(lab.frames_sent) > sent
    assert lab.readout("loss") == pytest.approx(run.losses[5], rel=SHOWN)


def test_a_typed_rate_is_used_to_its_last_digit_and_the_table_has_them_all(lab):
    lab.open("f=rosenbrock&k=200")
    rate = 0.0017320508075688772
    lab.type_rate(rate)
    run = downslope.minimize("rosenbrock", [-1.2, 1.0], learning_rate=rate, max_steps=200)
    with lab.page.expect_download() as caught:
        lab.button("Download CSV").click()
    text = caught.value.path().read_text()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == run.n_steps + 1
    assert [[float(row["x"]), float(row["y"])] for row in rows] == run.path.tolist()
    assert [float(row["loss"]) for row in rows] == run.losses.tolist()
    assert [float(row["learning_rate"]) for row in rows[:-1]] == [rate] * run.n_steps
    lab.button("Copy CSV").click()
    lab.page.wait_for_timeout(100)
    assert lab.page.evaluate("navigator.clipboard.readText()") == text


def test_the_steps_are_walked_by_keyboard_and_by_dragging_the_bars(lab):
    lab.open("f=parabola&a=0.1")
    run = downslope.minimize("parabola", 5.0, learning_rate=0.1, max_steps=300)
    bars = lab.page.get_by_role("slider", name="Step", exact=True)
    bars.focus()
    for key, row in (
        ("End", run.n_steps),
        ("ArrowLeft", run.n_steps - 1),
        ("Home", 0),
        ("PageDown", 10),
        ("ArrowRight", 11),
    ):
        lab.page.keyboard.press(key)
        assert lab.step()[0] == row
        assert lab.readout("x") == pytest.approx(run.path[row], rel=SHOWN)
        lab.page.locator("tr.current td:first-child", has_text=re.compile(f"^{row}$")).wait_for()
    box = bars.bounding_box()
    lab.page.mouse.move(box["x"] + 5, box["y"] + 50)
    lab.page.mouse.down()
    lab.page.mouse.move(box["x"] + box["width"] - 5, box["y"] + 50, steps=5)
    lab.page.mouse.up()
    assert lab.step()[0] == run.n_steps


def test_a_rate_beyond_all_numbers_is_refused_and_arrow_keys_on_the_line_move_the_start(lab):
    lab.open("f=parabola&a=0.1")
    field = lab.page.get_by_label("learning rate, exact")
    field.fill("1e400")
    field.press("Enter")
    lab.settle()
    assert field.get_attribute("aria-invalid") == "true"
    run = downslope.minimize("parabola", 5.0, learning_rate=0.1, max_steps=300)
    assert lab.step()[1] == run.n_steps
    lab.page.locator(".curve canvas").focus()
    lab.page.keyboard.press("ArrowLeft")
    lab.settle()
    assert lab.readout("x") == pytest.approx(5 - 12 / 50)
    lab.click_at(".curve canvas", 0.25, 0.5)
    assert lab.readout("x") < 0


def test_the_explanation_is_the_librarys_and_its_suggestion_is_applied_by_a_button(lab):
    lab.open("f=parabola&a=1.02")
    run = downslope.minimize("parabola", 5.0, learning_rate=1.02, max_steps=300)
    told = run.explain()
    words = lab.text(".sentences")
    assert run.message in words
    assert told.sentences[0] in words
    lab.page.locator(".suggestion").click()
    lab.settle()
    assert lab.text(".verdict strong") != "diverging"
    assert "GRADIENT_SMALL" in lab.text(".message")


def test_momentum_has_its_slider_and_other_sliders_ask_for_a_new_fan(lab):
    lab.open("f=rosenbrock&a=0.001")
    lab.page.get_by_label("Method").first.select_option("momentum")
    lab.settle()
    beta = lab.page.get_by_label("beta, exact").first
    assert float(beta.input_value()) == 0.9
    sent = len(lab.frames_sent)
    beta.fill("0.5")
    beta.press("Enter")
    lab.settle()
    assert any('"fan"' in text for text in lab.frames_sent[sent:])
    lab.type_rate(0.0007)
    run = downslope.minimize(
        "rosenbrock", [-1.2, 1.0], method=downslope.Momentum(0.5), learning_rate=0.0007, max_steps=300
    )
    lab.page.locator(".table tbody tr").nth(4).click()
    assert [lab.readout("x"), lab.readout("y")] == pytest.approx(run.path[4], rel=SHOWN)


@pytest.mark.parametrize(
    ("setting", "start", "plot"),
    [("f=parabola&a=0.1", "99", ".curve"), ("f=himmelblau&a=0.001", "6", ".contour")],
)
def test_a_marble_that_is_not_in_the_picture_is_told_of_beside_it(lab, setting, start, plot):
    lab.open(setting)
    told = lab.page.locator(f"{plot} [aria-live=polite]")
    assert told.text_content() == ""
    field = lab.page.locator(".start input").first
    field.fill(start)
    field.press("Enter")
    lab.settle()
    assert told.inner_text() == "the marble is outside what is drawn"
    lab.page.get_by_role("slider", name="Step").press("End")
    lab.settle()
    # Both have minima where they are drawn: at 0, and at (3, 2).
    assert abs(lab.readout("x")) < 4
    assert told.text_content() == ""


def test_functions_of_more_variables_are_drawn_in_a_slice(lab):
    lab.open("f=wood&a=0.001")
    run = downslope.minimize("wood", downslope.gallery.get("wood").start, learning_rate=0.001, max_steps=300)
    lab.page.locator(".table tbody tr").nth(3).click()
    assert lab.readout("loss") == pytest.approx(run.losses[3], rel=SHOWN)
    assert "slice" in lab.text(".stage .note").lower()
    lab.page.get_by_label("First direction of the slice").select_option("1")
    lab.settle()
    lab.page.get_by_label("Second direction of the slice").select_option("3")
    lab.settle()
    before = [float(field.input_value()) for field in lab.page.locator(".start input").all()]
    lab.click_at(".contour canvas", 0.4, 0.4)
    after = [float(field.input_value()) for field in lab.page.locator(".start input").all()]
    names = [f"{'x2' if k == 0 else 'x4'} \N{MINUS SIGN} 1" for k in range(2)]
    told = lab.page.locator(".range input").evaluate_all("fields => fields.map(f => f.getAttribute('aria-label'))")
    assert told == [f"{name}, {end} drawn" for name in names for end in ("lowest", "highest")]
    # The plane goes through the minimum at 1, 1, 1, 1, along the second and the fourth variable.
    assert after[0] == pytest.approx(1, abs=1e-6)
    assert after[2] == pytest.approx(1, abs=1e-6)
    assert after != before
    assert lab.readout("loss") == pytest.approx(float(downslope.gallery.get("wood")(after)), rel=1e-4)


def test_a_python_function_of_ones_own_is_descended(lab):
    lab.open("f=own:steep&s=3,2&a=0.1")
    run = downslope.minimize(steep, [3.0, 2.0], learning_rate=0.1, max_steps=300)
    lab.page.locator(".table tbody tr").nth(2).click()
    assert [lab.readout("x"), lab.readout("y"), lab.readout("loss")] == pytest.approx(
        [*run.path[2], run.losses[2]], rel=SHOWN
    )


def test_an_address_with_a_method_that_is_none_is_told_and_shows_the_rest(lab):
    lab.open("f=notch&a=0.1&m=nosuch")
    assert 'the method "nosuch", which is none of those here' in lab.text(".trouble")
    assert lab.page.get_by_label("Method", exact=True).input_value() == "gradient_descent"
    lab.page.locator(".table tbody tr").nth(3).click()
    assert lab.step()[0] == 3
    lab.page.get_by_label("Named functions").select_option("parabola")
    lab.settle()
    assert lab.step()[0] == 0  # another function's marble is at its start
