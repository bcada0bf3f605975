"""Spine, ribs, breastbone, collar bones and shoulder blades."""

from typing import Any

import numpy as np

from viewer.phantom.organs import spine_y
from viewer.phantom.tissue import (
    Build,
    Field,
    Line,
    Points,
    common,
    ellipse,
    fill,
    inside,
    put,
    ramp,
    shell,
    soft,
    tube,
    waves,
)

_PITCH_MM = np.float32(25.0)  # from one vertebra to the next; a pair of ribs on each
_RIB_MID_MM = 5.5  # the ribs' middle outside the lungs
_CLAVICLE: Line = [(20, -64, 92), (46, -68, 98), (84, -46, 110), (126, -4, 122)]
Hu = tuple[Any, Any]  # spongy, cortical


def draw_bones(values: Field, q: Points, around: Field, build: Build) -> None:
    """Blend in all bones; ``around`` is the distance to the inside of the rib cage."""
    hard = np.float32(700 * build.bone)
    rest: Hu = (np.float32(215 * build.bone), hard * np.float32(0.85))
    _ribs(values, q, around, build)
    inside(
        values,
        q,
        ((-52, 52), (40, 128), (-250, 250)),
        lambda view, here: _spine(view, here, (np.float32(175 * build.bone), hard), build),
    )
    inside(values, q, ((-42, 42), (-118, -35), (-90, 112)), lambda v, h: _sternum(v, h, rest))
    m = q.mirrored()

    def clavicle(view: Field, here: Points) -> None:
        shell(view, tube(here, _CLAVICLE, 5.6), rest, 1.5)

    inside(values, m, ((10, 138), (-84, 16), (78, 138)), clavicle)
    _scapula(values, m, around, rest)
    inside(values, m, ((115, 180), (-30, 50), (95, 170)), lambda v, h: _arm(v, h, rest))


def _spine(values: Field, q: Points, hu: Hu, build: Build) -> None:
    hu = (hu[0] + waves(q, build.rng(31), 3.5, 5) * np.float32(26), hu[1])
    m = q.mirrored()
    y = q.y - spine_y(q.z)
    height = (q.z / _PITCH_MM) % 1.0
    mid = (height - np.float32(0.5)) * _PITCH_MM
    in_disc = np.abs(mid) - 9.9  # negative within the body's height
    waist = 1.5 * np.cos(2 * np.pi * height)
    # Kidney-shaped: hollow towards the canal.
    body = ellipse(
        q.x,
        y + 2.5 * np.exp(-((q.x / 9) ** 2)) * ramp(y, 0, 8),
        17.0 - waist,
        13.5 - waist,
        2.35,
    )
    put(values, soft(body), np.float32(82))  # discs
    shell(values, np.maximum(body, in_disc), hu, 1.3)
    pedicle = np.maximum.reduce([np.abs(m.x - 11.5) - 3.6, np.abs(y - 15) - 8, np.abs(mid - 3) - 6])
    lamina = np.abs(ellipse(q.x, y - 21, np.float32(13.5), np.float32(11.5))) - 2.6
    lamina = np.maximum.reduce([lamina, np.abs(mid) - 9, 14 - y])
    sideways = np.maximum(m.x - 34, 10 - m.x)
    transverse = np.sqrt((y - 20 - (m.x - 12) * 0.42) ** 2 + (mid - 4) ** 2) - 4.6
    # The spinous processes fall like shingles.
    fall = (q.z + (y - 30) * np.float32(0.95)) / _PITCH_MM % 1.0
    spinous = np.maximum.reduce(
        [
            m.x - 2.4 - 1.6 * ramp(y, 38, 44),
            np.abs(y - 37) - 8.5,
            np.abs(fall - np.float32(0.42)) * _PITCH_MM - 6.0,
        ]
    )
    arch = np.minimum.reduce([pedicle, lamina, np.maximum(transverse, sideways), spinous])
    shell(values, np.asarray(arch, np.float32), (hu[0] * np.float32(1.3), hu[1]), 1.3)
    canal = ellipse(q.x, y - 21.5, np.float32(9.5), np.float32(7.8), 2.2)
    put(values, soft(canal), np.float32(-10))
    put(values, soft(canal + 2.2), np.float32(22))


def _ribs(values: Field, q: Points, around: Field, build: Build) -> None:
    off_shell = around - np.float32(_RIB_MID_MM)
    angle = np.arctan2(q.y - 4, np.abs(q.x) + np.float32(1e-3))  # pi/2 at the spine
    # A rib falls from the spine to the front by some six centimetres.
    height = q.z - 4 + np.float32(30) * (np.float32(np.pi / 2) - angle) / np.float32(np.pi / 2)
    off = (height / _PITCH_MM - np.rint(height / _PITCH_MM)) * _PITCH_MM
    rib = np.sqrt((off_shell / np.float32(0.6)) ** 2 + off**2) - np.float32(5.8)
    rib = np.maximum.reduce([rib, np.abs(q.z - 5) - 128, (13 - np.abs(q.x)) * (q.y > 0)])
    gristle = ramp(angle, -0.95, -1.1)  # cartilage begins before the breastbone
    rib = np.asarray(rib, np.float32)
    put(values, soft(rib) * gristle, np.float32(98))
    put(values, soft(rib, 0.6) * (1 - gristle), np.float32(700 * build.bone))

    def marrow(here: Points) -> Any:
        return np.float32(200 * build.bone) + waves(here, build.rng(30), 3.5, 6) * np.float32(30)

    fill(values, q, rib + np.float32(1.4) + 2 * gristle, marrow)


def _sternum(values: Field, q: Points, hu: Hu) -> None:
    # It leans back with the front of the cage.
    taper = ramp(q.z, -40, 135) ** 2.4
    y = q.y - 4 + (86 - 40 * taper) + 6
    half = 15 + 9 * ramp(q.z, 48, 70) - 5 * ramp(q.z, -20, -52)
    plate = ellipse(q.x, y, half, np.float32(6.2), 2.3)
    joint = np.abs(q.z - 46) - 1.6
    ends = np.abs(q.z - 14) - 72 + (q.x / 9) ** 2 * ramp(q.z, 60, 86)
    shell(values, np.maximum.reduce([plate, ends, -joint]), hu, 1.4)


def _scapula(values: Field, m: Points, around: Field, hu: Hu) -> None:
    angle = np.arctan2(m.y - 4, m.x + np.float32(1e-3))
    # A triangle that stands on its tip, lying on the ribs; its outer border is thick.
    outer = np.float32(0.22) + 0.16 * ramp(m.z, 70, 20)
    inner = np.float32(0.92) - 0.40 * ramp(m.z, 80, 15)
    along = np.maximum(outer - angle, angle - inner) * 90
    blade = np.abs(around - 22 - 5 * ramp(m.z, 70, 120)) - 1.5 - 2.8 * ramp(angle - outer, 0.1, 0)
    blade = common(common(blade, along, 2), np.abs(m.z - 68) - 50, 2)
    ridge = np.maximum.reduce(
        [
            np.abs(m.z - 92 - (0.62 - angle) * 34) - 2.4,
            np.abs(around - 33) - 9,
            np.abs(angle - 0.50) * 90 - 26,
        ]
    )
    shell(values, np.asarray(np.minimum(blade, ridge), np.float32), hu, 1.3)


def _arm(values: Field, m: Points, hu: Hu) -> None:
    x, y, z = m.x - 146, m.y - 6, m.z - 126
    shell(values, np.asarray(np.sqrt(x * x + y * y + z * z) - 21, np.float32), hu, 1.6)
