"""RT Structure Sets out (PS3.3 A.19): closed planar contours on the slices, read back equal.

Each piece of a slice is one contour, holes are keyholes (PS3.3 C.8.8.6.3), lines run along voxel
edges: whoever fills by "centre inside, even-odd" gets the mask back voxel by voxel.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from viewer import __version__
from viewer.domain.geometry import Grid
from viewer.domain.segmentation import OriginKind, Segment, Segmentation
from viewer.domain.volume import Picture
from viewer.domain.wording import counted
from viewer.errors import DISCLAIMER, InputRefused
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
from viewer.exchange.rtstruct_read import read_rtstruct
from viewer.exchange.seg_build import writable
from viewer.exchange.seg_describe import label_text
from viewer.imaging.keyhole import polygons, signed_area

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_STORAGE = "1.2.840.10008.5.1.4.1.1.481.3"
_EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
_STUDY_MANAGEMENT = "1.2.840.10008.3.1.2.3.1"
_ALGORITHM = {
    OriginKind.HAND: "MANUAL",
    OriginKind.METHOD: "SEMIAUTOMATIC",
    OriginKind.NETWORK: "AUTOMATIC",
}
_AREA_TOLERANCE = 1e-4  # of a volume: coordinates have 16 characters


def write_rtstruct(
    segmentation: Segmentation, picture: Picture, path: Path, *, force: bool = False
) -> Saved:
    """Save a segmentation as an RT Structure Set of ``picture``'s study.

    It is read back by our reader, voxel by voxel, and by the shoelace formula on the plain numbers
    of the file. Empty and rejected segments are left out and named in ``Saved.checks``.

    Raises
    ------
    InputRefused
        The picture did not come from DICOM, lies on another grid, or nothing is left to write.
    Conflict, OutOfResources, ViewerError
        As ``atomic.save`` does; nothing was saved.
    """
    refuse_without_dicom(picture, instead="Export the labels as NIfTI or .seg.nrrd.")
    if segmentation.grid != picture.grid:
        raise InputRefused(
            "The segmentation does not lie on the picture's grid.",
            where=segmentation.name,
            remedy="Choose the picture that it was made on.",
        )
    part, sentences = writable(segmentation)

    def write(temporary: Path) -> None:
        _dataset(part, picture).save_as(temporary, enforce_file_format=True)

    def check(temporary: Path) -> tuple[str, ...]:
        _compare(part, picture, temporary, path)
        volumes = _areas_agree(part, temporary, path)
        read = f"{counted(len(part.segments), 'region')} read back voxel by voxel"
        return (*sentences, read, volumes)

    return save(path, write, check, force=force)


def _dataset(part: Segmentation, picture: Picture) -> "Dataset":
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import UID

    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(_EXPLICIT_LITTLE)
    dataset.SpecificCharacterSet = CHARACTER_SET
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = UID(_STORAGE)
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = UID(new_uid())
    stamp(dataset, picture.identity)
    dataset.StudyInstanceUID = picture.identity.study.uid
    dataset.SeriesInstanceUID = new_uid()
    dataset.Modality = "RTSTRUCT"
    dataset.SeriesNumber = None
    dataset.OperatorsName = ""
    dataset.Manufacturer = dataset.ManufacturerModelName = MANUFACTURER
    dataset.SoftwareVersions = __version__
    dataset.StructureSetLabel = short_text(part.name, 16) or "Segments"
    dataset.StructureSetDescription = DISCLAIMER[:1024]
    dataset.StructureSetDate = dataset.StructureSetTime = ""
    dataset.ApprovalStatus = "UNAPPROVED"
    dataset.FrameOfReferenceUID = frame_of_reference(picture)
    dataset.PositionReferenceIndicator = ""
    dataset.ReferencedFrameOfReferenceSequence = [_frame(picture)]
    numbered = list(enumerate(part.segments, start=1))
    dataset.StructureSetROISequence = [_roi(n, s, part, picture) for n, s in numbered]
    dataset.ROIContourSequence = [_contours(n, s, part, picture) for n, s in numbered]
    dataset.RTROIObservationsSequence = [_observation(n, s) for n, s in numbered]
    return dataset


def _frame(picture: Picture) -> "Dataset":
    series = _item(
        SeriesInstanceUID=picture.identity.series.uid,
        ContourImageSequence=[_image(picture, k) for k in range(picture.grid.shape_kji[0])],
    )
    study = _item(
        ReferencedSOPClassUID=_STUDY_MANAGEMENT,
        ReferencedSOPInstanceUID=picture.identity.study.uid,
        RTReferencedSeriesSequence=[series],
    )
    return _item(FrameOfReferenceUID=frame_of_reference(picture), RTReferencedStudySequence=[study])


def _image(picture: Picture, k: int) -> "Dataset":
    instance = picture.identity.instances[k]
    return _item(
        ReferencedSOPClassUID=instance.sop_class_uid,
        ReferencedSOPInstanceUID=instance.sop_instance_uid,
    )


def _roi(number: int, segment: Segment, part: Segmentation, picture: Picture) -> "Dataset":
    return _item(
        ROINumber=number,
        ReferencedFrameOfReferenceUID=frame_of_reference(picture),
        ROIName=label_text(segment),
        ROIGenerationAlgorithm=_ALGORITHM[part.origin.kind],
    )


def _observation(number: int, segment: Segment) -> "Dataset":
    code = _item(
        CodeValue=segment.code.value,
        CodingSchemeDesignator=short_text(segment.code.scheme, 16),
        CodeMeaning=short_text(segment.code.meaning) or segment.code.value,
    )
    return _item(
        ObservationNumber=number,
        ReferencedROINumber=number,
        RTROIInterpretedType="",
        ROIInterpreter="",
        RTROIIdentificationCodeSequence=[code],
    )


def _contours(number: int, segment: Segment, part: Segmentation, picture: Picture) -> "Dataset":
    found: list[Any] = []
    for k in range(part.grid.shape_kji[0]):
        mask = part.labels[k] == segment.number
        if not mask.any():
            continue
        for polygon in polygons(mask):
            points = np.column_stack((polygon, np.full(len(polygon), float(k))))
            found.append(
                _item(
                    ContourImageSequence=[_image(picture, k)],
                    ContourGeometricType="CLOSED_PLANAR",
                    NumberOfContourPoints=len(polygon),
                    ContourData=_numbers(part.grid, points),
                )
            )
    return _item(
        ReferencedROINumber=number,
        ROIDisplayColor=[str(value) for value in segment.colour],
        ContourSequence=found,
    )


def _numbers(grid: Grid, points_ijk: Any) -> list[str]:
    from pydicom.valuerep import format_number_as_ds

    values = grid.world(points_ijk).reshape(-1)
    return [format_number_as_ds(float(value)) for value in values + 0.0]


def _item(**fields: Any) -> "Dataset":
    from pydicom.dataset import Dataset

    item = Dataset()
    for keyword, value in fields.items():
        setattr(item, keyword, value)
    return item


def _compare(part: Segmentation, picture: Picture, temporary: Path, path: Path) -> None:
    again = read_rtstruct(temporary, picture)
    masks = {
        segment.number: (layer, segment)
        for layer in again.segmentations
        for segment in layer.segments
    }
    for number, segment in enumerate(part.segments, start=1):
        if number not in masks:
            raise not_equal(path, f"{segment.name} is missing")
        layer, found = masks[number]
        if not np.array_equal(layer.labels == found.number, part.labels == segment.number):
            raise not_equal(path, f"voxels of {segment.name} differ")
        if (found.name, found.colour) != (label_text(segment), segment.colour):
            raise not_equal(path, f"{segment.name} has another name or colour")


def _areas_agree(part: Segmentation, temporary: Path, path: Path) -> str:
    """Compare volumes by the shoelace formula on the file's numbers; independent of our reader."""
    import pydicom

    grid = part.grid
    across = np.cross(grid.ijk_to_lps[:3, 0], grid.ijk_to_lps[:3, 1])
    pixel_mm2 = float(np.linalg.norm(across))
    dataset = pydicom.dcmread(temporary)
    for item, segment in zip(dataset.ROIContourSequence, part.segments, strict=True):
        pixels = 0.0
        for contour in item.ContourSequence:
            points = np.array(contour.ContourData, dtype=np.float64).reshape(-1, 3)
            # In millimetres of the slice's own plane, without our index coordinates.
            right = grid.directions[:, 0]
            down = np.cross(across / pixel_mm2, right)
            flat = np.column_stack((points @ right, points @ down))
            pixels += signed_area(flat) / pixel_mm2
        n_voxels = int(np.count_nonzero(part.labels == segment.number))
        if abs(pixels - n_voxels) > max(0.5, _AREA_TOLERANCE * n_voxels):
            raise not_equal(path, f"contours of {segment.name} enclose another area")
    return "the contours enclose the volumes of the masks"
