"""Classical segmentation methods and networks on the same cases, tuned on the training part alone."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.domain.chain import Setting
from viewer.domain.segmenters import Mask, Segmenter, SegmentRequest
from viewer.errors import InputRefused, ViewerError
from viewer.imaging.agreement import Confusion, bootstrap_interval, distance_95_mm
from viewer.imaging.segmenting import segmented
from viewer.jobs.job import Ticket
from viewer.learning.compare_pictures import write_pictures
from viewer.learning.image_sets import read_masks
from viewer.learning.lesion_evaluate import lesion_box
from viewer.learning.lesion_sets import LabelledVolume, read_lesions, split_of
from viewer.learning.segmentation_networks import Box, from_card, lesions_found, uptake_found
from viewer.phantom.chest import PhantomStudy, make_sample

_MEASURES = ("dice", "iou", "sensitivity", "specificity", "precision")
_GENERATED_TRAIN, _GENERATED_UNSEEN = range(100, 108), range(31000, 31010)
_GENERATED_SHAPE = (24, 64, 64)
_SMALLEST = 8  # voxels; a lesion cut off to less is no case
Settings = Mapping[str, Setting]


@dataclass(frozen=True, eq=False)
class Case:
    """A block of values with its truth (k, j, i); the request's seeds are what a reader points at."""

    name: str
    request: SegmentRequest
    truth: Mask
    length_unit: str = "mm"


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way to run a method: settings, and which classes of it are taken together."""

    key: str
    settings: tuple[Settings, ...]

    @property
    def told(self) -> list[dict[str, Setting]]:
        """The settings as plain dictionaries."""
        return [dict(one) for one in self.settings]


def compared(
    data: Path | None,
    methods: Mapping[str, Segmenter],
    ticket: Ticket,
    pictures: Path | None = None,
) -> dict[str, Any]:
    """Return for each task a row per method: its tuned settings, and figures with 95 % intervals.

    Tasks: lesions in generated chests (always); lesions in PET within a box of 20 mm, and retinal
    vessels, where ``data`` holds them. Settings are those of the best mean Dice on the training
    part; figures are of the validation part, bootstrap over cases. ``pictures``: a folder for a PNG
    of each row's worst and best case.

    Raises
    ------
    InputRefused
        ``data`` is no folder, or a file in it is not what it should be.
    """
    tasks, missing = [_chest_task(methods, ticket, pictures)], []
    if data is not None and (data / "sarcoma").is_dir():
        train, validation = (_pet(data, part) for part in ("train", "validation"))
        row = _task(
            "lesions in PET, within a box of 20 mm",
            train,
            validation,
            _PET,
            methods,
            ticket,
            pictures,
        )
        card, masks = uptake_found(data, _box_of, ticket)
        row["methods"].append(_row(card.key, card.title, [], masks, validation, pictures, "pet"))
        tasks.append(row)
    else:
        missing.append("sarcoma")
    if data is not None and (data / "retina_vessels").is_dir():
        train, validation = (_retina(data, part) for part in ("train", "validation"))
        name = "retinal vessels, green channel"
        row = _task(name, train, validation, _VESSELS, methods, ticket, pictures)
        row["methods"].append(from_card("retina_vessels"))
        tasks.append(row)
    else:
        missing.append("retina_vessels")
    return {"tasks": tasks, "not_found": missing}


# --- candidates ---------------------------------------------------------------------------------


def _grid(key: str, **ranges: Sequence[Setting]) -> list[Candidate]:
    found: list[dict[str, Setting]] = [{}]
    for name, values in ranges.items():
        found = [{**one, name: value} for one in found for value in values]
    return [Candidate(key, (one,)) for one in found]


def _clusters(key: str, **more: Sequence[Setting]) -> list[Candidate]:
    """Return the upper classes of 2 to 5, together."""
    found = []
    for n in (2, 3, 4, 5):
        for first in range(2, n + 1):
            for one in _grid(key, **more):
                each = [
                    {**one.settings[0], "clusters": n, "cluster": m} for m in range(first, n + 1)
                ]
                found.append(Candidate(key, tuple(each)))
    return found


_TENTHS = tuple(round(0.05 * n, 2) for n in range(2, 17))
# "of the range" is the setting that is no method's own: a share between the case's percentiles.
_PET = (
    _grid("threshold", share_low=_TENTHS),
    _grid("pet_percent", percent=(41.0,)),
    _grid("otsu", classes=(2, 3), class_number=(2, 3)),
    _clusters("kmeans"),
    _clusters("fuzzy_cmeans"),
    _grid("region_growing", share_tolerance=_TENTHS),
    _grid("watershed", smoothing_mm=(0.0, 2.0, 4.0, 8.0)),
    _grid("chan_vese", rounds=(5, 15, 30), smoothing=(0, 1)),
)
_SEEDED = _PET[:1] + _PET[2:]
_VESSELS = (
    _grid("threshold", share_low=_TENTHS),
    _grid("local_threshold", radius_mm=(6.0, 10.0, 16.0), k=(0.0, 0.5, 1.0, 1.5)),
    _clusters("kmeans"),
    _clusters("fuzzy_cmeans"),
    _grid("hysteresis", share_weak=(0.4, 0.5, 0.6), share_strong=(0.6, 0.7, 0.8)),
    _grid("region_growing", share_tolerance=(0.1, 0.2, 0.3, 0.4)),
    _grid("watershed", smoothing_mm=(0.0, 1.0)),
    _grid("chan_vese", rounds=(5, 15), smoothing=(0,)),
)


def _own(settings: Settings, case: Case) -> dict[str, Setting]:
    """Return settings with shares of the case's range as values."""
    known = case.request.values[case.request.known]
    low, high = (float(v) for v in np.percentile(known, (0.5, 99.95)))
    found: dict[str, Setting] = {}
    for name, value in settings.items():
        if name.startswith("share_"):
            own = name.removeprefix("share_")
            span = float(value) * (high - low)
            found[own] = span if own == "tolerance" else low + span
        else:
            found[name] = value
    if "low" in found:
        found["high"] = 1e6
    return found


