"""A chest as fields over patient coordinates: what is where, and how dense it is (HU).

Everything is a function of points (x left, y posterior, z head; mm, origin in the middle of the
chest), so any grid, oblique and anisotropic ones too, cuts the same patient.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Field = NDArray[Any]  # float32, but for what NumPy promotes on the way


@dataclass(frozen=True, slots=True)
class Build:
    """How this patient is built and how dense tissues are; ``seed`` shapes what is not named."""

    seed: int
    size: float = 1.0
    fat_mm: float = 15.0
    lung_hu: float = -855.0
    blood_hu: float = 48.0
    muscle_hu: float = 52.0
    fat_hu: float = -98.0
    bone: float = 1.0


@dataclass(frozen=True)
class Points:
    """Coordinates of voxel centres, each (k, j, i), in millimetres."""

    x: Field
    y: Field
    z: Field


def soft(distance_mm: Field, width_mm: float = 0.8) -> Field:
    """Return occupancy 0..1 of what lies inside (negative distance), with a soft edge."""
    return np.asarray(np.clip(0.5 - distance_mm / (2 * width_mm), 0, 1), dtype=np.float32)


def _put(values: Field, occupancy: Field, hu: Any) -> None:
    """Blend a tissue in."""
    values += occupancy * (hu - values)


def waves(points: Points, rng: np.random.Generator, length_mm: float, n: int = 5) -> Field:
    """Return a smooth random field of unit size: plane waves of about ``length_mm``."""
    total = np.zeros(np.broadcast(points.x, points.y, points.z).shape, dtype=np.float32)
    for _ in range(n):
        direction = rng.normal(size=3)
        direction *= 2 * np.pi / (length_mm * rng.uniform(0.7, 1.5)) / np.linalg.norm(direction)
        phase = rng.uniform(0, 2 * np.pi)
        a, b, c = (np.float32(v) for v in direction)
        total += np.sin(a * points.x + b * points.y + c * points.z + np.float32(phase))
    return np.asarray(total / np.float32(np.sqrt(n / 2)))


def warped(points: Points, build: Build) -> Points:
    """Return the points as an ideal body's: scaled and gently bent, so that nothing is a circle."""
    rng = np.random.default_rng((build.seed, 1))
    scale = np.float32(1 / build.size)
    return Points(
        points.x * scale + waves(points, rng, 150, 4) * np.float32(3.0),
        points.y * scale + waves(points, rng, 150, 4) * np.float32(2.5),
        points.z * scale + waves(points, rng, 170, 4) * np.float32(3.0),
    )


def _ellipse(x: Field, y: Field, a: Any, b: Any, power: float = 2.0) -> Field:
    """Return about the distance (mm) to a super-ellipse with half-axes ``a`` and ``b``."""
    q = (np.abs(x / a) ** power + np.abs(y / b) ** power) ** np.float32(1 / power)
    return np.asarray((q - 1) * 0.5 * (a + b), dtype=np.float32)


def _ellipsoid(
    p: Points, centre: tuple[float, float, float], half: tuple[float, float, float]
) -> Field:
    x, y, z = (
        (c - np.float32(m)) / np.float32(h)
        for c, m, h in zip((p.x, p.y, p.z), centre, half, strict=True)
    )
    r = np.sqrt(x * x + y * y + z * z)
    return np.asarray((r - 1) * np.float32(min(half)), dtype=np.float32)


def _tube(p: Points, line: Sequence[tuple[float, float, float]], radius: float) -> Field:
    """Return the distance to a tube along a polyline."""
    best = np.full(p.x.shape, 1e4, dtype=np.float32)
    for start, end in pairwise(line):
        s, e = (np.array(point, dtype=np.float32) for point in (start, end))
        edge = e - s
        share = ((p.x - s[0]) * edge[0] + (p.y - s[1]) * edge[1] + (p.z - s[2]) * edge[2]) / (
            edge @ edge
        )
        np.clip(share, 0, 1, out=share)
        d = (p.x - s[0] - share * edge[0]) ** 2
        d += (p.y - s[1] - share * edge[1]) ** 2
        d += (p.z - s[2] - share * edge[2]) ** 2
        np.minimum(best, d, out=best)
    return np.asarray(np.sqrt(best) - np.float32(radius))


