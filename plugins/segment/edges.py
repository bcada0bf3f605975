"""Edges: what closed edges enclose."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.api import Asked, Parameter, Segmenter, SegmentRequest, SegmentResult

_OPERATORS = ("Sobel", "Scharr", "Canny")


def _edges(
    plane: NDArray[np.float32], values: Mapping[str, Any], pixel_mm: float
) -> NDArray[np.bool_]:
    """Return thin edges of one plane."""
    import cv2

    sigma = float(values["smoothing_mm"]) / pixel_mm
    smooth = (
        plane
        if sigma < 0.2
        else cv2.GaussianBlur(plane, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
    )
    low, high = np.percentile(smooth, (1, 99))
    share = np.clip((smooth - low) / max(float(high - low), 1e-6), 0, 1)
    scaled = np.asarray(share * 255, dtype=np.float32)
    operator = cv2.Scharr if values["operator"] == "Scharr" else cv2.Sobel
    across = operator(scaled, cv2.CV_32F, 1, 0)
    down = operator(scaled, cv2.CV_32F, 0, 1)
    part_of_top = float(values["strength"])
    size = np.hypot(across, down)
    top = float(np.percentile(size, 99.5)) or 1.0
    if values["operator"] == "Canny":
        fit = 30_000 / max(float(np.abs(across).max()), float(np.abs(down).max()), 1.0)
        dx, dy = (np.rint(part * fit).astype(np.int16) for part in (across, down))
        strong = part_of_top * top * fit
        return np.asarray(cv2.Canny(dx, dy, 0.4 * strong, strong, L2gradient=True)) > 0
    return np.asarray(size > part_of_top * top)


def _enclosed(request: SegmentRequest, values: Mapping[str, Any], asked: Asked) -> SegmentResult:
    """Close the edges of each plane, and take the areas that they enclose (about the seeds)."""
    import cv2
    from scipy import ndimage

    pixel_mm = float(min(request.spacing_kji_mm[1:]))
    reach = max(0, round(float(values["gap_mm"]) / pixel_mm / 2))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    known = request.known
    mask = np.zeros(request.values.shape, dtype=bool)
    by_plane: dict[int, list[tuple[int, int]]] = {}
    for k, j, i in request.inside:
        by_plane.setdefault(k, []).append((j, i))
    open_seeds = 0
    for k in range(len(mask)):
        asked.check()
        if request.inside and k not in by_plane:
            continue
        filled = np.where(np.isfinite(request.values[k]), request.values[k], np.float32(0))
        edges = _edges(filled, values, pixel_mm).astype(np.uint8)
        wide = cv2.morphologyEx(np.pad(edges, reach + 1), cv2.MORPH_CLOSE, kernel)
        is_open = np.asarray(wide[reach + 1 : -reach - 1, reach + 1 : -reach - 1]) == 0
        areas, n = ndimage.label(is_open)
        rim = np.unique(np.concatenate((areas[0], areas[-1], areas[:, 0], areas[:, -1])))
        enclosed = np.ones(n + 1, dtype=bool)
        enclosed[rim] = False
        enclosed[0] = False
        if request.inside:
            wanted = np.zeros(n + 1, dtype=bool)
            wanted[[areas[place] for place in by_plane[k]]] = True
            open_seeds += int(any(not enclosed[areas[place]] for place in by_plane[k]))
            enclosed &= wanted
        inner = enclosed[areas]
        # The edge's own pixels belong to the area half-way: it grows to their middle.
        mask[k] = cv2.dilate(inner.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    note = "About a seed the edges do not close: widen the gap, or lower the strength."
    return SegmentResult(mask & known, notes=(note,) if open_seeds else ())


CLOSED = Segmenter(
    "closed_edges",
    "Closed edges",
    "Edges",
    "Takes what edges enclose in a plane, all of it or about the clicked places.",
    "An edge with a gap encloses nothing; a texture's edges enclose each other.",
    "Canny, IEEE Trans PAMI 8 (1986), 679-698; Scharr, Dissertation Heidelberg (2000)",
    (
        Parameter("operator", "Operator", "choice", "Canny", choices=_OPERATORS),
        Parameter("smoothing_mm", "Smoothing", "float", 1.0, 0.0, 10.0, 0.25, "mm"),
        Parameter("strength", "Strength", "float", 0.3, 0.01, 1.0, 0.01),
        Parameter("gap_mm", "Bridge gaps to", "float", 2.0, 0.0, 20.0, 0.5, "mm"),
    ),
    _enclosed,
)
METHODS = (CLOSED,)
