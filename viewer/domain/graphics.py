"""What a file lays over its images: overlay bitmaps and shutters."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from viewer.errors import InputRefused

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Overlay:
    """A bitmap over an image (PS3.3 C.9.2): drawn by a person or a program, burnt into no pixel.

    ``bits`` are rows x columns, row by row, eight in a byte, the lowest bit first. ``row`` and
    ``column`` are where its first bit lies in the image, counted from 0; parts may lie outside.
    """

    rows: int
    columns: int
    row: int
    column: int
    bits: bytes
    label: str = ""

    def __post_init__(self) -> None:
        """Refuse bitmaps that are not there in full."""
        if min(self.rows, self.columns) < 1 or len(self.bits) * 8 < self.rows * self.columns:
            raise InputRefused("The overlay is smaller than it says.")

    def mask(self, shape: tuple[int, int]) -> Mask:
        """Return where the overlay's bits lie in an image of ``shape`` (rows, columns)."""
        count = self.rows * self.columns
        bits = np.unpackbits(np.frombuffer(self.bits, np.uint8), count=count, bitorder="little")
        own = bits.reshape(self.rows, self.columns).astype(bool)
        found = np.zeros(shape, dtype=bool)
        top, left = max(self.row, 0), max(self.column, 0)
        bottom = min(self.row + self.rows, shape[0])
        right = min(self.column + self.columns, shape[1])
        if top < bottom and left < right:
            found[top:bottom, left:right] = own[
                top - self.row : bottom - self.row, left - self.column : right - self.column
            ]
        return found


@dataclass(frozen=True, slots=True)
class ShutterShape:
    """One shape of a display shutter, in rows and columns of the image counted from 0.

    ``numbers`` are, for a rectangle, the first and last row and the first and last column that are
    seen; for a circle the row and column of its centre and its radius; for a polygon row, column,
    row, column, ... of its corners.
    """

    kind: Literal["rectangle", "circle", "polygon"]
    numbers: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Shutter:
    """What the file hides of an image (PS3.3 C.7.6.11): all that lies outside any of the shapes."""

    shapes: tuple[ShutterShape, ...]

    @classmethod
    def of(
        cls,
        kinds: Sequence[str],
        *,
        edges: Sequence[float | None],
        centre: Sequence[float],
        radius: float | None,
        vertices: Sequence[float],
    ) -> "Shutter | None":
        """Return the shutter of DICOM's numbers, which count from 1; None if none is usable.

        ``edges`` are the upper, lower, left and right one; ``centre`` and ``vertices`` row, column.
        """
        shapes = []
        sides = [edge - 1 for edge in edges if edge is not None]
        for kind in kinds:
            if kind == "RECTANGULAR" and len(sides) == 4 and sides[0] <= sides[1]:
                if sides[2] <= sides[3]:
                    shapes.append(ShutterShape("rectangle", tuple(sides)))
            elif kind == "CIRCULAR" and len(centre) == 2 and radius is not None and radius > 0:
                shapes.append(ShutterShape("circle", (centre[0] - 1, centre[1] - 1, radius)))
            elif kind == "POLYGONAL" and len(vertices) >= 6 and len(vertices) % 2 == 0:
                shapes.append(ShutterShape("polygon", tuple(value - 1 for value in vertices)))
        return cls(tuple(shapes)) if shapes else None

    def hidden(self, shape: tuple[int, int]) -> Mask:
        """Return the hidden pixels of an image of ``shape`` (rows, columns)."""
        rows, columns = np.ogrid[: shape[0], : shape[1]]
        seen = np.ones(shape, dtype=bool)
        for one in self.shapes:
            if one.kind == "rectangle":
                top, bottom, left, right = one.numbers
                seen &= (rows >= top) & (rows <= bottom) & (columns >= left) & (columns <= right)
            elif one.kind == "circle":
                row, column, radius = one.numbers
                seen &= (rows - row) ** 2 + (columns - column) ** 2 <= radius**2
            else:
                seen &= _inside(one.numbers, shape)
        return ~seen


def _inside(numbers: tuple[float, ...], shape: tuple[int, int]) -> Mask:
    """Return the pixels whose centres lie inside a polygon, by the even-odd rule."""
    corners = np.array(numbers, dtype=np.float64).reshape(-1, 2)
    columns = np.arange(shape[1], dtype=np.float64)
    found = np.zeros(shape, dtype=bool)
    following = np.roll(corners, -1, axis=0)
    for row in range(shape[0]):
        for (row0, column0), (row1, column1) in zip(corners, following, strict=True):
            if (row0 <= row) != (row1 <= row):
                crossing = column0 + (row - row0) / (row1 - row0) * (column1 - column0)
                found[row] ^= columns < crossing
    return found
