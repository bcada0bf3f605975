"""Segmentation methods: run on the shown picture, into the active segment, as one edit."""

import numpy as np

from viewer.domain.method_text import MethodCall
from viewer.domain.segmentation import Origin, OriginKind, Segment, Segmentation
from viewer.domain.segmenters import Segmenter
from viewer.domain.volume import Picture
from viewer.imaging.method_run import MethodRun
from viewer.session.identifiers import new_uid

FIRST_COLOUR = (0xE6, 0x9F, 0x00)


def method_origin(method: Segmenter, call: MethodCall, elapsed_s: float = 0.0) -> Origin:
    """Return who made it: the method with all that it was run with, enough to run it again."""
    parameters = {key: str(value) for key, value in method.checked(dict(call.parameters)).items()}
    for name in ("seeds_lps_mm", "outside_lps_mm"):
        points = getattr(call, name)
        if points:
            parameters[name] = ", ".join(" ".join(f"{x:.3f}" for x in p) for p in points)
    for name in ("within", "box_lps_mm", "slice_k"):
        if getattr(call, name) is not None:
            parameters[name] = str(getattr(call, name))
    return Origin(
        OriginKind.METHOD,
        method.key,
        elapsed_s=elapsed_s,
        parameters=tuple(sorted(parameters.items())),
    )


def segmentation_of(
    picture: Picture, method: Segmenter, call: MethodCall, found: MethodRun, elapsed_s: float
) -> Segmentation:
    """Return a new segmentation with one segment, the method's result; none if it is empty."""
    mask = found.whole(picture.grid.shape_kji)
    segments = (Segment(1, method.title, FIRST_COLOUR),) if mask.any() else ()
    return Segmentation(
        new_uid(),
        method.title,
        picture.key,
        picture.grid,
        mask.astype(np.uint8),
        segments,
        method_origin(method, call, elapsed_s),
    )
