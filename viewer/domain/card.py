"""What is known about a network; loading one executes nothing."""

from dataclasses import dataclass
from typing import Literal

from viewer.domain.quantity import Code


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of merit with its 95 % interval, and on how many cases."""

    name: str
    value: float
    low: float
    high: float
    n_cases: int


@dataclass(frozen=True, slots=True)
class NetworkCard:
    """A network's card as read from ``card.toml``.

    ``task`` is "segment" (a mask with ``n_classes`` classes, 0 = background) or "classify" (one
    probability per lesion of ``concept``). ``spacing_ijk_mm`` is what it wants to see;
    ``window_low``/``window_high`` are mapped to 0..1. ``min_volume_mm3``: smaller islands are not
    reported. ``calibration_half_width`` is the half-width of the 95 % interval of a score.
    ``onnx_sha256`` names the same network as ``model.onnx``, "" where it has no such form.
    """

    key: str
    title: str
    version: str
    task: Literal["segment", "classify"]
    architecture: str
    options: tuple[tuple[str, int | float | str], ...]
    weights_sha256: str
    modality: str
    spacing_ijk_mm: tuple[float, float, float]
    tile_kji: tuple[int, int, int]
    window_low: float
    window_high: float
    n_classes: int
    concept: Code
    trained_on: str
    intended_use: str
    limits: str
    licence: str
    figures: tuple[Figure, ...]
    threshold: float = 0.5
    min_volume_mm3: float = 0.0
    calibration_half_width: float = 0.0
    onnx_sha256: str = ""
