"""What a written SEG is compared with before it is called saved: our reader, then highdicom's."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from viewer.domain.segmentation import Labels, Segmentation
from viewer.domain.volume import Picture
from viewer.domain.wording import counted
from viewer.exchange.atomic import not_equal
from viewer.exchange.seg_fractions import common, levels_of
from viewer.imaging.counting import volumes_ml


def compared(
    again: Sequence[Segmentation], part: Segmentation, picture: Picture, path: Path
) -> str:
    """Return a sentence when our reader found the same segmentation, else raise."""
    if len(again) != 1:
        raise not_equal(path, f"{len(again)} layers instead of one")
    found = again[0]
    if found.grid != picture.grid:
        raise not_equal(path, "it lies on another grid")
    if not np.array_equal(found.labels, part.labels):
        n_voxels = int(np.count_nonzero(found.labels != part.labels))
        raise not_equal(path, counted(n_voxels, "voxel differs", "voxels differ"))
    if found != replace(part, volume_key=picture.key, grid=found.grid):
        raise not_equal(path, "a name, a code, a colour or the maker differs")
    if not np.array_equal(volumes_ml(found), volumes_ml(part)):
        raise not_equal(path, "a volume differs")
    total = float(volumes_ml(found).sum())
    n = len(part.segments)
    return f"{n} segment{'s' if n > 1 else ''}, {total:.2f} mL read back equal voxel for voxel"


def highdicom_agrees(written: Path, part: Segmentation, picture: Picture, path: Path) -> str:
    """Return a sentence when highdicom reads the same voxels at the same places, else raise."""
    from highdicom.seg import segread

    seg = segread(written)
    table = np.zeros(len(part.segments) + 1, dtype=np.uint8)
    table[1:] = [segment.number for segment in part.segments]
    geometry = seg.get_volume_geometry() if picture.is_volume else None
    if geometry is None:
        found, how = _by_source(seg, part, picture), "at the source images"
    else:
        found, how = _by_position(seg, part), "in the patient"
    if not np.array_equal(table[found], part.labels):
        raise not_equal(path, "highdicom reads other voxels")
    return f"highdicom reads the same voxels {how}"


def levels_agree(written: Path, part: Segmentation, picture: Picture, path: Path) -> str:
    """Return a sentence when pydicom's own pixels are the fractions of the frames' segments."""
    from pydicom import dcmread

    dataset = dcmread(written)
    frames = np.atleast_3d(dataset.pixel_array)
    if dataset.pixel_array.ndim == 2:
        frames = dataset.pixel_array[None]
    maximum, _ = common(part)
    sums = np.zeros(len(part.segments), dtype=np.int64)
    shared = dataset.SharedFunctionalGroupsSequence[0].get("SegmentIdentificationSequence")
    for frame, group in zip(frames, dataset.PerFrameFunctionalGroupsSequence, strict=True):
        told = group.get("SegmentIdentificationSequence") or shared
        sums[int(told[0].ReferencedSegmentNumber) - 1] += int(frame.sum(dtype=np.int64))
    ours = [int(levels.sum(dtype=np.int64)) for levels in levels_of(part, maximum)]
    if int(dataset.MaximumFractionalValue) != maximum or sums.tolist() != ours:
        raise not_equal(path, "pydicom reads other fractions")
    return f"pydicom reads the same fractions of {maximum}"


def _by_position(seg: Any, part: Segmentation) -> Labels:
    """Return highdicom's volume on our grid, slice by slice through patient space."""
    volume = seg.get_volume(combine_segments=True)
    found = np.zeros(part.grid.shape_kji, dtype=np.uint8)
    n_slices, rows, columns = volume.array.shape
    for s in range(n_slices):
        corners = np.array([(s, 0, 0, 1), (s, rows - 1, columns - 1, 1)], dtype=np.float64)
        index = np.rint(part.grid.index((corners @ volume.affine.T)[:, :3])).astype(int)
        k = int(index[0, 2])
        if index.tolist() != [[0, 0, k], [columns - 1, rows - 1, k]]:
            continue  # not our slice: the comparison will say so
        if 0 <= k < found.shape[0]:
            found[k] = volume.array[s]
    return found


def _by_source(seg: Any, part: Segmentation, picture: Picture) -> Labels:
    """Return highdicom's frames on the slices whose images they name (sheared or single ones)."""
    found = np.zeros(part.grid.shape_kji, dtype=np.uint8)
    used = [k for k in range(found.shape[0]) if part.labels[k].any()]
    instances = picture.identity.instances
    options = {"combine_segments": True, "ignore_spatial_locations": True}
    for k in used:
        uid = instances[k].sop_instance_uid
        alone = sum(instance.sop_instance_uid == uid for instance in instances) == 1
        if alone and instances[k].frame == 1:
            pixels = seg.get_pixels_by_source_instance([uid], **options)
        else:
            pixels = seg.get_pixels_by_source_frame(uid, [instances[k].frame], **options)
        found[k] = pixels[0]
    return found
