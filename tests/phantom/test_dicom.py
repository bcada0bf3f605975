"""The study as DICOM files, read back by pydicom alone."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from viewer.domain.geometry import Grid
from viewer.jobs.job import Cancelled, Ticket
from viewer.phantom.big import write_big_ct
from viewer.phantom.chest import PhantomStudy
from viewer.phantom.dicom import uid, write_series

if TYPE_CHECKING:
    from pydicom.dataset import FileDataset


def dcmread(path: Path) -> "FileDataset":
    import pydicom

    return pydicom.dcmread(path)


def is_valid(value: str) -> bool:
    from pydicom.uid import UID

    return UID(value).is_valid


@pytest.fixture(scope="session")
def files(oblique: PhantomStudy, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    folder = tmp_path_factory.mktemp("phantom") / "dicom"
    return write_series(oblique.values_hu, oblique.grid, folder, seed=1)


@pytest.fixture(scope="session")
def slices(files: tuple[Path, ...]) -> "list[FileDataset]":
    return [dcmread(path) for path in files]


def test_there_is_a_file_for_each_slice(files: tuple[Path, ...], oblique: PhantomStudy) -> None:
    assert len(files) == oblique.grid.shape_kji[0]
    assert sorted(files) == sorted(files[0].parent.iterdir())


def test_the_names_of_files_do_not_give_the_order(files: tuple[Path, ...]) -> None:
    names = [path.name for path in files]
    assert names != sorted(names)
    assert names != sorted(names, reverse=True)


def test_geometry_is_that_of_the_grid(slices: "list[FileDataset]", oblique: PhantomStudy) -> None:
    grid = oblique.grid
    for k, dataset in enumerate(slices):
        position = np.array(dataset.ImagePositionPatient, dtype=float)
        assert np.allclose(position, grid.world((0, 0, k)), atol=1e-6)
        cosines = np.array(dataset.ImageOrientationPatient, dtype=float)
        assert np.allclose(cosines, grid.directions[:, :2].T.ravel(), atol=1e-9)
        row, column = (float(v) for v in dataset.PixelSpacing)
        assert (column, row) == pytest.approx(grid.spacing_ijk_mm[:2], abs=1e-6)
        assert dataset.InstanceNumber == k + 1


def test_columns_and_rows_are_not_taken_for_each_other(tmp_path: Path) -> None:
    grid = Grid.from_axes((2, 3, 5), spacing_ijk_mm=(0.5, 0.75, 2.0))
    written = write_series(np.zeros((2, 3, 5), np.int16), grid, tmp_path, seed=1)
    dataset = dcmread(written[0])
    assert [float(v) for v in dataset.PixelSpacing] == [0.75, 0.5]
    assert (dataset.Rows, dataset.Columns) == (3, 5)
    assert float(dataset.SliceThickness) == 2.0


def test_values_come_back_exactly(slices: "list[FileDataset]", oblique: PhantomStudy) -> None:
    for k, dataset in enumerate(slices):
        quantity = dataset.pixel_array * dataset.RescaleSlope + dataset.RescaleIntercept
        assert np.array_equal(quantity, oblique.values_hu[k])


def test_the_ends_of_the_range_come_back_exactly(tmp_path: Path) -> None:
    values = np.array([[[-1024, 0, 3071, -1]]], dtype=np.int16)
    grid = Grid.from_axes((1, 1, 4))
    dataset = dcmread(write_series(values, grid, tmp_path, seed=1)[0])
    assert (dataset.pixel_array.astype(int) + int(dataset.RescaleIntercept)).tolist() == [
        [-1024, 0, 3071, -1]
    ]


def test_uids_are_valid_and_each_slice_has_its_own(slices: "list[FileDataset]") -> None:
    own = {dataset.SOPInstanceUID for dataset in slices}
    assert len(own) == len(slices)
    for name in ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID"):
        assert len({dataset[name].value for dataset in slices}) == 1
    first = slices[0]
    every = [*own, first.StudyInstanceUID, first.SeriesInstanceUID, first.FrameOfReferenceUID]
    assert len(set(every)) == len(every)
    assert all(is_valid(value) for value in every)
    for dataset in slices:
        assert dataset.file_meta.MediaStorageSOPInstanceUID == dataset.SOPInstanceUID


def test_a_uid_is_valid_however_large_the_seed() -> None:
    assert is_valid(uid(10**60, "series", 10**9))
    assert uid(1, "a", 2) == uid(1, "a", 2)
    assert len({uid(1), uid(2), uid(1, 1), uid(1, 11), uid(11, 1), uid(1, 1, 1)}) == 6


def test_other_voxels_or_another_grid_are_another_series(tmp_path: Path) -> None:
    values = np.zeros((2, 4, 4), np.int16)
    grid = Grid.from_axes((2, 4, 4))
    moved = Grid.from_axes((2, 4, 4), origin_lps_mm=(1, 0, 0))
    read = [
        dcmread(write_series(v, g, tmp_path / str(n), seed=1)[0])
        for n, (v, g) in enumerate([(values, grid), (values, moved), (values + 1, grid)])
    ]
    assert len({dataset.SOPInstanceUID for dataset in read}) == 3
    assert len({dataset.SeriesInstanceUID for dataset in read}) == 3
    assert len({dataset.StudyInstanceUID for dataset in read}) == 1


def test_the_same_study_is_written_byte_for_byte(tmp_path: Path) -> None:
    grid, values = Grid.from_axes((2, 4, 4)), np.zeros((2, 4, 4), np.int16)
    one, again = (write_series(values, grid, tmp_path / name, seed=5) for name in "ab")
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in again]


def test_files_say_that_there_is_no_patient(slices: "list[FileDataset]") -> None:
    assert "no patient" in slices[0].PatientComments
    assert "not for diagnosis" in slices[0].ImageComments
    assert slices[0].SeriesDescription == "Chest 8.59 mm, generated"


def test_values_that_do_not_fit_the_grid_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="grid"):
        write_series(np.zeros((2, 4, 4), np.int16), Grid.from_axes((2, 4, 5)), tmp_path, seed=1)
    assert not list(tmp_path.iterdir())


def test_writing_stops_when_it_is_cancelled(tmp_path: Path) -> None:
    ticket = Ticket()
    ticket.cancel()
    grid = Grid.from_axes((2, 4, 4))
    with pytest.raises(Cancelled):
        write_series(np.zeros((2, 4, 4), np.int16), grid, tmp_path, seed=1, ticket=ticket)
    assert not list(tmp_path.iterdir())


def test_the_slices_of_a_big_series_all_differ(
    tmp_path: Path, straight: PhantomStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("viewer.phantom.big.make_chest", lambda *_, **__: straight)
    files = write_big_ct(tmp_path, (150, 16, 16))
    read = [dcmread(path) for path in files]
    assert len({dataset.PixelData for dataset in read}) == 150
    positions = np.array([dataset.ImagePositionPatient for dataset in read], dtype=float)
    assert np.allclose(np.diff(positions[:, 2]), 275 / 150)
