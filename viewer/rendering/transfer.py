"""Which values are seen through and which are not, and in what colour: presets by modality."""

from dataclasses import dataclass

import numpy as np

from viewer.domain.geometry import Floats
from viewer.rendering.prepared import PreparedVolume

Rgb01 = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Transfer:
    """A way to see a volume. Values are in the picture's quantity.

    ``opacity`` holds (value, opacity per mm), ``colour`` (value, rgb 0-1). ``shine`` is specular
    strength and power.
    """

    key: str
    title: str
    opacity: tuple[tuple[float, float], ...]
    colour: tuple[tuple[float, Rgb01], ...]
    ambient: float = 0.22
    diffuse: float = 0.85
    shine: tuple[float, float] = (0.18, 18.0)

    def opacities(self, values: Floats) -> Floats:
        """Return the opacity per mm of values (n,)."""
        at, alpha = np.array(self.opacity).T
        return np.asarray(np.interp(values, at, alpha), dtype=np.float64)


_BONE = (0.98, 0.93, 0.82)
_FLESH = (0.72, 0.42, 0.34)
_SKIN = (0.86, 0.62, 0.50)

_CT_BONE = Transfer(
    "skin-and-bone",
    "skin and bone",
    ((-400, 0.0), (-220, 0.004), (-60, 0.006), (60, 0.004), (140, 0.01), (260, 0.18), (600, 0.6)),
    ((-400, _SKIN), (-60, _SKIN), (60, _FLESH), (180, (0.9, 0.7, 0.55)), (320, _BONE)),
)
_CT_LUNG = Transfer(
    "lung-and-bone",
    "lungs and bones",
    ((-980, 0.0), (-900, 0.004), (-700, 0.01), (-500, 0.08), (-350, 0.0), (150, 0.0), (300, 0.3)),
    ((-900, (0.55, 0.65, 0.78)), (-500, (0.85, 0.6, 0.6)), (150, _FLESH), (300, _BONE)),
)
_CT = (_CT_BONE, _CT_LUNG)


def _mr(low: float, high: float) -> tuple[Transfer, ...]:
    def at(part: float) -> float:
        return low + part * (high - low)

    surface = Transfer(
        "surface",
        "skin and tissue",
        ((at(0.02), 0.0), (at(0.16), 0.05), (at(0.4), 0.25), (at(1.0), 0.5)),
        ((at(0.0), (0.35, 0.24, 0.2)), (at(0.5), (0.72, 0.6, 0.52)), (at(1.0), (0.95, 0.9, 0.84))),
    )
    return (surface,)


def transfers(prepared: PreparedVolume) -> tuple[Transfer, ...]:
    """Return the presets that suit ``prepared``, the default first."""
    if prepared.is_hu:
        return _CT
    return _mr(prepared.low, prepared.high)
