"""What the laboratory's server takes, over its WebSocket: a new fan for two variables, and many pages at once.

Goals: at most 60 ms at the median from a new marble or another slider to a new fan, warm; 50 pages for 60 s, each
dropping a marble every 5 s: no error, 95 % within 250 ms, memory flat. All traffic stays on this machine, and the
number of requests is fixed beforehand.

    python benchmarks/laboratory.py [SECONDS]      60 for the goal; 15 when left out
"""

from __future__ import annotations

import asyncio
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from timing import print_machine, print_table
from websockets.asyncio.client import connect

from downslope.lab.messages import unpacked

SERVER = """
import pathlib, sys
from downslope.lab.laboratory import Laboratory
from downslope.lab.starting import serve
serve(Laboratory(), page=pathlib.Path(sys.argv[1]), ready=lambda url: print(url, flush=True))
"""
N_PAGES, SECONDS_BETWEEN = 50, 5.0
METHODS = ("gradient_descent", "momentum", "nesterov", "adam", "rmsprop", "newton")
FUNCTIONS = {"rosenbrock": (-1.2, 1.0), "himmelblau": (0.5, 0.5), "ackley": (2.3, -1.6)}


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def cookie(url: str) -> str:
    """What the printed address gives a browser."""
    try:
        urllib.request.build_opener(_Stay).open(url)
    except urllib.error.HTTPError as error:
        return str(error.headers["set-cookie"].split(";")[0])
    raise RuntimeError("the server did not know its own address")


class Page:
    """One page's socket."""

    def __init__(self, url: str):
        self.base = url.split("/?token=")[0]
        address = self.base.replace("http", "ws") + "/socket"
        headers = {"Cookie": cookie(url)}
        self.connection = connect(
            address, origin=self.base, additional_headers=headers, compression=None, max_size=None, open_timeout=30
        )

    async def __aenter__(self) -> Page:
        self.socket = await self.connection.__aenter__()
        return self

    async def __aexit__(self, *error: Any) -> None:
        await self.connection.__aexit__(*error)

    async def call(self, method: str, params: dict[str, Any]) -> tuple[Any, float]:
        """The answer, and the seconds until it was here."""
        began = time.perf_counter()
        await self.socket.send(json.dumps({"id": 1, "method": method, "params": params}))
        message = await self.socket.recv()
        seconds = time.perf_counter() - began
        return unpacked(message), seconds


async def fans(url: str) -> None:
    """Latency of a fan where the marble, and where a slider, is somewhere new each time."""
    seconds: dict[str, list[float]] = {}
    n_bytes = {}
    async with Page(url) as page:
        for fun, start in FUNCTIONS.items():
            for method in METHODS:
                name = f"{fun}, {method}"
                for k in range(14):
                    asked = {"fun": fun, "start": [start[0] + 0.01 * k, start[1]], "method": method}
                    if k % 2 and method in ("momentum", "nesterov"):
                        asked["coefficients"] = {"beta": 0.9 - 0.01 * k}
                    answer, taken = await page.call("fan", asked)
                    n_bytes[name] = 8 * sum(answer["result"][key].size for key in ("path", "losses", "gradient_norms"))
                    if k >= 2:
                        seconds.setdefault(name, []).append(taken)
        first = []
        for k in range(5):  # new each time: nothing of it is compiled
            _, taken = await page.call("surface", {"fun": f"x^2 + {k + 2}*y^2 + sin(x*y)"})
            first.append(taken)
    print_table(seconds)
    print(f"a fan takes {min(n_bytes.values()) / 1e6:.1f} to {max(n_bytes.values()) / 1e6:.1f} MB")
    print_table({"first surface of a new formula": first})


async def many_pages(url: str, seconds: float, server: int) -> None:
    """Fifty pages, each with a marble every five seconds; how long each waited, and the server's memory."""
    rounds = max(1, round(seconds / SECONDS_BETWEEN))
    waited: list[float] = []
    n_errors = 0
    memory: list[float] = []
    rng = random.Random(0)

    async def one_page(delay: float) -> None:
        nonlocal n_errors
        async with Page(url) as page:
            await asyncio.sleep(delay)
            for _ in range(rounds):
                began = time.perf_counter()
                start = [rng.uniform(-4, 4), rng.uniform(-4, 4)]
                answer, taken = await page.call("fan", {"fun": "himmelblau", "start": start})
                n_errors += "error" in answer
                waited.append(taken)
                await asyncio.sleep(max(0.0, SECONDS_BETWEEN - (time.perf_counter() - began)))

    async def watch() -> None:
        while True:
            memory.append(resident(server))
            await asyncio.sleep(1.0)

    watching = asyncio.create_task(watch())
    await asyncio.gather(*(one_page(k * SECONDS_BETWEEN / N_PAGES) for k in range(N_PAGES)))
    watching.cancel()
    waited.sort()
    half = len(memory) // 2
    print(
        f"{N_PAGES} pages, {len(waited)} marbles in {rounds * SECONDS_BETWEEN:.0f} s: {n_errors} errors; "
        f"median {1e3 * statistics.median(waited):.0f} ms, 95 % within {1e3 * waited[int(0.95 * len(waited))]:.0f} ms, "
        f"slowest {1e3 * waited[-1]:.0f} ms; memory {memory[half]:.0f} MB half way, {memory[-1]:.0f} MB at the end"
    )


def resident(process: int) -> float:
    """Megabytes that a process has in memory; 0 where the system does not tell."""
    try:
        text = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0.0
    return float(text.split("VmRSS:")[1].split()[0]) / 1024


def main() -> None:
    """The server in a process of its own, and the pages in this one."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 15.0
    print_machine("jax", "uvicorn", "websockets")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "index.html").write_text("<!doctype html>")
        server = subprocess.Popen([sys.executable, "-c", SERVER, folder], stdout=subprocess.PIPE, text=True)
        assert server.stdout is not None
        try:
            url = server.stdout.readline().strip()
            asyncio.run(fans(url))
            asyncio.run(many_pages(url, seconds, server.pid))
        finally:
            server.terminate()
            server.wait(10)


if __name__ == "__main__":
    main()
