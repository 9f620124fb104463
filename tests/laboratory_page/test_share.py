"""What is taken along: the address, code, pictures, files, a page by itself; and the same page in a notebook."""

import base64
import csv
import shlex

import numpy as np
import pytest
from PIL import Image

import downslope
from downslope.lab.laboratory import Laboratory
from downslope.lab.page_files import script
from downslope.lab.widget import answer
from tests.laboratory_page.conftest import SHOWN, new_page

SETTING = "f=rosenbrock&s=-1.5,2&a=0.0013&m=momentum&c.beta=0.7&k=40"


def the_run():
    method = downslope.Momentum(0.7)
    return downslope.minimize("rosenbrock", [-1.5, 2.0], method=method, learning_rate=0.0013, max_steps=40)


def shared(lab, fragment=SETTING):
    """The panel lies over the page, which stays where it is."""
    stage = lab.open(fragment).page.locator(".stage").bounding_box()
    lab.button("Share").click()
    assert lab.page.locator(".stage").bounding_box() == stage
    return lab


def test_the_address_brings_back_what_was_set_to_the_last_bit(lab, browser, address):
    lab.open("f=parabola")
    lab.type_rate(0.1234567890123)
    lab.page.locator(".curve canvas").focus()
    lab.page.keyboard.press("ArrowLeft")
    lab.settle()
    lab.page.wait_for_timeout(300)
    other = new_page(browser, address)
    other.open(lab.page.url.partition("#")[2])
    assert other.page.get_by_label("learning rate, exact").first.input_value() == "0.1234567890123"
    assert other.rows() == lab.rows()
    other.page.context.close()


def test_a_race_and_the_marbles_step_are_in_the_address_too(lab, browser, address):
    lab.open("f=ravine&v=race")
    beta = lab.page.get_by_label("beta, exact")
    beta.fill("0.61")
    beta.press("Enter")
    lab.settle()
    lab.page.wait_for_timeout(300)
    other = new_page(browser, address).open(lab.page.url.partition("#")[2])
    assert other.page.get_by_label("beta, exact").input_value() == "0.61"
    other.tab("Descend")
    other.page.locator(".table tbody tr").nth(6).click()
    other.page.wait_for_timeout(300)
    third = new_page(browser, address).open(other.page.url.partition("#")[2])
    assert third.step()[0] == 6
    other.page.context.close()
    third.page.context.close()


def test_copied_python_and_the_copied_command_make_the_run_again(lab, run_cli, tmp_path):
    shared(lab).button("Copy as Python").click()
    lab.settle()
    copied = lab.page.evaluate("navigator.clipboard.readText()")
    assert copied == lab.page.get_by_label("Code", exact=True).input_value()
    names = {}
    exec(copied, names)  # our own program's answer
    assert np.array_equal(names["run"].path, the_run().path)
    lab.button("Copy as command").click()
    lab.settle()
    program, *words = shlex.split(lab.page.evaluate("navigator.clipboard.readText()"))
    assert program == "downslope"
    status, _, _ = run_cli(*words, "--save", str(tmp_path / "run.parquet"))
    assert status == 0
    assert np.array_equal(downslope.load(tmp_path / "run.parquet").path, the_run().path)


def test_where_there_is_no_command_it_says_why_and_leaves_no_other_code_standing(lab):
    shared(lab, "f=own:steep").button("Copy as Python").click()
    lab.settle()
    lab.button("Copy as command").click()
    lab.page.locator(".told", has_text="no Python function").wait_for()
    assert not lab.page.get_by_label("Code", exact=True).is_visible()
    lab.tab("Many minima")
    lab.button("Share").click()  # it was closed by the other tab
    lab.button("Copy as Python").click()
    lab.page.locator(".told", has_text="Code is of single descents").wait_for()


