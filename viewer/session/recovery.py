"""Sessions that were not closed: found, read as far as they can be, and gone on with."""

import contextlib
import shutil
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path

from viewer.domain.finding import Finding, Severity
from viewer.domain.segmentation import Labels
from viewer.errors import Conflict, Damaged, InputRefused, OutOfResources, ViewerError
from viewer.session.document import Document
from viewer.session.edit import OpenStudy
from viewer.session.history import DEFAULT_LIMIT_BYTES, Entry
from viewer.session.journal import Journal, is_owned
from viewer.session.listeners import Fault
from viewer.session.packed import Packed
from viewer.session.serialise import decode
from viewer.session.session import Session
from viewer.session.snapshot import Snapshot
from viewer.session.store import SUFFIX, Row, Store, check_header


@dataclass(frozen=True, slots=True)
class Summary:
    """What a session file holds, for the question whether to take it up again."""

    path: Path
    paths: tuple[str, ...]
    n_edits: int
    changed_at_s: float


def unfinished(folder: Path) -> tuple[Path, ...]:
    """Return the sessions in ``folder`` that nobody closed and nobody uses, newest first.

    Those in which nothing was opened or edited are left out; those that cannot be read are not:
    ``recover`` sets them aside and says so.
    """
    found = []
    for path in folder.glob(f"*{SUFFIX}"):
        with contextlib.suppress(OSError, InputRefused):
            if _is_unfinished(path):
                found.append((path.stat().st_mtime, path))
    return tuple(path for _, path in sorted(found, reverse=True))


def _is_unfinished(path: Path) -> bool:
    if path.stat().st_size == 0:
        return False
    try:
        store = Store.open(path)
    except Damaged:
        return True
    try:
        if store.meta("clean_close") == "1" or is_owned(store):
            return False
        return bool(store.n_edits() or store.paths() or not store.is_sound())
    finally:
        store.close()


def summary(path: Path) -> Summary:
    """Return what a session file holds, as far as it can be read; raises as ``Store.open``."""
    store = Store.open(path)
    try:
        return Summary(path, store.paths(), store.n_edits(), path.stat().st_mtime)
    finally:
        store.close()


def recover(path: Path, *, on_fault: Fault | None = None) -> Session:
    """Return the session in ``path`` with its state and undo stack, and go on recording there.

    A broken file is set aside (``.broken`` at the end of its name); what can be read of it goes on
    in a new file, and ``findings`` of the session say so.

    Raises
    ------
    ViewerError
        It is no session, a newer program made it, another process uses it, or the disk refuses.
    """
    try:
        return _recovered(path, on_fault)
    except (OSError, sqlite3.Error) as error:
        raise OutOfResources("The session cannot be taken up.", where=path.name) from error


def open_workspace(path: Path, folder: Path, *, on_fault: Fault | None = None) -> Session:
    """Return the session saved in ``path``; it goes on in a copy inside ``folder``.

    Raises
    ------
    ViewerError
        As ``recover``.
    """
    check_header(path)  # before SQLite may touch it: a workspace is changed by saving alone
    copy = folder / f"session-{time.strftime('%Y%m%d-%H%M%S')}-{time.time_ns()}{SUFFIX}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    except OSError as error:
        copy.unlink(missing_ok=True)
        raise OutOfResources("The workspace cannot be copied.", where=path.name) from error
    try:
        return recover(copy, on_fault=on_fault)
    except ViewerError:
        discard(copy)
        raise


def discard(path: Path) -> None:
    """Delete a session file and its companions."""
    for name in _family(path):
        name.unlink(missing_ok=True)


def tidy(folder: Path, *, keep: int = 20) -> None:
    """Delete the oldest cleanly closed sessions beyond ``keep``."""
    closed = []
    for path in folder.glob(f"*{SUFFIX}"):
        with contextlib.suppress(OSError, ViewerError):
            store = Store.open(path)
            if store.meta("clean_close") == "1" and not is_owned(store):
                closed.append((path.stat().st_mtime, path))
            store.close()
    for _, path in sorted(closed, reverse=True)[keep:]:
        discard(path)


# --- reading and replaying ----------------------------------------------------------------------


@dataclass(frozen=True)
class Contents:
    """What could be read of a file; ``is_sound`` says whether that is all of it."""

    rows: dict[int, Row]
    snapshots: list[tuple[int, Snapshot, dict[str, Labels]]]
    kept: dict[str, bytes]
    paths: tuple[str, ...]
    limit_bytes: int
    is_sound: bool


