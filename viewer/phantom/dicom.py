"""Generated studies as real DICOM files, which go through the ordinary reading path."""

import hashlib
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from viewer import __version__
from viewer.domain.geometry import Grid
from viewer.jobs.job import Ticket

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_CT = "1.2.840.10008.5.1.4.1.1.2"
_EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
_INTERCEPT = -1024
_NAMESPACE = uuid.UUID("6a1c3f0e-5b0f-4d0e-9b1b-0f6d0c1e7a52")


def uid(seed: int, *parts: int | str) -> str:
    """Return the UID of a part of the study of ``seed``: always the same.

    UUID-derived (PS3.5 B.2), so that it is valid however long the parts are.
    """
    name = "/".join(str(part) for part in (seed, *parts))
    return f"2.25.{uuid.uuid5(_NAMESPACE, name).int}"


def write_series(
    values_hu: NDArray[np.int16],
    grid: Grid,
    folder: Path,
    *,
    seed: int,
    ticket: Ticket | None = None,
) -> tuple[Path, ...]:
    """Write a CT series (k, j, i; HU), a file a slice, into ``folder``; return the files.

    Explicit VR little endian, unsigned 16 bits, position and orientation of each slice from
    ``grid``; the names of the files say nothing of their order. Another grid or other voxels are
    another series of the same patient, so that no two different images share a UID.
    """
    import pydicom

    if values_hu.shape != grid.shape_kji:
        raise ValueError(f"values of shape {values_hu.shape} on a grid of {grid.shape_kji}")
    series = _series_key(values_hu, grid)

    folder.mkdir(parents=True, exist_ok=True)
    # Position is geometry; the order of names must not be mistaken for it.
    names = np.random.default_rng((seed, 11)).permutation(len(values_hu))
    paths = []
    for k, plane in enumerate(values_hu):
        if ticket is not None:
            ticket.check()
        dataset = _header(seed, series, k)
        dataset.SeriesDescription = f"Chest {grid.spacing_ijk_mm[2]:.3g} mm, generated"
        _set_geometry(dataset, grid, k)
        _set_pixels(dataset, plane)
        path = folder / f"IM{names[k] + 1:05d}"
        pydicom.dcmwrite(path, dataset, enforce_file_format=True)
        paths.append(path)
    return tuple(paths)


def _series_key(values_hu: NDArray[np.int16], grid: Grid) -> str:
    digest = hashlib.sha256(grid.ijk_to_lps.tobytes())
    digest.update(repr(grid.shape_kji).encode())
    digest.update(values_hu.tobytes())
    return digest.hexdigest()


def _header(seed: int, series: str, k: int) -> "Dataset":
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import UID

    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = UID(_CT)
    dataset.file_meta.MediaStorageSOPInstanceUID = UID(uid(seed, series, k))
    dataset.file_meta.TransferSyntaxUID = UID(_EXPLICIT_LITTLE)
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPClassUID, dataset.SOPInstanceUID = _CT, uid(seed, series, k)
    dataset.ImageType = ["DERIVED", "SECONDARY", "AXIAL"]
    dataset.StudyDate = dataset.SeriesDate = dataset.AcquisitionDate = dataset.ContentDate = (
        "20261120"
    )
    dataset.StudyTime = "091400"
    dataset.SeriesTime = dataset.AcquisitionTime = dataset.ContentTime = "091530"
    dataset.AccessionNumber = f"DEMO{seed:04d}"
    dataset.Modality = "CT"
    dataset.Manufacturer = "Negatoscope"
    dataset.ManufacturerModelName = f"phantom {__version__}"
    dataset.InstitutionName = "Negatoscope (generated)"
    dataset.StudyDescription = "Chest CT, generated"
    dataset.ReferringPhysicianName = ""
    dataset.PatientName = "Demonstration^Chest"
    dataset.PatientID = f"DEMO-{seed:04d}"
    dataset.PatientBirthDate, dataset.PatientSex, dataset.PatientAge = "19610402", "F", "065Y"
    dataset.PatientComments = "Generated study: no patient."
    dataset.BodyPartExamined = "CHEST"
    dataset.KVP, dataset.ConvolutionKernel = "120", "GENERATED"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = uid(seed, "study"), uid(seed, series)
    dataset.FrameOfReferenceUID = uid(seed, "frame of reference")
    dataset.PositionReferenceIndicator = ""
    dataset.StudyID, dataset.SeriesNumber = "1", 3
    dataset.AcquisitionNumber, dataset.InstanceNumber = 1, k + 1
    dataset.ImageComments = "Generated: for demonstration and self-test, not for diagnosis."
    return dataset


def _decimal(value: float) -> str:
    """Return a number as DS: at most 16 characters, as exact as that allows."""
    for digits in range(16, 3, -1):
        text = f"{value:.{digits}g}"
        if len(text) <= 16:
            return text
    return f"{value:.6g}"


def _set_geometry(dataset: "Dataset", grid: Grid, k: int) -> None:
    column, row, between = grid.spacing_ijk_mm
    dataset.ImagePositionPatient = [_decimal(v) for v in grid.world((0, 0, k))]
    cosines = (*grid.directions[:, 0], *grid.directions[:, 1])
    dataset.ImageOrientationPatient = [_decimal(v) for v in cosines]
    dataset.PixelSpacing = [_decimal(row), _decimal(column)]
    dataset.SliceThickness = _decimal(between)


def _set_pixels(dataset: "Dataset", plane_hu: NDArray[np.int16]) -> None:
    stored = (plane_hu.astype(np.int32) - _INTERCEPT).astype(np.uint16)
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows, dataset.Columns = stored.shape
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 16, 15
    dataset.PixelRepresentation = 0
    dataset.WindowCenter, dataset.WindowWidth = ["-600", "40"], ["1500", "400"]
    dataset.WindowCenterWidthExplanation = ["LUNG", "SOFT TISSUE"]
    dataset.RescaleIntercept, dataset.RescaleSlope = str(_INTERCEPT), "1"
    dataset.RescaleType = "HU"
    dataset.PixelData = stored.astype("<u2").tobytes()
