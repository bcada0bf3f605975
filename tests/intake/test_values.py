"""What stored values mean, how wide a pixel is, and how the file asks to show it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.intake.writing import a_series, a_slice, an_item, saved, with_pixels
from viewer.domain.finding import Severity
from viewer.domain.quantity import SpacingSource
from viewer.domain.volume import Window, WindowFunction, value_at
from viewer.errors import InputRefused
from viewer.imaging.measuring import measured
from viewer.imaging.statistics import statistics_of
from viewer.imaging.value_chain import default_window, windowed
from viewer.intake.decode import load
from viewer.intake.scan import scan
from viewer.intake.source import PictureSource

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

MR = "1.2.840.10008.5.1.4.1.1.4"
PET = "1.2.840.10008.5.1.4.1.1.128"


def one(dataset: "Dataset", folder: Path) -> PictureSource:
    (source,) = scan([saved(dataset, folder / "a")]).pictures
    return source


def test_ct_values_are_hounsfield_units(tmp_path: Path) -> None:
    source = one(a_slice(1), tmp_path)
    assert (source.quantity.unit, source.quantity.name) == ("[hnsf'U]", "HU")
    picture = load(source)
    assert picture.quantity.slice_values(picture.stored[0], 0)[0, 0] == -24


def test_a_rescale_type_other_than_hu_is_no_hu(tmp_path: Path) -> None:
    dataset = a_slice(0)
    dataset.RescaleType = "US"
    assert one(dataset, tmp_path).quantity.unit == "1"


def test_slopes_are_kept_slice_by_slice(tmp_path: Path) -> None:
    def change(dataset: "Dataset", k: int) -> None:
        dataset.RescaleSlope, dataset.RescaleIntercept = k + 1, 10 * k

    a_series(tmp_path, 3, change=change)
    (source,) = scan([tmp_path]).pictures
    assert source.quantity.slope_k.tolist() == [1, 2, 3]
    assert source.quantity.intercept_k.tolist() == [0, 10, 20]


def test_a_slope_of_zero_shows_stored_values_and_says_so(tmp_path: Path) -> None:
    dataset = a_slice(0)
    dataset.RescaleSlope = 0
    source = one(dataset, tmp_path)
    assert source.quantity.unit == "1"
    assert source.findings[0].severity is Severity.WARNING
    assert load(source).stored[0, 1, 1] == 11


def a_pet_slice(k: int = 0, **changes: Any) -> "Dataset":
    dataset = a_slice(k, modality="PT")
    dataset.SOPClassUID = PET
    dataset.Units = "BQML"
    dataset.CorrectedImage = ["ATTN", "DECY"]
    dataset.DecayCorrection = "START"
    dataset.PatientWeight = 70
    dataset.SeriesDate, dataset.SeriesTime = "20261120", "100000"
    dataset.AcquisitionDate, dataset.AcquisitionTime = "20261120", "100000"
    dataset.RescaleSlope, dataset.RescaleIntercept = 2.0 + k, 0
    dataset.WindowCenter, dataset.WindowWidth = 5000, 10000
    dataset.RadiopharmaceuticalInformationSequence = [
        an_item(
            RadiopharmaceuticalStartTime="100000",
            RadionuclideTotalDose=350e6,
            RadionuclideHalfLife=6586.2,
        )
    ]
    for keyword, value in changes.items():
        setattr(dataset, keyword, value)
    return dataset


def test_pet_becomes_suv_with_the_factor_in_the_slope_of_every_slice(tmp_path: Path) -> None:
    for k in range(3):
        saved(a_pet_slice(k), tmp_path / f"{k}")
    (source,) = scan([tmp_path]).pictures
    assert (source.quantity.unit, source.quantity.name) == ("{SUVbw}g/ml", "SUVbw")
    assert source.quantity.slope_k == pytest.approx(np.array((2, 3, 4)) * 2e-4)
    assert source.display.windows[0].width == pytest.approx(10000 * 2e-4)
    assert source.identity.acquired_text("suv") == "SUVbw"


def test_pet_without_a_weight_stays_activity_and_says_why(tmp_path: Path) -> None:
    source = one(a_pet_slice(PatientWeight=None), tmp_path)
    assert source.quantity.unit == "Bq/ml"
    assert source.findings[0].text == "SUV cannot be given: the patient's weight is missing."
    assert source.findings[0].severity is Severity.NOTE


def test_monochrome1_is_inverted_on_the_screen_and_left_alone_in_the_store(tmp_path: Path) -> None:
    dataset = a_slice(1)
    dataset.PhotometricInterpretation = "MONOCHROME1"
    dataset.PresentationLUTShape = "INVERSE"  # the standard demands both: inverted once
    source = one(dataset, tmp_path)
    assert source.display.inverted
    assert load(source).stored[0, 0, 1] == 1001


def test_windows_of_the_file_keep_names_and_functions(tmp_path: Path) -> None:
    dataset = a_slice(0)
    dataset.WindowCenter, dataset.WindowWidth = [40, -600, 1], [400, 1500, 0]
    dataset.WindowCenterWidthExplanation = ["soft", "lung", "broken"]
    dataset.VOILUTFunction = "LINEAR_EXACT"
    assert one(dataset, tmp_path).display.windows == (
        Window(40, 400, "soft", WindowFunction.LINEAR_EXACT),
        Window(-600, 1500, "lung", WindowFunction.LINEAR_EXACT),
    )


def test_a_window_of_its_own_is_kept_for_every_slice(tmp_path: Path) -> None:
    def change(dataset: "Dataset", k: int) -> None:
        dataset.WindowCenter, dataset.WindowWidth = 40 + k, 400

    a_series(tmp_path, 3, change=change)
    (source,) = scan([tmp_path]).pictures
    assert [window.center for window in source.display.windows_k] == [40, 41, 42]


def test_the_window_of_classic_mr_is_meant_for_stored_values(tmp_path: Path) -> None:
    dataset = a_slice(0, modality="MR")
    dataset.SOPClassUID = MR
    dataset.RescaleSlope, dataset.RescaleIntercept = 2, 5
    dataset.WindowCenter, dataset.WindowWidth = 100, 50
    source = one(dataset, tmp_path)
    assert source.quantity.unit == "1"
    assert source.display.windows == (Window(205, 100),)


def test_a_modality_table_is_applied_while_decoding(tmp_path: Path) -> None:
    dataset = a_slice(0, np.array([[-3, -2], [0, 9]], np.int16))
    del dataset.RescaleSlope, dataset.RescaleIntercept
    item = an_item(ModalityLUTType="US")
    item.add_new(0x00283002, "SS", [4, -2, 16])
    item.add_new(0x00283006, "OW", np.array([7, 70, 700, 7000], "<u2").tobytes())
    dataset.ModalityLUTSequence = [item]
    source = one(dataset, tmp_path)
    assert source.dtype == np.uint16
    assert load(source).stored[0].tolist() == [[7, 7], [700, 7000]]


@pytest.mark.parametrize(
    ("modality", "values", "row_mm", "source"),
    [
        ("CT", {}, 0.5, SpacingSource.PATIENT),
        ("DX", {"ImagerPixelSpacing": [0.2, 0.2]}, 0.5, SpacingSource.PATIENT),
        ("DX", {"ImagerPixelSpacing": [0.5, 0.75]}, 0.5, SpacingSource.DETECTOR),
        ("DX", {}, 0.5, SpacingSource.DETECTOR),
        ("DX", {"PixelSpacingCalibrationType": "FIDUCIAL"}, 0.5, SpacingSource.PATIENT),
        ("MG", {"PixelSpacing": None, "ImagerPixelSpacing": [0.1, 0.1]}, 0.1, "det"),
        (
            "MG",
            {
                "PixelSpacing": None,
                "ImagerPixelSpacing": [0.15, 0.15],
                "EstimatedRadiographicMagnificationFactor": 1.5,
            },
            0.1,
            SpacingSource.MAGNIFIED,
        ),
        ("OT", {"PixelSpacing": None}, 1.0, SpacingSource.NONE),
        ("OT", {"PixelSpacing": None, "PixelAspectRatio": [2, 1]}, 2.0, SpacingSource.NONE),
        ("US", {"PixelSpacing": None}, 1.0, SpacingSource.NONE),
        ("CR", {"PixelSpacing": [0, 0]}, 1.0, SpacingSource.NONE),
    ],
)
def test_the_source_of_millimetres_is_known(
    tmp_path: Path, modality: str, values: dict[str, Any], row_mm: float, source: SpacingSource
) -> None:
    dataset = a_slice(0, modality=modality)
    del dataset.ImagePositionPatient
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    spacing = one(dataset, tmp_path).spacing
    assert spacing.row_mm == pytest.approx(row_mm)
    assert spacing.source == source


def a_region(**changes: Any) -> "Dataset":
    values = {
        "RegionSpatialFormat": 1,
        "RegionLocationMinX0": 0,
        "RegionLocationMinY0": 0,
        "RegionLocationMaxX1": 7,
        "RegionLocationMaxY1": 5,
        "PhysicalUnitsXDirection": 3,
        "PhysicalUnitsYDirection": 3,
        "PhysicalDeltaX": 0.02,
        "PhysicalDeltaY": 0.03,
    }
    return an_item(**{**values, **changes})


@pytest.mark.parametrize(
    ("regions", "source", "n_findings"),
    [
        ([a_region()], SpacingSource.REGION, 0),
        ([a_region(RegionLocationMinX0=2)], SpacingSource.REGION, 1),
        ([a_region(), a_region()], SpacingSource.NONE, 1),
        ([a_region(PhysicalUnitsXDirection=4)], SpacingSource.NONE, 0),
        ([a_region(RegionSpatialFormat=3)], SpacingSource.NONE, 0),
        ([a_region(PhysicalDeltaX=0.0)], SpacingSource.NONE, 0),
    ],
)
def test_one_ultrasound_region_gives_its_scale_and_several_give_none(
    tmp_path: Path, regions: list["Dataset"], source: SpacingSource, n_findings: int
) -> None:
    dataset = a_slice(0, modality="US")
    del dataset.ImagePositionPatient, dataset.PixelSpacing
    dataset.SequenceOfUltrasoundRegions = regions
    found = one(dataset, tmp_path)
    assert found.spacing.source is source
    assert len(found.findings) == n_findings
    if source is SpacingSource.REGION:
        assert (found.spacing.row_mm, found.spacing.column_mm) == pytest.approx((0.3, 0.2))


def test_shapes_keep_to_one_ultrasound_region(tmp_path: Path) -> None:
    dataset = a_slice(0, modality="US")
    del dataset.ImagePositionPatient, dataset.PixelSpacing
    dataset.SequenceOfUltrasoundRegions = [
        a_region(RegionLocationMaxX1=3, PhysicalDeltaY=0.02),
        a_region(RegionLocationMinX0=4, PhysicalUnitsXDirection=4),
    ]
    picture = load(one(dataset, tmp_path))
    (inside,), receipt = measured("distance", [(0, 0, 0), (3, 4, 0)], picture)
    assert (inside.value, inside.unit) == pytest.approx((5 * 0.2, "mm"))
    assert receipt.spacing.source is SpacingSource.REGION
    (flow,), receipt = measured("distance", [(4, 0, 0), (7, 4, 0)], picture)
    assert (flow.value, flow.unit) == (5.0, "{pixels}"), "seconds across: no length"
    assert receipt.spacing.source is SpacingSource.NONE
    with pytest.raises(InputRefused, match="across ultrasound regions"):
        measured("distance", [(1, 1, 0), (6, 1, 0)], picture)
    with pytest.raises(InputRefused, match="across ultrasound regions"):
        measured("ellipse", [(2.2, 2, 0), (4.4, 2, 0), (2.2, 3, 0)], picture)


def test_each_radiograph_is_a_picture_of_its_own(tmp_path: Path) -> None:
    def change(dataset: "Dataset", k: int) -> None:
        dataset.Modality = "DX"
        dataset.PatientOrientation = ["L", "F"] if k else ["A", "F"]

    a_series(tmp_path, 2, change=change)
    first, second = scan([tmp_path]).pictures
    assert (first.orientation, second.orientation) == (("A", "F"), ("L", "F"))
    assert not first.is_volume


def test_a_mosaic_is_shown_as_a_sheet_without_a_place(tmp_path: Path) -> None:
    dataset = a_slice(0, modality="MR")
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"]
    source = one(dataset, tmp_path)
    assert not source.is_volume
    assert source.spacing.source is SpacingSource.NONE
    assert "mosaic" in source.findings[0].text


def test_a_dose_grid_is_a_volume_in_gray_by_its_offsets(tmp_path: Path) -> None:
    dataset = a_slice(0, modality="RTDOSE")
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.481.2"
    dataset.NumberOfFrames, dataset.GridFrameOffsetVector = 3, [0, 3, 6]
    dataset.DoseGridScaling, dataset.DoseUnits = 0.5, "GY"
    dataset.PixelData = np.arange(3 * 48, dtype=np.int16).tobytes()
    source = one(dataset, tmp_path)
    assert source.grid is not None
    assert source.grid.spacing_ijk_mm == (0.75, 0.5, 3.0)
    assert (source.quantity.unit, source.quantity.slope_k[0]) == ("Gy", 0.5)


def test_tiles_of_a_slide_are_shown_with_a_warning(tmp_path: Path) -> None:
    dataset = a_slice(0, np.zeros((2, 2), np.uint8), modality="SM")
    dataset.NumberOfFrames, dataset.PixelData = 4, bytes(16)
    source = one(dataset, tmp_path)
    assert not source.is_volume
    assert "tiles of a slide" in source.findings[0].text


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({}, ""),
        ({"LossyImageCompression": "00"}, ""),
        ({"LossyImageCompression": "01"}, "yes"),
        ({"LossyImageCompression": "01", "LossyImageCompressionRatio": 12}, "12:1"),
    ],
)
def test_lossy_compression_is_kept_for_its_mark(
    tmp_path: Path, values: dict[str, Any], text: str
) -> None:
    dataset = a_slice(0)
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    assert one(dataset, tmp_path).identity.acquired_text("lossy") == text


def test_exposure_is_told_in_mas(tmp_path: Path) -> None:
    dataset = a_slice(0)
    dataset.XRayTubeCurrent, dataset.ExposureTime = 200, 500
    assert one(dataset, tmp_path).identity.acquired_text("mas") == "100"


def test_colour_has_no_volume_and_no_unit(tmp_path: Path) -> None:
    def change(dataset: "Dataset", k: int) -> None:
        with_pixels(dataset, np.full((6, 8, 3), k, np.uint8))

    a_series(tmp_path, 3, change=change)
    (source,) = scan([tmp_path]).pictures
    assert source.is_colour
    assert not source.is_volume
    assert load(source).stored.shape == (3, 6, 8, 3)


@pytest.mark.parametrize(
    ("bits", "first", "n_entries"),
    [(12, 0, 4096), (16, 100, 40), (16, -500, 65536)],
)
def test_a_voi_table_shows_what_pydicom_says(
    bits: int, first: int, n_entries: int, tmp_path: Path
) -> None:
    from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut

    entries = np.linspace(0, (1 << bits) - 1, n_entries) ** 1.0
    entries = np.rint(np.sqrt(entries / entries.max()) * ((1 << bits) - 1)).astype("<u2")
    dataset = a_slice(0, np.arange(-24, 24, dtype=np.int16).reshape(6, 8) * 60)
    item = an_item(LUTDescriptor=[n_entries % 65536, first, bits], LUTExplanation="Bones")
    item["LUTDescriptor"].VR = "SS"
    item.add_new("LUTData", "OW", entries.tobytes())
    dataset.VOILUTSequence = [item]
    picture = load(one(dataset, tmp_path))
    shown = default_window(picture)
    assert shown.name == "Bones"
    values = picture.quantity.slice_values(picture.stored[0], 0)
    hounsfield = apply_modality_lut(dataset.pixel_array, dataset).astype(np.int32)
    expected = apply_voi_lut(hounsfield, dataset)
    np.testing.assert_allclose(
        windowed(values, shown), expected / ((1 << bits) - 1), atol=1e-4, rtol=0
    )


@pytest.mark.parametrize("kind", ["u1", "<u2"])
def test_entries_of_eight_bits_may_lie_in_bytes_or_in_words(kind: str, tmp_path: Path) -> None:
    dataset = a_slice(0)
    item = an_item(LUTDescriptor=[256, 0, 8])
    item.add_new("LUTData", "OW", np.arange(256)[::-1].astype(kind).tobytes())
    dataset.VOILUTSequence = [item]
    (window,) = (w for w in one(dataset, tmp_path).display.windows if w.table)
    np.testing.assert_allclose(windowed([-5, 0, 51, 300], window), [1, 1, 0.8, 0])


def test_a_broken_voi_table_leaves_the_window(tmp_path: Path) -> None:
    dataset = a_slice(0)
    dataset.WindowCenter, dataset.WindowWidth = 40, 400
    dataset.VOILUTSequence = [an_item(LUTDescriptor=[256, 0, 8])]
    assert one(dataset, tmp_path).display.windows == (Window(40, 400),)


def test_the_voi_table_of_a_real_file_is_that_of_pydicom(shared_data: Path) -> None:
    from pydicom import dcmread
    from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut

    path = shared_data / "dicom" / "pydicom_data" / "vlut_04.dcm"
    dataset = dcmread(path)
    picture = load(scan([path]).pictures[0])
    shown = next(window for window in picture.display.windows if window.table)
    expected = apply_voi_lut(apply_modality_lut(dataset.pixel_array, dataset), dataset)
    top = expected.max()
    found = windowed(picture.quantity.slice_values(picture.stored[0], 0), shown)
    np.testing.assert_allclose(found / found.max(), expected / top, atol=1e-3)


@pytest.mark.parametrize("limit", [None, -1990])
def test_padding_has_no_value_and_no_part_in_statistics(limit: int | None, tmp_path: Path) -> None:
    dataset = a_slice(0, np.full((6, 8), 1000, dtype=np.int16))
    values = np.full((6, 8), 1000, dtype=np.int16)
    values[0], values[1] = -2000, -1995
    with_pixels(dataset, values)
    dataset.add_new("PixelPaddingValue", "SS", -2000)
    if limit is not None:
        dataset.add_new("PixelPaddingRangeLimit", "SS", limit)
    picture = load(one(dataset, tmp_path))
    voxels = np.array([(i, j, 0) for j in range(6) for i in range(8)])
    found = statistics_of(picture, voxels)
    assert found.n == (40 if limit is None else 32)
    assert found.n_padding == 48 - found.n
    assert found.minimum == (-1995 if limit is None else 1000) - 1024
    assert value_at(picture, (0, 0, 0)) is None
    assert value_at(picture, (0, 3, 0)) == -24
    with pytest.raises(InputRefused, match="padding"):
        statistics_of(picture, voxels[:8])


def test_frames_that_disagree_about_padding_lose_no_value(tmp_path: Path) -> None:
    def change(dataset: "Dataset", k: int) -> None:
        dataset.add_new("PixelPaddingValue", "SS", -2000 if k else 0)

    a_series(tmp_path, 3, change=change)
    assert scan([tmp_path]).pictures[0].quantity.padding is None


def _with_real_world(dataset: "Dataset", slope: float, intercept: float, unit: str) -> None:
    code = an_item(CodeValue=unit, CodingSchemeDesignator="UCUM", CodeMeaning="diffusion")
    item = an_item(LUTLabel="ADC", MeasurementUnitsCodeSequence=[code])
    item.RealWorldValueSlope, item.RealWorldValueIntercept = slope, intercept
    dataset.RealWorldValueMappingSequence = [item]


def test_real_world_values_of_mr_have_their_unit_and_carry_the_window(tmp_path: Path) -> None:
    dataset = a_slice(0, modality="MR")
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.4.1"
    dataset.RescaleSlope, dataset.RescaleIntercept = 2, 10
    dataset.WindowCenter, dataset.WindowWidth = 110, 200
    _with_real_world(dataset, 0.5, -3.0, "um2/s")
    source = one(dataset, tmp_path)
    assert source.quantity.unit == "um2/s"
    assert source.quantity.slope_k[0] == 0.5
    assert source.quantity.intercept_k[0] == -3.0
    (window,) = source.display.windows
    # Stored 50 is 110 as rescaled, and 22 in the world; 100 stored values are 200, and 50.
    assert (window.center, window.width) == (22.0, 50.0)


@pytest.mark.parametrize("modality", ["CT", "PT"])
def test_ct_and_pet_keep_the_units_that_they_are_made_of(modality: str, tmp_path: Path) -> None:
    dataset = a_slice(0, modality=modality)
    if modality == "PT":
        dataset.SOPClassUID, dataset.Units = PET, "BQML"
    _with_real_world(dataset, 0.5, -3.0, "um2/s")
    assert one(dataset, tmp_path).quantity.unit != "um2/s"


def test_a_map_without_a_slope_is_none(tmp_path: Path) -> None:
    dataset = a_slice(0, modality="MR")
    _with_real_world(dataset, 0.0, 1.0, "um2/s")
    assert one(dataset, tmp_path).quantity.unit == "1"
