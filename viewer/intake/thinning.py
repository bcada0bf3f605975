"""Every n-th slice of a picture, for machines whose memory cannot hold all of them."""

from dataclasses import replace

import numpy as np

from viewer.domain.finding import Finding, Severity
from viewer.domain.geometry import Grid
from viewer.domain.uneven import SlicePlaces
from viewer.domain.volume import Voxels
from viewer.errors import InputRefused
from viewer.intake.raw_slices import RawSlices
from viewer.intake.source import DicomPixels, Packing, PhotoPixels, PictureSource, RawPixels

_ORDINALS = {2: "second", 3: "third", 4: "fourth", 5: "fifth", 6: "sixth"}
_MOST = 64  # fewer slices than that are no picture of the patient


def ordinal(every: int) -> str:
    """Return "second", "third", ... "64th"."""
    return _ORDINALS.get(every, f"{every}th")


def step_that_fits(source: PictureSource, n_bytes: int) -> int | None:
    """Return the smallest n such that every n-th slice takes no more than ``n_bytes``.

    None where no n does, or where slices cannot be left out while reading.
    """
    if not _can_skip(source):
        return None
    n_slices = source.shape_kji[0]
    slice_bytes = source.n_bytes // n_slices
    for every in range(2, min(_MOST, n_slices - 1) + 1):
        if -(-n_slices // every) * slice_bytes <= n_bytes:
            return every
    return None


def thinned(source: PictureSource, every: int) -> PictureSource:
    """Return the source of slices 0, n, 2 n, ... under a key of its own, with a warning about it.

    Raises
    ------
    InputRefused
        Fewer than two slices would be left, or slices cannot be left out while reading.
    """
    if every == 1:
        return source
    n_slices = source.shape_kji[0]
    if not 1 < every < n_slices:
        raise InputRefused(
            f"Of {n_slices} slices, every {every}. cannot be shown alone.",
            where=source.title,
            remedy=f"Choose a number from 1 to {max(n_slices - 1, 1)}.",
        )
    if not _can_skip(source):
        raise InputRefused(
            "This file is packed as a whole, so no slices can be left out.",
            where=source.title,
            remedy="Save it without compression.",
        )
    kept = slice(None, None, every)
    identity = replace(source.identity, instances=source.identity.instances[kept])
    n_kept = len(range(0, n_slices, every))
    title = f"{source.title} (every {ordinal(every)} slice)"
    return replace(
        source,
        key=f"{source.key}/{every}",
        identity=identity,
        grid=None if source.grid is None else _grid(source.grid, n_kept, every),
        shape_kji=(n_kept, *source.shape_kji[1:]),
        n_files=_n_files(source, kept),
        title=title,
        findings=(_finding(title, n_kept, n_slices, every), *source.findings),
        quantity=replace(
            source.quantity,
            slope_k=source.quantity.slope_k[kept],
            intercept_k=source.quantity.intercept_k[kept],
        ),
        display=replace(
            source.display,
            windows_k=source.display.windows_k[kept],
            overlays_k=source.display.overlays_k[kept],
            shutters_k=source.display.shutters_k[kept],
        ),
        pixels=_pixels(source, kept),
        regions_k=source.regions_k[kept],
        places=None if source.places is None else _places(source.places, kept),
        every=source.every * every,
    )


class EveryNth:
    """Reads slices 0, n, 2 n, ... of a raw volume as 0, 1, 2, ..."""

    def __init__(self, reader: RawSlices, every: int) -> None:
        self._reader = reader
        self._every = every

    def read(self, k: int, target: Voxels) -> None:
        """Fill ``target`` with slice ``k * every`` of the whole volume."""
        self._reader.read(k * self._every, target)

    def close(self) -> None:
        """Give the file back."""
        self._reader.close()


def _n_files(source: PictureSource, kept: slice) -> int:
    if not isinstance(source.pixels, DicomPixels):
        return source.n_files
    return len({frame.file.shown for frame in source.pixels.frames[kept]})


def _can_skip(source: PictureSource) -> bool:
    pixels = source.pixels
    if isinstance(pixels, RawPixels):
        return pixels.packing is Packing.NONE
    return isinstance(pixels, DicomPixels)


def _pixels(source: PictureSource, kept: slice) -> DicomPixels | RawPixels | PhotoPixels:
    """Return where the kept slices are; for raw ones the reader counts with ``every``."""
    if isinstance(source.pixels, DicomPixels):
        return replace(source.pixels, frames=source.pixels.frames[kept])
    return source.pixels


def _places(places: SlicePlaces, kept: slice) -> SlicePlaces:
    """Return where the kept slices lie; the first of all is always one of them."""
    return replace(places, depths_mm=places.depths_mm[kept])


def _grid(grid: Grid, n_kept: int, every: int) -> Grid:
    affine = np.array(grid.ijk_to_lps)
    affine[:3, 2] *= every
    return Grid((n_kept, *grid.shape_kji[1:]), affine)


def _finding(subject: str, n_kept: int, n_slices: int, every: int) -> Finding:
    text = (
        f"Only every {ordinal(every)} slice was read ({n_kept} of {n_slices}), to fit into memory; "
        "what is small may be missing, and volumes are coarser."
    )
    return Finding(Severity.WARNING, subject, text, "Free memory and open the whole series.")
