"""A derived series as DICOM: DERIVED, how it was made, of which images, and read back equal.

CT and MR stay what they are; every other modality becomes Secondary Capture Image Storage with the
plane's geometry and the rescale (PS3.3 A.8.1), since its own object would demand acquisition data
that a filtered image has not. Source: PS3.3 C.7.6.1.1.2 (image type), C.7.6.1.1.3 (derivation),
C.12.4 (source images), C.7.6.16.2.11 (real world values).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from viewer import __version__
from viewer.domain.quantity import Spacing, SpacingSource
from viewer.domain.study import Identity, Instance
from viewer.domain.volume import Picture
from viewer.errors import DISCLAIMER, Conflict, InputRefused
from viewer.exchange.atomic import Saved, not_equal, save
from viewer.exchange.dicom_parts import (
    CHARACTER_SET,
    MANUFACTURER,
    frame_of_reference,
    new_uid,
    refuse_without_dicom,
    short_text,
    stamp,
)
from viewer.imaging.value_chain import default_window
from viewer.jobs.job import Ticket

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_CLASSES = {"CT": "1.2.840.10008.5.1.4.1.1.2", "MR": "1.2.840.10008.5.1.4.1.1.4"}
_SECONDARY = "1.2.840.10008.5.1.4.1.1.7"
_EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
_LONGEST_ST = 1024
_DS_CHARACTERS = 16


@dataclass(frozen=True, slots=True)
class Derivation:
    """How a series was made: its description (chain and parameters), and the source's identity."""

    description: str
    source: Identity


def write_derived_series(
    picture: Picture,
    derivation: Derivation,
    folder: Path,
    *,
    force: bool = False,
    ticket: Ticket | None = None,
) -> tuple[Saved, ...]:
    """Save a derived picture, one file an image, into ``folder``; each is read back and compared.

    Parameters
    ----------
    picture
        (k, j, i) int16 with one slope and intercept (``imaging.derived``).
    derivation
        Its source must have as many DICOM images as ``picture``.

    Raises
    ------
    InputRefused
        The source did not come from DICOM, or the picture is none of ours.
    Conflict
        The folder holds something and ``force`` is false.
    OutOfResources, ViewerError
        As ``atomic.save`` does; what was written before is taken away again.
    """
    _refuse(picture, derivation)
    folder = Path(folder)
    if folder.exists() and (not folder.is_dir() or (any(folder.iterdir()) and not force)):
        raise Conflict(
            "The folder is not empty.", where=str(folder), remedy="Choose another, or add --force."
        )
    folder.mkdir(parents=True, exist_ok=True)
    saved: list[Saved] = []
    try:
        for k in range(picture.stored.shape[0]):
            if ticket is not None:
                ticket.check()
                ticket.report(k / picture.stored.shape[0], f"image {k + 1}")
            saved.append(_write(picture, derivation, k, folder / f"IM{k + 1:05d}.dcm", force=force))
    except BaseException:
        for one in saved:
            one.path.unlink(missing_ok=True)
        raise
    return tuple(saved)


def _refuse(picture: Picture, derivation: Derivation) -> None:
    source = derivation.source
    if picture.stored.dtype != np.int16 or not picture.quantity.is_uniform:
        raise InputRefused("Only a series that was made here can be written as a derived one.")
    if len(source.instances) != picture.stored.shape[0]:
        raise InputRefused(
            "The series did not come from DICOM images that it could refer to.",
            where=picture.identity.series.description,
            remedy="Write it as NIfTI.",
        )
    refuse_without_dicom(_like(picture, source), instead="Write it as NIfTI.")


def _like(picture: Picture, source: Identity) -> Picture:
    from dataclasses import replace

    return replace(picture, identity=source)


def _write(picture: Picture, derivation: Derivation, k: int, path: Path, *, force: bool) -> Saved:
    import pydicom

    dataset = _dataset(picture, derivation, k)

    def check(temporary: Path) -> tuple[str, ...]:
        found = pydicom.dcmread(temporary)
        scale = (float(found.RescaleSlope), float(found.RescaleIntercept))
        quantity = picture.quantity
        if not np.array_equal(found.pixel_array, picture.stored[k]):
            raise not_equal(path, "voxels differ")
        if scale != (float(quantity.slope_k[k]), float(quantity.intercept_k[k])):
            raise not_equal(path, "slope or intercept differ")
        return (f"{picture.stored[k].size} voxels, slope and intercept read back equal",)

    return save(
        path,
        lambda to: pydicom.dcmwrite(to, dataset, enforce_file_format=True),
        check,
        force=force,
    )


