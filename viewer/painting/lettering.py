"""Texts as small pictures, made once and kept: with their dark halo, sharp on the pixel grid."""

from dataclasses import dataclass
from functools import lru_cache
from math import ceil, floor, hypot

import numpy as np
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter, QPainterPath, QTransform

from viewer.painting.fonts import font
from viewer.rendering.primitives import Rgb, Text

_HALO_ALPHA = 0.84
_HALO_PX = 1.5  # how far the dark halo reaches beyond the letters
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
    painter.fillPath(path, QColor(*colour))
    painter.end()
    if halo:
        _lay_halo_under(image, ratio)
    image.setDevicePixelRatio(ratio)
    return Lettering(image, width, height, rim / ratio, ratio)


def _lay_halo_under(image: QImage, ratio: float) -> None:
    """Darken what lies around the letters of a premultiplied image.

    A stroke of the outline would look the same, and takes ten times as long: numbers change with
    every frame of a scroll or a drag.
    """
    height, width = image.height(), image.width()
    pixels = np.frombuffer(image.bits(), dtype=np.uint8).reshape(height, width, 4)
    letters = pixels[..., 3].astype(np.float32)
    reach = floor(_HALO_PX * ratio + 0.5)
    padded = np.zeros((height + 2 * reach, width + 2 * reach), dtype=np.float32)
    padded[reach : reach + height, reach : reach + width] = letters
    halo = np.zeros_like(letters)
    for down in range(-reach, reach + 1):
        for across in range(-reach, reach + 1):
            # How much of a pixel at this distance a round stroke covers.
            share = min(1.0, _HALO_PX * ratio + 0.5 - hypot(across, down))
            if share > 0:
                rows = slice(reach + down, reach + down + height)
                columns = slice(reach + across, reach + across + width)
                np.maximum(halo, padded[rows, columns] * np.float32(share), out=halo)
    halo *= _HALO_ALPHA
    pixels[..., 3] = np.rint(letters + halo * (1 - letters / 255))


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
