"""Patients with masks: what is read, where it lies, and what is refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.learning.lesion_files import NAMES, write_patients, write_recipe
from viewer.errors import Damaged, InputRefused
from viewer.learning.lesion_recipe import load_lesion_recipe
from viewer.learning.lesion_sets import read_lesions, read_nifti, split_of, tracer_sample
from viewer.resources import resource


def test_patients_are_read_with_their_place_in_lps(tmp_path: Path) -> None:
    (case,) = read_lesions(write_patients(tmp_path) / "balls", NAMES[:1], "PT")
    assert case.scan.stored.shape == case.labels.shape == (22, 20, 18)
    # RAS +60, +70 of the first voxel is LPS -60, -70; steps of -6 mm in RAS are +6 in LPS.
    np.testing.assert_allclose(case.scan.grid.world((0, 0, 0)), (-60, -70, -80))
    np.testing.assert_allclose(case.scan.grid.world((1, 2, 3)), (-54, -58, -65))
    assert case.labels[11, 9, 9] == 1
    assert case.labels[0, 0, 0] == 0


def test_a_sample_is_what_the_pipeline_will_show(tmp_path: Path) -> None:
    card = load_lesion_recipe(write_recipe(tmp_path)).card
    (case,) = read_lesions(write_patients(tmp_path) / "balls", NAMES[1:2], "PT")
    sample = tracer_sample(case, card)
    volume_ml = sample["mask"].sum() / 255 * 0.125
    truth_ml = np.count_nonzero(case.labels) * 0.18
    assert abs(volume_ml - truth_ml) < 0.05 * truth_ml
    inside = sample["suv"][sample["mask"] == 255]
    assert abs(float(inside.mean()) - 7.0) < 0.1


def test_a_mask_on_another_grid_is_refused(tmp_path: Path) -> None:
    import nibabel

    nifti: Any = nibabel.nifti1
    data = write_patients(tmp_path)
    path = data / "balls" / NAMES[0] / "PET_mask.nii.gz"
    image = nifti.load(path)
    moved = image.affine.copy()
    moved[0, 3] += 1
    nibabel.save(nifti.Nifti1Image(np.asarray(image.dataobj), moved), path)
    with pytest.raises(Damaged, match="different grids"):
        read_lesions(data / "balls", NAMES[:1], "PT")


def test_what_is_no_volume_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.nii").write_bytes(b"nothing of the kind" * 40)
    for name in ("a.nii", "b.nii"):
        with pytest.raises(InputRefused):
            read_nifti(tmp_path / name)


@pytest.mark.parametrize(
    "table",
    [
        {"balls": {"train": ["a"], "validation": ["a"]}},
        {"balls": {"train": [], "validation": ["a"]}},
        {"balls": {"train": ["../a"], "validation": ["b"]}},
    ],
)
def test_a_split_that_mixes_or_leaves_the_folder_is_refused(
    tmp_path: Path, table: dict[str, object]
) -> None:
    path = tmp_path / "splits.json"
    path.write_text(json.dumps(table))
    with pytest.raises(Damaged):
        split_of(path, "balls")


@pytest.mark.parametrize("change", ["steps = 0", "patch_kji = [20, 16, 16]", "nonsense = 1"])
def test_a_recipe_that_makes_no_sense_is_refused(tmp_path: Path, change: str) -> None:
    text = resource("networks", "pet_lesion", "recipe.toml").read_text(encoding="utf-8")
    name = change.split(" =", maxsplit=1)[0]
    lines = [line for line in text.splitlines() if not line.startswith(f"{name} =")]
    at = lines.index("[training]") + 1
    path = tmp_path / "recipe.toml"
    path.write_text("\n".join([*lines[:at], change, *lines[at:]]))
    with pytest.raises(InputRefused):
        load_lesion_recipe(path)
