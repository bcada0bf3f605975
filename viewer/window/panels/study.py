"""The study panel: patients, studies, series with thumbnails, and what was refused."""

from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage, QPixmap
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QScrollArea, QVBoxLayout, QWidget

from viewer.actions.context import Context
from viewer.domain.finding import Severity
from viewer.domain.wording import counted
from viewer.rendering.corners import CornerMode, readable_date, readable_name
from viewer.session.pictures import SeriesEntry
from viewer.window import theme
from viewer.window.controls import (
    ClickableFrame,
    ElidedLabel,
    clear_layout,
    heading,
    label,
    row_of,
)
from viewer.window.performing import Performing

_THUMBNAIL_PX = 48
_REFUSED_SHOWN = 6


class StudyPanel(QWidget):
    """What there is to read. A click on a series shows it."""

    def __init__(self, context: Context, performing: Performing) -> None:
        super().__init__()
        self._context, self._performing = context, performing
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedWidth(theme.LEFT_PX)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 12, 0, 0)
        outer.setSpacing(8)
        self._search = QLineEdit()
        self._search.setPlaceholderText("Name, number, date, region")
        self._search.setClearButtonEnabled(True)
        self._search.textChanged.connect(lambda _text: self.refresh())
        holder = QHBoxLayout()
        holder.setContentsMargins(12, 0, 12, 0)
        holder.addWidget(self._search)
        outer.addLayout(holder)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        inside = QWidget()
        self._column = QVBoxLayout(inside)
        self._column.setContentsMargins(0, 0, 0, 8)
        self._column.setSpacing(2)
        area.setWidget(inside)
        outer.addWidget(area, 1)
        self.refresh()

    def refresh(self) -> None:
        """Draw the list again."""
        clear_layout(self._column)
        wanted = self._search.text().casefold()
        entries = [e for e in self._context.pictures.entries() if wanted in _haystack(e)]
        for patient, of_patient in groupby(entries, lambda e: e.source.identity.patient):
            self._add_patient(patient.name, patient.birth_date, patient.sex, patient.id)
            for study, of_study in groupby(of_patient, lambda e: e.source.identity.study):
                series = list(of_study)
                text = f"{readable_date(study.date)} {study.description}".strip() or "Study"
                count = label(f"{len(series)}", "caption")
                row = row_of(ElidedLabel(text, "heading"), count)
                row.setStretch(0, 1)
                self._indented(row, top=8)
                for entry in series:
                    self._column.addWidget(self._entry(entry))
        if not entries:
            self._add_empty(bool(wanted))
        self._add_refused()
        self._column.addStretch(1)

    def _indented(self, row: QHBoxLayout, top: int = 0) -> None:
        row.setContentsMargins(12, top, 12, 2)
        self._column.addLayout(row)

    def _add_patient(self, name: str, birth: str, sex: str, number: str) -> None:
        shown = self._context.viewing.look.corners is CornerMode.FULL
        title = readable_name(name) if shown else "Patient"
        self._indented(row_of(ElidedLabel(title or "No name", "name")), top=4)
        parts = [sex, readable_date(birth), f"ID {number}" if number else ""]
        if shown and any(parts):
            self._indented(row_of(ElidedLabel(" ".join(p for p in parts if p), "dim")))

    def _entry(self, entry: SeriesEntry) -> ClickableFrame:
        source = entry.source
        frame = ClickableFrame()
        frame.setObjectName("entry")
        shown = source.key == self._context.viewing.look.picture_key
        frame.setProperty("shown", "true" if shown else "false")
        frame.clicked = lambda: self._performing.perform("file.show", key=source.key)
        row = QHBoxLayout(frame)
        row.setContentsMargins(10, 6, 10, 6)
        row.setSpacing(10)
        row.addWidget(_thumbnail(entry.thumbnail))
        texts = QVBoxLayout()
        texts.setSpacing(0)
        texts.addWidget(ElidedLabel(source.identity.series.description or source.title, "strong"))
        texts.addWidget(ElidedLabel(_size_text(entry), "dim"))
        finding = next(
            (f for f in source.findings if f.severity is not Severity.NOTE), None
        ) or next(iter(source.findings), None)
        if finding is not None:
            name = "dim" if finding.severity is Severity.NOTE else "warning"
            texts.addWidget(ElidedLabel(finding.text, name))
        row.addLayout(texts, 1)
        frame.setToolTip("\n".join([source.title, *(f.text for f in source.findings)]))
        return frame

    def _add_empty(self, searched: bool) -> None:
        text = (
            "Nothing matches."
            if searched
            else "Drop a folder, DICOM files, a ZIP or a NIfTI file here, or press Ctrl+O.\n\n"
            "Ctrl+D opens the demonstration study."
        )
        words = label(text, "dim")
        words.setWordWrap(True)
        self._indented(row_of(words), top=6)
        words.setMinimumWidth(theme.LEFT_PX - 28)

    def _add_refused(self) -> None:
        refused = self._context.pictures.ledger.refused
        if not refused:
            return
        count = counted(len(refused), "file")
        self._indented(heading("Refused", label(count, "warning")), top=12)
        for fate in refused[:_REFUSED_SHOWN]:
            self._indented(row_of(ElidedLabel(Path(fate.path).name)), top=4)
            text = f"{fate.reason} {fate.hint}".strip()
            words = label(text, "dim", tip=f"{fate.path}: {text}")
            words.setWordWrap(True)
            words.setFixedWidth(theme.LEFT_PX - 26)
            self._indented(row_of(words))
        if len(refused) > _REFUSED_SHOWN:
            more = label(f"and {len(refused) - _REFUSED_SHOWN} more", "dim")
            more.setToolTip("\n".join(f"{f.path}: {f.reason}" for f in refused[:60]))
            self._indented(row_of(more))


def _haystack(entry: SeriesEntry) -> str:
    identity = entry.source.identity
    return " ".join(
        (
            identity.patient.name,
            identity.patient.id,
            identity.study.date,
            readable_date(identity.study.date),
            identity.study.description,
            identity.series.description,
            identity.series.modality,
            identity.series.body_part,
            str(identity.series.number or ""),
        )
    ).casefold()


def _size_text(entry: SeriesEntry) -> str:
    source = entry.source
    text = counted(source.shape_kji[0], "image")
    if source.grid is not None and source.is_volume:
        text += f" · {source.grid.spacing_ijk_mm[2]:.1f} mm"
    return f"{source.identity.series.modality} {text}".strip()


def _thumbnail(picture: NDArray[np.uint8] | None) -> QLabel:
    holder = QLabel()
    holder.setFixedSize(_THUMBNAIL_PX, _THUMBNAIL_PX)
    holder.setAlignment(Qt.AlignmentFlag.AlignCenter)
    holder.setStyleSheet(f"background: {theme.PANE}; border-radius: 3px;")
    if picture is not None:
        grey = np.ascontiguousarray(picture)
        height, width = grey.shape[:2]
        form = QImage.Format.Format_Grayscale8 if grey.ndim == 2 else QImage.Format.Format_RGB888
        image = QImage(grey.data, width, height, grey.strides[0], form).copy()
        pixmap = QPixmap.fromImage(image)
        holder.setPixmap(
            pixmap.scaled(
                _THUMBNAIL_PX,
                _THUMBNAIL_PX,
                Qt.AspectRatioMode.KeepAspectRatio,
                Qt.TransformationMode.SmoothTransformation,
            )
        )
    return holder
