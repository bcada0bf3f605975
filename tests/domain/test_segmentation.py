"""Masks on a grid, and who made them."""

from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

from viewer.domain.geometry import Grid
from viewer.domain.segmentation import (
    LESION,
    Origin,
    OriginKind,
    Score,
    Segment,
    Segmentation,
)
from viewer.errors import InputRefused

GRID = Grid.from_axes((3, 4, 5))
BY_HAND = Origin(OriginKind.HAND)


def _segment(number: int = 1) -> Segment:
    return Segment(number, f"Lesion {number}", (1, 2, 3))


def _layer(**changes: object) -> Segmentation:
    labels = np.zeros((3, 4, 5), dtype=np.uint8)
    layer = Segmentation("1.2", "Lesions", "key", GRID, labels, (_segment(1), _segment(3)), BY_HAND)
    return replace(layer, **changes)  # type: ignore[arg-type]


def test_a_segment_is_found_by_its_number() -> None:
    assert _layer().segment(3).name == "Lesion 3"
    with pytest.raises(InputRefused, match="no segment 2"):
        _layer().segment(2)


@pytest.mark.parametrize(
    "labels",
    [
        np.zeros((3, 4, 6), dtype=np.uint8),
        np.zeros((3, 4, 5), dtype=np.int16),
        np.zeros((3, 4, 5), dtype=bool),
        np.zeros((4, 5), dtype=np.uint8),
    ],
)
def test_labels_that_do_not_fit_are_refused(labels: object) -> None:
    with pytest.raises(InputRefused, match="fit their grid"):
        _layer(labels=labels)


def test_two_segments_of_one_number_are_refused() -> None:
    with pytest.raises(InputRefused, match="share one number"):
        _layer(segments=(_segment(1), _segment(1)))


@pytest.mark.parametrize("number", [0, -1, 256])
def test_segments_are_numbered_as_a_byte_allows(number: int) -> None:
    with pytest.raises(InputRefused, match="1 to 255"):
        _segment(number)
    assert _segment(255).number == 255


@pytest.mark.parametrize("opacity", [-0.1, 1.1, float("nan")])
def test_opacity_lies_between_0_and_1(opacity: float) -> None:
    with pytest.raises(InputRefused, match="Opacity"):
        replace(_segment(), opacity=opacity)


def test_labels_take_no_part_in_equality() -> None:
    one, other = _layer(), _layer()
    other.labels[0, 0, 0] = 1
    assert one == other
    assert one != _layer(name="Other")
    with pytest.raises(FrozenInstanceError):
        one.name = "x"  # type: ignore[misc]


def test_only_what_a_network_made_is_immutable() -> None:
    assert not _layer().is_immutable
    assert not _layer(origin=Origin(OriginKind.METHOD, "otsu", "1")).is_immutable
    assert _layer(origin=Origin(OriginKind.NETWORK, "nodules", "1.2")).is_immutable


def test_an_origin_says_who_it_was() -> None:
    assert BY_HAND.short == "by hand"
    assert Origin(OriginKind.NETWORK, "nodules", "1.2").short == "nodules 1.2"
    assert Origin(OriginKind.METHOD, "otsu").short == "otsu"


@pytest.mark.parametrize(
    ("value", "low", "high"),
    [(0.5, 0.6, 0.9), (0.5, 0.1, 0.4), (1.2, 0.9, 1.3), (-0.1, -0.2, 0.5), (float("nan"), 0, 1)],
)
def test_a_score_is_a_probability_inside_its_interval(
    value: float, low: float, high: float
) -> None:
    with pytest.raises(InputRefused, match="probability"):
        Score(LESION, value, low, high, "m 1")
    assert Score(LESION, 0.5, 0.0, 1.0, "m 1").value == 0.5