def _run(
    candidate: Candidate, case: Case, methods: Mapping[str, Segmenter], ticket: Ticket
) -> Mask:
    found = np.zeros(case.truth.shape, dtype=bool)
    for settings in candidate.settings:
        try:
            own = _own(settings, case)
            found |= segmented(case.request, methods[candidate.key], own, ticket).mask
        except ViewerError:
            continue  # settings that make no sense for this case find nothing
    return found


# --- tasks --------------------------------------------------------------------------------------


def _task(  # noqa: PLR0913 - the parts of a table, and where its pictures go
    name: str,
    train: Sequence[Case],
    validation: Sequence[Case],
    families: Iterable[list[Candidate]],
    methods: Mapping[str, Segmenter],
    ticket: Ticket,
    pictures: Path | None = None,
) -> dict[str, Any]:
    rows = []
    for given in families:
        family = [one for one in given if one.key in methods]
        if not family:
            continue
        ticket.check()
        ticket.report(None, f"{name}: {methods[family[0].key].title}")
        best = family[0] if len(family) == 1 else _tuned(family, train, methods, ticket)
        masks = [_run(best, case, methods, ticket) for case in validation]
        title = methods[best.key].title
        rows.append(_row(best.key, title, best.told, masks, validation, pictures, _short(name)))
    return {"task": name, "tuned_on": len(train), "measured_on": len(validation), "methods": rows}


def _short(task: str) -> str:
    return "vessels" if "vessels" in task else "pet" if "PET" in task else "chest"


