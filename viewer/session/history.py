"""What can be undone and redone, bounded in bytes."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, fields, is_dataclass
from functools import cached_property

from viewer.session.edit import Edit, Group
from viewer.session.edits_chain import SetChain
from viewer.session.edits_measurement import ReplaceMeasurement
from viewer.session.edits_segmentation import ReplaceSegment

DEFAULT_LIMIT_BYTES = 512 * 2**20


@dataclass(frozen=True)
class Entry:
    """One step: the edit, the way back, and the journal's rows that it is made of."""

    edit: Edit
    inverse: Edit
    rows: tuple[int, ...] = ()

    @cached_property
    def n_bytes(self) -> int:
        """About how much memory it takes."""
        inverse = 0 if self.inverse is self.edit else size_of(self.inverse)
        return size_of(self.edit) + inverse + 32 * len(self.rows)

    def followed_by(self, later: "Entry") -> "Entry":
        """Return one entry for both: the steps of one drag."""
        rows = self.rows + later.rows
        if _same_target(self.edit, later.edit):
            return Entry(later.edit, self.inverse, rows)
        return Entry(
            Group((*_parts(self.edit), *_parts(later.edit)), later.edit.name),
            Group((*_parts(later.inverse), *_parts(self.inverse)), later.edit.name),
            rows,
        )


class History:
    """Two stacks; when they outgrow ``limit_bytes`` the oldest steps are forgotten."""

    def __init__(self, limit_bytes: int = DEFAULT_LIMIT_BYTES) -> None:
        self.limit_bytes = limit_bytes
        self.n_bytes = 0
        self._done: deque[Entry] = deque()
        self._undone: list[Entry] = []

    @property
    def done(self) -> tuple[Entry, ...]:
        """What can be undone, oldest first."""
        return tuple(self._done)

    @property
    def undone(self) -> tuple[Entry, ...]:
        """What can be redone, the next one last."""
        return tuple(self._undone)

    @property
    def last(self) -> Entry | None:
        """What undo would take back."""
        return self._done[-1] if self._done else None

    @property
    def next(self) -> Entry | None:
        """What redo would do again."""
        return self._undone[-1] if self._undone else None

    def push(self, entry: Entry, *, merges: bool = False) -> None:
        """Add a step, or let it join the last one; what was undone is gone."""
        self.n_bytes -= sum(gone.n_bytes for gone in self._undone)
        self._undone.clear()
        if merges and self._done:
            before = self._done.pop()
            self.n_bytes -= before.n_bytes
            entry = before.followed_by(entry)
        self._done.append(entry)
        self.n_bytes += entry.n_bytes
        while self.n_bytes > self.limit_bytes and len(self._done) > 1:
            self.n_bytes -= self._done.popleft().n_bytes

    def restore(self, done: Iterable[Entry], undone: Iterable[Entry]) -> None:
        """Take the stacks that a snapshot kept."""
        self._done, self._undone = deque(done), list(undone)
        self.n_bytes = sum(entry.n_bytes for entry in (*self._done, *self._undone))

    def step_back(self) -> None:
        """Move the last step to what can be redone."""
        self._undone.append(self._done.pop())

    def step_forth(self) -> None:
        """Move the next step to what can be undone."""
        self._done.append(self._undone.pop())


def size_of(value: object) -> int:
    """Return about how many bytes an edit takes: its blobs, and a little for each part."""
    if isinstance(value, bytes | str):
        return 50 + len(value)
    if isinstance(value, tuple):
        return 56 + sum(size_of(item) for item in value)
    if is_dataclass(value):
        return 56 + sum(size_of(getattr(value, field.name)) for field in fields(value))
    return 32


def _same_target(before: Edit, after: Edit) -> bool:
    """Whether ``after`` sets what ``before`` set, so that the later one alone is enough."""
    match before, after:
        case SetChain(), SetChain():
            return before.volume_key == after.volume_key
        case ReplaceMeasurement(), ReplaceMeasurement():
            return before.measurement.uid == after.measurement.uid
        case ReplaceSegment(), ReplaceSegment():
            return (before.segmentation_uid, before.segment.number) == (
                after.segmentation_uid,
                after.segment.number,
            )
        case _:
            return False


def _parts(edit: Edit) -> tuple[Edit, ...]:
    return edit.edits if isinstance(edit, Group) else (edit,)
