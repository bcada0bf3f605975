"""What lies between slices that were drawn by hand."""

from collections.abc import Mapping
from typing import Any

from viewer.api import (
    Asked,
    InputRefused,
    Parameter,
    Segmenter,
    SegmentRequest,
    SegmentResult,
    between_slices,
)

# The names of the array axes (0 = k, 1 = j, 2 = i) that slices may be stacked along.
ACROSS = ("slices", "rows", "columns")


def _between(request: SegmentRequest, values: Mapping[str, Any], asked: Asked) -> SegmentResult:
    """Fill the empty slices between drawn ones of the current segment; drawn ones stay."""
    if request.current is None:
        raise InputRefused("No segment is chosen.", remedy="Choose one, or paint one first.")
    axis = ACROSS.index(str(values["across"]))
    asked.check()
    found = between_slices(request.current, request.spacing_kji_mm, axis)
    if bool((found == request.current).all()):
        raise InputRefused(
            "There are no empty slices between drawn ones in this view.",
            remedy="Draw the segment on two slices with some between them.",
        )
    others = tuple(n for n in range(3) if n != axis)
    n_drawn = int(request.current.any(axis=others).sum())
    n_filled = int(found.any(axis=others).sum()) - n_drawn
    return SegmentResult(found, notes=(f"{n_filled} slices between {n_drawn} drawn ones.",))


BETWEEN = Segmenter(
    "between_slices",
    "Fill between slices",
    "Slices",
    "Fills the slices between those that were drawn, by the distance to their outlines.",
    "Knows the drawn outlines alone, not the picture; what branches between slices is bridged.",
    "Raya & Udupa, IEEE Trans Med Imaging 9 (1990), 32-42",
    (Parameter("across", "Drawn on", "choice", "slices", choices=ACROSS),),
    _between,
    frozenset({"current"}),
    dimensions=(3,),
)
METHODS = (BETWEEN,)
