"""Installs what is missing and opens Negatoscope: ``python3 packaging/run.py [PATH ...]``."""

import os
import sys

import bootstrap


def main() -> int:
    """Open the program on the given paths; without a display, run the whole path headless."""
    arguments = sys.argv[1:]
    bootstrap.prepare(tests=False)
    has_display = not sys.platform.startswith("linux") or bool(
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )
    if has_display:
        arguments = ["open", *arguments] if arguments else ["open", "--demo"]
    else:
        bootstrap.say("There is no display: running the demonstration without one.")
        if arguments:
            bootstrap.say(
                "The paths are not opened; see: negatoscope scan PATH, negatoscope render PATH"
            )
        arguments = ["demo", "--headless", "--out", "negatoscope-demo", "--force"]
    try:
        return bootstrap.run([bootstrap.python(), "-m", "viewer", *arguments], cwd=None)
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    raise SystemExit(main())
