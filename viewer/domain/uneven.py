"""Slices that lie parallel, at uneven distances."""

from dataclasses import dataclass

Vector = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class SlicePlaces:
    """Where parallel slices lie that form no grid.

    ``origin_lps_mm`` is the first voxel of the first slice, ``column_mm`` and ``row_mm`` the steps
    from column to column and from row to row (vectors, LPS), ``normal`` the unit vector along which
    slice k lies at ``depths_mm[k]`` (rising, from 0).
    """

    origin_lps_mm: Vector
    column_mm: Vector
    row_mm: Vector
    normal: Vector
    depths_mm: tuple[float, ...]