def diaphragm_mm(p: Points) -> Field:
    """Return the height z of the diaphragm's dome under each point (the right one is higher)."""
    right = 44 * np.exp(-(((p.x + 66) / 62) ** 2) - (((p.y + 8) / 66) ** 2))
    left = 33 * np.exp(-(((p.x - 70) / 58) ** 2) - (((p.y + 4) / 62) ** 2))
    fall = np.clip(p.y / 90, 0, 1) ** 2 * 34
    return np.asarray(-104 + right + left - fall, dtype=np.float32)


def lungs(p: Points) -> Field:
    """Return about the distance (mm) to the lungs' surface, negative inside."""
    # The rib cage narrows towards the apex.
    taper = np.clip((p.z + 40) / 175, 0, 1) ** 2.4
    cage = _ellipse(p.x, p.y - 4, 128 - 78 * taper, 86 - 42 * taper, 2.3)
    top = p.z - 128
    bottom = diaphragm_mm(p) - p.z
    # The mediastinum: narrow above, broad and towards the left where the heart lies.
    low = np.clip((22 - p.z) / 70, 0, 1)
    half = 27 + 13 * low
    shift = 9 * low
    front = _ellipse(p.x - shift, p.y + 22, half, np.float32(74), 2.2)
    back = _ellipse(p.x, p.y - 60, np.float32(30), np.float32(40), 2.4)
    middle = np.minimum(front, back)
    found = np.maximum.reduce([cage, top, bottom, -middle, -heart(p) + 2])
    return np.asarray(found, dtype=np.float32)


def heart(p: Points) -> Field:
    """Return about the distance (mm) to the heart: tilted, two thirds of it on the left."""
    x, y, z = p.x - 22, p.y + 26, p.z + 48
    a = 0.72 * x - 0.30 * y - 0.62 * z
    b = 0.36 * x + 0.93 * y
    c = 0.58 * x - 0.22 * y + 0.78 * z
    r = np.sqrt((a / 62) ** 2 + (b / 43) ** 2 + (c / 43) ** 2)
    return np.asarray((r - 1) * 45, dtype=np.float32)


def fields(p: Points, build: Build) -> tuple[Field, Field]:
    """Return (HU, distance to the lungs) of a chest without vessels, lesions and noise."""
    q = warped(p, build)
    rng = np.random.default_rng((build.seed, 2))
    values = np.full(q.x.shape, -1000.0, dtype=np.float32)
    _soft_tissue(values, q, build, rng)
    lung = lungs(q)
    _organs(values, q, build, rng)
    texture = waves(q, rng, 9, 6) * 16 + waves(q, rng, 30, 4) * 14 + q.y * np.float32(0.22)
    _put(values, soft(lung), np.float32(build.lung_hu) + texture)
    _mediastinum(values, q, build)
    _bones(values, q, build, rng)
    _airways(values, q)
    return values, lung


def _soft_tissue(values: Field, q: Points, build: Build, rng: np.random.Generator) -> None:
    shoulder = np.clip((q.z - 70) / 70, 0, 1)
    skin = _ellipse(q.x, q.y - 2, 172 + 22 * shoulder, 118 - 14 * shoulder, 2.5)
    skin = skin + waves(q, rng, 90, 4) * np.float32(2.0)
    _put(values, soft(skin), np.float32(20.0))
    _put(values, soft(skin + 2.2), build.fat_hu + waves(q, rng, 6, 4) * 5)
    wall = skin + np.float32(build.fat_mm) + waves(q, rng, 45, 4) * np.float32(3.0)
    # Muscle layers with thin fat planes between.
    layers = np.abs(np.sin(wall / 5.4 + waves(q, rng, 60, 3) * 0.8))
    muscle = build.muscle_hu - 55 * np.exp(-((layers / 0.12) ** 2))
    _put(values, soft(wall), muscle + waves(q, rng, 7, 4) * 4)


