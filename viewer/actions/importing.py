"""Results read in: from chosen files, or from what was found beside the images."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from viewer.actions.context import Context, Notice, has_picture
from viewer.actions.networks import choose_segment
from viewer.actions.registry import action
from viewer.domain.measurement import Measurement
from viewer.domain.volume import Picture
from viewer.domain.wording import counted
from viewer.errors import InputRefused, Unsupported, ViewerError
from viewer.intake.objects import layer_name
from viewer.intake.source import LayerFile
from viewer.jobs.job import Ticket
from viewer.jobs.runner import Outcomes
from viewer.session.edits import Edit, Group
from viewer.session.edits_measurement import AddMeasurement
from viewer.session.edits_segmentation import AddSegmentation, Head

PathLike = str | Path
_LOADED_KINDS = ("SEG", "RTSTRUCT", "SR")  # in this order: a report may speak of segments


@dataclass(eq=False)
class Results:
    """What files held: edits that bring it in, and sentences about what had to be decided."""

    edits: list[Edit] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


@action(
    "file.import_results", "Import segments or measurements…", group="File", enabled=has_picture
)
def import_results(context: Context, *, path: PathLike | None = None) -> int:
    """Read a DICOM SEG, RTSTRUCT or SR, or our JSON, back in; returns how many things came."""
    places = [Path(path)] if path is not None else context.door.ask_open("Import", folder=False)
    n_read = 0
    for place in places:
        read = read_results(Path(place), context.need_picture())
        _say_notes(context, read.notes)
        context.session.apply(Group(tuple(read.edits), f"import {Path(place).name}"))
        _go_to_first(context, read.edits)
        n_read += len(read.edits)
    if places:
        were_read = counted(n_read, "result was", "results were")
        context.door.tell(Notice("done", f"{were_read} read in."))
    return n_read


def read_results(place: Path, picture: Picture) -> Results:
    """Return what one file holds for ``picture``.

    Raises
    ------
    InputRefused
        It belongs to other images, or cannot be read; ``Unsupported``: it is no file of results.
    """
    from viewer.exchange.tables import read_json

    if not place.is_file():
        raise InputRefused("There is no such file.", where=str(place), remedy="Check the path.")
    if place.suffix.lower() == ".json":
        measurements = read_json(place)
        _refuse_others(measurements, picture, place)
        return Results([AddMeasurement(m) for m in measurements])
    told: list[InputRefused] = []
    for reader in (_read_seg, _read_structures, _read_report):
        try:
            return reader(place, picture)
        except InputRefused as refused:
            told.append(refused)
    # The reader that knew the object's class says why.
    known = [refused for refused in told if not isinstance(refused, Unsupported)]
    if known:
        raise known[-1]
    raise Unsupported(
        "This holds no segmentation, structure set or measurements that can be read.",
        where=str(place),
        remedy="Choose a DICOM SEG, RTSTRUCT or SR, or our JSON.",
    )


def _read_seg(place: Path, picture: Picture) -> Results:
    from viewer.exchange.seg import read_segmentations

    read = read_segmentations(place, picture)
    if not picture.is_volume:
        raise InputRefused(
            "These images form no volume, so its segments would lie nowhere on them.",
            where=place.name,
            remedy="Show the series that it was made on, with all of its images.",
        )
    return Results([AddSegmentation.of(s) for s in read.segmentations], list(read.notes))


def _read_structures(place: Path, picture: Picture) -> Results:
    from viewer.exchange.rtstruct_read import read_rtstruct

    read = read_rtstruct(place, picture)
    return Results([AddSegmentation.of(s) for s in read.segmentations], list(read.notes))


def _read_report(place: Path, picture: Picture) -> Results:
    from viewer.exchange.sr import read_report

    # Read without the picture first: only so does the report itself say whose images it means.
    _refuse_others(read_report(place).measurements, picture, place)
    read = read_report(place, picture)
    placed = [AddMeasurement(replace(m, volume_key=picture.key)) for m in read.measurements]
    return Results(list(placed), list(read.notes))


_READERS = {"SEG": _read_seg, "RTSTRUCT": _read_structures, "SR": _read_report}


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
    """Tell the notes as one notice: a structure set may bring dozens."""
    if not notes:
        return
    more = f" ({counted(len(notes) - 1, 'more note')})" if len(notes) > 1 else ""
    context.door.tell(Notice("warning", notes[0] + more, "\n".join(notes)))


# --- what lies beside ------------------------------------------------------------------------


def layers_beside(context: Context) -> tuple[LayerFile, ...]:
    """Return the results found with the shown series that were made on it or on its space."""
    picture = context.picture
    if picture is None:
        return ()
    series_uid = picture.identity.series.uid
    frame = picture.identity.frame_of_reference_uid
    found = [
        layer
        for layer in context.pictures.layers.values()
        if layer.kind in _LOADED_KINDS
        and (
            (series_uid and series_uid in layer.series_uids)
            or (frame and frame in layer.frame_of_reference_uids)
        )
    ]
    return tuple(sorted(found, key=lambda layer: (_LOADED_KINDS.index(layer.kind), layer.path)))


def offer_layers(context: Context, key: str) -> None:
    """Say what was found beside the series ``key``, if it is the one that is shown."""
    picture, layers = context.picture, layers_beside(context)
    if picture is None or picture.key != key or not layers:
        return
    kinds = [layer.kind for layer in layers]
    kinds_text = ", ".join(
        counted(kinds.count(kind), layer_name(kind)) for kind in _LOADED_KINDS if kind in kinds
    )
    names = "\n".join(f"{Path(layer.path).name} {layer.title}".strip() for layer in layers)
    text = f"Found beside these images: {kinds_text}. Ctrl+Shift+L loads what they hold."
    context.door.tell(Notice("done", text, names))


def _has_layers(context: Context) -> str:
    if context.picture is None:
        return "No study is open."
    return "" if layers_beside(context) else "No results were found beside these images."


@action(
    "file.load_layers",
    "Load results found beside this study",
    group="File",
    keys=("Ctrl+Shift+L",),
    enabled=_has_layers,
)
def load_layers(context: Context) -> None:
    """Load every SEG, RTSTRUCT and SR that was found with these images, as one step."""
    picture, layers = context.need_picture(), layers_beside(context)

    def work(ticket: Ticket) -> Results:
        whole = Results()
        for n, layer in enumerate(layers):
            ticket.check()
            ticket.report(n / len(layers), f"{n + 1} of {len(layers)}")
            place = Path(layer.path)
            try:
                read = _READERS[layer.kind](place, picture)
            except ViewerError as error:
                whole.refused.append(_why_not(layer, place, error))
                continue
            whole.edits += read.edits
            whole.notes += [f"{place.name}: {note}" for note in read.notes]
        return whole

    context.jobs.submit(
        work,
        Outcomes(done=lambda read: _take(context, read), failed=context.tell_fault),
        key="layers",
        title="Reading results",
    )


def _why_not(layer: LayerFile, place: Path, error: ViewerError) -> str:
    if layer.kind == "SR" and isinstance(error, Unsupported):
        return f'{place.name} holds no measurements; "Show a report" reads its text.'
    return error.sentence()


def _take(context: Context, read: Results) -> None:
    """Apply what is not there yet as one step, and say what came of it."""
    state = context.session.state
    known = {s.uid for s in state.segmentations} | {m.uid for m in state.measurements}
    new: list[Edit] = []
    for found in read.edits:
        edit = _own(found, context)
        uid = _uid(edit)
        if uid not in known:
            known.add(uid)
            new.append(edit)
    if new:
        context.session.apply(Group(tuple(new), f"load {counted(len(new), 'result')}"))
        _choose(context, new)
    _say_notes(context, (*read.refused, *read.notes))
    n_old = len(read.edits) - len(new)
    before = f"; {counted(n_old, 'was', 'were')} there already" if n_old else ""
    context.door.tell(Notice("done", f"{counted(len(new), 'result')} loaded{before}."))


def _own(edit: Edit, context: Context) -> Edit:
    """Return the edit, under a name of its own if the SEG was laid on another series before."""
    from viewer.exchange.dicom_parts import derived_uid

    if not isinstance(edit, AddSegmentation):
        return edit
    head = edit.head
    for other in context.session.state.segmentations:
        if other.uid == head.uid and other.volume_key != head.volume_key:
            return replace(edit, head=replace(head, uid=derived_uid(head.uid, head.volume_key)))
    return edit


def _uid(edit: Edit) -> str:
    if isinstance(edit, AddSegmentation):
        return edit.head.uid
    assert isinstance(edit, AddMeasurement)  # noqa: S101 - results are nothing else
    return edit.measurement.uid


def _first_layer(edits: Sequence[Edit]) -> Head | None:
    """Return the first layer with a segment that ``edits`` add."""
    heads = (edit.head for edit in edits if isinstance(edit, AddSegmentation))
    return next((head for head in heads if head.segments), None)


def _go_to_first(context: Context, new: Sequence[Edit]) -> None:
    """Choose the first segment that came, and show it: it was asked for by name."""
    first = _first_layer(new)
    if first is not None:
        choose_segment(context, uid=first.uid, number=first.segments[0].number)


def _choose(context: Context, new: Sequence[Edit]) -> None:
    """Make the first segment that came the active one, unless one is active already."""
    first = _first_layer(new)
    if context.segmentation is None and first is not None:
        context.viewing.set(segmentation_uid=first.uid, segment_number=first.segments[0].number)
