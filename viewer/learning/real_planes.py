"""Real pictures for the evaluation of enhancement, out of the folder of training data.

A real picture has no truth without flaws: it is taken as it is, made worse, and the filter is asked
to bring it back. Targets are the masks that people drew, where there are any.
"""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from viewer.errors import InputRefused
from viewer.learning.enhancement import Case
from viewer.learning.image_sets import read_arrays, read_png
from viewer.phantom.planes import Scene

Mask = NDArray[np.bool_]

_RETINA_MM = 0.012  # DRIVE: 45 degrees of field on about 540 pixels
_CHEST_28_MM = 10.0
_ULTRASOUND_MM = 0.3  # the set does not say; a breast's depth of about 5 cm
_RING_PX = (2, 8)


def real_cases(folder: Path, n: int) -> tuple[Case, ...]:
    """Return up to ``n`` pictures of each set that ``folder`` holds.

    Raises
    ------
    InputRefused
        The folder is not there, or holds none of the sets.
    Damaged
        A file of a set cannot be read.
    """
    if not folder.is_dir():
        raise InputRefused("There is no such folder.", where=str(folder), remedy="Check --data.")
    makers = (_retina, _ultrasound, _chest, _sarcoma)
    found = tuple(case for make in makers for case in make(folder, n))
    if not found:
        raise InputRefused(
            "The folder holds none of the known sets of pictures.",
            where=str(folder),
            remedy="Give the folder that holds retina_vessels, breast_ultrasound or sarcoma.",
        )
    return found


def _case(source: str, kind: str, modality: str, clean: NDArray[np.float32], mm: float) -> Case:
    nothing = np.zeros(clean.shape, dtype=bool)
    return Case(source, Scene(kind, modality, clean, nothing, nothing, (mm, mm)))


def _ring(signal: Mask, field: Mask) -> Mask:
    grown = [
        cv2.dilate(signal.astype(np.uint8), np.ones((2 * n + 1, 2 * n + 1), np.uint8))
        for n in _RING_PX
    ]
    return np.asarray((grown[1] > 0) & (grown[0] == 0) & field)


def _retina(folder: Path, n: int) -> list[Case]:
    """Return green channels of fundus pictures with the vessels that were drawn by hand."""
    found = []
    for path in sorted((folder / "retina_vessels").glob("*_image.png"))[:n]:
        stem = path.name.removesuffix("_image.png")
        green = read_png(path, "RGB")[..., 1].astype(np.float32)
        field = read_png(path.with_name(f"{stem}_field.png"), "L") > 0
        vessels = (read_png(path.with_name(f"{stem}_vessels.png"), "L") > 0) & field
        scene = Scene(
            "retina", "OP", green, vessels, _ring(vessels, field), (_RETINA_MM, _RETINA_MM)
        )
        found.append(Case("retina_vessels (real)", scene))
    return found


def _ultrasound(folder: Path, n: int) -> list[Case]:
    path = folder / "breast_ultrasound" / "breast_ultrasound_160.npz"
    if not path.is_file():
        return []
    (pictures,) = read_arrays(path, ("val_images",))
    chosen = pictures[:: max(1, len(pictures) // n)][:n]
    return [
        _case("breast_ultrasound (real)", "ultrasound", "US", p.astype(np.float32), _ULTRASOUND_MM)
        for p in chosen
    ]


def _chest(folder: Path, n: int) -> list[Case]:
    path = folder / "chest_xray_28" / "pneumonia.npz"
    if not path.is_file():
        return []
    (pictures,) = read_arrays(path, ("val_images",))
    return [
        _case("chest_xray_28 (real)", "chest_xray", "DX", p.astype(np.float32), _CHEST_28_MM)
        for p in pictures[:n]
    ]


def _sarcoma(folder: Path, n: int) -> list[Case]:
    """Return the slice of each PET and MR volume that cuts most of the lesion."""
    found = []
    for place in sorted((folder / "sarcoma").glob("*"))[:n]:
        for name, kind, modality in (("PET", "pet", "PT"), ("MR_T1", "brain_mr", "MR")):
            image, mask = place / f"{name}_image.nii.gz", place / f"{name}_mask.nii.gz"
            if image.is_file() and mask.is_file():
                found.append(Case(f"sarcoma {name} (real)", _slice(image, mask, kind, modality)))
    return found


def _slice(image: Path, mask: Path, kind: str, modality: str) -> Scene:
    from viewer.intake.decode import load
    from viewer.intake.scan import scan

    picture, labels = (load(scan((path,)).pictures[0]) for path in (image, mask))
    inside = labels.stored.reshape(labels.grid.shape_kji) > 0
    if inside.shape != picture.grid.shape_kji:
        raise InputRefused("Picture and mask differ in size.", where=str(mask))
    k = int(np.argmax(inside.sum(axis=(1, 2))))
    values = picture.quantity.slice_values(picture.stored[k], k)
    across, down, _ = picture.grid.spacing_ijk_mm
    signal = np.asarray(inside[k])
    everywhere = np.ones(signal.shape, dtype=bool)
    return Scene(kind, modality, values, signal, _ring(signal, everywhere), (down, across))
