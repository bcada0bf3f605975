"""What stored values mean: slope and intercept of every slice, and the unit they lead to."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from viewer.domain.finding import Finding, Severity
from viewer.domain.volume import Display, ValueMap, Window
from viewer.errors import InputRefused
from viewer.intake import tags
from viewer.intake.frames import Frame, lut_of
from viewer.intake.header import Header
from viewer.intake.objects import RT_DOSE
from viewer.intake.superposed import overlays_of, shutter_of

if TYPE_CHECKING:
    from viewer.intake.suv import Uptake

_HU = ("[hnsf'U]", "HU")
_PET_UNITS = {"BQML": ("Bq/ml", ""), "CNTS": ("{counts}", ""), "PROPCNTS": ("{counts}", "")}
_SUV = ("{SUVbw}g/ml", "SUVbw")
_FIXED = frozenset({"CT", "PT"})
_DOSE_UNITS = {"GY": ("Gy", ""), "RELATIVE": ("1", "")}


def value_map(frames: Sequence[Frame], subject: str) -> tuple[ValueMap, tuple[Finding, ...]]:
    """Return the map of the frames in slice order, and what is to be said about it."""
    header, file = frames[0].header, frames[0].file
    if file.layout.is_colour:
        return ValueMap.identity(len(frames)), ()
    if has_modality_lut(header):
        kind = header.first(tags.MODALITY_LUT_SEQUENCE).text(tags.MODALITY_LUT_TYPE)
        return ValueMap.identity(len(frames), *(_HU if kind == "HU" else ("1", ""))), ()
    if file.sop_class_uid == RT_DOSE and not header.number(tags.DOSE_GRID_SCALING):
        text = "The dose grid has no scaling: stored values are shown, without a unit."
        found = Finding(Severity.WARNING, subject, text)
        return ValueMap.identity(len(frames)), (found,)
    slope = np.array([frame.slope for frame in frames], dtype=np.float64)
    intercept = np.array([frame.intercept for frame in frames], dtype=np.float64)
    if (slope == 0).any():
        text = "The file's rescale slope is 0: stored values are shown, without a unit."
        found = Finding(Severity.WARNING, subject, text)
        return ValueMap.identity(len(frames)), (found,)
    padding = padding_of(frames)
    world = _real_world(frames)
    if world is not None:
        return replace(world, padding=padding), ()
    (unit, name), factor, findings = _unit(frames, subject)
    return ValueMap(slope * factor, intercept * factor, unit, name, padding), findings


def _real_world(frames: Sequence[Frame]) -> ValueMap | None:
    """Return the map to real world values where all frames have one, in the same unit.

    CT and PET keep their own rescale: their units are fixed by what they are.
    """
    found = [frame.real_world for frame in frames if frame.real_world is not None]
    modality = frames[0].header.text(tags.MODALITY)
    if len(found) < len(frames) or len({one.unit for one in found}) > 1 or modality in _FIXED:
        return None
    slope = np.array([one.slope for one in found])
    intercept = np.array([one.intercept for one in found])
    return ValueMap(slope, intercept, found[0].unit)


def has_modality_lut(header: Header) -> bool:
    """Whether values go through a table instead of a slope."""
    return tags.MODALITY_LUT_SEQUENCE in header and tags.RESCALE_SLOPE not in header


def _unit(
    frames: Sequence[Frame], subject: str
) -> tuple[tuple[str, str], float, tuple[Finding, ...]]:
    header = frames[0].header
    if frames[0].file.sop_class_uid == RT_DOSE:
        return _DOSE_UNITS.get(header.text(tags.DOSE_UNITS), ("1", "")), 1.0, ()
    modality, kind = header.text(tags.MODALITY), header.text(tags.RESCALE_TYPE)
    if modality == "PT":
        return _pet_unit(frames, subject)
    is_rescaled = tags.RESCALE_SLOPE in header or tags.SHARED_GROUPS in header
    if kind == "HU" or (modality == "CT" and not kind and is_rescaled):
        return _HU, 1.0, ()
    return ("1", ""), 1.0, ()


def _pet_unit(
    frames: Sequence[Frame], subject: str
) -> tuple[tuple[str, str], float, tuple[Finding, ...]]:
    # Late, here and below: most series are none of PET.
    from viewer.intake.suv import suv_factor

    uptake = uptake_of(frames)
    found = suv_factor(uptake)
    if found.factor is not None:
        return _SUV, found.factor, ()
    unit = _PET_UNITS.get(uptake.units, ("1", ""))
    text = f"SUV cannot be given: {found.reason}."
    return unit, 1.0, (Finding(Severity.NOTE, subject, text),)


def uptake_of(frames: Sequence[Frame]) -> "Uptake":
    """Return what the headers of a PET series say about dose, time and patient."""
    from viewer.intake.suv import Uptake

    header = frames[0].header
    dose = header.first(tags.RADIOPHARMACEUTICAL_SEQUENCE)
    is_philips = header.text(tags.PHILIPS_CREATOR) == "Philips PET Private Group"
    return Uptake(
        units=header.text(tags.UNITS),
        corrected=header.texts(tags.CORRECTED_IMAGE),
        decay_correction=header.text(tags.DECAY_CORRECTION),
        weight_kg=header.number(tags.PATIENT_WEIGHT),
        dose_bq=dose.number(tags.RADIONUCLIDE_TOTAL_DOSE),
        half_life_s=dose.number(tags.RADIONUCLIDE_HALF_LIFE),
        injected_at=dose.text(tags.RADIOPHARMACEUTICAL_START_DATE_TIME),
        injection_time=dose.text(tags.RADIOPHARMACEUTICAL_START_TIME),
        series_date=header.text(tags.SERIES_DATE) or header.text(tags.STUDY_DATE),
        series_time=header.text(tags.SERIES_TIME),
        acquisitions=tuple(
            dict.fromkeys(
                (frame.header.text(tags.ACQUISITION_DATE), frame.header.text(tags.ACQUISITION_TIME))
                for frame in frames
            )
        ),
        suv_type=header.text(tags.SUV_TYPE),
        philips_suv=header.number(tags.PHILIPS_SUV_FACTOR) if is_philips else None,
        philips_activity=header.number(tags.PHILIPS_ACTIVITY_FACTOR) if is_philips else None,
    )


def display_of(frames: Sequence[Frame], quantity: ValueMap) -> Display:
    """Return the file's windows in the unit of ``quantity``, and whether white is low."""
    header = frames[0].header
    inverted = (
        frames[0].file.layout.photometric == "MONOCHROME1"
        or header.text(tags.PRESENTATION_LUT_SHAPE) == "INVERSE"
    )
    overlays_k = tuple(overlays_of(frame) for frame in frames)
    shutters_k = tuple(shutter_of(frame.header) for frame in frames)
    over = Display(
        overlays_k=overlays_k if any(overlays_k) else (),
        shutters_k=shutters_k if any(shutters_k) else (),
    )
    if frames[0].file.layout.is_colour:
        return over
    windows = [
        tuple(_scaled(window, frame, quantity, k) for window in frame.windows)
        for k, frame in enumerate(frames)
    ]
    firsts = tuple(found[0] for found in windows if found)
    differ = len(firsts) == len(frames) and len(set(firsts)) > 1
    windows_k = firsts if differ else ()
    return replace(over, windows=windows[0], inverted=inverted, windows_k=windows_k)


