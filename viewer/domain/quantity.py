"""Numbers with their concept and unit, and how millimetres came to be known."""

from dataclasses import dataclass, replace
from enum import StrEnum
from math import floor, isfinite

from viewer.errors import InputRefused


@dataclass(frozen=True, slots=True)
class Code:
    """A coded concept: value, scheme (SCT, DCM, UCUM, RADLEX, 99NEGATO), meaning (PS3.16)."""

    value: str
    scheme: str
    meaning: str


def ucum(unit: str) -> Code:
    """Return the UCUM code of ``unit``, with the meaning that a person reads."""
    return Code(unit, "UCUM", _READABLE.get(unit, unit))


_READABLE = {
    "1": "no units",
    "mm": "mm",
    "mm2": "mm²",
    "mm3": "mm³",
    "ml": "mL",
    "deg": "°",
    "[hnsf'U]": "HU",
    "Bq/ml": "Bq/mL",
    "{SUVbw}g/ml": "SUVbw",
    "{pixels}": "px",
    "{pixels}2": "px²",
    "{counts}": "counts",
    "{voxels}": "voxels",
}

# field.md 4.6: digits that are shown; the full value is stored.
_DECIMALS = {
    "mm": 1,
    "mm2": 1,
    "mm3": 1,
    "ml": 2,
    "deg": 1,
    "[hnsf'U]": 1,
    "{SUVbw}g/ml": 2,
    "1": 2,
    "{pixels}": 1,
    "{pixels}2": 1,
    "{voxels}": 0,
}


def rounded_half_away(value: float, decimals: int) -> float:
    """Round once, half away from zero (field.md 4.6)."""
    scale = 10.0**decimals
    size = floor(abs(value) * scale + 0.5) / scale
    return -size if value < 0 and size > 0 else size


def readable_unit(unit: str) -> str:
    """Return the unit as a person reads it ("HU", "mm²"); "" for a pure number."""
    return "" if unit == "1" else _READABLE.get(unit, unit)


def format_value(value: float, unit: str) -> str:
    """Return number and unit as painted: rounded once for its unit; areas >= 100 mm² in cm²."""
    if not isfinite(value):
        return "not defined"
    if unit == "mm2" and abs(value) >= 100:
        return f"{rounded_half_away(value / 100, 2):.2f} cm²"
    decimals = _DECIMALS.get(unit, 1)
    name = readable_unit(unit)
    number = f"{rounded_half_away(value, decimals):.{decimals}f}"
    return f"{number} {name}".strip()


@dataclass(frozen=True, slots=True)
class Quantity:
    """A value that cannot be separated from its concept and its UCUM unit."""

    concept: Code
    value: float
    unit: str

    def text(self) -> str:
        """Return number and unit as painted."""
        return format_value(self.value, self.unit)


def rescaled(quantity: Quantity, factor: float) -> Quantity:
    """Return a length or an area in millimetres, ``factor`` of them a unit; others as they are."""
    if quantity.unit in ("mm", "{pixels}"):
        return replace(quantity, value=quantity.value * factor, unit="mm")
    if quantity.unit in ("mm2", "{pixels}2"):
        return replace(quantity, value=quantity.value * factor**2, unit="mm2")
    return quantity


class SpacingSource(StrEnum):
    """How millimetres came to be known; the value is the label's suffix (field.md 4.6)."""

    PATIENT = ""  # pixel spacing in the patient, or a volume's grid
    DETECTOR = "det"  # imager pixel spacing: at the detector, not in the body
    MAGNIFIED = "mag"  # detector spacing divided by the stated magnification
    REGION = "us"  # an ultrasound region calibrates this point of this frame
    CALIBRATED = "cal"  # a known distance, entered by the user
    NONE = "px"  # nothing is known: pixels


@dataclass(frozen=True, slots=True)
class Spacing:
    """Size of a pixel as (row step, column step) with its source; mm, or 1 px where unknown."""

    row_mm: float
    column_mm: float
    source: SpacingSource

    def __post_init__(self) -> None:
        """Refuse spacings that are not positive."""
        if not (isfinite(self.row_mm) and isfinite(self.column_mm)):
            raise InputRefused("A pixel spacing that is not finite is refused.")
        if self.row_mm <= 0 or self.column_mm <= 0:
            raise InputRefused("A pixel spacing that is not positive is refused.")

    @property
    def is_known(self) -> bool:
        """Whether lengths can be given in millimetres."""
        return self.source is not SpacingSource.NONE

    @property
    def length_unit(self) -> str:
        """UCUM unit of lengths: mm, or pixels where nothing is known."""
        return "mm" if self.is_known else "{pixels}"


PIXELS_ONLY = Spacing(1.0, 1.0, SpacingSource.NONE)

# Concepts of the measurements (PS3.16 CID 7469, 7470, 7464; SCT where DICOM uses it).
LENGTH = Code("410668003", "SCT", "Length")
LONG_AXIS = Code("103339001", "SCT", "Long Axis")
SHORT_AXIS = Code("103340004", "SCT", "Short Axis")
AREA = Code("42798000", "SCT", "Area")
VOLUME = Code("118565006", "SCT", "Volume")
MEAN = Code("373098007", "SCT", "Mean")
STANDARD_DEVIATION = Code("386136009", "SCT", "Standard Deviation")
MINIMUM = Code("255605001", "SCT", "Minimum")
MAXIMUM = Code("56851009", "SCT", "Maximum")
MEDIAN = Code("Y12H", "IBSI", "Median")
SKEWNESS = Code("KE2M", "IBSI", "Skewness")
EXCESS_KURTOSIS = Code("IPH6", "IBSI", "Excess kurtosis")
VALUE = Code("voxel-value", "99NEGATO", "Value")
CALCIUM_SCORE = Code("112058", "DCM", "Calcium score")
CALCIUM_VOLUME = Code("calcium-volume", "99NEGATO", "Calcium volume")
CALCIUM_AREA = Code("calcium-area", "99NEGATO", "Calcium area")
ANGLE = Code("1483009", "SCT", "Angle")
COBB_ANGLE = Code("285285000", "SCT", "Cobb angle")
PERIMETER = Code("131191004", "SCT", "Perimeter")
CARDIOTHORACIC_RATIO = Code("cardiothoracic-ratio", "99NEGATO", "Cardiothoracic ratio")
SUV_PEAK = Code("126031", "DCM", "Peak Value Within ROI")
VOXEL_COUNT = Code("voxel-count", "99NEGATO", "Voxels counted")
# Not IBSI L0JK: that one is taken between the vertices of a mesh, ours between voxels.
LONGEST_DIAMETER_3D = Code("longest-diameter-3d", "99NEGATO", "Longest 3-D diameter")
