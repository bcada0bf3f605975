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
from viewer.inference.cards import load_cards
from viewer.inference.supervisor import Supervisor
from viewer.jobs.job import Ticket
from viewer.learning.image_sets import read_masks
from viewer.learning.lesion_evaluate import lesion_box, picture_of_case
from viewer.learning.lesion_sets import LabelledVolume, read_lesions, split_of
from viewer.phantom.chest import make_sample

_MEASURES = ("dice", "iou", "sensitivity", "specificity", "precision")
_GENERATED_TRAIN, _GENERATED_UNSEEN = range(100, 108), range(31000, 31010)
_GENERATED_SHAPE = (24, 64, 64)
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


def compared(data: Path | None, methods: Mapping[str, Segmenter], ticket: Ticket) -> dict[str, Any]:
    """Return for each task a row per method: its tuned settings, and figures with 95 % intervals.

    Tasks: lesions in generated chests (always); lesions in PET within a box of 20 mm, and retinal
    vessels, where ``data`` holds them. Settings are those of the best mean Dice on the training
    part; figures are of the validation part, bootstrap over cases.

    Raises
    ------
    InputRefused
        ``data`` is no folder, or a file in it is not what it should be.
    """
    tasks = [_task("lesions in generated chests", *_generated(), _SEEDED, methods, ticket)]
    missing = []
    if data is not None and (data / "sarcoma").is_dir():
        train, validation = (_pet(data, part) for part in ("train", "validation"))
        row = _task(
            "lesions in PET, within a box of 20 mm", train, validation, _PET, methods, ticket
        )
        row["methods"].append(_pet_network(data, validation, ticket))
        tasks.append(row)
    else:
        missing.append("sarcoma")
    if data is not None and (data / "retina_vessels").is_dir():
        train, validation = (_retina(data, part) for part in ("train", "validation"))
        row = _task("retinal vessels, green channel", train, validation, _VESSELS, methods, ticket)
        row["methods"].append(_from_card("retina_vessels"))
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


def _task(
    name: str,
    train: Sequence[Case],
    validation: Sequence[Case],
    families: Iterable[list[Candidate]],
    methods: Mapping[str, Segmenter],
    ticket: Ticket,
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
        rows.append(
            {
                "method": best.key,
                "title": methods[best.key].title,
                "settings": best.told,
                **figures(masks, validation),
            }
        )
    return {"task": name, "tuned_on": len(train), "measured_on": len(validation), "methods": rows}


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


def _generated() -> tuple[list[Case], list[Case]]:
    return (
        [case for seed in _GENERATED_TRAIN for case in _chest(seed)],
        [case for seed in _GENERATED_UNSEEN for case in _chest(seed)],
    )


def _chest(seed: int) -> list[Case]:
    """Return a box of 8 mm about each lesion of a generated piece of a chest."""
    sample = make_sample(seed, shape_kji=_GENERATED_SHAPE)
    spacing = sample.grid.spacing_ijk_mm[::-1]
    cases = []
    for lesion in sample.lesions:
        truth = sample.labels == lesion.number
        places = np.argwhere(truth)
        if len(places) < 8:
            continue
        reach = [int(np.ceil(8.0 / mm)) for mm in spacing]
        box = tuple(
            slice(
                max(0, int(places[:, a].min()) - reach[a]), int(places[:, a].max()) + reach[a] + 1
            )
            for a in range(3)
        )
        values = sample.values_hu[box].astype(np.float32)
        cases.append(
            _pointed(f"seed {seed}, lesion {lesion.number}", values, truth[box], spacing, "CT")
        )
    return cases


# --- networks -----------------------------------------------------------------------------------


def _pet_network(data: Path, validation: Sequence[Case], ticket: Ticket) -> dict[str, Any]:
    names = split_of(data / "splits.json", "sarcoma")["validation"]
    card = load_cards()["pet_lesion"][0]
    supervisor = Supervisor()
    masks = []
    try:
        for case in read_lesions(data / "sarcoma", names, "PT"):
            ticket.check()
            quiet = Ticket()
            ticket.when_cancelled(quiet.cancel)
            found = supervisor.segment(picture_of_case(case), card, quiet, prompt=lesion_box(case))
            masks.append(found.segmentation.labels[_box_of(case)] > 0)
    finally:
        supervisor.close()
    return {"method": card.key, "title": card.title, "settings": [], **figures(masks, validation)}


def _from_card(key: str) -> dict[str, Any]:
    """Return the figures that a network's card states, said as such."""
    card = load_cards()[key][0]
    stated = [
        {"name": f.name, "value": f.value, "interval_95": [f.low, f.high], "n": f.n_cases}
        for f in card.figures
    ]
    return {"method": key, "title": card.title, "settings": [], "from_its_card": stated}


def check_folder(data: Path | None) -> None:
    """Refuse a folder that is not there."""
    if data is not None and not data.is_dir():
        raise InputRefused("There is no such folder.", where=str(data))
