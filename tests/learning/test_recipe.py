"""Recipes: the shipped ones are sound, broken ones are refused."""

from pathlib import Path

import pytest

from viewer.errors import InputRefused
from viewer.inference.cards import load_card
from viewer.learning.recipe import load_recipe
from viewer.phantom.demo import DEMO_SEED
from viewer.resources import resource

_KEYS = ("lesions", "lesion_shape")


@pytest.mark.parametrize("key", _KEYS)
def test_a_shipped_recipe_is_that_of_the_network_beside_it(key: str) -> None:
    folder = resource("networks", key)
    recipe, card = load_recipe(folder / "recipe.toml"), load_card(folder)
    for name in ("key", "title", "version", "architecture", "spacing_ijk_mm", "tile_kji"):
        assert getattr(recipe.card, name) == getattr(card, name)
    assert set(recipe.card.options) <= set(card.options)


@pytest.mark.parametrize("key", _KEYS)
def test_the_demonstration_study_is_never_trained_or_tested_on(key: str) -> None:
    seeds = load_recipe(resource("networks", key, "recipe.toml")).seeds
    for first, last in (seeds.train, seeds.validation, seeds.test):
        assert not first <= DEMO_SEED < last
    assert seeds.test[1] - seeds.test[0] >= 12


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("train = [10000, ", "train = [20001, 20002] # ", "share none"),
        ("validation = [20000, ", "validation = [20000, 20000] # ", "share none"),
        ("batch = ", "batch = 0 # ", "above 0"),
        ("[training]", "[practice]", "lacks an entry"),
        ('key = "lesions"', 'kee = "lesions"', "lacks an entry"),
        ("[network]", "[network", "lacks an entry"),
    ],
)
def test_a_broken_recipe_is_refused(tmp_path: Path, old: str, new: str, reason: str) -> None:
    text = resource("networks", "lesions", "recipe.toml").read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "recipe.toml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(InputRefused, match=reason):
        load_recipe(path)


def test_a_missing_recipe_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="cannot be read"):
        load_recipe(tmp_path / "none.toml")
