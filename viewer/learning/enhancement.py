"""What presets do for degraded pictures whose truth is known: before and after, in figures.

A window is free: a reader moves it. So likeness (PSNR, SSIM) is taken after the straight line that
brings a picture nearest to the truth; a filter neither gains nor loses by changing the scale alone.
Contrast to noise needs a target, which generated pictures have and real ones (here) have not.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.domain.methods import Filter, PlaneContext
from viewer.errors import ViewerError
from viewer.extensions.presets import Preset
from viewer.imaging import merit
from viewer.imaging.enhancing import enhanced
from viewer.learning.degradations import DEGRADATIONS, degraded, span_of
from viewer.phantom.planes import KINDS, Scene, scene

Field = NDArray[np.float32]
_MEASURES = ("psnr_db", "ssim", "cnr", "snr")


@dataclass(frozen=True, slots=True)
class Case:
    """One picture with its truth; ``kind`` groups pictures of one sort, ``source`` names its set."""

    source: str
    scene: Scene


@dataclass(frozen=True, slots=True)
class Figures:
    """Likeness to the truth, and the target's contrast and signal to noise; None: not defined."""

    psnr_db: float | None
    ssim: float | None
    cnr: float | None
    snr: float | None


@dataclass(frozen=True)
class Row:
    """One preset on one degradation of one kind of pictures: medians, and shares that improved.

    ``refused`` is why a filter refused some of the pictures; ``n`` counts the others.
    """

    source: str
    kind: str
    modality: str
    preset: str
    degradation: str
    n: int
    before: Figures
    after: Figures
    improved: Mapping[str, float]
    refused: str = ""

    def document(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "source": self.source,
            "kind": self.kind,
            "modality": self.modality,
            "preset": self.preset,
            "degradation": self.degradation,
            "n": self.n,
            "before": _rounded(self.before),
            "after": _rounded(self.after),
            "improved_share": dict(self.improved),
            **({"refused": self.refused} if self.refused else {}),
        }


def generated_cases(n: int) -> tuple[Case, ...]:
    """Return ``n`` generated pictures of each kind."""
    return tuple(Case("generated", scene(kind, seed)) for kind in KINDS for seed in range(1, n + 1))


def evaluate(
    cases: Sequence[Case],
    presets: Iterable[Preset],
    filters: Mapping[str, Filter],
    *,
    check: Callable[[float], None] = lambda _done: None,
) -> tuple[Row, ...]:
    """Return how each preset does on each degradation of the pictures of its own modality.

    ``check`` is told the share that is done, and may raise to stop.
    """
    groups: dict[tuple[str, str], list[Scene]] = {}
    for case in cases:
        groups.setdefault((case.source, case.scene.kind), []).append(case.scene)
    work = [
        (source, scenes, preset, name)
        for (source, _kind), scenes in groups.items()
        for preset in presets
        if fits(preset, scenes[0])
        for name in DEGRADATIONS
    ]
    rows = []
    for n, (source, scenes, preset, name) in enumerate(work):
        check(n / len(work))
        rows.append(_row(source, scenes, preset, name, filters))
    return tuple(rows)


def summary(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Return for each preset and source the share of pictures, over all flaws, that improved."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.preset, row.source), []).append(row)
    found = []
    for (preset, source), members in groups.items():
        shares = {}
        for name in _MEASURES:
            known = [row for row in members if name in row.improved and row.n]
            if known:
                n = sum(row.n for row in known)
                shares[name] = round(sum(row.improved[name] * row.n for row in known) / n, 3)
        found.append({"preset": preset, "source": source, "improved_share": shares})
    return found


def fits(preset: Preset, found: Scene) -> bool:
    """Whether a preset was made for such pictures: by modality, and by kind where it names one."""
    of_modality = not preset.modalities or found.modality in preset.modalities
    return of_modality and (not preset.kinds or found.kind in preset.kinds)


def figures(values: Field, found: Scene) -> Figures:
    """Return the figures of a picture against its truth."""
    near = nearest_line(values, found.clean)
    span = span_of(found.clean)
    has_target = bool(found.signal.any() and found.background.any())
    return Figures(
        merit.peak_signal_to_noise(near, found.clean, span),
        merit.structural_similarity(near, found.clean, span),
        merit.contrast_to_noise(values, found.signal, found.background) if has_target else None,
        _signal_to_noise(values, found) if has_target else None,
    )


def nearest_line(values: Field, truth: Field) -> Field:
    """Return ``a * values + b`` nearest to the truth (least squares): the best window."""
    x, y = values.astype(np.float64), truth.astype(np.float64)
    spread = float(((x - x.mean()) ** 2).sum())
    slope = float(((x - x.mean()) * (y - y.mean())).sum()) / spread if spread > 0 else 0.0
    return np.asarray(slope * (x - x.mean()) + y.mean(), dtype=np.float32)


def _signal_to_noise(values: Field, found: Scene) -> float | None:
    """Return the target's contrast over the noise of what lies beside it."""
    inside = values[found.signal].astype(np.float64)
    beside = values[found.background].astype(np.float64)
    sd = float(beside.std())
    return abs(float(inside.mean()) - float(beside.mean())) / sd if sd > 0 else None


def _row(
    source: str, scenes: Sequence[Scene], preset: Preset, name: str, filters: Mapping[str, Filter]
) -> Row:
    before: list[Figures] = []
    after: list[Figures] = []
    refused = ""
    for n, found in enumerate(scenes):
        rng = np.random.default_rng((n, list(DEGRADATIONS).index(name)))
        worse = degraded(found.clean, name, rng)
        try:
            context = PlaneContext(found.pixel_mm, found.unit)
            better = enhanced(worse, preset.chain, filters, context)
        except ViewerError as error:
            refused = error.sentence()
            continue
        before.append(figures(worse, found))
        after.append(figures(better, found))
    first = scenes[0]
    return Row(
        source,
        first.kind,
        first.modality,
        preset.key,
        name,
        len(after),
        _medians(before),
        _medians(after),
        _shares(before, after),
        refused,
    )


def _medians(found: Sequence[Figures]) -> Figures:
    medians = []
    for name in _MEASURES:
        known = [value for one in found if (value := getattr(one, name)) is not None]
        medians.append(float(np.median(known)) if known else None)
    return Figures(*medians)


def _shares(before: Sequence[Figures], after: Sequence[Figures]) -> dict[str, float]:
    """Return the share of pictures with a higher figure afterwards; what is not defined is left."""
    shares = {}
    for name in _MEASURES:
        pairs = [
            (one, two)
            for a, b in zip(before, after, strict=True)
            if (one := getattr(a, name)) is not None and (two := getattr(b, name)) is not None
        ]
        if pairs:
            shares[name] = round(sum(two > one for one, two in pairs) / len(pairs), 3)
    return shares


def _rounded(found: Figures) -> dict[str, float | None]:
    values = {name: getattr(found, name) for name in _MEASURES}
    return {name: None if v is None else round(v, 4) for name, v in values.items()}
