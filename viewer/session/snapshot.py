"""A document as it was after one row of the journal, without its label arrays."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from viewer.domain.calibration import Calibration
from viewer.domain.chain import Chain
from viewer.domain.measurement import Measurement
from viewer.domain.segmentation import Labels
from viewer.session.document import Document
from viewer.session.edits_segmentation import Head
from viewer.session.history import Entry
from viewer.session.state import State, StudyReference

Rows = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """State with the keys of its labels, and the two stacks as numbers of the journal's rows."""

    studies: tuple[StudyReference, ...]
    measurements: tuple[Measurement, ...]
    heads: tuple[Head, ...]
    label_revisions: tuple[int, ...]
    chains: tuple[tuple[str, Chain], ...]
    done: tuple[Rows, ...]
    undone: tuple[Rows, ...]
    revision: int
    # Last, and empty in what older versions wrote.
    calibrations: tuple[tuple[str, Calibration], ...] = ()

    @classmethod
    def of(cls, document: Document) -> Self:
        """Return the snapshot of ``document`` as it is now."""
        state = document.state
        return cls(
            state.studies,
            state.measurements,
            tuple(Head.of(s) for s in state.segmentations),
            tuple(document.label_revisions.get(s.uid, 0) for s in state.segmentations),
            state.chains,
            tuple(entry.rows for entry in document.history.done),
            tuple(entry.rows for entry in document.history.undone),
            document.revision,
            state.calibrations,
        )

    def label_keys(self) -> tuple[str, ...]:
        """Return a key for each segmentation: the same key, the same labels."""
        pairs = zip(self.heads, self.label_revisions, strict=True)
        return tuple(f"{head.uid}@{revision}" for head, revision in pairs)

    def restore(
        self, document: Document, labels: Mapping[str, Labels], steps: Mapping[int, Entry]
    ) -> None:
        """Make ``document`` what it was; ``labels`` by key, ``steps`` by row.

        A step that cannot be read ends its stack there: what lies beyond cannot be reached.
        """
        arrays = [labels[key] for key in self.label_keys()]
        pairs = zip(self.heads, arrays, strict=True)
        segmentations = tuple(head.with_labels(array) for head, array in pairs)
        document.state = State(
            self.studies, self.measurements, segmentations, self.chains, self.calibrations
        )
        document.revision = self.revision
        uids = (head.uid for head in self.heads)
        document.label_revisions = dict(zip(uids, self.label_revisions, strict=True))
        document.history.restore(_reachable(self.done, steps), _reachable(self.undone, steps))


def _reachable(stack: Iterable[Rows], steps: Mapping[int, Entry]) -> list[Entry]:
    found: list[Entry] = []
    for rows in reversed(tuple(stack)):
        if not rows or any(row not in steps for row in rows):
            break
        entry = steps[rows[0]]
        for row in rows[1:]:
            entry = entry.followed_by(steps[row])
        found.append(entry)
    return found[::-1]
