"""Formulas, many minima, the race, the notch and the decay, the games."""

from urllib.parse import parse_qs

import numpy as np
import pytest

import downslope
from tests.laboratory_page.conftest import SHOWN, number


def test_a_formula_is_checked_while_it_is_typed_and_points_at_the_column(lab):
    lab.open("f=parabola")
    stage = lab.page.locator(".stage").bounding_box()
    field = lab.page.get_by_label("Formula or name of a function").first
    field.fill("x^2 + ")
    complaint = lab.page.locator(".complaint").first
    complaint.filter(has_text="ends too early").wait_for()
    pointer = lab.page.locator(".pointer").first.text_content()
    with pytest.raises(downslope.FormulaError) as caught:
        downslope.minimize("x^2 + ", 1.0)
    assert len(pointer) == caught.value.column
    assert field.get_attribute("aria-invalid") == "true"
    assert lab.page.locator(".stage").bounding_box() == stage
    # Wrong at no one place, hostile, or with a name that the command line could declare.
    for text, words in (("7", "has no variable"), ("__import__('os').system('true')", ""), ("velocity^2", "a letter")):
        field.fill(text)
        complaint.filter(has_text=words).wait_for()
        lab.page.wait_for_timeout(300)
        assert complaint.inner_text() != ""
        assert "--" not in complaint.inner_text()
    field.fill("7")
    complaint.filter(has_text="has no variable").wait_for()
    assert lab.page.locator(".pointer").first.text_content() == ""
    field.fill("<img src=x onerror=alert(1)>")
    lab.page.wait_for_timeout(400)
    assert lab.page.locator(".complaint img").count() == 0
    field.fill("x^4 - 3*x^2 + x")
    lab.page.locator(".complaint:empty").first.wait_for(state="attached")
    lab.page.wait_for_timeout(300)
    lab.settle()
    x = lab.readout("x")
    assert lab.readout("loss") == pytest.approx(x**4 - 3 * x**2 + x, rel=1e-4)


def test_ranges_are_chosen_and_nonsense_is_marked(lab):
    lab.open("f=parabola&a=0.1")
    high = lab.page.get_by_label("x, highest drawn").first
    high.fill("-99")
    high.press("Enter")
    assert high.get_attribute("aria-invalid") == "true"
    high.fill("20")
    high.press("Enter")
    lab.settle()
    lab.click_at(".curve canvas", 0.95, 0.5)
    assert 15 < lab.readout("x") < 20


def test_marbles_are_dropped_counted_and_cleared(lab):
    lab.open("f=himmelblau&a=0.01&v=many")
    lab.button("Drop 50").click()
    lab.settle()
    lab.click_at(".many canvas", 0.5, 0.5)
    assert lab.text(".big") == "51 drops, 4 minima found"
    rows = lab.page.locator(".found tr").evaluate_all(
        "rows => rows.slice(1).map(r => [...r.cells].map(c => c.innerText))"
    )
    known = sorted(m.x for m in downslope.gallery.get("himmelblau").minima)
    found = sorted(tuple(number(v) for v in row[0].split(",")) for row in rows)
    assert np.array(found) == pytest.approx(np.array(known), abs=1e-3)
    assert sum(int(row[2]) for row in rows) == 51
    before = lab.page.locator(".many canvas").screenshot()
    lab.page.get_by_label("Show which start leads where").check()
    lab.settle()
    lab.page.wait_for_timeout(100)
    assert lab.page.locator(".many canvas").screenshot() != before
    lab.screenshot("many-minima-map")
    lab.tab("Notch and decay")
    lab.tab("Many minima")
    assert lab.text(".big") == "51 drops, 4 minima found"
    lab.button("Clear").click()
    assert lab.text(".big") == "0 drops, 0 minima found"


def test_marbles_on_a_line_are_placed_and_dropped_by_keyboard(lab):
    lab.open("f=notch&a=0.1&v=many")
    lab.page.locator(".many canvas").focus()
    for keys in (["ArrowRight"] * 9, ["Shift+ArrowLeft"] * 4):
        for key in keys:
            lab.page.keyboard.press(key)
        lab.page.keyboard.press("Enter")
        lab.settle()
    assert lab.text(".big").startswith("2 drops")
    lab.page.wait_for_timeout(300)
    # The middle of the range from -3 to 6, and fiftieths of its width.
    starts = [1.5 + 9 * 9 / 50, 1.5 + 9 * 9 / 50 - 20 * 9 / 50]
    (told,) = parse_qs(lab.page.url.partition("#")[2])["x"]
    assert [float(start) for start in told.split(";")] == pytest.approx(starts)
    ends = [downslope.minimize("notch", start, learning_rate=0.1, max_steps=5000).x for start in starts]
    lab.page.get_by_label("Show which start leads where").check()
    lab.settle()
    assert not lab.page.locator(".trouble").is_visible()
    cells = lab.page.locator(".found tr td:first-child").all()
    assert sorted(number(cell.inner_text()) for cell in cells) == pytest.approx(
        sorted({round(end, 3) for end in ends}), abs=1e-3
    )


