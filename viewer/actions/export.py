"""Results out and in. Each file is read back and compared before "saved" is said."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from viewer.actions.context import Context, Notice, has_picture, has_segment
from viewer.actions.registry import action
from viewer.domain.measurement import Measurement
from viewer.domain.segmentation import Segmentation
from viewer.domain.volume import Picture
from viewer.errors import InputRefused, Unsupported
from viewer.session.edits import Edit, Group
from viewer.session.edits_measurement import AddMeasurement
from viewer.session.edits_segmentation import AddSegmentation
from viewer.session.figures import count_voxels, outdated

# The formats are imported by the verbs that need them: the first picture does not wait for them.
if TYPE_CHECKING:
    from viewer.exchange.atomic import Saved

PathLike = str | Path


def _where(context: Context, path: PathLike | None, title: str, name: str) -> Path | None:
    return Path(path) if path is not None else context.door.ask_save(title, name)


def _saved(context: Context, saved: "Saved") -> "Saved":
    checks = "\n".join(saved.checks)
    context.door.tell(Notice("done", f"Saved {saved.path.name}; read back and compared.", checks))
    return saved


def _save(
    context: Context,
    path: PathLike | None,
    force: bool | None,
    title: str,
    name: str,
    write: "Callable[[Path, bool], Saved]",
) -> "Saved | None":
    place = _where(context, path, title, name)
    if place is None:
        return None
    # A person who chose a file in the dialog was asked about replacing it there.
    replace_it = path is None if force is None else force
    return _saved(context, write(place, replace_it))


def _measurements(context: Context) -> tuple[Measurement, ...]:
    key = context.need_picture().key
    return tuple(m for m in context.session.state.measurements if m.volume_key == key)


def _segmentations(context: Context) -> tuple[Segmentation, ...]:
    key = context.need_picture().key
    return tuple(s for s in context.session.state.segmentations if s.volume_key == key)


def _all_measured(
    context: Context, write: "Callable[..., Saved]"
) -> "Callable[[Path, bool], Saved]":
    """Return what writes every measurement and segment of the shown picture in one format."""
    picture = context.need_picture()
    found, layers = _measurements(context), _segmentations(context)
    old = outdated(found, layers, count_voxels)
    if old:
        label = next(m.label for m in found if m.uid in old)
        raise InputRefused(
            f"{label} was changed after it was measured.",
            remedy="Measure the segment again (Shift+M), or delete these numbers.",
        )
    return lambda place, replace: write(found, layers, picture, place, force=replace)


def _nothing_measured(context: Context) -> str:
    if context.picture is None:
        return "No study is open."
    return "" if _measurements(context) else "Nothing was measured."


@action("export.seg", "Segments as DICOM SEG…", group="Export", enabled=has_segment)
def seg(
    context: Context, *, path: PathLike | None = None, force: bool | None = None
) -> "Saved | None":
    """Save the active segmentation as a DICOM Segmentation object."""
    from viewer.exchange.seg import write_seg

    segmentation, _ = context.need_segment()
    picture = context.pictures.loaded.get(segmentation.volume_key)
    if picture is None:
        raise InputRefused("The segment's series is not open.", remedy="Show the series first.")
    return _save(
        context,
        path,
        force,
        "Save DICOM SEG",
        "segmentation.dcm",
        lambda place, replace: write_seg(segmentation, picture, place, force=replace),
    )


@action("export.sr", "Measurements as DICOM SR…", group="Export", enabled=_nothing_measured)
def sr(
    context: Context, *, path: PathLike | None = None, force: bool | None = None
) -> "Saved | None":
    """Save the measurements as a DICOM structured report (TID 1500)."""
    from viewer.exchange.sr import write_sr

    return _save(
        context, path, force, "Save DICOM SR", "measurements.dcm", _all_measured(context, write_sr)
    )


@action("export.csv", "Measurements as CSV…", group="Export", enabled=_nothing_measured)
def csv(
    context: Context, *, path: PathLike | None = None, force: bool | None = None
) -> "Saved | None":
    """Save the measurements as a table, with units, codes and UIDs in columns."""
    from viewer.exchange.tables import write_csv

    return _save(
        context, path, force, "Save CSV", "measurements.csv", _all_measured(context, write_csv)
    )


@action("export.json", "Measurements as JSON…", group="Export", enabled=_nothing_measured)
def json(
    context: Context, *, path: PathLike | None = None, force: bool | None = None
) -> "Saved | None":
    """Save the measurements as JSON, with receipts."""
    from viewer.exchange.tables import write_json

    return _save(
        context, path, force, "Save JSON", "measurements.json", _all_measured(context, write_json)
    )


@action("export.nifti", "Segments as NIfTI…", group="Export", enabled=has_segment)
def nifti(
    context: Context, *, path: PathLike | None = None, force: bool | None = None
) -> "Saved | None":
    """Save the active segmentation's labels as NIfTI."""
    from viewer.exchange.nifti import write_labels_nifti

    segmentation, _ = context.need_segment()
    return _save(
        context,
        path,
        force,
        "Save NIfTI",
        "segmentation.nii.gz",
        lambda place, replace: write_labels_nifti(segmentation, place, force=replace),
    )


