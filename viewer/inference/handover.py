"""Voxels on their way to the worker: a memory-mapped file in a private folder.

Only pixels and geometry are handed over: no names, no identifiers, no dates, no UIDs. The file has
mode 0600 in a folder of mode 0700, is deleted after the job, and whatever a program that died left
behind is deleted at the next start.
"""

import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer import places
from viewer.domain.geometry import Grid
from viewer.domain.prompt import Prompt
from viewer.domain.volume import Picture, ValueMap
from viewer.errors import BackendLost, OutOfResources

_FOLDER = "handover"


@dataclass(frozen=True, eq=False)
class Scan:
    """All that a network may know of a picture.

    ``stored`` is (k, j, i) in the file's dtype, ``quantity`` its meaning, ``modality`` DICOM's.
    """

    stored: NDArray[Any]
    grid: Grid
    quantity: ValueMap
    modality: str

    @classmethod
    def of(cls, picture: Picture) -> "Scan":
        """Return ``picture`` without everything that could identify a person."""
        modality = picture.identity.series.modality
        return cls(picture.stored, picture.grid, picture.quantity, modality)


class Handover:
    """A private folder for as long as a supervisor lives."""

    def __init__(self) -> None:
        parent = places.cache_folder() / _FOLDER
        parent.mkdir(mode=0o700, exist_ok=True)
        _sweep(parent)
        self.folder = parent / f"{os.getpid()}-{secrets.token_hex(8)}"
        self.folder.mkdir(mode=0o700)

    @contextmanager
    def lend(self, array: NDArray[Any]) -> Iterator[dict[str, Any]]:
        """Write ``array`` for the worker, yield what it needs to map it, delete it afterwards.

        Raises
        ------
        OutOfResources
            The disk is full.
        """
        path = self.folder / secrets.token_hex(16)
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(np.ascontiguousarray(array).data)
            yield {"path": str(path), "shape": list(array.shape), "dtype": array.dtype.str}
        except OSError as error:
            raise OutOfResources(
                "The voxels could not be handed to the inference process.",
                where=str(self.folder),
                remedy="Make room on this disk.",
            ) from error
        finally:
            path.unlink(missing_ok=True)

    def close(self) -> None:
        """Delete the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _sweep(parent: Path) -> None:
    """Delete what programs that are no longer running left behind."""
    for folder in parent.iterdir():
        owner = folder.name.split("-")[0]
        if not owner.isdigit() or not _is_running(int(owner)):
            shutil.rmtree(folder, ignore_errors=True)


def _is_running(pid: int) -> bool:
    if os.name != "posix":  # os.kill(pid, 0) ends the process elsewhere
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def mapped(lent: Mapping[str, Any]) -> NDArray[Any]:
    """Return the lent array, read-only, as the worker sees it.

    Raises
    ------
    BackendLost
        The file is not there, or not as long as announced.
    """
    shape = tuple(int(n) for n in lent["shape"])
    try:
        return np.memmap(lent["path"], dtype=np.dtype(lent["dtype"]), mode="r", shape=shape)
    except (OSError, ValueError) as error:
        raise BackendLost("The voxels did not reach the inference process.") from error


def scan_header(scan: Scan) -> dict[str, Any]:
    """Return grid, value map and modality as plain values."""
    return {
        "affine": scan.grid.ijk_to_lps.tolist(),
        "slope_k": scan.quantity.slope_k.tolist(),
        "intercept_k": scan.quantity.intercept_k.tolist(),
        "unit": scan.quantity.unit,
        "modality": scan.modality,
    }


def scan_from(header: Mapping[str, Any], stored: NDArray[Any]) -> Scan:
    """Return the scan that ``header`` describes, on the mapped voxels."""
    shape = (stored.shape[0], stored.shape[1], stored.shape[2])
    quantity = ValueMap(
        np.array(header["slope_k"]), np.array(header["intercept_k"]), str(header["unit"])
    )
    return Scan(stored, Grid(shape, np.array(header["affine"])), quantity, str(header["modality"]))


def prompt_header(prompt: Prompt) -> dict[str, Any]:
    """Return the prompt as plain values."""
    box = prompt.box_lps_mm
    return {
        "box": None if box is None else list(box),
        "points": [list(point) for point in prompt.points_lps_mm],
    }


def prompt_from(header: Mapping[str, Any] | None) -> Prompt:
    """Return the prompt that ``header`` describes; an empty one for None."""
    if header is None:
        return Prompt()
    box = header["box"]
    points = tuple((float(x), float(y), float(z)) for x, y, z in header["points"])
    if box is None:
        return Prompt(None, points)
    a, b, c, d, e, f = (float(value) for value in box)
    return Prompt((a, b, c, d, e, f), points)
