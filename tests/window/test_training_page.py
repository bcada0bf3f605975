"""Corrected cases kept for training, and a training that can be watched."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from tests.inference.test_supervisor import needs_torch
from tests.learning.own_files import write_pairs, write_recipe
from viewer.actions.registry import perform
from viewer.domain.measurement import Review
from viewer.learning.own_recipe import load_own_recipe
from viewer.learning.own_sets import case_places, read_case
from viewer.session.edits import AddSegmentation, ReplaceSegment
from viewer.testing.builders import a_segmentation
from viewer.window.driving import wait_for_jobs
from viewer.window.start import Program
from viewer.window.training_page import TrainingPage, curve_of, smoothed


def test_lines_that_are_half_written_or_strange_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "curve.jsonl"
    assert curve_of(path) == []
    path.write_text('{"step": 1, "loss": 2.0}\n{"step": 2, "loss": 1.0}\n{"step": 1, "goes_on": true}\n'
                    '{"step": 2, "loss": 1.5}\nnonsense\n[1]\n{"step": 3, "lo')  # fmt: skip
    assert curve_of(path) == [(1, 2.0), (2, 1.5)]


def test_the_coloured_line_is_the_mean_of_the_last_twenty() -> None:
    values = np.random.default_rng(1).random(50)
    expected = [values[max(0, n - 19) : n + 1].mean() for n in range(50)]
    np.testing.assert_allclose(smoothed(values), expected)


def test_a_corrected_case_is_kept_without_what_was_rejected(
    program: Program, study: Path, tmp_path: Path
) -> None:
    context = program.context
    perform(context, "file.open_paths", paths=(study,))
    wait_for_jobs(program, 120, "opening")
    picture = context.need_picture()
    labels = np.zeros(picture.grid.shape_kji, dtype=np.uint8)
    labels[2:5, 10:20, 10:20] = 1
    labels[8:9, 10:20, 10:20] = 2
    layer = a_segmentation(picture, labels > 0)
    first = layer.segments[0]
    second = replace(first, number=2, name="Another", tracking_uid="2.25.7")
    layer = replace(layer, labels=labels, segments=(first, second))
    context.session.apply(AddSegmentation.of(layer))
    context.viewing.set(segmentation_uid=layer.uid, segment_number=1)
    context.session.apply(
        ReplaceSegment(layer.uid, replace(second, review=Review.REJECTED), "reject")
    )
    perform(context, "ai.keep_case", path=tmp_path)
    wait_for_jobs(program, 60, "keeping")
    (place,) = case_places(tmp_path)
    assert "case-" in place.name
    text = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert picture.identity.patient.id.encode() not in text
    classes = json.dumps(["background", first.name, second.name])
    card = load_own_recipe(write_recipe(tmp_path / "recipe", classes=classes)).card
    case = read_case(place, card)
    np.testing.assert_array_equal(case.labels, labels * (labels == 1))


@needs_torch
def test_a_training_is_watched_and_its_network_is_in_the_list(
    program: Program, tmp_path: Path
) -> None:
    recipe, data = write_recipe(tmp_path / "r", steps="3"), write_pairs(tmp_path / "data", 2)
    perform(program.context, "ai.train", recipe=recipe, data=data)
    (page,) = program.window.findChildren(TrainingPage)
    wait_for_jobs(program, 120, "training")
    page.refresh()
    assert [step for step, _ in page.curve.points] == [1, 2, 3]
    assert page.state.text() == "Ended."
    assert "balls" in program.context.cards
    assert not page.grab().isNull()
    page.close()
