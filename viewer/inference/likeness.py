"""Is a volume like those that a network was trained on? Asked before its result is shown.

Plain statistics of values and geometry, each against the range of the training volumes that the
card keeps (``likeness.toml`` beside it, written from the training part alone). A range that is left
is told; one that is kept proves nothing: two volumes can be alike in all of these and show other
things.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from viewer.domain.card import NetworkCard
from viewer.errors import Damaged
from viewer.inference.handover import Scan

FILE = "likeness.toml"
_MOST_BYTES = 20_000
_SAMPLE = 48  # slices, rows and columns that are looked at, at most
_WORDS = {
    "low": "lowest values (1st percentile)",
    "median": "median value",
    "high": "highest values (99th percentile)",
    "deviation": "spread of values",
    "roughness": "roughness",
    "finest_mm": "finest voxel spacing",
    "coarsest_mm": "coarsest voxel spacing",
    "shortest_mm": "shortest side of the field of view",
    "longest_mm": "longest side of the field of view",
    "tilt_deg": "tilt against the patient's axes",
}
STATISTICS = tuple(_WORDS)


@dataclass(frozen=True, slots=True)
class Likeness:
    """Lowest and highest of each statistic that count as usual, and of how many volumes."""

    ranges: Mapping[str, tuple[float, float]]
    n_volumes: int


def volume_statistics(scan: Scan) -> NDArray[np.float64]:
    """Return what ``scan`` is like, by ``STATISTICS``; of a sample of its voxels, NaN left out."""
    steps = [max(1, -(-n // _SAMPLE)) for n in scan.grid.shape_kji]
    chosen = range(0, scan.grid.shape_kji[0], steps[0])
    planes = [
        scan.quantity.slice_values(scan.stored[k, :: steps[1], :: steps[2]], k) for k in chosen
    ]
    values = np.stack(planes).astype(np.float64)
    known = values[np.isfinite(values)]
    if not known.size:
        known = np.zeros(1)
    low, median, high = np.percentile(known, (1, 50, 99))
    deviation = max(float(known.std()), 1e-9)
    rough = np.abs(np.diff(values, axis=2))
    rough = rough[np.isfinite(rough)]
    spacing = np.array(scan.grid.spacing_ijk_mm)
    sides = spacing * np.array(scan.grid.shape_kji[::-1])
    columns = scan.grid.ijk_to_lps[:3, :3] / spacing
    tilt = np.degrees(np.arccos(np.clip(np.abs(columns).max(axis=0), -1, 1)).max())
    return np.array(
        [
            low,
            median,
            high,
            deviation,
            float(rough.mean()) / deviation if rough.size else 0.0,
            spacing.min(),
            spacing.max(),
            sides.min(),
            sides.max(),
            tilt,
        ]
    )


def likeness_of(rows: NDArray[np.float64]) -> Likeness:
    """Return the usual ranges from statistics (volume, statistic) of the training part.

    From lowest to highest, and a quarter of that span beyond on each side (few volumes do not show
    the ends), at least a twentieth of the value, of values that of their whole span; a statistic
    that is never negative stays so.
    """
    low, high = rows.min(axis=0), rows.max(axis=0)
    room = np.maximum(0.25 * (high - low), 0.05 * np.maximum(np.abs(low), np.abs(high)))
    room[:3] = np.maximum(room[:3], 0.05 * (high[2] - low[0]))
    room[-1] = max(room[-1], 5.0)  # degrees: nobody lies quite straight
    floor = np.where(low >= 0, 0.0, -np.inf)
    ends = zip(STATISTICS, np.maximum(low - room, floor), high + room, strict=True)
    return Likeness({name: (float(a), float(b)) for name, a, b in ends}, len(rows))


def load_likeness(folder: Path) -> Likeness | None:
    """Return the ranges beside a card; None where there are none.

    Raises
    ------
    Damaged
        The file is none of these.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        with path.open("rb") as file:  # a list that is too long is cut off, and so damaged
            table = tomllib.loads(file.read(_MOST_BYTES).decode("utf-8"))
        ranges = {
            name: (float(ends[0]), float(ends[1]))
            for name, ends in table["ranges"].items()
            if name in _WORDS
        }
        return Likeness(ranges, int(table["n_volumes"]))
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise Damaged(
            "The network's list of usual values cannot be read.",
            where=path.name,
            remedy="Install the network again.",
        ) from error


def save_likeness(likeness: Likeness, folder: Path) -> None:
    """Write the ranges beside a card."""
    lines = [f"n_volumes = {likeness.n_volumes}", "", "[ranges]"]
    lines += [f"{name} = [{low:.6g}, {high:.6g}]" for name, (low, high) in likeness.ranges.items()]
    (folder / FILE).write_text("\n".join(lines) + "\n", "utf-8")


def unlike(scan: Scan, card: NetworkCard, likeness: Likeness | None) -> tuple[str, ...]:
    """Return the warning that ``scan`` is unlike the training volumes; nothing where it is like them."""
    if likeness is None:
        return ()
    found = dict(zip(STATISTICS, volume_statistics(scan).tolist(), strict=True))
    odd = [
        f"{_WORDS[name]} {found[name]:.3g} (usual {low:.3g} to {high:.3g})"
        for name, (low, high) in likeness.ranges.items()
        if name in found and not low <= found[name] <= high
    ]
    if not odd:
        return ()
    said = (
        f"This scan is unlike the {likeness.n_volumes} that {card.title} was trained on:"
        f" {'; '.join(odd)}. What it draws may mean nothing."
    )
    return (said,)
