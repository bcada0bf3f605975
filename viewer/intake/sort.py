"""Sort the frames of a series into parts that belong together: one volume or one stack each.

Where a frame lies is told by its position and orientation alone; never by slice thickness, tilt,
or the order of files (README of the test data 3.4; field.md 2.3, 2.5).
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from viewer.intake import tags
from viewer.intake.frames import FLAT_MODALITIES, Frame, Vector, cross
from viewer.intake.limits import DIRECTION_TOLERANCE

_SPOKES = 12  # more orientations than this in one series: a rotation, not a set of volumes
_SAME_PLACE = 0.01  # of the pixel spacing
_COVERAGE = 0.6
# Single images of these are looked at one by one.
_SINGLE_MODALITIES = FLAT_MODALITIES - {"US", "IVUS"}


@dataclass(frozen=True, slots=True)
class Part:
    """Frames in slice order, and what sets them apart from the rest of their series."""

    frames: tuple[Frame, ...]
    label: str = ""
    reason: str = ""


def sorted_parts(frames: Sequence[Frame]) -> tuple[Part, ...]:
    """Return the parts of one series, the largest first; every frame is in exactly one part."""
    parts = [
        part
        for kind in _by_kind(frames)
        for part in (_by_position(kind) if kind.frames[0].place else [_in_file_order(kind)])
    ]
    return tuple(sorted(parts, key=_rank))


def _rank(part: Part) -> tuple[int, int, str]:
    first = min(part.frames, key=_file_order)
    return -len(part.frames), first.instance_number or 0, first.file.shown


def _file_order(frame: Frame) -> tuple[int, str, int]:
    return frame.instance_number or 0, frame.file.shown, frame.number


def _in_file_order(part: Part) -> Part:
    return replace(part, frames=tuple(sorted(part.frames, key=_file_order)))


def _by_kind(frames: Sequence[Frame]) -> list[Part]:
    """Part frames that can share no array: other size, type, orientation, spacing or space."""
    turned = _orientation_numbers(frames)
    groups: dict[tuple[Hashable, ...], list[Frame]] = defaultdict(list)
    traits: dict[tuple[Hashable, ...], dict[str, Hashable]] = {}
    keys: dict[tuple[Hashable, ...], tuple[Hashable, ...]] = {}
    for frame, turn in zip(frames, turned, strict=True):
        facts = _kind_facts(frame, turn)
        if facts not in keys:
            described = _kind(frame, turn)
            keys[facts] = tuple(described.values())
            traits[keys[facts]] = described
        key = keys[facts]
        lies = turn is not None or frame.place is None
        groups[key].append(frame if lies else replace(frame, place=None))
    varying = [
        name
        for name in next(iter(traits.values()))
        if len({described[name] for described in traits.values()}) > 1
    ]
    parts = []
    for key, members in groups.items():
        label = ", ".join(
            text for name in varying if (text := _kind_label(name, traits[key][name]))
        )
        parts.append(Part(tuple(members), label, ", ".join(varying)))
    return parts


def _kind_facts(frame: Frame, turn: int | None) -> tuple[Hashable, ...]:
    """Return all that ``_kind`` looks at, as it is stored: few of a series' frames differ in it."""
    place, values = frame.place, frame.header.values
    return (
        frame.file.layout,
        frame.image_type,
        turn,
        None if place is None else (place.row_mm, place.column_mm),
        values.get(tags.FRAME_OF_REFERENCE_UID),
        values.get(tags.MODALITY),
        frame.header.charset,
        None if place is not None and turn is not None else (frame.file.shown, frame.file.n_frames),
    )


def _kind(frame: Frame, turn: int | None) -> dict[str, Hashable]:
    layout, place = frame.file.layout, frame.place if turn is not None else None
    alone = place is None and (
        frame.file.n_frames > 1 or frame.header.text(tags.MODALITY) in _SINGLE_MODALITIES
    )
    return {
        "image size": f"{layout.columns} × {layout.rows}",
        "kind of values": (layout.sample_type.str, layout.is_colour, layout.photometric),
        "localiser": frame.is_localiser,
        "orientation": turn,
        "pixel spacing": place
        and tuple(float(f"{mm:.5g}") for mm in (place.row_mm, place.column_mm)),
        "frame of reference": frame.header.text(tags.FRAME_OF_REFERENCE_UID) if place else "",
        "file": frame.file.shown if alone else "",
    }


def _kind_label(name: str, value: Hashable) -> str:
    if name == "localiser":
        return "localiser" if value is True else ""
    if name == "image size":
        return str(value)
    if name == "orientation" and isinstance(value, int):
        return f"orientation {value + 1}"
    if name == "pixel spacing" and isinstance(value, tuple):
        return " × ".join(f"{mm:g}" for mm in value) + " mm"
    return ""


