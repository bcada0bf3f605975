"""The journal: every edit goes to the session's file, on a thread of its own."""

import logging
import os
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Self

from viewer import __version__
from viewer.errors import Conflict, OutOfResources
from viewer.session.document import Document
from viewer.session.listeners import Fault
from viewer.session.packed import Packed
from viewer.session.process import is_living, own_start
from viewer.session.serialise import encode
from viewer.session.snapshot import Snapshot
from viewer.session.store import SUFFIX, Row, RowKind, Store, copy_file

log = logging.getLogger("negatoscope")
Write = Callable[[Store], None]
SNAPSHOT_EVERY = 256  # rows; replaying so many takes about 50 ms
_NUMBERS = count(1)
# Edits that come within this time share one commit: a drag makes 60 a second, a disk syncs fewer.
_GATHER_S = 0.2
_RETRY_S = 1.0


class Journal:
    """Writes rows behind the session's back; what was recorded is on the disk within a second.

    ``on_fault`` is called from the writing thread. While the disk refuses, rows wait in memory and
    are tried again every second; the fault is told once until it has worked again.
    """

    def __init__(self, store: Store, last_seq: int = 0) -> None:
        self.path = store.path
        self.on_fault: Fault = _nobody
        self.next_seq = last_seq + 1
        self.snapshot_every = SNAPSHOT_EVERY
        self._since_snapshot = 0
        self._store = store
        self._kept = store.all_kept()
        self._label_keys: set[str] = set()
        self._waiting: deque[tuple[float, Write]] = deque()
        self._n_put = self._n_saved = self._wanted = 0
        self._closing = self._failing = self._closed = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    @classmethod
    def create(cls, folder: Path) -> Self:
        """Begin a new session file in ``folder``.

        Raises
        ------
        OutOfResources
            It cannot be written.
        """
        stamp = time.strftime("%Y%m%d-%H%M%S")
        path = folder / f"session-{stamp}-{os.getpid()}-{next(_NUMBERS)}{SUFFIX}"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            store = Store.create(path)
            with store.transaction():
                store.set_meta(created_at_s=f"{time.time():.3f}")
                _own(store)
        except (OSError, sqlite3.Error) as error:
            raise _cannot_save(error) from error
        return cls(store)

    @classmethod
    def take_over(cls, store: Store, last_seq: int) -> Self:
        """Go on with a file whose owner is gone.

        Raises
        ------
        Conflict
            Another process owns it.
        """
        with store.transaction():
            if is_owned(store):
                raise Conflict("Another window uses this session.", where=store.path.name)
            _own(store)
        return cls(store, last_seq)

    # --- writing ---------------------------------------------------------------------------

    def record(
        self,
        kind: RowKind,
        *,
        edit: bytes = b"",
        inverse: bytes = b"",
        merges: bool = False,
        paths: tuple[str, ...] = (),
    ) -> None:
        """Take a row; it is written soon."""
        row = Row(self.next_seq, kind, merges, time.time(), edit, inverse)
        self.next_seq += 1
        self._since_snapshot += 1
        self._put(lambda store: store.add_row(row))
        if paths:
            self._put(lambda store: store.add_paths(row.seq, paths))

    def adopt(self, rows: list[Row], paths: tuple[str, ...]) -> None:
        """Take rows of another file, with their numbers; the next row follows the last of them."""
        self.next_seq = max((row.seq for row in rows), default=0) + 1

        def write(store: Store) -> None:
            for row in rows:
                store.add_row(row)
            store.add_paths(0, paths)

        self._put(write)

    @property
    def is_snapshot_due(self) -> bool:
        """Whether enough rows came since the last snapshot."""
        return self._since_snapshot >= self.snapshot_every

    def snapshot(self, document: Document) -> None:
        """Keep the whole document, so that replay begins here.

        Labels that may change are compressed at once: 131 MB take 30 ms, a copy of them 100.
        """
        self._since_snapshot = 0
        snapshot = Snapshot.of(document)
        keys = snapshot.label_keys()
        new = {
            key: s.labels if s.is_immutable else Packed.of(s.labels)
            for key, s in zip(keys, document.state.segmentations, strict=True)
            if key not in self._label_keys
        }
        self._label_keys.update(new)
        seq, head = self.next_seq - 1, encode(snapshot)

        def write(store: Store) -> None:
            for key, labels in new.items():
                packed = labels if isinstance(labels, Packed) else Packed.of(labels)
                store.put("labels", key, encode(packed))
            store.add_snapshot(seq, head)

        self._put(write)

    def keep(self, name: str, data: bytes) -> None:
        """Keep a named blob beside the rows."""
        self._kept[name] = data
        self._put(lambda store: store.put("kept", name, data))

    def kept(self, name: str) -> bytes | None:
        """Return a named blob, None if there is none."""
        return self._kept.get(name)

    def set_meta(self, **values: str) -> None:
        """Keep texts about the session."""
        self._put(lambda store: store.set_meta(**values))

    # --- the disk --------------------------------------------------------------------------

    @property
    def saved_age_s(self) -> float:
        """For how long the oldest unwritten row has been waiting; 0 when all is on the disk."""
        with self._changed:
            return time.monotonic() - self._waiting[0][0] if self._waiting else 0.0

    def flush(self, timeout_s: float = 10.0) -> bool:
        """Wait until everything recorded so far is on the disk; False if it is not."""
        with self._changed:
            target = self._wanted = self._n_put
            self._changed.notify_all()
            return self._changed.wait_for(lambda: self._n_saved >= target, timeout_s)

    def copy_to(self, path: Path, *, force: bool = False) -> None:
        """Save a copy as a workspace file: written beside it, checked, then renamed.

        Raises
        ------
        Conflict
            There is a file already, and ``force`` is off.
        OutOfResources
            The disk refuses.
        """
        if path.exists() and not force:
            raise Conflict("The file is there already.", where=path.name, remedy="Choose another.")
        if not self.flush():
            raise OutOfResources("The session could not be brought to the disk.")
        part = path.with_name(f".{path.name}.part")
        try:
            copy_file(self.path, part)
            part.replace(path)
        except (OSError, sqlite3.Error) as error:
            raise _cannot_save(error) from error
        finally:
            part.unlink(missing_ok=True)

    def close(self, *, clean: bool = True) -> None:
        """Write what waits, mark the session as cleanly closed (or not), let the file go."""
        if self._closed:
            return
        self._closed = True
        flag = "1" if clean else "0"
        self.set_meta(clean_close=flag, owner_pid="0")
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join()
        self._store.close()

    def _put(self, write: Write) -> None:
        with self._changed:
            self._waiting.append((time.monotonic(), write))
            self._n_put += 1
            self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closing)
                batch = [write for _, write in self._waiting]
            if not batch:
                return
            saved = self._save(batch)
            with self._changed:
                if saved:
                    for _ in batch:
                        self._waiting.popleft()
                    self._n_saved += len(batch)
                    self._changed.notify_all()
                    self._changed.wait_for(self._hurries, _GATHER_S)
                elif self._closing:
                    return
                else:
                    self._changed.wait_for(lambda: self._closing, _RETRY_S)

    def _hurries(self) -> bool:
        return self._closing or self._wanted > self._n_saved

    def _save(self, batch: list[Write]) -> bool:
        try:
            with self._store.transaction():
                for write in batch:
                    write(self._store)
        except (sqlite3.Error, OSError, MemoryError) as error:
            if not self._failing:
                self._failing = True
                self._tell(_cannot_save(error))
            return False
        self._failing = False
        return True

    def _tell(self, error: Exception) -> None:
        try:
            self.on_fault(error)
        except Exception:  # the thread that saves must go on
            log.exception("the listener to the journal's faults failed")


def is_owned(store: Store) -> bool:
    """Whether a living process works on this session."""
    pid = store.meta("owner_pid", "0")
    return is_living(int(pid) if pid.isdigit() else 0, store.meta("owner_start"))


def _own(store: Store) -> None:
    store.set_meta(
        program=__version__,
        clean_close="0",
        owner_pid=str(os.getpid()),
        owner_start=own_start(),
    )


def _cannot_save(error: Exception) -> OutOfResources:
    why = "the disk is full" if "full" in str(error) else f"{type(error).__name__}"
    return OutOfResources(
        f"The session cannot be saved: {why}.",
        remedy="Make room on the disk; it is tried again every second.",
    )


def _nobody(_error: Exception) -> None:
    pass
