"""Segments of the shown picture: colour, name, volume, mean; visibility, opacity, outline."""

from collections.abc import Sequence
from functools import partial

from PySide6.QtGui import QColor, QIcon, QPixmap
from PySide6.QtWidgets import QColorDialog, QHBoxLayout, QMenu, QPushButton, QVBoxLayout, QWidget

from viewer.actions.context import Context
from viewer.domain.measurement import Review
from viewer.domain.quantity import rounded_half_away
from viewer.domain.segmentation import OPERATION, Origin, Segment, Segmentation, steps_text
from viewer.domain.wording import counted
from viewer.session.figures import SegmentFigures
from viewer.window.controls import (
    ClickableFrame,
    ColourDot,
    ElidedLabel,
    ValueSlider,
    clear_layout,
    heading,
    label,
    row_of,
    rule,
)
from viewer.window.menus import fill_menu
from viewer.window.panels.live_figures import LiveFigures
from viewer.window.performing import Performing

_SHOWN = 12
OPERATIONS = (
    "segment.grow",
    "segment.shrink",
    "segment.margin",
    "segment.hollow",
    "segment.smooth",
    "segment.smooth_all",
    "segment.fill_holes",
    "segment.fill_between",
    "segment.preview_between",
    "segment.copy_slice",
    "segment.keep_largest",
    "segment.remove_small",
    "segment.split",
    "segment.combine",
    "segment.mirror",
    "segment.show_changes",
    "segment.move",
    "segment.delete",
    "paint.over",
    "paint.range",
    "paint.edge",
)


