"""Painting for the command line, and pictures as PNG."""

import os
from collections.abc import Iterable

from PySide6.QtCore import QBuffer, QByteArray, QIODevice
from PySide6.QtGui import QGuiApplication, QImage, QImageWriter

from viewer.errors import ViewerError
from viewer.painting.fonts import load_fonts
from viewer.painting.painter import to_image
from viewer.rendering.compose import Raster
from viewer.rendering.primitives import Primitive

_APPLICATION: list[QGuiApplication] = []


def png_bytes(image: QImage) -> bytes:
    """Return ``image`` as a PNG file.

    Raises
    ------
    ViewerError
        Qt could not encode it.
    """
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    if image.isNull() or not QImageWriter(buffer, QByteArray(b"png")).write(image):
        raise ViewerError("The picture could not be encoded as PNG.")
    return bytes(buffer.data().data())


def painted_png(
    raster: Raster | None, primitives: Iterable[Primitive], size_px: tuple[int, int]
) -> bytes:
    """Return a pane painted without a window, as a PNG file.

    Text on an image needs an application; where there is none yet, one that draws off-screen is
    made and kept.
    """
    if QGuiApplication.instance() is None:
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
        _APPLICATION.append(QGuiApplication(["negatoscope"]))
    load_fonts()
    return png_bytes(to_image(raster, primitives, size_px))
