"""The worker's life: say what it can do, take a job, answer, take the next."""

import ctypes
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import BinaryIO

from viewer.errors import Unsupported, ViewerError
from viewer.inference import probe
from viewer.inference.messages import Message
from viewer.inference.worker.orders import Orders, Stopped
from viewer.inference.worker.pace import cpu_text, most_threads
from viewer.inference.worker.providers import take_note

NICENESS = 10  # gives the window its frames back and costs a tile no time (measured)


def main() -> None:
    """Serve until the supervisor closes its end."""
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    orders = Orders(sys.stdin.buffer, _own_outbox())
    tasks, refuse = _tasks(orders)
    while True:
        message = orders.next_job()
        try:
            orders.check()
            take_note(message)
            tasks.get(message.kind, refuse)(message)
        except Stopped:
            orders.answer("cancelled")
        except ViewerError as error:
            orders.answer(
                "refused",
                error=type(error).__name__,
                what=error.what,
                where=error.where,
                remedy=error.remedy,
            )
        except ImportError as error:
            orders.answer(
                "refused",
                error="Unsupported",
                what=f"Networks cannot run: {error.name} is not installed.",
                remedy=f"Install {error.name} (negatoscope backends says how).",
            )
        except MemoryError:
            orders.answer("refused", error="OutOfResources", what="The memory does not suffice.")
        except Exception as error:  # noqa: BLE001 - the border between a job and the process
            traceback.print_exc()
            orders.answer("failed", what=type(error).__name__)
        _give_memory_back()


def _own_outbox() -> BinaryIO:
    """Keep the pipe for messages alone: whatever a library prints goes to the log."""
    outbox = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return outbox


Task = Callable[[Message], None]


def _tasks(orders: Orders) -> tuple[dict[str, Task], Task]:
    """Say what there is to compute with; return what this process can do, and all other jobs.

    No engine is imported before the word "ready": it would keep the first job waiting for one that
    it may not need.
    """
    from viewer.inference.worker.tasks import Tasks

    there = probe.engines()
    cuda = probe.cuda_devices() if probe.torch_has_cuda() else ()
    orders.answer(
        "ready",
        pid=os.getpid(),
        device=cuda[0] if cuda else cpu_text(most_threads()),
        engines=there,
        torch=there.get("torch", ""),
        reason="" if there else "no engine is installed",
    )
    _warm(there, has_cuda=bool(cuda))
    return Tasks(orders).table, _refuser("The inference process does not know this job.")


def _warm(there: Mapping[str, str], *, has_cuda: bool) -> None:
    """Import what the first job will most likely want; a broken engine is that job's trouble."""
    try:
        if has_cuda:
            import torch  # noqa: F401 - its import takes a second
        elif "openvino" in there:
            from viewer.inference.worker.openvino_predictor import quiet_openvino

            quiet_openvino()
        from scipy import ndimage  # noqa: F401
    except (ImportError, OSError) as error:
        sys.stderr.write(f"An engine cannot be imported: {type(error).__name__}.\n")


def _refuser(what: str) -> Task:
    def refuse(_message: Message) -> None:
        raise Unsupported(what)

    return refuse


def _give_memory_back() -> None:
    """Return what the allocator keeps for the next tile to the system (glibc only)."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
