"""Installs what is missing and runs all checks, cheapest first: ``python3 packaging/test.py``."""

import os
import sys
import time

import bootstrap

HEADLESS = {
    "QT_QPA_PLATFORM": "offscreen",
    "VTK_DEFAULT_OPENGL_WINDOW": "vtkEGLRenderWindow",
    "OMP_NUM_THREADS": "1",
}
# A file stays in one process: what its tests share is made once. More than four would only wait
# for each other's pictures and networks.
SIDE_BY_SIDE = ("--numprocesses=auto", "--maxprocesses=4", "--dist=loadfile")


def main() -> int:
    """Run ruff, import-linter, mypy and pytest; return the first failure's exit code."""
    bootstrap.prepare(tests=True)
    environment = {**os.environ, **HEADLESS}
    if environment.get("CI"):
        environment.setdefault("HYPOTHESIS_PROFILE", "ci")
    environment.pop("DISPLAY", None)
    place = bootstrap.python().parent
    steps = (
        ("style", [place / "ruff", "check", "."]),
        ("format", [place / "ruff", "format", "--check", "."]),
        ("floors", [place / "lint-imports"]),
        ("types", [place / "mypy"]),
        ("tests", [bootstrap.python(), "-m", "pytest", *SIDE_BY_SIDE, *sys.argv[1:]]),
    )
    for name, command in steps:
        started = time.monotonic()
        bootstrap.say(f"--- {name}")
        code = bootstrap.run(command, cwd=bootstrap.ROOT, env=environment)
        bootstrap.say(f"--- {name}: {time.monotonic() - started:.1f} s")
        if code != 0:
            return code
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
