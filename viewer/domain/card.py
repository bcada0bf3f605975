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
    ``reads`` is what one input is: a "volume" (for a classifier, a lesion in it) or an "image", flat
    and without patient geometry. ``classes`` names what the network tells apart, in its own order.

    ``scaling`` is how values reach 0..1: by the "window", by the volume's own "percentiles" (1 and
    99), to mean 0 and deviation 1 ("standard"), or, for uptake in SUV, as "tracer" (``volume_input``). ``answers`` is what comes out of a
    volume: one "mask", "classes" (one logit each, the background first), or "instances" (mask,
    centre and half-extents). ``prompts`` are what a reader may give ("box", "point");
    ``n_flips`` mirrored versions are averaged (1, or 8 for all).
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
    reads: Literal["volume", "image"] = "volume"
    classes: tuple[str, ...] = ()
    data_licence: str = ""
    unintended_use: str = ""
    failure_cases: tuple[str, ...] = ()
    scaling: Literal["window", "percentiles", "tracer", "standard"] = "window"
    answers: Literal["mask", "classes", "instances"] = "mask"
    prompts: tuple[str, ...] = ()
    n_flips: int = 1

    def option(self, name: str, default: float) -> float:
        """Return the number called ``name`` among the options, ``default`` where it has none."""
        return float(dict(self.options).get(name, default))

    @property
    def kind(self) -> str:
        """What it does with what, as a list of networks says it."""
        words = {
            ("segment", "volume"): "segmentation of a volume",
            ("segment", "image"): "segmentation of an image",
            ("classify", "volume"): "classification of a lesion",
            ("classify", "image"): "classification of an image",
        }
        return words[self.task, self.reads]
