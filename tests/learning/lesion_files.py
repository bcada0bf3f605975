"""Patients of balls of uptake, as NIfTI files with masks, and a recipe that trains in seconds."""

import json
from pathlib import Path

import numpy as np

from viewer.resources import resource

NAMES = ("BALL_1", "BALL_2", "BALL_3")


def write_patients(data: Path) -> Path:
    """Write three patients with a split below ``data`` and return it."""
    import nibabel

    random = np.random.default_rng(3)
    affine = np.diag((-6.0, -6.0, 5.0, 1.0))
    affine[:3, 3] = (60, 70, -80)
    for n, name in enumerate(NAMES):
        folder = data / "balls" / name
        folder.mkdir(parents=True)
        i, j, k = np.indices((18, 20, 22))
        mask = (i - 9) ** 2 + (j - 9 - n) ** 2 + (k - 11) ** 2 <= (3 + n) ** 2
        suv = np.where(mask, 6.0 + n, 1.0) + random.normal(0, 0.1, mask.shape)
        for stem, values in (("image", suv.astype(np.float32)), ("mask", mask.astype(np.uint8))):
            image = nibabel.nifti1.Nifti1Image(values, affine)  # type: ignore[no-untyped-call]
            nibabel.save(image, folder / f"PET_{stem}.nii.gz")
    split = {"balls": {"train": list(NAMES[:2]), "validation": [NAMES[2]]}}
    (data / "splits.json").write_text(json.dumps(split))
    return data


def write_recipe(folder: Path) -> Path:
    """Write the shipped recipe with a network of a few channels and a few steps."""
    text = resource("networks", "pet_lesion", "recipe.toml").read_text(encoding="utf-8")
    for old, new in (
        ('widths = "8 24 48 64"', 'widths = "4 8"'),
        ("patch_kji = [40, 40, 40]", "patch_kji = [16, 16, 16]"),
        ("steps = 3600", "steps = 4"),
        ('path = "sarcoma"', 'path = "balls"'),
        ('split = "sarcoma"', 'split = "balls"'),
        ("n_flips = 8", "n_flips = 1"),
    ):
        assert old in text, old
        text = text.replace(old, new)
    path = folder / "recipe.toml"
    path.write_text(text, encoding="utf-8")
    return path
