"""Texts as small pictures, made once and kept: with their dark halo, sharp on the pixel grid."""

from dataclasses import dataclass
from functools import lru_cache
from math import ceil, floor

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter, QPainterPath, QPen, QTransform

from viewer.painting.fonts import font
from viewer.rendering.primitives import Rgb, Text

_HALO = QColor(0, 0, 0, 215)
_HALO_PX = 3.0
_RIM_PX = 3
# Outlines are taken from a font this many times larger: hinting and whole sizes do not matter then.
_FINER = 8


@dataclass(frozen=True, eq=False)
class Lettering:
    """One text as a picture; width and height are the text's own, in logical pixels."""

    image: QImage
    width_px: float
    height_px: float
    rim_px: float
    ratio: float

    def draw(self, painter: QPainter, left: float, top: float) -> None:
        """Draw with the text's top left at (left, top), moved to the next whole device pixel.

        The painter counts from pixel centres (it was shifted by half a pixel). Rows of text start
        at halves there: Python's own rounding (to even) would space them unevenly.
        """
        x = floor((left + 0.5) * self.ratio + 0.25) / self.ratio - 0.5
        y = floor((top + 0.5) * self.ratio + 0.25) / self.ratio - 0.5
        painter.drawImage(QPointF(x - self.rim_px, y - self.rim_px), self.image)


def lettering(text: Text, ratio: float, *, halo: bool) -> Lettering:
    """Return the picture of ``text`` for ``ratio`` device pixels a logical pixel."""
    return _lettering((text.text, text.size_px, text.bold), text.colour, ratio, halo)


@lru_cache(maxsize=1024)
def _lettering(key: tuple[str, float, bool], colour: Rgb, ratio: float, halo: bool) -> Lettering:
    text, size_px, bold = key
    path, width, ascent, height = _outline(text, size_px, bold=bold)
    rim = ceil(_RIM_PX * ratio)
    image = QImage(
        ceil(width * ratio) + 2 * rim,
        ceil(height * ratio) + 2 * rim,
        QImage.Format.Format_ARGB32_Premultiplied,
    )
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.translate(rim, rim + round(ascent * ratio))
    painter.scale(ratio, ratio)
    if halo:
        pen = QPen(_HALO, _HALO_PX)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        painter.strokePath(path, pen)
    painter.fillPath(path, QColor(*colour))
    painter.end()
    image.setDevicePixelRatio(ratio)
    return Lettering(image, width, height, rim / ratio, ratio)


def _outline(text: str, size_px: float, *, bold: bool) -> tuple[QPainterPath, float, float, float]:
    """Return the glyphs' outline about the start of the base line, and width, ascent, height."""
    large = font(size_px * _FINER, bold=bold)
    large.setHintingPreference(large.HintingPreference.PreferNoHinting)
    metrics = QFontMetricsF(large)
    scale = size_px / large.pixelSize()
    path = QPainterPath()
    path.addText(QPointF(0.0, 0.0), large, text)
    small = QTransform.fromScale(scale, scale).map(path)
    width = metrics.horizontalAdvance(text) * scale
    ascent, descent = metrics.ascent() * scale, metrics.descent() * scale
    return small, width, ascent, ascent + descent