def _dataset(picture: Picture, derivation: Derivation, k: int) -> "Dataset":
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import UID

    source, series = derivation.source, picture.identity.series
    sop_class = _CLASSES.get(series.modality, _SECONDARY) if picture.is_volume else _SECONDARY
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(_EXPLICIT_LITTLE)
    dataset.SpecificCharacterSet = CHARACTER_SET
    dataset.SOPClassUID, dataset.SOPInstanceUID = sop_class, new_uid()
    dataset.file_meta.MediaStorageSOPClassUID = UID(sop_class)
    dataset.file_meta.MediaStorageSOPInstanceUID = UID(dataset.SOPInstanceUID)
    stamp(dataset, source)
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = source.study.uid, series.uid
    dataset.Modality = short_text(series.modality, 16) or "OT"
    dataset.SeriesDescription = short_text(series.description)
    dataset.SeriesNumber, dataset.InstanceNumber = str(series.number or ""), str(k + 1)
    if series.body_part:
        dataset.BodyPartExamined = short_text(series.body_part, 16)
    dataset.Laterality = short_text(series.laterality, 16)
    dataset.Manufacturer = dataset.ManufacturerModelName = MANUFACTURER
    dataset.SoftwareVersions, dataset.ImageComments = __version__, DISCLAIMER
    _set_derivation(dataset, derivation, source.instances[k])
    _set_kind(dataset, source, sop_class)
    _set_place(dataset, picture, derivation, k)
    _set_values(dataset, picture, k)
    return dataset


def _set_derivation(dataset: "Dataset", derivation: Derivation, instance: Instance) -> None:
    """Say that the image is derived, how, and of which one."""
    dataset.ImageType = ["DERIVED", "SECONDARY", "AXIAL" if dataset.Modality == "CT" else "OTHER"]
    dataset.DerivationDescription = derivation.description[:_LONGEST_ST]
    dataset.DerivationCodeSequence = [_code("110001", "Image Processing")]
    item = type(dataset)()
    item.ReferencedSOPClassUID = instance.sop_class_uid
    item.ReferencedSOPInstanceUID = instance.sop_instance_uid
    # A frame is named where the object holds several; a single-frame one has no frame numbers.
    if instance.frame > 1 or _is_multi_frame(derivation.source.instances, instance):
        item.ReferencedFrameNumber = instance.frame
    item.PurposeOfReferenceCodeSequence = [
        _code("121322", "Source image for image processing operation")
    ]
    dataset.SourceImageSequence = [item]


def _is_multi_frame(instances: Sequence[Instance], instance: Instance) -> bool:
    return any(
        other.frame > 1 and other.sop_instance_uid == instance.sop_instance_uid
        for other in instances
    )


def _code(value: str, meaning: str, scheme: str = "DCM") -> "Dataset":
    from pydicom.dataset import Dataset

    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def _set_kind(dataset: "Dataset", source: Identity, sop_class: str) -> None:
    """Fill in what CT, MR or secondary capture ask for; what is not known stays empty."""
    if sop_class == _SECONDARY:
        dataset.ConversionType = "WSD"
        return
    dataset.PositionReferenceIndicator = dataset.PatientPosition = ""
    dataset.AcquisitionNumber = ""
    if sop_class == _CLASSES["CT"]:
        dataset.KVP = _decimal_text(source.acquired_text("kvp"))
        kernel = source.acquired_text("kernel")
        if kernel:
            dataset.ConvolutionKernel = short_text(kernel, 16)
        return
    dataset.ScanningSequence, dataset.SequenceVariant = "RM", "NONE"
    dataset.ScanOptions = dataset.MRAcquisitionType = ""
    dataset.RepetitionTime = dataset.EchoTime = dataset.EchoTrainLength = ""


def _decimal_text(text: str) -> str:
    try:
        return _decimal(float(text))
    except ValueError:
        return ""


