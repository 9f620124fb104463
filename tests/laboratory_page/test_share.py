"""What is taken along: the address, code, pictures, files, a page by itself; and the same page in a notebook."""

import base64
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
    lab.open(fragment)
    lab.button("Share").click()
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


def test_copied_python_makes_the_run_again(lab):
    shared(lab).button("Copy as Python").click()
    lab.settle()
    copied = lab.page.evaluate("navigator.clipboard.readText()")
    assert copied == lab.page.get_by_label("Code", exact=True).input_value()
    names = {}
    exec(copied, names)  # our own program's answer
    assert np.array_equal(names["run"].path, the_run().path)


def test_the_copied_command_makes_the_run_again(lab, run_cli, tmp_path):
    shared(lab).button("Copy as command").click()
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


def test_the_saved_run_is_the_librarys_and_opens_again(lab, tmp_path):
    with shared(lab).page.expect_download() as caught:
        lab.button("Save run").click()
    path = tmp_path / "saved.parquet"
    caught.value.save_as(path)
    assert np.array_equal(downslope.load(path).path, the_run().path)
    other = tmp_path / "other.parquet"
    run = downslope.minimize("himmelblau", [1.0, 1.0], learning_rate=0.01, max_steps=30)
    run.save(other)
    lab.page.get_by_label("A run's file").set_input_files(other)
    lab.page.locator(".told", has_text="was opened").wait_for()
    lab.settle()
    lab.page.locator(".table tbody tr").nth(5).click()
    assert [lab.readout("x"), lab.readout("y")] == pytest.approx(run.path[5], rel=SHOWN)


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
<!doctype html><body><style>* { color: red !important; font-size: 40px !important }</style><div id="cell"></div>
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
widget.render({ model, el: document.querySelector("#cell") });
</script>
"""


def test_the_widget_is_the_same_page_whose_styles_the_notebook_cannot_touch(browser, address):
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
    size = lab.page.locator("[data-readout=x]").evaluate("e => getComputedStyle(e).fontSize")
    assert size != "40px"
    assert lab.complaints == []
    lab.page.context.close()
