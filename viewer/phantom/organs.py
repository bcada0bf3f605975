"""Cage, diaphragm, heart, great vessels and upper abdomen."""

from typing import Any

import numpy as np

from viewer.phantom.tissue import (
    Box,
    Build,
    Field,
    Line,
    Points,
    box_of,
    bump,
    ellipse,
    ellipsoid,
    fill,
    inside,
    put,
    ramp,
    soft,
    tube,
    united,
    waves,
    within,
)

_CHEST: Box = ((-100, 125), (-110, 125), (-150, 160))
_BELOW: Box = ((-160, 160), (-125, 125), (-200, -35))

# (line, radius mm, share of the contrast in the blood)
_GREAT_VESSELS: tuple[tuple[Line, float, float], ...] = (
    ([(14, 47, -190), (19, 45, -100), (21, 44, -20), (20, 38, 26)], 11.5, 0.92),  # descending aorta
    ([(20, 38, 24), (16, 20, 42), (8, 0, 48), (-6, -16, 40)], 12.5, 0.95),  # arch
    ([(-6, -16, 40), (-13, -24, 12), (-4, -26, -20)], 14.0, 0.97),  # ascending aorta
    ([(-22, -16, 84), (-25, -13, 40), (-25, -10, -14), (-24, -14, -34)], 8.5, 1.15),  # upper cava
    ([(10, -34, -22), (14, -22, 6), (22, -2, 16)], 13.0, 1.05),  # pulmonary trunk
    ([(18, -8, 12), (-10, 0, 4), (-44, 6, 0)], 9.0, 1.05),  # right pulmonary artery
    ([(20, -2, 16), (38, 8, 12), (46, 16, 4)], 9.0, 1.05),  # left pulmonary artery
    ([(-26, 14, -190), (-24, 10, -92), (-22, -2, -54)], 11.0, 0.6),  # lower cava
    ([(12, 2, 52), (18, 10, 78), (26, 4, 150)], 4.5, 0.95),  # left subclavian and carotid
    ([(4, -8, 54), (12, -4, 80), (18, -4, 150)], 4.0, 0.95),
    ([(-4, -14, 50), (-12, -8, 78), (-20, -4, 150)], 5.5, 0.95),  # brachiocephalic trunk
    ([(-22, -16, 84), (-30, -18, 150)], 7.0, 1.15),  # brachiocephalic veins
    ([(-22, -16, 74), (0, -26, 70), (20, -20, 88), (29, -14, 150)], 5.5, 1.2),
)
_OESOPHAGUS: Line = [(2, 28, 160), (4, 28, 30), (5, 26, -20), (12, 24, -90), (24, 10, -120)]
# What the lungs lie against, roughly: fewer pieces than are drawn.
_BETWEEN: tuple[tuple[Line, float], ...] = (
    ([(16, 48, -160), (20, 45, -20), (19, 40, 24)], 13.0),
    ([(19, 40, 24), (13, 2, 46), (-10, -22, 24)], 15.0),
    ([(-22, -14, 90), (-25, -11, -20), (-23, 4, -70), (-24, 10, -160)], 11.5),
    ([(16, -20, 6), (42, 12, 10)], 12.5),
    ([(10, -4, 4), (-40, 6, 0)], 11.5),
    ([(0, 18, 160), (2, 18, 24), (8, 30, -20), (14, 30, -120)], 14.0),
)


def spine_y(z: Field) -> Field:
    """Return where the middle of the vertebrae lies: the chest's spine is hollow in front."""
    return np.asarray(np.float32(66) - np.clip(z / np.float32(120), -1.3, 1.3) ** 2 * 7)


def cage(q: Points) -> Field:
    """Return about the distance (mm) to the inside of the rib cage, negative within.

    It narrows towards the apex, and the spine stands out into it.
    """
    taper = ramp(q.z, -40, 135) ** 2.4
    y = q.y - 4 + 24 * bump(q.x, 0, 31) * ramp(q.y, 0, 50)
    return ellipse(q.x, y, 128 - 76 * taper, 86 - 40 * taper, 2.3)


