"""Draws rasters and primitives with QPainter; the same ink on the screen and in a saved picture.

An integer coordinate is the centre of a pixel, in the raster as in primitives; QPainter counts from
the corner. Both shifts are made here and nowhere else.
"""

from collections.abc import Iterable
from functools import lru_cache, singledispatch
from itertools import pairwise

import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import (
    QBrush,
    QColor,
    QImage,
    QPainter,
    QPen,
    QPolygonF,
    QTransform,
)

from viewer.errors import InputRefused
from viewer.painting.lettering import lettering
from viewer.rendering.compose import Raster
from viewer.rendering.primitives import Area, Chip, Handle, Line, Point, Primitive, Rgb, Text
from viewer.rendering.text_size import BOX_PADDING_PX, placed

_HALO_ALPHA = 0.65
_HALO_WIDER_PX = 2.0
_DASH = (4.0, 3.0)  # pixels drawn and left out
_RADIUS_PX = 3.0
_STRAIGHT_PX = 1e-6
_BAR_PX = (8, 4096)  # bars at least 8 times as high as wide, and how high they may be


def paint(
    painter: QPainter,
    raster: Raster | None,
    primitives: Iterable[Primitive],
    size_px: tuple[int, int],
) -> None:
    """Draw a pane: black to its edges, the raster where the plane holds it, then the primitives.

    ``size_px`` is (width, height) in logical pixels, as in the plane; the painter may scale.
    """
    painter.save()
    try:
        painter.setClipRect(0, 0, *size_px)
        for bare in _around(raster, size_px):
            painter.fillRect(bare, Qt.GlobalColor.black)
        if raster is not None:
            _draw_raster(painter, raster)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.translate(0.5, 0.5)
        for primitive in primitives:
            _draw(primitive, painter)
    finally:
        painter.restore()


def _around(raster: Raster | None, size_px: tuple[int, int]) -> list[QRect]:
    """Return what a raster leaves bare, and a pixel more; everything if it is turned or missing."""
    whole = QRect(0, 0, *size_px)
    if raster is None or raster.to_plane[0, 1] or raster.to_plane[1, 0]:
        return [whole]
    height, width = raster.rgb32.shape
    drawn = raster_transform(raster).mapRect(QRectF(0, 0, width, height)).toRect()
    inner = drawn.adjusted(1, 1, -1, -1)
    if inner.isEmpty():  # looked at first: to cut it, Qt would turn it inside out
        return [whole]
    inner = inner.intersected(whole)
    if inner.isEmpty():
        return [whole]
    beside, below = whole.width() - inner.right() - 1, whole.height() - inner.bottom() - 1
    bars = (
        QRect(0, 0, whole.width(), inner.top()),
        QRect(0, inner.bottom() + 1, whole.width(), below),
        QRect(0, inner.top(), inner.left(), inner.height()),
        QRect(inner.right() + 1, inner.top(), beside, inner.height()),
    )
    return [bar for bar in bars if not bar.isEmpty()]


def to_image(
    raster: Raster | None,
    primitives: Iterable[Primitive],
    size_px: tuple[int, int],
    device_ratio: float = 1.0,
) -> QImage:
    """Return the painted pane as RGB32, ``device_ratio`` device pixels for each logical one.

    Raises
    ------
    InputRefused
        The size is not positive, or too large for a picture.
    """
    width, height = (round(side * device_ratio) for side in size_px)
    image = QImage(width, height, QImage.Format.Format_RGB32)
    if image.isNull():
        raise InputRefused(f"A picture of {width} x {height} pixels cannot be made.")
    image.setDevicePixelRatio(device_ratio)
    painter = QPainter(image)
    try:
        paint(painter, raster, primitives, size_px)
    finally:
        painter.end()
    return image


def _draw_raster(painter: QPainter, raster: Raster) -> None:
    ratio = painter.device().devicePixelRatioF()
    scale = np.linalg.norm(raster.to_plane[:, :2], axis=0) * ratio
    across, down = (max(int(1 / s + 0.25), 1) for s in scale)
    if across > 1 or down > 1:
        raster = raster.reduced(across, down)
    pixels = np.ascontiguousarray(raster.rgb32)
    height, width = pixels.shape
    # The image borrows the array's memory: ``pixels`` lives until it was drawn.
    image = QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_RGB32)
    painter.save()
    painter.setTransform(raster_transform(raster), combine=True)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Source)
    painter.drawImage(QPointF(0.0, 0.0), image)
    painter.restore()


def raster_transform(raster: Raster) -> QTransform:
    """Return the transform from the image's corner-based coordinates to the painter's."""
    (a, b, x), (c, d, y) = raster.to_plane
    dx = x + 0.5 - 0.5 * (a + b)
    dy = y + 0.5 - 0.5 * (c + d)
    return QTransform(float(a), float(c), float(b), float(d), float(dx), float(dy))


def _colour(rgb: Rgb, alpha: float = 1.0) -> QColor:
    return QColor(*rgb, round(255 * alpha))


def _polygon(points: Iterable[Point]) -> QPolygonF:
    return QPolygonF([QPointF(x, y) for x, y in points])


