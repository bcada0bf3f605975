"""What a prompt does around a network: where to look, and which part of the answer was meant."""

import numpy as np
from numpy.typing import NDArray

from viewer.domain.card import NetworkCard
from viewer.domain.geometry import Grid
from viewer.domain.prompt import Prompt
from viewer.errors import InputRefused
from viewer.inference.handover import Scan
from viewer.inference.sampling import sampled
from viewer.inference.volume_input import box_channel, click_channel, tracer_channels

NOTHING = Prompt()
SUV = "{SUVbw}g/ml"
_MARGIN_MM = 40.0  # of surroundings that a network sees around a box
_REACH_MM = 12.0  # from a point to the island that it means


def checked_prompt(prompt: Prompt, card: NetworkCard, scan: Scan) -> None:
    """Return if ``card`` takes such a prompt and it lies in the scan.

    Raises
    ------
    InputRefused
        It does not.
    """
    given = {"box": prompt.box_lps_mm is not None, "point": bool(prompt.points_lps_mm)}
    for name, is_given in given.items():
        if is_given and name not in card.prompts:
            raise InputRefused(
                f"{card.title} takes no {name}.", remedy="Run it on the whole volume."
            )
    if prompt.box_lps_mm is not None and not box_of(prompt, scan.grid).any():
        raise InputRefused(
            "The box lies outside this picture.", remedy="Give it in LPS, in millimetres."
        )
    if prompt.points_lps_mm and not scan.grid.contains(np.array(prompt.points_lps_mm)).all():
        raise InputRefused(
            "A point lies outside this picture.", remedy="Give it in LPS, in millimetres."
        )


def seen_region(grid: Grid, prompt: Prompt) -> Grid:
    """Return the part of ``grid`` (along the patient's axes) that a box and its surroundings need."""
    if prompt.box_lps_mm is None:
        return grid
    corners = np.array(prompt.box_lps_mm).reshape(2, 3)
    ends = grid.index(corners + np.array([[-_MARGIN_MM], [_MARGIN_MM]]))[:, ::-1]
    size = np.array(grid.shape_kji)
    low = np.clip(np.floor(ends.min(axis=0)).astype(int), 0, size - 1)
    high = np.clip(np.ceil(ends.max(axis=0)).astype(int) + 1, low + 1, size)
    (a, b, c), (a_end, b_end, c_end) = low.tolist(), high.tolist()
    return grid.crop((a, b, c), (a_end, b_end, c_end))


def tracer_notes(scan: Scan) -> tuple[str, ...]:
    """Return what must be said about the unit of ``scan``, which is to be SUV by body weight.

    Raises
    ------
    InputRefused
        The values are known to be something else.
    """
    unit = scan.quantity.unit
    if unit == SUV:
        return ()
    if unit in ("", "1"):
        return ("The file names no unit; its values were taken as SUV by body weight.",)
    raise InputRefused(
        f"The values are in {unit}, not in SUV.",
        remedy="Load the series with weight, dose and times, or an image in SUV.",
    )


def tracer_seen(scan: Scan, grid: Grid, prompt: Prompt) -> NDArray[np.float32]:
    """Return (4, k, j, i), uptake and prompt as the network sees them on ``grid``."""
    suv = sampled(scan, grid, 0.0)
    return tracer_channels(suv, box_channel(grid, prompt), click_channel(grid, prompt))


def box_of(prompt: Prompt, grid: Grid) -> NDArray[np.bool_]:
    """Return where (k, j, i) voxel centres of ``grid``, however it lies, are inside the box."""
    assert prompt.box_lps_mm is not None  # noqa: S101
    low, high = np.array(prompt.box_lps_mm).reshape(2, 3)
    k, j, i = (np.arange(n, dtype=np.float64) for n in grid.shape_kji)
    inside = np.ones(grid.shape_kji, dtype=bool)
    matrix = grid.ijk_to_lps
    for axis in range(3):  # one coordinate at a time, broadcast: no array of points
        at = (
            (matrix[axis, 2] * k + matrix[axis, 3])[:, None, None]
            + (matrix[axis, 1] * j)[None, :, None]
            + (matrix[axis, 0] * i)[None, None, :]
        )
        inside &= (at >= low[axis]) & (at <= high[axis])
    return inside


def meant(
    mask: NDArray[np.bool_], grid: Grid, prompt: Prompt
) -> tuple[NDArray[np.bool_], tuple[str, ...]]:
    """Return the part of ``mask`` (k, j, i) that the prompt means, and what to say about it.

    A box keeps what lies inside it; points keep the islands that they touch or nearly touch.
    """
    notes: tuple[str, ...] = ()
    if prompt.box_lps_mm is not None:
        mask = mask & box_of(prompt, grid)
    if prompt.points_lps_mm:
        mask, missed = _touched(mask, grid, prompt)
        if missed:
            notes = (f"Nothing was found at {missed} of {len(prompt.points_lps_mm)} points.",)
    return mask, notes


def _touched(mask: NDArray[np.bool_], grid: Grid, prompt: Prompt) -> tuple[NDArray[np.bool_], int]:
    from scipy import ndimage

    islands, _ = ndimage.label(mask, structure=np.ones((3, 3, 3)))
    voxels = np.argwhere(mask)
    if not len(voxels):
        return mask, len(prompt.points_lps_mm)
    places = grid.world(voxels[:, ::-1])
    kept, missed = set(), 0
    for point in prompt.points_lps_mm:
        away_mm = np.linalg.norm(places - np.array(point), axis=1)
        nearest = int(away_mm.argmin())
        if away_mm[nearest] > _REACH_MM:
            missed += 1
            continue
        kept.add(int(islands[tuple(voxels[nearest])]))
    return np.isin(islands, sorted(kept)), missed
