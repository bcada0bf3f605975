"""Documents beside the images: reports as text."""

from collections.abc import Sequence
from pathlib import Path

from viewer.actions.context import Context
from viewer.actions.registry import Choice, action
from viewer.intake.source import LayerFile
from viewer.jobs.runner import Outcomes

_REPORTS = frozenset({"SR", "KO"})


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
