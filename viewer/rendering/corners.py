"""What the four corners of a pane say (field.md 4.4): facts of the header and of the view."""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from math import isfinite

import numpy as np
from numpy.typing import ArrayLike

from viewer.domain.geometry import Floats, Plane, nearest, orientation_letters
from viewer.domain.quantity import readable_unit
from viewer.domain.study import Identity, Patient, Series, Study
from viewer.domain.volume import Picture, Window, value_at

Corners = dict[str, tuple[str, ...]]  # "tl", "tr", "bl", "br" -> lines from top to bottom

NO_CORNERS: Corners = {"tl": (), "tr": (), "bl": (), "br": ()}

_LONGEST = 25
_AXIS_LETTERS = ("LR", "PA", "HF")  # towards the higher and the lower values, LPS
_MINUS = "−"


class CornerMode(StrEnum):
    """How much the corners say; one key goes round."""

    FULL = "full"
    NO_PATIENT = "no patient data"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class ViewFacts:
    """What the corners say of the view: ``image`` is (n, of how many), counted from 1."""

    window: Window | None = None
    zoom: float = 1.0
    image: tuple[int, int] | None = None
    value_text: str = ""


def cut(text: str) -> str:
    """Return ``text`` on one line, cut after 25 characters with … ("" stays "")."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else line[:_LONGEST].rstrip() + "…"


def readable_name(name: str) -> str:
    """Return "Family, Given" of a DICOM person name (PN: ``Family^Given^...=ideographic``)."""
    first = next((group for group in name.split("=") if group.strip("^ ")), "")
    parts = [part.strip() for part in first.split("^")]
    family, given = parts[0], " ".join(part for part in parts[1:3] if part)
    return ", ".join(part for part in (family, given) if part)


def readable_date(date: str) -> str:
    """Return 2026-11-20 of DICOM's 20261120; other text as it is."""
    digits = date.replace(".", "").strip()
    if len(digits) == 8 and digits.isdigit():
        return f"{digits[:4]}-{digits[4:6]}-{digits[6:]}"
    return date.strip()


def readable_time(time: str) -> str:
    """Return 09:14 of DICOM's 091400.00; other text as it is."""
    digits = time.replace(":", "").strip()
    if len(digits) >= 4 and digits[:4].isdigit():
        return f"{digits[:2]}:{digits[2:4]}"
    return time.strip()


@lru_cache(maxsize=64)
def age(birth_date: str, study_date: str, stated: str = "") -> str:
    """Return the age at the study: "65 y", below two years "14 m", below two months "12 d".

    Dates are DICOM DA; without both, the stated age (AS, "065Y") is taken.
    """
    born, seen = _day(birth_date), _day(study_date)
    if born is None or seen is None or seen < born:
        number, unit = stated[:-1].lstrip("0"), stated[-1:].lower()
        return f"{number} {unit}" if number.isdigit() and unit in {"y", "m", "w", "d"} else ""
    months = (seen[0] - born[0]) * 12 + seen[1] - born[1] - (seen[2] < born[2])
    if months >= 24:
        return f"{months // 12} y"
    if months >= 2:
        return f"{months} m"
    days = np.datetime64("{:04d}-{:02d}-{:02d}".format(*seen)) - np.datetime64(
        "{:04d}-{:02d}-{:02d}".format(*born)
    )
    return f"{days.astype(int)} d"


def _day(date: str) -> tuple[int, int, int] | None:
    text = readable_date(date)
    try:
        day = np.datetime64(text, "D")
    except ValueError:
        return None
    if np.isnat(day) or len(text) != len("2026-11-20"):
        return None
    year, month, number = (int(part) for part in text.split("-"))
    return year, month, number


def number_text(value: float, decimals: int) -> str:
    """Return a number with a true minus sign, never "−0"."""
    text = f"{value:.{decimals}f}"
    if float(text) == 0:
        text = text.lstrip("-")
    return text.replace("-", _MINUS)


