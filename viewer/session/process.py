"""Which process owns a session, and whether it still lives."""

import os
import sys
from pathlib import Path


def own_start() -> str:
    """Return when this process started, as its system counts; "" where that cannot be known."""
    return _start(os.getpid())


def is_living(pid: int, start: str) -> bool:
    """Whether the process ``pid`` that began at ``start`` still runs (a number may be used anew).

    Without /proc the number alone decides; on Windows only this process is known to live.
    """
    if pid <= 0:
        return False
    if Path("/proc/self/stat").exists():
        return bool(start) and _start(pid) == start
    if sys.platform == "win32":  # there os.kill(pid, 0) would end the process
        return pid == os.getpid()
    return _answers(pid)


def _answers(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except ProcessLookupError:
        return False
    return True


def _start(pid: int) -> str:
    """Return field 22 of /proc/PID/stat (proc(5)): the start in clock ticks since boot."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
    # The name, field 2, may hold blanks and brackets: count behind its last bracket.
    parts = text.rpartition(")")[2].split()
    ended = parts[0] in {"Z", "X"}
    return "" if ended else parts[19]
