"""Volumes unlike the training ones are told of before a result is shown; those alike are not."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from viewer.command_line.studies import read_picture, scanned
from viewer.domain.volume import ValueMap, Volume
from viewer.errors import Damaged
from viewer.inference.cards import load_card
from viewer.inference.handover import Scan
from viewer.inference.likeness import (
    STATISTICS,
    likeness_of,
    load_likeness,
    save_likeness,
    unlike,
    volume_statistics,
)
from viewer.phantom.chest import make_sample
from viewer.resources import resource
from viewer.testing.builders import a_volume

VOLUMES = ("pet_lesion", "lesions", "lesions_fcn", "lesions_instance")


def folder_of(key: str) -> Path:
    return resource("networks", key, "card.toml").parent


def noisy(seed: int, scale: float = 100.0) -> Volume:
    volume = a_volume((10, 20, 20), spacing_ijk_mm=(2, 2, 3)).build()
    values = np.random.default_rng(seed).normal(0, scale, (10, 20, 20))
    return replace(volume, stored=values.astype(np.int16))


def a_chest(seed: int) -> Scan:
    sample = make_sample(seed, shape_kji=(64, 96, 96))
    n = len(sample.values_hu)
    quantity = ValueMap(np.ones(n), np.zeros(n), "[hnsf'U]")
    return Scan(sample.values_hu, sample.grid, quantity, "CT")


def test_statistics_are_those_of_numpy() -> None:
    volume = noisy(1)
    found = dict(zip(STATISTICS, volume_statistics(Scan.of(volume)), strict=True))
    assert found["median"] == pytest.approx(np.median(volume.stored))
    assert found["deviation"] == pytest.approx(volume.stored.std())
    assert (found["finest_mm"], found["coarsest_mm"]) == pytest.approx((2, 3))
    assert (found["shortest_mm"], found["longest_mm"]) == pytest.approx((30, 40))
    assert found["tilt_deg"] == pytest.approx(0, abs=1e-6)


def test_a_scan_outside_the_ranges_is_named_with_what_is_odd(tmp_path: Path) -> None:
    card = load_card(folder_of("lesions"))
    rows = np.array([volume_statistics(Scan.of(noisy(n))) for n in range(6)])
    save_likeness(likeness_of(rows), tmp_path)
    kept = load_likeness(tmp_path)
    assert kept is not None
    assert unlike(Scan.of(noisy(7)), card, kept) == ()
    (said,) = unlike(Scan.of(noisy(7, scale=900.0)), card, kept)
    assert "spread of values" in said
    assert "may mean nothing" in said
    assert unlike(Scan.of(noisy(7, scale=900.0)), card, None) == ()


def test_a_damaged_list_is_refused(tmp_path: Path) -> None:
    assert load_likeness(tmp_path) is None
    for text in ("n_volumes = 3", "[ranges]\nlow = 3", "\x00", "n_volumes = 1\nranges = 4"):
        (tmp_path / "likeness.toml").write_text(text)
        with pytest.raises(Damaged):
            load_likeness(tmp_path)


@pytest.mark.parametrize("key", VOLUMES)
def test_each_shipped_network_of_volumes_knows_what_is_usual(key: str) -> None:
    card, kept = load_card(folder_of(key)), load_likeness(folder_of(key))
    assert kept is not None
    assert kept.n_volumes >= 16
    if card.modality == "CT":
        assert unlike(a_chest(20_001), card, kept) == ()
    air = a_volume((20, 30, 30), spacing_ijk_mm=(1, 1, 1), value_hu=-1000).build()
    (said,) = unlike(Scan.of(air), card, kept)
    assert card.title in said


def test_the_pet_network_warns_on_ct_and_not_on_its_validation_part(shared_data: Path) -> None:
    card, kept = load_card(folder_of("pet_lesion")), load_likeness(folder_of("pet_lesion"))
    assert unlike(a_chest(20_002), card, kept)
    root = shared_data / "training" / "sarcoma"
    warned = 0
    names = ("STS_007", "STS_024", "STS_032", "STS_051")
    for name in names:
        path = root / name / "PET_image.nii.gz"
        if path.exists():
            warned += bool(unlike(Scan.of(read_picture(scanned([path]).pictures[0])), card, kept))
    assert warned == 0
