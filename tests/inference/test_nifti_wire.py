"""Volumes and labels on the way to a server and back, read with other libraries."""

import gzip
from pathlib import Path
from typing import Any

import nibabel  # noqa: TID253 - the oracle
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from viewer.domain.geometry import Grid
from viewer.inference.worker.nifti_wire import NotLabels, labels_from, nifti_gz
from viewer.testing.builders import rotation

_GRID = Grid.from_axes((4, 5, 6), spacing_ijk_mm=(0.7, 0.8, 2.5), origin_lps_mm=(-10, 20, 30))
_TURNED = Grid.from_axes(
    (4, 5, 6),
    spacing_ijk_mm=(0.7, 0.8, 2.5),
    origin_lps_mm=(-100, 20, 30),
    directions=rotation((1, 2, 3), 33),
)


def _labels(grid: Grid) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.random.default_rng(1).integers(0, 4, grid.shape_kji, dtype=np.uint8)


def _file(values: Any, grid: Grid, **changes: Any) -> bytes:
    """Return what nibabel writes: values on a grid, with a header changed."""
    affine = np.diag([-1.0, -1.0, 1.0, 1.0]) @ grid.ijk_to_lps
    kind: Any = nibabel.Nifti1Image
    image = kind(np.asarray(values).transpose(2, 1, 0), affine)
    for name, value in changes.items():
        image.header[name] = value
    return bytes(image.to_bytes())


@pytest.mark.parametrize("grid", [_GRID, _TURNED], ids=["straight", "oblique"])
def test_another_library_reads_the_same_values_at_the_same_places(
    grid: Grid, tmp_path: Path
) -> None:
    values = np.random.default_rng(2).normal(size=grid.shape_kji).astype(np.float32)
    path = tmp_path / "image.nii.gz"
    path.write_bytes(nifti_gz(values, grid))
    image: Any = nibabel.load(path)
    np.testing.assert_array_equal(np.asarray(image.dataobj).transpose(2, 1, 0), values)
    np.testing.assert_allclose(
        image.affine, np.diag([-1, -1, 1, 1]) @ grid.ijk_to_lps, rtol=1e-5, atol=1e-4
    )
    import SimpleITK

    read = SimpleITK.ReadImage(str(path))
    np.testing.assert_allclose(read.GetOrigin(), grid.ijk_to_lps[:3, 3], atol=1e-3)
    np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(read), values)


def test_the_header_says_nothing_but_numbers() -> None:
    header = gzip.decompress(nifti_gz(np.zeros(_GRID.shape_kji, np.float32), _GRID))[:348]
    text = header[4:40] + header[148:252] + header[328:344]
    assert not any(text)


@pytest.mark.parametrize("grid", [_GRID, _TURNED], ids=["straight", "oblique"])
@pytest.mark.parametrize("dtype", ["u1", "i2", "u2", "f4", "f8", "i4"])
@pytest.mark.parametrize("packed", [False, True])
def test_labels_come_back_whatever_type_a_server_gives_them(
    grid: Grid, dtype: str, packed: bool
) -> None:
    labels = _labels(grid)
    data = _file(labels.astype(dtype), grid)
    found = labels_from(gzip.compress(data) if packed else data, grid)
    np.testing.assert_array_equal(found, labels)


def test_a_mask_that_lies_elsewhere_or_has_another_shape_is_refused() -> None:
    labels = _labels(_GRID)
    with pytest.raises(NotLabels, match="elsewhere"):
        labels_from(_file(labels, _TURNED), _GRID)
    moved = Grid(_GRID.shape_kji, _GRID.ijk_to_lps + np.array([[0, 0, 0, 0.3]] + [[0] * 4] * 3))
    with pytest.raises(NotLabels, match="elsewhere"):
        labels_from(_file(labels, moved), _GRID)
    with pytest.raises(NotLabels, match="shape"):
        labels_from(_file(labels[:3], _GRID), _GRID)


@pytest.mark.parametrize(
    "values",
    [
        np.full(_GRID.shape_kji, 0.5, np.float32),
        np.full(_GRID.shape_kji, np.nan, np.float32),
        np.full(_GRID.shape_kji, -1, np.int16),
        np.full(_GRID.shape_kji, 256, np.int16),
    ],
)
def test_values_that_are_no_labels_are_refused(values: Any) -> None:
    with pytest.raises(NotLabels, match="values"):
        labels_from(_file(values, _GRID), _GRID)


def test_a_bomb_is_not_unpacked() -> None:
    with pytest.raises(NotLabels, match="more than"):
        labels_from(gzip.compress(bytes(50_000_000)), _GRID)


@given(st.integers(0, 347), st.binary(min_size=1, max_size=4))
@example(286, b"\x00F")  # axes that lie in one plane
def test_a_changed_header_gives_labels_or_a_refusal(at: int, change: bytes) -> None:
    data = bytearray(_file(_labels(_GRID), _GRID))
    data[at : at + len(change)] = change
    try:
        assert labels_from(bytes(data), _GRID).shape == _GRID.shape_kji
    except NotLabels:
        return


@given(st.binary(max_size=600))
def test_bytes_at_random_are_refused(data: bytes) -> None:
    with pytest.raises(NotLabels):
        labels_from(data, _GRID)
