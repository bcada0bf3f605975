"""The SUV factor against published factors, and why there is none."""

import json
from dataclasses import replace
from math import exp, log
from pathlib import Path
from typing import Any

import pytest

from viewer.intake.suv import Uptake, suv_factor

PLAIN = Uptake(
    units="BQML",
    corrected=("ATTN", "DECY"),
    decay_correction="START",
    weight_kg=70.0,
    dose_bq=350e6,
    half_life_s=6586.2,
    injected_at="20261120090000",
    series_date="20261120",
    series_time="100000",
    acquisitions=(("20261120", "100000"),),
)
HOUR = 70_000 / (350e6 * exp(-log(2) * 3600 / 6586.2))


def uptake_of(records: list[dict[str, Any]]) -> Uptake:
    first = records[0]
    philips = first.get("PhilipsPETPrivateGroup") or {}
    return Uptake(
        units=first["Units"],
        corrected=tuple(first["CorrectedImage"]),
        decay_correction=first["DecayCorrection"],
        weight_kg=first["PatientWeight"],
        dose_bq=first["RadionuclideTotalDose"],
        half_life_s=first["RadionuclideHalfLife"],
        injected_at=first.get("RadiopharmaceuticalStartDateTime", "") or "",
        injection_time=first.get("RadiopharmaceuticalStartTime", "") or "",
        series_date=first["SeriesDate"],
        series_time=first["SeriesTime"],
        acquisitions=tuple((r["AcquisitionDate"], r["AcquisitionTime"]) for r in records),
        philips_suv=float(philips.get("SUVScaleFactor") or 0),
        philips_activity=float(philips.get("ActivityConcentrationScaleFactor") or 0),
    )


def test_the_factors_of_eight_scanners_equal_the_published_ones(shared_data: Path) -> None:
    expected = json.loads((shared_data / "expected.json").read_text())["suv"]
    names = [name for name in expected if name != "note"]
    assert len(names) == 8
    for name in names:
        path = shared_data / "special/pet_suv" / f"{name}-instances.json"
        found = suv_factor(uptake_of(json.loads(path.read_text())))
        assert found.factor == pytest.approx(expected[name], rel=1e-6), name


def test_the_factor_is_weight_over_the_decayed_dose() -> None:
    assert suv_factor(PLAIN).factor == pytest.approx(HOUR)


def test_values_that_are_suv_already_keep_their_size() -> None:
    assert suv_factor(Uptake(units="GML")).factor == 1.0
    assert suv_factor(Uptake(units="GML", suv_type="BW")).factor == 1.0


def test_a_scan_after_midnight_counts_the_hours_across_it() -> None:
    late = replace(
        PLAIN,
        injected_at="",
        injection_time="233000",
        series_date="20261121",
        series_time="003000",
        acquisitions=(("20261121", "003000"),),
    )
    assert suv_factor(late).factor == pytest.approx(HOUR)


def test_a_dose_decayed_to_administration_is_taken_as_it_is() -> None:
    assert suv_factor(replace(PLAIN, decay_correction="ADMIN")).factor == 70_000 / 350e6


def test_a_later_reconstruction_does_not_change_the_factor() -> None:
    again = replace(PLAIN, series_time="180000")
    assert suv_factor(again).factor == pytest.approx(HOUR)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"corrected": ("DECY",)}, "not corrected for ATTN"),
        ({"weight_kg": None}, "weight is missing"),
        ({"weight_kg": 0.0}, "weight is missing"),
        ({"dose_bq": None}, "dose is missing"),
        ({"half_life_s": -1.0}, "half-life is missing"),
        ({"injected_at": "", "injection_time": ""}, "time of the injection"),
        ({"injected_at": "20261120110000"}, "not within the two days"),
        ({"series_time": "", "acquisitions": ()}, "time of the scan"),
        ({"decay_correction": "NONE"}, "to when the decay"),
        ({"units": "PROPCPS"}, "PROPCPS is no activity"),
        ({"units": "CNTS"}, "counts"),
        ({"units": "GML", "suv_type": "LBM"}, "type LBM"),
    ],
)
def test_where_suv_cannot_be_known_the_reason_is_given(change: dict[str, Any], reason: str) -> None:
    found = suv_factor(replace(PLAIN, **change))
    assert found.factor is None
    assert reason in found.reason
