"""Fill a picture with its pixels, from the slice on the screen outward."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from viewer.domain.geometry import Grid
from viewer.domain.ledger import Fate, Outcome
from viewer.domain.volume import ImageStack, Picture, Volume, Voxels
from viewer.errors import Damaged, OutOfResources, ViewerError
from viewer.intake.limits import KEPT_FREE_BYTES, available_bytes
from viewer.intake.source import DicomPixels, PhotoPixels, PictureSource
from viewer.intake.thinning import EveryNth, ordinal, step_that_fits
from viewer.jobs.job import Ticket

_N_THREADS = 2


class SliceReader(Protocol):
    """Reads slices of one picture; used by several threads at once."""

    def read(self, k: int, target: Voxels) -> None:
        """Fill ``target``, slice ``k`` of the picture, or raise a ViewerError."""
        ...

    def close(self) -> None:
        """Give the files back."""
        ...


def allocate(source: PictureSource) -> Picture:
    """Return the picture with all of its facts and none of its pixels: ``loaded_k`` is False.

    Raises
    ------
    OutOfResources
        The pixels would not fit into the memory that is free.
    """
    free = max(available_bytes() - KEPT_FREE_BYTES, 0)
    if source.n_bytes > free:
        raise _too_large(source, free)
    shape = (*source.shape_kji, 3) if source.is_colour else source.shape_kji
    # Zeros come from the system as untouched pages: nothing is paid before a slice is filled.
    stored = np.zeros(shape, dtype=source.dtype)
    loaded = np.zeros(source.shape_kji[0], dtype=bool)
    if source.grid is not None:
        return Volume(
            source.key,
            stored,
            source.grid,
            source.quantity,
            source.display,
            source.identity,
            source.findings,
            loaded,
        )
    spacing = source.spacing
    return ImageStack(
        source.key,
        stored,
        Grid.from_axes(source.shape_kji, spacing_ijk_mm=(spacing.column_mm, spacing.row_mm, 1.0)),
        source.quantity,
        source.display,
        source.identity,
        source.findings,
        loaded,
        spacing,
        source.orientation,
        source.regions_k,
    )


def fitting_step(source: PictureSource) -> int | None:
    """Return 1 if the pixels fit into free memory, n if every n-th slice does, None if none."""
    free = max(available_bytes() - KEPT_FREE_BYTES, 0)
    return 1 if source.n_bytes <= free else step_that_fits(source, free)


def _too_large(source: PictureSource, free: int) -> OutOfResources:
    step = step_that_fits(source, free)
    offer = "" if step is None else f"Open every {ordinal(step)} slice, or close"
    return OutOfResources(
        f"This picture needs {source.n_bytes / 1e9:.1f} GB, {free / 1e9:.1f} GB are free.",
        where=source.title,
        remedy=f"{offer or 'Close'} other series or programs.",
    )


def outward(n_slices: int, first_k: int) -> Iterator[int]:
    """Yield 0..n-1, beginning at ``first_k`` and going to both sides by turns."""
    first = min(max(first_k, 0), n_slices - 1)
    yield first
    for step in range(1, n_slices):
        if first + step < n_slices:
            yield first + step
        if first - step >= 0:
            yield first - step


def open_slices(source: PictureSource) -> SliceReader:
    """Return the reader of the slices of ``source``."""
    if isinstance(source.pixels, DicomPixels):
        from viewer.intake.dicom_slices import DicomSlices

        return DicomSlices(source.pixels)
    if isinstance(source.pixels, PhotoPixels):
        from viewer.intake.photo_slices import PhotoSlices

        return PhotoSlices(source.pixels)
    from viewer.intake.raw_slices import RawSlices

    reader = RawSlices(source.pixels, source.shape_kji)
    return reader if source.every == 1 else EveryNth(reader, source.every)


@dataclass
class _Work:
    """Slices that are still to be read, and the faults met so far; shared by the threads."""

    waiting: Iterator[int]
    lock: threading.Lock
    faults: dict[int, ViewerError]
    on_slice: Callable[[int], None] | None
    is_over: bool = False

    def next_slice(self) -> int | None:
        """Return the next slice, None when there is none left or a thread gave up."""
        with self.lock:
            return None if self.is_over else next(self.waiting, None)

    def told(self, k: int, fault: ViewerError | None) -> None:
        """Keep the fault of slice ``k``, or tell that it is there."""
        with self.lock:
            if fault is not None:
                self.faults[k] = fault
            elif self.on_slice is not None:
                self.on_slice(k)


def decode(
    source: PictureSource,
    picture: Picture,
    ticket: Ticket,
    *,
    first_k: int = 0,
    most: int | None = None,
    on_slice: Callable[[int], None] | None = None,
) -> tuple[Fate, ...]:
    """Fill ``picture`` outward from ``first_k``; return the fates of files that could not be read.

    At most ``most`` slices are tried, if it is given. ``on_slice(k)`` is called after ``loaded_k[k]`` became true, never by two threads at once.
    Slices that are loaded already are left alone. Raises ``Cancelled`` if the ticket says so.
    """
    todo = [k for k in outward(len(picture.loaded_k), first_k) if not picture.loaded_k[k]][:most]
    work = _Work(iter(todo), threading.Lock(), {}, on_slice)
    reader = open_slices(source)
    try:
        if len(todo) < 2 * _N_THREADS:
            _fill(reader, picture, ticket, work)
        else:
            with ThreadPoolExecutor(_N_THREADS, thread_name_prefix="decode") as pool:
                threads = [
                    pool.submit(_fill, reader, picture, ticket, work) for _ in range(_N_THREADS)
                ]
            for thread in threads:
                thread.result()
    finally:
        reader.close()
    return _fates(source, work.faults)


def _fill(reader: SliceReader, picture: Picture, ticket: Ticket, work: _Work) -> None:
    try:
        while (k := work.next_slice()) is not None:
            ticket.check()
            fault = _read_slice(reader, picture, k)
            work.told(k, fault)
    finally:
        work.is_over = True


def _read_slice(reader: SliceReader, picture: Picture, k: int) -> ViewerError | None:
    try:
        reader.read(k, picture.stored[k])
    except ViewerError as error:
        return error
    except OSError as error:
        return Damaged(
            f"The file cannot be read ({error.strerror or 'input/output error'}).",
            remedy="Check that it is still there.",
        )
    except MemoryError:
        return OutOfResources("There is not enough memory for an image.", remedy="Close series.")
    picture.loaded_k[k] = True
    return None


def _fates(source: PictureSource, faults: dict[int, ViewerError]) -> tuple[Fate, ...]:
    """Return one fate for each file with faults: refused if none of its slices came through."""
    if not isinstance(source.pixels, DicomPixels):
        all_failed = len(faults) == source.shape_kji[0]
        outcome = Outcome.REFUSED if all_failed else Outcome.SHOWN
        return tuple(
            Fate(source.pixels.shown, outcome, source.key, fault.what, fault.remedy)
            for fault in list(faults.values())[:1]
        )
    n_frames: dict[str, int] = {}
    failed: dict[str, list[int]] = {}
    for k, frame in enumerate(source.pixels.frames):
        n_frames[frame.file.shown] = n_frames.get(frame.file.shown, 0) + 1
        if k in faults:
            failed.setdefault(frame.file.shown, []).append(k)
    fates = []
    for shown, slices in failed.items():
        fault = faults[slices[0]]
        if len(slices) == n_frames[shown]:
            fates.append(Fate(shown, Outcome.REFUSED, source.key, fault.what, fault.remedy))
        else:
            frames = ", ".join(str(source.pixels.frames[k].index + 1) for k in slices[:5])
            reason = f"Of its {n_frames[shown]} frames {len(slices)} are broken ({frames})."
            outcome = Outcome.SHOWN if source.n_files == 1 else Outcome.GROUPED
            fates.append(Fate(shown, outcome, source.key, reason, fault.remedy))
    return tuple(fates)


def load(source: PictureSource) -> Picture:
    """Return the picture with all of its pixels.

    Raises
    ------
    Damaged
        No slice at all could be decoded.
    OutOfResources
        The pixels would not fit into memory.
    """
    picture = allocate(source)
    fates = decode(source, picture, Ticket(), first_k=0)
    if not picture.loaded_k.any():
        raise Damaged(fates[0].reason, where=fates[0].path, remedy=fates[0].hint)
    return picture


def thumbnail(source: PictureSource, size: int = 64) -> NDArray[np.uint8]:
    """Return the middle image as grey uint8 (h, w) with the longer side ``size``.

    A picture that cannot be decoded gives a black one.
    """
    from viewer.intake.thumbnails import small_picture

    n_k, n_j, n_i = source.shape_kji
    shape = (n_j, n_i, 3) if source.is_colour else (n_j, n_i)
    stored = np.zeros(shape, dtype=source.dtype)
    reader = open_slices(source)
    try:
        reader.read(n_k // 2, stored)
    except (ViewerError, OSError, MemoryError):
        stored[...] = 0
    finally:
        reader.close()
    return small_picture(stored, source, n_k // 2, size)
