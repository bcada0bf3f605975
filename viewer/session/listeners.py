"""Those who want to know: called in order, each apart, so that a broken one harms nobody."""

from collections import deque
from collections.abc import Callable
from types import MethodType
from typing import Generic, TypeVar
from weakref import WeakMethod

T = TypeVar("T")
Fault = Callable[[Exception], None]


class Listeners(Generic[T]):
    """A signal with one argument, connected like psygnal's (which stops at the first error).

    A bound method is held weakly, as psygnal does: its object may go. A change told while another
    is being told waits, so that every listener hears all of them in the order they happened.
    """

    def __init__(self, on_fault: Fault) -> None:
        self._on_fault = on_fault
        self._slots: list[Callable[[T], object] | WeakMethod[Callable[[T], object]]] = []
        self._waiting: deque[T] = deque()
        self._telling = False

    def connect(self, slot: Callable[[T], object]) -> Callable[[T], object]:
        """Call ``slot`` from now on; returns it, so that this is a decorator too."""
        self._slots.append(WeakMethod(slot) if isinstance(slot, MethodType) else slot)
        return slot

    def disconnect(self, slot: Callable[[T], object] | None = None) -> None:
        """Do not call ``slot`` any more (None: nobody); one that is not there is no fault."""
        self._slots = [s for s in self._slots if slot is not None and _called(s) != slot]

    def __len__(self) -> int:
        """How many listen."""
        return len(self._slots)

    def emit(self, value: T) -> None:
        """Tell everybody; what a listener raises goes to ``on_fault`` and nowhere else."""
        self._waiting.append(value)
        if self._telling:
            return
        self._telling = True
        try:
            while self._waiting:
                self._tell(self._waiting.popleft())
        finally:
            self._telling = False

    def _tell(self, value: T) -> None:
        for slot in tuple(self._slots):
            call = _called(slot)
            if call is None:
                self._slots = [s for s in self._slots if s is not slot]
                continue
            try:
                call(value)
            except Exception as error:  # noqa: BLE001 - the border between the session and others
                self._on_fault(error)


def _called(
    slot: Callable[[T], object] | WeakMethod[Callable[[T], object]],
) -> Callable[[T], object] | None:
    return slot() if isinstance(slot, WeakMethod) else slot
