"""Labels as NIfTI-1, read back by nibabel and, where it can hold the grid, by SimpleITK.

NIfTI's world is RAS+ millimetres, ours LPS: the first two axes of the affine change their sign.
The affine is stored in 32 bits (about 7 digits). Names, codes and the disclaimer travel in a
comment extension (code 6) as JSON.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer import __version__
from viewer.domain.geometry import Floats, Grid
from viewer.domain.segmentation import Labels, Segmentation
from viewer.errors import DISCLAIMER, InputRefused
from viewer.exchange import records
from viewer.exchange.atomic import Saved, not_equal, save

_RAS_OF_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
_COMMENT = 6
_SCANNER = 1
_SUFFIXES = (".nii", ".nii.gz")


def write_labels_nifti(segmentation: Segmentation, path: Path, *, force: bool = False) -> Saved:
    """Save the labels as they are (uint8, numbers as in the session) with the grid's affine.

    Raises
    ------
    InputRefused
        The name does not end in .nii or .nii.gz.
    Conflict, OutOfResources, ViewerError
        As ``atomic.save`` does; nothing was saved.
    """
    path = Path(path)
    if not path.name.lower().endswith(_SUFFIXES):
        raise InputRefused(
            "The name of a NIfTI file ends in .nii or .nii.gz.",
            where=path.name,
            remedy="Choose such a name.",
        )
    labels = segmentation.labels.copy()  # what is compared is what was written

    def write(temporary: Path) -> None:
        import nibabel

        nibabel.save(_image(segmentation, labels), temporary)

    def check(temporary: Path) -> tuple[str, ...]:
        found, affine = read_labels_nifti(temporary)
        _compare(path, labels, segmentation.grid, found, affine)
        sentences = [f"{np.count_nonzero(labels)} voxels read back equal"]
        if segmentation.grid.is_orthogonal:
            found, affine = _read_by_simpleitk(temporary)
            _compare(path, labels, segmentation.grid, found, affine)
            sentences.append("SimpleITK reads the same voxels at the same places")
        return tuple(sentences)

    return save(path, write, check, force=force)


def read_labels_nifti(path: Path) -> tuple[Labels, Floats]:
    """Return labels (k, j, i) and the affine ``ijk_to_lps`` (4, 4) of a file written here."""
    import nibabel

    image: Any = nibabel.load(path)
    labels = np.asarray(image.dataobj, dtype=np.uint8).transpose(2, 1, 0)
    return labels, np.asarray(_RAS_OF_LPS @ image.affine, dtype=np.float64)


def _image(segmentation: Segmentation, labels: Labels) -> Any:
    import nibabel

    make: Any = nibabel.Nifti1Image
    image = make(labels.transpose(2, 1, 0), _RAS_OF_LPS @ segmentation.grid.ijk_to_lps)
    header = image.header
    header.set_xyzt_units("mm")
    header["descrip"] = DISCLAIMER.encode("ascii")[:79]
    image.set_sform(image.affine, code=_SCANNER)
    # a quaternion cannot shear: then only the sform states the place
    image.set_qform(
        image.affine, code=_SCANNER if segmentation.grid.is_orthogonal else 0, strip_shears=True
    )
    note = {
        "program": f"Negatoscope {__version__}",
        "disclaimer": DISCLAIMER,
        "segmentation": records.segmentation_record(segmentation),
    }
    text = json.dumps(note, allow_nan=False).encode("ascii")
    header.extensions.append(nibabel.nifti1.Nifti1Extension(_COMMENT, text))
    return image


def _read_by_simpleitk(path: Path) -> tuple[Labels, Floats]:
    import SimpleITK as sitk

    image = sitk.ReadImage(str(path))
    labels: NDArray[np.uint8] = sitk.GetArrayFromImage(image).astype(np.uint8)
    affine = np.eye(4)
    directions = np.array(image.GetDirection()).reshape(3, 3)
    affine[:3, :3] = directions * np.array(image.GetSpacing())
    affine[:3, 3] = image.GetOrigin()
    return labels, affine


def _compare(path: Path, labels: Labels, grid: Grid, found: Labels, affine: Floats) -> None:
    if found.shape != labels.shape or not np.array_equal(found, labels):
        raise not_equal(path, "voxels differ")
    index = np.array(grid.shape_kji[::-1], dtype=np.float64) - 1
    corners = np.array([[0.0, 0.0, 0.0, 1.0], [*index, 1.0]])
    apart = np.abs((corners @ affine.T)[:, :3] - grid.world(corners[:, :3])).max()
    if apart > 1e-5 * max(1.0, float(np.abs(grid.corners_lps_mm).max())):
        raise not_equal(path, f"it lies {apart:.2g} mm away")
