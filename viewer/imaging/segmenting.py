"""Runs a segmentation method: checks what it is given, and what it answers."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from viewer.domain.chain import Setting
from viewer.domain.methods import Asked
from viewer.domain.segmenters import IndexKji, Mask, Segmenter, SegmentRequest, SegmentResult
from viewer.errors import InputRefused, ViewerError

_NEEDED = {
    "seeds": ("a place inside what is meant", "Click into it."),
    "outside": ("a place outside what is meant", "Shift+click beside it."),
    "current": ("a segment to start from", "Paint one first."),
}


def segmented(
    request: SegmentRequest, method: Segmenter, parameters: Mapping[str, Setting], asked: Asked
) -> SegmentResult:
    """Return what ``method`` finds, within what is allowed; notes say when it is nothing or all.

    Raises
    ------
    InputRefused
        A parameter is out of range, a seed lies outside the image, or something is not given.
    ViewerError
        The method failed, or answered with another shape.
    """
    values = method.checked(parameters)
    _check(request, method)
    try:
        found = method.function(request, values, asked)
    except ViewerError:
        raise
    except MemoryError as error:
        raise ViewerError(
            "There is not enough memory for this method.",
            where=method.title,
            remedy="Work on the shown plane, or within a smaller region.",
        ) from error
    except Exception as error:
        raise ViewerError(
            f"The method failed: {type(error).__name__}.",
            where=method.title,
            remedy="The segment is as it was.",
        ) from error
    mask = np.asarray(found.mask)
    if mask.shape != request.values.shape or mask.dtype != np.bool_:
        raise ViewerError("The method returned no usable mask.", where=method.title)
    mask = mask & request.known
    return SegmentResult(mask, found.membership, (*found.notes, *_extent(mask, request)))


def _check(request: SegmentRequest, method: Segmenter) -> None:
    shape = request.values.shape
    depth = 2 if shape[0] == 1 else 3
    if depth not in method.dimensions:
        where = "a plane" if depth == 2 else "a volume"
        raise InputRefused(f"{method.title} does not work on {where}.")
    given = {
        "seeds": bool(request.inside),
        "outside": bool(request.outside),
        "current": request.current is not None and bool(request.current.any()),
    }
    for need in sorted(method.needs):
        if not given[need]:
            text, remedy = _NEEDED[need]
            raise InputRefused(f"{method.title} needs {text}.", remedy=remedy)
    for seed in (*request.inside, *request.outside):
        if not all(0 <= at < n for at, n in zip(seed, shape, strict=True)):
            raise InputRefused("A seed lies outside the image.", remedy="Click into the image.")


def _extent(mask: Mask, request: SegmentRequest) -> tuple[str, ...]:
    n_found, n_known = int(np.count_nonzero(mask)), int(np.count_nonzero(request.known))
    if n_found == 0:
        return ("Nothing was found with these settings.",)
    return ("Everything that is allowed was taken.",) if n_found == n_known else ()


def seed_box(request: SegmentRequest, margin_mm: float) -> tuple[slice, slice, slice]:
    """Return the block (k, j, i) of all seeds, wider by ``margin_mm``, within the image."""
    places = np.array([*request.inside, *request.outside])
    spans = [(int(line.min()), int(line.max())) for line in places.T]
    return _box(spans, request, margin_mm)


def mask_box(mask: Mask, request: SegmentRequest, margin_mm: float) -> tuple[slice, slice, slice]:
    """Return the block (k, j, i) of a mask, wider by ``margin_mm``, within the image."""
    spans = []
    for axis in range(3):
        others = tuple(n for n in range(3) if n != axis)
        there = np.flatnonzero(mask.any(axis=others))
        spans.append((int(there[0]), int(there[-1])))
    return _box(spans, request, margin_mm)


def _box(
    spans: list[tuple[int, int]], request: SegmentRequest, margin_mm: float
) -> tuple[slice, slice, slice]:
    reach = [int(np.ceil(margin_mm / mm)) for mm in request.spacing_kji_mm]
    k, j, i = (
        slice(max(0, low - steps), min(n, high + steps + 1))
        for (low, high), steps, n in zip(spans, reach, request.values.shape, strict=True)
    )
    return k, j, i


def box_notes(
    mask: Mask, request: SegmentRequest, box: tuple[slice, slice, slice]
) -> tuple[str, ...]:
    """Return a sentence when what was found within a box ends at its sides, not at an edge.

    ``mask`` is of the box alone. Where the box ends with the image nothing is said.
    """
    for axis, part in enumerate(box):
        ends = ((0, part.start > 0), (-1, part.stop < request.values.shape[axis]))
        if any(inner and mask.take(at, axis=axis).any() for at, inner in ends):
            return (
                "The result is cut off where its box ends: mark what is outside there, or widen it.",
            )
    return ()


def seed_marks(request: SegmentRequest, box: tuple[slice, slice, slice]) -> NDArray[np.int8]:
    """Return the marks within a box: 1 inside, 2 outside, 0 not said.

    Where nothing was marked as outside, the rim of the box counts as such: methods that let marks
    compete need both.
    """
    marks = np.zeros([part.stop - part.start for part in box], dtype=np.int8)
    for number, places in ((2, request.outside), (1, request.inside)):
        for place in places:
            marks[_within(place, box)] = number
    if not request.outside:
        for axis in range(3):
            if marks.shape[axis] > 2:
                for end in (0, -1):
                    rim = marks.swapaxes(0, axis)[end]
                    rim[rim == 0] = 2
    return marks


def _within(place: IndexKji, box: tuple[slice, slice, slice]) -> IndexKji:
    k, j, i = (at - part.start for at, part in zip(place, box, strict=True))
    return k, j, i
