"""How a network on volumes with hand-drawn masks is made, as data."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from viewer.domain.card import NetworkCard
from viewer.errors import InputRefused, ViewerError
from viewer.inference.cards import card_from_table


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
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        network = {**table["network"], "weights_sha256": "", "options": table["options"]}
        k, j, i = table["training"]["patch_kji"]
        training = {**table["training"], "patch_kji": (int(k), int(j), int(i))}
        recipe = LesionRecipe(
            card_from_table({"figures": [], **network}, str(path)),
            LesionData(**table["data"]),
            LesionTraining(**training),
        )
    except OSError as error:
        raise InputRefused("The recipe cannot be read.", where=str(path)) from error
    except (KeyError, TypeError, ValueError, ViewerError) as error:
        raise InputRefused(
            "The recipe lacks an entry, or has one that makes no sense.",
            where=str(path),
            remedy="Compare it with a shipped recipe.",
        ) from error
    _check(recipe, path)
    return recipe


def _check(recipe: LesionRecipe, path: Path) -> None:
    training = recipe.training
    numbers = (training.batch, training.steps, training.time_limit_s, training.learning_rate)
    if min(numbers) <= 0 or not 0.0 <= training.averaging < 1.0:
        raise InputRefused("Batch, steps, rate and time limit must be above 0.", where=str(path))
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
