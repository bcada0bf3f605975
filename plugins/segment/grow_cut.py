"""Grow-cut as shortest paths: each voxel falls to the mark that reaches it over the least change.

Zhu et al. (2014) showed that GrowCut's automaton (Vezhnevets & Konouchine, GraphiCon 2005) ends
where shortest paths do. They are found here by sweeps along the axes in turn (Zhao, Math. Comp. 74
(2005), 603-627), which are whole planes to NumPy, until nothing changes: the same as Dijkstra's.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.api import (
    Asked,
    Parameter,
    Segmenter,
    SegmentRequest,
    SegmentResult,
    seed_box,
    seed_marks,
)

_LENGTH_WEIGHT = 1e-3  # of a standard deviation for each mm: even regions are divided half-way
_MOST_ROUNDS = 200

Values = NDArray[np.float32]


def grown(
    values: Values,
    marks: NDArray[np.int8],
    spacing_kji_mm: tuple[float, float, float],
    asked: Asked,
) -> NDArray[np.int8]:
    """Return the number of the mark (k, j, i) that each voxel falls to; 0 where none reaches it.

    The cost of a step between neighbours (by faces) is the change of value in standard deviations,
    and a little for its length.
    """
    return shortest(values, marks, spacing_kji_mm, asked)[1]


def shortest(
    values: Values,
    marks: NDArray[np.int8],
    spacing_kji_mm: tuple[float, float, float],
    asked: Asked,
) -> tuple[Values, NDArray[np.int8]]:
    """Return the cost of reaching each voxel, and from which mark it is reached."""
    owner = marks.copy()
    cost = np.where(marks > 0, np.float32(0), np.float32(np.inf))
    scale = np.float32(1.0 / max(float(values.std()), 1e-6))
    axes = [axis for axis in range(3) if values.shape[axis] > 1]
    steps = {
        axis: np.moveaxis(np.abs(np.diff(values, axis=axis)), axis, 0) * scale
        + np.float32(_LENGTH_WEIGHT * spacing_kji_mm[axis])
        for axis in axes
    }
    for _ in range(_MOST_ROUNDS):
        asked.check()
        changed = False
        for axis in axes:
            along, owners = np.moveaxis(cost, axis, 0), np.moveaxis(owner, axis, 0)
            changed |= _sweep(along, owners, steps[axis])
            changed |= _sweep(along[::-1], owners[::-1], steps[axis][::-1])
        if not changed:
            break
    return cost, owner


def _sweep(cost: Values, owner: NDArray[np.int8], step: Values) -> bool:
    """Hand costs on from plane to plane, in place; return whether any became less."""
    changed = False
    for n in range(1, len(cost)):
        reached = cost[n - 1] + step[n - 1]
        less = reached < cost[n]
        if less.any():
            changed = True
            np.copyto(cost[n], reached, where=less)
            np.copyto(owner[n], owner[n - 1], where=less)
    return changed


def _cut(request: SegmentRequest, values: Mapping[str, Any], asked: Asked) -> SegmentResult:
    """Grow the marks against each other within a box about them."""
    box = seed_box(request, float(values["margin_mm"]))
    known = request.known[box]
    filled = np.where(known, request.values[box], np.float32(0))
    found = grown(filled, seed_marks(request, box), request.spacing_kji_mm, asked)
    mask = np.zeros(request.values.shape, dtype=bool)
    mask[box] = (found == 1) & known
    return SegmentResult(mask)


GROW_CUT = Segmenter(
    "grow_cut",
    "Grow-cut",
    "Regions",
    "Lets scribbles inside and outside conquer what is like them; add scribbles where it errs.",
    "Follows the scribbles: an object without any is given to its neighbour.",
    "Zhu et al., An effective interactive medical image segmentation method using fast GrowCut, "
    "MICCAI IMIC (2014)",
    (Parameter("margin_mm", "Box margin", "float", 15.0, 1.0, 200.0, 1.0, "mm"),),
    _cut,
    frozenset({"seeds"}),
)
METHODS = (GROW_CUT,)
