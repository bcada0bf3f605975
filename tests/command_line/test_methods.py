import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from viewer.__main__ import main
from viewer.domain.method_text import parse_method
from viewer.errors import InputRefused
from viewer.extensions.discover import load_extensions
from viewer.phantom.chest import PhantomStudy, make_sample
from viewer.phantom.dicom import write_series

METHODS = load_extensions(["plugins.segment"]).segmenters


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[PhantomStudy, Path]:
    folder = tmp_path_factory.mktemp("study")
    sample = make_sample(61, shape_kji=(16, 40, 40))
    write_series(sample.values_hu, sample.grid, folder, seed=61)
    return sample, folder


def labels_of(out: Path) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    import nibabel

    image = nibabel.Nifti1Image.from_filename(out / "segmentation.nii.gz")
    return np.asarray(image.dataobj), np.asarray(image.affine)


def test_a_threshold_is_written_on_the_source_grid(
    made: tuple[PhantomStudy, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sample, study = made
    out = tmp_path / "out"
    words = ["segment", str(study), "--method", "threshold:low=-2000;high=-500", "--out", str(out)]
    assert main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    truth = sample.values_hu <= -500
    labels, affine = labels_of(out)
    assert np.count_nonzero(labels) == np.count_nonzero(truth) == found["segments"][0]["voxels"]
    index_ijk = np.argwhere(np.ones(truth.shape, bool))[:, ::-1]
    # NIfTI's world points right and to the front where DICOM's points left and to the back.
    world = sample.grid.world(index_ijk) * (-1, -1, 1)
    there = np.rint(np.linalg.inv(affine) @ np.c_[world, np.ones(len(world))].T)[:3].astype(int)
    assert np.array_equal(labels[tuple(there)] > 0, truth.ravel())
    assert (out / "segmentation.dcm").exists()
    assert found["method"]["key"] == "threshold"
    assert main(words) == 3  # what is there is not overwritten


def test_seeds_are_places_in_the_patient(
    made: tuple[PhantomStudy, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sample, study = made
    k, j, i = (int(n) for n in np.argwhere(sample.values_hu < -700)[0])
    x, y, z = sample.grid.world((i, j, k))
    method = f"region_growing:seeds={x} {y} {z};tolerance=100"
    out = tmp_path / "out"
    assert main(["segment", str(study), "--method", method, "--out", str(out), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["segments"][0]["voxels"] > 0
    assert labels_of(out)[0].max() == 1


@pytest.mark.parametrize(
    ("method", "sentence"),
    [
        ("magic", "no method called magic"),
        ("threshold:high", "sets nothing"),
        ("threshold:size=3", "no parameter called size"),
        ("threshold:low=abc", "must be a number"),
        ("region_growing:tolerance=5", "needs a place inside"),
        ("region_growing:seeds=9999 0 0", "lies outside the image"),
        ("region_growing:seeds=1 2", "points of three numbers"),
        ("threshold:box=1 2 3", "6 numbers"),
        ("threshold:slice=900", "no slice 900"),
        ("otsu:classes=99", "must lie between"),
    ],
)
def test_what_cannot_be_done_is_refused_in_words(
    made: tuple[PhantomStudy, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    method: str,
    sentence: str,
) -> None:
    out = tmp_path / "out"
    assert main(["segment", str(made[1]), "--method", method, "--out", str(out)]) == 3
    assert sentence in capsys.readouterr().err
    assert not out.exists()


def test_a_box_and_a_slice_bound_the_result(
    made: tuple[PhantomStudy, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sample, study = made
    low, high = sample.grid.world((10, 10, 5)), sample.grid.world((19, 24, 5))
    box = " ".join(f"{v:.4f}" for v in (*low, *high))
    method = f"threshold:low=-5000;high=5000;box={box};slice=5"
    out = tmp_path / "out"
    assert main(["segment", str(study), "--method", method, "--out", str(out), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["segments"][0]["voxels"] == 10 * 15
    assert "Everything" in found["notes"][0]


def test_the_methods_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["methods", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert {one["key"] for one in document["methods"]} == set(METHODS)
    assert document["left_out"] == []
    assert all(one["purpose"] and one["caution"] and one["source"] for one in document["methods"])
    assert main(["methods"]) == 0
    assert "region_growing" in capsys.readouterr().out


def test_a_text_is_read_into_a_call() -> None:
    call = parse_method(
        "pet_percent: seeds=1 2 3, 4 5 6 ;percent=50;adapted=yes;within=5 1;slice=3", METHODS
    )
    assert np.array(call.seeds_lps_mm).tolist() == [[1, 2, 3], [4, 5, 6]]
    assert call.parameters == (("adapted", True), ("percent", 50.0))
    assert (call.within, call.slice_k) == ((1.0, 5.0), 3)


def test_a_place_that_is_no_number_is_refused() -> None:
    with pytest.raises(InputRefused):
        parse_method("pet_percent:seeds=nan 0 0", METHODS)
