"""The real series beside the checkout: geometry and pixels against references of other makers."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from viewer.domain.finding import Severity
from viewer.domain.ledger import Outcome
from viewer.errors import ViewerError
from viewer.intake.decode import allocate, decode, load
from viewer.intake.scan import Scan, scan
from viewer.intake.source import DicomPixels
from viewer.jobs.job import Ticket


def scanned(shared_data: Path, pattern: str) -> Scan:
    return scan(sorted(shared_data.glob(pattern)))


def records(shared_data: Path) -> list[dict[str, Any]]:
    found = json.loads((shared_data / "expected.json").read_text())["series"]
    return [r for r in found if "n_frames" in r and list(shared_data.glob(r["dicom"]))]


def is_flat(record: dict[str, Any]) -> bool:
    """Whether the series is shown without a grid: colour, or a missing slice."""
    return "rgb" in record["dicom"] or "sliceincrement" in record["dicom"]


def test_affines_equal_those_of_the_reference(shared_data: Path) -> None:
    checked = [r for r in records(shared_data) if r.get("affine_from_dicom_RAS") and not is_flat(r)]
    assert len(checked) >= 12
    for record in checked:
        source = scanned(shared_data, record["dicom"]).pictures[0]
        assert source.grid is not None, record["dicom"]
        ras = np.diag((-1, -1, 1, 1)) @ source.grid.ijk_to_lps
        assert np.allclose(ras, record["affine_from_dicom_RAS"], atol=2e-4), record["dicom"]


def test_stacked_voxels_equal_the_recorded_sums(shared_data: Path) -> None:
    checked = [r for r in records(shared_data) if "stack" in r and "rgb" not in r["dicom"]]
    assert len(checked) >= 12
    for record in checked:
        stored = load(scanned(shared_data, record["dicom"]).pictures[0]).stored
        voxels = np.ascontiguousarray(stored.astype(record["stack"]["dtype"]))
        assert list(voxels.shape) == record["stack"]["shape"]
        assert sha256(voxels.tobytes()).hexdigest() == record["stack"]["sha256_stored"]


@pytest.mark.parametrize(
    ("folder", "shapes"),
    [
        ("philips_enhanced/fmri", [(8, 64, 64)] * 4),
        ("ge/dti", [(4, 64, 64)] * 4),
        ("failing/sliceorientation", [(2, 288, 288)] * 2),
    ],
)
def test_what_lies_on_top_of_each_other_is_told_apart(
    shared_data: Path, folder: str, shapes: list[tuple[int, int, int]]
) -> None:
    found = scanned(shared_data, f"geometry/dicom2nifti/{folder}/*")
    assert [p.shape_kji for p in found.pictures] == shapes
    assert all(p.is_volume for p in found.pictures)


def test_magnitude_and_field_map_in_one_object_keep_their_own_slopes(shared_data: Path) -> None:
    found = scanned(shared_data, "geometry/dcm_qa_enh/In/Philips/IM_0027*")
    magnitude, field_map = found.pictures
    assert magnitude.shape_kji == field_map.shape_kji == (32, 64, 64)
    assert magnitude.quantity.is_uniform
    assert field_map.quantity.is_uniform
    assert magnitude.quantity.slope_k[0] != field_map.quantity.slope_k[0]
    assert field_map.quantity.slope_k[0] == pytest.approx(0.2442, abs=1e-4)


def test_a_tilted_gantry_is_sheared_and_a_missing_slice_is_unsafe(shared_data: Path) -> None:
    (tilted,) = scanned(shared_data, "geometry/dicom2nifti/failing/gantrytilting/001").pictures
    assert tilted.grid is not None
    normal = np.cross(tilted.grid.directions[:, 0], tilted.grid.directions[:, 1])
    angle = np.degrees(np.arccos(abs(tilted.grid.directions[:, 2] @ normal)))
    assert angle == pytest.approx(14.0, abs=0.1)
    assert abs(tilted.grid.ijk_to_lps[:3, 2] @ normal) == pytest.approx(4.851, abs=0.002)
    assert tilted.findings[0].severity is Severity.WARNING
    (gapped,) = scanned(shared_data, "geometry/dicom2nifti/failing/sliceincrement/002").pictures
    assert not gapped.is_volume
    assert "1 slice is missing" in gapped.findings[0].text


def test_pet_in_suv_keeps_48_slopes_and_the_factor_1(shared_data: Path) -> None:
    (pet,) = scanned(shared_data, "ibsi/ibsi_validation/dicom/STS_002/PET/image").pictures
    assert pet.quantity.unit == "{SUVbw}g/ml"
    assert len(set(pet.quantity.slope_k.tolist())) == 48


def test_slices_without_a_common_scale_are_no_suv(shared_data: Path) -> None:
    (pet,) = scan([shared_data / "dicom/fo_dicom/GH610.dcm"]).pictures
    assert pet.quantity.unit == "1"
    assert pet.quantity.slope_k[0] == pytest.approx(5.9e-8, rel=0.01)
    assert "SUV cannot be given" in " ".join(f.text for f in pet.findings)


def mosaics(shared_data: Path) -> list[dict[str, Any]]:
    found = json.loads((shared_data / "expected.json").read_text())["series"]
    return [r for r in found if "mosaic_tiles" in r and list(shared_data.glob(r["dicom"]))]


def rows_flipped(n_rows: int) -> NDArray[np.float64]:
    """Return the step from the reference's indices to ours: its rows run the other way."""
    matrix = np.diag([1.0, -1.0, 1.0, 1.0])
    matrix[1, 3] = n_rows - 1
    return matrix