class SegmentPanel(QWidget):
    """One row a segment; the active one can be changed below the list."""

    def __init__(self, context: Context, performing: Performing) -> None:
        super().__init__()
        self._context, self._performing = context, performing
        self.figures = SegmentFigures()
        self.live = LiveFigures(context)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(4)
        self.refresh()

    def refresh(self) -> None:
        """Draw the list again."""
        if any(slider.slider.isSliderDown() for slider in self.findChildren(ValueSlider)):
            return
        clear_layout(self._column)
        new = QPushButton("New")
        new.setObjectName("quiet")
        new.setToolTip("New segment to draw into (Ctrl+N)")
        new.setEnabled(self._context.picture is not None)
        new.clicked.connect(lambda: self._performing.perform("segment.new"))
        self._column.addLayout(heading("Segments", new))
        key = self._context.viewing.look.picture_key
        layers = [s for s in self._context.session.state.segmentations if s.volume_key == key]
        if not layers:
            text = label("None yet. Run a network (N), or draw one (Ctrl+N).", "dim")
            self._column.addWidget(text)
            return
        for layer in layers:
            self._add_layer(layer)
        self._add_controls()

    def _add_layer(self, layer: Segmentation) -> None:
        kind = "AI" if layer.is_immutable else ""
        name = layer.name if not layer.parent_uid else f"{layer.name} · edited copy"
        self._column.addLayout(
            row_of(ElidedLabel(name, "caption"), label(kind, "ai"), label("volume", "caption"))
        )
        for segment in layer.segments[:_SHOWN]:
            self._column.addWidget(self._row(layer, segment))
            self._column.addWidget(rule())
        if len(layer.segments) > _SHOWN:
            self._column.addWidget(label(f"and {len(layer.segments) - _SHOWN} more", "dim"))

    def _row(self, layer: Segmentation, segment: Segment) -> ClickableFrame:
        look = self._context.viewing.look
        frame = ClickableFrame()
        frame.setObjectName("entry")
        active = (layer.uid, segment.number) == (look.segmentation_uid, look.segment_number)
        frame.setProperty("shown", "true" if active else "false")
        frame.clicked = partial(
            self._performing.perform, "segment.choose", uid=layer.uid, number=segment.number
        )
        row = QHBoxLayout(frame)
        row.setContentsMargins(2, 1, 6, 1)
        row.setSpacing(6)
        dot = ColourDot(segment.colour, filled=segment.visible, tip=f"Show or hide {segment.name}")
        dot.clicked.connect(
            lambda: self._performing.perform(
                "segment.change", uid=layer.uid, number=segment.number, visible=not segment.visible
            )
        )
        row.addWidget(dot)
        name = ElidedLabel(segment.name, "dim" if segment.review is Review.REJECTED else "")
        row.addWidget(name, 1)
        if segment.locked:
            row.addWidget(label("locked", "caption"))
        if segment.review is not Review.UNREVIEWED:
            row.addWidget(label(segment.review.value, _REVIEW_NAMES[segment.review]))
        row.addWidget(label(self._volume_text(layer, segment)))
        return frame

    def _volume_text(self, layer: Segmentation, segment: Segment) -> str:
        volume_ml = self.figures.volume_ml(layer, segment.number)
        return f"{rounded_half_away(volume_ml, 2):.2f} mL"

    def _add_controls(self) -> None:
        look = self._context.viewing.look
        layer = self._context.segmentation
        if layer is None or layer.volume_key != look.picture_key:
            return
        segment = next((s for s in layer.segments if s.number == look.segment_number), None)
        if segment is None:
            return
        change = partial(
            self._performing.perform, "segment.change", uid=layer.uid, number=segment.number
        )
        opacity = ValueSlider(
            "Opacity", segment.opacity, 0.0, 1.0, lambda value: f"{round(value * 100)} %"
        )
        opacity.moved = lambda value: change(opacity=value) and None
        opacity.slider.sliderReleased.connect(self._context.session.seal)
        self._column.addWidget(opacity)
        outline = QPushButton("Outline off" if segment.outline else "Outline on")
        outline.clicked.connect(lambda: change(outline=not segment.outline))
        colour = QPushButton("Colour")
        colour.clicked.connect(lambda: self._choose_colour(layer, segment))
        measure = QPushButton("Measure")
        measure.setToolTip("Volume, longest diameter, both diameters on a slice (Shift+M)")
        measure.clicked.connect(lambda: self._performing.perform("measure.segment"))
        self._column.addLayout(row_of(measure, outline, colour, None, spacing=6))
        operate = QPushButton("Operate")
        operate.setToolTip("Grow, shrink, smooth, fill, pieces, mirror, margins: in mm and mL")
        operate.clicked.connect(self._show_operations)
        named = QPushButton("Name…")
        named.setToolTip("What the segment is: name, SNOMED CT code and colour from a table")
        named.clicked.connect(lambda: self._show_operations(("segment.term",)))
        lock = QPushButton("Unlock" if segment.locked else "Lock")
        lock.setToolTip("Nothing changes the voxels of a locked segment (Shift+L)")
        lock.clicked.connect(lambda: self._performing.perform("segment.lock"))
        hatch = QPushButton("Fill" if segment.hatched else "Hatch")
        hatch.setToolTip("Stripes, between which the picture is seen, or an even fill")
        hatch.clicked.connect(lambda: self._performing.perform("segment.hatch"))
        self._column.addLayout(row_of(operate, named, lock, hatch, None, spacing=6))
        self._column.addWidget(self.live.line())
        self._add_record(segment)

    def _add_record(self, segment: Segment) -> None:
        """Say what made the segment, and that its mask was cut out of fractions."""
        if segment.steps:
            steps = counted(len(segment.steps), "step")
            made = label(f"Made in {steps}, last: {self._told(segment.steps[-1])}", "caption")
            made.setWordWrap(True)
            made.setToolTip(steps_text(segment).replace("; ", "\n"))
            self._column.addWidget(made)
        if segment.fractions is not None:
            share = segment.fractions.at_least / segment.fractions.maximum
            kept = label(f"Mask of memberships from {share:.2g} on; they are kept", "caption")
            kept.setToolTip(
                "Export, Segments as another SEG: Fractional, memberships as found. "
                "Where the mask was changed by hand since, a voxel counts as whole or nothing."
            )
            self._column.addWidget(kept)

    def _told(self, step: Origin) -> str:
        if step.key == OPERATION:
            return dict(step.parameters).get("what", step.key)
        method = self._context.extensions.segmenters.get(step.key) if step.key else None
        return step.short if method is None else method.title

    def _show_operations(self, ids: Sequence[str] | bool = False) -> None:
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        fill_menu(menu, self._context, self._performing, ids or OPERATIONS)  # type: ignore[arg-type]
        menu.popup(self.cursor().pos())

    def _choose_colour(self, layer: Segmentation, segment: Segment) -> None:
        from viewer.imaging.colours import OKABE_ITO

        menu = QMenu(self)
        for rgb in (*OKABE_ITO, (180, 142, 240)):
            entry = menu.addAction("#{:02x}{:02x}{:02x}".format(*rgb))
            entry.setIcon(_icon(rgb))
            entry.triggered.connect(partial(self._recolour, layer.uid, segment.number, rgb))
        menu.addAction("Another…").triggered.connect(
            lambda: self._ask_colour(layer.uid, segment.number)
        )
        menu.popup(self.cursor().pos())

    def _recolour(
        self, uid: str, number: int, rgb: tuple[int, int, int], _checked: bool = False
    ) -> None:
        self._performing.perform("segment.change", uid=uid, number=number, colour=rgb)

    def _ask_colour(self, uid: str, number: int) -> None:
        chosen = QColorDialog.getColor(
            parent=self, options=QColorDialog.ColorDialogOption.DontUseNativeDialog
        )
        if chosen.isValid():
            self._recolour(uid, number, (chosen.red(), chosen.green(), chosen.blue()))


_REVIEW_NAMES = {
    Review.ACCEPTED: "good",
    Review.EDITED: "caption",
    Review.REJECTED: "warning",
    Review.UNREVIEWED: "caption",
}


def _icon(rgb: tuple[int, int, int]) -> QIcon:
    pixmap = QPixmap(12, 12)
    pixmap.fill(QColor(*rgb))
    return QIcon(pixmap)
