"""Results out and in. Each file is read back and compared before "saved" is said."""

from collections.abc import Callable
from pathlib import Path

from viewer.actions.context import Context, Notice, has_picture, has_segment
from viewer.actions.registry import action
from viewer.domain.measurement import Measurement
from viewer.domain.segmentation import Segmentation
from viewer.errors import InputRefused, ViewerError
from viewer.exchange.atomic import Saved
from viewer.exchange.nifti import write_labels_nifti
from viewer.exchange.picture import write_png
from viewer.exchange.seg import read_seg, write_seg
from viewer.exchange.sr import read_sr, write_sr
from viewer.exchange.tables import read_json, write_csv, write_json
from viewer.session.edits import Edit, Group
from viewer.session.edits_measurement import AddMeasurement
from viewer.session.edits_segmentation import AddSegmentation

PathLike = str | Path


def _where(context: Context, path: PathLike | None, title: str, name: str) -> Path | None:
    return Path(path) if path is not None else context.door.ask_save(title, name)


def _saved(context: Context, saved: Saved) -> Saved:
    checks = "\n".join(saved.checks)
    context.door.tell(Notice("done", f"Saved {saved.path.name}; read back and compared.", checks))
    return saved


def _save(
    context: Context,
    path: PathLike | None,
    force: bool | None,
    title: str,
    name: str,
    write: Callable[[Path, bool], Saved],
) -> Saved | None:
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


def _all_measured(context: Context, write: Callable[..., Saved]) -> Callable[[Path, bool], Saved]:
    """Return what writes every measurement and segment of the shown picture in one format."""
    picture = context.need_picture()
    found, layers = _measurements(context), _segmentations(context)
    return lambda place, replace: write(found, layers, picture, place, force=replace)


def _nothing_measured(context: Context) -> str:
    if context.picture is None:
        return "No study is open."
    return "" if _measurements(context) else "Nothing was measured."


@action("export.seg", "Segments as DICOM SEG…", group="Export", enabled=has_segment)
def seg(
    context: Context, *, path: PathLike | None = None, force: bool | None = None
) -> Saved | None:
    """Save the active segmentation as a DICOM Segmentation object."""
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
) -> Saved | None:
    """Save the measurements as a DICOM structured report (TID 1500)."""
    return _save(
        context, path, force, "Save DICOM SR", "measurements.dcm", _all_measured(context, write_sr)
    )


@action("export.csv", "Measurements as CSV…", group="Export", enabled=_nothing_measured)
def csv(
    context: Context, *, path: PathLike | None = None, force: bool | None = None
) -> Saved | None:
    """Save the measurements as a table, with units, codes and UIDs in columns."""
    return _save(
        context, path, force, "Save CSV", "measurements.csv", _all_measured(context, write_csv)
    )


@action("export.json", "Measurements as JSON…", group="Export", enabled=_nothing_measured)
def json(
    context: Context, *, path: PathLike | None = None, force: bool | None = None
) -> Saved | None:
    """Save the measurements as JSON, with receipts."""
    return _save(
        context, path, force, "Save JSON", "measurements.json", _all_measured(context, write_json)
    )


@action("export.nifti", "Segments as NIfTI…", group="Export", enabled=has_segment)
def nifti(
    context: Context, *, path: PathLike | None = None, force: bool | None = None
) -> Saved | None:
    """Save the active segmentation's labels as NIfTI."""
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
) -> Saved | None:
    """Save what the active pane shows, with its marks, as PNG ("window": the whole window)."""
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
    picture = context.need_picture()
    if not place.is_file():
        raise InputRefused("There is no such file.", where=str(place), remedy="Check the path.")
    if place.suffix.lower() == ".json":
        return tuple(AddMeasurement(m) for m in read_json(place))
    refusals = []
    for reader in (_seg_edits, _sr_edits):
        try:
            return reader(context, place, picture.key)
        except ViewerError as error:
            refusals.append(error)
    raise refusals[0] if "SEG" not in str(refusals[0]) else refusals[-1]


def _seg_edits(context: Context, place: Path, _key: str) -> tuple[Edit, ...]:
    return (AddSegmentation.of(read_seg(place, context.need_picture())),)


def _sr_edits(_context: Context, place: Path, key: str) -> tuple[Edit, ...]:
    from dataclasses import replace

    return tuple(AddMeasurement(replace(m, volume_key=key)) for m in read_sr(place))
