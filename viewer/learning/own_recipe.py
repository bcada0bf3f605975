"""How a network is trained on cases of one's own, as data."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from viewer.domain.card import NetworkCard
from viewer.errors import InputRefused
from viewer.learning.recipe_file import check_loop, read_recipe, untrained_card


@dataclass(frozen=True, slots=True)
class OwnTraining:
    """The loop's numbers. ``mirrors``: patches are mirrored; not where left and right differ.

    ``validation`` is the share of cases that are kept away from training, ``keep_every`` how many
    steps are lost at most when training is ended by force, ``threads`` 0 for all cores.
    """

    patch_kji: tuple[int, int, int]
    batch: int
    steps: int
    learning_rate: float
    seed: int
    time_limit_s: float
    mirrors: bool = False
    validation: float = 0.2
    keep_every: int = 50
    threads: int = 0


@dataclass(frozen=True)
class OwnRecipe:
    """A network before it was trained; ``start_from`` is an installed one that is tuned further."""

    card: NetworkCard
    training: OwnTraining
    start_from: str = ""


def load_own_recipe(path: Path) -> OwnRecipe:
    """Return the recipe in the TOML file ``path``.

    Raises
    ------
    InputRefused
        It cannot be read, lacks an entry, or has one that makes no sense.
    """
    recipe = read_recipe(path, lambda table: _recipe(table, path))
    _check(recipe, path)
    return recipe


def _recipe(table: Mapping[str, Any], path: Path) -> OwnRecipe:
    k, j, i = table["training"]["patch_kji"]
    training = OwnTraining(**{**table["training"], "patch_kji": (int(k), int(j), int(i))})
    card = untrained_card(table["network"], table.get("options", {}), path)
    return OwnRecipe(card, training, str(table.get("start_from", "")))


def _check(recipe: OwnRecipe, path: Path) -> None:
    card, training = recipe.card, recipe.training
    check_loop(training, path)
    n_levels = len(str(dict(card.options).get("widths", "")).split())
    step = 2 ** max(0, n_levels - 1)
    if any(side < step or side % step for side in training.patch_kji):
        raise InputRefused(f"The patch's sides must be multiples of {step}.", where=str(path))
    if card.task != "segment" or card.reads != "volume" or card.answers == "instances":
        raise InputRefused("This trainer makes networks that outline in volumes.", where=str(path))
    if card.scaling == "tracer":
        raise InputRefused('Tracer networks are trained by trainer = "lesions".', where=str(path))
    wanted = card.n_classes if card.answers == "classes" else 1
    if int(card.option("outputs", 1)) != wanted or len(card.classes) not in (0, card.n_classes):
        raise InputRefused(
            f"The network needs outputs = {wanted}, and a name for each class.", where=str(path)
        )
    if not 0.0 < training.validation < 1.0 or training.keep_every < 1 or training.threads < 0:
        raise InputRefused("The share to validate on must lie between 0 and 1.", where=str(path))
