"""Volumes with masks drawn by hand, as NIfTI files in folders of one patient each."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.domain.card import NetworkCard
from viewer.domain.geometry import Grid
from viewer.domain.volume import ValueMap
from viewer.errors import Damaged, InputRefused
from viewer.imaging.resample import resampled
from viewer.inference.handover import Scan
from viewer.inference.pipeline import canonical_grid
from viewer.inference.sampling import sampled

_MOST_VOXELS = 200_000_000
_RAS_TO_LPS = np.diag((-1.0, -1.0, 1.0, 1.0))


@dataclass(frozen=True, eq=False)
class LabelledVolume:
    """A patient's volume and labels (k, j, i) on the same grid, and what the patient is called."""

    name: str
    scan: Scan
    labels: NDArray[Any]


def read_lesions(
    folder: Path, names: Sequence[str], modality: str, *, stem: str = ""
) -> list[LabelledVolume]:
    """Return the patients ``names``: ``<stem>_image.nii.gz`` and ``<stem>_mask.nii.gz`` of each.

    ``modality`` says what the images are, and is the stem unless one is given. Masks are 0 and 1.

    Raises
    ------
    InputRefused, Damaged
        A file is not there, too large, or does not fit the other one.
    """
    stem = stem or modality.replace("PT", "PET")
    found = []
    for name in names:
        values, grid = read_nifti(folder / name / f"{stem}_image.nii.gz")
        mask, mask_grid = read_nifti(folder / name / f"{stem}_mask.nii.gz")
        same = mask_grid.shape_kji == grid.shape_kji and np.allclose(
            mask_grid.ijk_to_lps, grid.ijk_to_lps, atol=1e-3
        )
        if not same:
            raise Damaged("Image and mask lie on different grids.", where=str(folder / name))
        quantity = ValueMap.identity(values.shape[0])
        scan = Scan(values.astype(np.float32), grid, quantity, modality)
        found.append(LabelledVolume(name, scan, (mask > 0.5).astype(np.uint8)))
    return found


def read_nifti(path: Path) -> tuple[NDArray[Any], Grid]:
    """Return the values (k, j, i) of a NIfTI file and their place in LPS mm.

    Raises
    ------
    InputRefused, Damaged
        It cannot be read, is no single volume, or too large.
    """
    import zlib

    import nibabel
    from nibabel.filebasedimages import ImageFileError
    from nibabel.spatialimages import HeaderDataError

    try:
        image: Any = nibabel.nifti1.Nifti1Image.from_filename(str(path))
        shape = image.shape
        if len(shape) != 3 or int(np.prod(shape)) > _MOST_VOXELS:
            raise InputRefused("This is no volume of a size that fits.", where=str(path))
        values = np.asarray(image.dataobj)
    except (ImageFileError, HeaderDataError, OSError, EOFError, ValueError, zlib.error) as error:
        raise InputRefused("The volume cannot be read.", where=str(path)) from error
    k, j, i = values.shape[::-1]
    return np.ascontiguousarray(values.transpose(2, 1, 0)), Grid(
        (k, j, i), _RAS_TO_LPS @ np.asarray(image.affine, dtype=np.float64)
    )


def split_of(path: Path, name: str) -> dict[str, list[str]]:
    """Return part ("train", "validation") -> names, as ``splits.json`` gives them under ``name``.

    Raises
    ------
    InputRefused, Damaged
        The file cannot be read, names no cases, or the same case twice.
    """
    try:
        table: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))[name]
        parts = {part: [str(n) for n in table[part]] for part in ("train", "validation")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputRefused("The file of the splits cannot be read.", where=str(path)) from error
    every = parts["train"] + parts["validation"]
    named = all(n.replace("_", "").replace("-", "").isalnum() for n in every)
    if not all(parts.values()) or not named or len(set(every)) != len(every):
        raise Damaged("The split is empty, or names a case twice.", where=str(path))
    return parts


def tracer_sample(case: LabelledVolume, card: NetworkCard) -> dict[str, NDArray[Any]]:
    """Return what a tracer network is trained on: uptake and, as 0..255, the share of lesion.

    Sampled exactly as the pipeline will show it.
    """
    grid = canonical_grid(case.scan.grid, card)
    suv = sampled(case.scan, grid, 0.0)
    share = resampled(case.labels.astype(np.float32), case.scan.grid, grid, order=1)
    return {"suv": suv, "mask": np.asarray(np.rint(share * 255), dtype=np.uint8)}