def window_text(window: Window) -> str:
    """Return "W 400 L 40", with as many decimals as the width needs."""
    decimals = 0 if window.width >= 50 else 1 if window.width >= 5 else 3
    return f"W {number_text(window.width, decimals)} L {number_text(window.center, decimals)}"


def value_text(picture: Picture, point_lps_mm: ArrayLike) -> str:
    """Return value and position under the pointer: "412 HU at (31.2, −8.0, 14.5) mm".

    Outside the picture, and where a slice was not read yet, "". A stack has no patient position:
    column and row are given instead.
    """
    index = picture.grid.index(point_lps_mm)
    i, j, k = (int(n) for n in nearest(index))
    n_k, n_j, n_i = picture.grid.shape_kji
    inside = 0 <= i < n_i and 0 <= j < n_j and 0 <= k < n_k
    if not inside or not picture.loaded_k[k]:
        return ""
    if not picture.is_volume:
        place = f"({i}, {j}) px"
    else:
        point = np.asarray(point_lps_mm, dtype=np.float64)
        place = f"({', '.join(number_text(v, 1) for v in point)}) mm"
    return f"{_voxel_text(picture, (i, j, k))} at {place}"


def _voxel_text(picture: Picture, index_ijk: tuple[int, int, int]) -> str:
    i, j, k = index_ijk
    if picture.is_colour:
        return f"RGB {' '.join(str(int(c)) for c in picture.stored[k, j, i])}"
    value = value_at(picture, index_ijk)
    if value is None:
        return "padding"
    if not isfinite(value):
        return "no number"
    unit = picture.quantity.name or readable_unit(picture.quantity.unit)
    return f"{_value(value)} {unit}".rstrip()


def _value(value: float) -> str:
    if value == round(value):
        return number_text(value, 0)
    return number_text(value, 1 if abs(value) >= 100 else 2)


@lru_cache(maxsize=64)
def _letters(direction: bytes) -> str:
    return orientation_letters(np.frombuffer(direction))


def letters_of(direction_lps: Floats) -> str:
    """Return ``domain.geometry.orientation_letters``, remembered: every frame asks for six."""
    return _letters(direction_lps.tobytes())


def location_text(plane: Plane) -> str:
    """Return where the plane lies along the patient axis that it faces: "F 14.5 mm".

    "" for oblique planes (more than 1 degree), where no single number says it.
    """
    if len(letters_of(plane.normal)) != 1:
        return ""
    axis = int(np.argmax(np.abs(plane.normal)))
    place = float(plane.centre_lps_mm[axis])
    return f"{_AXIS_LETTERS[axis][0 if place >= 0 else 1]} {abs(place):.1f} mm"


def corner_text(
    picture: Picture, plane: Plane, facts: ViewFacts, mode: CornerMode = CornerMode.FULL
) -> Corners:
    """Return the lines of each corner; what the file does not say leaves no empty line."""
    if mode is CornerMode.NONE:
        return NO_CORNERS
    identity = picture.identity
    header = _header(identity.patient, identity.study, identity.series, identity.acquired)
    whole = mode is CornerMode.FULL
    return {
        "tl": header.patient if whole else (),
        "tr": header.study if whole else (),
        "bl": _view(plane, facts),
        "br": _series(picture, plane, header),
    }


def brief_corner_text(plane: Plane, facts: ViewFacts, *, is_volume: bool = True) -> Corners:
    """Return the few lines of a further view of a study that another pane names in full."""
    lines = [_display(facts), location_text(plane) if is_volume else ""]
    return {"tl": (), "tr": (), "bl": _kept(facts.value_text, *lines), "br": ()}


def _kept(*lines: str) -> tuple[str, ...]:
    return tuple(line for line in lines if line)


@dataclass(frozen=True, slots=True)
class _Header:
    """The lines that stay the same in every frame of a picture."""

    patient: tuple[str, ...]
    study: tuple[str, ...]
    title: str
    laterality: str
    technique: str


