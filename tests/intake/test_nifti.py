"""NIfTI: placed by sform or qform, turned from RAS to LPS, and refused when it is nonsense."""

import gzip
import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import ArrayLike, NDArray

from viewer.domain.finding import Severity
from viewer.domain.ledger import Outcome
from viewer.errors import Damaged, InputRefused
from viewer.intake.decode import allocate, decode, load, thumbnail
from viewer.intake.scan import require_pictures, scan
from viewer.jobs.job import Ticket

VALUES = np.arange(2 * 3 * 4, dtype=np.int16).reshape(2, 3, 4)
AFFINE = np.array([[-2.0, 0, 0, 10], [0, 0, 4, 20], [0, 3, 0, 30], [0, 0, 0, 1]])


def a_nifti(
    path: Path, values: NDArray[Any] = VALUES, affine: ArrayLike | None = AFFINE, kind: int = 1
) -> Path:
    """Write (i, j, k[, t]) values; ``affine`` None leaves both codes at 0."""
    import nibabel

    made: Any = nibabel.Nifti1Image if kind == 1 else nibabel.Nifti2Image
    made(values, affine).to_filename(path)
    return path


def test_voxels_lie_where_the_affine_puts_them(tmp_path: Path) -> None:
    (source,) = scan([a_nifti(tmp_path / "a.nii")]).pictures
    picture = load(source)
    assert picture.grid.shape_kji == (4, 3, 2)
    for i, j, k in ((0, 0, 0), (1, 2, 3)):
        ras = (AFFINE @ (i, j, k, 1))[:3]
        assert np.allclose(picture.grid.world((i, j, k)), ras * (-1, -1, 1))
        assert picture.stored[k, j, i] == VALUES[i, j, k]


@pytest.mark.parametrize("kind", [1, 2])
@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "scan"])
def test_nifti_1_and_2_are_known_by_content(tmp_path: Path, kind: int, name: str) -> None:
    path = a_nifti(tmp_path / (name if "." in name else "a.nii"), kind=kind)
    path = path.rename(tmp_path / "renamed")
    (source,) = scan([path]).pictures
    assert np.array_equal(load(source).stored, VALUES.transpose(2, 1, 0))


@given(values=st.lists(st.floats(-3, 3), min_size=9, max_size=9))
def test_any_sound_affine_survives(values: list[float]) -> None:
    import tempfile

    affine = np.eye(4)
    affine[:3, :3] = np.array(values).reshape(3, 3)
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    if spacing.min() < 0.1 or abs(np.linalg.det(affine[:3, :3] / spacing)) < 0.01:
        return
    with tempfile.TemporaryDirectory() as folder:
        (source,) = scan([a_nifti(Path(folder) / "a.nii", affine=affine)]).pictures
    assert source.grid is not None
    assert np.allclose(np.diag((-1, -1, 1, 1)) @ source.grid.ijk_to_lps, affine, atol=1e-4)


@pytest.mark.parametrize(
    "affine",
    [
        np.zeros((4, 4)),
        np.diag((1.0, 1.0, 0.0, 1.0)),
        np.diag((np.nan, 1.0, 1.0, 1.0)),
        np.diag((1e8, 1.0, 1.0, 1.0)),
        np.array([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]]),
        np.array([[1, 0, 0, 1e30], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]]),
    ],
)
def test_a_nonsense_affine_is_damaged(tmp_path: Path, affine: NDArray[np.float64]) -> None:
    path = a_nifti(tmp_path / "a.nii")
    content = bytearray(path.read_bytes())
    content[280:328] = affine[:3].astype("<f4").tobytes()
    path.write_bytes(content)
    found = scan([path])
    (fate,) = found.ledger.refused
    assert fate.reason.startswith("The NIfTI file's affine is nonsense")
    assert fate.hint
    with pytest.raises(InputRefused, match="nonsense"):
        require_pictures(found, str(path))


def test_a_file_without_an_affine_is_shown_with_a_warning(tmp_path: Path) -> None:
    path = a_nifti(tmp_path / "a.nii")
    content = bytearray(path.read_bytes())
    content[252:256] = bytes(4)
    path.write_bytes(content)
    (source,) = scan([path]).pictures
    assert source.findings[0].severity is Severity.WARNING


def test_volumes_in_time_become_pictures(tmp_path: Path) -> None:
    values = np.stack([VALUES, VALUES + 100], axis=-1)
    for name in ("a.nii", "b.nii.gz"):
        first, second = scan([a_nifti(tmp_path / name, values)]).pictures
        assert second.key == f"{first.key}#2"
        assert np.array_equal(load(second).stored, (VALUES + 100).transpose(2, 1, 0))
        assert np.array_equal(load(first).stored, VALUES.transpose(2, 1, 0))


def test_the_scale_of_the_file_is_its_slope(tmp_path: Path) -> None:
    path = a_nifti(tmp_path / "a.nii")
    content = bytearray(path.read_bytes())
    content[112:120] = np.array((2.5, -7), "<f4").tobytes()
    path.write_bytes(content)
    quantity = load(scan([path]).pictures[0]).quantity
    assert (quantity.slope_k[0], quantity.intercept_k[0]) == (2.5, -7)


