"""RT Dose as a picture: its grid, and values in Gy."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.intake.writing import a_slice, saved
from viewer.domain.volume import Picture
from viewer.imaging.value_chain import default_window
from viewer.intake.decode import load
from viewer.intake.scan import scan
from viewer.testing.builders import rotation

RT_DOSE = "1.2.840.10008.5.1.4.1.1.481.2"
SHAPE = (7, 6, 8)
SCALING = 2.5e-4


def values() -> NDArray[np.uint32]:
    k, j, i = np.indices(SHAPE)
    return np.asarray(100_000 * k + 1000 * j + i, dtype=np.uint32)


def dose(tmp_path: Path, offsets: list[float], **changes: object) -> Picture:
    dataset = a_slice(0, modality="RTDOSE")
    for keyword in ("RescaleSlope", "RescaleIntercept", "WindowCenter", "WindowWidth"):
        if keyword in dataset:
            delattr(dataset, keyword)
    dataset.SOPClassUID = RT_DOSE
    dataset.NumberOfFrames = len(offsets)
    dataset.GridFrameOffsetVector = offsets
    dataset.DoseGridScaling = SCALING
    dataset.DoseUnits = "GY"
    dataset.BitsAllocated = dataset.BitsStored = 32
    dataset.HighBit = 31
    dataset.PixelRepresentation = 0
    _, dataset.Rows, dataset.Columns = SHAPE
    dataset.PixelData = values().tobytes()
    for keyword, value in changes.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    (source,) = scan([saved(dataset, tmp_path / "dose.dcm")]).pictures
    return load(source)


@pytest.mark.parametrize("descending", [False, True])
def test_frames_lie_along_the_normal_of_an_oblique_grid(
    tmp_path: Path, *, descending: bool
) -> None:
    turned = rotation((1, 2, 3), 25)
    steps = [-3.0 * k if descending else 3.0 * k for k in range(7)]
    picture = dose(
        tmp_path,
        steps,
        ImageOrientationPatient=[f"{v:.12g}" for v in (*turned[:, 0], *turned[:, 1])],
        ImagePositionPatient=[10, -20, 30],
    )
    assert picture.is_volume
    found = {}
    for k in range(7):
        values_gy = picture.quantity.slice_values(picture.stored[k], k)
        place = picture.grid.world((0.0, 0.0, float(k)))
        found[round(float(values_gy[0, 0] / SCALING / 100_000))] = place
        np.testing.assert_allclose(np.ptp(values_gy), SCALING * 5007, rtol=1e-5)
    for n, step in enumerate(steps):
        expected = np.array([10, -20, 30]) + turned[:, 2] * step
        np.testing.assert_allclose(found[n], expected, atol=1e-6)
    assert picture.grid.spacing_ijk_mm == pytest.approx((0.75, 0.5, 3.0))


def test_absolute_offsets_are_positions_along_the_body(tmp_path: Path) -> None:
    absolute = [40.0 + 2.5 * k for k in range(7)]
    picture = dose(tmp_path, absolute, ImagePositionPatient=[0, 0, 40])
    low = sorted(float(picture.grid.world((0, 0, k))[2]) for k in range(7))
    np.testing.assert_allclose(low, absolute)


def test_values_are_gray_and_the_window_comes_from_them(tmp_path: Path) -> None:
    picture = dose(tmp_path, [2.0 * k for k in range(7)])
    assert picture.quantity.unit == "Gy"
    values_gy = picture.quantity.block(picture.stored)
    assert float(values_gy.max()) == pytest.approx(SCALING * values().max(), rel=1e-6)
    window = default_window(picture)
    assert window.center - window.width / 2 >= 0
    assert window.center + window.width / 2 <= float(values_gy.max())
    assert window.width > 0.5 * float(values_gy.max())


def test_a_relative_dose_has_no_unit(tmp_path: Path) -> None:
    assert dose(tmp_path, [2.0 * k for k in range(7)], DoseUnits="RELATIVE").quantity.unit == "1"


def test_a_dose_without_scaling_is_not_said_to_be_gray(tmp_path: Path) -> None:
    picture = dose(tmp_path, [2.0 * k for k in range(7)], DoseGridScaling=None)
    assert picture.quantity.unit == "1"
    assert any("no scaling" in finding.text for finding in picture.findings)


def test_uneven_frames_are_no_grid(tmp_path: Path) -> None:
    assert not dose(tmp_path, [0.0, 2.0, 4.0, 6.0, 8.0, 10.0, 17.0]).is_volume


@pytest.mark.parametrize("name", ["rtdose", "rtdose_expb", "rtdose_rle"])
def test_real_doses_equal_another_reader_in_every_writing(shared_data: Path, name: str) -> None:
    from pydicom import dcmread

    dataset = dcmread(shared_data / f"dicom/pydicom/{name}.dcm")
    picture = load(scan([shared_data / f"dicom/pydicom/{name}.dcm"]).pictures[0])
    expected = dcmread(shared_data / "dicom/pydicom/rtdose.dcm").pixel_array
    np.testing.assert_array_equal(picture.stored, expected)
    np.testing.assert_allclose(
        picture.quantity.block(picture.stored),
        expected * float(dataset.DoseGridScaling),
        rtol=1e-6,
    )
    assert picture.grid.shape_kji == (15, 10, 10)
    np.testing.assert_allclose(picture.grid.world((0, 0, 0)), [189.43125, 199.43125, -761.87])
