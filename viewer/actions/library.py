"""The library: what was opened is noted, found again, and forgotten on request."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from viewer.actions.context import Context, Notice
from viewer.actions.registry import action
from viewer.errors import InputRefused, ViewerError
from viewer.intake.scan import PictureSource, Scan
from viewer.jobs.job import Ticket
from viewer.jobs.runner import Outcomes

if TYPE_CHECKING:
    from viewer.library.index import Library, SeenSeries


_OPENING = threading.Lock()


def library_of(context: Context) -> "Library | None":
    """Return the library, opened at first use; None where there is none, or it cannot be used."""
    library = _opened(context)
    tell_of(context)
    return library


def _opened(context: Context) -> "Library | None":
    """Open the library once; may be called from any thread, and says nothing."""
    with _OPENING:
        if context.library is None and context.library_path is not None:
            from viewer.library.index import Library

            path, context.library_path = context.library_path, None
            try:
                context.library = Library(path)
            except (ViewerError, OSError) as error:
                context.library_notice = f"The library cannot be used: {error}"
                return None
            if context.library.set_aside is not None:
                context.library_notice = (
                    "The library was broken: it was set aside, and a new one was begun."
                )
        return context.library


def tell_of(context: Context) -> None:
    """Say once what went wrong with the library; it stops nobody from reading."""
    text, context.library_notice = context.library_notice, ""
    if text:
        context.door.tell(Notice("warning", text))


def note_scan(context: Context, found: Scan, places: Sequence[Path]) -> None:
    """Note what a scan found, as a job: neither the file nor the rows hold the window up."""
    if not found.pictures:
        return

    def work(ticket: Ticket) -> None:
        entries = seen_series(found, places)
        library = _opened(context)
        for place, seen in entries.items() if library is not None else ():
            ticket.check()
            assert library is not None  # noqa: S101 - the loop is empty without one
            library.add(seen, [place])

    context.jobs.submit(work, Outcomes(done=lambda _: tell_of(context), failed=context.tell_fault))


def seen_series(found: Scan, places: Sequence[Path]) -> dict[str, "list[SeenSeries]"]:
    """Return the series of a scan for each of the opened ``places`` (absolute paths)."""
    from viewer.library.index import SeenSeries

    counts: dict[str, int] = {}
    firsts: dict[str, PictureSource] = {}
    for source in found.pictures:
        uid = source.identity.series.uid or source.key
        firsts.setdefault(uid, source)
        counts[uid] = counts.get(uid, 0) + source.shape_kji[0]
    entries: dict[str, list[SeenSeries]] = {}
    for uid, source in firsts.items():
        identity = source.identity
        # Formats without studies (NIfTI, pictures): each file stands for itself.
        study_uid = identity.study.uid or source.key
        seen = SeenSeries(
            identity.patient,
            replace(identity.study, uid=study_uid),
            replace(identity.series, uid=uid),
            counts[uid],
        )
        entries.setdefault(_place_of(source, places), []).append(seen)
    return entries


def _place_of(source: PictureSource, places: Sequence[Path]) -> str:
    """Return which of the opened places a picture lies in; a single one holds everything."""
    known = [place.absolute() for place in places]
    instances = source.identity.instances
    if len(known) > 1 and instances and instances[0].path:
        path = Path(instances[0].path).absolute()
        for place in known:
            if path == place or place in path.parents:
                return str(place)
    return str(known[0])


def note_thumbnails(context: Context, pictures: Mapping[str, NDArray[np.uint8]]) -> None:
    """Keep the small pictures of series in the library."""
    if not pictures:
        return
    sources = dict(context.pictures.sources)

    def work(ticket: Ticket) -> None:
        import cv2

        library = _opened(context)
        if library is None:
            return
        for key, picture in pictures.items():
            ticket.check()
            source = sources.get(key)
            if source is None or "#" in key:
                continue
            channels = picture if picture.ndim == 2 else picture[..., ::-1]
            _, png = cv2.imencode(".png", np.ascontiguousarray(channels))
            library.note_thumbnail(source.identity.series.uid or key, png.tobytes())

    context.jobs.submit(work, Outcomes(failed=context.tell_fault))


def _has_library(context: Context) -> str:
    there = context.library is not None or context.library_path is not None
    return "" if there else "There is no library here."


@action("library.open", "Library…", group="File", keys=("Ctrl+L",), enabled=_has_library)
def open_library(context: Context) -> None:
    """Find a study that was opened before, by name, number, date, modality or description."""
    if library_of(context) is None:
        raise InputRefused("The library cannot be used.", remedy="A notice said why.")
    context.door.show_library()


@action("library.forget", "Forget a study", group="File", enabled=_has_library)
def forget(context: Context, *, key: str) -> None:
    """Take a study out of the library; its files stay where they are."""
    library = library_of(context)
    if library is not None:
        library.forget(key)
