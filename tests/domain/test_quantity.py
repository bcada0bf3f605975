"""Numbers with their units, rounded once."""

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from viewer.domain.quantity import (
    LENGTH,
    Quantity,
    Spacing,
    SpacingSource,
    format_value,
    readable_unit,
    rounded_half_away,
    ucum,
)
from viewer.errors import InputRefused


@pytest.mark.parametrize(
    ("value", "decimals", "expected"),
    [
        (0.25, 1, 0.3),
        (-0.25, 1, -0.3),
        (0.5, 0, 1.0),
        (-0.5, 0, -1.0),
        (1.5, 0, 2.0),
        (2.5, 0, 3.0),
        (-0.04, 1, 0.0),
        (12.34, 1, 12.3),
    ],
)
def test_halves_are_rounded_away_from_zero(value: float, decimals: int, expected: float) -> None:
    assert rounded_half_away(value, decimals) == expected


@given(st.integers(-(10**7), 10**7), st.integers(0, 2))
def test_rounding_is_that_of_the_decimals_that_are_written(thousandths: int, decimals: int) -> None:
    value = thousandths / 1000
    exact = Decimal(value).quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)
    assert rounded_half_away(value, decimals) == pytest.approx(
        float(exact), abs=1.1 * 10**-decimals
    )
    assert abs(rounded_half_away(value, decimals) - value) <= 0.5 * 10**-decimals + 1e-9


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (18.449, "mm", "18.4 mm"),
        (18.45, "mm", "18.5 mm"),
        (99.94, "mm2", "99.9 mm²"),
        (100.0, "mm2", "1.00 cm²"),
        (12345.0, "mm2", "123.45 cm²"),
        (2.308, "ml", "2.31 mL"),
        (-0.04, "[hnsf'U]", "0.0 HU"),
        (-1024.0, "[hnsf'U]", "-1024.0 HU"),
        (3.14159, "{SUVbw}g/ml", "3.14 SUVbw"),
        (0.875, "1", "0.88"),
        (12.0, "{voxels}", "12 voxels"),
        (5.04, "{pixels}", "5.0 px"),
        (5.06, "{pixels}2", "5.1 px²"),
        (45.25, "deg", "45.3 °"),
        (1234.56, "Bq/ml", "1234.6 Bq/mL"),
        (7.77, "furlong", "7.8 furlong"),
    ],
)
def test_values_are_painted_with_the_digits_of_their_unit(
    value: float, unit: str, text: str
) -> None:
    assert format_value(value, unit) == text
    assert Quantity(LENGTH, value, unit).text() == text


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_what_is_not_finite_is_said_to_be_undefined(value: float) -> None:
    assert format_value(value, "mm") == "not defined"


def test_units_have_a_code_and_a_name() -> None:
    code = ucum("[hnsf'U]")
    assert (code.value, code.scheme, code.meaning) == ("[hnsf'U]", "UCUM", "HU")
    assert ucum("cd").meaning == "cd"
    assert readable_unit("1") == ""


@pytest.mark.parametrize("values", [(0, 1), (1, 0), (-1, 1), (float("nan"), 1), (1, float("inf"))])
def test_a_spacing_that_cannot_be_is_refused(values: tuple[float, float]) -> None:
    with pytest.raises(InputRefused):
        Spacing(*values, SpacingSource.PATIENT)


@pytest.mark.parametrize("source", list(SpacingSource))
def test_only_an_unknown_spacing_gives_lengths_in_pixels(source: SpacingSource) -> None:
    spacing = Spacing(0.5, 0.5, source)
    assert spacing.is_known == (source is not SpacingSource.NONE)
    assert spacing.length_unit == ("{pixels}" if source is SpacingSource.NONE else "mm")