def _set_place(dataset: "Dataset", picture: Picture, derivation: Derivation, k: int) -> None:
    grid = picture.grid
    if not picture.is_volume:
        _set_flat_spacing(dataset, picture.spacing)
        return
    column, row, between = grid.spacing_ijk_mm
    dataset.FrameOfReferenceUID = frame_of_reference(_like(picture, derivation.source))
    dataset.PositionReferenceIndicator = ""
    dataset.ImagePositionPatient = [_decimal(v) for v in grid.world((0, 0, k))]
    cosines = (*grid.directions[:, 0], *grid.directions[:, 1])
    dataset.ImageOrientationPatient = [_decimal(v) for v in cosines]
    dataset.PixelSpacing = [_decimal(row), _decimal(column)]
    thickness = _decimal_text(derivation.source.acquired_text("slice_thickness_mm"))
    dataset.SliceThickness = thickness or _decimal(between)


def _set_flat_spacing(dataset: "Dataset", spacing: Spacing) -> None:
    """Write the size of a pixel as far as it holds everywhere: a region of ultrasound does not."""
    size = [_decimal(v) for v in (spacing.row_mm, spacing.column_mm)]
    if spacing.source is SpacingSource.DETECTOR:
        dataset.ImagerPixelSpacing = size
    elif spacing.is_known and spacing.source is not SpacingSource.REGION:
        is_fiducial = spacing.source is SpacingSource.CALIBRATED
        dataset.PixelSpacing = size
        dataset.PixelSpacingCalibrationType = "FIDUCIAL" if is_fiducial else "GEOMETRY"
        dataset.PixelSpacingCalibrationDescription = "as the source image says"


def _set_values(dataset: "Dataset", picture: Picture, k: int) -> None:
    quantity = picture.quantity
    stored = np.ascontiguousarray(picture.stored[k], dtype="<i2")
    dataset.SamplesPerPixel = 1
    inverted = picture.display.inverted
    dataset.PhotometricInterpretation = "MONOCHROME1" if inverted else "MONOCHROME2"
    dataset.Rows, dataset.Columns = stored.shape
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 16, 15
    dataset.PixelRepresentation = 1
    window = default_window(picture)
    dataset.WindowCenter, dataset.WindowWidth = _decimal(window.center), _decimal(window.width)
    slope, intercept = float(quantity.slope_k[k]), float(quantity.intercept_k[k])
    dataset.RescaleSlope, dataset.RescaleIntercept = _decimal(slope), _decimal(intercept)
    dataset.RescaleType = "HU" if quantity.unit == "[hnsf'U]" else "US"
    if picture.identity.series.modality == "PT":
        _set_pet_units(dataset, quantity.unit)
    elif quantity.unit not in ("1", "[hnsf'U]"):
        _set_unit(dataset, picture, k)
    dataset.PixelData = stored.tobytes()


def _set_pet_units(dataset: "Dataset", unit: str) -> None:
    if unit == "{SUVbw}g/ml":
        dataset.Units, dataset.SUVType = "GML", "BW"
    elif unit == "Bq/ml":
        dataset.Units = "BQML"


def _set_unit(dataset: "Dataset", picture: Picture, k: int) -> None:
    """Name the unit by a real world value map, which the rescale has no place for."""
    unit = picture.quantity.unit
    item = type(dataset)()
    item.RealWorldValueIntercept = float(picture.quantity.intercept_k[k])
    item.RealWorldValueSlope = float(picture.quantity.slope_k[k])
    info = np.iinfo(np.int16)
    item.add_new(0x00409216, "SS", int(info.min))
    item.add_new(0x00409211, "SS", int(info.max))
    item.LUTExplanation, item.LUTLabel = "enhanced", "ENH"
    item.MeasurementUnitsCodeSequence = [_code(short_text(unit, 16), short_text(unit), "UCUM")]
    dataset.RealWorldValueMappingSequence = [item]


def _decimal(value: float) -> str:
    """Return a number as DS: at most 16 characters, as exact as that allows."""
    if len(repr(float(value))) <= _DS_CHARACTERS:
        return repr(float(value))
    for digits in range(16, 3, -1):
        text = f"{value:.{digits}g}"
        if len(text) <= _DS_CHARACTERS:
            return text
    return f"{value:.6g}"
