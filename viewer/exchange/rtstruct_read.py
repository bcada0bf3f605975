"""Segmentations out of RT Structure Sets (PS3.3 A.19), on the grid of the shown volume."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from viewer.domain.segmentation import Labels, Origin, OriginKind, Segmentation
from viewer.domain.volume import Picture
from viewer.domain.wording import counted
from viewer.errors import InputRefused, OutOfResources, Unsupported
from viewer.exchange.dicom_parts import as_damaged, derived_uid, is_uid, read_object
from viewer.exchange.rtstruct_contours import Drawn, draw
from viewer.exchange.rtstruct_rois import Roi, rois_of
from viewer.exchange.seg_layers import Layers

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_STORAGE = "1.2.840.10008.5.1.4.1.1.481.3"
_MOST_BYTES = 4 << 30  # of labels: overlapping regions need an array each
_OTHER_IMAGES = "Open the series that the contours were drawn on."


@dataclass(frozen=True, slots=True)
class ReadStructures:
    """What a structure set held. Overlapping regions make several segmentations.

    ``notes`` are sentences about what was left out or had to be decided.
    """

    segmentations: tuple[Segmentation, ...]
    notes: tuple[str, ...]


def read_rtstruct(path: Path, picture: Picture) -> ReadStructures:
    """Return the regions of an RT Structure Set as segmentations on ``picture``'s grid.

    A voxel belongs to a region if its centre lies inside an odd number of the contours of its
    slice. Points and open lines enclose nothing: notes name them.

    Raises
    ------
    InputRefused
        The file cannot be read, it belongs to other images, or the images form no volume.
    Damaged
        It is cut short or contradicts itself.
    Unsupported
        It is no structure set, or none of its regions encloses a voxel of these images.
    OutOfResources
        Its regions overlap so often that their labels would fill the memory.
    """
    path = Path(path)
    dataset = read_object(path)
    with as_damaged(path.name):
        if str(dataset.get("SOPClassUID")) != _STORAGE:
            raise Unsupported(
                "This is no structure set.", where=path.name, remedy="Choose an RTSTRUCT file."
            )
        rois = rois_of(dataset, path.name)
        _refuse_other_images(dataset, rois, picture, path.name)
        return _read(dataset, rois, picture, path.name)


def _read(dataset: "Dataset", rois: Sequence[Roi], picture: Picture, where: str) -> ReadStructures:
    notes: list[str] = []
    layers = _Bounded(picture.grid.shape_kji)
    kept = []
    for roi in rois:
        name = roi.segment.name
        if not _is_here(roi, dataset, picture):
            notes.append(f"{name} lies in another frame of reference and was left out.")
            continue
        drawn = draw(roi.contours, picture.grid, roi.slab_mm)
        notes += _notes(roi, drawn)
        if drawn.masks:
            layers.add(roi.segment.number, drawn.masks)
            kept.append(roi)
    if not kept:
        raise Unsupported(
            " ".join(("No region encloses a voxel of these images.", *notes[:3])), where=where
        )
    if len(layers.arrays) > 1:
        notes.append(f"Regions overlap: they are shown as {len(layers.arrays)} layers.")
    made = tuple(
        _segmentation(dataset, kept, picture, layers, n) for n in range(len(layers.arrays))
    )
    return ReadStructures(made, tuple(notes))


class _Bounded(Layers):
    """Layers of labels that do not fill the memory."""

    def _new_layer(self) -> Labels:
        n_bytes = (len(self.arrays) + 1) * int(np.prod(self._shape_kji))
        if n_bytes > _MOST_BYTES:
            raise OutOfResources(
                f"The regions overlap so often that {len(self.arrays) + 1} layers are needed.",
                remedy="Export fewer regions into one structure set.",
            )
        return super()._new_layer()


def _segmentation(
    dataset: "Dataset", rois: Sequence[Roi], picture: Picture, layers: Layers, n: int
) -> Segmentation:
    n_layers = len(layers.arrays)
    name = str(dataset.get("StructureSetLabel") or "").strip() or "Structure set"
    # The same contours may be laid on several series: each has its own voxels.
    uid = derived_uid("structure set", str(dataset.SOPInstanceUID), picture.key)
    own = tuple(roi for roi in rois if layers.layer_of[roi.segment.number] == n)
    return Segmentation(
        uid=uid if n_layers == 1 else f"{uid}.{n + 1}",
        name=name if n_layers == 1 else f"{name} ({n + 1} of {n_layers})",
        volume_key=picture.key,
        grid=picture.grid,
        labels=layers.arrays[n],
        segments=tuple(roi.segment for roi in own),
        origin=_origin(dataset, own),
    )


def _origin(dataset: "Dataset", rois: Sequence[Roi]) -> Origin:
    """Return by hand where all regions say so; else the equipment is all that is known."""
    if all(roi.algorithm == "MANUAL" for roi in rois):
        return Origin(OriginKind.HAND)
    maker = (dataset.get("Manufacturer"), dataset.get("ManufacturerModelName"))
    return Origin(
        OriginKind.METHOD,
        " ".join(str(part) for part in maker if part) or "unknown",
        str(dataset.get("SoftwareVersions") or ""),
        parameters=(("contours", "centre of the voxel inside, even-odd"),),
    )


def _refuse_other_images(
    dataset: "Dataset", rois: Sequence[Roi], picture: Picture, where: str
) -> None:
    if not picture.is_volume:
        raise InputRefused(
            "These images form no volume, so contours would lie nowhere on them.",
            where=where,
            remedy="Show the series that they were drawn on, with all of its images.",
        )
    if rois and not any(_is_here(roi, dataset, picture) for roi in rois):
        raise InputRefused(
            "The contours were drawn on other images.", where=where, remedy=_OTHER_IMAGES
        )


def _is_here(roi: Roi, dataset: "Dataset", picture: Picture) -> bool:
    """Return whether a region lies in the picture's patient space.

    Writers that state no valid frame of reference are believed if they name the series.
    """
    ours = picture.identity.frame_of_reference_uid
    theirs = roi.frame_of_reference_uid or _common_frame(dataset)
    if is_uid(ours) and is_uid(theirs):
        return ours == theirs
    return picture.identity.series.uid in referenced_series(dataset)


def _common_frame(dataset: "Dataset") -> str:
    items = dataset.get("ReferencedFrameOfReferenceSequence") or []
    stated = str(items[0].get("FrameOfReferenceUID") or "") if items else ""
    return stated or str(dataset.get("FrameOfReferenceUID") or "")


def referenced_series(dataset: "Dataset") -> frozenset[str]:
    """Return the UIDs of the series that a structure set was drawn on."""
    return frozenset(
        str(series.get("SeriesInstanceUID") or "")
        for frame in dataset.get("ReferencedFrameOfReferenceSequence") or []
        for study in frame.get("RTReferencedStudySequence") or []
        for series in study.get("RTReferencedSeriesSequence") or []
    ) - {""}


_OPEN = {
    "POINT": "a point",
    "OPEN_PLANAR": "an open line",
    "OPEN_NONPLANAR": "an open line",
}


def _notes(roi: Roi, drawn: Drawn) -> list[str]:
    name, notes = roi.segment.name, []
    if not roi.contours:
        kinds = {_OPEN.get(kind, "no closed contour") for kind in roi.others}
        what = " and ".join(sorted(kinds)) or "no contour"
        return [f"{name} is {what}: it encloses nothing." if kinds else f"{name} has {what}."]
    if roi.others:
        others = counted(sum(roi.others.values()), "point or open line", "points or open lines")
        notes.append(f"{name}: {others} left out.")
    if drawn.n_oblique:
        lie = counted(drawn.n_oblique, "contour lies", "contours lie")
        notes.append(f"{name}: {lie} across the slices; left out.")
    if drawn.n_outside:
        lie = counted(drawn.n_outside, "contour lies", "contours lie")
        notes.append(f"{name}: {lie} outside these images.")
    if drawn.n_doubled:
        were = counted(drawn.n_doubled, "contour was", "contours were")
        notes.append(f"{name}: {were} there twice, counted once.")
    if drawn.off_slice_mm > 0:
        notes.append(
            f"{name}: contours lie between the slices; each slice took the nearest ones, "
            f"up to {drawn.off_slice_mm:.1f} mm away."
        )
    if drawn.n_left_out:
        slices = counted(drawn.n_left_out, "slice")
        notes.append(f"{name}: {slices} between its contours without one.")
    if drawn.is_crossing:
        notes.append(f"{name}: contours cross; what lies in both of them is outside.")
    if not drawn.masks and not notes:
        notes.append(f"{name} is too small to hold the centre of a voxel.")
    return notes
