"""A picture's quantity as one array, for files that others read."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.domain.volume import Picture
from viewer.errors import Damaged, InputRefused

Values = NDArray[np.int16] | NDArray[np.float32]
_INT16 = np.iinfo(np.int16)


def quantity_values(picture: Picture) -> Values:
    """Return the quantity (k, j, i) of a volume: int16 where that is exact, else float32.

    int16 is exact where every slope is 1, the intercepts are whole and all values fit. Otherwise
    ``stored * slope + intercept`` is taken in 64 bits with the pair of each slice, and rounded once
    to 32: whole values up to 16,777,216 stay exact. Padding keeps the value that it is stored with.

    Raises
    ------
    InputRefused
        The images form no volume, or are in colour: there is no quantity.
    Damaged
        Some slices could not be decoded.
    """
    if not picture.is_volume:
        raise InputRefused(
            "These images form no volume.",
            where=picture.key,
            remedy="Choose a series whose slices lie evenly in the patient.",
        )
    if picture.is_colour:
        raise InputRefused(
            "Colours are not values of a quantity.",
            where=picture.key,
            remedy="Choose a series in grey.",
        )
    if not picture.is_loaded:
        n_lost = int((~picture.loaded_k).sum())
        raise Damaged(
            f"Of {len(picture.loaded_k)} slices {n_lost} could not be decoded.",
            where=picture.key,
            remedy="Copy the files again from their source.",
        )
    whole = _as_int16(picture)
    return _as_float32(picture) if whole is None else whole


def _as_int16(picture: Picture) -> NDArray[np.int16] | None:
    """Return the values as int16, None where they are no whole numbers of 16 bits."""
    slope_k, intercept_k = picture.quantity.slope_k, picture.quantity.intercept_k
    stored = picture.stored
    is_whole = stored.dtype.kind in "iub" and bool((slope_k == 1).all())
    if not is_whole or bool((intercept_k != np.rint(intercept_k)).any()):
        return None
    lowest = stored.min(axis=(1, 2)).astype(np.float64) + intercept_k
    highest = stored.max(axis=(1, 2)).astype(np.float64) + intercept_k
    if lowest.min() < _INT16.min or highest.max() > _INT16.max:
        return None
    values = np.empty(stored.shape, dtype=np.int16)
    for k, plane in enumerate(stored):
        values[k] = plane.astype(np.int64) + int(intercept_k[k])
    return values


def _as_float32(picture: Picture) -> NDArray[np.float32]:
    slope_k, intercept_k = picture.quantity.slope_k, picture.quantity.intercept_k
    values = np.empty(picture.stored.shape, dtype=np.float32)
    for k, plane in enumerate(picture.stored):
        values[k] = plane.astype(np.float64) * slope_k[k] + intercept_k[k]
    return values


def quantity_note(picture: Picture) -> dict[str, Any]:
    """Return what the numbers of a volume mean; without the patient's identity."""
    return {"unit": picture.quantity.unit, "name": picture.quantity.name}
