"""Figures of merit of a region, before and after the chain, as a page of text."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from viewer.domain.chain import Chain
from viewer.domain.chain_text import chain_text, result_unit
from viewer.domain.geometry import Plane
from viewer.domain.measurement import Measurement
from viewer.domain.methods import Filter, PlaneContext
from viewer.domain.quantity import readable_unit
from viewer.domain.volume import Picture
from viewer.errors import InputRefused
from viewer.imaging import merit
from viewer.imaging.enhancing import enhanced
from viewer.imaging.section import Section, quantity_of, section
from viewer.imaging.statistics import Ellipse

_PARALLEL = 1 - 1e-4
_NOTE = (
    "These figures compare two pictures; they are no measurements of a patient. The marks on the "
    "image, and all its measurements, go on reading stored voxels."
)


@dataclass(frozen=True, slots=True)
class Row:
    """One figure before and after; None where it is not defined. ``relates``: of both together."""

    name: str
    before: float | None
    after: float | None
    unit: str = ""
    relates: bool = False


@dataclass(frozen=True)
class Merits:
    """All figures of one region; ``spectra`` are the noise powers before and after."""

    rows: tuple[Row, ...]
    spectra: tuple[merit.NoisePower, merit.NoisePower] | None
    chain: str
    unit: str
    region: str

    def text(self) -> str:
        """Return the page."""
        lines = [self.region, f"Chain: {self.chain or 'none'}", ""]
        lines += [f"{'':34}{'original':>12}{'enhanced':>12}"]
        for row in self.rows:
            first = "" if row.relates else _figure(row.before)
            both = f"{first:>12}{_figure(row.after):>12}"
            lines.append(f"{row.name:34}{both}  {row.unit}".rstrip())
        if self.spectra is not None:
            power = f"({self.unit})² mm²" if self.unit else "mm²"
            lines += ["", f"Noise power, {power}"]
            one, two = self.spectra
            for n, frequency in enumerate(one.frequency_per_mm):
                both = f"{one.power[n]:>12.4g}{two.power[n]:>12.4g}"
                lines.append(f"{f'at {frequency:.3f} cycles/mm':34}{both}")
        return "\n".join([*lines, "", _NOTE])


def _figure(value: float | None) -> str:
    return "not defined" if value is None else f"{value:.4g}"


def merits_of(
    picture: Picture,
    plane: Plane,
    region: Measurement,
    background: Measurement | None,
    chain: Chain,
    filters: Mapping[str, Filter],
) -> Merits:
    """Return the figures of an ellipse (and of a second one as background) in its own plane.

    Raises
    ------
    InputRefused
        The ellipses do not lie in planes parallel to ``plane``, or hold too few pixels.
    ViewerError
        A filter failed.
    """
    ellipse = _lying_in(region, plane)
    through = plane.through(ellipse.centre)
    cut = section(picture, through, native=True)
    before = quantity_of(cut, picture)
    context = PlaneContext(cut.pixel_mm, picture.quantity.unit)
    after = enhanced(before, chain, filters, context)
    mask = _mask(cut, through, ellipse)
    if mask.sum() < 4:
        raise InputRefused("The region holds fewer than 4 pixels.", remedy="Draw it larger.")
    other = None if background is None else _mask(cut, through, _lying_in(background, plane))
    unit = picture.quantity.name or readable_unit(picture.quantity.unit)
    same = result_unit(chain, filters, picture.quantity.unit) == picture.quantity.unit
    rows = [*_noise_rows(before, after, mask, unit), *_contrast_rows(before, after, mask, other)]
    widths = [merit.edge_width(v, mask, cut.pixel_mm) for v in (before, after)]
    rows.append(Row("Edge, 10 to 90 %", widths[0], widths[1], "mm"))
    if same and chain.is_active:
        rows += _likeness(before, after, mask)
    return Merits(
        tuple(rows),
        _spectra(before, after, mask, cut.pixel_mm),
        chain_text(chain.active),
        unit,
        f"{region.label}: {int(mask.sum())} pixels"
        + (f"; background {background.label}" if background is not None else ""),
    )


def _noise_rows(
    before: NDArray[np.float32], after: NDArray[np.float32], mask: NDArray[np.bool_], unit: str
) -> list[Row]:
    one, two = (v[mask][np.isfinite(v[mask])].astype(np.float64) for v in (before, after))
    if not one.size:
        raise InputRefused("The region holds no values.", remedy="Draw it inside the picture.")
    ratios = [merit.signal_to_noise(v, mask) for v in (before, after)]
    return [
        Row("Mean", float(one.mean()), float(two.mean()), unit),
        Row("Standard deviation", float(one.std()), float(two.std()), unit),
        Row("Signal to noise (|mean| / SD)", ratios[0], ratios[1]),
    ]


def _contrast_rows(
    before: NDArray[np.float32],
    after: NDArray[np.float32],
    mask: NDArray[np.bool_],
    other: NDArray[np.bool_] | None,
) -> list[Row]:
    if other is None:
        return []
    one, two = (merit.contrast_to_noise(v, mask, other) for v in (before, after))
    return [Row("Contrast to noise", one, two)]


def _likeness(
    before: NDArray[np.float32], after: NDArray[np.float32], mask: NDArray[np.bool_]
) -> list[Row]:
    """Return how like the original the enhanced picture is, in the box around the region."""
    box = _box(mask)
    one, two = before[box], after[box]
    finite = one[np.isfinite(one)]
    spread = float(np.ptp(finite)) if finite.size else 0.0
    ssim = merit.structural_similarity(two, one, spread)
    psnr = merit.peak_signal_to_noise(two, one, spread)
    return [
        Row("Likeness to the original, SSIM", None, ssim, relates=True),
        Row("Likeness to the original, PSNR", None, psnr, "dB", relates=True),
    ]


def _spectra(
    before: NDArray[np.float32],
    after: NDArray[np.float32],
    mask: NDArray[np.bool_],
    pixel_mm: tuple[float, float],
) -> tuple[merit.NoisePower, merit.NoisePower] | None:
    """Return the spectra in the box inside the region (an ellipse holds one of 0.7 of its axes)."""
    rows, columns = _box(mask)
    cuts = []
    for part in (rows, columns):
        rim = round((part.stop - part.start) * 0.15)
        cuts.append(slice(part.start + rim, part.stop - rim))
    patch = (cuts[0], cuts[1])
    try:
        return merit.noise_power(before[patch], pixel_mm), merit.noise_power(after[patch], pixel_mm)
    except InputRefused:
        return None


def _box(mask: NDArray[np.bool_]) -> tuple[slice, slice]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return (
        slice(int(rows[0]), int(rows[-1]) + 1),
        slice(int(columns[0]), int(columns[-1]) + 1),
    )


def _lying_in(region: Measurement, plane: Plane) -> Ellipse:
    ellipse = Ellipse.of(region.points_lps_mm)
    if abs(float(ellipse.normal @ plane.normal)) < _PARALLEL:
        raise InputRefused(
            "The ellipse was drawn in another plane.",
            where=region.label,
            remedy="Click into the pane that it was drawn in.",
        )
    return ellipse


def _mask(cut: Section, plane: Plane, ellipse: Ellipse) -> NDArray[np.bool_]:
    height, width = cut.values.shape[:2]
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    flat = np.stack([x.ravel(), y.ravel(), np.ones(x.size)], axis=-1) @ cut.to_plane.T
    return ellipse.holds(plane.world(flat)).reshape(height, width)
