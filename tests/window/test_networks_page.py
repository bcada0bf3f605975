"""Networks in the window: listed with their cards, brought in by questions, taken away, put back."""

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QLineEdit

from tests.inference.foreign_folders import a_bundle, inference
from tests.inference.test_supervisor import needs_torch
from viewer.actions.registry import perform
from viewer.inference.importing import users_networks
from viewer.window.driving import settle, wait_for_jobs
from viewer.window.network_import import ImportGuide
from viewer.window.network_page import NetworkPage
from viewer.window.start import Program

_ANSWERS = {"spacing": "1 2 3", "tile": "8 16 32", "scaling": "-57 164", "axes": "RAS"}


def _page(program: Program) -> NetworkPage:
    perform(program.context, "ai.networks")
    (found,) = program.window.findChildren(NetworkPage)
    return found


def _guide(program: Program, folder: Path) -> ImportGuide:
    perform(program.context, "ai.bring_in_folder", path=folder)
    (found,) = program.window.findChildren(ImportGuide)
    return found


def test_every_network_is_listed_with_what_its_card_says(program: Program) -> None:
    page = _page(program)
    assert page.list.count() == len(program.context.cards) > 0
    page.choose("pet_lesion")
    card, _ = program.context.cards["pet_lesion"]
    told = "\n".join(one.text() for one in page.findChildren(QLabel))
    for text in (card.intended_use, card.unintended_use, card.limits, card.failure_cases[0]):
        assert text in told
    figure = card.figures[0]
    assert f"95 % interval {figure.low:.3g} to {figure.high:.3g}, n = 7" in told
    assert page.chosen() == "pet_lesion"
    assert not page._remove.isEnabled()


@needs_torch
def test_a_network_is_brought_in_by_questions_taken_away_and_put_back(
    program: Program, tmp_path: Path
) -> None:
    config = inference()
    config["preprocessing"]["transforms"] = []
    page = _page(program)
    n_before = page.list.count()
    guide = _guide(program, a_bundle(tmp_path, config=config))
    asked = []
    while guide.question is not None:
        asked.append(guide.question.key)
        assert isinstance(guide.field, QLineEdit)
        if guide.question.key == "tile":  # what cannot be is said at once, and asked again
            guide.field.setText("no numbers")
            guide.next.click()
            assert guide.question.key == "tile"
            assert "Write it like this" in guide._wrong.text()
        guide.field.setText(_ANSWERS.get(guide.question.key, guide.field.text()))
        QTest.keyClick(guide.field, Qt.Key.Key_Return)
    assert asked == ["spacing", "tile", "scaling", "axes", "key", "title"]
    guide.next.click()
    wait_for_jobs(program, 120, "importing")
    assert "toy_bundle" in program.context.cards
    assert page.list.count() == n_before + 1
    page.choose("toy_bundle")
    page._remove.click()
    assert "toy_bundle" in program.context.cards
    page._remove.click()
    assert "toy_bundle" not in program.context.cards
    assert not (users_networks() / "toy_bundle").exists()
    page._restore.click()
    page.choose("toy_bundle")
    assert page.chosen() == "toy_bundle"
    QTest.keyClick(page, Qt.Key.Key_V)
    wait_for_jobs(program, 120, "verifying")
    assert "the forms agree" in program.door.notices[-1].text
    page.close()
    settle()


def test_a_shipped_network_cannot_be_taken_away(program: Program) -> None:
    from viewer.errors import ViewerError

    with pytest.raises(ViewerError):
        perform(program.context, "ai.remove_network", key="lesions")
    assert "lesions" in program.context.cards


def test_a_taken_name_is_said_before_anything_is_done(program: Program, tmp_path: Path) -> None:
    guide = _guide(program, a_bundle(tmp_path))
    while guide.question is not None:
        if guide.question.key == "key":
            assert isinstance(guide.field, QLineEdit)
            guide.field.setText("lesions")
        guide.next.click()
    guide.next.click()
    assert "shipped network is called lesions" in guide._wrong.text()
    assert not program.jobs.active
    guide.reject()
    settle()
