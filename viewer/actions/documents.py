"""Documents beside the images: reports as text, key images, PDFs."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from viewer.actions.context import Context, Notice
from viewer.actions.registry import Choice, action
from viewer.errors import InputRefused, ViewerError
from viewer.intake.source import LayerFile
from viewer.jobs.job import Ticket
from viewer.jobs.runner import Outcomes

if TYPE_CHECKING:
    from viewer.exchange.atomic import Saved
    from viewer.exchange.key_images import KeySelection

_REPORTS = frozenset({"SR", "KO"})
_KEYS = frozenset({"KO"})
_PDFS = frozenset({"PDF"})
_MOST_READ = 200


def documents(context: Context, kinds: frozenset[str]) -> tuple[LayerFile, ...]:
    """Return the documents of these kinds that were opened, those of the shown series first."""
    picture = context.picture
    series_uid = "" if picture is None else picture.identity.series.uid
    found = [layer for layer in context.pictures.layers.values() if layer.kind in kinds]
    return tuple(sorted(found, key=lambda d: (series_uid not in d.series_uids, d.path)))


def titled(document: LayerFile) -> str:
    """Return what a person calls a document: its title and its file."""
    name = Path(document.path).name
    return f"{document.title} ({name})" if document.title else name


def _report_choices(context: Context) -> Sequence[Choice]:
    found = documents(context, _REPORTS)
    return [
        *(Choice(titled(document), {"path": document.path}) for document in found),
        Choice("Another file…", {"path": ""}),
    ]


@action("file.show_report", "Show a report", group="File", choices=_report_choices)
def show_report(context: Context, *, path: Path | str) -> None:
    """Show a structured report, whatever its template, as readable text."""
    places = (Path(path),) if path else context.door.ask_open("Show a report", folder=False)
    for place in places[:1]:
        _show(context, place)


def _show(context: Context, place: Path) -> None:
    from viewer.exchange.sr_outline import Outline, read_outline

    def done(outline: Outline) -> None:
        context.door.show_text(outline.title, outline.text)

    context.jobs.submit(
        lambda _ticket: read_outline(place),
        Outcomes(done=done, failed=context.tell_fault),
        key="report",
        title="Reading a report",
    )


# --- key images ------------------------------------------------------------------------------


def _key_objects(context: Context) -> tuple[LayerFile, ...]:
    """Return the key objects that name the shown series."""
    picture = context.picture
    if picture is None:
        return ()
    series_uid = picture.identity.series.uid
    return tuple(d for d in documents(context, _KEYS) if series_uid in d.series_uids)


def _has_key_images(context: Context) -> str:
    if context.picture is None:
        return "No study is open."
    return "" if _key_objects(context) else "No key images were marked in this series."


@action(
    "view.next_key_image",
    "Next key image",
    group="View",
    keys=("Shift+K",),
    enabled=_has_key_images,
)
def next_key_image(context: Context) -> None:
    """Go to the next image that a key object selection marks, and say why it was marked."""
    places = [Path(document.path) for document in _key_objects(context)[:_MOST_READ]]

    def work(ticket: Ticket) -> "tuple[list[KeySelection], list[str]]":
        from viewer.exchange.key_images import read_key_images

        found, refused = [], []
        for place in places:
            ticket.check()
            try:
                found.append(read_key_images(place))
            except ViewerError as error:
                refused.append(error.sentence())
        return found, refused

    def done(read: "tuple[list[KeySelection], list[str]]") -> None:
        found, refused = read
        for sentence in refused:
            context.door.tell(Notice("warning", sentence))
        _to_next(context, found)

    context.jobs.submit(
        work,
        Outcomes(done=done, failed=context.tell_fault),
        key="key images",
        title="Reading key images",
    )


def _to_next(context: Context, found: "Sequence[KeySelection]") -> None:
    picture = context.picture
    if picture is None:
        return
    marked = sorted({k for selection in found for k in selection.slices_of(picture)})
    if not marked:
        context.door.tell(Notice("warning", "None of these images is marked as a key image."))
        return
    point = picture.grid.index(np.array(context.viewing.look.crosshair_lps_mm))
    now = round(float(point[2]))
    k = next((k for k in marked if k > now), marked[0])
    context.viewing.cross(picture, picture.grid.world((point[0], point[1], float(k))))
    why = {
        ": ".join(part for part in (selection.title, selection.description) if part)
        for selection in found
        if k in selection.slices_of(picture)
    }
    n = marked.index(k) + 1
    context.door.tell(Notice("done", f"Key image {n} of {len(marked)}. {' / '.join(sorted(why))}"))


# --- PDFs ------------------------------------------------------------------------------------


def _pdf_choices(context: Context) -> Sequence[Choice]:
    return [Choice(titled(d), {"source": d.path}) for d in documents(context, _PDFS)]


def _has_pdfs(context: Context) -> str:
    return "" if documents(context, _PDFS) else "No PDF was found beside the images."


@action("file.save_pdf", "Save a PDF found", group="File", enabled=_has_pdfs, choices=_pdf_choices)
def save_pdf(
    context: Context,
    *,
    source: Path | str,
    path: Path | str | None = None,
    force: bool | None = None,
) -> "Saved | None":
    """Save the PDF in a DICOM object as a file of its own, to be opened elsewhere."""
    from viewer.exchange.pdf import file_name, read_pdf, write_pdf

    if not Path(source).is_file():
        raise InputRefused("There is no such file.", where=str(source), remedy="Check the path.")
    pdf = read_pdf(Path(source))
    place = path or context.door.ask_save("Save the PDF", file_name(pdf.title))
    if place is None:
        return None
    saved = write_pdf(pdf, Path(place), force=path is None if force is None else force)
    context.door.tell(Notice("done", f"Saved {saved.path.name}.", "\n".join(saved.checks)))
    return saved
