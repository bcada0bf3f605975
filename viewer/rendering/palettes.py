"""Colours: the tokens of pictures, the planes' colours, and palettes for values."""

from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from viewer.rendering.primitives import Rgb

PLANE_COLOURS: dict[str, Rgb] = {
    "axial": (0xD6, 0x4B, 0x4B),
    "sagittal": (0xE0, 0xB0, 0x3A),
    "coronal": (0x5F, 0xA9, 0x5F),
}
OTHER_PLANE: Rgb = (0x8B, 0x94, 0x9E)

INK: Rgb = (0xCF, 0xD6, 0xDD)  # text on pictures
DIM: Rgb = (0x9A, 0xA3, 0xAD)
SHAPE: Rgb = (0xF2, 0xF4, 0xF6)  # lines of measurements
LETTERS: Rgb = (0xE9, 0xD6, 0x8A)
ACCENT: Rgb = (0x4F, 0xB3, 0xBF)
AI: Rgb = (0xB4, 0x8E, 0xF0)
AI_TEXT: Rgb = (0xD2, 0xBC, 0xFA)  # lighter, for labels that lie on tissue
WARNING: Rgb = (0xE0, 0xA8, 0x4A)
DANGER: Rgb = (0xF0, 0x7A, 0x70)
GROUND: Rgb = (0x0B, 0x0D, 0x10)  # also the ink on an accent box

BLACK = np.uint32(0xFF000000)
# Slices not read yet: bluish stripes that no palette of tissue contains.
HATCH_GROUND = np.uint32(0xFF0B0D10)
HATCH_STRIPE = np.uint32(0xFF1D3439)


def _anchored(anchors: tuple[Rgb, ...]) -> NDArray[np.uint8]:
    places = np.linspace(0, 255, len(anchors))
    channels = [np.interp(np.arange(256), places, [a[c] for a in anchors]) for c in range(3)]
    return np.rint(np.stack(channels, axis=-1)).astype(np.uint8)


def _grey() -> NDArray[np.uint8]:
    return np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)


def _hot_iron() -> NDArray[np.uint8]:
    # The shape of the DICOM well-known palette "Hot Iron" (PS3.6 annex B.1.1): red, green and blue
    # rise one after the other.
    step = np.arange(256)
    channels = (step * 2, (step - 128) * 2, (step - 192) * 4)
    return np.stack([np.clip(c, 0, 255) for c in channels], axis=-1).astype(np.uint8)


def _frozen(table: NDArray[np.uint8]) -> NDArray[np.uint8]:
    table.setflags(write=False)
    return table


# name -> (256, 3) uint8; index 0 is the low end of the window
PALETTES: MappingProxyType[str, NDArray[np.uint8]] = MappingProxyType(
    {
        "grey": _frozen(_grey()),
        "hot_iron": _frozen(_hot_iron()),
        "hot_metal_blue": _frozen(
            _anchored(((0, 0, 0), (0, 0, 128), (160, 0, 96), (255, 112, 0), (255, 255, 255)))
        ),
        # Nine anchors of matplotlib's viridis (CC0), linear between them.
        "viridis": _frozen(
            _anchored(
                (
                    (68, 1, 84),
                    (71, 44, 122),
                    (59, 81, 139),
                    (44, 113, 142),
                    (33, 144, 141),
                    (39, 173, 129),
                    (92, 200, 99),
                    (170, 220, 50),
                    (253, 231, 37),
                )
            )
        ),
    }
)

# For signed differences, not for values: blue below, black where nothing differs, orange above.
DIFFERENCE = _frozen(
    _anchored(((120, 190, 255), (30, 90, 220), (0, 0, 0), (220, 90, 20), (255, 215, 120)))
)


def packed(rgb: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Return 0xffRRGGBB of colours (..., 3)."""
    wide = rgb.astype(np.uint32)
    return np.asarray(
        np.uint32(0xFF000000) | (wide[..., 0] << 16) | (wide[..., 1] << 8) | wide[..., 2]
    )
