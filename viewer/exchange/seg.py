"""DICOM Segmentation objects: ours are written and verified, anybody's are read.

Written are BINARY segmentations (PS3.3 A.51) with one segment for each structure, and on request
LABELMAP ones, whose storage class (Label Map Segmentation, supplement 243) pydicom 3.0 does not name,
or FRACTIONAL ones: with the whole occupancy in each voxel of a segment, or with the fractions that a
method or a file gave. Read are all three, placed by position and orientation; a fraction of half of the
maximum and above belongs to the segment, and all fractions are kept beside the mask.
"""

from pathlib import Path

import numpy as np

from viewer.domain.segmentation import Segmentation
from viewer.domain.volume import Picture
from viewer.errors import InputRefused
from viewer.exchange import seg_check
from viewer.exchange.atomic import Saved, save
from viewer.exchange.dicom_parts import refuse_without_dicom
from viewer.exchange.seg_build import SegKind, built, writable
from viewer.exchange.seg_fractions import with_fractions, without_fractions
from viewer.exchange.seg_read import ReadSeg, read_seg, read_segmentations

__all__ = ["ReadSeg", "SegKind", "read_seg", "read_segmentations", "write_seg"]


def write_seg(
    segmentation: Segmentation,
    picture: Picture,
    path: Path,
    *,
    force: bool = False,
    full_frames: bool = False,
    kind: SegKind = "BINARY",
) -> Saved:
    """Save a segmentation as a DICOM SEG of ``picture``'s study, read back by two readers.

    Empty segments and rejected ones are left out and named in ``Saved.checks``. ``full_frames``
    writes empty frames too, for readers that need every slice. ``kind`` is the segmentation type;
    PROBABILITY is FRACTIONAL with true fractions (PS3.3 C.8.20.2.3), refused where there are none.

    Raises
    ------
    InputRefused
        The picture did not come from DICOM, lies on another grid, or nothing is left to write.
    Conflict, OutOfResources, ViewerError
        As ``atomic.save`` does; nothing was saved.
    """
    refuse_without_dicom(picture, instead="Export the labels as NIfTI.")
    _refuse_other_grid(segmentation, picture)
    part, sentences = writable(segmentation)
    part = with_fractions(part) if kind == "PROBABILITY" else without_fractions(part)

    def write(temporary: Path) -> None:
        from pydicom import dcmwrite

        dataset = built(part, picture, full_frames=full_frames, kind=kind)
        dcmwrite(temporary, dataset, enforce_file_format=True)

    def check(temporary: Path) -> tuple[str, ...]:
        again = read_segmentations(temporary, picture)
        ours = seg_check.compared(again.segmentations, part, picture, path)
        agrees = seg_check.levels_agree if kind == "PROBABILITY" else seg_check.highdicom_agrees
        return (*sentences, ours, agrees(temporary, part, picture, path))

    return save(path, write, check, force=force)


def _refuse_other_grid(segmentation: Segmentation, picture: Picture) -> None:
    ours, theirs = segmentation.grid, picture.grid
    if ours.shape_kji == theirs.shape_kji:
        offset = float(np.abs(ours.corners_lps_mm - theirs.corners_lps_mm).max())
        if offset < 1e-4:
            return
        how = f"it is {offset:.3g} mm away"
    else:
        how = f"{ours.shape_kji} voxels instead of {theirs.shape_kji}"
    raise InputRefused(
        f"The segmentation does not lie on the picture's grid: {how}.",
        where=segmentation.name,
        remedy="Choose the picture that it was made on.",
    )
