"""Whatever a page sends, and however long it takes, the server answers and goes on."""

import contextlib
import json
import threading
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed

from downslope.lab.conversation import read
from downslope.lab.functions import Own
from downslope.lab.laboratory import REQUESTS, Laboratory, error_of
from downslope.lab.limits import LIMITS
from downslope.lab.messages import packed, unpacked
from downslope.lab.settings import KEYS
from downslope.patience import LostPatience

from .conftest import Client


def slow(x):
    """Not compiled, for it branches on its values; each call takes a hundredth of a second."""
    time.sleep(0.01)
    return x**2 if x > 0 else -x


def never(x):
    """Comes back the first few times, at the start, and then not for a long time."""
    if abs(x - 1.0) > 1e-3:
        time.sleep(4)
    return float(x) ** 2


@pytest.fixture(scope="module")
def hasty(page):
    """A server whose requests may take one second, with functions that take longer."""
    from downslope.lab.starting import serving

    own = Laboratory({"slow": Own(slow, [3.0]), "never": Own(never, [1.0])})
    with serving(own, page=page, seconds=1.0) as address:
        yield address


@pytest.fixture
def impatient(hasty):
    one = Client(hasty)
    yield one
    one.close()


LONG = {"fun": "own:slow", "learning_rate": 1e-4, "max_steps": 10_000, "gradient_tolerance": None}


@pytest.mark.slow
def test_a_request_that_takes_too_long_is_told_so_and_the_server_goes_on(impatient):
    began = time.monotonic()
    answer = impatient.call("run", LONG)
    assert answer["error"]["kind"] == "too_long"
    assert time.monotonic() - began < 20
    assert "result" in impatient.call("code", {"fun": "x^2"}, 2)


@pytest.mark.slow
def test_a_function_that_does_not_come_back_keeps_nobody_else_waiting(impatient):
    answer = impatient.call("run", {"fun": "own:never", "learning_rate": 0.1})
    assert answer["error"]["kind"] == "too_long"
    assert "result" in impatient.call("code", {"fun": "x^2"}, 2)


def test_a_request_can_be_cancelled(impatient):
    impatient.send({"id": 5, "method": "run", "params": LONG})
    time.sleep(0.2)
    began = time.monotonic()
    impatient.send({"cancel": 5})
    answer = impatient.hear()
    assert (answer["id"], answer["error"]["kind"]) == (5, "cancelled")
    assert time.monotonic() - began < 5


@pytest.mark.sampled
@pytest.mark.parametrize("method", ["run", "fan", "race", "drop", "basins", "critical", "limits"])
def test_the_computation_itself_ends_when_nobody_waits(method):
    own = Laboratory({"slow": Own(slow, [3.0])})
    params = {
        "race": {**LONG, "entrants": [{}, {}]},
        "drop": {**LONG, "count": 50},
        "basins": {**LONG, "resolution": 200},
        "critical": {"fun": "own:slow"},
    }.get(method, LONG)
    began = time.monotonic()

    def check():
        if time.monotonic() - began > 0.3:
            raise LostPatience("too_long")

    if method == "limits":  # a few steps of Newton's method: over before anybody loses patience, or soon after
        with contextlib.suppress(LostPatience):
            own.call(method, params, check)
    else:
        with pytest.raises(LostPatience):
            own.call(method, params, check)
    assert time.monotonic() - began < 20  # where none would end for minutes


@pytest.mark.slow
def test_a_compiled_run_ends_when_nobody_waits(laboratory):
    asked = []

    def check():
        asked.append(True)
        raise LostPatience("cancelled")

    with pytest.raises(LostPatience):
        laboratory.call(
            "basins", {"fun": "rosenbrock", "learning_rate": 1e-5, "resolution": 256, "max_steps": 10_000}, check
        )
    assert asked


@pytest.mark.slow
def test_answers_come_as_they_are_ready(impatient):
    impatient.send({"id": "long", "method": "run", "params": LONG})
    impatient.send({"id": "short", "method": "code", "params": {"fun": "x^2"}})
    assert impatient.hear()["id"] == "short"
    assert impatient.hear()["id"] == "long"


@pytest.mark.slow
def test_too_many_requests_at_once_are_refused(impatient):
    for k in range(LIMITS.waiting + 3):
        impatient.send({"id": k, "method": "run", "params": LONG})
    kinds = [impatient.hear()["error"]["kind"] for _ in range(LIMITS.waiting + 3)]
    assert kinds.count("busy") == 3
    assert kinds.count("too_long") == LIMITS.waiting


def test_a_page_that_goes_away_leaves_nothing_running(hasty):
    one = Client(hasty)
    one.send({"id": 1, "method": "run", "params": LONG})
    time.sleep(0.2)
    one.close()
    other = Client(hasty)
    assert "result" in other.call("code", {"fun": "x^2"})
    other.close()


