"""Millimetres by a known distance, where a file does not say them or says them at the detector."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from viewer.domain.measurement import Receipt
from viewer.domain.quantity import Quantity, Spacing, SpacingSource, rescaled
from viewer.errors import InputRefused

_LARGEST_MM = 10_000.0


@dataclass(frozen=True, slots=True)
class Calibration:
    """What a person said of one image: this distance is ``known_mm`` long.

    ``factor`` is how many millimetres one unit of the picture's lengths is (a pixel, or a
    millimetre as the file states it). It holds for the frames of one image, in its plane.
    """

    sop_instance_uid: str
    known_mm: float
    factor: float

    @classmethod
    def of(cls, sop_instance_uid: str, drawn: float, known_mm: float) -> "Calibration":
        """Return the calibration by a line that is ``drawn`` units long.

        Raises
        ------
        InputRefused
            A length is not positive, or no length of a thing on an image.
        """
        if not 0 < known_mm <= _LARGEST_MM:
            raise InputRefused(
                f"The known distance must lie between 0 and {_LARGEST_MM:g} mm.",
                remedy="Type the length of the object that the line runs along.",
            )
        if not drawn > 0:
            raise InputRefused("A distance without length calibrates nothing.")
        return cls(sop_instance_uid, known_mm, known_mm / drawn)

    def applied(
        self, quantities: Sequence[Quantity], receipt: Receipt
    ) -> tuple[tuple[Quantity, ...], Receipt]:
        """Return numbers and receipt of a shape on the calibrated image."""
        before = receipt.spacing
        spacing = Spacing(
            before.row_mm * self.factor, before.column_mm * self.factor, SpacingSource.CALIBRATED
        )
        rule = f"{receipt.rule}; calibrated by hand by a distance of {self.known_mm:g} mm"
        return (
            tuple(rescaled(quantity, self.factor) for quantity in quantities),
            replace(receipt, spacing=spacing, rule=rule),
        )