def _recovered(path: Path, on_fault: Fault | None) -> Session:
    try:
        store = Store.open(path)
    except Damaged:
        broken = _set_aside(path)
        journal = Journal.create(path.parent)
        text = "The file of the last session was broken; nothing of it could be read."
        return Session(journal, on_fault=on_fault, findings=(_finding(broken, text),))
    if is_owned(store):
        store.close()
        raise Conflict("Another window uses this session.", where=path.name)
    contents = read_contents(store)
    document, reached, last = replayed(contents)
    if reached == last and contents.is_sound:
        journal = Journal.take_over(store, last)
        return Session(journal, on_fault=on_fault, document=document)
    store.close()
    broken = _set_aside(path)
    journal = _rebuilt(path.parent, contents, document, reached)
    text = f"The file of the last session was broken; {_share(reached, last)} could be restored."
    return Session(
        journal, on_fault=on_fault, document=document, findings=(_finding(broken, text),)
    )


def read_contents(store: Store) -> Contents:
    """Return what can be read of a session's file; nothing is written."""
    rows = store.rows()
    limit = store.meta("limit_bytes")
    # A file that was rebuilt may lack rows up to this one: a snapshot stands for them.
    gaps = store.meta("gaps_until", "0")
    later = [seq for seq in rows if seq > int(gaps)] if gaps.isdigit() else []
    first = int(gaps) + 1 if gaps.isdigit() else 0
    complete = later == list(range(first, first + len(later)))
    snapshots = []
    for seq, head in store.snapshots():
        with contextlib.suppress(ViewerError):
            snapshot: Snapshot = decode(head)
            snapshots.append((seq, snapshot, _labels(store, snapshot)))
            break
    return Contents(
        rows,
        snapshots,
        store.all_kept(),
        store.paths(),
        int(limit) if limit.isdigit() else DEFAULT_LIMIT_BYTES,
        complete and store.is_sound(),
    )


def _labels(store: Store, snapshot: Snapshot) -> dict[str, Labels]:
    found = {}
    for key in snapshot.label_keys():
        data = store.blob("labels", key)
        if data is None:
            raise Damaged("A snapshot lost its labels.")
        packed: Packed = decode(data)
        found[key] = packed.unpack()
    return found


def replayed(contents: Contents) -> tuple[Document, int, int]:
    """Return the document, the row that it reached, and the last row that there is."""
    document = Document(contents.limit_bytes)
    reached = 0
    for seq, snapshot, labels in contents.snapshots:
        snapshot.restore(document, labels, _steps(contents.rows, seq))
        reached = seq
    last = max((*contents.rows, reached), default=0)
    while reached + 1 in contents.rows:
        try:
            _step(document, contents.rows[reached + 1])
        except ViewerError:
            break
        reached += 1
    return document, reached, last


def _step(document: Document, row: Row) -> None:
    if row.kind == "undo":
        document.undo()
    elif row.kind == "redo":
        document.redo()
    elif row.kind == "open":
        edit = decode(row.edit)
        if not isinstance(edit, OpenStudy):
            raise Damaged("A row of the journal opens nothing.")
        document.open(edit)
    else:
        document.apply(decode(row.edit), row=row.seq, merges=row.merges)


def _steps(rows: dict[int, Row], last: int) -> dict[int, Entry]:
    """Return the edits up to row ``last`` with their ways back, by row; broken ones are absent."""
    found = {}
    for seq, row in rows.items():
        if seq <= last and row.kind == "apply":
            with contextlib.suppress(ViewerError):
                edit = decode(row.edit)
                found[seq] = Entry(edit, decode(row.inverse) if row.inverse else edit, (seq,))
    return found


def _rebuilt(folder: Path, contents: Contents, document: Document, reached: int) -> Journal:
    """Return a journal in a new file that holds the good rows and the document as it is now."""
    journal = Journal.create(folder)
    journal.adopt([row for seq, row in contents.rows.items() if seq <= reached], contents.paths)
    for name, data in contents.kept.items():
        journal.keep(name, data)
    journal.set_meta(limit_bytes=str(contents.limit_bytes), gaps_until=str(reached))
    journal.snapshot(document)
    return journal


def _family(path: Path) -> tuple[Path, ...]:
    return tuple(path.with_name(path.name + end) for end in ("", "-wal", "-shm"))


def _set_aside(path: Path) -> Path:
    broken = path.with_name(path.name + ".broken")
    for name in _family(path):
        if name.exists():
            name.replace(broken.with_name(broken.name + name.name.removeprefix(path.name)))
    return broken


def _share(reached: int, last: int) -> str:
    return "all steps" if reached >= last else f"{reached} of {last} steps"


def _finding(broken: Path, text: str) -> Finding:
    return Finding(Severity.WARNING, broken.name, text, "The broken file was kept beside it.")
