"""``negatoscope convert`` against references that other makers wrote."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.intake.writing import a_series, moved_to
from viewer.__main__ import main
from viewer.phantom.chest import PhantomStudy


def converted(paths: list[Path], out: Path, *words: str) -> Any:
    """Run the verb, and return nibabel's image of what it wrote."""
    import nibabel

    assert main(["convert", *map(str, paths), "--out", str(out), *words]) == 0
    return nibabel.load(out)


@pytest.mark.parametrize("ending", [".nii.gz", ".nrrd"])
def test_the_phantom_keeps_its_truth(
    ending: str,
    study: Path,
    sample: PhantomStudy,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    import SimpleITK as sitk

    out = tmp_path / f"v{ending}"
    assert main(["convert", str(study), "--out", str(out), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["volume"], document["of"], document["unit"]) == (1, 1, "HU")
    assert document["sha256"] == sha256(out.read_bytes()).hexdigest()
    image = sitk.ReadImage(str(out))
    for k, j, i in np.random.default_rng(3).integers(0, sample.grid.shape_kji, (50, 3)).tolist():
        point = [float(v) for v in sample.grid.world((i, j, k))]
        at = image.TransformPhysicalPointToIndex(point)
        assert image[at] == int(sample.values_hu[k, j, i])


def _records(shared_data: Path) -> list[dict[str, Any]]:
    found = json.loads((shared_data / "expected.json").read_text())["series"]
    return [
        record
        for record in found
        if record.get("affine_from_dicom_RAS")
        and list(shared_data.glob(record["dicom"]))
        and "rgb" not in record["dicom"]
        and "sliceincrement" not in record["dicom"]
    ]


def test_real_series_equal_the_recorded_reference_volumes(
    shared_data: Path, tmp_path: Path
) -> None:
    """The same place; and where the reference holds whole numbers, the same voxels by their sum."""
    from nibabel import orientations

    turned_as: Any = orientations.io_orientation
    apply: Any = orientations.apply_orientation
    n_placed, n_equal = 0, 0
    for number, record in enumerate(_records(shared_data)):
        files = sorted(shared_data.glob(record["dicom"]))
        image = converted(files, tmp_path / f"{number}.nii.gz")
        np.testing.assert_allclose(image.affine, record["affine_from_dicom_RAS"], atol=3e-4)
        n_placed += 1
        values = np.asarray(image.dataobj)
        if "nifti" not in record:
            continue
        turn = np.linalg.inv(np.array(record["nifti"]["affine"])) @ image.affine
        turned = apply(values, turned_as(turn))
        voxels = np.ascontiguousarray(turned.astype(record["nifti"]["dtype"])).tobytes()
        n_equal += sha256(voxels).hexdigest() == record["nifti"]["sha256_voxels"]
    assert n_placed >= 12
    # The others hold scaled floats (rounded elsewhere), or are mirrored by their makers (README 3.4).
    assert n_equal >= 8


@pytest.mark.parametrize(
    ("dicom", "reference"),
    [
        ("hitachi/anatomical/001", "hitachi/anatomical/001_ground_truth.nii.gz"),
        (
            "generic/anatomical/002_non_isotropic",
            "generic/anatomical/002_non_isotropic_ground_truth.nii.gz",
        ),
    ],
)
def test_every_voxel_equals_the_reference_at_the_same_place(
    dicom: str, reference: str, shared_data: Path, tmp_path: Path
) -> None:
    import nibabel

    folder = shared_data / "geometry" / "dicom2nifti"
    image = converted([folder / dicom], tmp_path / "v.nii")
    other: Any = nibabel.load(folder / reference)
    values, wanted = np.asarray(image.dataobj), np.asarray(other.dataobj)
    index = np.array(list(np.ndindex(values.shape)), dtype=np.float64)
    places = index @ image.affine[:3, :3].T + image.affine[:3, 3]
    back = np.linalg.inv(other.affine)
    found = places @ back[:3, :3].T + back[:3, 3]
    assert np.abs(found - np.rint(found)).max() < 1e-3
    there = wanted[tuple(np.rint(found).astype(int).T)]
    np.testing.assert_allclose(values.reshape(-1), there, rtol=1e-6)


def test_the_volumes_of_a_series_are_numbered_as_scan_lists_them(
    shared_data: Path, tmp_path: Path
) -> None:
    folder = shared_data / "geometry/dicom2nifti/ge/dti"
    sums = {
        float(
            np.asarray(converted([folder], tmp_path / f"{m}.nii", "--volume", str(m)).dataobj).sum()
        )
        for m in (1, 2, 3, 4)
    }
    assert len(sums) == 4


def test_what_is_no_volume_is_refused_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    uneven = [(0.0, 0.0, z) for z in (0.0, 2.0, 5.0, 9.0)]
    a_series(tmp_path / "stack", 4, change=moved_to(uneven))
    a_series(tmp_path / "even", 4)
    out = tmp_path / "v.nii.gz"
    cases = [
        ([str(tmp_path / "stack")], out),
        ([str(tmp_path / "even"), "--volume", "2"], out),
        ([str(tmp_path / "even"), "--volume", "0"], out),
        ([str(tmp_path / "even"), "--series", "77"], out),
        ([str(tmp_path / "even")], tmp_path / "v.mha"),
        ([str(tmp_path / "even")], tmp_path / "absent" / "v.nrrd"),
    ]
    for words, target in cases:
        assert main(["convert", *words, "--out", str(target)]) == 3
        assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert not list(tmp_path.glob("v*"))
    out.write_bytes(b"somebody's")
    assert main(["convert", str(tmp_path / "even"), "--out", str(out)]) == 3
    assert out.read_bytes() == b"somebody's"
    assert main(["convert", str(tmp_path / "even"), "--out", str(out), "--force"]) == 0


def test_every_second_slice_alone_is_written_where_it_lies(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a_series(tmp_path / "ct", 7)
    whole = converted([tmp_path / "ct"], tmp_path / "whole.nii")
    part = converted([tmp_path / "ct"], tmp_path / "part.nii", "--every", "2")
    assert "Only every second slice was read (4 of 7)" in capsys.readouterr().out
    np.testing.assert_array_equal(part.dataobj, np.asarray(whole.dataobj)[..., ::2])
    np.testing.assert_allclose(part.affine @ [0, 0, 1, 1], whole.affine @ [0, 0, 2, 1])
    assert (
        main(["convert", str(tmp_path / "ct"), "--every", "9", "--out", str(tmp_path / "x.nii")])
        == 3
    )