def diaphragm_mm(p: Points) -> Field:
    """Return the height z of the diaphragm's dome under each point (the right one is higher)."""
    right = 46 * np.exp(-(((p.x + 64) / 56) ** 2) - (((p.y + 8) / 62) ** 2))
    left = 35 * np.exp(-(((p.x - 68) / 54) ** 2) - (((p.y + 4) / 60) ** 2))
    fall = ramp(p.y, 0, 90) ** 2 * 36
    return np.asarray(-106 + right + left - fall, dtype=np.float32)


def heart(p: Points) -> Field:
    """Return about the distance (mm) to the heart: tilted, two thirds of it on the left."""
    x, y, z = p.x - 22, p.y + 26, p.z + 48
    a = 0.72 * x - 0.30 * y - 0.62 * z
    b = 0.36 * x + 0.93 * y
    c = 0.58 * x - 0.22 * y + 0.78 * z
    r = np.sqrt((a / 62) ** 2 + (b / 43) ** 2 + (c / 43) ** 2)
    return np.asarray((r - 1) * 45, dtype=np.float32)


def mediastinum(p: Points) -> Field:
    """Return about the distance (mm) to what lies between the lungs, its fat included."""
    spine = ellipse(p.x, p.y - spine_y(p.z) - 6, np.float32(21), np.float32(20), 2.2)
    # Fat behind the breastbone, where the lungs nearly meet.
    front = np.maximum(np.abs(p.x - 3) - 4 - 14 * ramp(p.y, -46, -80), p.y - 10)
    found = united(spine, front, 8)
    # The root of the neck widens the gap above the arch.
    neck = ellipse(
        p.x, p.y - 2, 9 + 12 * ramp(p.z, 40, 74) + 22 * ramp(p.z, 84, 128), np.float32(46)
    )
    found = united(found, np.maximum(neck, 34 - p.z), 12)
    pad = ellipsoid(p, (34, -62, -78), (34, 22, 26))  # fat at the apex of the heart
    for other in (heart(p) - 3, pad):
        found = united(found, other, 8)
    for line, radius in _BETWEEN:
        found = united(found, tube(p, line, radius), 11)
    return np.asarray(found, dtype=np.float32)


def draw_abdomen(values: Field, q: Points, around: Field, lung: Field, build: Build) -> None:
    """Blend in the fat inside the cage, and liver, stomach and spleen under the diaphragm."""

    def fat(here: Points) -> Any:
        rng = build.rng(20)
        return build.fat_hu + waves(here, rng, 25, 4) * 7 + waves(here, rng, 7, 4) * 4

    fill(values, q, np.maximum(around, -3 - lung), fat)
    part = within(q, _BELOW)
    if part is None:
        return
    here, view, around = Points(q.x[part], q.y[part], q.z[part]), values[part], around[part]
    roof = here.z - diaphragm_mm(here)
    put(view, soft(np.maximum(around, roof + 0.5)) * soft(-roof - 4), np.float32(build.muscle_hu))
    below = np.maximum(around + 2, roof + 4)
    _liver(view, here, below, build)
    spleen = np.maximum(below, ellipsoid(here, (88, 36, -112), (34, 36, 44)))
    put(view, soft(spleen), np.float32(56 + 0.35 * build.blood_hu))
    stomach = np.maximum(below, ellipsoid(here, (56, -26, -120), (50, 42, 42)))
    put(view, soft(stomach), np.float32(60))
    put(view, soft(stomach + 4), np.float32(18))
    bubble = np.maximum(stomach + 4, here.y + 34)
    put(view, soft(bubble), np.float32(-970))
    for side in (-1, 1):  # the crura on both sides of the aorta
        crus = tube(here, [(side * 15 + 8, 24, -96), (side * 13 + 6, 50, -190)], 5.0)
        put(view, soft(crus), np.float32(build.muscle_hu))


def _liver(values: Field, q: Points, below: Field, build: Build) -> None:
    right = ellipsoid(q, (-58, 0, -118), (86, 82, 86))
    left = ellipsoid(q, (6, -38, -104), (62, 40, 34))
    liver = np.maximum(below, united(right, left, 14)) + waves(q, build.rng(21), 50, 4)
    enhanced = np.float32(60 + 0.12 * build.blood_hu)
    put(values, soft(liver), enhanced + waves(q, build.rng(22), 8, 4) * 3)
    for line, radius in (
        ([(-24, 8, -92), (-58, 10, -104), (-92, 4, -126)], 4.0),
        ([(-24, 6, -92), (-40, -26, -104), (-52, -54, -124)], 3.6),
        ([(-26, -6, -132), (-60, 0, -128), (-86, 34, -120)], 4.6),
    ):
        vein = np.maximum(tube(q, line, radius), liver + 4)
        put(values, soft(vein, 1.2), enhanced + np.float32(0.22 * build.blood_hu))


