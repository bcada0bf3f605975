"""What the worker does with flat pictures: classes of many, or a mask of one."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from viewer.domain.card import NetworkCard
from viewer.errors import InputRefused
from viewer.inference.adapted import as_logits
from viewer.inference.image_input import area_averaged, field_of, fundus_channels, prepared
from viewer.inference.predictor import Predictor, sigmoid
from viewer.inference.tiling import Blend, blend_weights, tiles

Report = Callable[[float, str], None]
Floats = NDArray[np.float32]

_BATCH = 32
_SMALLEST_FIELD = 0.15  # of the picture
_SAME_SCALE = 0.06  # a picture this near to the trained size is not resampled
_MOST_PIXELS = 60_000_000
_LARGEST_SIDE = 3000  # of what the network sees


@dataclass(frozen=True, eq=False)
class Drawn:
    """A mask (rows, columns) on the picture's own grid, the network's probability, and remarks."""

    mask: NDArray[np.bool_]
    probability: Floats
    notes: tuple[str, ...]


def class_answers(greys: Floats, card: NetworkCard, predictor: Predictor, report: Report) -> Floats:
    """Return what the network says of pictures (n, rows, columns; 0..1): (n, answers)."""
    answers = []
    for first in range(0, len(greys), _BATCH):
        report(first / len(greys), f"picture {first + 1} of {len(greys)}")
        batch = prepared(greys[first : first + _BATCH], card)
        answers.append(predictor.predict(np.ascontiguousarray(batch)))
    return _with_distance(np.concatenate(answers), card)


def _with_distance(answers: Floats, card: NetworkCard) -> Floats:
    """Return the answers of a network from elsewhere in the form of ours: logits, and no distance."""
    if not card.option("uncalibrated", 0) or answers.shape[1:] != (len(card.classes),):
        return answers
    logits = as_logits(answers) if dict(card.options).get("ends") == "probabilities" else answers
    return np.concatenate((logits, np.zeros((len(logits), 1), dtype=np.float32)), axis=1)


def vessels(
    colour: NDArray[np.uint8], card: NetworkCard, predictor: Predictor, report: Report
) -> Drawn:
    """Return the vessels of a fundus picture (rows, columns, 3).

    The picture is scaled until its field is as wide as those that the network was trained on, and
    the probability is brought back to the picture's own grid before it is thresholded.

    Raises
    ------
    InputRefused
        There is no bright field in the picture, or the picture is far too large.
    """
    rows, columns = colour.shape[:2]
    if rows * columns > _MOST_PIXELS:
        raise InputRefused(f"{card.title} reads pictures of up to 60 million pixels.")
    report(0.0, "looking for the field")
    grey = colour.astype(np.float32) / np.float32(255)
    field = field_of(grey)
    share = float(field.mean())
    if share < _SMALLEST_FIELD:
        raise InputRefused(
            f"{card.title} finds no bright field in this picture.",
            remedy="Choose a colour picture of the back of the eye.",
        )
    scale, notes = _scale(field, card)
    size = (max(16, round(rows * scale)), max(16, round(columns * scale)))
    seen = grey if scale == 1.0 else _resized(grey, size)
    seen_field = field if scale == 1.0 else _resized(field.astype(np.float32), size) > 0.5
    channels = fundus_channels(seen, seen_field)
    probability = picture_probability(channels, card, predictor, report) * seen_field
    report(0.97, "restoring the picture's own grid")
    if scale != 1.0:
        probability = _resized(probability, (rows, columns))
    mask = (probability >= card.threshold) & field
    return Drawn(mask, np.asarray(probability, dtype=np.float32), notes)


def _scale(field: NDArray[np.bool_], card: NetworkCard) -> tuple[float, tuple[str, ...]]:
    """Return the factor that makes the field as wide as the trained ones, and what to say of it."""
    wanted = card.option("field_px", 0.0)
    # A field that is cut off above and below is as wide as its longest row.
    width = float(max(field.any(axis=0).sum(), field.any(axis=1).sum()))
    if wanted <= 0.0:
        return 1.0, ()
    scale = wanted / width
    if max(field.shape) * scale > _LARGEST_SIDE:
        scale = _LARGEST_SIDE / max(field.shape)
    if abs(scale - 1.0) <= _SAME_SCALE:
        return 1.0, ()
    note = (
        f"The field is {width:.0f} pixels wide; {card.title} was trained on fields of {wanted:.0f}."
        " The picture was scaled for the network, and the mask back."
    )
    if scale > 1.5:
        note += " Thin vessels that the picture does not resolve cannot be found."
    return scale, (note,)


def _resized(values: Floats, size: tuple[int, int]) -> Floats:
    """Return (rows, columns[, 3]) at another size: by area where smaller, linearly where larger."""
    if values.ndim == 3:
        return np.stack([_resized(values[..., n], size) for n in range(values.shape[2])], axis=2)
    if size[0] <= values.shape[0] and size[1] <= values.shape[1]:
        return area_averaged(values, *size)
    from scipy import ndimage

    axes = [
        (np.arange(after) + 0.5) * before / after - 0.5
        for before, after in zip(values.shape, size, strict=True)
    ]
    at = np.meshgrid(*axes, indexing="ij")
    return np.asarray(
        ndimage.map_coordinates(values, at, order=1, mode="nearest"), dtype=np.float32
    )


def picture_probability(
    channels: Floats, card: NetworkCard, predictor: Predictor, report: Report
) -> Floats:
    """Return the probability (rows, columns) of a picture (c, rows, columns), tile by tile.

    With the card's option ``flips``, each tile is also seen mirrored (left-right, up-down, both) and
    the answers are averaged.
    """
    _, rows, columns = channels.shape
    _, high, wide = card.tile_kji
    tile = (1, high, wide)
    weights = blend_weights(tile)
    blend = Blend((1, rows, columns))
    blocks = list(tiles((1, rows, columns), tile))
    mirrors = ((), (2,), (1,), (1, 2)) if card.option("flips", 0) else ((),)
    for n, block in enumerate(blocks):
        part = channels[(slice(None), *block[1:])]
        whole = np.zeros((len(channels), high, wide), dtype=np.float32)
        whole[:, : part.shape[1], : part.shape[2]] = part
        answer = np.zeros((high, wide), dtype=np.float32)
        for m, axes in enumerate(mirrors):
            done = (n * len(mirrors) + m) / (len(blocks) * len(mirrors))
            report(0.05 + 0.9 * done, f"tile {n + 1} of {len(blocks)}")
            batch = np.ascontiguousarray(np.flip(whole, axes)[None])
            logits = predictor.predict(batch)
            answer += np.flip(sigmoid(logits[0, 0]), tuple(axis - 1 for axis in axes))
        blend.add(block, answer[None] / np.float32(len(mirrors)), weights)
    return np.asarray(blend.result()[0], dtype=np.float32)
