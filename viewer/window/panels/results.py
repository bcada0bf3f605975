"""The results table: every number with its unit; a click shows its receipt."""

from functools import partial

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QMenu, QPushButton, QVBoxLayout, QWidget

from viewer.actions.context import Context
from viewer.domain.measurement import Measurement
from viewer.domain.quantity import (
    AREA,
    EXCESS_KURTOSIS,
    LENGTH,
    LONG_AXIS,
    LONGEST_DIAMETER_3D,
    MAXIMUM,
    MEAN,
    MEDIAN,
    MINIMUM,
    SHORT_AXIS,
    SKEWNESS,
    STANDARD_DEVIATION,
    VOLUME,
    VOXEL_COUNT,
    Quantity,
    readable_unit,
)
from viewer.errors import ViewerError
from viewer.session.figures import SegmentFigures, outdated
from viewer.session.plane_cache import Histogram
from viewer.window.controls import (
    Card,
    ClickableFrame,
    ElidedLabel,
    clear_layout,
    heading,
    label,
    row_of,
    rule,
)
from viewer.window.panels.histogram import HistogramView
from viewer.window.performing import Performing

_SHORT = {
    LENGTH.value: "length",
    LONG_AXIS.value: "longest",
    SHORT_AXIS.value: "across",
    AREA.value: "area",
    VOLUME.value: "volume",
    LONGEST_DIAMETER_3D.value: "longest 3D",
    MEAN.value: "mean",
    STANDARD_DEVIATION.value: "SD",
    MINIMUM.value: "min",
    MAXIMUM.value: "max",
    VOXEL_COUNT.value: "counted",
}

_LAST = (MEDIAN, VOXEL_COUNT, SKEWNESS, EXCESS_KURTOSIS)
_BINS = 48


