"""Ctrl-C ends a run, and what was done is kept."""

import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import downslope
from downslope import Status

AT_RATE = {"learning_rate": 0.1, "engine": "eager"}


def parabola_interrupted_at(call):
    """x^2, raising KeyboardInterrupt at one of its calls."""
    calls = 0

    def fun(x):
        nonlocal calls
        calls += 1
        if calls == call:
            raise KeyboardInterrupt
        return x**2

    return fun


def test_an_interrupt_inside_the_function_keeps_the_record():
    run = downslope.minimize(parabola_interrupted_at(20), 5.0, jac=lambda x: 2 * x, **AT_RATE)
    whole = downslope.minimize(lambda x: x**2, 5.0, jac=lambda x: 2 * x, **AT_RATE)
    assert run.status is Status.INTERRUPTED
    assert not run.converged
    assert 10 < run.n_steps < 20  # some calls see what the function is
    np.testing.assert_array_equal(run.path, whole.path[: run.n_steps + 1])
    np.testing.assert_array_equal(run.losses, whole.losses[: run.n_steps + 1])
    assert run.x == run.path[-1]
    assert np.isnan(run.learning_rates[-1])


def test_an_interrupt_inside_a_callback_keeps_the_record():
    def interrupt(step):
        if step.n == 6:
            raise KeyboardInterrupt

    run = downslope.minimize("x^2", 5.0, callback=interrupt, **AT_RATE)
    assert run.status is Status.INTERRUPTED
    assert run.n_steps in (5, 6)
    np.testing.assert_allclose(run.path, 5 * 0.8 ** np.arange(run.n_steps + 1), rtol=1e-14)


def test_an_interrupt_before_the_first_row_gives_the_start():
    def interrupt(step):
        raise KeyboardInterrupt

    run = downslope.minimize("x^2", 5.0, callback=interrupt, **AT_RATE)
    assert (run.status, run.n_steps, run.x, run.loss) == (Status.INTERRUPTED, 0, 5.0, 25.0)
    assert run.path.tolist() == [5.0]


LONG_RUN = """
import json, sys
import numpy as np
import downslope

def chain(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

def run(max_steps):
    return downslope.minimize(
        chain, np.full({size}, -1.0), learning_rate=1e-5, max_steps=max_steps, gradient_tolerance=None,
        record={record!r}, engine={engine!r},
    )

run(3)  # compiles
print("ready", flush=True)
done = run(10**9)
print(json.dumps([done.status.name, done.n_steps, len(done.losses), done.loss, chain(done.x), done.engine]))
"""


@pytest.mark.slow
@pytest.mark.parametrize(("engine", "record", "size"), [("compiled", "losses", 20_000), ("eager", "auto", 200)])
def test_a_signal_ends_a_long_run_soon_and_the_record_is_kept(engine, record, size):
    program = LONG_RUN.format(size=size, record=record, engine=engine)
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == "ready\n"
            time.sleep(0.7)
            began = time.monotonic()
            process.send_signal(signal.SIGINT)
            status, n_steps, n_rows, loss, loss_at_x, ran = json.loads(process.stdout.readline())
            seconds = time.monotonic() - began
        finally:
            process.kill()
    assert (status, ran) == ("INTERRUPTED", engine)
    assert n_steps > 10
    assert n_rows == n_steps + 1
    assert loss == pytest.approx(loss_at_x, rel=1e-12)  # sums of 20,000 numbers in another order
    # Chunks take 0.1 s; the rest is for a machine that is busy with other tests.
    assert seconds < 5
    print(f"{engine}: {seconds:.2f} s from the signal to the result, {n_steps} steps kept")
