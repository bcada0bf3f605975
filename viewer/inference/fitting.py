"""The tile that a device's memory can take."""

from viewer.inference.predictor import NoRoom

Shape = tuple[int, int, int]

_DIVISOR = 8
_SMALLEST = 16
_SHARE = 0.8  # of what is free: other programs use the card too
_MORE = 1.25  # memory comes in blocks, and a larger tile has larger ones


def halved(tile_kji: Shape) -> Shape:
    """Return the tile with its longest side halved, still a multiple of 8.

    Raises
    ------
    NoRoom
        It is as small as tiles get.
    """
    sides = list(tile_kji)
    axis = max(range(3), key=lambda at: sides[at])
    half = -(-sides[axis] // 2 // _DIVISOR) * _DIVISOR
    if sides[axis] <= _SMALLEST or half == sides[axis]:
        raise NoRoom
    sides[axis] = half
    return sides[0], sides[1], sides[2]


def tile_that_fits(tile_kji: Shape, bytes_per_voxel: float, free_bytes: int) -> Shape:
    """Return ``tile_kji``, halved as often as ``free_bytes`` of memory demand.

    ``bytes_per_voxel`` is what one voxel of a tile was seen to take at the peak.

    Raises
    ------
    NoRoom
        Not even the smallest tile fits.
    """
    k, j, i = tile_kji
    while k * j * i * bytes_per_voxel * _MORE > free_bytes * _SHARE:
        k, j, i = halved((k, j, i))
    return k, j, i
