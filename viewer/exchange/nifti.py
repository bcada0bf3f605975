"""Labels and values as NIfTI-1, read back by nibabel and, where it can hold the grid, by SimpleITK.

NIfTI's world is RAS+ millimetres, ours LPS: the first two axes of the affine change their sign.
The affine is stored in 32 bits (about 7 digits). Names, codes and the disclaimer travel in a
comment extension (code 6) as JSON.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from viewer import __version__
from viewer.domain.geometry import Floats, Grid
from viewer.domain.segmentation import Labels, Segmentation
from viewer.domain.volume import Picture, Voxels
from viewer.domain.wording import counted
from viewer.errors import DISCLAIMER, InputRefused
from viewer.exchange import records
from viewer.exchange.atomic import Saved, not_equal, save
from viewer.exchange.quantities import quantity_note, quantity_values

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
    path = _named(path)
    labels = segmentation.labels.copy()  # what is compared is what was written

    def check(temporary: Path) -> tuple[str, ...]:
        found, affine = read_labels_nifti(temporary)
        compare_values(path, labels, segmentation.grid, found, affine)
        sentences = [f"{counted(int(np.count_nonzero(labels)), 'voxel')} read back equal"]
        return (*sentences, *_second_reader(temporary, path, labels, segmentation.grid))

    return save(path, lambda to: _save(_image(segmentation, labels), to), check, force=force)


def write_values_nifti(picture: Picture, path: Path, *, force: bool = False) -> Saved:
    """Save the quantity of a volume (int16 where exact, else float32) with the grid's affine.

    Raises
    ------
    InputRefused
        The name does not end in .nii or .nii.gz, or the picture has no values on a grid.
    Damaged, Conflict, OutOfResources, ViewerError
        As ``quantity_values`` and ``atomic.save`` do; nothing was saved.
    """
    path = _named(path)
    values = quantity_values(picture)

    def check(temporary: Path) -> tuple[str, ...]:
        found, affine = read_values_nifti(temporary)
        compare_values(path, values, picture.grid, found, affine)
        sentences = [f"{values.size} voxels of {values.dtype} read back equal"]
        return (*sentences, *_second_reader(temporary, path, values, picture.grid))

    note = {"quantity": quantity_note(picture)}
    return save(path, lambda to: _save(_placed(values, picture.grid, note), to), check, force=force)


def write_map_nifti(
    values: Voxels, grid: Grid, path: Path, what: str, *, force: bool = False
) -> Saved:
    """Save a map (k, j, i; float32) on its grid; ``what`` says in the file what it is.

    Raises
    ------
    InputRefused
        The name does not end in .nii or .nii.gz.
    Conflict, OutOfResources, ViewerError
        As ``atomic.save`` does; nothing was saved.
    """
    path = _named(path)
    kept = np.asarray(values, dtype=np.float32)

    def check(temporary: Path) -> tuple[str, ...]:
        found, affine = read_values_nifti(temporary)
        compare_values(path, kept, grid, found, affine)
        return (f"{kept.size} voxels of {kept.dtype} read back equal",)

    return save(path, lambda to: _save(_placed(kept, grid, {"what": what}), to), check, force=force)


def read_labels_nifti(path: Path) -> tuple[Labels, Floats]:
    """Return labels (k, j, i) and the affine ``ijk_to_lps`` (4, 4) of a file written here."""
    import nibabel

    image: Any = nibabel.load(path)
    labels = np.asarray(image.dataobj, dtype=np.uint8).transpose(2, 1, 0)
    return labels, np.asarray(_RAS_OF_LPS @ image.affine, dtype=np.float64)


def read_values_nifti(path: Path) -> tuple[Voxels, Floats]:
    """Return values (k, j, i) and the affine ``ijk_to_lps`` (4, 4) of a file written here."""
    import nibabel

    image: Any = nibabel.load(path)
    values = np.asarray(image.dataobj).transpose(2, 1, 0)
    return values, np.asarray(_RAS_OF_LPS @ image.affine, dtype=np.float64)


def _named(path: Path) -> Path:
    path = Path(path)
    if not path.name.lower().endswith(_SUFFIXES):
        raise InputRefused(
            "The name of a NIfTI file ends in .nii or .nii.gz.",
            where=path.name,
            remedy="Choose such a name.",
        )
    return path


def _save(image: Any, path: Path) -> None:
    import nibabel

    nibabel.save(image, path)


def _image(segmentation: Segmentation, labels: Labels) -> Any:
    note = {"segmentation": records.segmentation_record(segmentation)}
    return _placed(labels, segmentation.grid, note)


def _placed(values: Voxels, grid: Grid, note: dict[str, Any]) -> Any:
    """Return nibabel's image of ``values`` (k, j, i) on ``grid``, with ``note`` in a comment."""
    import nibabel

    make: Any = nibabel.Nifti1Image
    image = make(values.transpose(2, 1, 0), _RAS_OF_LPS @ grid.ijk_to_lps)
    header = image.header
    header.set_xyzt_units("mm")
    header["descrip"] = DISCLAIMER.encode("ascii")[:79]
    image.set_sform(image.affine, code=_SCANNER)
    # a quaternion cannot shear: then only the sform states the place
    image.set_qform(image.affine, code=_SCANNER if grid.is_orthogonal else 0, strip_shears=True)
    whole = {"program": f"Negatoscope {__version__}", "disclaimer": DISCLAIMER, **note}
    text = json.dumps(whole, allow_nan=False).encode("ascii")
    header.extensions.append(nibabel.nifti1.Nifti1Extension(_COMMENT, text))
    return image


def _second_reader(temporary: Path, path: Path, values: Voxels, grid: Grid) -> tuple[str, ...]:
    """Compare with what SimpleITK reads, where it can hold the grid."""
    if not grid.is_orthogonal:
        return ()
    if values.dtype.kind == "f":
        values = np.where(np.isfinite(values), values, np.float32(0))  # nifticlib reads them so
    compare_values(path, values, grid, *read_by_simpleitk(temporary))
    return ("SimpleITK reads the same voxels at the same places",)


def read_by_simpleitk(path: Path) -> tuple[Voxels, Floats]:
    """Return the voxels (k, j, i) and the affine ``ijk_to_lps`` (4, 4) that SimpleITK reads."""
    import SimpleITK as sitk

    image = sitk.ReadImage(str(path))
    affine = np.eye(4)
    directions = np.array(image.GetDirection()).reshape(3, 3)
    affine[:3, :3] = directions * np.array(image.GetSpacing())
    affine[:3, 3] = image.GetOrigin()
    return sitk.GetArrayFromImage(image), affine


def compare_values(path: Path, values: Voxels, grid: Grid, found: Voxels, affine: Floats) -> None:
    """Raise if the voxels ``found`` are others than ``values``, or lie elsewhere than ``grid``.

    Values that are not finite are equal to themselves.
    """
    is_float = values.dtype.kind == "f"
    if found.shape != values.shape or not np.array_equal(found, values, equal_nan=is_float):
        raise not_equal(path, "voxels differ")
    index = np.array(grid.shape_kji[::-1], dtype=np.float64) - 1
    corners = np.array([[0.0, 0.0, 0.0, 1.0], [*index, 1.0]])
    apart = np.abs((corners @ affine.T)[:, :3] - grid.world(corners[:, :3])).max()
    if apart > 1e-5 * max(1.0, float(np.abs(grid.corners_lps_mm).max())):
        raise not_equal(path, f"it lies {apart:.2g} mm away")
