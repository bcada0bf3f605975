"""The pixels of a slice: window, palette, enhancement, overlays, and what was not read yet."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from viewer.domain.geometry import Floats
from viewer.domain.segmentation import Segment
from viewer.domain.volume import Picture, Window
from viewer.errors import InputRefused
from viewer.imaging.section import Section
from viewer.rendering import palettes
from viewer.rendering.lut import (
    Bytes,
    Pixels,
    fits_table,
    grey_level_table,
    grey_levels,
    grey_table,
    looked_up,
    palette_table,
)

_HATCH_PERIOD_PX = 12.0


@dataclass(frozen=True, eq=False)
class Raster:
    """Pixels 0xffRRGGBB (h, w); ``to_plane`` (2, 3) takes their centres (x, y, 1) to the plane."""

    rgb32: Pixels
    to_plane: Floats
    _smaller: dict[tuple[int, int], "Raster"] = field(default_factory=dict, repr=False)

    def reduced(self, across: int, down: int) -> "Raster":
        """Return the raster averaged over blocks of ``across`` x ``down`` pixels; kept for reuse.

        Drawing far below the raster's own resolution would otherwise skip pixels and turn noise
        into moiré. A last block that is not full is left as it is cut.
        """
        key = (across, down)
        if key not in self._smaller:
            self._smaller[key] = _averaged(self, across, down)
        return self._smaller[key]


def _averaged(raster: Raster, across: int, down: int) -> Raster:
    height, width = raster.rgb32.shape
    size = (-(-width // across), -(-height // down))
    channels = np.ascontiguousarray(raster.rgb32).view(np.uint8).reshape(height, width, 4)
    rim = (size[1] * down - height, size[0] * across - width)
    if any(rim):
        channels = np.asarray(
            cv2.copyMakeBorder(channels, 0, rim[0], 0, rim[1], cv2.BORDER_REPLICATE)
        )
    small = np.asarray(cv2.resize(channels, size, interpolation=cv2.INTER_AREA))
    to_plane = raster.to_plane.copy()
    to_plane[:, 2] += raster.to_plane[:, :2] @ np.array([(across - 1) / 2, (down - 1) / 2])
    to_plane[:, 0] *= across
    to_plane[:, 1] *= down
    return Raster(small.reshape(size[1], size[0] * 4).view(np.uint32), to_plane)


@dataclass(frozen=True, eq=False)
class Layer:
    """Labels (h, w, uint8) on the section's raster, and per label red, green, blue, opacity.

    ``colours`` is (256, 4): 0-255 and 0-1; a row of opacity 0 leaves the picture as it is.
    """

    labels: Bytes
    colours: Floats

    @classmethod
    def of(cls, labels: Bytes, segments: Iterable[Segment]) -> "Layer":
        """Return the layer of a segmentation's labels; invisible segments are left out.

        Hatched segments are filled in diagonal stripes, which lie still in the section.
        """
        colours = np.zeros((256, 4))
        hatched = np.zeros(256, dtype=bool)
        for segment in segments:
            if segment.visible:
                colours[segment.number] = (*segment.colour, segment.opacity)
                hatched[segment.number] = segment.hatched
        return cls(_striped(labels, hatched) if hatched.any() else labels, colours)

    @classmethod
    def bitmap(cls, labels: Bytes) -> "Layer":
        """Return the layer of a file's own bitmap (1 where it is drawn), opaque."""
        colours = np.zeros((256, 4))
        colours[1] = (*_WRITING, 1.0)
        return cls(labels, colours)


def _striped(labels: Bytes, hatched: NDArray[np.bool_]) -> Bytes:
    """Return labels (h, w) without those that are hatched where no stripe lies."""
    columns, rows = (np.arange(n) for n in labels.shape[::-1])
    gap = (columns + rows[:, None]) % _STRIPES_PX >= _STRIPES_PX // 2
    return np.where(gap & hatched[labels], np.uint8(0), labels)


_STRIPES_PX = 6  # of the section
_WRITING = (0xF2, 0xE2, 0x9B)


def compose(  # noqa: PLR0913 - each is one independent choice of the view
    section: Section,
    picture: Picture,
    window: Window,
    *,
    inverted: bool = False,
    layers: Iterable[Layer] = (),
    palette: str = "grey",
    enhanced: NDArray[np.float32] | None = None,
    split_x: float | None = None,
) -> Raster:
    """Return the pixels of ``section`` as they are painted.

    Parameters
    ----------
    enhanced
        The enhanced picture (h, w) in the quantity's unit, shown instead of the values.
    split_x
        With ``enhanced``: a place along the plane's x in pixels; pixels left of it show the
        original, the others the enhanced picture.

    Colour passes through unchanged. Where ``coverage`` is 0 the result is black; where a slice was
    not read yet it is hatched, never grey.
    """
    is_grey = section.values.ndim == 2 and palette == "grey"
    if section.values.ndim == 3:
        rgb32 = _colour(section.values)
    else:
        mixed = None if enhanced is None else (enhanced, split_x)
        rgb32 = _monochrome(section, picture, _Look(window, inverted, palette), mixed)
    for layer in layers:
        box = _box(layer)
        if box is not None:
            fill = _fill_grey if is_grey else _fill
            fill(rgb32[box], layer.labels[box], layer.colours.tobytes())
            is_grey = False  # the next layer lies on colours
    return Raster(_covered(rgb32, section), section.to_plane)


@dataclass(frozen=True, slots=True)
class _Look:
    window: Window
    inverted: bool
    palette: str


