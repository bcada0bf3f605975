"""The session: the one place where state changes."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from viewer.domain.finding import Finding
from viewer.errors import InputRefused
from viewer.session.document import Document
from viewer.session.edit import Edit, OpenStudy, Touched
from viewer.session.history import DEFAULT_LIMIT_BYTES
from viewer.session.journal import Journal
from viewer.session.listeners import Fault, Listeners
from viewer.session.packed import Shape
from viewer.session.serialise import decode, encode
from viewer.session.state import State

log = logging.getLogger("negatoscope")
ChangeKind = Literal["apply", "undo", "redo", "open"]


@dataclass(frozen=True, slots=True)
class Change:
    """What happened: told after state and journal.

    ``segmentation_uid`` is "" when no segmentation, or several (``segmentation_uids``), are
    touched. ``labels_changed`` says whether voxels changed; then ``block`` is the (start, stop) kji
    of the changed block, or None when all of the segmentation may have changed.
    """

    edit_name: str
    kind: ChangeKind
    volume_keys: frozenset[str] = frozenset()
    segmentation_uid: str = ""
    segmentation_uids: frozenset[str] = frozenset()
    labels_changed: bool = False
    block: tuple[Shape, Shape] | None = None


class Session:
    """The document with its history, its journal and its listeners. Used from one thread.

    Parameters
    ----------
    journal
        Where every edit goes; None: nowhere (tests, the command line).
    on_fault
        Told what went wrong beside an edit: a listener that raised, a journal that cannot save.
        **May be called from the journal's thread.**
    document, findings
        What recovery restored, and what is worth saying about it.
    """

    def __init__(
        self,
        journal: Journal | None = None,
        *,
        on_fault: Fault | None = None,
        document: Document | None = None,
        findings: tuple[Finding, ...] = (),
        limit_bytes: int = DEFAULT_LIMIT_BYTES,
    ) -> None:
        self.on_fault: Fault = on_fault or _log_fault
        self.changed: Listeners[Change] = Listeners(self._fault)
        self.findings = findings
        self.journal = journal
        self._document = document or Document(limit_bytes)
        self._merge_key = ""
        self._kept: dict[str, object] = {}
        if journal is not None:
            journal.on_fault = self._fault
            if document is None:
                journal.set_meta(limit_bytes=str(limit_bytes))

    def _fault(self, error: Exception) -> None:
        self.on_fault(error)

    # --- what is true ----------------------------------------------------------------------

    @property
    def state(self) -> State:
        """What is true now."""
        return self._document.state

    @property
    def revision(self) -> int:
        """How often the state has changed: the same number, the same labels."""
        return self._document.revision

    def label_revision(self, segmentation_uid: str) -> int:
        """Return the revision at which the labels of a segmentation changed last."""
        return self._document.label_revisions.get(segmentation_uid, 0)

    @property
    def history(self) -> tuple[str, ...]:
        """The names of what can be undone, oldest first."""
        return tuple(entry.edit.name for entry in self._document.history.done)

    @property
    def undone(self) -> tuple[str, ...]:
        """The names of what can be done again, the next one first."""
        return tuple(entry.edit.name for entry in reversed(self._document.history.undone))

    @property
    def history_bytes(self) -> int:
        """About how much memory the history takes."""
        return self._document.history.n_bytes

    @property
    def can_undo(self) -> bool:
        """Whether there is something to undo."""
        return self._document.history.last is not None

    @property
    def can_redo(self) -> bool:
        """Whether there is something to redo."""
        return self._document.history.next is not None

    @property
    def undo_name(self) -> str:
        """What undo would take back, "" if nothing."""
        entry = self._document.history.last
        return entry.edit.name if entry else ""

    @property
    def redo_name(self) -> str:
        """What redo would do again, "" if nothing."""
        entry = self._document.history.next
        return entry.edit.name if entry else ""

    # --- changing it -----------------------------------------------------------------------

    def apply(self, edit: Edit, *, merge_key: str = "") -> None:
        """Apply an edit: state, then journal, then listeners.

        An edit with the same non-empty ``merge_key`` as the edit just before it joins that one's
        step of the history: a slider that is dragged is one step.

        Raises
        ------
        ViewerError
            The edit cannot be applied; nothing has changed.
        """
        data = encode(edit) if self.journal else b""
        merges = bool(merge_key) and merge_key == self._merge_key
        row = self.journal.next_seq if self.journal else 0
        inverse, touched = self._document.apply(edit, row=row, merges=merges)
        self._merge_key = merge_key
        if self.journal:
            back = b"" if inverse is edit else encode(inverse)
            self.journal.record("apply", edit=data, inverse=back, merges=merges)
        self._told("apply", edit.name, touched)

    def seal(self) -> None:
        """End a drag: the next edit is a step of its own, whatever its merge key."""
        self._merge_key = ""

    def undo(self) -> str:
        """Take the last step back; return its name, "" if there was none."""
        name = self.undo_name
        touched = self._document.undo()
        return self._stepped("undo", name, touched)

    def redo(self) -> str:
        """Do again what was undone last; return its name, "" if there was nothing."""
        name = self.redo_name
        touched = self._document.redo()
        return self._stepped("redo", name, touched)

    def go_to(self, n_done: int) -> None:
        """Undo or redo until ``n_done`` steps stand, counted from the oldest that is known.

        Raises
        ------
        InputRefused
            There are not so many steps; nothing has changed.
        """
        if not 0 <= n_done <= len(self.history) + len(self.undone):
            raise InputRefused(f"The history has no step {n_done}.")
        while len(self.history) > n_done:
            self.undo()
        while len(self.history) < n_done:
            self.redo()

    def _stepped(self, kind: Literal["undo", "redo"], name: str, touched: Touched | None) -> str:
        if touched is None:
            return ""
        self._merge_key = ""
        if self.journal:
            self.journal.record(kind)
        self._told(kind, name, touched)
        return name

    def open_paths(self, paths: tuple[str, ...]) -> None:
        """Note that these files and folders were opened together: recorded, not undoable."""
        edit = OpenStudy(tuple(str(path) for path in paths))
        touched = self._document.open(edit)
        if self.journal:
            self.journal.record("open", edit=encode(edit), paths=edit.paths)
        self._told("open", edit.name, touched)

    def _told(self, kind: ChangeKind, name: str, touched: Touched) -> None:
        if self.journal and self.journal.is_snapshot_due:
            self.journal.snapshot(self._document)
        block = None
        if touched.start_kji is not None and touched.stop_kji is not None:
            block = (touched.start_kji, touched.stop_kji)
        self.changed.emit(
            Change(
                name,
                kind,
                touched.volume_keys,
                touched.segmentation_uid,
                touched.segmentation_uids,
                touched.labels,
                block,
            )
        )

    # --- the file --------------------------------------------------------------------------

    def keep(self, name: str, value: object) -> None:
        """Keep a value beside the document: where one looks. No step of the history."""
        if self.journal:
            self.journal.keep(name, encode(value))
        self._kept[name] = value

    def kept(self, name: str) -> object:
        """Return what was kept under a name, also before a crash; None if nothing (readable)."""
        if name not in self._kept and self.journal:
            data = self.journal.kept(name)
            try:
                self._kept[name] = None if data is None else decode(data)
            except InputRefused as error:
                self._fault(error)
        return self._kept.get(name)

    def flush(self, timeout_s: float = 10.0) -> bool:
        """Wait until everything is on the disk; False if that failed or took too long."""
        return self.journal.flush(timeout_s) if self.journal else True

    def save_copy(self, path: Path, *, force: bool = False) -> None:
        """Save the session with its history as a workspace file; raises as ``Journal.copy_to``."""
        if self.journal is None:
            raise InputRefused("This session is not recorded, so it cannot be saved.")
        self.journal.copy_to(path, force=force)

    def become(self, other: "Session") -> None:
        """Go on as ``other``: its document, history and file. What was here is saved and closed.

        Listeners stay, and are told that everything may have changed. ``other`` is used up.
        """
        document, journal, kept = other.given_up()
        touched = _everything(self.state, document.state)
        # Who kept something by revision must not take another session's labels for ours.
        document.outdate(self.revision)
        if self.journal is not None:
            self.journal.close()
        self.journal, self._document, self._kept = journal, document, kept
        self.findings, self._merge_key = other.findings, ""
        if journal is not None:
            journal.on_fault = self._fault
        self._told("open", "open workspace", touched)

    def given_up(self) -> tuple[Document, Journal | None, dict[str, object]]:
        """Return document, journal and what was kept, for another session to go on with."""
        journal, self.journal = self.journal, None
        return self._document, journal, dict(self._kept)

    def close(self, *, clean: bool = True) -> None:
        """Save all and let the file go; not ``clean``: the next start restores it."""
        self.changed.disconnect()
        if self.journal is not None:
            self.journal.close(clean=clean)


def _everything(*states: State) -> Touched:
    layers = [layer for state in states for layer in state.segmentations]
    keys = {layer.volume_key for layer in layers}
    for state in states:
        keys.update(m.volume_key for m in state.measurements)
        keys.update(key for key, _chain in state.chains)
    return Touched(frozenset(keys), frozenset(layer.uid for layer in layers), bool(layers))


def _log_fault(error: Exception) -> None:
    log.error("fault beside an edit", exc_info=error)