def test_the_tiles_of_a_mosaic_lie_where_the_reference_has_them(shared_data: Path) -> None:
    checked = mosaics(shared_data)
    assert len(checked) >= 7
    for record in checked:
        found = [
            picture
            for picture in scanned(shared_data, record["dicom"]).pictures
            if isinstance(picture.pixels, DicomPixels)
        ]
        for picture in found:
            assert picture.grid is not None
            n_k, n_j, _ = picture.shape_kji
            assert n_k == record["mosaic_tiles"]
            ras = np.diag([-1.0, -1.0, 1.0, 1.0]) @ picture.grid.ijk_to_lps @ rows_flipped(n_j)
            reference = np.array(record["nifti"]["affine"])
            if ras[:3, 2] @ reference[:3, 2] < 0:  # stored against the direction of the tiles
                turned = np.diag([1.0, 1.0, -1.0, 1.0])
                turned[2, 3] = n_k - 1
                ras = ras @ turned
            assert np.allclose(ras, reference, atol=2e-4), record["dicom"]


def test_the_voxels_of_mosaics_are_those_of_the_reference(shared_data: Path) -> None:
    n_checked = 0
    for record in mosaics(shared_data):
        n_times = (record["nifti"]["shape"] + [1])[3]
        pictures = scanned(shared_data, record["dicom"]).pictures
        found = [p for p in pictures if isinstance(p.pixels, DicomPixels)][:n_times]
        if len(found) < n_times:
            continue  # one of the volumes was not kept beside the reference
        stored = np.stack([load(picture).stored[:, ::-1] for picture in found])
        if "sagint" in record["dicom"]:
            stored = stored[:, ::-1]
        voxels = stored.transpose(3, 2, 1, 0).reshape(record["nifti"]["shape"])
        digest = sha256(np.ascontiguousarray(voxels).tobytes()).hexdigest()
        assert digest == record["nifti"]["sha256_voxels"], record["dicom"]
        n_checked += 1
    assert n_checked >= 6


def test_the_tiles_of_a_mosaic_refer_to_their_file_as_it_is(shared_data: Path) -> None:
    (picture,) = scanned(shared_data, "geometry/dcm_qa_12bit/In/12bitUnsigned.dcm").pictures
    assert {instance.frame for instance in picture.identity.instances} == {1}
    assert picture.n_files == 1


def test_a_study_with_its_contours_has_pictures_and_layers(shared_data: Path) -> None:
    found = scan([shared_data / "ibsi/ibsi_validation/dicom/STS_002"])
    assert sorted(p.identity.series.modality for p in found.pictures) == ["CT", "MR", "PT"]
    assert {layer.kind for layer in found.layers} == {"RTSTRUCT"}
    assert found.ledger.count(Outcome.REFUSED) == 0


def test_every_file_has_one_fate_and_no_fault_is_a_surprise(shared_data: Path) -> None:
    """Open every test file by itself, decode what is small, and balance the books."""
    files = [
        path
        for folder in ("dicom", "codecs", "special", "seg_sr", "geometry/dcm_qa*")
        for top in sorted(shared_data.glob(folder))
        for path in sorted(top.rglob("*"))
        if path.is_file()
    ]
    assert len(files) > 450
    for path in files:
        found = scan([path])
        fates = {fate.path: fate for fate in found.ledger.fates}
        assert str(path) in fates
        for fate in found.ledger.refused:
            assert fate.hint, path
            assert "Error" not in fate.reason, (path, fate.reason)
        for source in found.pictures[:2]:
            if source.n_bytes < 600_000:
                _decoded(found, source.key)


def _decoded(found: Scan, key: str) -> None:
    source = next(p for p in found.pictures if p.key == key)
    picture = allocate(source)
    try:
        fates = decode(source, picture, Ticket())
    except ViewerError as error:
        raise AssertionError(source.title) from error
    assert found.with_refused(fates).ledger.n_files == found.ledger.n_files


def test_the_whole_folder_of_all_kinds_of_files_balances(shared_data: Path) -> None:
    folder = shared_data / "dicom"
    found = scan([folder])
    n_there = sum(path.is_file() for path in folder.rglob("*"))
    absent = sum("is not there" in fate.reason for fate in found.ledger.refused)
    assert found.ledger.n_files == n_there + absent
    shown = {fate.group for fate in found.ledger.fates if fate.outcome is Outcome.SHOWN}
    assert shown <= {picture.key for picture in found.pictures}
