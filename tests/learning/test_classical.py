"""The classical classifiers and their features."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.learning.small_images import squares
from viewer.__main__ import main
from viewer.learning.classical import classical_merits, classifiers, merit
from viewer.learning.picture_features import picture_features


def noise(seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (64, 64), dtype=np.uint8)


def test_features_are_finite_and_of_one_length() -> None:
    flat = np.full((64, 64), 7, dtype=np.uint8)
    found = [picture_features(one) for one in (noise(), flat, noise(2))]
    assert len({one.shape for one in found}) == 1
    assert all(np.isfinite(one).all() for one in found)
    assert not np.allclose(found[0], found[1])


def test_patterns_and_co_occurrence_do_not_see_which_way_up_a_picture_is() -> None:
    grey = np.add.outer(np.arange(64) * 3, np.arange(64)).astype(np.uint8)
    length = 10 + 18 + 6 * 3
    first, second = picture_features(grey)[:length], picture_features(grey[::-1, ::-1])[:length]
    assert np.allclose(first, second, atol=0.03)


def test_what_is_easily_told_apart_is_told_apart_by_all() -> None:
    train, validation = (squares(n, seed) for n, seed in ((80, 1), (40, 2)))
    parts = [
        (np.stack([[one.max(), one.mean()] for one in greys]).astype(np.float64), labels)
        for greys, labels in (
            (g.astype(np.float64), y.astype(np.int64)) for g, y in (train, validation)
        )
    ]
    found = classical_merits(parts[0], parts[1], np.arange(40))
    assert [one.name for one in found] == list(classifiers())
    assert all(one.auc > 0.9 for one in found if one.name != "MLP")
    assert all(one.auc_interval[0] <= one.auc <= one.auc_interval[1] for one in found)
    assert all(one.record()["n_cases"] == 40 for one in found)


def test_a_merit_counts_what_is_right() -> None:
    labels = np.array([0, 0, 1, 1])
    found = merit("x", np.array([0.1, 0.6, 0.4, 0.9]), np.array([0, 1, 0, 1]), labels, labels)
    assert found.accuracy == 0.5
    assert found.auc == 0.75


@pytest.mark.parametrize("words", [[], ["--data", "nowhere"]])
def test_an_evaluation_without_data_is_refused(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", "classification", *words, "--json"]) == 3
    assert "error" in json.loads(capsys.readouterr().out)


def test_a_folder_without_the_sets_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", "classification", "--data", str(tmp_path), "--json"]) == 3
    assert "chest_xray_28" in capsys.readouterr().out
