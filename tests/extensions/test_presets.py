"""Presets: the shipped ones hold, one's own come back, and a broken file only loses itself."""

from pathlib import Path

import pytest

from viewer.domain.chain import Chain, Step
from viewer.domain.study import Series
from viewer.errors import Conflict, InputRefused
from viewer.extensions.discover import load_extensions
from viewer.extensions.presets import (
    Preset,
    delete_preset,
    in_pixels,
    load_presets,
    own_folder,
    save_preset,
    shipped_folder,
)
from viewer.phantom.planes import KINDS

FILTERS = load_extensions().filters
CHAIN = Chain((Step.of("gaussian", {"sigma_mm": 1.5}), Step("unsharp", on=False)))


def _write(name: str, text: str) -> Path:
    folder = own_folder()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_every_shipped_preset_is_read_and_says_what_it_can_fake() -> None:
    found = load_presets(FILTERS)
    assert [finding.text for finding in found.findings] == []
    assert set(found.known) == {path.stem for path in shipped_folder().glob("*.toml")}
    for preset in found.known.values():
        assert preset.purpose.endswith(".")
        assert preset.caution.endswith(".")
        assert preset.chain.is_active
        assert preset.modalities
        assert set(preset.kinds) <= set(KINDS)


def test_a_saved_preset_comes_back_and_can_be_deleted() -> None:
    made = save_preset('My "soft" one', CHAIN, FILTERS, ("CT",))
    again = load_presets(FILTERS).known[made.key]
    assert again.is_own
    assert again.title == 'My "soft" one'
    assert again.modalities == ("CT",)
    assert [step.on for step in again.chain.steps] == [True, False]
    assert again.chain.steps[0].values() == {"sigma_mm": 1.5}
    delete_preset(again)
    assert made.key not in load_presets(FILTERS).known


def test_a_name_that_is_taken_or_says_nothing_is_refused() -> None:
    save_preset("Twice", CHAIN, FILTERS)
    with pytest.raises(Conflict):
        save_preset("twice", CHAIN, FILTERS)
    for name in ("", "   ", "…", "x" * 61, "a\x00b"):
        with pytest.raises(InputRefused):
            save_preset(name, CHAIN, FILTERS)
    with pytest.raises(InputRefused):
        save_preset("Empty", Chain(), FILTERS)


def test_a_shipped_preset_cannot_be_deleted() -> None:
    shipped = next(iter(load_presets(FILTERS).known.values()))
    with pytest.raises(InputRefused):
        delete_preset(shipped)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("title = 3", "title"),
        ('title = "A"\npurpose = "p"\ncaution = "c"\nchain = "blur"', "no filter called blur"),
        (
            'title = "A"\npurpose = "p"\ncaution = "c"\nchain = "gaussian:sigma_mm=900"',
            "must lie between",
        ),
        ('title = "A"\npurpose = "p"\nchain = "gaussian"', "caution"),
        (
            'title = "A"\npurpose = "p"\ncaution = "c"\nchain = "gaussian"\nmodalities = "CT"',
            "modalities",
        ),
        ("title = ", "cannot be read"),
        ("x = " + "[" * 3000, ""),
        ("a" * 70_000, "too large"),
    ],
)
def test_a_broken_file_is_left_out_and_said_and_the_others_stay(text: str, said: str) -> None:
    before = set(load_presets(FILTERS).known)
    _write("broken.toml", text)
    found = load_presets(FILTERS)
    assert set(found.known) == before
    (finding,) = found.findings
    assert "broken.toml is left out" in finding.text
    assert said in finding.text


def test_a_file_with_odd_signs_in_its_name_is_left_out() -> None:
    _write("A b.toml", 'title = "A"')
    assert "other signs" in load_presets(FILTERS).findings[0].text


def test_presets_for_the_shown_modality_come_first() -> None:
    ct = Preset("a", "A", "p", "c", CHAIN, ("CT",), ("CHEST",))
    assert ct.fits(Series("1", modality="CT", body_part="CHEST"))
    assert ct.fits(Series("1", modality="CT"))
    assert not ct.fits(Series("1", modality="CT", body_part="HEAD"))
    assert not ct.fits(Series("1", modality="MR"))
    assert Preset("b", "B", "p", "c", CHAIN).fits(Series("1", modality="XA"))
    offered = load_presets(FILTERS).offered(Series("1", modality="CT", body_part="CHEST"))
    assert "CT" in offered[0].modalities


def test_without_a_known_pixel_size_lengths_become_as_many_pixels() -> None:
    chain = Chain((Step.of("gaussian", {"sigma_mm": 0.06}), Step.of("unsharp", {"sigma_mm": 4.0})))
    tuned = Preset("a", "A", "p", "c", chain, pixel_mm=0.02)
    first, second = in_pixels(tuned, FILTERS).steps
    assert first.values()["sigma_mm"] == pytest.approx(3)
    assert second.values()["sigma_mm"] == 6.0  # 200 pixels are beyond the filter's range
    assert in_pixels(Preset("a", "A", "p", "c", chain), FILTERS) == chain
