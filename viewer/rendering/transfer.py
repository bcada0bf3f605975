"""Which values are seen through and which are not, and in what colour: presets by modality."""

from dataclasses import dataclass

import numpy as np

from viewer.domain.geometry import Floats
from viewer.rendering.prepared import PreparedVolume

Rgb01 = tuple[float, float, float]

# Between even tissue (seen through) and an edge (seen): steps in the quantity from one voxel to
# the next. Flat curves must not be exactly 1 everywhere: VTK would then leave out the gradients
# that it needs when another preset is chosen later.
_EVERYTHING = ((0.0, 1.0), (1.0, 0.999))


@dataclass(frozen=True, slots=True)
class Transfer:
    """A way to see a volume. Values are in the picture's quantity.

    ``opacity`` holds (value, opacity per mm), ``colour`` (value, rgb 0-1), ``edges`` (difference
    from voxel to voxel, factor on the opacity). ``shine`` is specular strength and power.
    """

    key: str
    title: str
    opacity: tuple[tuple[float, float], ...]
    colour: tuple[tuple[float, Rgb01], ...]
    edges: tuple[tuple[float, float], ...] = _EVERYTHING
    ambient: float = 0.28
    diffuse: float = 1.0
    shine: tuple[float, float] = (0.2, 20.0)

    def opacities(self, values: Floats, differences: Floats) -> Floats:
        """Return the opacity per mm of values (n,) that differ so much (n,) from voxel to voxel."""
        by_value = np.interp(values, *np.array(self.opacity).T)
        by_edge = np.interp(differences, *np.array(self.edges).T)
        return np.asarray(by_value * by_edge, dtype=np.float64)


_BONE = (1.0, 0.95, 0.84)
_FLESH = (0.80, 0.36, 0.28)
_SKIN = (0.93, 0.66, 0.52)
_CARTILAGE = (0.90, 0.60, 0.45)
_CT_EDGES = ((0.0, 0.0), (30.0, 0.0), (120.0, 0.5), (260.0, 1.0))

_CT = (
    Transfer(
        "skin-and-bone",
        "skin and bone",
        (
            (-650, 0.0),
            (-450, 0.065),
            (-150, 0.065),
            (-20, 0.015),
            (140, 0.02),
            (200, 0.12),
            (320, 0.5),
            (700, 0.9),
        ),
        ((-500, _SKIN), (-100, _SKIN), (40, _FLESH), (150, _CARTILAGE), (240, _BONE)),
        _CT_EDGES,
    ),
    Transfer(
        "lungs-and-bone",
        "lungs and bone",
        (
            (-960, 0.0),
            (-880, 0.01),
            (-800, 0.012),
            (-600, 0.06),
            (-400, 0.08),
            (-300, 0.0),
            (140, 0.0),
            (220, 0.1),
            (320, 0.4),
            (700, 0.9),
        ),
        (
            (-900, (0.45, 0.55, 0.75)),
            (-650, (0.80, 0.62, 0.66)),
            (-400, (0.95, 0.55, 0.50)),
            (150, _CARTILAGE),
            (240, _BONE),
        ),
        _CT_EDGES,
    ),
    Transfer(
        "bone",
        "bone",
        ((150, 0.0), (220, 0.08), (350, 0.5), (700, 0.9)),
        ((150, _CARTILAGE), (240, _BONE)),
    ),
)


def _relative(low: float, high: float) -> tuple[Transfer, ...]:
    """Return presets for values without a scale: places are parts of the way from low to high."""

    def at(part: float) -> float:
        return low + part * (high - low)

    surface = Transfer(
        "surface",
        "skin and tissue",
        ((at(0.04), 0.0), (at(0.18), 0.06), (at(0.4), 0.3), (at(1.0), 0.5)),
        ((at(0.0), (0.40, 0.27, 0.22)), (at(0.5), (0.78, 0.65, 0.56)), (at(1.0), (1.0, 0.95, 0.9))),
        ((0.0, 0.15), (0.04 * (high - low), 0.3), (0.16 * (high - low), 1.0)),
    )
    bright = Transfer(
        "bright",
        "bright structures",
        ((at(0.45), 0.0), (at(0.7), 0.05), (at(1.0), 0.5)),
        ((at(0.4), (0.55, 0.16, 0.12)), (at(0.8), (0.92, 0.55, 0.36)), (at(1.1), (1.0, 0.95, 0.8))),
    )
    return surface, bright


def _uptake(low: float, high: float) -> tuple[Transfer, ...]:
    """Return the preset of nuclear medicine: a faint body, and what is bright in it."""

    def at(part: float) -> float:
        return low + part * (high - low)

    glow = Transfer(
        "uptake",
        "body and uptake",
        ((at(0.0), 0.0), (at(0.05), 0.004), (at(0.35), 0.008), (at(0.7), 0.08), (at(1.0), 0.4)),
        (
            (at(0.0), (0.45, 0.52, 0.60)),
            (at(0.3), (0.62, 0.36, 0.28)),
            (at(0.7), (0.95, 0.60, 0.22)),
            (at(1.0), (1.0, 0.92, 0.62)),
        ),
        ambient=0.5,
        diffuse=0.6,
        shine=(0.0, 1.0),
    )
    return (glow,)


def transfers(prepared: PreparedVolume) -> tuple[Transfer, ...]:
    """Return the presets that suit ``prepared``, the default first."""
    if prepared.is_hu:
        return _CT
    if prepared.modality in {"PT", "NM"}:
        return _uptake(prepared.low, prepared.high)
    return _relative(prepared.low, prepared.high)