@action("export.png", "Picture of the view…", group="Export", keys=("Ctrl+P",), enabled=has_picture)
def png(
    context: Context,
    *,
    path: PathLike | None = None,
    pane: str = "",
    force: bool | None = None,
) -> "Saved | None":
    """Save what the active pane shows, with its marks, as PNG ("window": the whole window)."""
    from viewer.exchange.picture import write_png

    data = context.door.capture(pane or context.viewing.look.active_pane)
    return _save(
        context,
        path,
        force,
        "Save the picture",
        "view.png",
        lambda place, replace: write_png(data, place, force=replace),
    )


@action(
    "file.import_results", "Import segments or measurements…", group="File", enabled=has_picture
)
def import_results(context: Context, *, path: PathLike | None = None) -> int:
    """Read a DICOM SEG, a DICOM SR or our JSON back in; returns how many things came."""
    places = [Path(path)] if path is not None else context.door.ask_open("Import", folder=False)
    n_read = 0
    for place in places:
        edits = _read_results(context, Path(place))
        context.session.apply(Group(edits, f"import {Path(place).name}"))
        n_read += len(edits)
    if places:
        context.door.tell(Notice("done", f"{n_read} results were read in."))
    return n_read


def _read_results(context: Context, place: Path) -> tuple[Edit, ...]:
    from viewer.exchange.tables import read_json

    if not place.is_file():
        raise InputRefused("There is no such file.", where=str(place), remedy="Check the path.")
    if place.suffix.lower() == ".json":
        measurements = read_json(place)
        _refuse_others(measurements, context.need_picture(), place)
        return tuple(AddMeasurement(m) for m in measurements)
    try:
        return _seg_edits(context, place)
    except InputRefused as no_seg:
        try:
            return _sr_edits(context, place)
        except InputRefused as no_sr:
            if isinstance(no_seg, Unsupported) and isinstance(no_sr, Unsupported):
                raise Unsupported(
                    "This is neither a segmentation nor a report of measurements.",
                    where=str(place),
                    remedy="Choose a DICOM SEG, a DICOM SR or our JSON.",
                ) from None
            # The reader that knew the object's class says why.
            raise (no_sr if isinstance(no_seg, Unsupported) else no_seg) from None


def _seg_edits(context: Context, place: Path) -> tuple[Edit, ...]:
    from viewer.exchange.seg import read_segmentations

    picture = context.need_picture()
    read = read_segmentations(place, picture)
    if not picture.is_volume:
        raise InputRefused(
            "These images form no volume, so its segments would lie nowhere on them.",
            where=place.name,
            remedy="Show the series that it was made on, with all of its images.",
        )
    _say_notes(context, read.notes)
    return tuple(AddSegmentation.of(segmentation) for segmentation in read.segmentations)


def _sr_edits(context: Context, place: Path) -> tuple[Edit, ...]:
    from viewer.exchange.sr import read_report

    picture = context.need_picture()
    # Read without the picture first: only so does the report itself say whose images it means.
    _refuse_others(read_report(place).measurements, picture, place)
    read = read_report(place, picture)
    _say_notes(context, read.notes)
    return tuple(AddMeasurement(replace(m, volume_key=picture.key)) for m in read.measurements)


def _refuse_others(measurements: Sequence[Measurement], picture: Picture, place: Path) -> None:
    """Raise InputRefused for measurements of other images: no other patient's numbers here."""
    if not all(_belongs(m, picture) for m in measurements):
        raise InputRefused(
            "The measurements were made on other images.",
            where=str(place),
            remedy="Show the series that they were made on, and read them again.",
        )


def _belongs(measurement: Measurement, picture: Picture) -> bool:
    frame = picture.identity.frame_of_reference_uid
    series_uid = picture.identity.series.uid
    return (
        measurement.volume_key in (picture.key, series_uid)
        or measurement.receipt.series_uid == series_uid
        or bool(frame and measurement.frame_of_reference_uid == frame)
    )


def _say_notes(context: Context, notes: Sequence[str]) -> None:
    for note in notes:
        context.door.tell(Notice("warning", note))
