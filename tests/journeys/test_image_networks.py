"""Networks on flat pictures in the window: scores in the panel, a mask as a layer."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtWidgets import QLabel

from tests.inference.image_cards import a_fundus, inner
from viewer.actions.registry import actions, perform
from viewer.domain.volume import ImageStack
from viewer.errors import InputRefused
from viewer.imaging.agreement import dice
from viewer.inference.image_scores import ClassScore, ImageScores
from viewer.session.image_results import ImageResultRow, ImageResults
from viewer.window.driving import settle, wait_for_jobs
from viewer.window.start import Program

_LONG_S = 90.0
needs_torch = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="torch is not installed"
)


def texts_of(program: Program) -> str:
    return "\n".join(label.text() for label in program.window.finding.findChildren(QLabel))


def opened(program: Program, path: Path) -> ImageStack:
    perform(program.context, "file.open_paths", paths=(path,))
    wait_for_jobs(program, _LONG_S, "opening")
    settle()
    picture = program.context.need_picture()
    assert isinstance(picture, ImageStack)
    return picture


@needs_torch
def test_a_film_is_scored_beside_it_with_its_warnings(reading: Program, tmp_path: Path) -> None:
    import cv2

    film = np.random.default_rng(5).integers(0, 255, (64, 64), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / "film.png"), film)
    picture = opened(reading, tmp_path / "film.png")
    job = perform(reading.context, "ai.classify_image", network="chest_pneumonia")
    assert job is not None
    wait_for_jobs(reading, _LONG_S, "classifying")
    settle()
    (row,) = reading.context.image_results.of(picture.key)
    assert row.scores.warnings
    shown = texts_of(reading)
    assert "pneumonia" in shown
    assert f"{row.scores.classes[1].probability:.2f}" in shown
    assert row.scores.warnings[0] in shown
    told = [notice.text for notice in reading.context.door.notices]  # type: ignore[attr-defined]
    assert row.scores.warnings[0] in told
    with pytest.raises(InputRefused, match="chest_pneumonia"):
        perform(reading.context, "ai.classify_image", network="lesions")


@needs_torch
def test_vessels_become_a_layer_that_can_be_undone(reading: Program, tmp_path: Path) -> None:
    import cv2

    colour, lines = a_fundus(584, 565, 5)
    cv2.imwrite(str(tmp_path / "eye.png"), colour[..., ::-1])
    opened(reading, tmp_path / "eye.png")
    perform(reading.context, "ai.run", network="retina_vessels")
    wait_for_jobs(reading, _LONG_S, "segmenting")
    told = [notice.text for notice in reading.context.door.notices]  # type: ignore[attr-defined]
    assert reading.context.session.state.segmentations, told
    (layer,) = reading.context.session.state.segmentations
    assert layer.segments[0].name == "vessel"
    assert dice(inner(layer.labels[0] > 0), inner(lines)) > 0.5
    assert layer.is_immutable
    perform(reading.context, "edit.undo")
    assert not reading.context.session.state.segmentations


def test_classifiers_of_images_are_no_choice_for_lesions(reading: Program) -> None:
    choices = actions()["ai.run"].choices
    assert choices is not None
    offered = {choice.parameters["network"] for choice in choices(reading.context)}
    assert "retina_vessels" in offered
    assert not offered & {"chest_pneumonia", "breast_ultrasound"}
    more = actions()["ai.classify_image"].choices
    assert more is not None
    found = {choice.parameters["network"] for choice in more(reading.context)}
    assert found == {"chest_pneumonia", "breast_ultrasound"}


def test_the_newest_answer_of_a_network_counts() -> None:
    results, told = ImageResults(), list[str]()
    results.changed.connect(told.append)
    for value in (0.2, 0.7):
        scores = ImageScores((ClassScore("ill", value, 0.1, 0.9),), 1.0, ())
        results.add(ImageResultRow("one", 0, "toy", "Toy", scores, "CPU"))
    (row,) = results.of("one")
    assert row.scores.best.probability == 0.7
    assert results.of("other") == ()
    assert told == ["one", "one"]
