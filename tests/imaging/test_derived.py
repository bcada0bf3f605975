"""Derived pictures: values survive 16 bits to half a step, and their origin is on them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from viewer.errors import InputRefused
from viewer.imaging.derived import CHAIN, FROM, derived_picture, scale_of
from viewer.testing.builders import a_volume

FLOATS = st.floats(-1e9, 1e9, allow_nan=False, width=32)


@given(FLOATS, FLOATS)
def test_both_ends_fit_into_16_bits_and_the_scale_into_a_decimal_string(
    one: float, other: float
) -> None:
    low, high = min(one, other), max(one, other)
    slope, intercept = scale_of(low, high)
    assert len(repr(slope)) <= 16
    assert len(repr(intercept)) <= 16
    ends = np.rint((np.array([low, high]) - intercept) / slope)
    assert (np.abs(ends) <= 32767).all()


def test_values_come_back_to_half_a_step_and_the_source_is_named() -> None:
    picture = a_volume().build()
    values = np.random.default_rng(1).normal(40, 300, picture.grid.shape_kji).astype(np.float32)
    made = derived_picture(picture, values, uid="1.2.3", chain="median", title="Median")
    step = float(made.quantity.slope_k[0])
    assert np.abs(made.quantity.block(made.stored) - values).max() <= step * 0.51
    assert step <= np.ptp(values) / 32_000
    assert (made.key, made.identity.series.uid) == ("1.2.3", "1.2.3")
    assert made.identity.series.description.endswith("[Median]")
    assert made.identity.acquired_text(FROM) == picture.key
    assert made.identity.acquired_text(CHAIN) == "median"
    assert made.quantity.unit == picture.quantity.unit
    assert any("Made by enhancement" in finding.text for finding in made.findings)


def test_another_unit_takes_name_and_windows_along() -> None:
    picture = a_volume().build()
    values = np.zeros(picture.grid.shape_kji, dtype=np.float32)
    made = derived_picture(picture, values, uid="1.2", chain="x", title="X", unit="[hnsf'U]/mm")
    assert (made.quantity.unit, made.quantity.name) == ("[hnsf'U]/mm", "")
    assert made.display.windows == ()


def test_values_that_do_not_fit_are_refused() -> None:
    picture = a_volume().build()
    values = np.zeros(picture.grid.shape_kji, dtype=np.float32)
    with pytest.raises(InputRefused):
        derived_picture(picture, values[1:], uid="1.2", chain="x", title="X")
    values[0, 0, 0] = np.nan
    with pytest.raises(InputRefused):
        derived_picture(picture, values, uid="1.2", chain="x", title="X")
