"""Colours of segments that readers tell apart, those who see two primaries instead of three too.

The first eight are Okabe & Ito's set ("Color Universal Design", 2008) without black, with one light
grey; those that follow were chosen greedily, each furthest from all before it (Glasbey et al.,
Color Res. Appl. 32, 2007) in CIE L*a*b*, as seen with normal and with simulated dichromatic sight.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

Rgb = tuple[int, int, int]
Floats = NDArray[np.float64]

OKABE_ITO: tuple[Rgb, ...] = (
    (230, 159, 0),
    (86, 180, 233),
    (0, 158, 115),
    (240, 228, 66),
    (213, 94, 0),
    (204, 121, 167),
    (0, 114, 178),
    (200, 200, 200),
)
_TABLE_SIZE = 32
# Machado, Oliveira & Fernandes, IEEE TVCG 15 (2009), severity 1.0, linear RGB.
SIGHT: dict[str, Floats] = {
    "normal": np.eye(3),
    "protan": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deutan": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
}
_TO_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
_WHITE = np.array([0.95047, 1.0, 1.08883])


def colour_of(number: int) -> Rgb:
    """Return the colour of the segment ``number`` (1, 2, ...); after 32 they come again."""
    return _table()[(number - 1) % _TABLE_SIZE]


def seen(colours: Floats, sight: str) -> Floats:
    """Return CIE L*a*b* (n, 3; D65) of sRGB colours (n, 3; 0-255) as a kind of sight sees them."""
    share = np.asarray(colours, dtype=np.float64) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    linear = np.clip(linear @ SIGHT[sight].T, 0, 1)
    ratio = linear @ _TO_XYZ.T / _WHITE
    root = np.where(ratio > 216 / 24389, np.cbrt(ratio), (24389 / 27 * ratio + 16) / 116)
    x, y, z = root.T
    return np.stack((116 * y - 16, 500 * (x - y), 200 * (y - z)), axis=-1)


def apart(colours: Floats, others: Floats) -> Floats:
    """Return the smallest CIE76 difference (n, m) over the kinds of sight."""
    found = [
        np.linalg.norm(seen(colours, s)[:, None] - seen(others, s)[None], axis=-1) for s in SIGHT
    ]
    return np.asarray(np.min(found, axis=0))


@cache
def _table() -> tuple[Rgb, ...]:
    steps = np.linspace(0, 255, 9).round()
    candidates = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(-1, 3)
    lightness = seen(candidates, "normal")[:, 0]
    candidates = candidates[(lightness > 35) & (lightness < 95)]  # on grey images, on a dark page
    chosen = [np.array(c, dtype=np.float64) for c in OKABE_ITO]
    nearest = apart(candidates, np.array(chosen)).min(axis=1)
    while len(chosen) < _TABLE_SIZE:
        best = candidates[int(np.argmax(nearest))]
        chosen.append(best)
        nearest = np.minimum(nearest, apart(candidates, best[None])[:, 0])
    return tuple((int(r), int(g), int(b)) for r, g, b in chosen)
