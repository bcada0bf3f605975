"""The factor that makes standardised uptake values of PET activity (field.md 4.11, body weight).

Follows the QIBA pseudo-code as published: SUVbw = Bq/ml x weight in g / dose decayed to the scan.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import exp, log

_ISO = "%Y%m%d%H%M%S"


@dataclass(frozen=True, slots=True)
class Uptake:
    """What the headers of a PET series say about dose, time and patient; "" or None: nothing.

    ``acquisitions`` are (date, time) pairs of all its images; the Philips factors are private.
    """

    units: str
    corrected: tuple[str, ...] = ()
    decay_correction: str = ""
    weight_kg: float | None = None
    dose_bq: float | None = None
    half_life_s: float | None = None
    injected_at: str = ""
    injection_time: str = ""
    series_date: str = ""
    series_time: str = ""
    acquisitions: tuple[tuple[str, str], ...] = ()
    suv_type: str = ""
    philips_suv: float | None = None
    philips_activity: float | None = None


@dataclass(frozen=True, slots=True)
class SuvFactor:
    """``factor`` turns rescaled values into SUVbw; None, and ``reason`` says why not."""

    factor: float | None
    reason: str = ""


class _NoSuv(Exception):
    """SUV cannot be given; the message says why."""


def suv_factor(uptake: Uptake) -> SuvFactor:
    """Return the factor from rescaled values to SUV by body weight, or the reason for none."""
    try:
        return SuvFactor(_factor(uptake))
    except _NoSuv as reason:
        return SuvFactor(None, str(reason))


def _factor(uptake: Uptake) -> float:
    if uptake.units == "GML":
        if uptake.suv_type not in ("", "BW"):
            raise _NoSuv(f"the values are SUV of type {uptake.suv_type}, not by body weight")
        return 1.0
    if uptake.units == "CNTS":
        if uptake.philips_suv:
            return uptake.philips_suv
        if not uptake.philips_activity:
            raise _NoSuv("the values are counts, and no factor is given for them")
        return uptake.philips_activity * _by_dose(uptake)
    if uptake.units != "BQML":
        raise _NoSuv(f"the unit {uptake.units or 'of the values'} is no activity")
    return _by_dose(uptake)


def _by_dose(uptake: Uptake) -> float:
    missing = [word for word in ("ATTN", "DECY") if word not in uptake.corrected]
    if missing:
        raise _NoSuv(f"the images are not corrected for {' and '.join(missing)}")
    weight_g = 1000 * _known(uptake.weight_kg, "the patient's weight")
    dose_bq = _known(uptake.dose_bq, "the injected dose")
    if uptake.decay_correction == "ADMIN":
        return weight_g / dose_bq
    if uptake.decay_correction != "START":
        raise _NoSuv("it is not said to when the decay was corrected")
    half_life_s = _known(uptake.half_life_s, "the half-life")
    return weight_g / (dose_bq * exp(-log(2) * _elapsed_s(uptake) / half_life_s))


def _known(value: float | None, name: str) -> float:
    if value is None or value <= 0:
        raise _NoSuv(f"{name} is missing")
    return value


def _elapsed_s(uptake: Uptake) -> float:
    """Return the seconds from injection to the decay reference.

    The reference is the earlier of the series' time and the earliest acquisition: a series may
    have been reconstructed anew later (README of the test data 3.6).
    """
    moments = [_moment(uptake.series_date, uptake.series_time)]
    moments += [_moment(date or uptake.series_date, time) for date, time in uptake.acquisitions]
    known = [moment for moment in moments if moment is not None]
    if not known:
        raise _NoSuv("the time of the scan is missing")
    scan = min(known)
    elapsed = (scan - _injection(uptake, scan)).total_seconds()
    if not 0 <= elapsed <= timedelta(days=2).total_seconds():
        raise _NoSuv("the injection is not within the two days before the scan")
    return elapsed


def _injection(uptake: Uptake, scan: datetime) -> datetime:
    full = uptake.injected_at.split("+")[0].split("-")[0]
    injected = _moment(full[:8], full[8:])
    if injected is not None:
        return injected
    injected = _moment(f"{scan:%Y%m%d}", uptake.injection_time)
    if injected is None:
        raise _NoSuv("the time of the injection is missing")
    # A time of day after the scan's belongs to the day before: the scan was after midnight.
    return injected - timedelta(days=1) if injected > scan else injected


def _moment(date: str, time: str) -> datetime | None:
    date, time = date.replace(".", "").strip(), time.replace(":", "").strip()
    whole, _, fraction = time.partition(".")
    if len(date) != 8 or len(whole) < 4:
        return None
    try:
        moment = datetime.strptime(date + whole.ljust(6, "0")[:6], _ISO)  # noqa: DTZ007 - DICOM TM
        return moment + timedelta(seconds=float(f"0.{fraction or '0'}"))
    except ValueError:
        return None
