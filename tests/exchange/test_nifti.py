"""Labels as NIfTI keep their voxels and their places."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.exchange.cases import a_labelled, a_volume_on, grids
from viewer.errors import DISCLAIMER, InputRefused, ViewerError
from viewer.exchange import nifti
from viewer.exchange.nifti import read_labels_nifti, write_labels_nifti


@pytest.mark.parametrize("name", list(grids()))
def test_labels_keep_voxels_and_places(name: str, tmp_path: Path) -> None:
    volume = a_volume_on(grids()[name])
    wanted = a_labelled(volume)
    saved = write_labels_nifti(wanted, tmp_path / "labels.nii.gz")
    labels, affine = read_labels_nifti(saved.path)
    np.testing.assert_array_equal(labels, wanted.labels)
    np.testing.assert_allclose(affine, wanted.grid.ijk_to_lps, atol=1e-4)
    # SimpleITK cannot hold shear; every other grid was looked at by both
    assert len(saved.checks) == (1 if name == "sheared" else 2)


def test_the_header_says_what_it_is(tmp_path: Path) -> None:
    import nibabel

    saved = write_labels_nifti(a_labelled(a_volume_on(grids()["plain"])), tmp_path / "labels.nii")
    header: Any = nibabel.load(saved.path).header
    assert bytes(header["descrip"]).rstrip(b"\0").decode() == DISCLAIMER
    assert header.get_xyzt_units()[0] == "mm"
    assert b"Lesion 1" in bytes(header.extensions[0].get_content())


def test_another_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="nii"):
        write_labels_nifti(a_labelled(a_volume_on(grids()["plain"])), tmp_path / "labels.dcm")


def test_a_corrupted_voxel_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = a_labelled(a_volume_on(grids()["plain"]))
    honest = nifti._image

    def corrupted(segmentation: Any, labels: Any) -> Any:
        wrong = labels.copy()
        wrong[0, 0, 0] ^= 1
        return honest(replace(segmentation, labels=wrong), wrong)

    monkeypatch.setattr(nifti, "_image", corrupted)
    with pytest.raises(ViewerError, match="voxels differ"):
        write_labels_nifti(wanted, tmp_path / "labels.nii.gz")
    assert not list(tmp_path.iterdir())


def test_a_mirrored_affine_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = a_labelled(a_volume_on(grids()["plain"]))
    monkeypatch.setattr(nifti, "_RAS_OF_LPS", np.diag([1.0, -1.0, 1.0, 1.0]))
    with pytest.raises(ViewerError, match="mm away"):
        write_labels_nifti(wanted, tmp_path / "labels.nii.gz")
