"""A segmentation method on a picture: values and seeds in, a mask on the picture's grid out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from viewer.domain.method_text import MethodCall, PointLps
from viewer.domain.methods import Asked
from viewer.domain.segmenters import IndexKji, Mask, Segmenter, SegmentRequest, SegmentResult
from viewer.domain.volume import Picture
from viewer.errors import InputRefused
from viewer.imaging.segmenting import segmented

_NEAR = 1e-3  # of a voxel: a box given in rounded millimetres means the voxels on its rim


@dataclass(frozen=True, slots=True, eq=False)
class MethodRun:
    """What a method found on a picture: ``mask`` (k, j, i) of the block that begins at ``start``.

    ``membership`` is of the same block, None where the method gives none.
    """

    start_kji: IndexKji
    mask: Mask
    membership: NDArray[np.float32] | None
    notes: tuple[str, ...]

    def whole(self, shape_kji: tuple[int, int, int]) -> Mask:
        """Return the mask on the whole grid."""
        found = np.zeros(shape_kji, dtype=bool)
        block = tuple(slice(a, a + n) for a, n in zip(self.start_kji, self.mask.shape, strict=True))
        found[block] = self.mask
        return found


Watch = Callable[[MethodRun], bool]
Block = tuple[slice, slice, slice]
_FIRST_REACH_VX = 48  # about each seed; twice as far where the result reaches the rim


def run_method(  # noqa: PLR0913 - each is one independent thing that a method may know
    picture: Picture,
    call: MethodCall,
    methods: Mapping[str, Segmenter],
    asked: Asked,
    *,
    current: Mask | None = None,
    forbidden: Mask | None = None,
    watch: Watch | None = None,
    block: Block | None = None,
) -> MethodRun:
    """Run a method on a picture, or on one of its slices, on its stored voxels' quantity.

    ``current`` and ``forbidden`` (k, j, i, the whole grid) are the segment as it is, and where the
    result may not lie (other segments). ``watch`` is shown what is found on the way, and answers
    whether to go on; a region that grows from seeds is first looked for near them. ``block``: look
    at these voxels alone.

    Raises
    ------
    InputRefused
        The picture is in colour, a point lies outside it, or the method refuses.
    """
    if picture.is_colour:
        raise InputRefused("Methods work on single values; this picture is in colour.")
    whole = _block(picture, call, block)
    seeds = _seeds(picture, call.seeds_lps_mm, "seed")
    outside = _seeds(picture, call.outside_lps_mm, "outside seed")
    method = methods[call.key]

    def run(block: Block) -> MethodRun:
        values = _values(picture, block, asked)
        start = (block[0].start, block[1].start, block[2].start)
        request = SegmentRequest(
            values,
            _spacing(picture),
            picture.quantity.unit,
            picture.identity.series.modality,
            _inside(seeds, block),
            _inside(outside, block),
            _allowed(values, call, None if forbidden is None else forbidden[block]),
            None if current is None else current[block],
            None if watch is None else lambda mask: watch(MethodRun(start, mask, None, ())),
        )
        found: SegmentResult = segmented(request, method, dict(call.parameters), asked)
        return MethodRun(start, found.mask, found.membership, found.notes)

    if not method.is_local or not len(_inside(seeds, whole)):
        return run(whole)
    start = np.array([part.start for part in whole])
    return _in_growing_blocks(run, whole, np.array(_inside(seeds, whole)) + start, watch)


def _in_growing_blocks(
    run: Callable[[Block], MethodRun],
    whole: Block,
    seeds: NDArray[np.intp],
    watch: Watch | None,
) -> MethodRun:
    """Run on a block about the seeds, and on larger ones as long as the result reaches a rim.

    Only a rim within ``whole`` counts, so the last result is the one that ``whole`` would give.
    """
    reach = _FIRST_REACH_VX
    low, high = seeds.min(axis=0) - reach, seeds.max(axis=0) + reach + 1
    while True:
        block = _clipped(low, high, whole)
        found = run(block)
        grown = False
        for axis, part in enumerate(block):
            if part.start > whole[axis].start and found.mask.take(0, axis=axis).any():
                low[axis], grown = part.start - reach, True
            if part.stop < whole[axis].stop and found.mask.take(-1, axis=axis).any():
                high[axis], grown = part.stop + reach, True
        if not grown:
            return found
        if watch is not None:
            watch(replace(found, notes=()))
        reach *= 2


def _clipped(low: NDArray[np.intp], high: NDArray[np.intp], whole: Block) -> Block:
    k, j, i = (
        slice(max(int(a), part.start), min(int(b), part.stop))
        for a, b, part in zip(low, high, whole, strict=True)
    )
    return k, j, i


def _spacing(picture: Picture) -> tuple[float, float, float]:
    i_mm, j_mm, k_mm = picture.grid.spacing_ijk_mm
    return k_mm, j_mm, i_mm


def _block(picture: Picture, call: MethodCall, block: Block | None) -> Block:
    """Return the voxels to look at: all, one slice, and no more than the box."""
    low, high = np.zeros(3, dtype=int), np.array(picture.grid.shape_kji)
    if block is not None:
        low = np.maximum(low, [part.start for part in block])
        high = np.minimum(high, [part.stop for part in block])
    if call.box_lps_mm is not None:
        corners = np.array(np.meshgrid(*zip(*call.box_lps_mm, strict=True), indexing="ij"))
        index = picture.grid.index(corners.reshape(3, 8).T)[:, ::-1]
        low = np.maximum(low, np.ceil(index.min(axis=0) - _NEAR).astype(int))
        high = np.minimum(high, np.floor(index.max(axis=0) + _NEAR).astype(int) + 1)
    if call.slice_k is not None:
        if not low[0] <= call.slice_k < high[0]:
            raise InputRefused(f"There is no slice {call.slice_k} (0 to {high[0] - 1}).")
        low[0], high[0] = call.slice_k, call.slice_k + 1
    if (high <= low).any():
        raise InputRefused("The box lies outside the image.")
    k, j, i = (slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    return k, j, i


def _values(picture: Picture, block: Block, asked: Asked) -> NDArray[np.float32]:
    planes = range(block[0].start, block[0].stop)
    if not picture.loaded_k[block[0]].all():
        raise InputRefused("Not all images are read yet.", remedy="Wait until they are.")
    stored = picture.stored[block]
    values = np.empty(stored.shape, dtype=np.float32)
    for n, k in enumerate(planes):
        asked.check()
        values[n] = picture.quantity.slice_values(stored[n], k)
        padding = picture.quantity.is_padding(stored[n])
        if padding.any():
            values[n][padding] = np.nan
    return values


def _seeds(picture: Picture, points: Sequence[PointLps], what: str) -> NDArray[np.intp]:
    """Return the voxels (n, kji) that points lie in."""
    if not points:
        return np.zeros((0, 3), dtype=np.intp)
    index = np.floor(picture.grid.index(np.array(points)) + 0.5).astype(np.intp)[:, ::-1]
    outside = (index < 0) | (index >= np.array(picture.grid.shape_kji))
    if outside.any():
        x, y, z = points[int(np.argmax(outside.any(axis=1)))]
        raise InputRefused(f"The {what} {x:g} {y:g} {z:g} lies outside the image.")
    return index


def _inside(index: NDArray[np.intp], block: Block) -> tuple[IndexKji, ...]:
    start = np.array([part.start for part in block])
    stop = np.array([part.stop for part in block])
    kept = index[((index >= start) & (index < stop)).all(axis=1)] - start
    return tuple((int(k), int(j), int(i)) for k, j, i in np.unique(kept, axis=0))


def _allowed(values: NDArray[np.float32], call: MethodCall, forbidden: Mask | None) -> Mask | None:
    allowed = None
    if call.within is not None:
        with np.errstate(invalid="ignore"):
            allowed = (values >= call.within[0]) & (values <= call.within[1])
    if forbidden is not None:
        allowed = ~forbidden if allowed is None else allowed & ~forbidden
    return allowed