def _scaled(window: Window, frame: Frame, quantity: ValueMap, k: int) -> Window:
    """Return a window of rescaled values in the quantity.

    The two differ where SUV is folded into the slope, and where real world values are shown.
    """
    factor = float(quantity.slope_k[k]) / frame.slope if frame.slope else 1.0
    shift = float(quantity.intercept_k[k]) - frame.intercept * factor
    if factor <= 0 or (abs(factor - 1.0) < 1e-12 and abs(shift) < 1e-9):
        return window
    try:
        return window.scaled(factor, shift)
    except InputRefused:
        return window


def modality_table(header: Header, *, signed: bool) -> tuple[int, NDArray[Any]] | None:
    """Return (first stored value, table) of a modality LUT (PS3.3 C.11.1.1), None without one."""
    if not has_modality_lut(header):
        return None
    found = lut_of(header.first(tags.MODALITY_LUT_SEQUENCE), signed=signed)
    return None if found is None else found[:2]


def padding_of(frames: Sequence[Frame]) -> tuple[int, int] | None:
    """Return the stored values that mean padding (PS3.3 C.7.5.1.1.2), None if all frames name none.

    Frames that disagree leave it out: a value that is real in one of them must not vanish.
    """
    found = {_padding(frame.header, signed=frame.file.layout.signed) for frame in frames}
    return found.pop() if len(found) == 1 else None


def _padding(header: Header, *, signed: bool) -> tuple[int, int] | None:
    kind = "h" if signed else "H"
    value = header.binary(tags.PIXEL_PADDING_VALUE, kind)
    if len(value) != 1:
        return None
    limit = header.binary(tags.PIXEL_PADDING_RANGE_LIMIT, kind)
    ends = (int(value[0]), int(limit[0]) if len(limit) == 1 else int(value[0]))
    return min(ends), max(ends)
