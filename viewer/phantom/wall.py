"""The chest wall: skin, fat, breasts and the muscles' layers, and the table underneath."""

from typing import Any

import numpy as np

from viewer.phantom.tissue import (
    Build,
    Field,
    Points,
    bump,
    ellipse,
    ellipsoid,
    fill,
    inside,
    put,
    ramp,
    soft,
    waves,
)

_RIBS_MM = 11.5  # the rib cage's thickness outside the lungs
_SKIN_MM = 2.0
_LEAST_FAT_MM = 9.0  # the skin of the thinnest still covers the bones


def skin_mm(q: Points, build: Build) -> Field:
    """Return about the distance (mm) to the skin, negative inside."""
    m = q.mirrored()
    shoulder = ramp(q.z, 60, 135)
    fat = np.float32(max(build.fat_mm, _LEAST_FAT_MM))
    oval = ellipse(q.x, q.y - 3, 156 + fat + 12 * shoulder, 106 + fat - 16 * shoulder, 2.45)
    behind = ramp(q.y, 20, 90)
    breast = bump(m.x, 80, 44) * bump(q.z, -22, 46) * ramp(q.y, -20, -85)
    groove = bump(q.x, 0, 15) * behind
    sides = bump(m.x, 150, 60) * bump(q.z, 30, 40)
    return np.asarray(
        oval
        - (np.float32(10) + fat * np.float32(0.8)) * breast
        + 5 * groove
        + 5 * sides
        + waves(q, build.rng(10), 110, 4) * np.float32(1.3)
    )


def draw_wall(values: Field, q: Points, around: Field, build: Build) -> None:
    """Blend in everything between skin and lungs but bones; ``around`` is the cage's distance."""
    skin = skin_mm(q, build)
    put(values, soft(skin), np.float32(25.0))
    # Inside the cage there will be other things.
    under = np.maximum(skin + np.float32(_SKIN_MM), -3 - around)
    fill(values, q, under, lambda here: build.fat_hu + waves(here, build.rng(11), 6, 4) * 4)
    inside(
        values,
        q,
        ((-150, 150), (-170, -60), (-75, 35)),
        lambda view, here: _breasts(view, here, build),
    )
    depth = skin + np.float32(build.fat_mm)  # negative below the fat
    angle = np.arctan2(q.y - 4, np.abs(q.x) + np.float32(1e-3))  # pi/2 behind, -pi/2 in front
    muscle = _muscles(q, around, depth, angle, build)
    fill(values, q, np.maximum(muscle, skin + 4), lambda here: _flesh(here, build))


def _flesh(q: Points, build: Build) -> Any:
    """Return muscle's HU: streaks of fat between bundles."""
    rng = build.rng(12)
    bundles = waves(q, rng, 60, 4) + waves(q, rng, 24, 4) * np.float32(0.35)
    return build.muscle_hu + waves(q, rng, 7, 4) * 4 - 105 * bump(bundles, 0.35, 0.05)


def _sheet(distance: Field, thick_mm: Field) -> Field:
    """Return about the distance to a sheet along a surface; a thickness of 0 is no sheet."""
    return np.asarray(np.abs(distance) - (thick_mm * np.float32(0.5) - np.float32(1.2)))


def _muscles(q: Points, around: Field, depth: Field, angle: Field, build: Build) -> Field:
    m = q.mirrored()
    rng = build.rng(13)
    wavy = waves(q, rng, 55, 4)
    uneven = 1 + waves(q, rng, 70, 4) * np.float32(0.3)
    # Between the ribs, and close upon them.
    found = np.maximum(around - np.float32(_RIBS_MM) + wavy, -around)
    serratus = 8 * bump(angle, 0.12, 0.55) * bump(q.z, 10, 62)
    latissimus = 15 * bump(angle, 0.62, 0.36) * ramp(q.z, 80, 25)
    trapezius = 10 * ramp(angle, 0.85, 1.15) * ramp(q.z, -45, 10)
    pectoral = 21 * bump(angle, -0.80, 0.50) * bump(q.z, 66, 50)
    minor = 11 * bump(angle, -0.55, 0.28) * bump(q.z, 72, 34)
    for distance, thick in (
        (around - 13 - serratus / 2, serratus * uneven),
        (np.minimum(around - 23 - serratus, depth + 9) + wavy, latissimus * uneven),
        (depth + 6 + wavy, trapezius),
        (around - 14 - minor - pectoral / 2 + wavy, pectoral * uneven),
        (around - 13 - minor / 2 + wavy, minor * uneven),
    ):
        np.minimum(found, _sheet(distance, thick), out=found)
    erector = ellipse(m.x - 27, q.y - 97, np.float32(23), np.float32(13.5), 2.4)
    found = np.minimum(found, erector)
    return np.minimum(found, _girdle(q, around, depth, angle, uneven))


def _girdle(q: Points, around: Field, depth: Field, angle: Field, uneven: Field) -> Field:
    """Return the distance to the muscles around the shoulder blade, and to the upper arms."""
    m = q.mirrored()
    high = ramp(q.z, 10, 70)
    thick = (34 * high + 30 * ramp(q.z, 70, 130)) * bump(angle, 0.52, 0.48) * uneven
    blade = np.maximum(13.5 - around, around - 8 - thick)
    blade = np.maximum(blade, depth + 2)
    arm = ellipsoid(m, (150, 6, 136), (40, 40, 46))
    return np.asarray(np.minimum(blade, np.maximum(arm, depth + 3)))


def _breasts(values: Field, q: Points, build: Build) -> None:
    m = q.mirrored()
    rng = build.rng(14)
    strands = np.abs(waves(q, rng, 22, 5)) + np.abs(waves(q, rng, 40, 4)) * np.float32(0.6)
    place = bump(m.x, 82, 26) * bump(q.z, -22, 24) * ramp(q.y, -92, -104)
    place = ramp(place, 0.03, 1)
    fat = bump(values, build.fat_hu, 30)  # neither skin nor the air before it
    put(values, np.asarray(place * fat * ramp(strands, 0.8, 0.3)), np.float32(35))


def draw_table(values: Field, p: Points, build: Build) -> None:
    """Blend in the table's two thin plates; the patient lies in its hollow."""
    back = np.float32((111 + build.fat_mm) * build.size) - p.x**2 * np.float32(0.0011)
    top = p.y - back
    for distance, thick, hu in ((top, 1.6, -260.0), (top - 26, 1.6, -330.0)):
        put(values, soft(np.abs(distance) - np.float32(thick)), np.float32(hu))
    foam = np.maximum(-top, top - 26)
    put(values, soft(foam) * np.float32(0.6), np.float32(-955))