def draw_chest(values: Field, q: Points, build: Build) -> None:
    """Blend in heart, great vessels, gullet and the small things in the fat between them."""
    inside(values, q, _CHEST, lambda view, here: _heart(view, here, build))
    for line, radius, share in _GREAT_VESSELS:

        def vessel(view: Field, here: Points, made: Any = (line, radius, share)) -> None:
            put(view, soft(tube(here, made[0], made[1])), np.float32(build.blood_hu * made[2]))

        inside(values, q, box_of(line, radius + 8), vessel)

    def gullet(view: Field, here: Points) -> None:
        distance = tube(here, _OESOPHAGUS, 6.5)
        put(view, soft(distance), np.float32(build.muscle_hu - 10))
        put(view, soft(distance + 4.8) * ramp(here.z, -40, 60), np.float32(-600))

    inside(values, q, box_of(_OESOPHAGUS, 16), gullet)
    inside(values, q, ((-60, 70), (-100, 60), (-60, 110)), lambda v, h: _nodes(v, h, build))


def _heart(values: Field, q: Points, build: Build) -> None:
    own = heart(q)
    blood = np.float32(build.blood_hu)
    rng = build.rng(23)
    muscle = np.float32(build.muscle_hu + 0.28 * max(0.0, build.blood_hu - 50))
    bag = np.abs(own - 1.9) - 0.6  # the pericardium, a line in the fat
    put(values, soft(np.asarray(bag, np.float32)) * np.float32(0.7), np.float32(30))
    left_axis = Points(q.x - 0.35 * (q.z + 48), q.y, q.z)
    left = ellipsoid(left_axis, (40, -24, -54), (23, 24, 34))
    right = ellipsoid(q, (6, -50, -50), (26, 15, 34))
    atria = np.minimum(
        ellipsoid(q, (6, 8, -30), (30, 16, 22)), ellipsoid(q, (-24, -20, -44), (17, 22, 30))
    )
    whole = np.minimum(own, united(atria - 3, right - 3, 10))
    put(values, soft(whole + 1.5), muscle + waves(q, rng, 9, 4) * 4)
    # Fat in the grooves between the chambers.
    groove = np.minimum(
        tube(q, [(-8, -54, -20), (-4, -48, -60), (-10, -20, -84)], 3.4),
        tube(q, [(40, 6, -16), (54, 4, -44), (30, 12, -76)], 3.4),
    )
    put(values, soft(groove, 1.5), np.float32(build.fat_hu))
    papillary = tube(q, [(46, -12, -66), (34, -20, -50)], 3.6)
    for chamber, share in ((left, 1.0), (right, 1.06), (atria, 1.02)):
        put(values, soft(np.maximum(chamber, own + 2), 1.4), blood * np.float32(share))
    put(values, soft(papillary, 1.2), muscle)


def _nodes(values: Field, q: Points, build: Build) -> None:
    """Blend in lymph nodes and strands, as every mediastinum has them."""
    rng = build.rng(24)
    part = soft(mediastinum(q) + 2.5) * ramp(np.abs(q.x - 5) - 55, 0, -6)
    part = part * ramp(np.abs(q.y + 20) - 70, 0, -6) * ramp(np.abs(q.z - 25) - 75, 0, -6)
    strands = bump(waves(q, rng, 16, 5), 0.0, 0.10) * np.float32(0.35)
    fat = ramp(values, -60, -85)  # what is drawn already is left alone
    put(values, np.asarray(strands * part * fat, np.float32), np.float32(10))
    for _ in range(9):
        place = rng.normal((2, 0, 28), (20, 16, 26))
        half = rng.uniform(2.2, 4.5, 3)
        node = ellipsoid(q, (place[0], place[1], place[2]), (half[0], half[1], half[2]))
        put(values, soft(node) * fat * part, np.float32(38))
