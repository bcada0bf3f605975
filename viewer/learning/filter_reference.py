"""The reference of the filters: what each does to a picture of its kind, and what was measured."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.domain.chain import Chain, Setting, Step
from viewer.domain.chain_text import chain_text, group_of
from viewer.domain.methods import Filter, Parameter, PlaneContext
from viewer.errors import InputRefused
from viewer.extensions.presets import Preset
from viewer.imaging.enhancing import enhanced
from viewer.learning.degradations import DEGRADATIONS, degraded
from viewer.phantom.planes import Scene, scene

Field = NDArray[np.float32]
_SIZE_PX = 84
_LEVELS = 16  # of grey: the pictures are small, and many
_GAP_PX = 4
_BAD_SHARE = 0.03
_KIND_OF = {
    "US": "ultrasound",
    "MR": "brain_mr",
    "PT": "pet",
    "OP": "retina",
    "MG": "mammography",
    "CT": "lung_ct",
}
# Words in the key of a filter: on what, and with which flaw, it shows what it does.
_SHOWN_ON: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (("n4", "bias", "white_stripe", "nyul"), "brain_mr", "coil"),
    (("background", "flatten", "homomorphic", "light"), "chest_xray", "uneven_light"),
    (("median", "dead", "outlier"), "fracture", "impulses"),
    (("rician",), "brain_mr", "rician"),
    (("speckle", "lee", "frost", "srad"), "ultrasound", "speckle"),
    (("frangi", "sato", "meijering", "retina", "vessel"), "retina", "none"),
    (("stripe",), "lung_ct", "stripes"),
    (("rings",), "lung_ct", "rings"),
    (("notch",), "lung_ct", "waves"),
    (("deblur_motion",), "brain_mr", "motion"),
    (("deblur", "richardson", "deconv"), "brain_mr", "blur"),
    (("metal",), "lung_ct", "metal"),
    (("unsharp", "high_boost", "bottom_hat"), "fracture", "none"),
    (("top_hat", "blob"), "lung_ct", "none"),
)
# Settings for the scale of the picture that it is shown on, where the usual ones are for another.
_SETTINGS: dict[str, dict[str, Setting]] = {
    "frangi": {"thin_mm": 0.2, "thick_mm": 0.2, "scales": 1, "lines": "dark"},
    "sato": {"thin_mm": 0.2, "thick_mm": 0.2, "scales": 1, "lines": "dark"},
    "meijering": {"thin_mm": 0.2, "thick_mm": 0.2, "scales": 1, "lines": "dark"},
    "retina_vessels": {"width_mm": 0.06},
    "deblur_wiener": {"sigma_mm": 1.8},
    "richardson_lucy": {"sigma_mm": 1.8},
    "deblur_motion": {"length_mm": 7.0},
    "rings": {"limit": 6.0},
    "stripes": {"limit": 6.0},
}
_SHARPENING = ("unsharp", "high_boost")  # the edges that are added to the picture itself
_BY_GROUP = {
    "Intensity": ("chest_xray", "low_contrast"),
    "Noise": ("brain_mr", "gaussian"),
    "Edges": ("brain_mr", "none"),
    "Artifacts": ("lung_ct", "gaussian"),
    "Frequency": ("brain_mr", "gaussian"),
}


@dataclass(frozen=True, eq=False)
class Example:
    """A filter's picture before and after: grey levels (rows, columns), and on what it is shown."""

    before: NDArray[np.uint8]
    after: NDArray[np.uint8]
    caption: str

    def pair(self) -> NDArray[np.uint8]:
        """Return both side by side, in few levels of grey."""
        gap = np.full((self.before.shape[0], _GAP_PX), 255, dtype=np.uint8)
        both = np.hstack([self.before, gap, self.after])
        step = 255 / (_LEVELS - 1)
        return np.asarray(np.rint(np.rint(both / step) * step), dtype=np.uint8)


def example(found: Filter) -> Example:
    """Return what ``found`` does, with its usual settings, to a picture that it is meant for.

    Raises
    ------
    ViewerError
        It cannot be done on a plane.
    """
    kind, flaw = _shown_on(found)
    clean = scene(kind, 2)
    before = _flawed(clean, flaw)
    settings = _known(found, _SETTINGS.get(found.key, {}))
    chain = Chain((Step.of(found.key, {**found.defaults(), **settings}),))
    context = PlaneContext(clean.pixel_mm, clean.unit)
    after = enhanced(before, chain, {found.key: found}, context)
    box = _box(clean)
    ends = _ends(before)
    keeps_scale = found.result_unit(clean.unit) == clean.unit and (
        group_of(found) != "Edges" or found.key in _SHARPENING
    )
    after_ends = ends if keeps_scale and _is_near(after, ends) else _ends(after)
    what = {"none": "as it is"}.get(flaw, flaw.replace("_", " "))
    caption = f"{kind.replace('_', ' ')}, {what}"
    return Example(_grey(before[box], ends), _grey(after[box], after_ends), caption)


