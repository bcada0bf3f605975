"""Boxes and points around a predictor whose answer is known: it marks all uptake above SUV 5."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.inference.cards_for_tests import a_card, silent
from viewer.domain.card import NetworkCard
from viewer.domain.geometry import Grid
from viewer.domain.prompt import Prompt
from viewer.domain.volume import ValueMap
from viewer.errors import InputRefused
from viewer.inference.handover import Scan, prompt_from, prompt_header
from viewer.inference.pipeline import find
from viewer.inference.prompted import box_of
from viewer.testing.builders import rotation

_HALF = float(np.log1p(5.0) / np.log1p(30.0))


class UptakePredictor:
    """Marks what the first channel says is above SUV 5; remembers what it was shown."""

    device = "test"

    def __init__(self) -> None:
        self.batches: list[NDArray[np.float32]] = []

    def predict(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        self.batches.append(batch.copy())
        return (batch[:, :1] - np.float32(_HALF)) * 50


def _card(**changes: object) -> NetworkCard:
    base = a_card(
        modality="PT", scaling="tracer", prompts=("box", "point"), spacing_ijk_mm=(4.0, 4.0, 4.0)
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def _scan(unit: str = "{SUVbw}g/ml", modality: str = "PT") -> Scan:
    """Two balls of uptake on a background of 1."""
    grid = Grid.from_axes((30, 30, 30), origin_lps_mm=(-60, -60, -60), spacing_ijk_mm=(4, 4, 4))
    stored = np.ones((30, 30, 30), dtype=np.float32)
    k, j, i = np.indices(stored.shape)
    for middle in ((8, 8, 8), (20, 20, 20)):
        stored[(k - middle[0]) ** 2 + (j - middle[1]) ** 2 + (i - middle[2]) ** 2 <= 16] = 12.0
    return Scan(stored, grid, ValueMap.identity(30, unit), modality)


def _at(scan: Scan, *ijk: float) -> tuple[float, float, float]:
    x, y, z = scan.grid.world(ijk)
    return float(x), float(y), float(z)


def test_without_a_prompt_both_islands_are_found() -> None:
    assert len(find(_scan(), _card(), UptakePredictor(), silent).volumes_mm3) == 2


def test_a_box_keeps_what_lies_inside_and_shows_its_surroundings_alone() -> None:
    scan, predictor = _scan(), UptakePredictor()
    box = Prompt((*_at(scan, 3, 3, 3), *_at(scan, 13, 13, 13)))
    found = find(scan, _card(tile_kji=(64, 64, 64)), predictor, silent, box)
    assert found.labels[8, 8, 8] == 1
    assert found.labels[20, 20, 20] == 0
    assert len(found.volumes_mm3) == 1
    seen = predictor.batches[0][0]
    assert seen.shape[0] == 4
    assert np.count_nonzero(seen[2]) == 11**3, "the box is a channel of its own"
    assert not seen[3].any()


def test_a_point_keeps_the_island_that_it_touches() -> None:
    scan = _scan()
    found = find(
        scan, _card(), UptakePredictor(), silent, Prompt(points_lps_mm=(_at(scan, 20, 21, 19),))
    )
    assert found.labels[20, 20, 20] == 1
    assert found.labels[8, 8, 8] == 0


def test_a_point_at_nothing_is_said_and_finds_nothing() -> None:
    scan = _scan()
    prompt = Prompt(points_lps_mm=(_at(scan, 2, 25, 2),))
    found = find(scan, _card(), UptakePredictor(), silent, prompt)
    assert not found.labels.any()
    assert found.volumes_mm3 == ()
    assert any("Nothing was found" in note for note in found.notes)


def test_two_points_are_one_finding() -> None:
    scan = _scan()
    prompt = Prompt(points_lps_mm=(_at(scan, 8, 8, 8), _at(scan, 20, 20, 20)))
    found = find(scan, _card(), UptakePredictor(), silent, prompt)
    assert set(np.unique(found.labels)) == {0, 1}
    assert len(found.volumes_mm3) == 1


@pytest.mark.parametrize(
    "prompt",
    [Prompt((500, 500, 500, 510, 510, 510)), Prompt(points_lps_mm=((0.0, 0.0, 900.0),))],
)
def test_a_prompt_outside_the_picture_is_refused(prompt: Prompt) -> None:
    with pytest.raises(InputRefused, match="outside"):
        find(_scan(), _card(), UptakePredictor(), silent, prompt)


def test_a_network_without_prompts_refuses_one() -> None:
    with pytest.raises(InputRefused, match="takes no box"):
        find(_scan(), _card(prompts=()), UptakePredictor(), silent, Prompt((0, 0, 0, 9, 9, 9)))


def test_values_without_a_unit_are_taken_as_suv_and_that_is_said() -> None:
    found = find(_scan(unit="1", modality=""), _card(), UptakePredictor(), silent)
    assert any("taken as SUV" in note for note in found.notes)
    assert any("does not say what it is" in note for note in found.notes)
    assert len(found.volumes_mm3) == 2


def test_activity_that_is_no_suv_is_refused() -> None:
    with pytest.raises(InputRefused, match="Bq/ml"):
        find(_scan(unit="Bq/ml"), _card(), UptakePredictor(), silent)


def test_eight_flips_average_to_the_same_answer_for_a_voxelwise_network() -> None:
    one = find(_scan(), _card(), UptakePredictor(), silent).labels
    predictor = UptakePredictor()
    eight = find(_scan(), _card(n_flips=8), predictor, silent).labels
    np.testing.assert_array_equal(one, eight)
    assert len(predictor.batches) % 8 == 0


def test_the_box_on_an_oblique_grid_holds_the_very_voxel_centres() -> None:
    affine = np.eye(4)
    affine[:3, :3] = rotation((1, 2, 3), 30) * np.array([2.0, 3.0, 4.0])
    grid = Grid((7, 8, 9), affine)
    x, y, z = grid.centre_lps_mm
    box = (x - 6, y - 9, z - 5, x + 8, y + 3, z + 7)
    k, j, i = np.indices(grid.shape_kji)
    points = grid.world(np.stack((i, j, k), axis=-1))
    expected = ((points >= box[:3]) & (points <= box[3:])).all(axis=-1)
    np.testing.assert_array_equal(box_of(Prompt(box), grid), expected)


def test_a_prompt_survives_the_way_to_the_worker() -> None:
    for prompt in (Prompt(), Prompt((0, 1, 2, 3, 4, 5)), Prompt(None, ((1.0, 2.0, 3.0),))):
        assert prompt_from(prompt_header(prompt)) == prompt
    assert prompt_from(None) == Prompt()
