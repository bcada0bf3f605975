"""Segments out as RTSTRUCT, .seg.nrrd and surfaces, and label files in."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from viewer.actions.context import Context, Notice, has_segment, has_volume
from viewer.actions.export import PathLike, _save
from viewer.actions.networks import choose_segment
from viewer.actions.registry import Choice, action
from viewer.actions.releasing import released
from viewer.domain.wording import counted
from viewer.session.edits import AddSegmentation, Group

if TYPE_CHECKING:
    from viewer.exchange.atomic import Saved
    from viewer.exchange.seg import SegKind


@action("export.rtstruct", "Segments as RTSTRUCT…", group="Export", enabled=has_segment)
def rtstruct(
    context: Context, *, path: PathLike | None = None, force: bool | None = None
) -> "Saved | None":
    """Save the active segmentation as contours in a DICOM RT Structure Set."""
    from viewer.exchange.rtstruct_write import write_rtstruct

    segmentation, _ = context.need_segment()
    picture = context.need_picture_of(segmentation)
    segmentation = released(context, segmentation, labelled=False)
    return _save(
        context,
        path,
        force,
        "Save DICOM RTSTRUCT",
        "structures.dcm",
        lambda place, replace: write_rtstruct(segmentation, picture, place, force=replace),
    )


def _kinds(_context: Context) -> Sequence[Choice]:
    return [
        Choice("Label map (new readers only)…", {"kind": "LABELMAP"}),
        Choice("Fractional, whole or nothing…", {"kind": "FRACTIONAL"}),
        Choice("Fractional, memberships as found…", {"kind": "PROBABILITY"}),
    ]


@action(
    "export.seg_as", "Segments as another SEG", group="Export", choices=_kinds, enabled=has_segment
)
def seg_as(
    context: Context,
    *,
    kind: "SegKind",
    path: PathLike | None = None,
    force: bool | None = None,
) -> "Saved | None":
    """Save the active segmentation as a label map, as occupancies, or with its memberships."""
    from viewer.exchange.seg import write_seg

    segmentation, _ = context.need_segment()
    picture = context.need_picture_of(segmentation)
    segmentation = released(context, segmentation)
    return _save(
        context,
        path,
        force,
        "Save DICOM SEG",
        f"segmentation-{kind.lower()}.dcm",
        lambda place, replace: write_seg(segmentation, picture, place, force=replace, kind=kind),
    )


@action(
    "export.seg_nrrd", "Segments as .seg.nrrd (3D Slicer)…", group="Export", enabled=has_segment
)
def seg_nrrd(
    context: Context, *, path: PathLike | None = None, force: bool | None = None
) -> "Saved | None":
    """Save the active segmentation as 3D Slicer keeps it, with names, colours and codes."""
    from viewer.exchange.seg_nrrd import write_seg_nrrd

    segmentation, _ = context.need_segment()
    segmentation = released(context, segmentation, labelled=False)
    return _save(
        context,
        path,
        force,
        "Save .seg.nrrd",
        "segmentation.seg.nrrd",
        lambda place, replace: write_seg_nrrd(segmentation, place, force=replace),
    )


def _formats(_context: Context) -> Sequence[Choice]:
    return [Choice(f"{name}…", {"format": name.lower()}) for name in ("STL", "OBJ", "PLY")]


@action(
    "export.surface",
    "Surface of the segment",
    group="Export",
    choices=_formats,
    enabled=has_segment,
)
def surface(
    context: Context,
    *,
    format: str = "stl",  # noqa: A002 - the word that the command line uses
    path: PathLike | None = None,
    force: bool | None = None,
) -> "Saved | None":
    """Save the active segment's surface in patient coordinates (LPS, mm)."""
    from viewer.exchange.mesh import write_mesh

    segmentation, segment = context.need_segment()
    segmentation = released(context, segmentation, labelled=False)
    return _save(
        context,
        path,
        force,
        f"Save {format.upper()}",
        f"surface.{format}",
        lambda place, replace: write_mesh(segmentation, segment, place, force=replace),
    )


def _ways(_context: Context) -> Sequence[Choice]:
    return [
        Choice("on the same grid…", {"resample": False}),
        Choice("resampled to these images…", {"resample": True}),
    ]


@action("file.import_labels", "Import labels", group="File", choices=_ways, enabled=has_volume)
def import_labels(context: Context, *, resample: bool = False, path: PathLike | None = None) -> int:
    """Read a .seg.nrrd, NRRD or NIfTI label file as segments of the shown images."""
    from viewer.exchange.label_files import read_label_file

    places = (
        (Path(path),) if path is not None else context.door.ask_open("Import labels", folder=False)
    )
    n_read = 0
    for place in places:
        read = read_label_file(Path(place), context.need_picture(), resample=resample)
        edits = tuple(AddSegmentation.of(s) for s in read.segmentations)
        context.session.apply(Group(edits, f"import labels of {Path(place).name}"))
        first = read.segmentations[0]
        choose_segment(context, uid=first.uid, number=first.segments[0].number)
        n_read += sum(len(s.segments) for s in read.segmentations)
        if read.notes:
            context.door.tell(Notice("warning", read.notes[0], "\n".join(read.notes)))
    if places:
        were = counted(n_read, "segment was", "segments were")
        context.door.tell(Notice("done", f"{were} read in."))
    return n_read
