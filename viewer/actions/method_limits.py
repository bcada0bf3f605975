"""Where a method may find something: between values, in a box, beside other segments."""

import numpy as np
from numpy.typing import NDArray

from viewer.actions.context import Context
from viewer.domain.geometry import Floats
from viewer.domain.method_text import MethodCall, PointLps
from viewer.domain.volume import Picture
from viewer.errors import InputRefused
from viewer.imaging.method_run import MethodRun, run_method
from viewer.imaging.segment_shapes import box_of
from viewer.jobs.job import Ticket
from viewer.session.drafting import Barrier, Draft
from viewer.session.layers import layer_axis

Box = tuple[PointLps, PointLps]


def forbidden_of(context: Context, draft: Draft, picture: Picture) -> NDArray[np.bool_] | None:
    """Return where the result may not lie (k, j, i) for other segments' sake; None: anywhere.

    Raises
    ------
    InputRefused
        A segment that it keeps to is gone, or lies on another grid.
    """
    found: NDArray[np.bool_] | None = None
    for barrier in draft.barriers:
        mask = _meant(context, barrier, picture)
        part = ~mask if barrier.only_inside else mask
        found = part if found is None else found | part
    return found


def _meant(context: Context, barrier: Barrier, picture: Picture) -> NDArray[np.bool_]:
    layers = {layer.uid: layer for layer in context.session.state.segmentations}
    layer = layers.get(barrier.uid)
    if layer is None or layer.grid != picture.grid:
        raise InputRefused(
            f"{barrier.name} is no longer there to keep to.", remedy="Choose another segment."
        )
    if barrier.number == 0:
        own = context.viewing.look.segment_number
        return np.asarray((layer.labels != 0) & (layer.labels != own))
    return np.asarray(layer.labels == barrier.number)


def sketch(context: Context, draft: Draft, forbidden: NDArray[np.bool_] | None) -> None:
    """Show at once what a method that judges voxel by voxel finds on the planes that are shown.

    Oblique planes follow when the whole volume is done.
    """
    picture = context.need_picture()
    parts = []
    for plane in context.viewing.look.planes.values():
        found = layer_axis(picture.grid, plane)
        if found is None:
            continue
        axis, _ = found
        at = int(np.floor(float(picture.grid.index(plane.centre_lps_mm)[axis]) + 0.5))
        if 0 <= at < picture.grid.shape_kji[2 - axis]:
            part = _on_layer(context, draft.call, (2 - axis, at), forbidden)
            if part is not None:
                parts.append(part)
    if parts:
        context.viewing.set_draft(draft.sketched(parts, picture))


def _on_layer(
    context: Context,
    call: MethodCall,
    layer: tuple[int, int],
    forbidden: NDArray[np.bool_] | None,
) -> MethodRun | None:
    """Return what is found on one layer of voxels (array axis, number); None: refused."""
    picture, (axis, at) = context.need_picture(), layer
    block = [slice(0, n) for n in picture.grid.shape_kji]
    block[axis] = slice(at, at + 1)
    try:
        return run_method(
            picture,
            call,
            context.extensions.segmenters,
            Ticket(),
            forbidden=forbidden,
            block=(block[0], block[1], block[2]),
        )
    except InputRefused:
        return None  # the whole volume will say why


def box_lps(picture: Picture, low_kji: Floats, high_kji: Floats) -> Box:
    """Return two corners of the box from the centre of one voxel to that of another."""
    ends = picture.grid.world(np.stack((low_kji, high_kji))[:, ::-1])
    (x0, y0, z0), (x1, y1, z1) = ends.min(axis=0).tolist(), ends.max(axis=0).tolist()
    return (x0, y0, z0), (x1, y1, z1)


def box_about(picture: Picture, mask: NDArray[np.bool_], margin_mm: float) -> Box | None:
    """Return the box about a mask (k, j, i), wider by a margin; None when the mask is empty."""
    found = box_of(mask)
    if found is None:
        return None
    i_mm, j_mm, k_mm = picture.grid.spacing_ijk_mm
    reach = margin_mm / np.array((k_mm, j_mm, i_mm))
    low = np.array([part.start for part in found]) - reach
    high = np.array([part.stop - 1 for part in found]) + reach
    limit = np.array(picture.grid.shape_kji) - 1.0
    return box_lps(picture, np.clip(low, 0, limit), np.clip(high, 0, limit))
