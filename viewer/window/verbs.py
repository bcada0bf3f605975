"""Verbs that need the real window: open, and the demonstration."""

import argparse
import os
import sys
from pathlib import Path

from viewer.errors import InputRefused, Unsupported
from viewer.window.loading import undisturbed


def run_verb(chosen: argparse.Namespace) -> int:
    """Run ``open`` or ``demo``; return the exit code."""
    if chosen.verb == "demo" and chosen.headless:
        if chosen.out is None:
            raise InputRefused("The demonstration needs a folder.", remedy="Add --out DIR.")
        from viewer.window.demo import run_demo

        return run_demo(chosen.out, force=chosen.force, as_json=chosen.json)
    paths = [] if chosen.verb == "demo" else list(chosen.paths)
    _refuse_missing(paths)
    _need_display()
    with undisturbed():
        from viewer.window.start import run_window

    return run_window(paths, demo=chosen.verb == "demo" or chosen.demo)


def _refuse_missing(paths: list[str]) -> None:
    for path in paths:
        if not Path(path).exists():
            raise InputRefused(
                "There is no such verb, file or folder.",
                where=path,
                remedy="See negatoscope --help.",
            )


def _need_display() -> None:
    """Refuse to wait for ever in a window that nobody can see."""
    if not sys.platform.startswith("linux") or os.environ.get("QT_QPA_PLATFORM"):
        return
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise Unsupported(
            "There is no display for a window.",
            remedy="Run negatoscope demo --headless --out DIR, or render and scan.",
        )
