"""The worker's life: say what it can do, take a job, answer, take the next."""

import ctypes
import os
import sys
import traceback
from collections.abc import Callable
from typing import BinaryIO

from viewer.errors import Unsupported, ViewerError
from viewer.inference.messages import Message
from viewer.inference.worker.orders import Orders, Stopped

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
    """Return what this process can do, and what to do with any other job."""
    try:
        import torch

        from viewer.inference.worker.tasks import Tasks
        from viewer.inference.worker.torch_predictor import device_name
    except ImportError as error:
        reason = "torch is not installed" if error.name == "torch" else f"{error.name} is missing"
        orders.answer("ready", pid=os.getpid(), device="", torch="", reason=reason)
        return {}, _refuser(f"Networks cannot run: {reason}.")
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    version = str(torch.__version__)
    orders.answer("ready", pid=os.getpid(), device=device_name(), torch=version, reason="")
    return Tasks(orders).table, _refuser("The inference process does not know this job.")


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
