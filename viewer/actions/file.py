"""Open, show, close."""

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from viewer.actions.context import Context, Notice, has_picture
from viewer.actions.importing import offer_layers
from viewer.actions.registry import Choice, action
from viewer.domain.ledger import Fate
from viewer.domain.volume import Picture
from viewer.domain.wording import counted
from viewer.errors import InputRefused
from viewer.intake.decode import allocate, decode, fitting_step, thumbnail
from viewer.intake.scan import PictureSource, Scan, scan
from viewer.intake.thinning import ordinal
from viewer.jobs.job import Ticket
from viewer.jobs.runner import Outcomes
from viewer.session.pictures import best_of


@action("file.open_folder", "Open a folder…", group="File", keys=("Ctrl+Shift+O",))
def open_folder(context: Context) -> None:
    """Open every study in a folder, with its subfolders."""
    open_paths(context, paths=context.door.ask_open("Open a folder", folder=True))


@action("file.open_files", "Open files…", group="File", keys=("Ctrl+O",))
def open_files(context: Context) -> None:
    """Open DICOM files, a DICOMDIR, a ZIP archive or a NIfTI file."""
    open_paths(context, paths=context.door.ask_open("Open files", folder=False))


@action("file.open_paths", "Open paths", group="File")
def open_paths(context: Context, *, paths: Sequence[Path | str]) -> None:
    """Open folders and files, and show the largest volume found."""
    places = tuple(Path(path) for path in paths)
    if not places:
        return
    context.session.open_paths(tuple(str(path) for path in places))
    read_paths(context, places)


def read_paths(
    context: Context, places: Sequence[Path], *, then: Callable[[], None] = lambda: None
) -> None:
    """Scan ``places`` as a job and show what they hold; nothing is written to the journal.

    ``then`` is called once the first of their pictures is shown.
    """
    for place in places:
        if not place.exists():
            raise InputRefused(
                "There is no such file or folder.", where=str(place), remedy="Check the path."
            )

    known = frozenset(context.pictures.sources)

    def work(ticket: Ticket) -> tuple[Scan, Picture | None]:
        found = scan(places, ticket)
        return found, _begun(found, known, ticket)

    def done(result: tuple[Scan, Picture | None]) -> None:
        found, ahead = result
        new = context.pictures.add(found)
        if not found.pictures:
            _say_nothing_found(context, found, places)
            return
        key = context.pictures.best(new or [s.key for s in found.pictures])
        _look_further(context, found, places, new)
        _show(context, key, ahead)
        then()
        if found.ledger.refused:
            files = counted(len(found.ledger.refused), "file")
            context.door.tell(
                Notice(
                    "warning",
                    f"{files} could not be used; the list names them.",
                    "\n".join(f"{f.path}: {f.reason} {f.hint}" for f in found.ledger.refused),
                )
            )

    context.jobs.submit(
        work, Outcomes(done=done, failed=context.tell_fault), title="Reading headers"
    )


def _begun(found: Scan, known: Collection[str], ticket: Ticket) -> Picture | None:
    """Return the picture that will be shown, with the image that is seen first, or None.

    It is read where the headers were: the window has then one thing to paint, and paints it once.
    """
    source = best_of([one for one in found.pictures if one.key not in known] or found.pictures)
    if source is None or source.key in known:
        return None
    try:
        picture = allocate(source)
        decode(source, picture, ticket, first_k=_first_k(picture), most=1)
    except Exception:  # noqa: BLE001 - what is wrong comes up, and is told, when it is shown
        return None
    return picture


def _first_k(picture: Picture) -> int:
    return picture.grid.shape_kji[0] // 2


def _look_further(
    context: Context, found: Scan, places: Sequence[Path], new: Sequence[str]
) -> None:
    """Note a scan in the library and make small pictures, once the first picture is painted."""

    def note() -> None:
        from viewer.actions.library import note_scan

        note_scan(context, found, places)

    def go_on(_waited: None) -> None:
        note()
        _read_thumbnails(context, new)

    context.jobs.submit(_until_painted(context), Outcomes(done=go_on, cancelled=note))


def _until_painted(context: Context) -> Callable[[Ticket], None]:
    """Return a job's work that ends when what was changed so far is on the screen."""
    painted = context.door.painted()

    def wait(ticket: Ticket) -> None:
        ticket.when_cancelled(painted.set)
        painted.wait()
        ticket.check()

    return wait


def _say_nothing_found(context: Context, found: Scan, places: Sequence[Path]) -> None:
    names = ", ".join(place.name for place in places)
    refused = found.ledger.refused
    text = f"{names}: no image was found in {counted(found.ledger.n_files, 'file')}."
    if len(refused) == 1:
        text = f"{Path(refused[0].path).name}: {refused[0].reason} {refused[0].hint}"
    details = "\n".join(f"{f.path}: {f.reason} {f.hint}" for f in refused)
    context.door.tell(Notice("warning", text, details))


def _series_choices(context: Context) -> Sequence[Choice]:
    return [_series_choice(entry.source) for entry in context.pictures.entries()]


def _series_choice(source: PictureSource) -> Choice:
    """Return the choice of a series; of every n-th slice where not all fit into memory."""
    every = fitting_step(source) or 1
    if every == 1:
        return Choice(source.title, {"key": source.key})
    title = f"{source.title} (every {ordinal(every)} slice)"
    return Choice(title, {"key": source.key, "every": every})


@action("file.show", "Show series", group="File", choices=_series_choices)
def show(context: Context, *, key: str, every: int = 1) -> None:
    """Show a series: its first image at once, the others as they are read.

    With ``every`` above 1, only each n-th slice is read, where memory cannot hold all.
    """
    if key not in context.pictures.sources:
        raise InputRefused("This series is not open.", where=key)
    _show(context, context.pictures.thin(key, every))