def _organs(values: Field, q: Points, build: Build, rng: np.random.Generator) -> None:
    cage = _ellipse(q.x, q.y - 4, np.float32(126), np.float32(84), 2.3)
    below = np.maximum(cage, q.z - diaphragm_mm(q) + 3)
    _put(values, soft(below), build.fat_hu + waves(q, rng, 25, 4) * 8)
    liver = np.maximum(below, _ellipsoid(q, (-48, -6, -112), (94, 84, 70)))
    _put(values, soft(liver), np.float32(62) + waves(q, rng, 8, 4) * 3)
    spleen = np.maximum(below, _ellipsoid(q, (86, 34, -118), (38, 34, 44)))
    _put(values, soft(spleen), np.float32(54))
    stomach = np.maximum(below, _ellipsoid(q, (58, -22, -122), (52, 42, 42)))
    _put(values, soft(stomach), np.float32(28))
    bubble = np.maximum(stomach + 3, q.y + 26)
    _put(values, soft(bubble), np.float32(-960))


def _mediastinum(values: Field, q: Points, build: Build) -> None:
    own = heart(q)
    blood = np.float32(build.blood_hu)
    _put(values, soft(own), np.float32(build.muscle_hu + 8))
    groove = np.exp(-(((own + 3) / 2.2) ** 2)) * np.clip((q.y + 30) / 40, 0, 1)
    _put(values, np.asarray(groove, np.float32), np.float32(build.fat_hu))
    left = _ellipsoid(Points(q.x - 0.35 * (q.z + 48), q.y, q.z), (38, -24, -52), (25, 24, 33))
    right = _ellipsoid(q, (-2, -42, -46), (26, 20, 32))
    atrium = _ellipsoid(q, (4, 8, -30), (28, 17, 22))
    for chamber in (left, right, atrium):
        _put(values, soft(np.maximum(chamber, own + 9), 1.5), blood)
    for line, radius in (
        ([(24, 42, -150), (23, 40, -20), (20, 36, 22)], 12.5),  # descending aorta
        ([(20, 36, 20), (14, 12, 46), (-2, -14, 42)], 13.0),  # arch
        ([(-2, -14, 42), (-12, -24, 10), (-2, -26, -18)], 14.0),  # ascending aorta
        ([(-28, -8, 110), (-26, -12, 40), (-24, -10, -16)], 8.5),  # superior vena cava
        ([(8, -32, -20), (14, -20, 8), (20, 2, 12)], 13.0),  # pulmonary trunk
        ([(18, -8, 10), (-10, 0, 4), (-44, 4, 0)], 9.0),  # right pulmonary artery
        ([(20, 0, 12), (44, 10, 8)], 9.0),  # left pulmonary artery
        ([(2, 30, 130), (4, 28, 20), (8, 26, -150)], 5.5),  # oesophagus
    ):
        _put(values, soft(_tube(q, line, radius)), blood)


def _bones(values: Field, q: Points, build: Build, rng: np.random.Generator) -> None:
    spongy = waves(q, rng, 3.5, 6) * 40
    trabecular, cortical = np.float32(190 * build.bone), np.float32(720 * build.bone)
    _spine(values, q, (trabecular + spongy, cortical))
    _ribs(values, q, (trabecular * 1.3 + spongy, cortical))
    plate = _ellipse(q.x, q.y + 92, np.float32(19), np.float32(7.5), 2.4)
    sternum = np.maximum(plate, np.abs(q.z - 14) - 66)
    _shell(values, sternum, (trabecular + spongy, cortical * 0.8), 2.0)
    for side in (-1, 1):
        x = q.x * side
        blade = np.abs((q.y - 74) + (x - 88) * 0.55) * 0.88 - 3.2
        scapula = np.maximum.reduce(
            [blade, np.abs(x - 92) - 34, np.abs(q.z - 78) - 58, (x - 92) + (q.z - 60) * 0.5 - 40]
        )
        _shell(values, np.asarray(scapula, np.float32), (trabecular * 1.5, cortical * 0.8), 1.6)


