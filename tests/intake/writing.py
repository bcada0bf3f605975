"""Small DICOM files for the tests of the intake, written by pydicom."""

from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
DEFLATED = "1.2.840.10008.1.2.1.99"
BIG_ENDIAN = "1.2.840.10008.1.2.2"
CT = "1.2.840.10008.5.1.4.1.1.2"
Target = TypeVar("Target", Path, BytesIO)
SERIES = "1.2.826.0.1.3680043.8.498.7"
Change = Callable[["Dataset", int], None]


def pixels_of(k: int, shape: tuple[int, int] = (6, 8)) -> NDArray[np.int16]:
    """Return values that name their slice, row and column: 1000 k + 10 j + i."""
    j, i = np.indices(shape)
    return np.asarray(1000 * k + 10 * j + i, dtype=np.int16)


def an_item(**values: Any) -> "Dataset":
    """Return a data set with these elements, by keyword."""
    from pydicom.dataset import Dataset

    found = Dataset()
    for keyword, value in values.items():
        setattr(found, keyword, value)
    return found


def a_slice(k: int, values: NDArray[Any] | None = None, *, modality: str = "CT") -> "Dataset":
    """Return an upright CT slice at z = 2 k mm with pixels of 0.5 (row) by 0.75 mm (column)."""
    values = pixels_of(k) if values is None else values
    found = an_item()
    found.SOPClassUID = CT
    found.SOPInstanceUID = f"{SERIES}.{k + 1}"
    found.StudyInstanceUID = "1.2.826.0.1.3680043.8.498.6"
    found.SeriesInstanceUID = SERIES
    found.FrameOfReferenceUID = "1.2.826.0.1.3680043.8.498.5"
    found.Modality = modality
    found.PatientName = "Test^Intake"
    found.PatientID = "T-1"
    found.SeriesNumber = 3
    found.SeriesDescription = "written"
    found.InstanceNumber = k + 1
    found.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    found.ImagePositionPatient = [0.0, 0.0, 2.0 * k]
    found.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    found.PixelSpacing = [0.5, 0.75]
    found.RescaleSlope = 1
    found.RescaleIntercept = -1024
    with_pixels(found, values)
    return found


def with_pixels(dataset: "Dataset", values: NDArray[Any]) -> None:
    """Set the pixels, and everything that describes them, to ``values`` (rows, columns[, 3])."""
    bits = 8 * values.dtype.itemsize
    dataset.Rows, dataset.Columns = values.shape[:2]
    dataset.SamplesPerPixel = 3 if values.ndim == 3 else 1
    dataset.PhotometricInterpretation = "RGB" if values.ndim == 3 else "MONOCHROME2"
    if values.ndim == 3:
        dataset.PlanarConfiguration = 0
    dataset.BitsAllocated = dataset.BitsStored = bits
    dataset.HighBit = bits - 1
    dataset.PixelRepresentation = int(values.dtype.kind == "i")
    raw = np.ascontiguousarray(values).tobytes()
    dataset.PixelData = raw + b"\0" * (len(raw) % 2)


def saved(dataset: "Dataset", path: Target, syntax: str = EXPLICIT) -> Target:
    """Write ``dataset`` as a DICOM file (to a path or a buffer), and return where."""
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import UID

    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.save_as(path, enforce_file_format=True)
    return path


def a_series(
    folder: Path, n_slices: int = 5, *, change: Change | None = None, name: str = "s"
) -> list[Path]:
    """Write ``n_slices`` slices; ``change(dataset, k)`` may alter each before it is written."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for k in range(n_slices):
        dataset = a_slice(k)
        if change is not None:
            change(dataset, k)
        paths.append(saved(dataset, folder / f"{name}{k:03d}"))
    return paths


def moved_to(positions_lps_mm: Sequence[ArrayLike]) -> Change:
    """Return a change that puts slice k at ``positions_lps_mm[k]``."""

    def change(dataset: "Dataset", k: int) -> None:
        dataset.ImagePositionPatient = [float(v) for v in np.asarray(positions_lps_mm[k])]

    return change
