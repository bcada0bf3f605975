"""RT Structure Sets that we write, against our reader, plain numbers and hostile masks."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.exchange.cases import SHAPE_KJI, a_volume_on, grids
from viewer.domain.segmentation import Segment
from viewer.domain.volume import Volume
from viewer.errors import Conflict, InputRefused
from viewer.exchange.rtstruct_read import read_rtstruct
from viewer.exchange.rtstruct_write import write_rtstruct
from viewer.imaging.keyhole import polygons, signed_area
from viewer.imaging.scanline import polygon_mask
from viewer.testing.builders import a_segmentation, a_volume


def even_odd(polygon: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return the mask by counting edges left of each centre: plain, slow and ours alone here."""
    mask = np.zeros(shape, dtype=bool)
    for row in range(shape[0]):
        for column in range(shape[1]):
            crossings = 0
            for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
                if (y0 > row) != (y1 > row):
                    crossings += column < x0 + (row - y0) / (y1 - y0) * (x1 - x0)
            mask[row, column] = crossings % 2 == 1
    return mask


@settings(max_examples=40)
@given(seed=st.integers(0, 10**6), share=st.floats(0.1, 0.95))
def test_polygons_with_keyholes_enclose_exactly_the_mask(seed: int, share: float) -> None:
    mask = np.random.default_rng(seed).random((8, 9)) < share
    found = polygons(mask)
    whole = np.zeros_like(mask)
    for polygon in found:
        part = even_odd(polygon, mask.shape)
        assert np.array_equal(part, polygon_mask(polygon, mask.shape))
        assert signed_area(polygon) == pytest.approx(part.sum())
        assert not (whole & part).any()
        whole |= part
    assert np.array_equal(whole, mask)


def ring_in_ring() -> np.ndarray:
    mask = np.zeros(SHAPE_KJI, dtype=bool)
    mask[1:4] = True
    mask[1:4, 1:6, 1:8] = False
    mask[1:4, 2:5, 2:7] = True
    mask[1:4, 3, 3] = False
    mask[1:4, 3, 5] = False
    return mask


@pytest.mark.parametrize("name", grids())
def test_rings_and_islands_come_back_on_every_grid(name: str, tmp_path: Path) -> None:
    volume = a_volume_on(grids()[name])
    layer = a_segmentation(volume, ring_in_ring())
    labels = layer.labels.copy()
    labels[2, 3, 3] = 2
    second = Segment(2, "Kern", (1, 2, 3), tracking_uid="")
    layer = replace(layer, labels=labels, segments=(*layer.segments, second))
    saved = write_rtstruct(layer, volume, tmp_path / "rs.dcm")
    assert len(saved.checks) >= 2
    found = read_rtstruct(saved.path, volume)
    both = {s.name: x.labels == s.number for x in found.segmentations for s in x.segments}
    assert np.array_equal(both["Lesion 1"], labels == 1)
    assert np.array_equal(both["Kern"], labels == 2)


def test_pydicom_reads_what_the_standard_asks_for(tmp_path: Path) -> None:
    import pydicom

    volume = a_volume_on(grids()["oblique"])
    saved = write_rtstruct(a_segmentation(volume, ring_in_ring()), volume, tmp_path / "rs.dcm")
    dataset = pydicom.dcmread(saved.path)
    assert dataset.Modality == "RTSTRUCT"
    assert dataset.PatientID == volume.identity.patient.id
    (roi,) = dataset.ROIContourSequence
    assert len(roi.ContourSequence) == 6  # two pieces on each of three slices
    for contour in roi.ContourSequence:
        assert len(contour.ContourData) == 3 * contour.NumberOfContourPoints
        assert all(len(str(value)) <= 16 for value in contour.ContourData)


def test_pictures_that_are_no_dicom_and_other_grids_are_refused(tmp_path: Path) -> None:
    volume = a_volume_on(grids()["plain"])
    layer = a_segmentation(volume, ring_in_ring())
    other: Volume = a_volume((3, 4, 5)).build()
    with pytest.raises(InputRefused, match="grid"):
        write_rtstruct(layer, other, tmp_path / "rs.dcm")
    foreign = replace(volume, identity=replace(volume.identity, instances=()))
    with pytest.raises(InputRefused, match="DICOM"):
        write_rtstruct(layer, foreign, tmp_path / "rs.dcm")
    assert not list(tmp_path.iterdir())


def test_nothing_is_overwritten_without_being_asked(tmp_path: Path) -> None:
    volume = a_volume_on(grids()["plain"])
    layer = a_segmentation(volume, ring_in_ring())
    write_rtstruct(layer, volume, tmp_path / "rs.dcm")
    with pytest.raises(Conflict):
        write_rtstruct(layer, volume, tmp_path / "rs.dcm")