def test_the_saved_run_is_the_librarys_and_opens_again(lab, tmp_path):
    with shared(lab).page.expect_download() as caught:
        lab.button("Save run").click()
    path = tmp_path / "saved.parquet"
    caught.value.save_as(path)
    assert np.array_equal(downslope.load(path).path, the_run().path)
    # In the last digits this one differs from what the page's own descent would give.
    other = tmp_path / "other.parquet"
    run = downslope.minimize("himmelblau", [1.0, 1.0], learning_rate=0.03, max_steps=200, engine="eager")
    again = downslope.minimize("himmelblau", [1.0, 1.0], learning_rate=0.03, max_steps=200)
    assert run.path.shape == again.path.shape
    assert not np.array_equal(run.path, again.path)
    run.save(other)
    lab.page.get_by_label("A run's file").set_input_files(other)
    lab.page.locator(".told", has_text="was opened").wait_for()
    lab.settle()
    lab.page.locator(".table tbody tr").nth(5).click()
    assert [lab.readout("x"), lab.readout("y")] == pytest.approx(run.path[5], rel=SHOWN)
    # It is still there, and so is the marble, when another tab has had its own function.
    lab.tab("Notch and decay")
    lab.tab("Descend")
    assert lab.step() == (5, run.n_steps)
    with lab.page.expect_download() as caught:
        lab.button("Download CSV").click()
    rows = list(csv.DictReader(caught.value.path().read_text().splitlines()))
    assert [[float(row["x"]), float(row["y"])] for row in rows] == run.path.tolist()


def test_a_file_that_is_no_run_is_refused_in_words(lab, tmp_path):
    path = tmp_path / "no.parquet"
    path.write_bytes(b"PAR1 this is not one")
    shared(lab).page.get_by_label("A run's file").set_input_files(path)
    lab.page.locator(".told:not(:empty)").wait_for()
    lab.settle()
    assert "opened" not in lab.text(".told")
    assert lab.step()[1] == 40


def test_the_picture_shows_the_hill_and_the_contours(lab, tmp_path):
    shared(lab)
    lab.page.wait_for_selector(".hill canvas")
    lab.page.wait_for_timeout(300)
    with lab.page.expect_download() as caught:
        lab.button("Save picture").click()
    caught.value.save_as(tmp_path / "picture.png")
    picture = np.asarray(Image.open(tmp_path / "picture.png").convert("RGB"))
    assert picture.shape[1] > 600
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 200


@pytest.mark.parametrize(
    ("fun", "x0", "method", "rate"),
    [
        ("x**2", 5.0, "gradient_descent", 0.3),
        ("rosenbrock", [-1.2, 1.0], "momentum", 0.001),
        ("sum(x^2)", [1.0, 2.0, 3.0], "gradient_descent", 0.3),
    ],
    ids=["one variable", "two", "three, of a formula of any size"],
)
def test_a_page_exported_without_a_browser_opens_with_its_own_setting(browser, tmp_path, fun, x0, method, rate):
    path = tmp_path / "exported.html"
    setting = {"fun": fun, "start": np.atleast_1d(x0).tolist(), "method": method, "learning_rate": rate}
    path.write_text(Laboratory().call("export", setting)["content"], encoding="utf-8")
    alone = new_page(browser, path.as_uri(), offline=True)
    alone.page.goto(alone.address)
    alone.settle()
    assert alone.page.locator(".trouble").text_content() == ""
    assert float(alone.page.get_by_label("learning rate, exact").first.input_value()) == rate
    alone.page.locator(".table tbody tr").nth(3).click()
    run = downslope.minimize(fun, x0, method=method, learning_rate=rate, max_steps=300)
    assert alone.readout("loss") == pytest.approx(run.losses[3], rel=SHOWN)
    alone.page.context.close()


