"""Longest diameter and mean of the active segment while it is edited, computed in a job."""

from contextlib import suppress

from PySide6.QtWidgets import QLabel

from viewer.actions.context import Context
from viewer.domain.quantity import LONGEST_DIAMETER_3D, MEAN, rounded_half_away
from viewer.errors import ViewerError
from viewer.imaging.measuring import measured_segment
from viewer.jobs.job import Ticket
from viewer.jobs.runner import Outcomes
from viewer.window.controls import label

_Key = tuple[str, int, int]


class LiveFigures:
    """One line below the list: the newest numbers, or "…" while they are computed.

    Newest wins: numbers of an older state of the labels are never shown.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._key: _Key = ("", 0, -1)
        self._text = ""
        self._label: QLabel | None = None

    def line(self) -> QLabel:
        """Return the label for the active segment; its numbers come when they are known."""
        look = self._context.viewing.look
        key = (look.segmentation_uid, look.segment_number, self._context.session.revision)
        self._label = label(self._text if key == self._key else "…", "dim")
        self._label.setToolTip("Longest diameter in space, and mean value, of the active segment")
        if key != self._key:
            self._ask(key)
        return self._label

    def _ask(self, key: _Key) -> None:
        layer, picture = self._context.segmentation, self._context.picture
        if layer is None or picture is None or layer.grid != picture.grid:
            self._show(key, "")
            return

        def work(ticket: Ticket) -> str:
            ticket.check()
            if not (layer.labels == key[1]).any():
                return "Empty"
            quantities, _, _ = measured_segment(layer, key[1], picture)
            parts = []
            for concept, name in ((LONGEST_DIAMETER_3D, "Longest"), (MEAN, "mean")):
                found = next((q for q in quantities if q.concept == concept), None)
                if found is not None:
                    unit = found.unit.replace("[hnsf'U]", "HU")
                    parts.append(f"{name} {rounded_half_away(found.value, 1):.1f} {unit}")
            return " · ".join(parts)

        self._context.jobs.submit(
            work,
            Outcomes(
                done=lambda text: self._show(key, text), failed=lambda _fault: self._show(key, "")
            ),
            key="live figures",
        )

    def _show(self, key: _Key, text: str) -> None:
        self._key, self._text = key, text
        look = self._context.viewing.look
        now = (look.segmentation_uid, look.segment_number, self._context.session.revision)
        if self._label is not None and key == now:
            # The panel may have thrown this label away meanwhile.
            with suppress(RuntimeError, ViewerError):
                self._label.setText(text)