@singledispatch
def _draw(primitive: object, painter: QPainter) -> None:
    raise InputRefused(f"There is no ink for {type(primitive).__name__}.")


@_draw.register
def _draw_line(line: Line, painter: QPainter) -> None:
    if _is_upright(line):
        _fill_upright(line, painter)
        return
    painter.setBrush(Qt.BrushStyle.NoBrush)
    polygon = _polygon(line.points)
    draw = painter.drawPolygon if line.closed else painter.drawPolyline
    if line.halo:
        wide = QPen(_colour((0, 0, 0), _HALO_ALPHA * line.alpha), line.width_px + _HALO_WIDER_PX)
        wide.setCapStyle(Qt.PenCapStyle.RoundCap)
        painter.setPen(wide)
        draw(polygon)
    pen = QPen(_colour(line.colour, line.alpha), line.width_px)
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    if line.dashed:
        pen.setDashPattern([length / line.width_px for length in _DASH])
    painter.setPen(pen)
    draw(polygon)


def _is_upright(line: Line) -> bool:
    if line.width_px != 1 or line.dashed or line.closed:
        return False
    return all(
        abs(x1 - x0) < _STRAIGHT_PX or abs(y1 - y0) < _STRAIGHT_PX
        for (x0, y0), (x1, y1) in pairwise(line.points)
    )


def _fill_upright(line: Line, painter: QPainter) -> None:
    """Fill the rows and columns of pixels of upright lines: sharp, and ten times faster."""
    parts = [
        QRectF(
            round(min(x0, x1)) - 0.5,
            round(min(y0, y1)) - 0.5,
            max(round(abs(x1 - x0)), 1),
            max(round(abs(y1 - y0)), 1),
        )
        for (x0, y0), (x1, y1) in pairwise(line.points)
    ]
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=False)
    if line.halo:
        for part in parts:
            _fill(part.adjusted(-1, -1, 1, 1), _colour((0, 0, 0), _HALO_ALPHA), painter)
    for part in parts:
        _fill(part, _colour(line.colour, line.alpha), painter)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)


def _fill(part: QRectF, colour: QColor, painter: QPainter) -> None:
    width, height = int(part.width()), int(part.height())
    tall = height > _BAR_PX[0] * width and height <= _BAR_PX[1]
    if tall and painter.device().devicePixelRatioF() == 1:
        # QPainter fills span by span: eight times slower than copying a bar of the colour.
        bar = _bar(colour.rgba(), width)
        painter.drawImage(part.topLeft(), bar, QRectF(0, 0, width, height))
    else:
        painter.fillRect(part, colour)


@lru_cache(maxsize=32)
def _bar(argb: int, width: int) -> QImage:
    image = QImage(width, _BAR_PX[1], QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(QColor.fromRgba(argb))
    return image


@_draw.register
def _draw_area(area: Area, painter: QPainter) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QBrush(_colour(area.colour, area.alpha)))
    painter.drawPolygon(_polygon(area.points), Qt.FillRule.OddEvenFill)


@_draw.register
def _draw_handle(handle: Handle, painter: QPainter) -> None:
    painter.setPen(QPen(_colour((0, 0, 0), 0.8), 3.0))
    painter.setBrush(QBrush(_colour(handle.colour)))
    centre = QPointF(*handle.xy)
    painter.drawEllipse(centre, handle.radius_px, handle.radius_px)
    painter.setPen(QPen(_colour((255, 255, 255)), 1.0))
    painter.drawEllipse(centre, handle.radius_px, handle.radius_px)


@_draw.register
def _draw_chip(chip: Chip, painter: QPainter) -> None:
    half = chip.size_px / 2
    painter.setPen(QPen(_colour((0, 0, 0), 0.7), 1.0))
    painter.setBrush(QBrush(_colour(chip.colour)))
    rectangle = QRectF(chip.xy[0] - half, chip.xy[1] - half, chip.size_px, chip.size_px)
    painter.drawRoundedRect(rectangle, 1.5, 1.5)


@_draw.register
def _draw_text(text: Text, painter: QPainter) -> None:
    if not text.text:
        return
    boxed = text.box is not None or text.box_outline is not None
    ratio = painter.device().devicePixelRatioF()
    ink = lettering(text, ratio, halo=text.halo and not boxed)
    across, above = BOX_PADDING_PX if boxed else (0.0, 0.0)
    size = (ink.width_px + 2 * across, ink.height_px + 2 * above)
    left, top, right, bottom = placed(text.xy, size, text.anchor)
    if boxed:
        painter.setPen(
            QPen(_colour(text.box_outline), 1.0) if text.box_outline else Qt.PenStyle.NoPen
        )
        painter.setBrush(QBrush(_colour(text.box, 0.9)) if text.box else Qt.BrushStyle.NoBrush)
        box = QRectF(round(left) - 0.5, round(top) - 0.5, round(right - left), round(bottom - top))
        painter.drawRoundedRect(box, _RADIUS_PX, _RADIUS_PX)
    ink.draw(painter, left + across, top + above)
