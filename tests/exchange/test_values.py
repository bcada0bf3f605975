"""Values as NIfTI and NRRD: SimpleITK finds each value at its place in the patient."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.exchange.cases import SHAPE_KJI, a_volume_on, grids
from viewer.domain.volume import ValueMap, Volume
from viewer.errors import DISCLAIMER, Conflict, Damaged, InputRefused, ViewerError
from viewer.exchange import nifti, nrrd
from viewer.exchange.atomic import Saved
from viewer.exchange.nifti import read_values_nifti, write_values_nifti
from viewer.exchange.nrrd import read_values_nrrd, write_values_nrrd
from viewer.exchange.quantities import quantity_values

_ENDINGS = (".nii", ".nii.gz", ".nrrd")


def a_volume_of(
    stored: NDArray[Any], name: str = "plain", *, slope: Any = 1.0, intercept: Any = 0.0
) -> Volume:
    """Return a volume of ``stored`` (5, 7, 9) on one of the awkward grids."""
    quantity = ValueMap(np.broadcast_to(slope, 5), np.broadcast_to(intercept, 5), "[hnsf'U]", "HU")
    return replace(a_volume_on(grids()[name]), stored=stored, quantity=quantity)


def some_stored(dtype: str = "int16", seed: int = 1) -> NDArray[Any]:
    return np.random.default_rng(seed).integers(0, 4096, SHAPE_KJI).astype(dtype)


def written(volume: Volume, path: Path, **options: Any) -> Saved:
    write = write_values_nrrd if path.suffix == ".nrrd" else write_values_nifti
    return write(volume, path, **options)


@pytest.mark.parametrize("ending", _ENDINGS)
@pytest.mark.parametrize("name", [name for name in grids() if name != "sheared"])
def test_simpleitk_finds_each_value_at_its_place(name: str, ending: str, tmp_path: Path) -> None:
    import SimpleITK as sitk

    volume = a_volume_of(some_stored(), name, intercept=-1024.0)
    saved = written(volume, tmp_path / f"v{ending}")
    assert len(saved.checks) == 2
    image = sitk.ReadImage(str(saved.path))
    for k, j, i in np.random.default_rng(2).integers(0, SHAPE_KJI, (40, 3)).tolist():
        point = [float(v) for v in volume.grid.world((i, j, k))]
        at = image.TransformPhysicalPointToIndex(point)
        assert image[at] == int(volume.stored[k, j, i]) - 1024


@pytest.mark.parametrize("ending", _ENDINGS)
def test_a_sheared_grid_keeps_values_and_place(ending: str, tmp_path: Path) -> None:
    volume = a_volume_of(some_stored(), "sheared")
    saved = written(volume, tmp_path / f"v{ending}")
    read = read_values_nrrd if ending == ".nrrd" else read_values_nifti
    values, affine = read(saved.path)
    np.testing.assert_array_equal(values, volume.stored)
    np.testing.assert_allclose(affine, volume.grid.ijk_to_lps, atol=1e-4)
    assert len(saved.checks) == 1  # SimpleITK cannot hold shear


@pytest.mark.parametrize(
    ("dtype", "slope", "intercept", "wanted"),
    [
        ("int16", 1.0, -1024.0, "int16"),
        ("uint8", 1.0, 0.0, "int16"),
        ("uint16", 1.0, -1024.0, "int16"),
        ("int16", 1.0, 0.5, "float32"),
        ("int16", 2.0, 0.0, "float32"),
        ("uint16", 1.0, 30000.0, "float32"),
        ("float32", 1.0, 0.0, "float32"),
        ("int16", [1.0, 2.0, 3.0, 4.0, 5.0], 0.0, "float32"),
        ("int16", 1.0, [0.0, 1.0, 2.0, 3.0, 4.0], "int16"),
    ],
)
def test_values_are_whole_numbers_only_where_that_is_exact(
    dtype: str, slope: Any, intercept: Any, wanted: str
) -> None:
    volume = a_volume_of(some_stored(dtype), slope=slope, intercept=intercept)
    values = quantity_values(volume)
    assert values.dtype == wanted
    expected = (
        volume.stored.astype(np.float64) * np.broadcast_to(slope, 5)[:, None, None]
        + np.broadcast_to(intercept, 5)[:, None, None]
    )
    np.testing.assert_array_equal(values, expected.astype(wanted))


@given(st.integers(-70000, 70000), st.integers(-40000, 40000))
def test_a_value_at_the_edge_of_16_bits_never_wraps(value: int, intercept: int) -> None:
    stored = np.zeros(SHAPE_KJI, dtype=np.int32)
    stored[3, 2, 1] = value
    values = quantity_values(a_volume_of(stored, intercept=float(intercept)))
    assert float(values[3, 2, 1]) == value + intercept
    assert float(values[0, 0, 0]) == intercept


@pytest.mark.parametrize("ending", _ENDINGS)
def test_values_that_are_no_numbers_survive(ending: str, tmp_path: Path) -> None:
    stored = some_stored("float32")
    stored[1, 2, 3], stored[2, 2, 2] = np.nan, np.inf
    assert written(a_volume_of(stored), tmp_path / f"v{ending}").checks


def test_the_unit_and_the_disclaimer_travel_along(tmp_path: Path) -> None:
    import nibabel

    volume = a_volume_of(some_stored())
    image: Any = nibabel.load(written(volume, tmp_path / "v.nii").path)
    assert b'"[hnsf\'U]"' in bytes(image.header.extensions[0].get_content())
    head = written(volume, tmp_path / "v.nrrd").path.read_bytes().partition(b"\n\n")[0].decode()
    assert "unit:=[hnsf'U]" in head
    assert DISCLAIMER in head
    assert volume.identity.patient.name not in head


@pytest.mark.parametrize("ending", _ENDINGS)
def test_what_has_no_values_is_refused_and_nothing_is_written(ending: str, tmp_path: Path) -> None:
    volume = a_volume_of(some_stored())
    half = replace(volume, loaded_k=np.array([True, True, False, True, True]))
    with pytest.raises(Damaged, match="Of 5 slices 1"):
        written(half, tmp_path / f"v{ending}")
    colours = replace(volume, stored=np.zeros((*SHAPE_KJI, 3), dtype=np.uint8))
    with pytest.raises(InputRefused, match="Colours"):
        written(colours, tmp_path / f"v{ending}")
    with pytest.raises(InputRefused, match="name"):
        written(volume, tmp_path / "v.dcm")
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_there_is_replaced_by_force_alone(tmp_path: Path) -> None:
    path = tmp_path / "v.nrrd"
    path.write_bytes(b"somebody's")
    volume = a_volume_of(some_stored())
    with pytest.raises(Conflict):
        write_values_nrrd(volume, path)
    assert path.read_bytes() == b"somebody's"
    write_values_nrrd(volume, path, force=True)
    np.testing.assert_array_equal(read_values_nrrd(path)[0], volume.stored)


@pytest.mark.parametrize("room", [nifti, nrrd])
def test_a_corrupted_voxel_is_noticed(
    room: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "_placed" if room is nifti else "_write"
    honest = getattr(room, name)

    def corrupted(*given: Any) -> Any:
        spoilt = [part.copy() if isinstance(part, np.ndarray) else part for part in given]
        next(part for part in spoilt if isinstance(part, np.ndarray))[0, 0, 0] += 1
        return honest(*spoilt)

    monkeypatch.setattr(room, name, corrupted)
    with pytest.raises(ViewerError, match="voxels differ"):
        written(a_volume_of(some_stored()), tmp_path / ("v.nii" if room is nifti else "v.nrrd"))
    assert not list(tmp_path.iterdir())


def test_a_broken_nrrd_is_damaged(tmp_path: Path) -> None:
    path = write_values_nrrd(a_volume_of(some_stored()), tmp_path / "v.nrrd").path
    head, _, data = path.read_bytes().partition(b"\n\n")
    for broken in (b"NRRD0005\n\n", head.replace(b"sizes: 9", b"sizes: 8") + b"\n\n" + data):
        path.write_bytes(broken)
        with pytest.raises(Damaged):
            read_values_nrrd(path)
