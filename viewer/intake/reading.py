"""Read the beginnings of files in threads, and tell what each of them is."""

import os
import struct
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from viewer.errors import Damaged, InputRefused, ViewerError
from viewer.intake.find import Found
from viewer.intake.header import Header, read_header
from viewer.intake.limits import HEAD_BYTES
from viewer.intake.recognise import Kind, description, kind_of
from viewer.jobs.job import Ticket

_N_THREADS = 8
_BATCH = 32
_COPY_AGAIN = "Copy the file again from its source."
_ITEM_TAG = b"\xfe\xff\x00\xe0"

_SLOW_S = 0.002
_TELL_S = 0.1  # a person reads no faster, and every word costs the reader time
_Head = tuple[bytes, int, InputRefused | None]
ReadHead = Callable[[str, int], tuple[bytes, int]]


@dataclass(frozen=True, slots=True)
class Opened:
    """A file that was looked into: its header if it is DICOM, or why it cannot be used."""

    found: Found
    kind: Kind
    head: bytes
    size: int
    header: Header | None = None
    refusal: ViewerError | None = None

    def starts_with_item(self) -> bool:
        """Whether the pixel data begin with an item tag, as encapsulated ones do."""
        if self.header is None or self.header.pixel is None:
            return False
        offset = self.header.pixel.offset
        if offset + 4 <= len(self.head) and self.header.deflated_at is None:
            return self.head[offset : offset + 4] == _ITEM_TAG
        try:
            return read_head(self.found.path, offset + 4)[0][offset:] == _ITEM_TAG
        except OSError:
            return False


def read_head(path: str, n_bytes: int) -> tuple[bytes, int]:
    """Return the first bytes of a file, and its length."""
    number = os.open(path, os.O_RDONLY)
    try:
        return os.read(number, n_bytes), os.fstat(number).st_size
    finally:
        os.close(number)


def opened_files(
    files: Iterable[Found], ticket: Ticket | None = None, *, read: ReadHead = read_head
) -> Iterator[Opened]:
    """Yield every file in order, looked into."""
    batches = list(_batches(list(files)))
    n_done = 0
    told_s = time.monotonic()
    for batch, heads in zip(batches, _heads(batches, read), strict=True):
        if ticket is not None:
            ticket.check()
            if time.monotonic() - told_s > _TELL_S:
                told_s = time.monotonic()
                ticket.report(n_done / (len(batches) * _BATCH), f"{n_done} files")
        for found, (head, size, refusal) in zip(batch, heads, strict=True):
            yield _opened(found, head, size, refusal, read)
        n_done += len(batch)


def _heads(batches: list[list[Found]], read: ReadHead) -> Iterator[list[_Head]]:
    """Yield the beginnings of every batch: by threads only where the disk is slow.

    Where the files are in memory already, handing the interpreter round costs more than reading.
    """
    for number, batch in enumerate(batches):
        begun = time.perf_counter()
        heads = [_head(found, read) for found in batch]
        is_slow = time.perf_counter() - begun > _SLOW_S * len(batch)
        yield heads
        if is_slow:
            rest = batches[number + 1 :]
            break
    else:
        return
    with ThreadPoolExecutor(_N_THREADS, thread_name_prefix="head") as pool:
        yield from pool.map(lambda batch: [_head(found, read) for found in batch], rest)


def _batches(files: list[Found]) -> Iterator[list[Found]]:
    for start in range(0, len(files), _BATCH):
        yield files[start : start + _BATCH]


def _head(found: Found, read: ReadHead) -> _Head:
    try:
        head, size = read(found.path, HEAD_BYTES)
    except PermissionError:
        refusal = InputRefused(
            "The file cannot be read: permission is denied.",
            remedy="Ask its owner to let you read it.",
        )
        return b"", -1, refusal
    except OSError as error:
        refusal = InputRefused(
            f"The file cannot be read ({error.strerror or 'input/output error'}).",
            remedy="Check the disk or the medium.",
        )
        return b"", -1, refusal
    return head, size, None


def _opened(
    found: Found, head: bytes, size: int, refusal: InputRefused | None, read: ReadHead
) -> Opened:
    if refusal is not None:
        return Opened(found, Kind.OTHER, head, size, refusal=refusal)
    kind = kind_of(head, size)
    header = None
    try:
        if kind is Kind.EMPTY:
            raise Damaged("The file is empty (0 bytes).", remedy=_COPY_AGAIN)
        if kind is Kind.MAYBE_DICOM:
            header = _dicom_header(found, head, size, read)
        if kind is Kind.OTHER or (kind is Kind.MAYBE_DICOM and header is None):
            raise _other(head)
    except ViewerError as error:
        return Opened(found, kind, head, size, header, error)
    return Opened(found, kind, head, size, header)


def _dicom_header(found: Found, head: bytes, size: int, read: ReadHead) -> Header | None:
    try:
        return read_header(head, size, lambda n: read(found.path, n)[0])
    except (struct.error, ValueError, IndexError, OSError, RecursionError, MemoryError) as error:
        raise Damaged(
            f"The header cannot be read ({type(error).__name__}).", remedy=_COPY_AGAIN
        ) from error


def _other(head: bytes) -> InputRefused:
    return InputRefused(
        f"This is no medical image file: it is {description(head)}.",
        remedy="Leave it out, or export it as DICOM or NIfTI.",
    )
