"""Flat pictures of eight kinds of examination, each with its truth: what enhancement is tried on.

They are drawn from formulas, without noise and without blur beyond the pixel, in units of their
modality. They look like the real thing only as far as enhancement cares: a slow background, edges,
fine structure, and one target beside tissue of a known other value.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]
Mask = NDArray[np.bool_]

_SIZE = 192


@dataclass(frozen=True, eq=False)
class Scene:
    """A picture without flaws and where its target lies.

    ``clean`` (row, column) in ``unit``; ``signal`` are the target's pixels, ``background`` those
    beside it; ``pixel_mm`` is (row, column).
    """

    kind: str
    modality: str
    clean: Field
    signal: Mask
    background: Mask
    pixel_mm: tuple[float, float]
    unit: str = "1"


def scene(kind: str, seed: int) -> Scene:
    """Return the picture of a kind and seed, always the same; ``KINDS`` lists the kinds."""
    return _MAKERS[kind](np.random.default_rng((seed, list(_MAKERS).index(kind))))


def _axes() -> tuple[Field, Field]:
    along = np.linspace(-1, 1, _SIZE, dtype=np.float32)
    y, x = np.meshgrid(along, along, indexing="ij")
    return y, x


def _clouds(rng: np.random.Generator, length_px: float) -> Field:
    """Return smooth random unevenness, mean 0 and SD 1."""
    noise = rng.normal(size=(_SIZE, _SIZE)).astype(np.float32)
    smooth = np.asarray(cv2.GaussianBlur(noise, (0, 0), length_px, borderType=cv2.BORDER_REFLECT))
    return np.asarray((smooth - smooth.mean()) / smooth.std(), dtype=np.float32)


def _disc(y: Field, x: Field, at: tuple[float, float], radius: float, soft: float = 0.01) -> Field:
    apart = np.hypot(y - at[0], x - at[1]) - radius
    return np.asarray(1 / (1 + np.exp(np.clip(apart / soft, -40, 40))), dtype=np.float32)


def _around(mask: Mask, inner_px: int, outer_px: int) -> Mask:
    """Return the ring from ``inner_px`` to ``outer_px`` pixels outside a mask."""
    grown = [
        cv2.dilate(mask.astype(np.uint8), np.ones((2 * n + 1, 2 * n + 1), np.uint8))
        for n in (inner_px, outer_px)
    ]
    return np.asarray((grown[1] > 0) & (grown[0] == 0))


def _place(rng: np.random.Generator, reach: float = 0.45) -> tuple[float, float]:
    y, x = rng.uniform(-reach, reach, 2).tolist()
    return y, x


def _scene(
    kind: str, modality: str, clean: Field, signal: Mask, pixel_mm: float, unit: str = "1"
) -> Scene:
    ring = _around(signal, 2, 8)
    return Scene(kind, modality, clean.astype(np.float32), signal, ring, (pixel_mm, pixel_mm), unit)


def _chest_xray(rng: np.random.Generator) -> Scene:
    y, x = _axes()
    lungs = _disc(y, x * 1.3, (0, -0.55), 0.45, 0.05) + _disc(y, x * 1.3, (0, 0.55), 0.45, 0.05)
    clean = 2200 - 900 * lungs + 120 * _clouds(rng, 25)
    for rib in np.linspace(-0.9, 0.7, 7):
        clean += 140 * np.exp(-(((y - rib - 0.35 * x**2) / 0.045) ** 2))
    y0, x0 = _place(rng, 0.25)
    target = _disc(y, x, (y0, 0.42 * np.sign(x0) + 0.3 * x0), 0.06, 0.012)
    return _scene("chest_xray", "DX", clean + 110 * target, target > 0.6, 1.8)


def _lung_ct(rng: np.random.Generator) -> Scene:
    y, x = _axes()
    clean = -860 + 12 * _clouds(rng, 12)
    wall = np.hypot(y, x) > 0.92
    clean = np.where(wall, np.float32(40), clean)
    for _ in range(22):
        at, radius = _place(rng, 0.75), float(rng.uniform(0.012, 0.035))
        clean += (60 - clean) * _disc(y, x, at, radius, 0.006)
    target = _disc(y, x, _place(rng), 0.065, 0.012)
    return _scene("lung_ct", "CT", clean + (-520 - clean) * target, target > 0.6, 0.7, "[hnsf'U]")


def _mammography(rng: np.random.Generator) -> Scene:
    y, x = _axes()
    clean = 1600 + 260 * _clouds(rng, 22) + 60 * _clouds(rng, 4)
    target = np.zeros_like(clean)
    y0, x0 = _place(rng, 0.3)
    for _ in range(9):
        dy, dx = rng.normal(0, 0.12, 2).tolist()
        target = np.maximum(target, _disc(y, x, (y0 + dy, x0 + dx), 0.016, 0.004))
    return _scene("mammography", "MG", clean + 420 * target, target > 0.5, 0.1)


def _fracture(rng: np.random.Generator) -> Scene:
    y, x = _axes()
    angle = float(rng.uniform(-0.3, 0.3))
    across = x * np.cos(angle) + y * np.sin(angle)
    along = -x * np.sin(angle) + y * np.cos(angle)
    shaft = 1 / (1 + np.exp(np.clip((np.abs(across) - 0.35) / 0.02, -40, 40)))
    cortex = np.exp(-(((np.abs(across) - 0.31) / 0.05) ** 2))
    clean = 900 + 700 * shaft + 500 * cortex + 40 * _clouds(rng, 6)
    line = np.exp(-(((along - 0.25 * across - float(rng.uniform(-0.3, 0.3))) / 0.012) ** 2)) * shaft
    return _scene("fracture", "DX", clean - 260 * line, (line > 0.5) & (shaft > 0.9), 0.15)


def _retina(rng: np.random.Generator) -> Scene:
    y, x = _axes()
    clean = 130 + 6 * _clouds(rng, 20)
    vessels = np.zeros_like(clean)
    for _ in range(7):
        angle, bend = float(rng.uniform(0, np.pi)), float(rng.uniform(-0.5, 0.5))
        width = float(rng.uniform(0.012, 0.03))
        across = x * np.sin(angle) - y * np.cos(angle) + bend * (x**2 + y**2)
        vessels = np.maximum(vessels, np.exp(-(((across - _place(rng)[0]) / width) ** 2)))
    inside = np.hypot(y, x) < 0.9
    return _scene("retina", "OP", clean - 32 * vessels, (vessels > 0.6) & inside, 0.02)


def _ultrasound(rng: np.random.Generator) -> Scene:
    y, x = _axes()
    clean = 95 + 10 * _clouds(rng, 18) - 18 * y
    cyst = _disc(y, x, _place(rng, 0.6), 0.13, 0.02)
    clean = clean + (25 - clean) * cyst
    target = _disc(y, x, _place(rng), 0.16, 0.02)
    return _scene("ultrasound", "US", clean - 34 * target * (1 - cyst), target > 0.8, 0.25)


def _brain_mr(rng: np.random.Generator) -> Scene:
    y, x = _axes()
    radius = np.hypot(y * 1.0, x * 1.2) + 0.02 * _clouds(rng, 10)
    clean = np.full(y.shape, 10.0, dtype=np.float32)
    for edge, value in ((0.92, 260.0), (0.84, 60.0), (0.8, 330.0), (0.66, 430.0), (0.2, 120.0)):
        clean += (value - clean) / (1 + np.exp(np.clip((radius - edge) / 0.012, -40, 40)))
    at = 0.45 * np.array([np.sin(angle := float(rng.uniform(0, 6.28))), np.cos(angle) / 1.2])
    target = _disc(y, x, (float(at[0]), float(at[1])), 0.06, 0.012)
    return _scene("brain_mr", "MR", clean + 110 * target, target > 0.7, 1.0)


def _pet(rng: np.random.Generator) -> Scene:
    y, x = _axes()
    clean = 0.9 * _disc(y, x * 1.2, (0, 0), 0.85, 0.03) + 0.04 * _clouds(rng, 12) + 0.1
    clean = clean + 1.6 * _disc(y, x, _place(rng, 0.5), 0.18, 0.03)
    target = _disc(y, x, _place(rng), 0.075, 0.02)
    found = np.maximum(clean + 2.4 * target, 0)
    return _scene("pet", "PT", found, target > 0.7, 2.0, "{SUVbw}g/ml")


_MAKERS: dict[str, Callable[[np.random.Generator], Scene]] = {
    "chest_xray": _chest_xray,
    "lung_ct": _lung_ct,
    "mammography": _mammography,
    "fracture": _fracture,
    "retina": _retina,
    "ultrasound": _ultrasound,
    "brain_mr": _brain_mr,
    "pet": _pet,
}
KINDS = tuple(_MAKERS)
