"""The reference of the filters is made from their descriptions and from what was measured."""

import json
from pathlib import Path

import numpy as np
import pytest

from viewer.domain.methods import Filter
from viewer.extensions.discover import load_extensions
from viewer.extensions.presets import load_presets
from viewer.learning.degradations import DEGRADATIONS
from viewer.learning.enhancement import Case, evaluate
from viewer.learning.filter_reference import example, reference_text
from viewer.phantom.planes import scene

FILTERS = load_extensions().filters
REFERENCE = Path(__file__).parents[2] / "resources" / "help" / "filters"


@pytest.mark.parametrize("key", ["gaussian", "sobel", "unsharp", "clahe", "median"])
def test_an_example_is_a_small_pair_that_differs(key: str) -> None:
    made = example(FILTERS[key])
    assert made.before.shape == made.after.shape
    assert not np.array_equal(made.before, made.after)
    pair = made.pair()
    assert pair.shape == (84, 172)
    assert len(np.unique(pair)) <= 16
    assert np.array_equal(pair, example(FILTERS[key]).pair())


def test_the_text_names_every_filter_its_settings_and_what_it_can_fake() -> None:
    presets = list(load_presets(FILTERS).known.values())
    row = {
        "source": "generated",
        "kind": "lung_ct",
        "preset": presets[0].key,
        "degradation": "blur",
        "n": 3,
        "before": {"psnr_db": 20.0, "ssim": 0.5, "cnr": 1.0, "snr": None},
        "after": {"psnr_db": 25.5, "ssim": 0.9, "cnr": 2.0, "snr": None},
        "improved_share": {"psnr_db": 1.0},
    }
    text = reference_text(FILTERS, presets, {"rows": [row]}, {"gaussian": "g.png"})
    found: Filter
    for found in FILTERS.values():
        assert f"### {found.title}" in text
        assert found.caution in text
        for parameter in found.parameters:
            assert f"`{parameter.key}`" in text
    assert "20 → 25.5" in text
    assert "100%, -" in text
    assert "(g.png)" in text
    assert text.count("Not measured.") == len(presets) - 1


def test_the_shipped_pictures_are_those_of_filters_and_few_bytes() -> None:
    pictures = list(REFERENCE.glob("*.png"))
    assert len(pictures) > 40
    assert {path.stem for path in pictures} <= set(FILTERS)
    assert sum(path.stat().st_size for path in pictures) < 500_000


def test_the_shipped_page_and_table_cover_every_preset_and_modality() -> None:
    root = REFERENCE.parents[2]
    page = (root / "docs" / "filters.md").read_text(encoding="utf-8")
    rows = json.loads((REFERENCE.parent / "enhancement.json").read_text(encoding="utf-8"))["rows"]
    gains: dict[str, float] = {}
    for preset in load_presets(FILTERS).known.values():
        assert f"### {preset.title}" in page
        own = [row for row in rows if row["preset"] == preset.key]
        assert {row["degradation"] for row in own} == set(DEGRADATIONS)
        for row in own:
            if row["after"]["cnr"] and row["before"]["cnr"]:
                gain = row["after"]["cnr"] / row["before"]["cnr"]
                gains[row["modality"]] = max(gain, gains.get(row["modality"], 0.0))
    assert set(gains) == {"DX", "CT", "MR", "US", "PT", "MG", "OP"}
    assert min(gains.values()) > 1.05


def test_the_table_is_what_the_program_measures_now() -> None:
    """One row of the shipped table, computed again: a preset that was changed shows here."""
    rows = json.loads((REFERENCE.parent / "enhancement.json").read_text(encoding="utf-8"))["rows"]
    told = next(
        row
        for row in rows
        if (row["preset"], row["degradation"], row["source"])
        == ("pet_smoothing", "gaussian", "generated")
    )
    preset = load_presets(FILTERS).known["pet_smoothing"]
    cases = [Case("generated", scene("pet", seed)) for seed in range(1, told["n"] + 1)]
    found = next(
        row for row in evaluate(cases, [preset], FILTERS) if row.degradation == "gaussian"
    ).document()
    for name in ("psnr_db", "cnr"):
        assert found["after"][name] == pytest.approx(told["after"][name], rel=0.02)
