"""The command ``negatoscope``: picks the door, and imports only that one."""

import os
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return its exit code (design.md, section 9)."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    # One thread pool a library would fight for the cores with the others.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from viewer.command_line.parser import is_verb, parse, run_guarded
    from viewer.command_line.verbs import verb

    if words and (is_verb(words[0]) or words[0].startswith("-")):
        chosen = parse(words)
    else:
        chosen = parse(["open", *words])
    if verb(chosen.verb).run is not None:
        return run_guarded(chosen)
    from viewer.window.verbs import run_verb

    return run_guarded(chosen, run_verb)


if __name__ == "__main__":
    raise SystemExit(main())