class ResultsPanel(QWidget):
    """Measurements, newest last; the selected one unfolds its receipt."""

    def __init__(self, context: Context, performing: Performing, figures: SegmentFigures) -> None:
        super().__init__()
        self._context, self._performing, self._figures = context, performing, figures
        self._outdated: frozenset[str] = frozenset()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(3)
        self.refresh()

    def refresh(self) -> None:
        """Draw the table again."""
        clear_layout(self._column)
        look = self._context.viewing.look
        found = [
            m for m in self._context.session.state.measurements if m.volume_key == look.picture_key
        ]
        layers = self._context.session.state.segmentations
        self._outdated = outdated(found, layers, self._figures)
        self._column.addLayout(heading("Results", label(f"{len(found)}", "caption")))
        for measurement in found:
            self._column.addWidget(self._row(measurement, measurement.uid == look.selected_uid))
            self._column.addWidget(rule())
        if not found:
            self._column.addWidget(label("Nothing measured yet (D, M, E, Shift+M).", "dim"))
        self._column.addLayout(self._export_row(bool(found)))

    def _row(self, measurement: Measurement, selected: bool) -> ClickableFrame:
        frame = ClickableFrame()
        frame.setObjectName("entry")
        frame.setProperty("shown", "true" if selected else "false")
        frame.clicked = partial(self._performing.perform, "edit.select", uid=measurement.uid)
        column = QVBoxLayout(frame)
        column.setContentsMargins(4, 3, 6, 3)
        column.setSpacing(1)
        suffix = measurement.receipt.spacing.source.value
        first = measurement.quantities[0] if measurement.quantities else None
        title = ElidedLabel(measurement.label, "strong" if selected else "")
        row = QHBoxLayout()
        row.setSpacing(6)
        row.addWidget(title, 1)
        if first is not None:
            row.addWidget(label(_short(first), "caption"))
            row.addWidget(label(f"{first.text()} {suffix}".strip(), "strong"))
        column.addLayout(row)
        rest = summary(measurement, whole=selected)
        if rest:
            words = label(rest, "dim")
            words.setAlignment(Qt.AlignmentFlag.AlignRight)
            words.setWordWrap(True)
            column.addWidget(words)
        if measurement.uid in self._outdated:
            column.addWidget(label("The segment has changed: measure again (Shift+M).", "warning"))
        if selected:
            histogram = self._histogram(measurement)
            if histogram is not None:
                column.addWidget(histogram)
            column.addWidget(_receipt(measurement))
        return frame

    def _histogram(self, measurement: Measurement) -> HistogramView | None:
        """Return how often values occur in a region; None where there are none to count."""
        from viewer.imaging.measuring_shapes import voxels_of
        from viewer.imaging.statistics import values_in

        picture = self._context.picture
        if picture is None or measurement.volume_key != picture.key or picture.is_colour:
            return None
        try:
            points = np.array(measurement.points_lps_mm, dtype=np.float64).reshape(-1, 3)
            voxels = voxels_of(measurement.kind, points, picture)
            values = None if voxels is None else values_in(picture, voxels)[0]
        except ViewerError:
            return None  # numbers of a report, say, whose region cannot be measured here
        if values is None or np.ptp(values) == 0:
            return None
        counts, edges = np.histogram(values, bins=min(_BINS, max(len(values) // 4, 4)))
        shares = counts / counts.sum()
        view = HistogramView()
        view.setToolTip("How often values occur among the voxels that count")
        view.setAccessibleName("Histogram of the region")
        view.show_histogram(Histogram(edges, shares, shares), readable_unit(picture.quantity.unit))
        return view

    def _export_row(self, measured: bool) -> QHBoxLayout:
        button = QPushButton("Export…")
        menu = QMenu(button)
        for text, verb in (
            ("Segments as DICOM SEG…", "export.seg"),
            ("Segments as NIfTI…", "export.nifti"),
            ("Measurements as DICOM SR…", "export.sr"),
            ("Measurements as CSV…", "export.csv"),
            ("Measurements as JSON…", "export.json"),
            ("Picture of the view…", "export.png"),
        ):
            menu.addAction(text).triggered.connect(partial(self._export, verb))
        button.setMenu(menu)
        button.setEnabled(self._context.picture is not None)
        hint = label("click a number for its receipt" if measured else "", "faint")
        return row_of(button, hint, None)

    def _export(self, verb: str, _checked: bool = False) -> None:
        self._performing.perform(verb)


def summary(measurement: Measurement, *, whole: bool = False) -> str:
    """Return the further quantities in one line: "mean -85.0 ± 12.1 HU · -410.0 – 82.0 HU".

    In the order of field.md 4.7: sizes, mean and SD, extremes; with ``whole`` also the median, how
    many voxels, and the shape of the distribution.
    """
    mean, sd = (measurement.quantity(code) for code in (MEAN, STANDARD_DEVIATION))
    low, high = (measurement.quantity(code) for code in (MINIMUM, MAXIMUM))
    further = [
        q
        for q in measurement.quantities[1:]
        if q not in (mean, sd, low, high) and q.concept not in _LAST
    ]
    parts = [f"{_short(q)} {q.text()}" for q in further]
    if mean is not None and sd is not None:
        parts.append(f"mean {_number(mean)} ± {sd.text()}")
    if low is not None and high is not None:
        parts.append(f"{_number(low)} – {high.text()}")
    if whole:
        last = (measurement.quantity(code) for code in _LAST)
        parts += [f"{_short(q)} {q.text()}" for q in last if q is not None]
    return "  ·  ".join(parts).replace("-", "−")


def _number(quantity: Quantity) -> str:
    return quantity.text().split(" ")[0]


def _short(quantity: Quantity) -> str:
    return _SHORT.get(quantity.concept.value, _lowered(quantity.concept.meaning))


def _receipt(measurement: Measurement) -> Card:
    card = Card()
    card.column.setSpacing(2)
    for name, text in measurement.receipt.lines():
        row = QHBoxLayout()
        caption = label(name, "caption")
        caption.setFixedWidth(76)
        caption.setAlignment(Qt.AlignmentFlag.AlignTop)
        words = label(text, "", tip=text)
        words.setWordWrap(True)
        words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        row.addWidget(caption)
        row.addWidget(ElidedLabel(text) if " " not in text else words, 1)
        card.column.addLayout(row)
    return card


def _lowered(meaning: str) -> str:
    """Return a meaning as it stands within a row: "perimeter", but "SUVpeak" and "Cobb angle"."""
    is_name = meaning[1:2].isupper() or meaning.startswith("Cobb")
    return meaning if is_name else meaning[:1].lower() + meaning[1:]
