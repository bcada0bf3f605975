"""Results out. Each file is read back and compared before "saved" is said."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from viewer.actions.context import Context, Notice, has_picture, has_segment
from viewer.actions.registry import Choice, action
from viewer.actions.releasing import refuse_open, released, released_measurements
from viewer.domain.measurement import Measurement
from viewer.domain.segmentation import Segmentation
from viewer.errors import InputRefused
from viewer.session.figures import SegmentFigures, outdated

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
    context: Context,
    write: "Callable[..., Saved]",
    *,
    unreviewed: bool = False,
    every: bool = False,
) -> "Callable[[Path, bool], Saved]":
    """Return what writes every measurement and segment of the shown picture in one format.

    ``every``: the format lists segments that were not measured, too.
    """
    picture = context.need_picture()
    found, layers = _measurements(context), _segmentations(context)
    if every and not unreviewed:
        refuse_open(context)
    old = outdated(found, layers, SegmentFigures())
    if old:
        label = next(m.label for m in found if m.uid in old)
        raise InputRefused(
            f"{label} was changed after it was measured.",
            remedy="Measure the segment again (Shift+M), or delete these numbers.",
        )
    found = released_measurements(context, found, unreviewed=unreviewed)
    layers = tuple(released(context, s, unreviewed=True) for s in layers)
    return lambda place, replace: write(found, layers, picture, place, force=replace)


def _nothing_measured(context: Context) -> str:
    if context.picture is None:
        return "No study is open."
    return "" if _measurements(context) else "Nothing was measured."


@action("export.seg", "Segments as DICOM SEG…", group="Export", enabled=has_segment)
def seg(
    context: Context,
    *,
    path: PathLike | None = None,
    force: bool | None = None,
    unreviewed: bool = False,
) -> "Saved | None":
    """Save the active segmentation as a DICOM Segmentation object."""
    from viewer.exchange.seg import write_seg

    segmentation, _ = context.need_segment()
    picture = context.need_picture_of(segmentation)
    segmentation = released(context, segmentation, unreviewed=unreviewed)
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
    context: Context,
    *,
    path: PathLike | None = None,
    force: bool | None = None,
    unreviewed: bool = False,
) -> "Saved | None":
    """Save the measurements as a DICOM structured report (TID 1500)."""
    from viewer.exchange.sr import write_sr

    return _save(
        context,
        path,
        force,
        "Save DICOM SR",
        "measurements.dcm",
        _all_measured(context, write_sr, unreviewed=unreviewed),
    )


@action("export.csv", "Measurements as CSV…", group="Export", enabled=_nothing_measured)
def csv(
    context: Context,
    *,
    path: PathLike | None = None,
    force: bool | None = None,
    unreviewed: bool = False,
) -> "Saved | None":
    """Save the measurements as a table, with units, codes and UIDs in columns."""
    from viewer.exchange.tables import write_csv

    return _save(
        context,
        path,
        force,
        "Save CSV",
        "measurements.csv",
        _all_measured(context, write_csv, unreviewed=unreviewed, every=True),
    )


@action("export.json", "Measurements as JSON…", group="Export", enabled=_nothing_measured)
def json(
    context: Context,
    *,
    path: PathLike | None = None,
    force: bool | None = None,
    unreviewed: bool = False,
) -> "Saved | None":
    """Save the measurements as JSON, with receipts."""
    from viewer.exchange.tables import write_json

    return _save(
        context,
        path,
        force,
        "Save JSON",
        "measurements.json",
        _all_measured(context, write_json, unreviewed=unreviewed, every=True),
    )


@action("export.nifti", "Segments as NIfTI…", group="Export", enabled=has_segment)
def nifti(
    context: Context, *, path: PathLike | None = None, force: bool | None = None
) -> "Saved | None":
    """Save the active segmentation's labels as NIfTI."""
    from viewer.exchange.nifti import write_labels_nifti

    segmentation, _ = context.need_segment()
    segmentation = released(context, segmentation, labelled=False)
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


def _labelled(_context: Context) -> Sequence[Choice]:
    names = ("DICOM SEG", "DICOM SR", "CSV", "JSON")
    return [Choice(f"{name}…", {"kind": name.split()[-1].lower()}) for name in names]


@action(
    "export.unreviewed",
    "Unreviewed, and labelled so",
    group="Export",
    choices=_labelled,
    enabled=has_segment,
)
def unreviewed(
    context: Context, *, kind: str, path: PathLike | None = None, force: bool | None = None
) -> "Saved | None":
    """Save findings of a network that nobody has reviewed; the file says UNREVIEWED at each."""
    writers: dict[str, Callable[..., Saved | None]]
    writers = {"seg": seg, "sr": sr, "csv": csv, "json": json}
    write = writers.get(kind)
    if write is None:
        raise InputRefused(f"Findings cannot be labelled UNREVIEWED in {kind}.")
    return write(context, path=path, force=force, unreviewed=True)