def _known(found: Filter, settings: Mapping[str, Setting]) -> dict[str, Setting]:
    """Return those settings that the filter has, and would take."""
    kept = {}
    for parameter in found.parameters:
        try:
            if parameter.key in settings:
                kept[parameter.key] = parameter.checked(settings[parameter.key])
        except InputRefused:
            continue
    return kept


def _shown_on(found: Filter) -> tuple[str, str]:
    for words, kind, flaw in _SHOWN_ON:
        if any(word in found.key for word in words):
            return kind, flaw
    kind, flaw = _BY_GROUP.get(group_of(found), ("brain_mr", "gaussian"))
    own = [_KIND_OF[code] for code in found.modalities if code in _KIND_OF]
    return (own[0] if own else kind), flaw


def _flawed(clean: Scene, flaw: str) -> Field:
    rng = np.random.default_rng(11)
    if flaw in DEGRADATIONS:
        return degraded(clean.clean, flaw, rng)
    values = clean.clean.copy()
    make = _FLAWS.get(flaw)
    return values if make is None else np.asarray(make(values, rng), dtype=np.float32)


def _impulses(values: Field, rng: np.random.Generator) -> Field:
    bad = rng.random(values.shape) < _BAD_SHARE
    values[bad] = rng.choice([values.min(), values.max()], size=int(bad.sum()))
    return values


def _grainy(values: Field, rng: np.random.Generator) -> Field:
    noise = rng.normal(0, 0.02 * np.ptp(values), values.shape)
    return np.asarray(values + noise, dtype=np.float32)


def _stripes(values: Field, rng: np.random.Generator) -> Field:
    lines = rng.normal(0, 0.04 * np.ptp(values), values.shape[1])
    return np.asarray(_grainy(values, rng) + lines, dtype=np.float32)


def _radius(shape: tuple[int, ...]) -> NDArray[np.float64]:
    rows, columns = (np.arange(n) - (n - 1) / 2 for n in shape)
    return np.asarray(np.hypot(rows[:, None], columns[None, :]))


def _rings(values: Field, rng: np.random.Generator) -> Field:
    at = _radius(values.shape).astype(np.int64)
    lines = rng.normal(0, 0.04 * np.ptp(values), int(at.max()) + 1)
    return np.asarray(_grainy(values, rng) + lines[at], dtype=np.float32)


def _waves(values: Field, rng: np.random.Generator) -> Field:
    """Return it with a wave of 0.5 cycles/mm on pixels of 0.7 mm, across the columns."""
    wave = np.sin(2 * np.pi * 0.5 * 0.7 * np.arange(values.shape[1])) * 0.1 * np.ptp(values)
    return np.asarray(_grainy(values, rng) + wave, dtype=np.float32)


def _motion(values: Field, rng: np.random.Generator) -> Field:
    moved = np.mean([np.roll(values, n, axis=1) for n in range(-3, 4)], axis=0)
    noise = rng.normal(0, 0.004 * np.ptp(values), values.shape)
    return np.asarray(moved + noise, dtype=np.float32)


def _coil(values: Field, rng: np.random.Generator) -> Field:
    """Return it under the sensitivity of a coil on one side."""
    field = np.linspace(0.5, 1.5, values.shape[1])[None, :]
    return np.asarray(np.maximum(_grainy(values, rng) * field, 1.0), dtype=np.float32)


def _metal(values: Field, rng: np.random.Generator) -> Field:
    n_rows, n_columns = values.shape
    rows, columns = np.indices(values.shape)
    y, x = rows - n_rows * 0.45, columns - n_columns * 0.55
    radius = np.hypot(y, x)
    streaks = 2500 * np.cos(9 * np.arctan2(y, x)) * np.exp(-radius / 25)
    found = _grainy(values, rng) + np.where(radius < 40, streaks, 0)
    return np.asarray(np.where(radius < 5, 8000, found), dtype=np.float32)


_FLAWS: dict[str, Callable[[Field, np.random.Generator], Field]] = {
    "impulses": _impulses,
    "stripes": _stripes,
    "rings": _rings,
    "waves": _waves,
    "motion": _motion,
    "coil": _coil,
    "metal": _metal,
}


