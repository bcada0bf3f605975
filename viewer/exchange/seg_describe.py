"""Segments and their maker as SEG says them (PS3.3 C.8.20.4), and back.

What DICOM has no place for (opacity, review, scores, numbers with gaps) travels in our private
record. It is believed only where the public attributes still say the same: another program may
have changed them, and what everybody can read comes first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from viewer.domain.quantity import Code
from viewer.domain.segmentation import (
    Origin,
    OriginKind,
    Rgb,
    Segment,
    Segmentation,
    refuse_too_many,
    steps_text,
)
from viewer.domain.supervision import UNREVIEWED, is_unreviewed
from viewer.errors import Damaged, InputRefused
from viewer.exchange import records
from viewer.exchange.dicom_parts import code_of, concept, is_uid, short_text
from viewer.exchange.makers import (
    GENERATED,
    algorithms,
    family_of,
    generation,
    names_of,
    versions_of,
)

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_ST = 1024  # PS3.5 table 6.2-1
_LT = 10240
_KINDS: dict[str, OriginKind] = {text: kind for kind, text in GENERATED.items()}

# field.md 4.12: colours for objects that bring none
_COLOURS: tuple[Rgb, ...] = (
    (144, 238, 144),
    (221, 130, 101),
    (0, 151, 206),
    (249, 180, 111),
    (157, 108, 162),
    (205, 205, 100),
    (68, 172, 100),
    (224, 97, 76),
)


def label_text(segment: Segment) -> str:
    """Return the segment's public label: its name as an LO value, never empty."""
    return short_text(segment.name) or f"Segment {segment.number}"


def descriptions(segmentation: Segmentation) -> list[Any]:
    """Return highdicom's descriptions, numbered 1, 2, ... in the order of the segments."""
    from highdicom.color import CIELabColor
    from highdicom.seg import SegmentDescription

    described = []
    for number, segment in enumerate(segmentation.segments, start=1):
        tracking = is_uid(segment.tracking_uid)
        origin = segmentation.origin
        described.append(
            made := SegmentDescription(
                segment_number=number,
                segment_label=label_text(segment),
                segmented_property_category=concept(segment.category),
                segmented_property_type=concept(segment.code),
                algorithm_type=generation(origin, segment),
                algorithm_identification=_identification(origin, segment),
                tracking_uid=segment.tracking_uid if tracking else None,
                tracking_id=label_text(segment) if tracking else None,
                display_color=CIELabColor.from_rgb(*segment.colour),
            )
        )
        said = [f"{UNREVIEWED} result of a network"] if is_unreviewed(segmentation, segment) else []
        if text := steps_text(segment):
            said.append(text)
        if said:
            made.SegmentDescription = _fitting(". ".join(said))
    return described


def _fitting(text: str, longest: int = _ST) -> str:
    """Return text as a short text (ST) holds it: 1024 characters, no control characters."""
    plain = "".join(c if c.isprintable() else " " for c in text)
    return plain if len(plain) <= longest else plain[: longest - 4].rstrip() + " ..."


def _identification(origin: Origin, segment: Segment) -> Any:
    """Return the one item that readers know (highdicom refuses more): all names, and all settings.

    One algorithm's parameters are told by name, those of several with the steps that they belong to.
    """
    from highdicom import AlgorithmIdentificationSequence

    found = algorithms(origin, segment)
    if not found:
        return None
    made = AlgorithmIdentificationSequence(
        name=names_of(found),
        family=concept(family_of(found)),
        version=versions_of(found),
        parameters=_settings(found[0]) or None,
    )
    if len(found) > 1:
        told = "; ".join(
            f"{n} {step.short} ({', '.join(f'{k}={v}' for k, v in _settings(step).items())})"
            for n, step in enumerate(found, start=1)
        )
        made[0].AlgorithmParameters = _fitting(told, _LT)
    return made


def _settings(algorithm: Origin) -> dict[str, str]:
    settings = {name: value for name, value in algorithm.parameters if name}
    return {**settings, "sha256": algorithm.sha256} if algorithm.sha256 else settings


def read_segments(dataset: "Dataset", where: str = "") -> dict[int, Segment]:
    """Return the public segments by their DICOM number; a segment 0 is the background of LABELMAP.

    Raises
    ------
    InputRefused
        More than 255 segments.
    Damaged
        No segments, or two with one number.
    """
    items = [item for item in dataset.get("SegmentSequence") or [] if item.get("SegmentNumber")]
    numbers = [int(item.SegmentNumber) for item in items]
    if len(set(numbers)) != len(numbers):
        raise Damaged("Two segments share one number.", where=where)
    if not numbers:
        raise Damaged("The segmentation describes no segments.", where=where)
    refuse_too_many(len(numbers), where)
    # numbers above 255 do not fit our labels: then all are counted anew
    fit = max(numbers) <= 255
    return {
        number: _segment(item, number if fit else position)
        for position, (number, item) in enumerate(zip(numbers, items, strict=True), start=1)
    }


