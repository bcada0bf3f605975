"""Documents in encapsulated PDF objects (PS3.3 A.45.1), taken out byte by byte."""

from dataclasses import dataclass, field
from pathlib import Path

from viewer.errors import Damaged, Unsupported
from viewer.exchange.atomic import Saved, save_bytes
from viewer.exchange.dicom_parts import as_damaged, read_object
from viewer.exchange.sr_outline import clean

_STORAGE = "1.2.840.10008.5.1.4.1.1.104.1"
_START = b"%PDF-"
_NAME = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")


@dataclass(frozen=True, slots=True)
class Pdf:
    """A document with its title."""

    title: str
    data: bytes = field(repr=False)


def read_pdf(path: Path) -> Pdf:
    """Return the document in an encapsulated PDF object.

    Raises
    ------
    InputRefused
        The file cannot be read.
    Damaged
        It is cut short, or holds no PDF.
    Unsupported
        It is no encapsulated PDF.
    """
    path = Path(path)
    dataset = read_object(path)
    with as_damaged(path.name):
        if str(dataset.get("SOPClassUID")) != _STORAGE:
            raise Unsupported(
                "This is no encapsulated PDF.", where=path.name, remedy="Choose another file."
            )
        data = bytes(dataset.get("EncapsulatedDocument") or b"")
        length = dataset.get("EncapsulatedDocumentLength")
        # One byte was added where the length was odd; older objects do not say so.
        if length is not None and len(data) - 1 <= int(length) <= len(data):
            data = data[: int(length)]
        if not data.startswith(_START):
            raise Damaged("The object holds no PDF.", where=path.name, remedy="Export it again.")
        return Pdf(" ".join(clean(dataset.get("DocumentTitle")).split()), data)


def write_pdf(pdf: Pdf, path: Path, *, force: bool = False) -> Saved:
    """Save the document as it is.

    Raises
    ------
    Conflict, InputRefused, OutOfResources, ViewerError
        As ``atomic.save`` does; nothing was saved.
    """
    return save_bytes(Path(path), pdf.data, _check, force=force)


def _check(_written: Path) -> tuple[str, ...]:
    return ("the bytes are those in the DICOM object",)


def file_name(title: str) -> str:
    """Return a name for the file: a title from a file never makes a path."""
    kept = "".join(char if char in _NAME else "_" for char in title)[:60].strip("_")
    return f"{kept or 'document'}.pdf"