@pytest.mark.parametrize(("at", "reason"), [(108, "header is broken"), (112, ""), (116, "")])
def test_numbers_that_are_none_are_no_traceback(tmp_path: Path, at: int, reason: str) -> None:
    path = a_nifti(tmp_path / "a.nii")
    content = bytearray(path.read_bytes())
    content[112:116] = np.array(2.0, "<f4").tobytes()
    content[at : at + 4] = np.array(np.nan, "<f4").tobytes()
    path.write_bytes(content)
    found = scan([path])
    assert [reason in fate.reason for fate in found.ledger.refused] == [True] * bool(reason)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_a_truncated_file_is_named(tmp_path: Path, name: str) -> None:
    path = a_nifti(tmp_path / name, np.random.default_rng(0).random((9, 9, 9)))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    found = scan([path])
    if name == "a.nii":
        assert "cut off after 46 %" in found.ledger.refused[0].reason
        return
    (source,) = found.pictures
    picture = allocate(source)
    (fate,) = decode(source, picture, Ticket())
    assert fate.outcome is Outcome.SHOWN
    assert "broken or cut off" in fate.reason
    assert picture.loaded_k[0]
    assert not picture.loaded_k[-1]


def test_a_file_of_which_nothing_is_left_is_damaged(tmp_path: Path) -> None:
    path = a_nifti(tmp_path / "a.nii.gz", np.random.default_rng(0).random((40, 40, 3)))
    path.write_bytes(path.read_bytes()[:3000])
    (source,) = scan([path]).pictures
    with pytest.raises(Damaged):
        load(source)
    path.write_bytes(path.read_bytes()[:300])
    assert "cannot be unpacked" in scan([path]).ledger.refused[0].reason


def test_a_claim_of_gigabytes_in_a_gzip_is_refused(tmp_path: Path) -> None:
    path = a_nifti(tmp_path / "a.nii")
    content = bytearray(path.read_bytes())
    content[42:48] = np.array((30000, 30000, 30000), "<i2").tobytes()
    packed = tmp_path / "a.nii.gz"
    packed.write_bytes(gzip.compress(bytes(content)))
    assert "cut off after 0 %" in scan([packed]).ledger.refused[0].reason


@pytest.mark.parametrize("kind", [np.complex64, np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])])
def test_complex_and_colour_values_are_refused(tmp_path: Path, kind: Any) -> None:
    path = a_nifti(tmp_path / "a.nii", np.zeros((2, 3, 4), kind))
    assert "are not read" in scan([path]).ledger.refused[0].reason


@pytest.mark.parametrize("end", ["", ".gz"])
@pytest.mark.parametrize("kind", ["Nifti1Pair", "Nifti2Pair"])
def test_a_pair_of_header_and_image_is_read_as_one(tmp_path: Path, kind: str, end: str) -> None:
    import nibabel

    pair: Any = getattr(nibabel, kind)
    values = np.stack([VALUES, VALUES + 100], axis=-1)
    pair(values, AFFINE).to_filename(tmp_path / f"a.img{end}")
    found = scan([tmp_path])
    fates = {Path(fate.path).name: fate for fate in found.ledger.fates}
    assert fates[f"a.hdr{end}"].outcome is Outcome.SHOWN
    assert fates[f"a.img{end}"].outcome is Outcome.GROUPED
    first, second = found.pictures
    assert np.array_equal(load(second).stored, (VALUES + 100).transpose(2, 1, 0))
    assert first.grid is not None
    assert np.allclose(np.diag((-1, -1, 1, 1)) @ first.grid.ijk_to_lps, AFFINE)
    (tmp_path / f"a.img{end}").unlink()
    (fate,) = scan([tmp_path]).ledger.refused
    assert fate.reason == f"The file with its pixels, a.img{end}, is not beside it."


def test_the_middle_slice_is_its_thumbnail(tmp_path: Path) -> None:
    (source,) = scan([a_nifti(tmp_path / "a.nii.gz")]).pictures
    assert thumbnail(source, 8).shape == (8, 4)


def test_real_files_equal_their_recorded_shapes_affines_and_sums(shared_data: Path) -> None:
    records = json.loads((shared_data / "expected.json").read_text())["volumes"]
    n_checked = 0
    for record in records:
        path = shared_data / record["path"]
        if ".nii" not in path.name or not path.exists() or path.stat().st_size > 2_000_000:
            continue
        sources = scan([path]).pictures
        shape = (*record["shape"], 1)[:4]
        assert len(sources) == shape[3], path.name
        stored = np.stack([load(source).stored for source in sources])
        assert sources[0].shape_kji == tuple(shape[2::-1])
        grid = sources[0].grid
        assert grid is not None
        lps = np.diag((-1, -1, 1, 1)) @ np.array(record["affine"])
        assert np.allclose(grid.ijk_to_lps, lps, atol=1e-4), path.name
        scaled = not (sources[0].quantity.is_uniform and sources[0].quantity.slope_k[0] == 1)
        if "sha256_voxels" in record and stored.dtype == record["dtype"] and not scaled:
            # The sums are over (i, j, k[, t]) in C order.
            voxels = stored.transpose(3, 2, 1, 0)
            voxels = voxels[..., 0] if len(record["shape"]) == 3 else voxels
            sums = sha256(np.ascontiguousarray(voxels).tobytes()).hexdigest()
            assert sums == record["sha256_voxels"], path.name
            n_checked += 1
    assert n_checked >= 5
