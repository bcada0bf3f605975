"""Cases of two balls, as files in the layouts that people keep, and a recipe that trains in seconds."""

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

RECIPE = """
trainer = "own"

[network]
key = "balls"
title = "Balls"
version = "1"
task = "segment"
architecture = "volume_unet"
modality = "CT"
spacing_ijk_mm = [3.0, 3.0, 3.0]
tile_kji = [16, 16, 16]
window_low = -100.0
window_high = 300.0
n_classes = 3
classes = ["background", "soft", "hard"]
answers = "classes"
concept = { value = "123037004", scheme = "SCT", meaning = "Anatomical Structure" }
trained_on = ""
intended_use = "tests"
limits = "tests"
licence = "Apache-2.0"

[options]
widths = "4 8"
outputs = 3

[training]
patch_kji = [16, 16, 16]
batch = 2
steps = 6
learning_rate = 1e-2
seed = 1
time_limit_s = 60.0
keep_every = 2
threads = 1
"""


def ball_case(n: int) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
    """Return values and classes (i, j, k) of case ``n``."""
    random = np.random.default_rng(n)
    i, j, k = np.indices((18, 16, 14))
    labels = np.zeros((18, 16, 14), dtype=np.uint8)
    labels[(i - 5 - n) ** 2 + (j - 8) ** 2 + (k - 7) ** 2 <= 9] = 1
    labels[(i - 12) ** 2 + (j - 8) ** 2 + (k - 7) ** 2 <= 6] = 2
    values = np.choose(labels, [0, 120, 250]) + random.normal(0, 10, labels.shape)
    return values.astype(np.int16), labels


def write_nifti(values: NDArray[np.generic], path: Path) -> None:
    """Write (i, j, k) values with 3 mm voxels."""
    import nibabel

    path.parent.mkdir(parents=True, exist_ok=True)
    affine = np.diag((-3.0, -3.0, 3.0, 1.0))
    image = nibabel.nifti1.Nifti1Image(values, affine)  # type: ignore[no-untyped-call]
    nibabel.save(image, path)


def write_pairs(data: Path, n_cases: int = 3) -> Path:
    """Write cases side by side and return the folder."""
    for n in range(n_cases):
        values, labels = ball_case(n)
        write_nifti(values, data / f"case{n}.nii.gz")
        write_nifti(labels, data / f"case{n}.seg.nii.gz")
    return data


def write_decathlon(data: Path) -> Path:
    """Write two cases with the list that the Decathlon has."""
    entries = []
    for n in range(2):
        values, labels = ball_case(n)
        write_nifti(values, data / "imagesTr" / f"ball_{n}.nii.gz")
        write_nifti(labels, data / "labelsTr" / f"ball_{n}.nii.gz")
        entries.append(
            {"image": f"./imagesTr/ball_{n}.nii.gz", "label": f"./labelsTr/ball_{n}.nii.gz"}
        )
    (data / "dataset.json").write_text(json.dumps({"training": entries}))
    return data


def write_recipe(folder: Path, **changed: str) -> Path:
    """Write the recipe, some lines replaced, and return its path."""
    lines = RECIPE.splitlines()
    for name, value in changed.items():
        at = next(n for n, line in enumerate(lines) if line.startswith(f"{name} ="))
        lines[at] = f"{name} = {value}"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "recipe.toml"
    path.write_text("\n".join(lines))
    return path
