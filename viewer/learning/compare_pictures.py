"""Small pictures of a case with its truth and what a method found, for the table of methods."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from viewer.domain.segmenters import Mask

if TYPE_CHECKING:
    from viewer.learning.segmentation_compare import Case

SIDE_PX = 144
TRUTH_RGB = (0xF0, 0xE4, 0x42)
FOUND_RGB = (0x56, 0xB4, 0xE9)


def slice_to_show(mask: Mask, truth: Mask, end: str) -> int:
    """Return a slice k with truth in it: where most differs (end "worst"), or of the most truth."""
    true = np.count_nonzero(truth, axis=(1, 2))
    if end != "worst":
        return int(np.argmax(true))
    wrong = np.count_nonzero(mask ^ truth, axis=(1, 2))
    return int(np.argmax(np.where(true > 0, wrong, -1)))


def case_picture(values: NDArray[np.float32], mask: Mask, truth: Mask) -> NDArray[np.uint8]:
    """Return RGB (``SIDE_PX`` rows and columns) of one slice (rows, columns) and two outlines.

    Grey runs from the 1st to the 99th percentile of the slice. The truth is yellow, what was found
    blue and thinner, drawn on top, so that both are seen where they agree.
    """
    import cv2

    known = values[np.isfinite(values)]
    low, high = np.percentile(known, (1, 99)) if known.size else (0.0, 1.0)
    share = (np.nan_to_num(values, nan=low) - low) / max(float(high - low), 1e-6)
    grey = (np.clip(share, 0, 1) * 255).astype(np.uint8)
    scale = SIDE_PX / max(grey.shape)
    size = tuple(max(1, round(n * scale)) for n in grey.shape[::-1])
    picture = cv2.cvtColor(
        cv2.resize(grey, size, interpolation=cv2.INTER_LINEAR), cv2.COLOR_GRAY2RGB
    )
    for region, colour, width in ((truth, TRUTH_RGB, 3), (mask, FOUND_RGB, 1)):
        large = cv2.resize(region.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
        lines, _ = cv2.findContours(large, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(picture, lines, -1, colour, width)
    whole = np.zeros((SIDE_PX, SIDE_PX, 3), dtype=np.uint8)
    top, left = ((SIDE_PX - n) // 2 for n in picture.shape[:2])
    whole[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    return whole


def write_pictures(
    folder: Path, key: str, ends: Mapping[str, tuple[Mask, "Case"]]
) -> dict[str, dict[str, Any]]:
    """Write a PNG of each named end ("worst", "best"); return its file's name and its slice.

    A file that is there is replaced. OSError where the folder cannot be written.
    """
    from imagecodecs import png_encode

    folder.mkdir(parents=True, exist_ok=True)
    written: dict[str, dict[str, Any]] = {}
    for end, (mask, case) in ends.items():
        k = slice_to_show(mask, case.truth, end)
        picture = case_picture(case.request.values[k], mask[k], case.truth[k])
        place = folder / f"{key}-{end}.png"
        place.write_bytes(png_encode(picture))
        written[end] = {"file": place.name, "slice": k + 1, "n_slices": int(mask.shape[0])}
    return written
