"""State and history together: the part of a session that replay runs through as well."""

from viewer.session.edit import Edit, OpenStudy, Touched
from viewer.session.history import DEFAULT_LIMIT_BYTES, Entry, History
from viewer.session.state import State


class Document:
    """What is true, how it came about, and which labels changed last when.

    ``revision`` counts every change; ``label_revisions`` holds, for each segmentation that was ever
    touched, the revision at which its labels changed last.
    """

    def __init__(self, limit_bytes: int = DEFAULT_LIMIT_BYTES) -> None:
        self.state = State()
        self.history = History(limit_bytes)
        self.revision = 0
        self.label_revisions: dict[str, int] = {}

    def apply(self, edit: Edit, *, row: int = 0, merges: bool = False) -> tuple[Edit, Touched]:
        """Apply an edit as a step of the history; return its inverse and what it touched."""
        inverse, touched = self._change(edit)
        rows = (row,) if row else ()
        self.history.push(Entry(edit, inverse, rows), merges=merges)
        return inverse, touched

    def open(self, edit: OpenStudy) -> Touched:
        """Note opened paths: no step of the history."""
        return self._change(edit)[1]

    def undo(self) -> Touched | None:
        """Take the last step back; None if there is none."""
        entry = self.history.last
        if entry is None:
            return None
        touched = self._change(entry.inverse)[1]
        self.history.step_back()
        return touched

    def redo(self) -> Touched | None:
        """Do again what was undone last; None if there is nothing."""
        entry = self.history.next
        if entry is None:
            return None
        touched = self._change(entry.edit)[1]
        self.history.step_forth()
        return touched

    def outdate(self, revision: int) -> None:
        """Number this state, and all labels, higher than ``revision``: another document's."""
        self.revision = max(self.revision, revision) + 1
        uids = (layer.uid for layer in self.state.segmentations)
        self.label_revisions.update(dict.fromkeys(uids, self.revision))

    def _change(self, edit: Edit) -> tuple[Edit, Touched]:
        before = self.state
        self.state, inverse = edit.apply(before)
        touched = edit.touches(before) | edit.touches(self.state)
        self.revision += 1
        if touched.labels:
            self.label_revisions.update(dict.fromkeys(touched.segmentation_uids, self.revision))
        return inverse, touched