def _monochrome(
    section: Section,
    picture: Picture,
    look: _Look,
    mixed: tuple[NDArray[np.float32], float | None] | None,
) -> Pixels:
    if mixed is not None:
        levels = _mixed_levels(section, picture, look, *mixed)
    elif section.is_quantity or not fits_table(section.values.dtype):
        levels = _levels(section, picture, look)
    else:
        table = grey_table(
            picture.quantity,
            section.k,
            section.values.dtype,
            look.window,
            inverted=look.inverted,
            palette=look.palette,
        )
        return looked_up(section.values, table)
    return looked_up(levels, palette_table(look.palette))


def _levels(section: Section, picture: Picture, look: _Look) -> Bytes:
    """Return the grey levels of the section's own values."""
    values = section.values
    k = section.k or 0
    slope, intercept = picture.quantity.slope_k[k], picture.quantity.intercept_k[k]
    if section.is_quantity:
        return grey_levels(values, look.window, inverted=look.inverted)
    if not fits_table(values.dtype):
        quantity = values * slope + intercept
        return grey_levels(quantity, look.window, inverted=look.inverted)
    table = grey_level_table(
        float(slope),
        float(intercept),
        values.dtype.str,
        look.window,
        look.inverted,
        picture.quantity.padding,
    )
    return looked_up(values, table)


def _mixed_levels(
    section: Section,
    picture: Picture,
    look: _Look,
    enhanced: NDArray[np.float32],
    split_x: float | None,
) -> Bytes:
    if enhanced.shape != section.values.shape:
        raise InputRefused(
            f"The enhanced picture is {enhanced.shape}; its section is {section.values.shape}."
        )
    levels = grey_levels(enhanced, look.window, inverted=look.inverted)
    if split_x is None:
        return levels
    np.copyto(levels, _levels(section, picture, look), where=left_of(section, split_x))
    return levels


def left_of(section: Section, x: float) -> NDArray[np.bool_]:
    """Return which pixels (h, w) of a section lie left of ``x``, pixels of the plane."""
    height, width = section.values.shape[:2]
    plane_x = (
        section.to_plane[0, 0] * np.arange(width)
        + section.to_plane[0, 1] * np.arange(height)[:, None]
        + section.to_plane[0, 2]
    )
    return np.asarray(plane_x < x)


def _colour(values: NDArray[Any]) -> Pixels:
    """Return RGB (h, w, 3) as 0xffRRGGBB."""
    rgba = np.asarray(cv2.cvtColor(np.ascontiguousarray(values), cv2.COLOR_RGB2BGRA))
    return rgba.view("<u4")[..., 0]


def _box(layer: Layer) -> tuple[slice, slice] | None:
    """Return the rows and columns that hold labels, None where there is nothing to fill."""
    if not layer.colours[:, 3].any():
        return None
    left, top, width, height = cv2.boundingRect(np.ascontiguousarray(layer.labels))
    return (slice(top, top + height), slice(left, left + width)) if width else None


@lru_cache(maxsize=16)
def _fill_table(colours: bytes) -> Pixels:
    """Return the pixel of (label << 8 | grey level): fills cost one look-up, no arithmetic."""
    rgba = np.frombuffer(colours, dtype=np.float64).reshape(256, 4)
    share = rgba[:, None, 3:]
    mixed = np.arange(256.0)[None, :, None] * (1 - share) + rgba[:, None, :3] * share
    table = palettes.packed(np.rint(mixed).astype(np.uint8)).reshape(-1)
    table.setflags(write=False)
    return table


def _fill_grey(rgb32: Pixels, labels: Bytes, colours: bytes) -> None:
    """Lay labels over grey pixels, whose lowest byte is the grey level."""
    levels = np.ascontiguousarray(rgb32.view(np.uint8)[:, ::4])
    index = np.asarray(cv2.merge([levels, np.ascontiguousarray(labels)])).view("<u2")[..., 0]
    rgb32[:] = looked_up(index, _fill_table(colours))


@lru_cache(maxsize=16)
def _channel_tables(colours: bytes) -> Bytes:
    """Return (3, 65536): the new blue, green and red of (label << 8 | old channel)."""
    table = _fill_table(colours)
    return np.stack([(table >> shift).astype(np.uint8) for shift in (0, 8, 16)])


def _fill(rgb32: Pixels, labels: Bytes, colours: bytes) -> None:
    """Lay labels over pixels that are colours, channel by channel."""
    over = np.ascontiguousarray(labels)
    channels = rgb32.view(np.uint8)
    for channel, table in enumerate(_channel_tables(colours)):
        old = np.ascontiguousarray(channels[:, channel::4])
        index = np.asarray(cv2.merge([old, over])).view("<u2")[..., 0]
        channels[:, channel::4] = looked_up(index, table)


def _covered(rgb32: Pixels, section: Section) -> Pixels:
    if section.coverage is None:
        return rgb32
    np.copyto(rgb32, palettes.BLACK, where=section.coverage == 0)
    unread = section.coverage == 2
    if unread.any():
        across, down = np.abs(section.to_plane[:, :2]).sum(axis=0).tolist()
        np.copyto(rgb32, _hatch((rgb32.shape[0], rgb32.shape[1]), across, down), where=unread)
    return rgb32


@lru_cache(maxsize=4)
def _hatch(shape: tuple[int, int], across: float, down: float) -> Pixels:
    """Return diagonal stripes of one width on the screen, whatever the section's own scale.

    ``across`` and ``down`` are the size of the section's pixels on the screen.
    """
    period = np.float32(max(_HATCH_PERIOD_PX, 4 * max(across, down)))
    columns, rows = (np.arange(n, dtype=np.float32) for n in shape[::-1])
    along = columns * np.float32(across) + rows[:, None] * np.float32(down)
    stripe = along % period < period / 3
    stripes = np.where(stripe, palettes.HATCH_STRIPE, palettes.HATCH_GROUND)
    stripes.setflags(write=False)
    return stripes
