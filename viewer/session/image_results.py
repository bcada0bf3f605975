"""What image classifiers said of shown images: seen in the panel, no part of the document.

Running a classifier changes nothing in the session, so there is nothing to undo; the newest answer
of a network about an image takes the place of its last one.
"""

from dataclasses import dataclass

from psygnal import Signal

from viewer.inference.image_scores import ImageScores


@dataclass(frozen=True, slots=True)
class ImageResultRow:
    """One answer: about image ``k`` (from 0) of the picture ``picture_key``."""

    picture_key: str
    k: int
    network: str
    title: str
    scores: ImageScores
    device: str


class ImageResults:
    """The answers about every picture that is open, newest first."""

    changed = Signal(str)

    def __init__(self) -> None:
        self._rows: tuple[ImageResultRow, ...] = ()

    def add(self, row: ImageResultRow) -> None:
        """Keep an answer, and tell whose picture it is about."""
        same = (row.picture_key, row.k, row.network)
        others = [r for r in self._rows if (r.picture_key, r.k, r.network) != same]
        self._rows = (row, *others)
        self.changed.emit(row.picture_key)

    def show_live(self, row: ImageResultRow) -> None:
        """Keep an answer that follows the shown frames: one for each network, the newest."""
        self._rows = (row, *(r for r in self._rows if r.title != row.title))
        self.changed.emit(row.picture_key)

    def of(self, picture_key: str) -> tuple[ImageResultRow, ...]:
        """Return the answers about one picture, newest first."""
        return tuple(row for row in self._rows if row.picture_key == picture_key)
