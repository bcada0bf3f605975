"""Regions of an ultrasound image, each with a scale of its own (PS3.3 C.8.5.5)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from viewer.domain.geometry import Floats
from viewer.domain.measurement import Receipt
from viewer.domain.quantity import Quantity, Spacing, SpacingSource, rescaled
from viewer.errors import InputRefused


@dataclass(frozen=True, slots=True)
class ScaleRegion:
    """A rectangle of pixels, its last ones included; ``mm_per_pixel`` None: no lengths in it."""

    left: int
    top: int
    right: int
    bottom: int
    mm_per_pixel: float | None

    def holds(self, column: float, row: float) -> bool:
        """Whether a place (pixel centres are whole numbers) lies in it."""
        across = self.left - 0.5 <= column <= self.right + 0.5
        return across and self.top - 0.5 <= row <= self.bottom + 0.5

    def applied(
        self, quantities: Sequence[Quantity], receipt: Receipt
    ) -> tuple[tuple[Quantity, ...], Receipt]:
        """Return numbers and receipt of a shape in this region, in millimetres if it has a scale."""
        if self.mm_per_pixel is None:
            return tuple(quantities), receipt
        spacing = Spacing(self.mm_per_pixel, self.mm_per_pixel, SpacingSource.REGION)
        return (
            tuple(rescaled(quantity, self.mm_per_pixel) for quantity in quantities),
            replace(receipt, spacing=spacing),
        )


def region_of_shape(regions: Sequence[ScaleRegion], columns_rows: Floats) -> ScaleRegion | None:
    """Return the region that holds a shape (n, 2), None if it lies in none, or there are none.

    Raises
    ------
    InputRefused
        It runs from one region into another: a length in it means nothing.
    """
    found = {
        next((n for n, one in enumerate(regions) if one.holds(column, row)), -1)
        for column, row in columns_rows.tolist()
    }
    if regions and len(found) > 1:
        raise InputRefused(
            "The shape runs across ultrasound regions that have scales of their own.",
            remedy="Measure within one region.",
        )
    number = found.pop() if found else -1
    return None if number < 0 else regions[number]