@lru_cache(maxsize=32)
def _header(
    patient: Patient, study: Study, series: Series, acquired: tuple[tuple[str, str], ...]
) -> _Header:
    identity = Identity(patient, study, series, (), acquired=acquired)
    number = f"Series {series.number}" if series.number is not None else ""
    title = "  ".join(part for part in (number, cut(series.description)) if part)
    laterality = cut(series.laterality)
    return _Header(_patient(identity), _study(identity), title, laterality, _technique(identity))


def _patient(identity: Identity) -> tuple[str, ...]:
    patient, study = identity.patient, identity.study
    years = age(patient.birth_date, study.date, study.patient_age)
    born = readable_date(patient.birth_date)
    bracketed = f"({years})" if years and born else years
    about = " ".join(part for part in (born, bracketed, patient.sex) if part)
    return _kept(cut(readable_name(patient.name)), cut(patient.id), about)


def _study(identity: Identity) -> tuple[str, ...]:
    study = identity.study
    times = [
        identity.acquired_text(key) for key in ("acquisition_time", "content_time", "series_time")
    ]
    time = next((t for t in (*times, study.time) if t), "")
    date = readable_date(study.date or identity.acquired_text("series_date"))
    when = " ".join(part for part in (date, readable_time(time)) if part)
    return _kept(cut(study.institution), cut(study.description), cut(study.accession), when)


def _display(facts: ViewFacts) -> str:
    window = window_text(facts.window) if facts.window else ""
    return "   ".join(part for part in (window, f"×{facts.zoom:.1f}") if part)


def _view(plane: Plane, facts: ViewFacts) -> tuple[str, ...]:
    slab = f"Slab {plane.slab_mm:.1f} mm" if plane.slab_mm > 0 else ""
    image = f"Image {facts.image[0]} / {facts.image[1]}" if facts.image else ""
    return _kept(facts.value_text, slab, _display(facts), image)


def _series(picture: Picture, plane: Plane, header: _Header) -> tuple[str, ...]:
    _, rows, columns = picture.grid.shape_kji
    size = f"{picture.identity.series.modality} {columns} × {rows}".strip()
    place = location_text(plane) if picture.is_volume else ""
    where = "  ".join(part for part in (_thickness(picture, plane), place) if part)
    return _kept(header.title, header.laterality, header.technique, size, where)


def _thickness(picture: Picture, plane: Plane) -> str:
    text = picture.identity.acquired_text("slice_thickness_mm")
    along = abs(float(plane.normal @ picture.grid.directions[:, 2]))
    try:
        value = float(text)
    except ValueError:
        return ""
    return f"{value:.1f} mm" if picture.is_volume and along > 1 - 1e-3 else ""


def _technique(identity: Identity) -> str:
    """Return the line that matters for the modality: tube, sequence, tracer."""
    rows = {
        "CT": (("kvp", " kVp"), ("mas", " mAs"), ("kernel", "")),
        "MR": (("tr_ms", "TR "), ("te_ms", "TE "), ("b_value", "b ")),
        "PT": (("tracer", ""), ("suv", "")),
        "MG": (("view", ""), ("thickness_mm", " mm")),
        "CR": (("view", ""),),
        "DX": (("view", ""),),
    }.get(identity.series.modality, ())
    found = [(identity.acquired_text(key), unit) for key, unit in rows]
    parts = [(cut(_plain(text)), unit) for text, unit in found if text]
    before = identity.series.modality == "MR"  # TR 4000, but 120 kVp
    return "  ".join(f"{unit}{text}" if before else f"{text}{unit}" for text, unit in parts)


def _plain(text: str) -> str:
    """Return a number without the zeros that a file may carry: 4000.0000 is 4000."""
    try:
        value = float(text)
    except ValueError:
        return text
    return f"{value:.10g}" if abs(value) < 1e10 else text