def _segment(item: "Dataset", number: int) -> Segment:
    segment = Segment(
        number=number,
        name=str(item.get("SegmentLabel") or f"Segment {number}"),
        colour=_colour(item.get("RecommendedDisplayCIELabValue"), number),
        tracking_uid=str(item.get("TrackingUID") or ""),
        steps=(_origin(item),),
    )
    if category := item.get("SegmentedPropertyCategoryCodeSequence"):
        segment = replace(segment, category=code_of(category[0]))
    if code := item.get("SegmentedPropertyTypeCodeSequence"):
        segment = replace(segment, code=code_of(code[0]))
    return segment


def colour_of_number(number: int) -> Rgb:
    """Return the colour of a structure that brings none."""
    return _COLOURS[(number - 1) % len(_COLOURS)]


def _colour(value: Any, number: int) -> Rgb:
    from highdicom.color import CIELabColor

    if value is None or len(value) != 3:
        return colour_of_number(number)
    # other programs state colours that no screen can show: the nearest one is taken
    rgb = CIELabColor.from_dicom_value([int(part) for part in value]).to_rgb(clip=True)
    red, green, blue = (min(255, max(0, round(part))) for part in rgb)
    return red, green, blue


def read_origin(dataset: "Dataset") -> Origin:
    """Return who made the segmentation, as the first described segment says."""
    return _origin(next(i for i in dataset.SegmentSequence if i.get("SegmentNumber")))


def _origin(item: "Dataset") -> Origin:
    """Return who made a described segment."""
    kind = _KINDS.get(str(item.get("SegmentAlgorithmType") or ""), OriginKind.METHOD)
    if kind is OriginKind.HAND:
        return Origin(kind)
    identification = item.get("SegmentationAlgorithmIdentificationSequence")
    if not identification:
        return Origin(kind, str(item.get("SegmentAlgorithmName") or ""))
    algorithm = identification[0]
    name = str(algorithm.get("AlgorithmName") or item.get("SegmentAlgorithmName") or "")
    return Origin(kind, name, str(algorithm.get("AlgorithmVersion") or ""))


def private_record(segmentation: Segmentation) -> records.Record:
    """Return what our own reader needs to restore ``segmentation`` wholly."""
    numbers = [segment.number for segment in segmentation.segments]
    at_least = {
        str(n): s.fractions.at_least
        for n, s in enumerate(segmentation.segments, start=1)
        if s.fractions is not None
    }
    record = {**records.segmentation_record(segmentation), "at_least": at_least}
    return {"segmentation": record, "numbers": numbers}


def restored(
    record: Mapping[str, Any] | None, segments: Mapping[int, Segment]
) -> tuple[dict[int, Segment], Mapping[str, Any]]:
    """Return the segments with what the private record adds to them, and the record's remains.

    A record that does not fit the public segments any more is left alone, whole.
    """
    try:
        if record is None:
            return dict(segments), {}
        numbers: Sequence[Any] = record["numbers"]
        inner: Mapping[str, Any] = record["segmentation"]
        kept = [records.segment_of(entry) for entry in inner["segments"]]
        if list(segments) != list(range(1, len(kept) + 1)) or numbers != [s.number for s in kept]:
            return dict(segments), {}
        if len({segment.number for segment in kept}) != len(kept):
            return dict(segments), {}
    except (KeyError, TypeError, ValueError, InputRefused):
        return dict(segments), {}
    return {number: _agreed(public, kept[number - 1]) for number, public in segments.items()}, inner


def _agreed(public: Segment, private: Segment) -> Segment:
    """Return the private segment with everything that the public one says otherwise."""
    name = private.name if label_text(private) == public.name else public.name
    has_uid = is_uid(private.tracking_uid)
    same_uid = private.tracking_uid == public.tracking_uid or not (has_uid or public.tracking_uid)
    return replace(
        private,
        name=name,
        colour=public.colour,
        category=_code(public.category, private.category),
        code=_code(public.code, private.code),
        tracking_uid=private.tracking_uid if same_uid else public.tracking_uid,
    )


def _code(public: Code, private: Code) -> Code:
    same = (public.value, public.scheme) == (private.value, short_text(private.scheme, 16))
    return private if same else public


def restored_origin(inner: Mapping[str, Any], public: Origin, first: Segment) -> Origin:
    """Return the private origin if it still names the same maker, else the public one.

    ``first`` is the first described segment: the file's origin is its maker.
    """
    try:
        private = records.origin_of(inner["origin"])
    except (KeyError, TypeError, ValueError):
        return public
    found = algorithms(private, first)
    same = GENERATED[public.kind] == generation(private, first) and (
        not found or (names_of(found), versions_of(found)) == (public.key, public.version)
    )
    return private if same else public