def test_a_race_goes_step_by_step_and_names_the_librarys_winner(lab):
    lab.open("f=ravine&v=race")
    start = [-4.5, 1.5]
    rates = [float(field.input_value()) for field in lab.page.get_by_label("rate, exact").all()]
    plain = downslope.minimize("ravine", start, learning_rate=rates[0], max_steps=1000)
    heavy = downslope.minimize("ravine", start, method="momentum", learning_rate=rates[1], max_steps=1000)
    assert heavy.converged
    words = lab.text(".outcome")
    assert f"converged in {min(r.n_steps for r in (plain, heavy) if r.converged)} steps" in words
    slider = lab.page.get_by_label("Step of the race")
    slider.focus()
    # All begin at one point: nobody leads.
    first = f"loss {downslope.gallery.get('ravine')(start):g}"
    assert lab.page.locator(".lane .note").all_inner_texts() == [first, first]
    for _ in range(7):
        lab.page.keyboard.press("ArrowRight")
    notes = [note.inner_text() for note in lab.page.locator(".lane .note").all()]
    losses = [number(note.split("\N{MIDDLE DOT}")[0].removeprefix("loss ")) for note in notes]
    assert losses == pytest.approx([plain.losses[7], heavy.losses[7]], rel=SHOWN)
    behind = int(np.argmax(losses))
    above = number(notes[behind].split("\N{MIDDLE DOT}")[1].removesuffix(" above the lowest"))
    assert above == pytest.approx(abs(plain.losses[7] - heavy.losses[7]), rel=1e-3)
    lab.button("Share").click()
    lab.button("Copy as Python").click()
    lab.settle()
    copied = lab.page.evaluate("navigator.clipboard.readText()").split("import downslope\n")
    for code, run in zip(copied[1:], (plain, heavy), strict=True):
        names = {"downslope": downslope}
        exec(code, names)  # our own program's answer
        np.testing.assert_array_equal(names["run"].path, run.path)
    lab.page.keyboard.press("Escape")
    assert not lab.button("Copy as Python").is_visible()
    lab.page.get_by_label("Method to add").select_option("adam")
    lab.settle()
    assert lab.page.locator(".lane").count() == 3
    lab.button("Start the race").click()
    lab.button("Pause").wait_for()
    lab.button("Pause").click()
    assert int(lab.text(".race-bar .big").removeprefix("step ")) >= 7


COLOURS = """canvas => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const counts = {};
  for (let k = 0; k < data.length; k += 4) {
    const colour = `rgb(${data[k]}, ${data[k + 1]}, ${data[k + 2]})`;
    counts[colour] = (counts[colour] ?? 0) + 1;
  }
  return counts;
}"""


def test_a_race_on_a_line_has_the_marbles_of_its_legend(lab):
    lab.open("f=parabola&v=race")
    legend = lab.page.locator(".entrant .color").evaluate_all("dots => dots.map(d => d.style.background)")
    assert len(set(legend)) == 2
    lab.page.wait_for_timeout(100)
    for lane, own in zip(lab.page.locator(".lane canvas").all(), legend, strict=True):
        drawn = lane.evaluate(COLOURS)
        # A marble has a radius of 8 pixels, of which the edge takes one.
        assert [colour for colour in legend if drawn.get(colour, 0) > 100] == [own]


def test_a_race_follows_its_sliders(lab):
    lab.open("f=ravine&v=race")
    beta = lab.page.get_by_label("beta, exact")
    beta.fill("0.6")
    beta.press("Enter")
    lab.settle()
    rate = float(lab.page.get_by_label("rate, exact").nth(1).input_value())
    method = downslope.Momentum(0.6)
    run = downslope.minimize("ravine", [-4.5, 1.5], method=method, learning_rate=rate, max_steps=1000)
    lab.page.get_by_label("Step of the race").focus()
    lab.page.keyboard.press("End")
    note = lab.page.locator(".lane .note").nth(1).inner_text()
    assert number(note.split("\N{MIDDLE DOT}")[0].removeprefix("loss ")) == pytest.approx(run.losses[-1], rel=SHOWN)