def test_the_exported_page_works_from_a_file_without_network(lab, browser, tmp_path):
    path = tmp_path / "exported.html"
    suggested = lab.open(SETTING).text(".suggestion").removeprefix("Try ")
    with shared(lab).page.expect_download() as caught:
        lab.button("Export page").click()
    caught.value.save_as(path)
    assert path.stat().st_size <= 3_000_000
    alone = new_page(browser, path.as_uri(), offline=True)
    alone.page.goto(alone.address)
    alone.settle()
    assert alone.page.locator(".trouble").text_content() == ""
    assert "downslope lab" in alone.text(".notice")
    run = the_run()
    alone.page.locator(".table tbody tr").nth(7).click()
    assert [alone.readout("x"), alone.readout("loss")] == pytest.approx([run.path[7, 0], run.losses[7]], rel=SHOWN)
    assert alone.page.locator(".sentences p").count() >= 2
    # The slider goes through the rates that were baked.
    alone.page.get_by_role("slider", name="learning rate").first.focus()
    for _ in range(3):
        alone.page.keyboard.press("ArrowLeft")
    alone.settle()
    assert "exported learning rate 0.0013" in alone.text(".whose")
    rate = float(alone.page.get_by_label("learning rate, exact").first.input_value())
    again = downslope.minimize(
        "rosenbrock", [-1.5, 2.0], method=downslope.Momentum(0.7), learning_rate=rate, max_steps=40
    )
    assert alone.readout("loss") == pytest.approx(again.losses[7], rel=SHOWN)
    assert alone.page.locator(".trouble").is_hidden()
    # Nothing that needs Python can be pressed.
    open_controls = alone.page.locator(".descend :is(input, select, textarea):enabled:not([readonly])")
    assert open_controls.evaluate_all("fields => fields.map(f => f.getAttribute('aria-label') ?? f.type)") == [
        "range",
        "Speed",
    ]
    assert alone.page.locator(".suggestion").count() == 0
    assert alone.page.locator(".sentences p", has_text=suggested).count() == 1
    alone.button("Share").click()
    shares = ["Copy as Python", "Copy as command", "Save picture"]
    assert alone.page.locator(".share button").all_inner_texts() == shares
    alone.page.get_by_role("tab", name="Descend").press("ArrowRight")
    assert alone.page.locator(".descend").count() == 1
    # What it cannot do it says, and goes on.
    alone.click_at(".contour canvas", 0.3, 0.3)
    assert "downslope lab" in alone.text(".trouble")
    assert alone.complaints == []
    assert [url for url in alone.requests if not url.startswith(("file:", "data:", "blob:"))] == []
    alone.screenshot("exported")
    alone.page.context.close()


NOTEBOOK = """
<!doctype html>
<style>
  body { --text: #eee }
  * { color: var(--text) !important; font-size: 40px !important }
  #cell { width: 700px }
</style>
<body></body>
<script type="module">
import widget from "WIDGET";
const listeners = [];
const model = {
  get: () => null,
  on: (_, listener) => listeners.push(listener),
  off: () => undefined,
  send: async (message) => {
    const { head, numbers } = await window.kernel(message);
    const bytes = Uint8Array.from(atob(numbers), (c) => c.charCodeAt(0));
    listeners.forEach((listener) => listener(head, [new DataView(bytes.buffer)]));
  },
};
const el = document.createElement("div");
el.id = "cell";
widget.render({ model, el });
document.body.append(el);  // as JupyterLab does: it renders first
</script>
"""


def test_the_widget_is_the_same_page_in_the_colours_and_the_width_of_the_notebook(browser, address):
    laboratory = Laboratory(opening={"fun": "parabola", "learning_rate": 0.3})

    def kernel(message):
        head, numbers = answer(laboratory, message) if "method" in message else ({"id": None}, b"")
        return {"head": head, "numbers": base64.b64encode(numbers).decode()}

    lab = new_page(browser, address)
    lab.page.expose_function("kernel", kernel)
    lab.page.route(
        "**/widget.js", lambda route: route.fulfill(body=script("widget.js"), content_type="text/javascript")
    )
    notebook = NOTEBOOK.replace("WIDGET", "http://notebook.test/widget.js")
    lab.page.route("**/notebook", lambda route: route.fulfill(body=notebook, content_type="text/html"))
    lab.page.goto("http://notebook.test/notebook")
    lab.settle()
    run = downslope.minimize("parabola", 5.0, learning_rate=0.3)
    lab.page.locator(".table tbody tr").nth(4).click()
    assert lab.readout("x") == pytest.approx(run.path[4], rel=SHOWN)
    sizes = "root => [...root.querySelectorAll('*')].map(e => parseFloat(getComputedStyle(e).fontSize))"
    assert max(lab.page.locator(".laboratory").evaluate(sizes)) < 30
    # The cell is narrow, where the window is wide: all is in one column.
    tops = [lab.page.locator(one).bounding_box()["y"] for one in (".function-bar", ".rate-slider", ".stage", ".why")]
    assert tops == sorted(tops)
    # Light text around it makes it dark, at once when the notebook's theme changes.
    assert lab.button("Dark colours").get_attribute("aria-pressed") == "true"
    lab.screenshot("notebook-dark")
    lab.page.evaluate("document.body.style.setProperty('--text', '#111')")
    lab.page.locator("button[aria-label='Dark colours'][aria-pressed=false]").wait_for()
    assert lab.complaints == []
    lab.page.context.close()
