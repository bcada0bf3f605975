"""How a network on flat pictures is made, as data."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from viewer.domain.card import NetworkCard
from viewer.errors import InputRefused
from viewer.learning.recipe_file import check_loop, read_recipe, untrained_card


@dataclass(frozen=True, slots=True)
class ImageData:
    """Where the pictures lie below ``--data``: an .npz, or a folder of PNG files with a split.

    ``is_grouped``: near-duplicates of validation pictures are not trained on.
    """

    path: str
    split: str = ""
    is_grouped: bool = False


@dataclass(frozen=True, slots=True)
class ImageTraining:
    """The loop's numbers; see ``worker.image_training``. ``seed`` is the first member's."""

    batch: int
    steps: int
    learning_rate: float
    weight_decay: float
    averaging: float
    seed: int
    time_limit_s: float
    smoothing: float = 0.0
    patch: int = 0


@dataclass(frozen=True)
class ImageRecipe:
    """A network before it was trained. ``card`` holds everything but weights and figures.

    ``equal_odds``: probabilities are calibrated as if every class were equally frequent.
    """

    card: NetworkCard
    data: ImageData
    training: ImageTraining
    augment: Mapping[str, float]
    equal_odds: bool = False

    @property
    def n_members(self) -> int:
        """How many networks are trained and asked together."""
        return int(self.card.option("members", 1))


def load_image_recipe(path: Path) -> ImageRecipe:
    """Return the recipe in the TOML file ``path``.

    Raises
    ------
    InputRefused
        It cannot be read, or lacks an entry.
    """
    recipe = read_recipe(path, lambda table: _recipe(table, path))
    _check(recipe, path)
    return recipe


def _recipe(table: Mapping[str, Any], path: Path) -> ImageRecipe:
    network, options = table["network"], table["options"]
    if network["task"] == "classify":
        options = {"classes": len(network["classes"]), **options}
    return ImageRecipe(
        untrained_card(network, options, path),
        ImageData(**table["data"]),
        ImageTraining(**table["training"]),
        {name: float(value) for name, value in table.get("augment", {}).items()},
        bool(table.get("equal_odds", False)),
    )


def _check(recipe: ImageRecipe, path: Path) -> None:
    training = recipe.training
    check_loop(training, path, averaging=training.averaging)
    if recipe.card.reads != "image" or len(recipe.card.classes) < 2:
        raise InputRefused("The recipe is not one of a network on pictures.", where=str(path))
    if recipe.card.task == "segment" and training.patch < 16:
        raise InputRefused("The patches of a segmenter are at least 16 pixels.", where=str(path))


def data_path(data: Path, wanted: str) -> Path:
    """Return ``wanted`` below ``data``, also where ``data`` is already its own folder.

    Raises
    ------
    InputRefused
        It is in neither place.
    """
    name = Path(wanted).name
    for candidate in (data / wanted, data / name, data if data.name == name else data / wanted):
        if candidate.exists():
            return candidate
    raise InputRefused(f"There is no {wanted} in this folder.", where=str(data))


def plan_settings(recipe: ImageRecipe, member: int) -> dict[str, Any]:
    """Return what the worker needs to train one member."""
    training, card = recipe.training, recipe.card
    options = {**dict(card.options), "classes": len(card.classes), "members": 1}
    return {
        "task": "image_classes" if card.task == "classify" else "image_mask",
        "architecture": card.architecture,
        "options": options,
        "batch": training.batch,
        "steps": training.steps,
        "learning_rate": training.learning_rate,
        "weight_decay": training.weight_decay,
        "averaging": training.averaging,
        "smoothing": training.smoothing,
        "patch": training.patch,
        "seed": training.seed + member,
        "time_limit_s": training.time_limit_s,
        "augment": dict(recipe.augment),
    }
