"""Grids, labels and measurements that the tests of this room share."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.domain.geometry import Grid
from viewer.domain.measurement import Measurement, Point, Receipt, Review
from viewer.domain.quantity import (
    AREA,
    LENGTH,
    LONG_AXIS,
    LONGEST_DIAMETER_3D,
    MEAN,
    SHORT_AXIS,
    VOLUME,
    VOXEL_COUNT,
    Code,
    Quantity,
    Spacing,
    SpacingSource,
)
from viewer.domain.segmentation import Origin, OriginKind, Score, Segment, Segmentation
from viewer.domain.volume import ValueMap, Volume
from viewer.testing.builders import a_volume, rotation

SHAPE_KJI = (5, 7, 9)


def grids() -> dict[str, Grid]:
    """Return grids of every awkward sort, all of ``SHAPE_KJI``."""
    oblique = rotation((1, 2, 3), 25)
    shear = np.eye(4)
    shear[:3, :3] = oblique @ np.array([[0.7, 0, 0], [0, 1.3, 0.8], [0, 0, 2.5]])
    shear[:3, 3] = (-120.25, 33.1, 801.7)
    spacing = (0.7, 1.3, 2.5)
    origin = (-12.3, 4.5, 100.1)

    def axes(directions: NDArray[np.float64]) -> Grid:
        return Grid.from_axes(
            SHAPE_KJI, origin_lps_mm=origin, spacing_ijk_mm=spacing, directions=directions
        )

    return {
        "plain": axes(np.eye(3)),
        "oblique": axes(oblique),
        "flipped in i and j": axes(np.diag([-1.0, -1.0, 1.0])),
        "left-handed": axes(np.diag([1.0, 1.0, -1.0])),
        "oblique and left-handed": axes(oblique @ np.diag([1.0, 1.0, -1.0])),
        "sagittal": axes(np.array([[0.0, 0, 1], [1, 0, 0], [0, -1, 0]])),
        "sheared": Grid(SHAPE_KJI, shear),
    }


def a_volume_on(grid: Grid) -> Volume:
    """Return a CT volume of zeros on ``grid``."""
    volume = a_volume(grid.shape_kji).build()
    n_k = grid.shape_kji[0]
    return Volume(
        key=volume.key,
        stored=np.zeros(grid.shape_kji, dtype=np.int16),
        grid=grid,
        quantity=ValueMap(np.ones(n_k), np.zeros(n_k), "[hnsf'U]", "HU"),
        display=volume.display,
        identity=volume.identity,
    )


def asymmetric_labels() -> NDArray[np.uint8]:
    """Return labels 1, 3 and 7 that no flip or permutation maps onto themselves."""
    labels = np.zeros(SHAPE_KJI, dtype=np.uint8)
    labels[1, 1:3, 2:7] = 1
    labels[2, 1, 2:4] = 1
    labels[3, 5, 8] = 3
    labels[1, 5:7, 0] = 3
    labels[3, 0, 0:2] = 7
    return labels


NETWORK = Origin(
    OriginKind.NETWORK, "lesions", "1.2", "ab" * 32, "cpu", 1.5, (("threshold", "0.5"),)
)


def a_labelled(volume: Volume, *, origin: Origin = NETWORK) -> Segmentation:
    """Return a segmentation with three segments, numbered with gaps, each with other traits."""
    nodule = Code("27925004", "SCT", "Nodule")
    return Segmentation(
        uid="1.2.826.1",
        name="Läsionen = \\1",
        volume_key=volume.key,
        grid=volume.grid,
        labels=asymmetric_labels(),
        segments=(
            Segment(1, "Lesion 1", (144, 238, 144), tracking_uid="1.2.826.1.1"),
            Segment(
                3,
                "Läsion 3",
                (255, 0, 1),
                code=nodule,
                review=Review.ACCEPTED,
                scores=(Score(Code("spiculated", "99NEGATO", "Spiculated"), 0.7, 0.5, 0.9, "c 1"),),
            ),
            Segment(7, "x" * 80, (1, 2, 250), visible=False, opacity=0.55, outline=False),
        ),
        origin=origin,
        parent_uid="1.2.826.0",
    )


def measurements(volume: Volume) -> tuple[Measurement, ...]:
    """Return one measurement of each kind, at odd points with values of many digits."""
    receipt = Receipt(
        "1.2.3.4",
        ("1.2.3.4.1", "1.2.3.4.2"),
        5,
        "stored * 1 + 0 [hnsf'U]",
        Spacing(0.7, 1.3, SpacingSource.PATIENT),
        "centre of the voxel inside",
        program="Negatoscope 0.1.0",
        network="lesions 1.2",
    )

    def one(uid: str, kind: str, indices: tuple[Point, ...], *q: Quantity) -> Measurement:
        points = tuple((float(x), float(y), float(z)) for x, y, z in volume.grid.world(indices))
        return Measurement(uid, kind, f"{kind} äöü", points, "1.2.3.9", volume.key, q, receipt)

    mean = Quantity(MEAN, -1000 / 3, "[hnsf'U]")
    return (
        one("1.2.7.1", "distance", ((1, 1, 1), (5.3, 2, 1)), Quantity(LENGTH, 1 / 3, "mm")),
        one(
            "1.2.7.2",
            "bidirectional",
            ((1, 1, 1), (5.3, 2, 1), (2, 0, 1), (3, 4, 1)),
            Quantity(LONG_AXIS, 12.345678901234567, "mm"),
            Quantity(SHORT_AXIS, 1e-7 / 3, "mm"),
        ),
        one(
            "1.2.7.3",
            "ellipse",
            ((3, 3, 2), (4, 3, 2), (3, 6, 2)),
            Quantity(AREA, 123456.78901234567, "mm2"),
            mean,
            Quantity(VOXEL_COUNT, 12.0, "1"),
        ),
        replace(
            one(
                "1.2.7.4",
                "segment",
                ((3, 3, 2), (4, 3, 3)),
                Quantity(VOLUME, 0.1 + 0.2, "ml"),
                Quantity(LONGEST_DIAMETER_3D, 9.9, "mm"),
                mean,
            ),
            review=Review.EDITED,
            segment=("1.2.826.1", 3),
        ),
    )


def dataset_of(path: Path) -> Any:
    """Return the data set of a DICOM file."""
    from pydicom import dcmread

    return dcmread(path)


def edited(path: Path, change: Callable[[Any], None]) -> Path:
    """Rewrite a DICOM file as another program might."""
    dataset = dataset_of(path)
    change(dataset)
    dataset.save_as(path)
    return path