def _show(context: Context, key: str, ahead: Picture | None = None) -> None:
    """Show a series; ``ahead`` is its picture where one was begun, with its first image."""
    known = context.pictures.loaded.get(key)
    if known is None and ahead is not None and ahead.key == key:
        context.pictures.loaded[key] = ahead
    picture = context.pictures.begin(key)
    context.viewing.show(picture)
    _choose_segment(context, picture)
    if picture is known and picture.is_loaded:
        context.pictures.changed.emit(key)
        return

    _read_images(context, key, picture)


def _read_images(context: Context, key: str, picture: Picture) -> None:
    """Read the shown image and tell it, then all others: nothing competes with the first frame."""
    guessed = context.viewing.window(picture)
    first_k = _first_k(picture)
    title, job_key = "Reading images", f"decode:{key}"

    def done(failed: tuple[Fate, ...]) -> None:
        if failed:
            context.pictures.refuse(failed)
            images = counted(len(failed), "image")
            context.door.tell(Notice("warning", f"{images} could not be decoded."))
        if not _has_window(picture):
            context.viewing.take_window(picture, guessed)
        context.pictures.changed.emit(key)
        offer_layers(context, key)

    def go_on(_read: object) -> None:
        from viewer.actions.presentation import read_presentations

        read_presentations(context, key)
        context.pictures.changed.emit(key)
        context.jobs.submit(
            lambda ticket: _decode(context, key, first_k, ticket),
            Outcomes(done=done, failed=context.tell_fault),
            key=job_key,
            title=title,
        )

    def read_first(ticket: Ticket) -> None:
        context.pictures.read(key, ticket, first_k=first_k, most=1)

    context.jobs.submit(
        _until_painted(context) if picture.loaded_k[first_k] else read_first,
        Outcomes(done=go_on, failed=context.tell_fault),
        key=job_key,
        title=title,
    )


def _has_window(picture: Picture) -> bool:
    return bool(picture.display.windows or picture.display.windows_k)


def _decode(context: Context, key: str, first_k: int, ticket: Ticket) -> tuple[Fate, ...]:
    loaded_k = context.pictures.loaded[key].loaded_k
    n_read = int(loaded_k.sum())

    def on_slice(_k: int) -> None:
        nonlocal n_read
        n_read += 1
        # Twenty times in all: a repaint is not free.
        if n_read % max(1, len(loaded_k) // 20) == 0:
            ticket.report(n_read / len(loaded_k), f"image {n_read} of {len(loaded_k)}")

    return context.pictures.read(key, ticket, first_k=first_k, on_slice=on_slice)


def _choose_segment(context: Context, picture: Picture) -> None:
    for segmentation in context.session.state.segmentations:
        if segmentation.volume_key == picture.key and segmentation.segments:
            context.viewing.set(
                segmentation_uid=segmentation.uid,
                segment_number=segmentation.segments[0].number,
            )
            return
    context.viewing.set(segmentation_uid="", segment_number=0)


def _read_thumbnails(context: Context, keys: Sequence[str]) -> None:
    def work(ticket: Ticket) -> dict[str, NDArray[np.uint8]]:
        pictures = {}
        for key in keys:
            ticket.check()
            pictures[key] = thumbnail(context.pictures.sources[key])
        return pictures

    def done(pictures: dict[str, NDArray[np.uint8]]) -> None:
        from viewer.actions.library import note_thumbnails

        note_thumbnails(context, pictures)
        context.pictures.thumbnails.update(pictures)
        context.pictures.changed.emit("")

    context.jobs.submit(work, Outcomes(done=done, failed=context.tell_fault))


def _step_series(context: Context, step: int) -> None:
    keys = [entry.source.key for entry in context.pictures.entries()]
    if context.viewing.look.picture_key in keys:
        at = keys.index(context.viewing.look.picture_key) + step
        if 0 <= at < len(keys):
            show(context, key=keys[at])


@action("file.next_series", "Next series", group="File", keys=("PgDown",), enabled=has_picture)
def next_series(context: Context) -> None:
    """Show the next series of the list."""
    _step_series(context, 1)


@action(
    "file.previous_series", "Previous series", group="File", keys=("PgUp",), enabled=has_picture
)
def previous_series(context: Context) -> None:
    """Show the previous series of the list."""
    _step_series(context, -1)


@action("file.demo", "Open the demonstration study", group="File", keys=("Ctrl+D",))
def open_demo(context: Context) -> None:
    """Open the built-in, generated chest CT; it is made on first use."""
    from viewer.phantom.demo import demo_folder

    def done(folder: Path) -> None:
        open_paths(context, paths=(folder / "dicom" if (folder / "dicom").is_dir() else folder,))

    context.jobs.submit(
        lambda _ticket: demo_folder(),
        Outcomes(done=done, failed=context.tell_fault),
        key="demo",
        title="Making the demonstration study",
    )


@action("file.close", "Close the study", group="File", keys=("Ctrl+W",), enabled=has_picture)
def close_study(context: Context) -> None:
    """Close all series; the session's edits stay in its journal."""
    context.jobs.cancel_all()
    context.viewing.set_draft(None)
    context.viewing.set(picture_key="", planes={}, segmentation_uid="", segment_number=0)
    context.pictures.close_all()


@action("file.quit", "Quit", group="File", keys=("Ctrl+Q",))
def quit_program(context: Context) -> None:
    """Leave the program; the session is kept."""
    context.quit()
