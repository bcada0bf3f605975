"""The known truth of a generated study, as files beside it."""

import json
import zlib
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from viewer.domain.geometry import Grid
from viewer.errors import Damaged, InputRefused
from viewer.phantom.chest import LesionTruth, PhantomStudy
from viewer.phantom.lesions import LesionKind

JSON_NAME, NIFTI_NAME = "truth.json", "truth.nii.gz"
_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


@dataclass(frozen=True)
class Truth:
    """Labels (uint8, k j i; n = lesion n) on their grid, and what is known of each lesion."""

    seed: int
    labels: NDArray[np.uint8]
    grid: Grid
    lesions: tuple[LesionTruth, ...]


def write_truth(study: PhantomStudy, folder: Path) -> None:
    """Write ``truth.json`` and ``truth.nii.gz`` (labels, RAS affine) into ``folder``."""
    nibabel: Any = import_module("nibabel")
    document: dict[str, Any] = {
        "version": 1,
        "seed": study.seed,
        "generated": "no patient",
        "shape_kji": list(study.grid.shape_kji),
        "ijk_to_lps": study.grid.ijk_to_lps.tolist(),
        "lesions": [asdict(lesion) for lesion in study.lesions],
    }
    text = json.dumps(document, indent=2)
    (folder / JSON_NAME).write_text(text + "\n", encoding="utf-8")
    labels = np.ascontiguousarray(study.labels.transpose(2, 1, 0))
    image = nibabel.Nifti1Image(labels, _LPS_TO_RAS @ study.grid.ijk_to_lps)
    image.header.set_xyzt_units("mm")
    nibabel.save(image, folder / NIFTI_NAME)


def read_truth(folder: Path) -> Truth:
    """Return the truth beside a generated study.

    Raises
    ------
    Damaged
        A file is missing, cannot be read, or does not fit the other.
    """
    nibabel: Any = import_module("nibabel")
    image_error = import_module("nibabel.filebasedimages").ImageFileError
    header_error = import_module("nibabel.spatialimages").HeaderDataError
    try:
        document = json.loads((folder / JSON_NAME).read_text(encoding="utf-8"))
        image = nibabel.load(folder / NIFTI_NAME)
        labels = np.ascontiguousarray(np.asarray(image.dataobj, dtype=np.uint8).transpose(2, 1, 0))
        grid = Grid(tuple(document["shape_kji"]), np.array(document["ijk_to_lps"]))
        found = tuple(_lesion(lesion) for lesion in document["lesions"])
        seed = int(document["seed"])
    except (
        OSError, EOFError, zlib.error, ValueError, KeyError, TypeError, InputRefused,
        image_error, header_error,
    ) as error:  # fmt: skip
        raise Damaged(
            "The truth of the generated study cannot be read.",
            where=str(folder),
            remedy="Generate the study again.",
        ) from error
    affine = _LPS_TO_RAS @ grid.ijk_to_lps
    if (
        labels.shape != grid.shape_kji
        or not np.allclose(image.affine, affine, atol=1e-3)
        or not _fit(labels, grid, found)
    ):
        raise Damaged(
            "The parts of the generated study's truth do not fit each other.",
            where=str(folder),
            remedy="Generate the study again.",
        )
    return Truth(seed, labels, grid, found)


def _fit(labels: NDArray[np.uint8], grid: Grid, found: tuple[LesionTruth, ...]) -> bool:
    """Return whether the voxels of each lesion have its volume, and no others are labelled."""
    counts = np.bincount(labels.ravel(), minlength=256) * grid.voxel_volume_mm3
    expected = np.zeros(256)
    for lesion in found:
        expected[lesion.number] = lesion.volume_mm3
    return bool(np.allclose(counts[1:], expected[1:], rtol=1e-6))


def _lesion(record: dict[str, Any]) -> LesionTruth:
    x, y, z = (float(v) for v in record["centre_lps_mm"])
    number, kind = int(record["number"]), record["kind"]
    if not 1 <= number <= 255 or kind not in get_args(LesionKind):
        raise ValueError("no lesion")
    sizes = (float(record[name]) for name in ("radius_mm", "volume_mm3", "longest_diameter_mm"))
    return LesionTruth(number, kind, (x, y, z), *sizes)
