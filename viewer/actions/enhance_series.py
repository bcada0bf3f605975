"""A series made by a chain: kept beside its source, and written as a derived one."""

from pathlib import Path

from viewer.actions.context import Context, Notice, has_picture
from viewer.actions.enhance import chain_of
from viewer.actions.registry import action
from viewer.domain.volume import Picture, Volume
from viewer.domain.wording import counted
from viewer.errors import InputRefused
from viewer.imaging.derived import FROM, TITLE
from viewer.jobs.job import Ticket
from viewer.jobs.runner import Outcomes


def _can_make(context: Context) -> str:
    reason = has_picture(context)
    if reason:
        return reason
    picture = context.need_picture()
    if not chain_of(context).is_active:
        return "No filter is on."
    if picture.is_colour:
        return "A series can be made of grey images only."
    return "" if picture.is_loaded else "The images are still being read."


@action("enhance.series", "Make a series", group="Enhance", keys=("Alt+E",), enabled=_can_make)
def make_series(context: Context) -> None:
    """Apply the chain to all images as a series of its own, beside the one it was made of."""
    _make(context, whole=False)


def _can_make_whole(context: Context) -> str:
    reason = _can_make(context)
    if reason:
        return reason
    if not context.need_picture().is_volume:
        return "These images do not form a volume."
    filters = context.extensions.filters
    keys = [step.key for step in chain_of(context).active.steps]
    has_form = any(k in filters and filters[k].volume_function is not None for k in keys)
    return "" if has_form else "None of these filters has a form in three dimensions."


@action("enhance.series_3d", "Make a series in 3-D", group="Enhance", enabled=_can_make_whole)
def make_series_whole(context: Context) -> None:
    """Apply the chain to the whole volume, in three dimensions where its filters can do so."""
    _make(context, whole=True)


def _make(context: Context, *, whole: bool) -> None:
    picture, chain = context.need_picture(), chain_of(context)
    filters = context.extensions.filters

    def work(ticket: Ticket) -> Picture:
        from viewer.session.deriving import derive

        return derive(picture, chain, filters, ticket, whole=whole)

    def done(made: Volume) -> None:
        from viewer.actions.file import show

        title = made.identity.acquired_text(TITLE)
        if picture.key not in context.pictures.sources:
            return  # its study was closed meanwhile
        context.pictures.take_in(picture.key, made, f"[{title}]")
        show(context, key=made.key)
        count = counted(made.grid.shape_kji[0], "image")
        context.door.tell(
            Notice("done", f"A series of {count} was made: {title}. It is kept until you close it.")
        )

    context.jobs.submit(
        work,
        Outcomes(done=done, failed=context.tell_fault),
        key="make series",
        title="Making an enhanced series",
    )


def _is_derived(context: Context) -> str:
    picture = context.picture
    if picture is None:
        return "No study is open."
    if not picture.identity.acquired_text(FROM):
        return "This series was not made here: make one first."
    return ""


@action("export.derived", "Enhanced series as DICOM", group="Export", enabled=_is_derived)
def export_dicom(context: Context, *, path: str | Path | None = None, force: bool = False) -> None:
    """Save a series that was made here as DICOM: derived, with its chain and its source images."""
    from viewer.session.deriving import write_derived

    picture = context.need_picture()
    source = context.pictures.sources.get(picture.identity.acquired_text(FROM))
    if source is None:
        raise InputRefused("The series that this one was made of is no longer open.")
    place = path or context.door.ask_save("Save the series in a new folder", "enhanced")
    if place is None:
        return
    folder = Path(place)

    def done(count: int) -> None:
        text = f"Saved {counted(count, 'image')} in {folder.name}; each was read back and compared."
        context.door.tell(Notice("done", text))

    context.jobs.submit(
        lambda ticket: len(
            write_derived(picture, source.identity, folder, force=force, ticket=ticket)
        ),
        Outcomes(done=done, failed=context.tell_fault),
        title="Saving the enhanced series",
    )


@action("export.derived_nifti", "Enhanced series as NIfTI", group="Export", enabled=_is_derived)
def export_nifti(
    context: Context, *, path: str | Path | None = None, force: bool | None = None
) -> None:
    """Save the values of a series that was made here, with their place, as .nii or .nii.gz."""
    from viewer.exchange.nifti import write_values_nifti

    picture = context.need_picture()
    place = path or context.door.ask_save("Save the values", "enhanced.nii.gz")
    if place is None:
        return
    replace_it = path is None if force is None else force
    saved = write_values_nifti(picture, Path(place), force=replace_it)
    text = f"Saved {saved.path.name}; read back and compared."
    context.door.tell(Notice("done", text, "\n".join(saved.checks)))
