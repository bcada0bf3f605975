"""Which module trains a recipe: each names its ``trainer``; without one it is generated studies."""

import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

from viewer.errors import InputRefused
from viewer.jobs.job import Ticket

# Each module has ``train_on(recipe_path, data, out, ticket)``, which answers as ``train`` does.
TRAINERS = {
    "images": "viewer.learning.image_train",
    "lesions": "viewer.learning.lesion_train",
    "own": "viewer.learning.own_train",
}
_GENERATED = "studies"


def train_recipe(recipe_path: Path, data: Path | None, out: Path, ticket: Ticket) -> dict[str, Any]:
    """Train the network of any recipe, on ``data`` where it does not generate its own.

    Raises
    ------
    InputRefused
        The recipe cannot be used, or its data are not there.
    Unsupported
        torch is not installed.
    """
    trainer = _trainer_of(recipe_path)
    if trainer == _GENERATED:
        from viewer.learning.train import train

        return train(recipe_path, out, ticket)
    if trainer not in TRAINERS:
        raise InputRefused(
            f"The recipe names a trainer that is not known here: {trainer}.",
            where=str(recipe_path),
            remedy=f"Choose one of: {', '.join((_GENERATED, *TRAINERS))}.",
        )
    if data is None:
        raise InputRefused(
            "This network is trained on data of your own.",
            where=str(recipe_path),
            remedy="Say where they are: --data DIR.",
        )
    if not data.is_dir():
        raise InputRefused("There is no such folder.", where=str(data), remedy="Check --data.")
    answer: dict[str, Any] = import_module(TRAINERS[trainer]).train_on(
        recipe_path, data, out, ticket
    )
    return answer


def key_of_recipe(recipe_path: Path) -> str:
    """Return what the recipe calls its network.

    Raises
    ------
    InputRefused
        It cannot be read, or names none.
    """
    key = _table(recipe_path).get("network", {})
    key = key.get("key", "") if isinstance(key, dict) else ""
    if not (isinstance(key, str) and key.replace("_", "").isalnum() and key.isascii()):
        raise InputRefused("The recipe names no network.", where=str(recipe_path))
    return key


def _trainer_of(recipe_path: Path) -> str:
    return str(_table(recipe_path).get("trainer", _GENERATED))


def _table(recipe_path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(recipe_path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputRefused("The recipe cannot be read.", where=str(recipe_path)) from error
    except ValueError as error:
        raise InputRefused("The recipe is no TOML file.", where=str(recipe_path)) from error
