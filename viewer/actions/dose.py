"""Dose laid on the images that it was planned on."""

from collections.abc import Sequence

from viewer import __version__
from viewer.actions.context import Context, Notice, has_volume
from viewer.actions.registry import Choice, action
from viewer.domain.quantity import Code, readable_unit
from viewer.domain.segmentation import Origin, OriginKind, Rgb, Segment, Segmentation
from viewer.domain.wording import counted
from viewer.errors import InputRefused
from viewer.intake.decode import load
from viewer.intake.source import PictureSource
from viewer.jobs.job import Ticket
from viewer.jobs.runner import Outcomes
from viewer.session.edits_segmentation import AddSegmentation
from viewer.session.identifiers import new_uid

_PERCENT = (10.0, 30.0, 50.0, 70.0, 80.0, 90.0, 95.0)
# From cold to hot
_COLOURS: tuple[Rgb, ...] = (
    (60, 80, 200),
    (50, 140, 230),
    (40, 190, 190),
    (70, 190, 80),
    (225, 215, 60),
    (240, 145, 40),
    (225, 50, 45),
)
_SPATIAL = Code("309825002", "SCT", "Spatial and Relational Concept")
_BAND = Code("isodose", "99NEGATO", "Isodose band")


def _doses(context: Context) -> list[PictureSource]:
    """Return the doses that lie in the space of the shown images."""
    picture = context.picture
    frame = "" if picture is None else picture.identity.frame_of_reference_uid
    return [
        source
        for source in context.pictures.sources.values()
        if source.identity.series.modality == "RTDOSE"
        and source.is_volume
        and frame
        and source.identity.frame_of_reference_uid == frame
        and picture is not None
        and source.key != picture.key
    ]


def _has_doses(context: Context) -> str:
    reason = has_volume(context)
    return reason or ("" if _doses(context) else "No dose lies in the space of these images.")


def _choices(context: Context) -> Sequence[Choice]:
    return [Choice(source.title, {"key": source.key}) for source in _doses(context)]


@action(
    "segment.isodose",
    "Isodose bands of a dose",
    group="Segments",
    enabled=_has_doses,
    choices=_choices,
)
def isodose(context: Context, *, key: str, percent: Sequence[float] = _PERCENT) -> None:
    """Draw a dose on these images as bands between shares (%) of its highest value."""
    picture = context.need_picture()
    source = next((source for source in _doses(context) if source.key == key), None)
    if source is None:
        raise InputRefused("This dose does not lie in the space of these images.", where=key)

    def work(ticket: Ticket) -> AddSegmentation:
        from viewer.imaging.isodose import highest, isodose_bands

        dose = load(source)
        if not dose.is_loaded:
            raise InputRefused(
                "Parts of the dose could not be decoded.",
                where=source.title,
                remedy="Copy it again.",
            )
        most = highest(dose)
        if most <= 0:
            raise InputRefused("The dose is zero everywhere.", where=source.title)

        def check(done: float) -> None:
            ticket.check()
            ticket.report(done)

        labels = isodose_bands(dose, picture.grid, [most * p / 100 for p in percent], check)
        unit = readable_unit(dose.quantity.unit)
        made = Segmentation(
            uid=new_uid(),
            name=f"Isodose, % of maximum: {source.title}",
            volume_key=picture.key,
            grid=picture.grid,
            labels=labels,
            segments=_segments(percent, most, unit),
            origin=Origin(
                OriginKind.METHOD,
                "isodose",
                __version__,
                parameters=(("dose", source.key), ("percent", str(list(percent)))),
            ),
        )
        return AddSegmentation.of(made, "isodose bands")

    def done(edit: AddSegmentation) -> None:
        context.session.apply(edit)
        context.viewing.set(segmentation_uid=edit.head.uid, segment_number=1)
        were = counted(len(edit.head.segments), "isodose band was", "isodose bands were")
        context.door.tell(Notice("done", f"{were} drawn."))

    context.jobs.submit(
        work,
        Outcomes(done=done, failed=context.tell_fault),
        key="isodose",
        title="Laying the dose on the images",
    )


def _segments(percent: Sequence[float], most: float, unit: str) -> tuple[Segment, ...]:
    ends = [*percent[1:], None]
    return tuple(
        Segment(
            number=n,
            name=_name(low, high, most, unit),
            colour=_COLOURS[(n - 1) * len(_COLOURS) // max(len(percent), 1)],
            category=_SPATIAL,
            code=_BAND,
            opacity=0.25,
            tracking_uid=new_uid(),
        )
        for n, (low, high) in enumerate(zip(percent, ends, strict=True), start=1)
    )


def _name(low: float, high: float | None, most: float, unit: str) -> str:
    first = f"{most * low / 100:.4g}"
    if high is None:
        return f"from {first} {unit}".strip() + f" ({low:g} % and more)"
    return f"{first} to {most * high / 100:.4g} {unit}".strip() + f" ({low:g} to {high:g} %)"
