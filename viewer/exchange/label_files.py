"""Label files (.seg.nrrd, .nrrd, NIfTI) as segmentations on the grid of the shown picture."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from viewer.domain.geometry import Floats, Grid
from viewer.domain.segmentation import (
    Labels,
    Origin,
    OriginKind,
    Segment,
    Segmentation,
    refuse_too_many,
)
from viewer.domain.volume import Picture
from viewer.errors import Damaged, InputRefused
from viewer.exchange.dicom_parts import new_uid
from viewer.exchange.seg_nrrd import LabelFile, read_seg_nrrd
from viewer.imaging.colours import colour_of
from viewer.imaging.regrid import lattice_offset, moved, resampled_labels

SUFFIXES = (".seg.nrrd", ".nrrd", ".nii", ".nii.gz")
_MOST_VOXELS = 2**32


@dataclass(frozen=True, slots=True)
class ReadLabels:
    """Segmentations, one a layer of the file, and sentences about what was decided or lost."""

    segmentations: tuple[Segmentation, ...]
    notes: tuple[str, ...]


def read_label_file(path: Path, picture: Picture, *, resample: bool = False) -> ReadLabels:
    """Return the labels of a file on ``picture``'s grid.

    Parameters
    ----------
    resample
        Take the nearest voxel where the file lies on another grid; the notes say what that cost.

    Raises
    ------
    InputRefused
        The file cannot be read, holds more than 255 segments or numbers that are no labels, lies
        on another grid (and ``resample`` is false), or beside the images altogether.
    Damaged, Unsupported
        As ``read_seg_nrrd``.
    """
    path = Path(path)
    name = path.name.lower()
    found = _nifti(path) if name.endswith((".nii", ".nii.gz")) else read_seg_nrrd(path)
    theirs = Grid(found.layers[0].shape, found.affine)
    if not picture.is_volume:
        raise InputRefused("These images form no volume, so labels would lie nowhere on them.")
    _refuse_elsewhere(theirs, picture.grid, path)
    offset = lattice_offset(theirs, picture.grid)
    if offset is None and not resample:
        raise InputRefused(
            "The labels lie on another grid than these images.",
            where=path.name,
            remedy='Choose "Import labels: resampled to these images"; it says what is lost.',
        )
    made, notes = [], []
    for n in range(len(found.layers)):
        own = [(value, segment) for layer, value, segment in found.segments if layer == n]
        if not own:
            continue
        labels = _numbered(found, n, own)
        if offset is not None:
            placed, n_lost = moved(labels, offset, picture.grid)
            if n_lost:
                notes.append(f"{n_lost} labelled voxels lie outside these images and are left out.")
        else:
            placed = resampled_labels(labels, theirs, picture.grid)
            notes += _losses(labels, theirs, placed, picture.grid, [s for _, s in own])
        made.append(_segmentation(path, picture, placed, own, n, len(found.layers)))
    if not made:
        raise InputRefused("The file holds no segment.", where=path.name)
    return ReadLabels(tuple(made), tuple(notes))


def _segmentation(
    path: Path,
    picture: Picture,
    labels: Labels,
    own: list[tuple[int, Segment]],
    n: int,
    n_layers: int,
) -> Segmentation:
    stem = path.name.split(".")[0]
    return Segmentation(
        uid=new_uid(),
        name=stem if n_layers == 1 else f"{stem} ({n + 1} of {n_layers})",
        volume_key=picture.key,
        grid=picture.grid,
        labels=labels,
        segments=tuple(replace(segment, tracking_uid=new_uid()) for _, segment in own),
        origin=Origin(OriginKind.METHOD, "label file"),
    )


def _numbered(found: LabelFile, n: int, own: list[tuple[int, Segment]]) -> Labels:
    values = found.layers[n]
    if all(value == segment.number for value, segment in own) and values.dtype == np.uint8:
        known = np.zeros(256, dtype=np.uint8)
        for value, _ in own:
            known[value] = value
        return np.asarray(known[values])
    labels = np.zeros(values.shape, dtype=np.uint8)
    for value, segment in own:
        labels[values == value] = segment.number
    return labels


def _nifti(path: Path) -> LabelFile:
    import nibabel

    try:
        image: Any = nibabel.load(path)
        shape = tuple(int(s) for s in image.shape)
        if len(shape) == 4 and shape[3] == 1:
            shape = shape[:3]
        if len(shape) != 3 or int(np.prod(shape, dtype=np.float64)) > _MOST_VOXELS:
            raise InputRefused("The file is no label volume of three axes.", where=path.name)
        values = np.asarray(image.dataobj).reshape(shape).transpose(2, 1, 0)
        affine: Floats = np.diag([-1.0, -1.0, 1.0, 1.0]) @ np.asarray(image.affine)
    except (OSError, ValueError, nibabel.filebasedimages.ImageFileError) as error:
        raise Damaged("The NIfTI file is broken.", where=path.name) from error
    whole = np.rint(values) if values.dtype.kind == "f" else values
    if values.dtype.kind == "f" and not np.array_equal(whole, values):
        raise InputRefused(
            "The file holds measured values, not labels.",
            where=path.name,
            remedy="Open it as images instead.",
        )
    numbers = [int(v) for v in np.unique(whole) if v]
    refuse_too_many(len(numbers), path.name)
    fits = not numbers or 1 <= min(numbers) <= max(numbers) <= 255
    segments = []
    for at, value in enumerate(numbers, start=1):
        number = value if fits else at
        segments.append((0, value, Segment(number, f"Segment {value}", colour_of(number))))
    return LabelFile((whole.astype(np.int64),), affine, tuple(segments))


def _refuse_elsewhere(theirs: Grid, ours: Grid, path: Path) -> None:
    low, high = theirs.corners_lps_mm.min(axis=0), theirs.corners_lps_mm.max(axis=0)
    if (low > ours.corners_lps_mm.max(axis=0)).any() or (
        high < ours.corners_lps_mm.min(axis=0)
    ).any():
        raise InputRefused(
            "The labels lie beside these images: they belong to other images or another patient.",
            where=path.name,
            remedy="Show the images that they were made on.",
        )


def _losses(
    labels: Labels, theirs: Grid, placed: Labels, ours: Grid, segments: list[Segment]
) -> list[str]:
    notes = []
    for segment in segments:
        before = np.count_nonzero(labels == segment.number) * theirs.voxel_volume_mm3 / 1000
        after = np.count_nonzero(placed == segment.number) * ours.voxel_volume_mm3 / 1000
        notes.append(
            f"{segment.name} had {before:.3f} mL and has {after:.3f} mL on these images; "
            "its edge moved by up to half a voxel."
        )
    return notes
