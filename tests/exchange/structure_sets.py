"""RT Structure Sets for tests, written with pydicom alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from viewer.domain.geometry import Grid
from viewer.domain.volume import Picture

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

RTSTRUCT = "1.2.840.10008.5.1.4.1.1.481.3"


@dataclass(frozen=True)
class Region:
    """A region to write: contours as points (n, 3) LPS mm."""

    name: str
    contours: Sequence[ArrayLike]
    colour: tuple[int, int, int] | None = (255, 128, 0)
    kind: str = "CLOSED_PLANAR"
    interpreted: str = ""
    frame: str | None = None
    slab_mm: float | None = None
    algorithm: str = "MANUAL"


def item(**values: object) -> "Dataset":
    from pydicom.dataset import Dataset

    made = Dataset()
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made


def structure_set(
    regions: Sequence[Region], picture: Picture, *, frame: str | None = None
) -> "Dataset":
    """Return a structure set drawn on ``picture``; ``frame`` replaces the frame of reference."""
    identity = picture.identity
    uid = identity.frame_of_reference_uid if frame is None else frame
    made = item(
        SOPClassUID=RTSTRUCT,
        SOPInstanceUID="1.2.826.0.5",
        StudyInstanceUID=identity.study.uid,
        SeriesInstanceUID="1.2.826.0.6",
        Modality="RTSTRUCT",
        PatientName="Test^Builder",
        StructureSetLabel="Plan A",
        Manufacturer="Maker",
    )
    series = item(SeriesInstanceUID=identity.series.uid)
    study = item(RTReferencedSeriesSequence=[series])
    made.ReferencedFrameOfReferenceSequence = [
        item(FrameOfReferenceUID=uid, RTReferencedStudySequence=[study])
    ]
    made.StructureSetROISequence = []
    made.ROIContourSequence = []
    made.RTROIObservationsSequence = []
    for number, region in enumerate(regions, start=3):
        _add(made, number, region, uid)
    return made


def _add(made: "Dataset", number: int, region: Region, uid: str) -> None:
    made.StructureSetROISequence.append(
        item(
            ROINumber=number,
            ROIName=region.name,
            ReferencedFrameOfReferenceUID=uid if region.frame is None else region.frame,
            ROIGenerationAlgorithm=region.algorithm,
        )
    )
    contours = []
    for points in region.contours:
        flat = np.asarray(points, dtype=np.float64).reshape(-1)
        contour = item(
            ContourGeometricType=region.kind,
            NumberOfContourPoints=len(flat) // 3,
            ContourData=[f"{value:.9g}" for value in flat],
        )
        if region.slab_mm is not None:
            contour.ContourSlabThickness = region.slab_mm
        contours.append(contour)
    drawn = item(ReferencedROINumber=number, ContourSequence=contours)
    if region.colour is not None:
        drawn.ROIDisplayColor = list(region.colour)
    made.ROIContourSequence.append(drawn)
    made.RTROIObservationsSequence.append(
        item(
            ObservationNumber=number,
            ReferencedROINumber=number,
            RTROIInterpretedType=region.interpreted,
        )
    )


def write(dataset: "Dataset", path: Path) -> Path:
    """Write a data set as a DICOM file."""
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian

    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.save_as(path, enforce_file_format=True)
    return path


def circle(
    grid: Grid, k: float, radius_mm: float, centre_ij_mm: tuple[float, float], n: int = 180
) -> NDArray[np.float64]:
    """Return a circle (n, 3) around a place (mm along i and j from the first voxel) at slice k."""
    angles = np.linspace(0, 2 * np.pi, n, endpoint=False)
    along = np.column_stack((np.cos(angles), np.sin(angles))) * radius_mm + centre_ij_mm
    start = grid.world((0.0, 0.0, k))
    return np.asarray(start + along @ grid.directions[:, :2].T)


def square(grid: Grid, k: float, low: float, high: float) -> NDArray[np.float64]:
    """Return a square (4, 3) whose corners are at index ``low`` and ``high`` on slice k."""
    corners = [(low, low, k), (high, low, k), (high, high, k), (low, high, k)]
    return grid.world(corners)