def _shell(values: Field, distance: Field, hu: tuple[Any, Any], thick: float) -> None:
    _put(values, soft(distance, 0.6), hu[1])
    _put(values, soft(distance + np.float32(thick), 0.8), hu[0])


def _spine(values: Field, q: Points, hu: tuple[Any, Any]) -> None:
    y = q.y - 66 - np.clip(q.z / 120, -1, 1) ** 2 * 6
    phase = (q.z / 25.0) % 1.0
    in_disc = np.abs(phase - 0.5) * 25.0 - 9.6  # negative within the body's height
    waist = 1.6 * np.cos(2 * np.pi * phase)
    body = _ellipse(q.x, y, 17.5 - waist, 14.0 - waist, 2.5)
    _put(values, soft(body), np.float32(75))  # discs
    _shell(values, np.maximum(body, in_disc), hu, 1.7)
    arch = np.abs(_ellipse(q.x, y - 23, np.float32(14), np.float32(12))) - 3.6
    arch = np.maximum(arch, np.abs(phase - 0.5) * 25 - 7.5)
    _shell(values, arch, hu, 1.3)
    spinous = np.maximum.reduce(
        [np.abs(q.x) - 3.6, np.abs(y - 46) - 13, np.abs((phase - 0.38) * 25) - 5]
    )
    transverse = np.maximum.reduce(
        [np.abs(np.abs(q.x) - 25) - 13, np.abs(y - 19) - 4.5, np.abs((phase - 0.5) * 25) - 5]
    )
    _shell(values, np.asarray(spinous, np.float32), hu, 1.3)
    _shell(values, np.asarray(transverse, np.float32), hu, 1.3)
    _put(values, soft(_ellipse(q.x, y - 22, np.float32(10), np.float32(8.5))), np.float32(32))


def _ribs(values: Field, q: Points, hu: tuple[Any, Any]) -> None:
    taper = np.clip((q.z + 40) / 190, 0, 1) ** 2.2
    shell = _ellipse(q.x, q.y - 4, 135 - 72 * taper, 92 - 38 * taper, 2.25)
    angle = np.arctan2(q.y - 4, np.abs(q.x) + 1e-3)  # +pi/2 at the spine, -pi/2 at the sternum
    # A rib falls from the spine to the front by some five centimetres.
    height = q.z + np.float32(30) * (np.float32(np.pi / 2) - angle) / np.float32(np.pi / 2)
    pitch = np.float32(29.0)
    off = (height / pitch - np.rint(height / pitch)) * pitch
    front = np.clip((-angle - 1.0) / 0.3, 0, 1)  # cartilage begins before the sternum
    rib = np.sqrt((shell / 0.62) ** 2 + off**2) - 6.4
    rib = np.maximum(rib, (np.abs(q.z - 5) - 128))
    bony = soft(np.asarray(rib, np.float32), 0.6) * (1 - front)
    _put(values, soft(np.asarray(rib, np.float32)) * front, np.float32(95))
    _put(values, bony, hu[1])
    _put(values, soft(np.asarray(rib, np.float32) + np.float32(1.7)) * (1 - front), hu[0])


_AIRWAYS = (
    ([(0, 18, 150), (0, 14, 60), (0, 14, 28)], 8.6),
    ([(0, 14, 30), (-22, 16, 12), (-40, 18, 2)], 6.4),
    ([(0, 14, 30), (24, 20, 10), (44, 24, 0)], 5.8),
    ([(-38, 18, 4), (-54, 24, -24), (-62, 34, -56)], 3.6),
    ([(-34, 17, 6), (-50, 2, 26), (-58, -6, 50)], 3.2),
    ([(42, 24, 2), (54, 34, -26), (60, 42, -58)], 3.4),
    ([(40, 23, 2), (56, 6, 22), (62, -2, 46)], 3.0),
)


def _airways(values: Field, q: Points) -> None:
    for line, radius in _AIRWAYS:
        distance = _tube(q, line, radius)
        _put(values, soft(distance - np.float32(1.4)), np.float32(15))
        _put(values, soft(distance), np.float32(-985))
