"""Everything that is refused: strange hosts and origins, missing keys, other files, and settings beyond the limits."""

import socket
import time

import pytest
from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.sync.client import connect

from downslope.errors import FormulaError, InvalidInput, PageNotBuilt
from downslope.lab.guard import Guard
from downslope.lab.limits import LIMITS
from downslope.lab.starting import check_page, listening, serving

from .conftest import cookie, get


@pytest.fixture(scope="module")
def base(url):
    return url.split("/?")[0]


@pytest.fixture(scope="module")
def key(url):
    return cookie(url)


def test_the_printed_address_gives_a_cookie_that_scripts_and_other_sites_do_not_get(url):
    status, headers, _ = get(url)
    assert status == 303
    assert headers["location"] == "/"
    crumbs = [crumb.strip() for crumb in headers["set-cookie"].split(";")]
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(crumbs)


def test_with_the_cookie_the_page_is_served(base, key):
    status, headers, body = get(base + "/", Cookie=key)
    assert (status, headers.get_content_type()) == (200, "text/html")
    assert b"downslope" in body
    assert get(base + "/assets/main.js", Cookie=key)[1].get_content_type() == "text/javascript"


def test_without_it_nothing_is_served(base, url):
    wrong = url[:-1] + ("A" if url[-1] != "A" else "B")
    for address in (
        base + "/",
        base + "/assets/main.js",
        base + "/socket",
        wrong,
        base + "/?token=",
        base + "/?token=%FF",
    ):
        assert get(address)[0] in (403, 404)
        assert get(address, Cookie="downslope=1; =; a=b")[0] in (403, 404)
    assert get(base + "/", Cookie=f"downslope-{base.rpartition(':')[2]}=wrong")[0] == 403


def test_another_name_for_this_address_is_refused(base, key):
    port = base.rpartition(":")[2]
    for host in (
        f"localhost:{port}",
        "evil.example",
        "127.0.0.1",
        f"127.0.0.1:{port}.evil.example",
        f"127.0.0.1:0{port}",
    ):
        assert get(base + "/", Cookie=key, Host=host)[0] == 403


def test_another_origin_is_refused(base, key):
    for origin in ("http://evil.example", "null", base.replace("http", "https"), base + ".evil.example", base + "/"):
        assert get(base + "/", Cookie=key, Origin=origin)[0] == 403
    assert get(base + "/", Cookie=key, Origin=base)[0] == 200


def test_another_site_is_refused(base, key):
    assert get(base + "/", Cookie=key, Sec_Fetch_Site="cross-site")[0] == 403
    assert get(base + "/", Cookie=key, Sec_Fetch_Site="same-origin")[0] == 200


@pytest.mark.parametrize(
    "path", ["/secret.txt", "/..%2f..%2fetc%2fpasswd", "/../server.py", "/assets", "/nothing.js", "//"]
)
def test_nothing_but_the_files_of_the_page_is_served(base, key, path):
    assert get(base + path, Cookie=key)[0] == 404


