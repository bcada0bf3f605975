"""Verbs that need the real window: open, and the demonstration."""

import argparse

from viewer.errors import InputRefused


def run_verb(chosen: argparse.Namespace) -> int:
    """Run ``open`` or ``demo``; return the exit code."""
    if chosen.verb == "demo":
        if not chosen.headless:
            from viewer.window.start import run_window

            return run_window((), demo=True)
        if chosen.out is None:
            raise InputRefused("The demonstration needs a folder.", remedy="Add --out DIR.")
        from viewer.window.demo import run_demo

        return run_demo(chosen.out, force=chosen.force, as_json=chosen.json)
    from viewer.window.start import run_window

    return run_window(chosen.paths, demo=chosen.demo)
