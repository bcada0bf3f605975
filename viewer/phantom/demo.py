"""The built-in study: generated once, kept in the cache, made anew when half written."""

import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from viewer.errors import Conflict, InputRefused, OutOfResources
from viewer.jobs.job import Ticket
from viewer.phantom.chest import DEMO_SHAPE, make_chest
from viewer.phantom.dicom import write_series
from viewer.phantom.truth import write_truth
from viewer.places import cache_folder

# Raised whenever the generator's pictures change, so that an older study is not taken for it.
GENERATION = 3
DEMO_SEED = 1
_DONE, _BUILDING = "complete", "demo-building-"
_SMALLEST, _LARGEST = 16, 1024
# An accession number has 16 characters.
_LARGEST_SEED = 2**31 - 1


def demo_folder() -> Path:
    """Return the folder of the demonstration study (``dicom/``, the truth), made on first use.

    Raises
    ------
    OutOfResources
        It cannot be written.
    """
    folder = cache_folder() / f"demo-{GENERATION}"
    if (folder / _DONE).exists():
        return folder
    try:
        _clear_abandoned(folder.parent)
        _build(folder)
    except OSError as error:
        raise OutOfResources(
            f"The demonstration study cannot be written: {error.strerror}.",
            where=str(folder.parent),
            remedy="Make room there, or set NEGATOSCOPE_HOME to another folder.",
        ) from error
    return folder


def _build(folder: Path) -> None:
    building = Path(tempfile.mkdtemp(prefix=_BUILDING, dir=folder.parent))
    try:
        _write(building, DEMO_SEED, DEMO_SHAPE, 0.0)
        (building / _DONE).touch()
        if not (folder / _DONE).exists():  # what an interrupted attempt left, if anything
            shutil.rmtree(folder, ignore_errors=True)
        try:
            building.replace(folder)
        except OSError:
            # Another process was faster; its study is the same.
            if not (folder / _DONE).exists():
                raise
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _clear_abandoned(cache: Path) -> None:
    """Remove what killed processes left; building takes seconds, so an hour old is abandoned."""
    for left in cache.glob(f"{_BUILDING}*"):
        with suppress(FileNotFoundError):  # its owner was faster
            if time.time() - left.stat().st_mtime > 3600:
                shutil.rmtree(left, ignore_errors=True)


def make_phantom_folder(
    out: Path,
    *,
    seed: int = 1,
    shape_kji: tuple[int, ...] | None = None,
    oblique_deg: float = 0.0,
    force: bool = False,
) -> Path:
    """Write the study of ``seed`` into ``out``: ``dicom/``, ``truth.json``, ``truth.nii.gz``.

    Raises
    ------
    InputRefused
        The seed, the shape or the angle is out of range, ``out`` is a file or cannot be written.
    Conflict
        ``out`` holds something, and ``force`` is false.
    """
    shape = DEMO_SHAPE if shape_kji is None else shape_kji
    if len(shape) != 3 or min(shape) < _SMALLEST or max(shape) > _LARGEST:
        raise InputRefused(f"A shape needs three numbers from {_SMALLEST} to {_LARGEST}.")
    if not -60 <= oblique_deg <= 60:
        raise InputRefused("The acquisition can be tilted by -60 to 60 degrees.")
    if not 0 <= seed <= _LARGEST_SEED:
        raise InputRefused(f"A seed is a whole number from 0 to {_LARGEST_SEED}.")
    try:
        _make_room(out, force=force)
        _write(out, seed, (shape[0], shape[1], shape[2]), oblique_deg)
    except OSError as error:
        raise InputRefused(
            f"The study cannot be written: {error.strerror}.",
            where=str(out),
            remedy="Name another folder.",
        ) from error
    return out


def _make_room(out: Path, *, force: bool) -> None:
    if out.exists() and not out.is_dir():
        raise InputRefused("This is not a folder.", where=str(out), remedy="Name another one.")
    if out.exists() and any(out.iterdir()) and not force:
        raise Conflict("The folder is not empty.", where=str(out), remedy="Add --force.")
    out.mkdir(parents=True, exist_ok=True)
    # Slices of an earlier, larger study would mix with the new ones.
    for old in (out / "dicom").glob("IM[0-9][0-9][0-9][0-9][0-9]"):
        old.unlink()


def _write(
    folder: Path,
    seed: int,
    shape: tuple[int, int, int],
    oblique_deg: float,
    ticket: Ticket | None = None,
) -> None:
    # The field of view stays that of a chest, whatever the number of voxels.
    spacing = (371.0 / shape[2], 371.0 / shape[1], 275.0 / shape[0])
    study = make_chest(seed, shape_kji=shape, spacing_ijk_mm=spacing, oblique_deg=oblique_deg)
    write_series(study.values_hu, study.grid, folder / "dicom", seed=seed, ticket=ticket)
    write_truth(study, folder)
