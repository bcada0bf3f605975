"""Methods are tuned on one part and measured on another; the measures have closed forms."""

from pathlib import Path

import numpy as np
import pytest

from viewer.domain.segmenters import SegmentRequest
from viewer.errors import InputRefused
from viewer.extensions.discover import load_extensions
from viewer.imaging.agreement import distance_95_mm
from viewer.jobs.job import Ticket
from viewer.learning.compare_pictures import (
    FOUND_RGB,
    SIDE_PX,
    TRUTH_RGB,
    case_picture,
    slice_to_show,
)
from viewer.learning.segmentation_compare import (
    Candidate,
    Case,
    _boxes,
    _cases,
    _grid,
    _sample,
    _task,
    check_folder,
    figures,
)
from viewer.learning.segmentation_networks import lesions_found

METHODS = load_extensions(["plugins.segment"]).segmenters


def a_case(level: float, name: str = "one") -> Case:
    truth = np.zeros((6, 12, 12), dtype=bool)
    truth[2:4, 4:8, 4:8] = True
    noise = np.random.default_rng(int(level)).normal(0, 1, truth.shape)
    values = np.asarray(np.where(truth, level, 0) + noise, dtype=np.float32)
    return Case(name, SegmentRequest(values, (2.0, 1.0, 1.0), inside=((3, 5, 5),)), truth)


def test_settings_are_those_that_were_best_in_training() -> None:
    family = _grid("threshold", low=(10.0, 50.0, 90.0), high=(1000.0,))
    row = _task("t", [a_case(70)], [a_case(60, "a"), a_case(80, "b")], [family], METHODS, Ticket())
    (method,) = row["methods"]
    assert method["settings"] == [{"low": 10.0, "high": 1000.0}] or method["settings"] == [
        {"low": 50.0, "high": 1000.0}
    ]
    assert method["dice"]["value"] == pytest.approx(1.0)
    assert (method["hd95"]["value"], method["hd95"]["unit"]) == (0, "mm")
    assert (row["tuned_on"], row["measured_on"]) == (1, 2)


def test_figures_are_means_over_cases_with_the_ends_named() -> None:
    cases = [a_case(60, "a"), a_case(80, "b")]
    half = cases[1].truth.copy()
    half[2] = False
    found = figures([cases[0].truth, half], cases)
    assert found["dice"]["value"] == pytest.approx((1 + 2 / 3) / 2)
    assert found["iou"]["value"] == pytest.approx(0.75)
    assert found["sensitivity"]["value"] == pytest.approx(0.75)
    assert found["precision"]["value"] == 1
    assert (found["worst"], found["best"]) == ("b", "a")


def test_classes_are_taken_together_and_nonsense_finds_nothing() -> None:
    upper = Candidate(
        "kmeans", ({"clusters": 3, "cluster": 3}, {"clusters": 3, "cluster": 2}, {"cluster": 7})
    )
    row = _task("t", [], [a_case(60)], [[upper]], METHODS, Ticket())
    assert row["methods"][0]["sensitivity"]["value"] == 1


def test_the_worst_and_the_best_case_are_drawn_with_both_outlines(tmp_path: Path) -> None:
    import imagecodecs

    cases = [a_case(60, "a"), a_case(80, "b")]
    family = _grid("threshold", low=(70.0,), high=(1000.0,))
    (row,) = _task("t", [], cases, [family], METHODS, Ticket(), tmp_path)["methods"]
    assert (row["worst"], row["best"], row["worst_dice"]) == ("a", "b", 0.0)
    assert row["pictures"]["worst"]["slice"] in (3, 4)  # counted from 1
    for end in ("worst", "best"):
        written = imagecodecs.png_decode((tmp_path / row["pictures"][end]["file"]).read_bytes())
        assert written.shape == (SIDE_PX, SIDE_PX, 3)
        assert (written == TRUTH_RGB).all(axis=-1).any()
        assert (written == FOUND_RGB).all(axis=-1).any() == (end == "best")


def test_a_picture_shows_the_slice_and_the_place_that_are_meant() -> None:
    truth = a_case(60).truth
    found = truth.copy()
    found[3, :2] = True
    found[5] = True  # all wrong, and yet no slice of the lesion
    assert slice_to_show(found, truth, "worst") == 3
    assert slice_to_show(found, truth, "best") == 2
    picture = case_picture(np.zeros((12, 12), dtype=np.float32), truth[0], truth[2])
    rows, columns = np.nonzero((picture == TRUTH_RGB).all(axis=-1))
    step = SIDE_PX / 12
    for places in (rows, columns):
        assert abs(places.min() - 4 * step) <= 2
        assert abs(places.max() - 8 * step) <= 2


def test_a_folder_that_is_not_there_is_refused() -> None:
    with pytest.raises(InputRefused):
        check_folder(Path("/nowhere"))


def test_border_distances_are_those_of_brute_force() -> None:
    from scipy import ndimage

    rng = np.random.default_rng(1)
    spacing = (2.0, 1.0, 0.5)
    a, b = (ndimage.binary_dilation(rng.random((7, 9, 11)) > 0.97) for _ in range(2))
    cross = ndimage.generate_binary_structure(3, 1)
    edges = [np.argwhere(m & ~ndimage.binary_erosion(m, cross)) * spacing for m in (a, b)]
    away = np.linalg.norm(edges[0][:, None] - edges[1][None], axis=-1)
    expected = np.percentile(np.concatenate((away.min(axis=1), away.min(axis=0))), 95)
    assert distance_95_mm(a, b, spacing) == pytest.approx(expected)
    assert np.isnan(distance_95_mm(a, np.zeros_like(a), spacing))
    disc = np.zeros((1, 20, 20), dtype=bool)
    disc[0, 5:10, 5:10] = True
    assert distance_95_mm(disc, np.roll(disc, 3, axis=2), (5.0, 1.0, 1.0)) == pytest.approx(3)


def test_shipped_networks_are_measured_in_the_same_boxes() -> None:
    study = _sample(31001)
    boxes = list(_boxes(study).values())
    found = lesions_found([(study, boxes)], Ticket())
    assert [card.key for card, _ in found] == ["lesions", "lesions_fcn", "lesions_instance"]
    for _, masks in found:
        assert [mask.shape for mask in masks] == [case.truth.shape for case in _cases(study)]
    row = figures(found[0][1], _cases(study))
    assert row["dice"]["value"] > 0.5
