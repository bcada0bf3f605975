"""Data sets of pictures that are learned in a second, and their recipes."""

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from viewer.resources import resource


def squares(n: int, seed: int, side: int = 16) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return noisy pictures (n, side, side) and labels: 1 where a bright square lies in them."""
    random = np.random.default_rng(seed)
    labels = (np.arange(n) % 2).astype(np.uint8)
    greys = random.normal(90, 15, (n, side, side))
    for grey, label in zip(greys, labels, strict=True):
        if label:
            j, i = random.integers(1, side - 7, 2)
            grey[j : j + 6, i : i + 6] += 90
    return np.clip(greys, 0, 255).astype(np.uint8), labels


def write_classes(folder: Path, *, n_train: int = 48, n_validation: int = 24) -> Path:
    """Write ``squares.npz`` into ``folder``."""
    train, validation = squares(n_train, 1), squares(n_validation, 2)
    path = folder / "squares.npz"
    np.savez(
        path,
        train_images=train[0],
        train_labels=train[1],
        val_images=validation[0],
        val_labels=validation[1],
    )
    return path


def write_masks(folder: Path, side: int = 48) -> Path:
    """Write two pictures of dark lines in a bright disc to train on, and one to validate."""
    import cv2

    from tests.inference.image_cards import a_fundus

    inside = folder / "lines"
    inside.mkdir()
    for n, number in enumerate(("01", "02", "03")):
        colour, lines = a_fundus(side, side + 4, 2 + n % 2)
        field = (colour.sum(axis=2) > 0).astype(np.uint8) * 255
        cv2.imwrite(str(inside / f"{number}_image.png"), colour[..., ::-1])
        cv2.imwrite(str(inside / f"{number}_vessels.png"), lines.astype(np.uint8) * 255)
        cv2.imwrite(str(inside / f"{number}_field.png"), field)
    split = {"lines": {"train": ["01", "02"], "validation": ["03"]}}
    (folder / "splits.json").write_text(json.dumps(split), encoding="utf-8")
    return inside


_CHANGED = {
    "chest_pneumonia": {
        "path": '"squares.npz"',
        "tile_kji": "[1, 16, 16]",
        "widths": '"4 8"',
        "members": "2",
        "batch": "8",
        "steps": "4",
    },
    "retina_vessels": {
        "path": '"lines"',
        "split": '"lines"',
        "tile_kji": "[1, 48, 64]",
        "field_px": "44",
        "widths": '"4 8"',
        "batch": "2",
        "patch": "32",
        "steps": "3",
    },
}


def write_image_recipe(folder: Path, key: str) -> Path:
    """Write the shipped recipe of ``key`` for the small set, and return its path."""
    lines = resource("networks", key, "recipe.toml").read_text(encoding="utf-8").splitlines()
    changed = _CHANGED[key]
    made = []
    for line in lines:
        name = line.split(" = ")[0]
        made.append(f"{name} = {changed[name]}" if name in changed else line)
    path = folder / "recipe.toml"
    path.write_text("\n".join(made), encoding="utf-8")
    return path