def test_the_four_controls_of_the_notch_are_the_librarys(lab):
    lab.open("f=notch&v=decay")
    for name, value in (("start", "4"), ("rate decay", "0.95"), ("momentum", "0.5")):
        field = lab.page.get_by_label(f"{name}, exact").first
        field.fill(value)
        field.press("Enter")
        lab.settle()
    lab.type_rate(0.08)
    rate = downslope.learning_rates.GeometricDecay(0.08, factor=0.95)
    run = downslope.minimize("notch", 4.0, method=downslope.Momentum(0.5), learning_rate=rate, max_steps=300)
    for row in (1, 4):
        lab.page.locator(".table tbody tr").nth(row).click()
        assert [lab.readout("x"), lab.readout("loss")] == pytest.approx([run.path[row], run.losses[row]], rel=SHOWN)


def test_the_notch_and_the_decay_leave_the_other_tabs_as_they_were(lab):
    lab.open("f=parabola&a=0.3&s=4&m=adam&c.beta1=0.8&k=17")
    lab.page.locator(".table tbody tr").nth(5).click()
    before = lab.rows()
    method = lab.page.get_by_label("Method", exact=True)
    lab.tab("Notch and decay")
    lab.button("Sine").click()
    lab.settle()
    momentum = lab.page.get_by_label("momentum, exact").first
    momentum.fill("0.5")
    momentum.press("Enter")
    lab.settle()
    lab.tab("Descend")
    assert (method.input_value(), lab.page.get_by_label("beta1, exact").first.input_value()) == ("adam", "0.8")
    assert lab.page.get_by_label("learning rate, exact").first.input_value() == "0.3"
    assert (lab.rows(), lab.step()[0]) == (before, 5)
    # It finds its own again, too; and a glance at it, over before anything has come, changes nothing either.
    lab.tab("Notch and decay")
    assert lab.button("Sine").get_attribute("aria-pressed") == "true"
    assert momentum.input_value() == "0.5"
    lab.tab("Descend")
    for name in ("Notch and decay", "Descend"):
        lab.page.get_by_role("tab", name=name).click()
    lab.settle()
    assert method.input_value() == "adam"
    assert (lab.rows(), lab.step()[0]) == (before, 5)


def test_the_challenge_is_judged_by_the_library(lab):
    lab.open("v=play&f=parabola")
    assert lab.text(".challenge .outcome") == ""
    field = lab.page.get_by_label("your rate")
    for rate, met in ((0.1, False), (0.5, True), (0.855, True), (0.857, False)):
        run = downslope.minimize("parabola", 5.0, learning_rate=rate, max_steps=25, gradient_tolerance=None)
        assert (abs(run.path[-1]) < 1e-3) == met
        field.fill(str(rate))
        field.press("Enter")
        lab.settle()
        outcome = lab.page.locator(".challenge .outcome")
        assert outcome.get_attribute("data-met") == str(met).lower()
    assert "0.855" in lab.text(".challenge > .note")


def test_the_quiz_asks_judges_and_shows_what_happens(lab):
    lab.open("v=play&f=parabola")
    for _ in range(2):
        lab.page.locator(".choice").first.click()
        lab.settle()
        words = lab.text(".quiz .outcome")
        assert words.startswith(("\N{CHECK MARK} Right.", "\N{BALLOT X} Not so."))
        assert lab.page.locator(".choice", has_text="\N{CHECK MARK}").count() == 1
        assert lab.page.locator(".quiz canvas").count() == 2
        lab.button("Next question").click()
        lab.settle()
        assert lab.page.locator(".quiz canvas").count() == 1


def test_tabs_are_walked_by_keyboard(lab):
    lab.open("f=parabola")
    lab.page.get_by_role("tab", name="Descend").focus()
    for name in ("Many minima", "Race", "Notch and decay", "Play", "Descend"):
        lab.page.keyboard.press("ArrowRight")
        assert lab.page.get_by_role("tab", name=name).get_attribute("aria-selected") == "true"
        lab.settle()
    assert lab.readout("loss") == pytest.approx(lab.readout("x") ** 2)


def test_a_tab_that_is_opened_late_shows_what_is_there(lab):
    lab.open("f=parabola&a=0.1&v=many")
    lab.tab("Descend")
    assert lab.rows()[1][1] == "4"
    assert lab.page.get_by_label("Method").first.input_value() == "gradient_descent"
    assert lab.page.get_by_label("x, highest drawn").first.input_value() == "6"
    assert lab.page.locator(".sentences p").count() >= 2