def test_every_answer_carries_the_policy(base, key):
    for address, headers in ((base + "/", {"Cookie": key}), (base + "/", {}), (base + "/no", {"Cookie": key})):
        for host in ({}, {"Host": "evil.example"}):
            told = get(address, **headers, **host)[1]
            policy = told["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "script-src 'self';" in policy
            assert "unsafe-eval" not in policy
            assert told["x-content-type-options"] == "nosniff"
            assert told["cache-control"] == "no-store"
            assert "server" not in told


def test_a_page_cannot_be_posted_to(base, key):
    import urllib.request

    request = urllib.request.Request(base + "/", data=b"x", headers={"Cookie": key})
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(request, timeout=10)
    with error.value:
        assert error.value.code == 405


@pytest.mark.parametrize(
    ("origin", "headers"),
    [
        (None, {"Cookie": True}),
        ("http://evil.example", {"Cookie": True}),
        ("null", {"Cookie": True}),
        (True, {}),
        (True, {"Cookie": "downslope-1=x"}),
        (True, {"Cookie": True, "Host": "localhost"}),
    ],
    ids=["no origin", "another origin", "null", "no cookie", "another cookie", "another host"],
)
def test_a_socket_is_refused(base, key, origin, headers):
    given = {name: key if value is True else value for name, value in headers.items()}
    address = base.replace("http", "ws") + "/socket"
    with (
        pytest.raises(WebSocketException) as error,
        connect(address, origin=base if origin is True else origin, additional_headers=given, compression=None),
    ):
        pass
    assert isinstance(error.value, InvalidStatus)
    assert error.value.response.status_code in (400, 403)


def test_answers_are_not_compressed(client):
    assert client.socket.protocol.extensions == []


def test_it_listens_at_this_machine_alone_and_before_its_address_is_known(laboratory, page):
    with serving(laboratory, page=page) as address:
        host, port = address.split("/")[2].split(":")
        assert host == "127.0.0.1"
        socket.create_connection((host, int(port)), timeout=5).close()
        with pytest.raises(InvalidInput, match="port"):
            listening(int(port))


def test_small_answers_do_not_wait(client):
    # With Nagle's algorithm on, an answer in two packets waits for the other side's delayed acknowledgement, 40 ms.
    client.call("hello", {})
    began = time.perf_counter()
    for _ in range(10):
        client.call("code", {"fun": "x^2"})
    assert (time.perf_counter() - began) / 10 < 0.03


def test_the_listening_socket_knows_its_protocol():
    with listening(0) as listener:
        assert listener.proto == socket.IPPROTO_TCP


def test_a_token_is_new_each_time_and_not_shown():
    one, other = Guard(1), Guard(1)
    assert one.token != other.token
    assert len(one.token) >= 40
    assert one.token not in repr(one)


def test_without_the_page_it_says_how_to_build_it(tmp_path):
    with pytest.raises(PageNotBuilt, match="pip install"):
        check_page(tmp_path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("fun", "own:os.system"),
        ("fun", "__import__('os')"),
        ("fun", "x" * (LIMITS.formula_characters + 1)),
        ("fun", 5),
        ("fun", None),
        ("start", "5"),
        ("start", [float("inf")]),
        ("start", [1.0, 2.0]),
        ("start", []),
        ("start", [True]),
        ("start", [1e200]),
        ("start", [[1.0]]),
        ("ranges", [[1, 1]]),
        ("ranges", [[2, 1]]),
        ("ranges", [[1, 2, 3]]),
        ("ranges", [[0, 1e200]]),
        ("ranges", [[0, float("nan")]]),
        ("learning_rate", 0),
        ("learning_rate", -1),
        ("learning_rate", "0.1"),
        ("learning_rate", float("nan")),
        ("learning_rate", 10**400),
        ("method", "downhill"),
        ("method", ["adam"]),
        ("coefficients", [0.5]),
        ("decay", 1.5),
        ("decay", 0),
        ("cosine", 0.5),
        ("noise", -1),
        ("seed", -1),
        ("seed", 2**32),
        ("seed", 1.5),
        ("max_steps", LIMITS.steps + 1),
        ("max_steps", -1),
        ("max_steps", 1e300),
        ("gradient_tolerance", -1),
        ("slice", [1]),
        ("n_rates", LIMITS.rates + 1),
        ("n_rates", 0),
        ("interval", [1, 0.5]),
        ("interval", [0, 1]),
        ("__class__", 1),
    ],
)
def test_a_setting_beyond_the_rules_is_refused_by_name(laboratory, name, value):
    with pytest.raises(InvalidInput) as error:
        laboratory.call("fan", {"fun": "x^2", "learning_rate": 0.1, name: value})
    assert error.value.parameter == name


@pytest.mark.parametrize(
    ("method", "params", "parameter"),
    [
        ("surface", {"fun": "x*y", "resolution": LIMITS.resolution + 1}, "resolution"),
        ("surface", {"fun": "x", "resolution": LIMITS.line_resolution + 1}, "resolution"),
        ("basins", {"fun": "himmelblau", "resolution": 10_000}, "resolution"),
        ("basins", {"fun": "wood"}, "fun"),
        ("drop", {"fun": "x^2", "learning_rate": 0.1, "count": LIMITS.starts + 1}, "count"),
        ("drop", {"fun": "x^2", "learning_rate": 0.1, "starts": [[1.0]] * (LIMITS.starts + 1)}, "starts"),
        ("drop", {"fun": "x^2", "learning_rate": 0.1, "starts": [[1.0, 2.0]]}, "starts"),
        ("drop", {"fun": "x^2"}, "learning_rate"),
        ("race", {"fun": "x^2", "entrants": [{}] * (LIMITS.entrants + 1)}, "entrants"),
        ("race", {"fun": "x^2", "entrants": [5]}, "entrants"),
        ("race", {"fun": "x^2"}, "entrants"),
        ("run", {"fun": "x^2", "decay": 0.5}, "learning_rate"),
        ("run", {"fun": "x^2", "method": "momentum", "coefficients": {"beta": 1.0}}, "momentum.beta"),
        ("quiz", {"question": "none"}, "question"),
        ("quiz", {"question": "ravine", "answer": "perhaps"}, "answer"),
        ("place", {"fun": "x^2", "at": [1, 2]}, "at"),
        ("export", {"fun": "x^2", "title": "t" * (LIMITS.title_characters + 1)}, "title"),
        ("export", {"fun": "x^2", "requests": [{}] * (LIMITS.baked + 1)}, "requests"),
        ("shown", {}, "shown"),
    ],
)
def test_a_request_beyond_the_rules_is_refused_by_name(laboratory, built, method, params, parameter):
    with pytest.raises(InvalidInput) as error:
        laboratory.call(method, params)
    assert error.value.parameter == parameter


def test_formulas_are_limited_in_their_parts(laboratory):
    assert laboratory.call("function", {"fun": "+".join(["x"] * 140)})["n_variables"] == 1
    with pytest.raises(FormulaError, match="parts"):
        laboratory.call("function", {"fun": "+".join(["x"] * 310)})


@pytest.mark.slow
def test_the_worst_formula_that_is_allowed_compiles_in_time(laboratory):
    worst = "*".join(f"atan(sin(x*y)^{k})" for k in range(2, 38))
    began = time.process_time()
    laboratory.call("fan", {"fun": worst, "method": "newton", "learning_rate": 0.1})
    assert time.process_time() - began < LIMITS.seconds
