"""From a quantity to grey: VOI windows, exactly as the standard writes them."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from viewer.domain.volume import (
    Display,
    Picture,
    ValueMap,
    VoiTable,
    Voxels,
    Window,
    WindowFunction,
)

# field.md 4.3: number key -> window, HU.
PRESETS: dict[int, Window] = {
    1: Window(40, 400, "Soft tissue"),
    2: Window(-600, 1500, "Lung"),
    3: Window(90, 150, "Liver"),
    4: Window(400, 2000, "Bone"),
    5: Window(40, 80, "Brain"),
    6: Window(40, 40, "Stroke"),
    7: Window(50, 350, "Mediastinum"),
    8: Window(300, 600, "Angio"),
    9: Window(75, 200, "Subdural"),
}
_SUV = "{SUVbw}g/ml"
_PET = Window(3.0, 6.0, "SUV 0-6")
_SAMPLE = 400_000
_FEWEST_GREYS = 0.005  # share of the values that a usual window must show as greys


def windowed(values: ArrayLike, window: Window) -> NDArray[np.float64]:
    """Return grey from 0 (black) to 1 (white): PS3.3 C.11.2.1.2.1, .2 and C.11.2.1.3.1.

    LINEAR follows the standard's formula with its half and one offsets; of a width of 1 or less
    only the threshold at ``center - 0.5`` remains. NaN stays NaN.
    """
    x = np.asarray(values, dtype=np.float64)
    if window.table is not None:
        return _looked_up(x, window.table)
    c, w = window.center, window.width
    with np.errstate(over="ignore"):  # beyond all numbers is as black or white as beyond the window
        if window.function is WindowFunction.SIGMOID:
            return np.asarray(1 / (1 + np.exp(np.clip(-4 * (x - c) / w, -500, 500))))
        if window.function is WindowFunction.LINEAR_EXACT:
            return np.asarray(np.clip((x - c) / w + 0.5, 0, 1))
        if w <= 1:
            return np.where(np.isnan(x), np.nan, np.where(x <= c - 0.5, 0.0, 1.0))
        return np.asarray(np.clip((x - (c - 0.5)) / (w - 1) + 0.5, 0, 1))


def _looked_up(values: NDArray[np.float64], table: VoiTable) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore"):
        at = np.clip(np.floor((values - table.first) / table.step + 1e-9), 0, table.n_entries - 1)
    known = ~np.isnan(at)
    found = np.full(np.shape(values), np.nan)
    found[known] = table.greys()[at[known].astype(np.int64)]
    return found


def table_entries(
    descriptor: Sequence[float], raw: bytes, order: str, *, signed: bool
) -> tuple[int, NDArray[np.uint16], int] | None:
    """Return (first value, entries, bits) of a DICOM look-up table, None if it is unusable.

    PS3.3 C.11.1.1.1: 0 entries mean 65,536; entries of 8 bits may be stored in bytes or in words
    (of byte order ``order``); the first value is signed where the values that enter may be.
    """
    if len(descriptor) != 3 or not raw:
        return None
    n_entries, first = int(descriptor[0]) or 65536, int(descriptor[1])
    if signed and first > 0x7FFF:
        first -= 0x10000
    kind = np.dtype(f"{order}u2" if len(raw) >= 2 * n_entries else "u1")
    usable = len(raw) // kind.itemsize * kind.itemsize
    table = np.frombuffer(raw[:usable], dtype=kind)[:n_entries]
    return (first, table.astype(np.uint16), int(descriptor[2])) if len(table) else None


def voi_table(first: int, entries: NDArray[np.uint16], bits: int) -> VoiTable:
    """Return a table as greys; its stated depth is the full range, unless entries exceed it."""
    top = max((1 << min(max(bits, 1), 16)) - 1, int(entries.max()))
    greys = np.rint(entries.astype(np.float64) * 65535 / top).astype("<u2")
    return VoiTable(float(first), 1.0, greys.tobytes())


def _sample(picture: Picture) -> NDArray[np.float64]:
    """Return some read values as the quantity, for windows (not for numbers)."""
    read = np.flatnonzero(picture.loaded_k)
    if not len(read) or picture.is_colour:
        return np.zeros(1)
    chosen = read[:: max(1, len(read) // 40)]
    _, n_j, n_i = picture.grid.shape_kji
    step = max(1, int(np.sqrt(len(chosen) * n_j * n_i / _SAMPLE)))
    values = np.concatenate(
        [_imaged(picture, int(k), picture.stored[k, ::step, ::step]) for k in chosen]
    ).astype(np.float64)
    finite = values[np.isfinite(values)]
    return finite if len(finite) else np.zeros(1)


def _imaged(picture: Picture, k: int, stored: Voxels) -> NDArray[np.float32]:
    """Return the quantity (n,) of stored values of slice ``k`` without padding."""
    values = picture.quantity.slice_values(stored, k)
    return np.asarray(values[~picture.quantity.is_padding(stored)])


def _between(low: float, high: float, name: str) -> Window:
    width = max(high - low, 1e-6)
    return Window(low + width / 2, width, name, WindowFunction.LINEAR_EXACT)


def percentile_window(picture: Picture, low: float = 1.0, high: float = 99.0) -> Window:
    """Return the window of the middle of the values that were read (a sample of them)."""
    a, b = np.percentile(_sample(picture), (low, high))
    return _between(float(a), float(b), f"{low:g}-{high:g} %")


def _shows_greys(picture: Picture, window: Window) -> bool:
    grey = windowed(_sample(picture), window)
    return bool(((grey > 0) & (grey < 1)).mean() >= _FEWEST_GREYS)


def full_window(picture: Picture) -> Window:
    """Return the window from the lowest to the highest value that was read."""
    lows, highs = [], []
    for k in np.flatnonzero(picture.loaded_k):
        plane = _imaged(picture, int(k), picture.stored[k])
        if not plane.size or not (np.isfinite(plane.min()) and np.isfinite(plane.max())):
            plane = plane[np.isfinite(plane)]
        if plane.size:
            lows.append(float(plane.min()))
            highs.append(float(plane.max()))
    if not lows:
        return percentile_window(picture)
    return _between(min(lows), max(highs), "full range")


def default_window(picture: Picture) -> Window:
    """Return the file's window, or the usual one of the modality, or 1-99 %.

    The usual window of CT is not taken where it would show black and white alone.
    """
    known = usual_window(picture.display, picture.quantity)
    if known is not None:
        return known
    if picture.quantity.unit == "[hnsf'U]" and _shows_greys(picture, PRESETS[1]):
        return PRESETS[1]
    return replace(percentile_window(picture), name="1-99 %")


def usual_window(display: Display, quantity: ValueMap) -> Window | None:
    """Return the window that is known without looking at values: that of SUV, or the file's."""
    if quantity.unit == _SUV:
        return _PET
    if display.windows:
        return display.windows[0]
    if display.windows_k:
        return display.windows_k[len(display.windows_k) // 2]
    return None


def shown_inverted(picture: Picture) -> bool:
    """Return whether white is low when nobody chose."""
    return inverted_by_default(picture.display, picture.quantity)


def inverted_by_default(display: Display, quantity: ValueMap) -> bool:
    """Return whether white is low: the file's word, and SUV (field.md 4.3)."""
    return display.inverted or quantity.unit == _SUV