MALFORMED = [
    "",
    "hello",
    "[]",
    "5",
    "null",
    "{}",
    '{"id": 1.5, "method": "hello"}',
    '{"id": true, "method": "hello"}',
    '{"id": [1], "method": "hello"}',
    '{"method": "hello"}',
    '{"id": NaN}',
    '{"cancel": {}}',
    '{"id": ' + "1" * 5000 + "}",
    '{"id": "' + "i" * 41 + '"}',
    "[" * 100_000,
    '{"id": 1, "params": ' + '{"a":' * 2000 + "1" + "}" * 2001,
    b"\x00\x01\x02",
    "\ud7ff\ufffd",
]


@pytest.mark.parametrize("message", MALFORMED, ids=range(len(MALFORMED)))
def test_a_malformed_message_is_answered_with_an_error(client, message):
    client.send(message)
    assert client.hear()["error"]["kind"] in ("message", "unknown_method")
    assert "result" in client.call("code", {"fun": "x^2"}, 2)


@pytest.mark.parametrize("params", [5, [], "x", None])
def test_params_that_are_no_object_are_refused(client, params):
    assert client.call("run", params)["error"]["parameter"] == "params"


def test_a_message_beyond_the_limit_ends_that_page_alone(url, client):
    other = Client(url)

    def say_too_much():
        other.send("x" * (LIMITS.message_bytes + 1))
        other.hear()

    with pytest.raises(ConnectionClosed):
        say_too_much()
    assert "result" in client.call("code", {"fun": "x^2"})


texts = st.text(max_size=12) | st.sampled_from(
    ["x^2", "x*y", "rosenbrock", "own:loss", "adam", "momentum", "1/x", "log(x)"]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
keys = st.sampled_from(
    [*KEYS, "resolution", "count", "starts", "entrants", "at", "question", "answer", "content", "n_rates"]
)


def likely(key):
    """For each key mostly what it takes, so that requests get beyond the first check."""
    good = {
        "fun": st.sampled_from(["x^2", "x*y", "sqrt(x)", "1/x", "x^9", "saddle", "exp(x^2)", "abs(x)"]),
        "start": st.lists(st.floats(-1e3, 1e3) | st.sampled_from([0.0, -0.0, 1e100]), min_size=1, max_size=2),
        "learning_rate": st.floats(1e-100, 1e100),
        "max_steps": st.integers(0, 60),
        "method": st.sampled_from(["momentum", "adam", "newton", "gradient_descent", "sign_descent"]),
        "ranges": st.lists(st.lists(st.floats(-1e100, 1e100), min_size=2, max_size=2), min_size=1, max_size=2),
        "resolution": st.integers(2, 9),
        "count": st.integers(1, 9),
        "n_rates": st.integers(1, 9),
    }
    return st.one_of(values, good[key], good[key], good[key]) if key in good else values


params = st.lists(keys, max_size=5, unique=True).flatmap(
    lambda names: st.fixed_dictionaries({name: likely(name) for name in ["fun", *names]})
)


@pytest.mark.slow
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(st.sampled_from([*REQUESTS, "shown", "nothing"]), params)
def test_no_request_has_an_answer_that_is_a_fault_of_ours(laboratory, method, params):
    began = time.monotonic()

    def check():
        if time.monotonic() - began > 5:
            raise LostPatience("too_long")

    try:
        answer = {"id": 1, "result": laboratory.call(method, params, check)}
    except (Exception, LostPatience) as error:
        answer = {"id": 1, "error": error_of(error)}
    assert answer.get("error", {}).get("kind") != "internal", (method, params, answer)
    assert unpacked(packed(answer))["id"] == 1  # and it can be sent


@given(st.text(max_size=60) | st.binary(max_size=60) | values.map(json.dumps))
def test_reading_a_message_raises_nothing_but_what_is_told(message):
    try:
        asked = read(message)
    except ValueError:
        return
    assert isinstance(asked.get("id", asked.get("cancel")), int | str)


@pytest.mark.slow
def test_many_pages_at_once_get_their_answers(url):
    """Ten pages, each dropping six marbles: bounded in number, with every answer right."""
    failures = []

    def one_page(k):
        page = Client(url)
        try:
            for step in range(6):
                start = [0.1 * k + 0.01 * step, 1.0]
                fan = page.call("fan", {"fun": "himmelblau", "start": start, "n_rates": 64}, f"{k}.{step}")
                if fan["id"] != f"{k}.{step}" or fan["result"]["path"][0].tolist() != start:
                    failures.append(fan)
        except Exception as error:
            failures.append(error)
        finally:
            page.close()

    threads = [threading.Thread(target=one_page, args=(k,)) for k in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