def _box(found: Scene) -> tuple[slice, slice]:
    """Return the part around the target that is shown."""
    rows, columns = np.nonzero(found.signal)
    cuts = []
    for at, n in zip((rows, columns), found.clean.shape, strict=True):
        start = int(np.clip(np.median(at) - _SIZE_PX // 2, 0, n - _SIZE_PX))
        cuts.append(slice(start, start + _SIZE_PX))
    return cuts[0], cuts[1]


def _ends(values: Field) -> tuple[float, float]:
    low, high = np.percentile(values, (1.0, 99.0))
    return float(low), float(max(high, low + 1e-6))


def _is_near(values: Field, ends: tuple[float, float]) -> bool:
    """Whether a window with these ends still shows most of the values."""
    inside = (values >= ends[0]) & (values <= ends[1])
    return float(inside.mean()) > 0.5


def _grey(values: Field, ends: tuple[float, float]) -> NDArray[np.uint8]:
    share = (values - ends[0]) / (ends[1] - ends[0])
    return np.asarray(np.clip(share, 0, 1) * 255, dtype=np.uint8)


def reference_text(
    filters: Mapping[str, Filter],
    presets: Sequence[Preset],
    table: Mapping[str, Any],
    pictures: Mapping[str, str],
) -> str:
    """Return the reference as Markdown.

    ``table`` is what ``negatoscope evaluate enhancement --json`` printed, ``pictures`` the path of
    each filter's picture.
    """
    lines = [
        "# Filters",
        "",
        "Made by the program: `negatoscope filters --reference .`; do not edit by hand.",
        "",
        "Filters change what is shown. Measurements, statistics and networks go on reading stored",
        "voxels. Each picture: before | after, with the usual settings, drawn by the program.",
        "",
        *preset_lines(presets, table),
    ]
    groups: dict[str, list[Filter]] = {}
    for found in filters.values():
        groups.setdefault(group_of(found), []).append(found)
    for name, members in groups.items():
        lines += [f"## {name}", ""]
        for found in members:
            lines += _filter_lines(found, pictures.get(found.key, ""))
    return "\n".join(lines).rstrip() + "\n"


def preset_lines(presets: Sequence[Preset], table: Mapping[str, Any]) -> list[str]:
    """Return the presets with what was measured on generated pictures of their kind."""
    lines = ["## Presets", "", *_summary_lines(presets, table)]
    for preset in presets:
        lines += [
            f"### {preset.title}",
            "",
            f"{preset.purpose} {preset.caution}",
            "",
            f"`{chain_text(preset.chain)}`",
            "",
            *_measured(preset.key, table),
        ]
    return lines


def _summary_lines(presets: Sequence[Preset], table: Mapping[str, Any]) -> list[str]:
    """Return which share of pictures each preset improved, over all six flaws together."""
    titles = {preset.key: preset.title for preset in presets}
    rows = [row for row in table.get("summary", ()) if row["preset"] in titles]
    if not rows:
        return []
    lines = [
        "Share of pictures, over six flaws, whose figure is higher afterwards. No preset is right",
        "for every flaw: the tables below say which it helps, and which it makes worse.",
        "",
        "| preset | pictures | PSNR | SSIM | CNR | SNR |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        shares = [_percent(row["improved_share"].get(n)) for n in ("psnr_db", "ssim", "cnr", "snr")]
        lines.append(f"| {titles[row['preset']]} | {row['source']} | {' | '.join(shares)} |")
    return [*lines, ""]


def _measured(key: str, table: Mapping[str, Any]) -> list[str]:
    rows = [row for row in table.get("rows", ()) if row["preset"] == key]
    if not rows:
        return ["Not measured.", ""]
    lines = [
        "| pictures | flaw | n | PSNR dB | SSIM | CNR | SNR | improved: PSNR, CNR |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        pairs = [
            f"{_number(row['before'][name])} → {_number(row['after'][name])}"
            for name in ("psnr_db", "ssim", "cnr", "snr")
        ]
        shares = [_percent(row["improved_share"].get(name)) for name in ("psnr_db", "cnr")]
        source = f"{row['source']}: {row['kind'].replace('_', ' ')}"
        flaw = row["degradation"].replace("_", " ")
        cells = [source, flaw, str(row["n"]), *pairs, ", ".join(shares)]
        lines.append(f"| {' | '.join(cells)} |")
    return [*lines, ""]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.0%}"


def _filter_lines(found: Filter, picture: str) -> list[str]:
    lines = [f"### {found.title}", ""]
    if picture:
        lines += [f"![{found.title}: before and after]({picture})", ""]
    lines += [f"{found.purpose} {found.caution}", ""]
    if found.parameters:
        lines += ["| setting | range | usual |", "| --- | --- | --- |"]
        lines += [
            f"| {p.title} (`{p.key}`) | {_range(p)} | {p.default} |" for p in found.parameters
        ]
        lines.append("")
    notes = [f"Key `{found.key}`."]
    if found.unit_after:
        notes.append(f"Its values are in {found.unit_after.replace('{unit}', 'the picture unit')}.")
    if found.is_slow:
        notes.append("Slow: the exact picture follows a coarse one.")
    if found.volume_function is not None:
        notes.append("Also in three dimensions.")
    return [*lines, f"{' '.join(notes)} Source: {found.source}.".replace("..", "."), ""]


def _range(parameter: Parameter) -> str:
    if parameter.kind == "choice":
        return ", ".join(parameter.choices)
    if parameter.kind == "bool":
        return "yes, no"
    return f"{parameter.low:g} to {parameter.high:g} {parameter.unit}".strip()
