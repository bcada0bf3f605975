"""Grow-cut as shortest paths: each voxel falls to the mark that reaches it over the least change.

Zhu et al. (2014) showed that GrowCut's automaton (Vezhnevets & Konouchine, GraphiCon 2005) ends
where shortest paths do. They are found here by delta-stepping (Meyer & Sanders, J. Algorithms 49
(2003), 114-152): all voxels within one step of cost are handed on at once, which is whole arrays to
NumPy. The result is that of Dijkstra's algorithm on costs rounded to 1/16384 standard deviation.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.api import (
    Asked,
    Parameter,
    Segmenter,
    SegmentRequest,
    SegmentResult,
    box_notes,
    seed_box,
    seed_marks,
)

_LENGTH_WEIGHT = 1e-3  # of a standard deviation for each mm: even regions are divided half-way
_QUANTA = 1 << 14  # whole numbers in one standard deviation
_FAR = np.int32(1 << 30)  # a key that no path has: costs end at 2**29 quanta, 32768 SD
_MOST_STEP = float(1 << 26)
_AT_ONCE = 2.0  # mean steps that are handed on together; measured: 1 to 3 take the same time

Values = NDArray[np.float32]


def grown(
    values: Values,
    marks: NDArray[np.int8],
    spacing_kji_mm: tuple[float, float, float],
    asked: Asked,
) -> NDArray[np.int8]:
    """Return the number of the mark (k, j, i) that each voxel falls to; 0 where none reaches it.

    The cost of a step between neighbours (by faces) is the change of value in standard deviations,
    and a little for its length. Marks are 1 and 2.
    """
    return shortest(values, marks, spacing_kji_mm, asked)[1]


def shortest(
    values: Values,
    marks: NDArray[np.int8],
    spacing_kji_mm: tuple[float, float, float],
    asked: Asked,
) -> tuple[Values, NDArray[np.int8]]:
    """Return the cost (k, j, i) of reaching each voxel, and from which mark (1 or 2) it is reached.

    A cost is infinite, and its mark 0, where no mark leads to. Of two ways of equal cost that of
    mark 1 wins.
    """
    net = _Net.of(values, spacing_kji_mm)
    keys = net.keys.reshape(-1)[net.front : net.front + net.n].reshape(net.shape)
    inner = tuple(slice(0, n) for n in values.shape)
    keys[inner][marks == 1] = 0
    keys[inner][marks == 2] = 1
    _spread(net, asked)
    found = keys[inner]
    reached = found < _FAR
    cost = np.where(reached, (found >> 1).astype(np.float32) / np.float32(_QUANTA), np.inf)
    owner = np.where(reached, (found & 1) + 1, 0)
    return cost.astype(np.float32), owner.astype(np.int8)


@dataclass(frozen=True, eq=False)
class _Net:
    """Voxels in one line with a wall behind each row, plane and volume, so that no step leaves.

    ``keys``: twice the cost in quanta, and one more where mark 2 is the owner: the smaller key wins.
    ``steps``: for each axis twice the cost from a voxel to the next one.
    """

    shape: tuple[int, int, int]
    front: int
    keys: NDArray[np.int32]
    steps: tuple[NDArray[np.int32], ...]
    strides: tuple[int, ...]
    delta: int

    @property
    def n(self) -> int:
        """How many voxels there are with the walls."""
        return int(np.prod(self.shape))

    @classmethod
    def of(cls, values: Values, spacing_kji_mm: tuple[float, float, float]) -> "_Net":
        """Return the net of an image with nothing marked."""
        nk, nj, ni = (n + 1 for n in values.shape)
        strides = nj * ni, ni, 1
        front, size = strides[0], nk * nj * ni
        scale = np.float32(_QUANTA / max(float(values.std()), 1e-6))
        steps, means = [], []
        for axis in range(3):
            change = np.abs(np.diff(values, axis=axis))
            change *= scale
            change += np.float32(_LENGTH_WEIGHT * spacing_kji_mm[axis] * _QUANTA + 0.5)
            quanta = np.minimum(change, np.float32(_MOST_STEP)).astype(np.int32)
            line = np.full(front + size, _FAR, dtype=np.int32)
            part = [slice(0, n) for n in values.shape]
            part[axis] = slice(0, values.shape[axis] - 1)
            line[front:].reshape(nk, nj, ni)[tuple(part)] = quanta << 1
            steps.append(line)
            if quanta.size:
                means.append(float(quanta.mean()))
        delta = max(1, round(2 * _AT_ONCE * float(np.mean(means)))) if means else 1
        keys = np.full(size + 2 * front, _FAR, dtype=np.int32)
        return cls((nk, nj, ni), front, keys, tuple(steps), strides, delta)


def _spread(net: _Net, asked: Asked) -> None:
    """Lower the keys, in place, until no step to a neighbour lowers one any more."""
    keys = net.keys
    pending = np.flatnonzero(keys < 2)
    newest = np.zeros(keys.size, dtype=np.int32)
    limit = net.delta
    while pending.size:
        asked.check()
        own = keys.take(pending)
        is_now = own < limit
        now, own, later = (
            pending.compress(is_now),
            own.compress(is_now),
            pending.compress(~is_now),
        )
        if not now.size:
            limit = int(keys.take(later).min()) + net.delta
            continue
        # A key above the limit waits; each is handed on once, at the lowest it came to.
        reached = np.concatenate((later, *_handed_on(net, now, own)))
        number = np.arange(reached.size, dtype=np.int32)
        newest[reached] = number
        pending = reached.compress(newest.take(reached) == number)


def _handed_on(net: _Net, now: NDArray[np.intp], own: NDArray[np.int32]) -> list[NDArray[np.intp]]:
    """Offer the keys ``own`` of voxels ``now`` to their six neighbours; return who took them."""
    taken = []
    for stride, steps in zip(net.strides, net.steps, strict=True):
        for target, costs in ((now + stride, now), (now - stride, now - stride)):
            offered = steps.take(costs)
            offered += own
            less = offered < net.keys.take(target)
            better = target.compress(less)
            net.keys[better] = offered.compress(less)
            taken.append(better)
    return taken


def _cut(request: SegmentRequest, values: Mapping[str, Any], asked: Asked) -> SegmentResult:
    """Grow the marks against each other within a box about them."""
    box = seed_box(request, float(values["margin_mm"]))
    known = request.known[box]
    # What is not allowed keeps its values: its edges hold marks apart, though nothing is taken there.
    filled = np.nan_to_num(request.values[box], nan=0.0, posinf=0.0, neginf=0.0)
    found = grown(filled, seed_marks(request, box), request.spacing_kji_mm, asked)
    mask = np.zeros(request.values.shape, dtype=bool)
    mask[box] = (found == 1) & known
    return SegmentResult(mask, notes=box_notes(mask[box], request, box))


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
