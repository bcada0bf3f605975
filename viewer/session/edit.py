"""What an edit is, what it touches, and several as one."""

from dataclasses import dataclass, replace
from typing import Protocol

from viewer.session.packed import Shape
from viewer.session.state import State, StudyReference


@dataclass(frozen=True, slots=True)
class Touched:
    """What an edit changes: pictures by key, at most one segmentation, and its block of labels.

    ``segmentation_uid`` is "" when none or several are touched; ``start_kji`` and ``stop_kji`` are
    None when labels stay as they are, or when all of them may have changed (``labels`` says which).
    """

    volume_keys: frozenset[str] = frozenset()
    segmentation_uids: frozenset[str] = frozenset()
    labels: bool = False
    start_kji: Shape | None = None
    stop_kji: Shape | None = None

    def __or__(self, other: "Touched") -> "Touched":
        """Return what both touch together."""
        uids = self.segmentation_uids | other.segmentation_uids
        start, stop = _hull(self, other) if len(uids) == 1 else (None, None)
        return Touched(
            self.volume_keys | other.volume_keys, uids, self.labels or other.labels, start, stop
        )

    @property
    def segmentation_uid(self) -> str:
        """The one segmentation that is touched, "" when none or several are."""
        return next(iter(self.segmentation_uids)) if len(self.segmentation_uids) == 1 else ""


def _hull(a: Touched, b: Touched) -> tuple[Shape | None, Shape | None]:
    if not a.labels or not b.labels:
        one = a if a.labels else b
        return one.start_kji, one.stop_kji
    if a.start_kji is None or b.start_kji is None or a.stop_kji is None or b.stop_kji is None:
        return None, None
    k, j, i = (min(n) for n in zip(a.start_kji, b.start_kji, strict=True))
    kk, jj, ii = (max(n) for n in zip(a.stop_kji, b.stop_kji, strict=True))
    return (k, j, i), (kk, jj, ii)


class Edit(Protocol):
    """A small frozen value that changes the state.

    ``apply`` is pure, but for the label arrays, which it changes in place; it raises before it
    changes anything. The inverse restores the state bit by bit.
    """

    @property
    def name(self) -> str:
        """What a person reads in the history: "distance 12.3 mm"."""

    def apply(self, state: State) -> tuple[State, "Edit"]:
        """Return the new state, and the edit that leads back."""

    def touches(self, state: State) -> Touched:
        """Return what this edit changes, as far as ``state`` (before or after it) shows."""


@dataclass(frozen=True, slots=True)
class Group:
    """Several edits as one step of the history: all of them or none."""

    edits: tuple[Edit, ...]
    name: str

    def apply(self, state: State) -> tuple[State, "Group"]:
        """Apply one after the other; when one raises, take back those before it."""
        inverses: list[Edit] = []
        now = state
        try:
            for edit in self.edits:
                now, inverse = edit.apply(now)
                inverses.append(inverse)
        except Exception:
            for inverse in reversed(inverses):
                now, _ = inverse.apply(now)
            raise
        return now, Group(tuple(reversed(inverses)), self.name)

    def touches(self, state: State) -> Touched:
        """Return what all of them touch."""
        touched = Touched()
        for edit in self.edits:
            touched |= edit.touches(state)
        return touched


@dataclass(frozen=True, slots=True)
class OpenStudy:
    """Files and folders were opened. Recorded, but no step of the history."""

    paths: tuple[str, ...]

    @property
    def name(self) -> str:
        """Human words."""
        return "open"

    def apply(self, state: State) -> tuple[State, "OpenStudy"]:
        """Add the reference, unless the same paths are open already."""
        reference = StudyReference(self.paths)
        if reference in state.studies:
            return state, self
        return replace(state, studies=(*state.studies, reference)), self

    def touches(self, state: State) -> Touched:
        """Nothing that was there before."""
        return Touched()