def _row(  # noqa: PLR0913 - a row of the table, and where its pictures go
    key: str,
    title: str,
    settings: list[dict[str, Setting]],
    masks: Sequence[Mask],
    cases: Sequence[Case],
    pictures: Path | None,
    task: str,
) -> dict[str, Any]:
    """Return a row of the table; its two pictures are written where a folder is named."""
    found = figures(masks, cases)
    if pictures is not None:
        names = [case.name for case in cases]
        at = {end: names.index(found[end]) for end in ("worst", "best")}
        ends = {end: (masks[n], cases[n]) for end, n in at.items()}
        found["pictures"] = write_pictures(pictures, f"{task}-{key}", ends)
    return {"method": key, "title": title, "settings": settings, **found}


def _chest_task(
    methods: Mapping[str, Segmenter], ticket: Ticket, pictures: Path | None
) -> dict[str, Any]:
    """Return the table on generated chests; networks see the same pieces whole, without a seed."""
    train = [case for seed in _GENERATED_TRAIN for case in _chest(seed)]
    samples = [(study, _boxes(study)) for study in map(_sample, _GENERATED_UNSEEN)]
    unseen = [case for study, _ in samples for case in _cases(study)]
    task = _task("lesions in generated chests", train, unseen, _SEEDED, methods, ticket, pictures)
    for card, masks in lesions_found([(s, list(b.values())) for s, b in samples], ticket):
        row = _row(card.key, card.title, [], masks, unseen, pictures, "chest")
        task["methods"].append({**row, "is_network": True})
    return task


def _tuned(
    family: Sequence[Candidate],
    train: Sequence[Case],
    methods: Mapping[str, Segmenter],
    ticket: Ticket,
) -> Candidate:
    def mean_dice(candidate: Candidate) -> float:
        ticket.check()
        each = [
            Confusion.of(_run(candidate, case, methods, ticket), case.truth).dice for case in train
        ]
        return float(np.nanmean(each))

    return max(family, key=mean_dice)


def figures(masks: Sequence[Mask], cases: Sequence[Case]) -> dict[str, Any]:
    """Return the mean of each measure over cases with its 95 % bootstrap interval, and the ends."""
    confusions = [Confusion.of(mask, case.truth) for mask, case in zip(masks, cases, strict=True)]
    values = {name: [float(getattr(one, name)) for one in confusions] for name in _MEASURES}
    values["hd95"] = [
        distance_95_mm(mask, case.truth, case.request.spacing_kji_mm)
        for mask, case in zip(masks, cases, strict=True)
    ]
    found: dict[str, Any] = {}
    for name, each in values.items():
        known = [value for value in each if np.isfinite(value)]
        low, high = bootstrap_interval(known)
        mean = float(np.mean(known)) if known else None
        found[name] = {
            "value": mean,
            "interval_95": [low, high] if known else None,
            "n": len(known),
        }
    found["hd95"]["unit"] = cases[0].length_unit
    order = np.argsort(values["dice"])
    found["worst"], found["best"] = cases[int(order[0])].name, cases[int(order[-1])].name
    found["worst_dice"], found["best_dice"] = (values["dice"][int(order[n])] for n in (0, -1))
    return found


def _pet(data: Path, part: str) -> list[Case]:
    names = split_of(data / "splits.json", "sarcoma")[part]
    return [_in_box(case) for case in read_lesions(data / "sarcoma", names, "PT")]


