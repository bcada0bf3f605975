"""Segmentations out of SEG files, ours or anybody's, placed by position and orientation."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from viewer.domain.geometry import Grid
from viewer.domain.segmentation import Segmentation
from viewer.domain.volume import Picture
from viewer.errors import InputRefused, Unsupported
from viewer.exchange.dicom_parts import as_damaged, get_record, is_uid, read_object
from viewer.exchange.dicom_parts import series_of as _series_of
from viewer.exchange.seg_describe import read_origin, read_segments, restored, restored_origin
from viewer.exchange.seg_fractions import read_fractions, thresholds
from viewer.exchange.seg_layers import Layers, frame_masks, frame_order
from viewer.exchange.seg_pixels import Frames
from viewer.exchange.seg_places import frame_places, own_grid, slices_in

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_FRACTIONS_KEPT = (
    "Fractions of 0.5 and above were taken as inside; the true ones are kept for export."
)
_STORAGES = {"1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7"}


@dataclass(frozen=True, slots=True)
class ReadSeg:
    """What a SEG held. Overlapping segments make several segmentations, so that no voxel is lost.

    ``notes`` are sentences about what had to be decided (a threshold, another grid, new numbers).
    """

    segmentations: tuple[Segmentation, ...]
    notes: tuple[str, ...]


def read_seg(path: Path, picture: Picture | None) -> Segmentation:
    """Return the segmentation of a SEG file, on ``picture``'s grid if its frames lie on it.

    Raises
    ------
    InputRefused
        Its segments overlap (``read_segmentations`` gives them apart), or it belongs to another
        frame of reference than ``picture``.
    Damaged, Unsupported
        As ``read_segmentations`` does.
    """
    found = read_segmentations(path, picture).segmentations
    if len(found) > 1:
        raise InputRefused(
            f"Segments overlap: they need {len(found)} layers, and one was asked for.",
            where=path.name,
            remedy="Open the file as a study; it is shown as several layers.",
        )
    return found[0]


def read_segmentations(path: Path, picture: Picture | None) -> ReadSeg:
    """Return all segmentations of a SEG file.

    Raises
    ------
    InputRefused
        The file cannot be read, or belongs to another frame of reference than ``picture``.
    Damaged
        It is cut short or contradicts itself.
    Unsupported
        It is no SEG, lies on a slide, or its frames do not stack up to a volume.
    """
    path = Path(path)
    dataset = read_object(path)
    with as_damaged(path.name):
        return _read(dataset, picture, path)


def _read(dataset: "Dataset", picture: Picture | None, path: Path) -> ReadSeg:
    if str(dataset.get("SOPClassUID")) not in _STORAGES:
        raise Unsupported("This is no segmentation.", where=path.name, remedy="Choose a SEG file.")
    _refuse_other_patient_space(dataset, picture, path.name)
    frames = Frames(dataset, path.name)
    grid, slices, notes = _placed(dataset, frames, picture, path.name)
    public = read_segments(dataset, path.name)
    segments, inner = restored(get_record(dataset), public)
    layers = Layers(grid.shape_kji)
    is_fractional = str(dataset.get("SegmentationType")) == "FRACTIONAL"
    edges = thresholds(dataset, inner.get("at_least")) if is_fractional else {}
    for number, masks in frame_masks(dataset, frames, slices, grid.shape_kji[0], public, edges):
        layers.add(segments[number].number, masks)
    if any(number != public[number].number for number in public):
        notes.append("Segment numbers above 255 were counted anew.")
    if is_fractional:
        order = frame_order(dataset, frames, slices, public)
        found = read_fractions(dataset, frames, order, grid.shape_kji, edges)
        segments = {n: replace(s, fractions=found.get(n)) for n, s in segments.items()}
        notes.append(_FRACTIONS_KEPT if found else "Fractions are all or nothing.")
    if len(layers.arrays) > 1:
        notes.append(f"Segments overlap: they are shown as {len(layers.arrays)} layers.")
    first = segments[min(segments)]
    origin = restored_origin(inner, read_origin(dataset), first)
    if is_fractional and not inner:
        origin = replace(origin, parameters=(*origin.parameters, ("threshold", "0.5")))
    whole = Segmentation(
        uid=str(inner.get("uid") or dataset.SOPInstanceUID),
        name=str(inner.get("name") or dataset.get("SeriesDescription") or "Segmentation"),
        volume_key=picture.key if picture else str(inner.get("volume_key") or _series(dataset)),
        grid=grid,
        labels=layers.arrays[0],
        segments=tuple(segments.values()),
        origin=origin,
        parent_uid=str(inner.get("parent_uid") or ""),
    )
    return ReadSeg(_split(whole, layers), tuple(notes))


def _split(whole: Segmentation, layers: Layers) -> tuple[Segmentation, ...]:
    if len(layers.arrays) == 1:
        return (whole,)
    return tuple(
        replace(
            whole,
            uid=f"{whole.uid}.{n + 1}",
            name=f"{whole.name} ({n + 1} of {len(layers.arrays)})",
            labels=array,
            segments=tuple(s for s in whole.segments if layers.layer_of.get(s.number, 0) == n),
        )
        for n, array in enumerate(layers.arrays)
    )


def _series(dataset: "Dataset") -> str:
    return _series_of(dataset.get("ReferencedSeriesSequence") or [])


def _refuse_other_patient_space(dataset: "Dataset", picture: Picture | None, where: str) -> None:
    if picture is None:
        return
    theirs, ours = (
        str(dataset.get("FrameOfReferenceUID") or ""),
        picture.identity.frame_of_reference_uid,
    )
    same_series = _series(dataset) == picture.identity.series.uid
    if is_uid(theirs) and is_uid(ours) and theirs != ours and not same_series:
        raise InputRefused(
            "The segmentation lies in another frame of reference than the picture.",
            where=where,
            remedy="Open the series that it was made on.",
        )


def _placed(
    dataset: "Dataset", frames: Frames, picture: Picture | None, where: str
) -> tuple[Grid, Sequence[int], list[str]]:
    """Return the grid, the slice k of every frame, and what is worth a note."""
    shape_px = (frames.rows, frames.columns)
    places = frame_places(dataset, where)
    if places is None:
        return *_by_reference(dataset, frames, picture, where), []
    if picture is not None and picture.is_volume:
        slices = slices_in(places, shape_px, picture.grid)
        if slices is not None:
            return picture.grid, slices, []
    grid, slices = own_grid(places, shape_px, where)
    lone = grid.shape_kji[0] == 1 and not (places[0].spacing_mm or places[0].thickness_mm)
    notes = ["The thickness of the slice is not stated: 1 mm was taken."] if lone else []
    if picture is not None:
        notes.append("The segmentation lies on a grid of its own.")
    return grid, slices, notes


def _by_reference(
    dataset: "Dataset", frames: Frames, picture: Picture | None, where: str
) -> tuple[Grid, Sequence[int]]:
    """Place frames without patient geometry on the images that they name."""
    per_frame = dataset.get("PerFrameFunctionalGroupsSequence") or []
    if picture is None:
        if frames.n_frames != 1:
            raise Unsupported(
                "The segmentation has no place in the patient.",
                where=where,
                remedy="Open the images that it was made on first.",
            )
        return Grid.from_axes((1, frames.rows, frames.columns)), (0,)
    named = {
        (instance.sop_instance_uid, instance.frame): k
        for k, instance in enumerate(picture.identity.instances)
    }
    try:
        sources = [item.DerivationImageSequence[0].SourceImageSequence[0] for item in per_frame]
        slices = [
            named[str(s.ReferencedSOPInstanceUID), int(s.get("ReferencedFrameNumber") or 1)]
            for s in sources
        ]
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise InputRefused(
            "The segmentation was made on other images.",
            where=where,
            remedy="Open the images that it was made on.",
        ) from error
    if (frames.rows, frames.columns) != picture.grid.shape_kji[1:]:
        raise InputRefused("The segmentation and its images differ in size.", where=where)
    return picture.grid, slices
