"""A segmentation method that is being tried: its settings, its seeds, and what it shows by now."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from threading import Event

import numpy as np
from numpy.typing import NDArray

from viewer.domain.chain import Setting
from viewer.domain.geometry import Plane
from viewer.domain.method_text import MethodCall, PointLps
from viewer.domain.segmentation import Origin, OriginKind, Segment, Segmentation
from viewer.domain.volume import Picture
from viewer.imaging.method_run import MethodRun
from viewer.rendering.primitives import Handle, Rgb

_COLOUR = (0xF0, 0xE4, 0x42)
_INSIDE: Rgb = (0x56, 0xB4, 0xE9)
_OUTSIDE: Rgb = (0xD5, 0x5E, 0x00)
_SEED_PX = 3.0
DRAFT_UID = "draft"
# Memberships are shown in ten bands: cold below the chosen one, warm from it on.
_BANDS = 10
_COLD: tuple[Rgb, Rgb] = ((0x2B, 0x3A, 0x67), (0x6C, 0x8E, 0xBF))
_WARM: tuple[Rgb, Rgb] = ((0xC8, 0x7A, 0x1E), (0xF7, 0xE8, 0x6B))


@dataclass(frozen=True, slots=True)
class Barrier:
    """A segment that a method keeps to: it finds only what lies in it, or nothing of it.

    ``number`` 0 is every other segment of its segmentation than the one that is worked on.
    """

    uid: str
    number: int
    name: str
    only_inside: bool

    @property
    def words(self) -> str:
        """Return what it does, for the panel and for the record."""
        return f"{'only inside' if self.only_inside else 'never inside'} {self.name}"


class Canvas:
    """Labels that sketches are drawn into one after another.

    A fresh array costs a page of memory for each row that a sagittal plane touches: 100 ms at
    512 x 512 x 300, as long as the layer is seen only through its newest sketch.
    """

    def __init__(self) -> None:
        self._labels: NDArray[np.uint8] | None = None
        self._drawn: list[tuple[slice, slice, slice]] = []

    def cleared(self, shape_kji: tuple[int, int, int]) -> NDArray[np.uint8]:
        """Return labels without what was drawn before."""
        if self._labels is None or self._labels.shape != shape_kji:
            self._labels, self._drawn = np.zeros(shape_kji, dtype=np.uint8), []
        for block in self._drawn:
            self._labels[block] = 0
        self._drawn = []
        return self._labels

    def note(self, block: tuple[slice, slice, slice]) -> None:
        """Remember where something was drawn."""
        self._drawn.append(block)


@dataclass(frozen=True, eq=False)
class Draft:
    """One try. ``found`` is its last result, None until there is one; ``fault`` why there is none.

    ``volume_key`` is the picture that it is tried on; ``flat``: on the shown slice alone.
    ``enough`` is set when the reader has seen enough of a method that moves on step by step.
    ``membership_shown``: where a method says how much each voxel belongs to it, that is shown.
    """

    call: MethodCall
    volume_key: str
    flat: bool = False
    found: MethodRun | None = None
    layer: Segmentation | None = None
    fault: str = ""
    barriers: tuple[Barrier, ...] = ()
    enough: Event = field(default_factory=Event)
    membership_shown: bool = True
    canvas: Canvas = field(default_factory=Canvas)

    def with_setting(self, name: str, value: Setting) -> "Draft":
        """Return the draft with one parameter changed."""
        parameters = {**dict(self.call.parameters), name: value}
        return replace(self, call=replace(self.call, parameters=tuple(sorted(parameters.items()))))

    def with_seeds(self, points: tuple[PointLps, ...], *, inside: bool) -> "Draft":
        """Return the draft with more seeds."""
        if inside:
            call = replace(self.call, seeds_lps_mm=(*self.call.seeds_lps_mm, *points))
        else:
            call = replace(self.call, outside_lps_mm=(*self.call.outside_lps_mm, *points))
        return replace(self, call=call)

    def without_seeds(self) -> "Draft":
        """Return the draft without seeds and without a result."""
        call = replace(self.call, seeds_lps_mm=(), outside_lps_mm=())
        return replace(self, call=call, found=None, layer=None, fault="")

    def shown(self, found: MethodRun, picture: Picture) -> "Draft":
        """Return the draft with a result, and the layer that shows it."""
        labels = np.zeros(picture.grid.shape_kji, dtype=np.uint8)
        return replace(self._drawn((found,), labels, picture), found=found)

    def sketched(self, parts: Sequence[MethodRun], picture: Picture) -> "Draft":
        """Return the draft with a layer that shows what is known so far, and no result yet."""
        sketch = self._drawn(parts, self.canvas.cleared(picture.grid.shape_kji), picture)
        for part in parts:
            self.canvas.note(_block_of(part))
        return sketch

    def _drawn(
        self, parts: Sequence[MethodRun], labels: NDArray[np.uint8], picture: Picture
    ) -> "Draft":
        segments: tuple[Segment, ...] = (Segment(1, "Preview", _COLOUR, opacity=0.35),)
        for part in parts:
            block = _block_of(part)
            if part.membership is not None and self.membership_shown:
                labels[block] = _bands(part.membership)
                segments = self._band_segments()
            else:
                labels[block] |= part.mask.view(np.uint8)
        origin = Origin(OriginKind.METHOD, self.call.key)
        layer = Segmentation(
            DRAFT_UID, "Preview", picture.key, picture.grid, labels, segments, origin
        )
        return replace(self, found=None, layer=layer, fault="")

    def _band_segments(self) -> tuple[Segment, ...]:
        at_least = float(dict(self.call.parameters).get("at_least", 0.5))
        return tuple(
            Segment(
                n + 1,
                f"membership {n / _BANDS:g} to {(n + 1) / _BANDS:g}",
                band_colour(n, at_least),
                opacity=0.25 if (n + 0.5) / _BANDS < at_least else 0.55,
                outline=False,
            )
            for n in range(_BANDS)
        )

    def seed_handles(self, plane: Plane, reach_mm: float) -> tuple[Handle, ...]:
        """Return the seeds that lie within ``reach_mm`` of a plane, as dots."""
        found = []
        for points, colour in (
            (self.call.seeds_lps_mm, _INSIDE),
            (self.call.outside_lps_mm, _OUTSIDE),
        ):
            for x, y, off in plane.pixel(np.array(points)).tolist() if points else ():
                if abs(off) <= reach_mm:
                    found.append(Handle((x, y), colour, _SEED_PX))
        return tuple(found)


def _block_of(part: MethodRun) -> tuple[slice, slice, slice]:
    k, j, i = (slice(a, a + n) for a, n in zip(part.start_kji, part.mask.shape, strict=True))
    return k, j, i


def band_colour(n: int, at_least: float) -> Rgb:
    """Return the colour of band ``n`` of memberships (0 to 9); warm from ``at_least`` on."""
    first, last = _COLD if (n + 0.5) / _BANDS < at_least else _WARM
    share = n / (_BANDS - 1)
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, last, strict=True))
    return red, green, blue


def _bands(membership: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return 1 to 10 for memberships; 0 below one hundredth, where nothing is to be shown."""
    bands = np.minimum(membership * _BANDS, _BANDS - 1).astype(np.uint8) + np.uint8(1)
    return np.where(membership < 0.01, np.uint8(0), bands)
