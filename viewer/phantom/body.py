"""A chest as fields over patient coordinates: what is where, and how dense it is (HU)."""

import numpy as np

from viewer.phantom.bones import draw_bones
from viewer.phantom.organs import cage, diaphragm_mm, draw_abdomen, draw_chest, mediastinum
from viewer.phantom.tissue import (
    Box,
    Build,
    Field,
    Points,
    bump,
    common,
    ellipsoid,
    fill,
    put,
    ramp,
    soft,
    tube,
    waves,
    within,
)
from viewer.phantom.wall import draw_table, draw_wall

__all__ = ["Build", "Field", "Points", "fields", "lungs", "soft", "warped"]

_DEEPEST_MM = np.float32(24)
_MEDIASTINUM: Box = ((-95, 125), (-110, 125), (-190, 190))
_AIRWAYS = (
    ([(0, 18, 150), (0, 14, 60), (0, 14, 28)], 8.6),
    ([(0, 14, 30), (-22, 16, 12), (-40, 18, 2)], 6.4),
    ([(0, 14, 30), (24, 20, 10), (44, 24, 0)], 5.8),
    ([(-38, 18, 4), (-54, 24, -24), (-62, 34, -56)], 3.6),
    ([(-34, 17, 6), (-50, 2, 26), (-58, -6, 50)], 3.2),
    ([(42, 24, 2), (54, 34, -26), (60, 42, -58)], 3.4),
    ([(40, 23, 2), (56, 6, 22), (62, -2, 46)], 3.0),
)


def warped(points: Points, build: Build) -> Points:
    """Return the points as an ideal body's: scaled and gently bent, so that nothing is a circle."""
    rng = np.random.default_rng((build.seed, 1))
    scale = np.float32(1 / build.size)
    return Points(
        points.x * scale + waves(points, rng, 150, 4) * np.float32(3.0),
        points.y * scale + waves(points, rng, 150, 4) * np.float32(2.5),
        points.z * scale + waves(points, rng, 170, 4) * np.float32(3.0),
    )


def lungs(p: Points, around: Field) -> Field:
    """Return about the distance (mm) to the lungs' surface, negative inside.

    What is left of the rib cage by the diaphragm and by what lies between the lungs: heart, great
    vessels and spine shape them, as they do in people. ``around`` is the cage's distance.
    """
    dome = ellipsoid(p.mirrored(), (46, 8, -20), (92, 104, 142))
    found = common(around, dome * np.float32(0.8), 8)
    found = common(found, diaphragm_mm(p) - p.z, 5)
    part = within(p, _MEDIASTINUM)
    if part is not None:
        here = Points(p.x[part], p.y[part], p.z[part])
        found[part] = common(found[part], -mediastinum(here), 4)
    # Beyond this depth it no longer matters, and the box above must not be felt.
    return np.asarray(np.maximum(found, -_DEEPEST_MM), dtype=np.float32)


def fields(p: Points, build: Build) -> tuple[Field, Field]:
    """Return (HU, distance to the lungs) of a chest without vessels, lesions and noise."""
    q = warped(p, build)
    values = np.full(q.x.shape, -1000.0, dtype=np.float32)
    around = cage(q)
    draw_table(values, p, build)
    draw_wall(values, q, around, build)
    lung = lungs(q, around)
    draw_abdomen(values, q, around, lung, build)
    fill(values, q, lung, lambda here: _parenchyma(here, build))
    draw_chest(values, q, build)
    draw_bones(values, q, around, build)
    _draw_airways(values, q)
    return values, lung


def _parenchyma(q: Points, build: Build) -> Field:
    """Return lung tissue: mottled, denser where a lying patient's blood sinks, with fissures."""
    rng = build.rng(0)
    texture = waves(q, rng, 9, 6) * 16 + waves(q, rng, 30, 4) * 14 + q.y * np.float32(0.22)
    # The oblique fissures fall from behind to the front.
    off = (q.z - 6) * np.float32(0.62) - (q.y - 10) * np.float32(0.78) + waves(q, rng, 80, 3) * 4
    return np.asarray(np.float32(build.lung_hu) + texture + bump(off, 0, 0.9) * 110)


def _draw_airways(values: Field, q: Points) -> None:
    part = within(q, ((-80, 80), (-25, 60), (-80, 175)))
    if part is None:
        return
    here, view = Points(q.x[part], q.y[part], q.z[part]), values[part]
    for line, radius in _AIRWAYS:
        # The windpipe stays open where the field of view ends: no cap of wall.
        distance = tube(here, line, radius)
        put(view, soft(distance - np.float32(1.4)) * ramp(here.z, 158, 152), np.float32(15))
        put(view, soft(distance), np.float32(-985))
