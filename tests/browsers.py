"""A real browser, for the tests of pages: one for all of them, since Playwright runs once in a process."""

import contextlib
import functools
import os
import shutil

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")


@pytest.fixture(scope="session")
def browsers():
    """Starts a browser for each way of drawing, once. Without a graphics card WebGL is drawn in software, slowly."""
    from playwright.sync_api import sync_playwright

    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is None:
        pytest.fail(
            "These tests need a browser: install Chromium (`apt-get install chromium`) or Chrome.", pytrace=False
        )
    root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    drawing = {
        False: ["--disable-gpu", "--disable-3d-apis"],
        True: ["--use-angle=swiftshader", "--enable-unsafe-swiftshader"],
    }
    with sync_playwright() as playwright, contextlib.ExitStack() as open_:

        @functools.cache
        def started(hill):
            one = playwright.chromium.launch(executable_path=path, args=[*root, *drawing[hill]])
            open_.callback(one.close)
            return one

        yield started
