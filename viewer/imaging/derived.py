"""A series made of another one: its values in 16 bits with a slope, and whose child it is."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from viewer.domain.finding import Finding, Severity
from viewer.domain.quantity import readable_unit
from viewer.domain.volume import Display, Picture, ValueMap
from viewer.errors import InputRefused

_LEVELS = 65_000  # of the 65,536: rounding at the ends must not leave int16
_DS_CHARACTERS = 16  # PS3.5 6.2: what a decimal string holds
_LONGEST_TITLE = 64
FROM, CHAIN, TITLE = "derived_from", "enhancement", "enhanced"


def derived_picture(
    picture: Picture,
    values: NDArray[np.float32],
    *,
    uid: str,
    chain: str,
    title: str,
    unit: str | None = None,
) -> Picture:
    """Return ``values`` (k, j, i; in the quantity's unit) as a picture like ``picture``.

    It is stored as int16 with one slope that a DICOM decimal string holds exactly; the step is the
    range of the values over 65,000 or less. ``uid`` becomes its series; ``chain`` and ``title`` say
    how it was made; another ``unit`` says that its values are no longer those of ``picture``.

    Raises
    ------
    InputRefused
        The values do not fit the picture, or are not finite.
    """
    if values.shape != picture.grid.shape_kji or not np.isfinite(values).all():
        raise InputRefused("The values do not fit the picture, or some are not finite.")
    low, high = float(values.min()), float(values.max())
    slope, intercept = scale_of(low, high)
    stored = np.empty(values.shape, dtype=np.int16)
    for k, plane in enumerate(values):
        stored[k] = np.rint((plane.astype(np.float64) - intercept) / slope)
    identity, n_k = picture.identity, values.shape[0]
    series = identity.series
    name = f"{series.description} [{title}]".strip()[:_LONGEST_TITLE]
    same = unit is None or unit == picture.quantity.unit
    quantity = ValueMap(
        np.full(n_k, slope),
        np.full(n_k, intercept),
        picture.quantity.unit if unit is None else unit,
        picture.quantity.name if same else "",
    )
    kept = replace(picture.display, overlays_k=(), shutters_k=())
    return replace(
        picture,
        key=uid,
        stored=stored,
        quantity=quantity,
        display=kept if same else Display(inverted=kept.inverted),
        identity=replace(
            identity,
            series=replace(series, uid=uid, number=None, description=name),
            instances=(),
            acquired=(*identity.acquired, (FROM, picture.key), (CHAIN, chain), (TITLE, title)),
        ),
        findings=(*picture.findings, _finding(name, slope, quantity)),
        loaded_k=np.ones(n_k, dtype=bool),
    )


def scale_of(low: float, high: float) -> tuple[float, float]:
    """Return slope and intercept that bring [low, high] into int16, both exact in 16 characters."""
    span = max(high - low, abs(high) * 1e-6, 1e-30)
    step = 2.0 ** float(np.ceil(np.log2(span / _LEVELS)))
    if len(repr(step)) > _DS_CHARACTERS:
        # A little more than needed, so that rounding to nine digits never makes it too small.
        step = float(f"{span / _LEVELS * 1.000001:.8e}")
    middle = (low + high) / 2
    intercept = float(np.rint(middle / step)) * step
    if len(repr(intercept)) > _DS_CHARACTERS:
        intercept = float(f"{middle:.8e}")
    return step, intercept


def _finding(title: str, slope: float, quantity: ValueMap) -> Finding:
    unit = quantity.name or readable_unit(quantity.unit)
    return Finding(
        Severity.WARNING,
        title,
        f"Made by enhancement, in steps of {slope:.3g} {unit}: ".replace(" :", ":")
        + "what is measured here is not what was acquired.",
        "Measure on the series that it was made of.",
    )
