"""Recipes that train in a second."""

from pathlib import Path

from viewer.learning.recipe import Recipe, Seeds, Training, load_recipe
from viewer.resources import resource

_SEEDS = Seeds((114, 116), (112, 113), (300, 302), (24, 40, 40), (24, 48, 48))


def a_recipe(task: str) -> Recipe:
    """Return the shipped recipe of this task on a few small studies."""
    key = {"segment": "lesions", "classify": "lesion_shape"}[task]
    shipped = load_recipe(resource("networks", key, "recipe.toml"))
    training = Training(2, 3, 0.003, 1, 30.0, (16, 16, 16))
    return Recipe(shipped.card, _SEEDS, training, "")


def write_small_recipe(folder: Path, task: str) -> Path:
    """Write such a recipe, with a network of a few channels, and return its path."""
    key = {"segment": "lesions", "classify": "lesion_shape"}[task]
    text = resource("networks", key, "recipe.toml").read_text(encoding="utf-8")
    kept = [line for line in text.splitlines() if not line.startswith(tuple(_CHANGED[task]))]
    sections = {name: "\n".join(lines) for name, lines in _OWN[task].items()}
    made = []
    for line in kept:
        made.append(line)
        if line in sections:
            made.append(sections[line])
    path = folder / "recipe.toml"
    path.write_text("\n".join(made), encoding="utf-8")
    return path


_STUDIES = [
    "train = [114, 116]",
    "validation = [112, 113]",
    "test = [300, 302]",
    "sample_shape_kji = [24, 40, 40]",
    "test_shape_kji = [24, 48, 48]",
]
_TRAINING = ["batch = 2", "steps = 3", "time_limit_s = 30.0"]
_OWN = {
    "segment": {
        "[network]": ["spacing_ijk_mm = [6.0, 6.0, 6.0]"],
        "[options]": ['widths = "4 8"'],
        "[studies]": _STUDIES,
        "[training]": [*_TRAINING, "patch_kji = [16, 16, 16]"],
    },
    "classify": {
        "[network]": ["spacing_ijk_mm = [3.0, 3.0, 3.0]", "tile_kji = [16, 16, 16]"],
        "[options]": ['widths = "4 8"'],
        "[studies]": _STUDIES,
        "[training]": _TRAINING,
    },
}
_CHANGED = {
    task: ["segmenter"] + [line.split(" ")[0] + " =" for lines in own.values() for line in lines]
    for task, own in _OWN.items()
}
