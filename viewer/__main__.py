"""The command ``negatoscope``: picks the door, and imports only that one."""

import os
import sys
from collections.abc import Sequence

# Verbs that drive the real window; all other verbs run without one.
_WINDOW_VERBS = ("open", "demo")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return its exit code (design.md, section 9)."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    # One thread pool a library would fight for the cores with the others.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from viewer.command_line.parser import is_verb, parse, run_guarded

    if words and (is_verb(words[0]) or words[0].startswith("-")):
        chosen = parse(words)
    else:
        chosen = parse(["open", *words])
    if chosen.verb in _WINDOW_VERBS:
        from viewer.window.verbs import run_verb

        return run_guarded(chosen, run_verb)
    from viewer.command_line.verbs import run_verb as run_without_window

    return run_guarded(chosen, run_without_window)


if __name__ == "__main__":
    raise SystemExit(main())
