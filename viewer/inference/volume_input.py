"""What a promptable network on tracer uptake sees: four channels in 0..1."""

import numpy as np
from numpy.typing import NDArray

from viewer.domain.geometry import Grid
from viewer.domain.prompt import Prompt

N_TRACER_CHANNELS = 4
CLICK_SIGMA_MM = 8.0
_HIGHEST_SUV, _USUAL_SUV = 30.0, 5.0

Floats32 = NDArray[np.float32]


def tracer_channels(suv: Floats32, box: Floats32, clicks: Floats32) -> Floats32:
    """Return (4, k, j, i): uptake on a logarithmic and on a linear scale, the box, the clicks.

    The logarithm makes a lesion of SUV 4 against 1 look like one of 20 against 5 (up to a shift); the
    linear channel keeps what the absolute value says. NaN and negative values count as no uptake.
    """
    uptake = np.maximum(np.nan_to_num(suv, nan=0.0, posinf=_HIGHEST_SUV, neginf=0.0), 0.0)
    logarithmic = np.log1p(np.minimum(uptake, _HIGHEST_SUV)) / np.log1p(_HIGHEST_SUV)
    linear = np.minimum(uptake / _USUAL_SUV, 1.0)
    return np.stack((logarithmic, linear, box, clicks)).astype(np.float32)


def box_channel(grid: Grid, prompt: Prompt) -> Floats32:
    """Return (k, j, i): 1 at voxel centres inside the prompt's box, 0 elsewhere and without one.

    ``grid`` lies along the patient's axes.
    """
    shape = grid.shape_kji
    if prompt.box_lps_mm is None:
        return np.zeros(shape, dtype=np.float32)
    ends = grid.index(np.array(prompt.box_lps_mm).reshape(2, 3))
    low, high = ends.min(axis=0)[::-1], ends.max(axis=0)[::-1]
    return box_of_indices(shape, low, high)


def box_of_indices(
    shape_kji: tuple[int, int, int], low_kji: NDArray[np.float64], high_kji: NDArray[np.float64]
) -> Floats32:
    """Return (k, j, i): 1 where the index lies within ``low_kji`` to ``high_kji``, else 0."""
    inside = [
        ((np.arange(n) >= low) & (np.arange(n) <= high)).astype(np.float32)
        for n, low, high in zip(shape_kji, low_kji, high_kji, strict=True)
    ]
    k, j, i = inside
    return np.asarray(k[:, None, None] * j[None, :, None] * i[None, None, :], dtype=np.float32)


def click_channel(grid: Grid, prompt: Prompt) -> Floats32:
    """Return (k, j, i): 1 at the prompt's points, falling off around them; 0 without points."""
    points = np.array(prompt.points_lps_mm, dtype=np.float64).reshape(-1, 3)
    sigma_kji = CLICK_SIGMA_MM / np.array(grid.spacing_ijk_mm[::-1])
    return clicks_at_indices(grid.shape_kji, grid.index(points)[:, ::-1], sigma_kji)


def clicks_at_indices(
    shape_kji: tuple[int, int, int], points_kji: NDArray[np.float64], sigma_kji: NDArray[np.float64]
) -> Floats32:
    """Return (k, j, i): the largest of Gaussians about ``points_kji`` (n, 3)."""
    found = np.zeros(shape_kji, dtype=np.float32)
    for point in points_kji:
        k, j, i = (
            np.exp(-0.5 * ((np.arange(n) - at) / sigma) ** 2)
            for n, at, sigma in zip(shape_kji, point, sigma_kji, strict=True)
        )
        bump = k[:, None, None] * j[None, :, None] * i[None, None, :]
        np.maximum(found, bump.astype(np.float32), out=found)
    return found
