"""How a network on volumes with hand-drawn masks is made, as data."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from viewer.domain.card import NetworkCard
from viewer.errors import InputRefused
from viewer.learning.recipe_file import check_loop, read_recipe, untrained_card


@dataclass(frozen=True, slots=True)
class LesionData:
    """Where the patients' folders lie below ``--data``, and under what name they are split."""

    path: str
    split: str
    stem: str


@dataclass(frozen=True, slots=True)
class LesionTraining:
    """The loop's numbers; see ``worker.volume_training``."""

    patch_kji: tuple[int, int, int]
    batch: int
    steps: int
    learning_rate: float
    averaging: float
    seed: int
    time_limit_s: float


@dataclass(frozen=True)
class LesionRecipe:
    """A network before it was trained. ``card`` holds everything but weights and figures."""

    card: NetworkCard
    data: LesionData
    training: LesionTraining


def load_lesion_recipe(path: Path) -> LesionRecipe:
    """Return the recipe in the TOML file ``path``.

    Raises
    ------
    InputRefused
        It cannot be read, lacks an entry, or has one that makes no sense.
    """
    recipe = read_recipe(path, lambda table: _recipe(table, path))
    _check(recipe, path)
    return recipe


def _recipe(table: Mapping[str, Any], path: Path) -> LesionRecipe:
    k, j, i = table["training"]["patch_kji"]
    training = {**table["training"], "patch_kji": (int(k), int(j), int(i))}
    return LesionRecipe(
        untrained_card(table["network"], table["options"], path),
        LesionData(**table["data"]),
        LesionTraining(**training),
    )


def _check(recipe: LesionRecipe, path: Path) -> None:
    training = recipe.training
    check_loop(training, path, averaging=training.averaging)
    n_levels = len(str(dict(recipe.card.options).get("widths", "")).split())
    step = 2 ** max(0, n_levels - 1)
    if any(side < step or side % step for side in training.patch_kji):
        raise InputRefused(f"The patch's sides must be multiples of {step}.", where=str(path))
    if recipe.card.scaling != "tracer" or len(set(recipe.card.spacing_ijk_mm)) != 1:
        raise InputRefused(
            "This trainer makes tracer networks that see one spacing along all axes.",
            where=str(path),
        )


def plan_settings(recipe: LesionRecipe) -> dict[str, Any]:
    """Return what the worker needs."""
    training, card = recipe.training, recipe.card
    return {
        "task": "volume_tracer",
        "architecture": card.architecture,
        "options": dict(card.options),
        "patch_kji": list(training.patch_kji),
        "spacing_mm": card.spacing_ijk_mm[0],
        "batch": training.batch,
        "steps": training.steps,
        "learning_rate": training.learning_rate,
        "averaging": training.averaging,
        "seed": training.seed,
        "time_limit_s": training.time_limit_s,
    }