def _box_of(case: LabelledVolume) -> tuple[slice, slice, slice]:
    grid = case.scan.grid
    x, y, z, x_end, y_end, z_end = lesion_box(case).box_lps_mm or (0.0,) * 6
    corners = np.array(np.meshgrid((x, x_end), (y, y_end), (z, z_end), indexing="ij"))
    index = grid.index(corners.reshape(3, 8).T)[:, ::-1]
    low = np.maximum(np.ceil(index.min(axis=0) - 1e-3).astype(int), 0)
    high = np.minimum(np.floor(index.max(axis=0) + 1e-3).astype(int) + 1, grid.shape_kji)
    k, j, i = (slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    return k, j, i


def _in_box(case: LabelledVolume) -> Case:
    box = _box_of(case)
    values = np.asarray(case.scan.stored[box], dtype=np.float32)
    spacing = case.scan.grid.spacing_ijk_mm[::-1]
    return _pointed(case.name, values, case.labels[box] > 0, spacing, "PT")


def _pointed(
    name: str, values: NDArray[np.float32], truth: Mask, spacing: tuple[float, ...], modality: str
) -> Case:
    """Return a case with the brightest voxel of its middle as seed, and the rim as outside."""
    middle = tuple(slice(n // 4, max(n - n // 4, n // 4 + 1)) for n in values.shape)
    at = np.unravel_index(int(np.argmax(values[middle])), values[middle].shape)
    k, j, i = (int(a) + part.start for a, part in zip(at, middle, strict=True))
    rim = [(0, 0, 0), tuple(n - 1 for n in values.shape)]
    corners = tuple((int(a), int(b), int(c)) for a, b, c in rim)
    k_mm, j_mm, i_mm = spacing
    request = SegmentRequest(values, (k_mm, j_mm, i_mm), "", modality, ((k, j, i),), corners)
    return Case(name, request, truth)


def _retina(data: Path, part: str) -> list[Case]:
    held = read_masks(data / "retina_vessels", part, "retina_vessels")
    cases = []
    for n, (colour, truth, field) in enumerate(
        zip(held.colours, held.targets, held.fields, strict=True)
    ):
        # Vessels are dark: what is bright here is dark there. The light is levelled first.
        green = 255 - colour[..., 1].astype(np.float32)
        level = _blurred(green, field)
        values = np.where(field, green - level, np.float32(np.nan))[None]
        seeds = np.argwhere(np.nan_to_num(values, nan=-1e3) > np.nanpercentile(values, 99))
        inside = tuple((int(k), int(j), int(i)) for k, j, i in seeds)
        quiet = np.argwhere(np.nan_to_num(values, nan=1e3) < np.nanpercentile(values, 30))[::50]
        outside = tuple((int(k), int(j), int(i)) for k, j, i in quiet)
        request = SegmentRequest(values, (1.0, 1.0, 1.0), "", "OP", inside, outside)
        cases.append(Case(f"{part} {n + 1}", request, (truth & field)[None], "px"))
    return cases


def _blurred(values: NDArray[np.float32], field: Mask) -> NDArray[np.float32]:
    import cv2

    weight = cv2.GaussianBlur(field.astype(np.float32), (0, 0), 20)
    total = cv2.GaussianBlur(np.where(field, values, 0).astype(np.float32), (0, 0), 20)
    return np.asarray(total / np.maximum(weight, 1e-6), dtype=np.float32)


def _sample(seed: int) -> PhantomStudy:
    return make_sample(seed, shape_kji=_GENERATED_SHAPE)


def _chest(seed: int) -> list[Case]:
    return _cases(_sample(seed))


def _boxes(study: PhantomStudy) -> dict[int, Box]:
    """Return a box of 8 mm about each lesion of a generated piece of a chest, by its number."""
    boxes = {}
    reach = [int(np.ceil(8.0 / mm)) for mm in study.grid.spacing_ijk_mm[::-1]]
    for lesion in study.lesions:
        places = np.argwhere(study.labels == lesion.number)
        if len(places) >= _SMALLEST:
            low = np.maximum(places.min(axis=0) - reach, 0)
            high = places.max(axis=0) + reach + 1
            k, j, i = (slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
            boxes[lesion.number] = (k, j, i)
    return boxes


def _cases(study: PhantomStudy) -> list[Case]:
    """Return a case for each box of a study."""
    spacing = study.grid.spacing_ijk_mm[::-1]
    return [
        _pointed(
            f"seed {study.seed}, lesion {number}",
            study.values_hu[box].astype(np.float32),
            study.labels[box] == number,
            spacing,
            "CT",
        )
        for number, box in _boxes(study).items()
    ]


def check_folder(data: Path | None) -> None:
    """Refuse a folder that is not there."""
    if data is not None and not data.is_dir():
        raise InputRefused("There is no such folder.", where=str(data))
