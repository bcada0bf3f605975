"""Pictures as a network wants to see them: grey or colour, at its size, on its scale."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.domain.card import NetworkCard
from viewer.errors import InputRefused

Floats = NDArray[np.float32]

# Mean and deviation of red, green and blue that torchvision's networks are given.
_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_LEAST_DEVIATION = 1e-3  # of grey 0..1: a picture of one grey is not blown up to noise
_LOCAL_PX = 12.0  # standard deviation of the neighbourhood of a fundus picture's local contrast
_DARK = 0.08  # of the brightest: beyond the field of a fundus camera


def prepared(greys: Floats, card: NetworkCard) -> Floats:
    """Return pictures (n, rows, columns; 0..1) as the card's network takes them (n, 1, ...).

    Square, at the card's size by area averaging, each with mean 0 and standard deviation 1; the
    card's option ``picture`` says where a network from elsewhere wants something else.
    """
    small = reduced(greys, card)
    options = dict(card.options)
    how = str(options.get("picture", "standard"))
    if how == "imagenet":
        mean, spread = (np.array(v, dtype=np.float32)[:, None, None] for v in _IMAGENET)
        return np.asarray((small[:, None] - mean) / spread, dtype=np.float32)
    shown = standardised(small) if how == "standard" else small
    n_channels = int(options.get("channels", 1))
    return shown[:, None] if n_channels == 1 else np.repeat(shown[:, None], n_channels, axis=1)


def reduced(greys: Floats, card: NetworkCard) -> Floats:
    """Return pictures (n, rows, columns; 0..1) square and at the card's size, their greys kept."""
    _, rows, columns = card.tile_kji
    squares = squared(greys, str(dict(card.options).get("square", "crop")))
    if squares.shape[1:] == (rows, columns):
        return squares
    return np.stack([area_averaged(one, rows, columns) for one in squares])


def squared(greys: Floats, how: str) -> Floats:
    """Return the square in the middle ("crop"), or the picture in a black square ("pad")."""
    _, rows, columns = greys.shape
    if rows == columns:
        return greys
    if how == "pad":
        side = max(rows, columns)
        whole = np.zeros((len(greys), side, side), dtype=np.float32)
        first, second = (side - rows) // 2, (side - columns) // 2
        whole[:, first : first + rows, second : second + columns] = greys
        return whole
    side = min(rows, columns)
    first, second = (rows - side) // 2, (columns - side) // 2
    return greys[:, first : first + side, second : second + side]


def grey_from(values: NDArray[Any], where: str) -> Floats:
    """Return pictures (n, rows, columns) as grey 0..1: bytes and words by their full range.

    Floats are taken as they are between 0 and 1, else stretched from their lowest to their highest
    value, all pictures alike.

    Raises
    ------
    InputRefused
        They are no numbers, not finite, empty, or not of this shape.
    """
    if values.ndim != 3 or 0 in values.shape:
        raise InputRefused(
            f"Pictures of shape {values.shape} are not (n, rows, columns).",
            where=where,
            remedy="Give grey pictures of one size, none of them empty.",
        )
    if values.dtype.kind == "u":
        return np.asarray(values, dtype=np.float32) / np.float32(np.iinfo(values.dtype).max)
    if values.dtype.kind not in "if":
        raise InputRefused("The pictures are no numbers.", where=where)
    grey = np.asarray(values, dtype=np.float32)
    if not np.isfinite(grey).all():
        raise InputRefused(
            "The pictures hold values that are not finite.", where=where, remedy="Leave them out."
        )
    low, high = float(grey.min()), float(grey.max())
    if low >= 0.0 and high <= 1.0:
        return grey
    return np.asarray((grey - low) / max(high - low, 1e-6), dtype=np.float32)


def standardised(greys: Floats) -> Floats:
    """Return pictures (n, rows, columns), each with mean 0 and standard deviation 1.

    So exposure and contrast of the whole film do not matter. A picture of one grey becomes 0.
    """
    mean = greys.mean(axis=(1, 2), keepdims=True, dtype=np.float64)
    deviation = greys.std(axis=(1, 2), keepdims=True, dtype=np.float64)
    span = np.maximum(deviation, _LEAST_DEVIATION)
    return np.asarray((greys - mean) / span, dtype=np.float32)


def area_averaged(grey: Floats, rows: int, columns: int) -> Floats:
    """Return ``grey`` (rows, columns) at another size, each new pixel the mean of what it covers.

    Pixels that are covered in part count in part; so the mean of the picture stays. Where the new
    size is larger, this repeats pixels.
    """
    return np.asarray(
        _cover(grey.shape[0], rows) @ grey.astype(np.float64) @ _cover(grey.shape[1], columns).T,
        dtype=np.float32,
    )


def _cover(before: int, after: int) -> NDArray[np.float64]:
    """Return (after, before): the share of each old pixel in each new one; rows sum to 1."""
    edges = np.arange(after + 1) * (before / after)
    old = np.arange(before)
    overlap = np.minimum(edges[1:, None], old + 1.0) - np.maximum(edges[:-1, None], old)
    return np.asarray(np.clip(overlap, 0.0, None) * (after / before), dtype=np.float64)


def field_of(colour: Floats) -> NDArray[np.bool_]:
    """Return where a fundus picture (rows, columns, 3; 0..1) shows the eye: the bright disc.

    The largest bright part, with its holes filled.
    """
    from scipy import ndimage

    red = ndimage.gaussian_filter(colour.max(axis=2), 2.0)
    bright = red > max(_DARK * float(np.percentile(red, 99)), 0.02)
    parts, count = ndimage.label(bright)
    if not count:
        return np.zeros(bright.shape, dtype=bool)
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    return np.asarray(ndimage.binary_fill_holes(parts == int(sizes.argmax())), dtype=bool)


def fundus_channels(colour: Floats, field: NDArray[np.bool_]) -> Floats:
    """Return (4, rows, columns): green by its local contrast, then red, green, blue in the field.

    The local contrast is the difference from the mean around, in standard deviations around (both
    Gaussian, inside the field alone), so neither uneven light nor the field's rim counts. The other
    three have mean 0 and standard deviation 1 inside the field. All are 0 outside.
    """
    channels = [_local_contrast(colour[..., 1], field)]
    for one in np.moveaxis(colour, 2, 0):
        inside = one[field]
        spread = max(float(inside.std()), _LEAST_DEVIATION) if inside.size else 1.0
        middle = float(inside.mean()) if inside.size else 0.0
        channels.append(np.where(field, (one - middle) / spread, 0.0))
    return np.asarray(np.stack(channels), dtype=np.float32)


def _local_contrast(green: Floats, field: NDArray[np.bool_]) -> NDArray[np.float64]:
    from scipy import ndimage

    inside = field.astype(np.float64)
    weight = np.maximum(ndimage.gaussian_filter(inside, _LOCAL_PX), 1e-3)
    values = green.astype(np.float64) * inside
    mean = ndimage.gaussian_filter(values, _LOCAL_PX) / weight
    square = ndimage.gaussian_filter(values * green, _LOCAL_PX) / weight
    spread = np.sqrt(np.maximum(square - mean * mean, 0.0))
    floor = max(0.2 * float(spread[field].mean()) if field.any() else 0.0, _LEAST_DEVIATION)
    return np.asarray(np.where(field, (green - mean) / np.maximum(spread, floor), 0.0))
