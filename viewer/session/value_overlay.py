"""Values laid over a picture in colour: what an answer rests on, and where a network doubts.

They are no segmentation: nothing is measured or exported from them, no hand edits them, and each
says what it is in a mark on the picture, so that no capture shows it without.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from viewer.domain.geometry import Floats, Plane
from viewer.domain.segmentation import Origin, OriginKind, Segmentation
from viewer.domain.volume import Picture
from viewer.imaging.section import Section, label_section
from viewer.rendering.annotate import Mark
from viewer.rendering.compose import Layer
from viewer.session.kept import Kept

OverKind = Literal["explanation", "doubt"]

# Told apart by every colour vision (Okabe and Ito): for is orange, against is sky blue, doubt yellow.
_FOR, _AGAINST, _DOUBT = (230, 159, 0), (86, 180, 233), (240, 228, 66)
_MIDDLE = 128  # the level of a signed 0; level 0 is what has no value
_LEAST = 0.04  # of full strength: weaker is left as it is, so that the picture stays readable


@dataclass(frozen=True, eq=False)
class ValueOverlay:
    """Values over one picture, in 255 levels; ``mark`` says on the picture what they are.

    ``opacity`` is that of the strongest value; ``legend`` says what the colours mean.
    """

    kind: OverKind
    mark: str
    legend: str
    layer: Segmentation
    opacity: float = 0.6
    shown: bool = True

    @property
    def volume_key(self) -> str:
        """The picture that it lies on."""
        return self.layer.volume_key

    def with_opacity(self, opacity: float) -> "ValueOverlay":
        """Return it with another opacity, 0..1."""
        return replace(self, opacity=float(np.clip(opacity, 0.0, 1.0)))


def signed_levels(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return values of -1..1 as levels 1..255; NaN as 0."""
    known = np.nan_to_num(np.clip(values, -1.0, 1.0))
    levels = np.rint(_MIDDLE + 127 * known).astype(np.uint8)
    return np.where(np.isnan(values), np.uint8(0), levels)


def positive_levels(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return values of 0..1 as levels 0..255."""
    return np.rint(np.clip(values, 0.0, 1.0) * 255).astype(np.uint8)


def overlay_of(
    kind: OverKind, picture: Picture, levels: NDArray[np.uint8], mark: str, legend: str
) -> ValueOverlay:
    """Return levels (k, j, i) on the picture's own grid as an overlay."""
    layer = Segmentation(
        f"over {kind}",
        mark,
        picture.key,
        picture.grid,
        levels,
        (),
        Origin(OriginKind.METHOD, kind),
    )
    return ValueOverlay(kind, mark, legend, layer)


@lru_cache(maxsize=16)
def _table(kind: OverKind, opacity: float) -> Floats:
    levels = np.arange(256.0)
    colours = np.zeros((256, 4))
    if kind == "doubt":
        strength = levels / 255
        colours[:, :3] = _DOUBT
    else:
        strength = np.abs(levels - _MIDDLE) / 127
        strength[0] = 0.0
        colours[:, :3] = np.where((levels >= _MIDDLE)[:, None], _FOR, _AGAINST)
    colours[:, 3] = np.where(strength < _LEAST, 0.0, np.minimum(strength, 1.0) * opacity)
    colours.setflags(write=False)
    return colours


def coloured(kind: OverKind, levels: NDArray[np.uint8], opacity: float) -> Layer:
    """Return levels (h, w) as a layer of pixels."""
    return Layer(levels, _table(kind, round(opacity, 2)))


def over_section(
    kept: Kept,
    over: Mapping[str, ValueOverlay],
    picture: Picture,
    plane: Plane,
    cut: Section,
) -> tuple[tuple[Layer, ...], tuple[Mark, ...]]:
    """Return what lies over a section of ``picture``, and the marks that say what it is.

    Only what shows something on this section is marked.
    """
    layers, said = [], []
    for overlay in _on(over.values(), picture):

        def make(overlay: ValueOverlay = overlay) -> Layer:
            levels = label_section(overlay.layer, plane, cut)
            return coloured(overlay.kind, levels, overlay.opacity)

        layer = kept.get(("over", overlay.kind), (overlay, plane, cut), (), make)
        if layer.labels.any():
            layers.append(layer)
            said.append(Mark(overlay.mark, "warning"))
    return tuple(layers), tuple(said)


def _on(over: Iterable[ValueOverlay], picture: Picture) -> list[ValueOverlay]:
    return [one for one in over if one.shown and one.opacity > 0 and one.volume_key == picture.key]
