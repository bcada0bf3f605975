"""Pictures of a view: the PNG that was painted, decoded again by two decoders before it is saved."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from viewer.errors import InputRefused
from viewer.exchange.atomic import Saved, not_equal, save_bytes


def write_png(data: bytes, path: Path, *, force: bool = False) -> Saved:
    """Save the bytes of a PNG (as ``painting`` encoded them) after decoding the written file.

    Raises
    ------
    InputRefused
        The bytes are no PNG.
    Conflict, OutOfResources, ViewerError
        As ``atomic.save`` does; nothing was saved.
    """
    wanted = _by_imagecodecs(data)
    if wanted is None:
        raise InputRefused("This is not a PNG picture.", where=Path(path).name)

    def check(written: Path) -> tuple[str, ...]:
        again = written.read_bytes()
        first, second = _by_imagecodecs(again), _by_opencv(again)
        if first is None or second is None or not _same(first, second):
            raise not_equal(Path(path), "two decoders see different pixels")
        if not np.array_equal(first, wanted):
            raise not_equal(Path(path), "a pixel differs")
        height, width = first.shape[:2]
        return (f"{width} x {height} pixels read back equal by two decoders",)

    return save_bytes(Path(path), data, check, force=force)


def _by_imagecodecs(data: bytes) -> NDArray[Any] | None:
    import imagecodecs

    try:
        return np.asarray(imagecodecs.png_decode(data))
    except (ValueError, RuntimeError):
        return None


def _by_opencv(data: bytes) -> NDArray[Any] | None:
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)


def _same(rgb: NDArray[Any], bgr: NDArray[Any]) -> bool:
    """Compare RGB(A) or grey with OpenCV's BGR(A) order."""
    if rgb.ndim == 3 and rgb.shape[2] == 1:
        rgb = rgb[..., 0]
    if bgr.ndim == 3:
        order = [2, 1, 0, 3][: bgr.shape[2]]
        bgr = bgr[..., order]
    return np.array_equal(rgb, bgr)