def _orientation_numbers(frames: Sequence[Frame]) -> list[int | None]:
    """Return for each frame which orientation of the series it has; None: no place in space."""
    known: list[np.ndarray] = []
    exact: dict[tuple[Vector, Vector], int] = {}
    numbers: list[int | None] = []
    for frame in frames:
        if frame.place is None:
            numbers.append(None)
            continue
        axes = (frame.place.along_row, frame.place.along_column)
        if axes not in exact:
            exact[axes] = _nearest(known, np.array(axes))
        numbers.append(exact[axes])
    turns = len(known) > _SPOKES or 3 < len(known) == len(frames)
    return [None] * len(numbers) if turns else numbers


def _nearest(known: list[np.ndarray], axes: np.ndarray) -> int:
    for number, other in enumerate(known):
        if np.abs(other - axes).max() < DIRECTION_TOLERANCE:
            return number
    known.append(axes)
    return len(known) - 1


def depths_mm(frames: Sequence[Frame]) -> np.ndarray:
    """Return the distance (n,) of each frame along the common normal, row x column."""
    places = [frame.place for frame in frames if frame.place]
    normal = np.array(cross(places[0].along_row, places[0].along_column))
    return np.asarray(np.array([place.position for place in places]) @ normal)


def _by_position(part: Part) -> list[Part]:
    """Part frames that lie at the same place, and put each part into slice order."""
    depths = depths_mm(part.frames)
    place = part.frames[0].place
    step = _SAME_PLACE * min(place.row_mm, place.column_mm) if place else 0.0
    order = np.argsort(depths, kind="stable")
    slots = np.empty(len(depths), dtype=np.int64)
    slots[order] = np.concatenate(([0], np.cumsum(np.diff(depths[order]) > step)))
    placed = [_Placed(frame, int(slot)) for frame, slot in zip(part.frames, slots, strict=True)]
    if slots.max() == 0 and len(placed) > 1:  # one place over time: a film, not n volumes
        return [_in_file_order(part)]
    return [
        Part(
            tuple(item.frame for item in sorted(found, key=lambda item: item.slot)),
            ", ".join(text for text in (part.label, label) if text),
            ", ".join(text for text in (part.reason, reason) if text),
        )
        for label, reason, found in _told_apart(placed)
    ]


@dataclass(frozen=True, slots=True)
class _Placed:
    frame: Frame
    slot: int


def _told_apart(placed: Sequence[_Placed]) -> list[tuple[str, str, list[_Placed]]]:
    """Return (label, reason, frames) such that no two frames of a part lie at the same place."""
    counts = Counter(item.slot for item in placed)
    if max(counts.values()) == 1:
        return [("", "", list(placed))]
    for name in _trait_names(placed):
        groups = _grouped(placed, name)
        if not 1 < len(groups) <= max(counts.values()):
            continue
        covered = sorted(len({item.slot for item in group}) for group in groups.values())
        if covered[len(covered) // 2] < _COVERAGE * len(counts):
            continue
        short = _shortened(list(groups))
        return [
            (
                ", ".join(text for text in (f"{name} {short[value]}", label) if text),
                ", ".join(text for text in (name, reason) if text),
                found,
            )
            for value, group in groups.items()
            for label, reason, found in _told_apart(group)
        ]
    return _by_occurrence(placed)


def _trait_names(placed: Iterable[_Placed]) -> list[str]:
    return list(dict.fromkeys(name for item in placed for name, _ in item.frame.traits))


def _grouped(placed: Iterable[_Placed], name: str) -> dict[str, list[_Placed]]:
    groups: dict[str, list[_Placed]] = defaultdict(list)
    for item in placed:
        groups[next((value for key, value in item.frame.traits if key == name), "")].append(item)
    return groups


def _shortened(values: list[str]) -> dict[str, str]:
    """Return of each backslashed value the words that not all of them share."""
    words = {value: value.split("\\") for value in values}
    shared = set.intersection(*(set(found) for found in words.values()))
    return {
        value: " ".join(word for word in found if word not in shared) or "-"
        for value, found in words.items()
    }


def _by_occurrence(placed: Sequence[_Placed]) -> list[tuple[str, str, list[_Placed]]]:
    """Nothing in the headers tells them apart: the n-th image of each place, in file order."""
    seen: Counter[int] = Counter()
    groups: dict[int, list[_Placed]] = defaultdict(list)
    for item in sorted(placed, key=lambda item: _file_order(item.frame)):
        groups[seen[item.slot]].append(item)
        seen[item.slot] += 1
    return [
        (f"repeat {turn + 1}", "images at the same place", group) for turn, group in groups.items()
    ]
