"""How a network is made, as data: what to generate, what to build, how long to train."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from viewer.domain.card import NetworkCard
from viewer.errors import InputRefused
from viewer.learning.recipe_file import check_loop, read_recipe, untrained_card

Task = Literal["segment", "classify"]


@dataclass(frozen=True, slots=True)
class Seeds:
    """Which studies are generated for what: half-open ranges that share no seed.

    ``train`` and ``validation`` are randomised parts of a chest with up to ``max_lesions`` lesions,
    ``test`` whole chests at ``test_shape_kji``.
    """

    train: tuple[int, int]
    validation: tuple[int, int]
    test: tuple[int, int]
    sample_shape_kji: tuple[int, int, int]
    test_shape_kji: tuple[int, int, int]
    max_lesions: int = 5


@dataclass(frozen=True, slots=True)
class Training:
    """The loop's numbers. Training ends after ``steps`` or ``time_limit_s``, whichever is first.

    ``positive_weight`` is how many times a lesion's voxel counts in a segmenter's cross-entropy.
    """

    batch: int
    steps: int
    learning_rate: float
    seed: int
    time_limit_s: float
    patch_kji: tuple[int, int, int] = (0, 0, 0)
    positive_weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Recipe:
    """A network before it was trained. ``card`` holds everything but weights and figures.

    ``segmenter`` is the network whose lesions a classifier is tested on; "" for the true ones.
    ``start_from`` is an installed network, built alike, whose weights are the beginning.
    """

    card: NetworkCard
    seeds: Seeds
    training: Training
    segmenter: str = ""
    start_from: str = ""


def load_recipe(path: Path) -> Recipe:
    """Return the recipe in the TOML file ``path``.

    Raises
    ------
    InputRefused
        It cannot be read, lacks an entry, or its seeds overlap.
    """
    recipe = read_recipe(path, lambda table: _recipe(table, path))
    _check(recipe, path)
    return recipe


def _recipe(table: Mapping[str, Any], path: Path) -> Recipe:
    return Recipe(
        untrained_card(table["network"], table.get("options", {}), path),
        Seeds(**_tuples(table["studies"])),
        Training(**_tuples(table["training"])),
        str(table.get("segmenter", "")),
        str(table.get("start_from", "")),
    )


def _tuples(table: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(v) if isinstance(v, list) else v for name, v in table.items()}


def _check(recipe: Recipe, path: Path) -> None:
    ranges = (recipe.seeds.train, recipe.seeds.validation, recipe.seeds.test)
    ordered = sorted(ranges)
    empty = any(first >= last for first, last in ranges)
    overlap = any(a[1] > b[0] for a, b in pairwise(ordered))
    if empty or overlap:
        raise InputRefused(
            "The seeds of training, validation and test must be three ranges that share none.",
            where=str(path),
        )
    if recipe.card.task == "classify" and len(set(recipe.card.tile_kji)) > 1:
        raise InputRefused("A classifier's box must be a cube.", where=str(path))
    if recipe.seeds.max_lesions < 1:
        raise InputRefused("Studies without lesions teach nothing.", where=str(path))
    check_loop(recipe.training, path)
