"""What a pane paints, how often, and what it does when that fails."""

import gc
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QApplication

from viewer.actions.registry import perform
from viewer.jobs.job import Ticket
from viewer.window.driving import settle, wait_for_jobs
from viewer.window.loading import undisturbed
from viewer.window.start import Program


class _Painted(QObject):
    """Counts whose paint events pass."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt names it
        if event.type() == QEvent.Type.Paint:
            self.names.append(type(watched).__name__)
        return False


def test_a_frame_paints_its_pane_and_nothing_below_it(reading: Program, qapp: QApplication) -> None:
    pane = reading.window.grid.slices["axial"]
    settle()
    painted = _Painted()
    qapp.installEventFilter(painted)
    pane.repaint()
    qapp.removeEventFilter(painted)
    assert painted.names == ["SlicePane"]


def test_a_fault_while_painting_is_said_once_and_the_next_picture_comes(
    reading: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    pane = reading.window.grid.slices["axial"]
    present = reading.window.presenter.present
    told: list[Exception] = []
    monkeypatch.setattr(reading.context, "tell_fault", told.append)

    def fails(*_args: Any, **_choices: Any) -> Any:
        raise RuntimeError("no such luck")

    monkeypatch.setattr(reading.window.presenter, "present", fails)
    before = pane.grab().toImage()
    pane.repaint()
    pane.repaint()
    settle()
    assert len(told) == 1
    monkeypatch.setattr(reading.window.presenter, "present", present)
    assert pane.grab().toImage() != before
    perform(reading.context, "view.next_image")
    settle()


def test_planes_that_moved_while_nobody_looked_wait_as_one_change(reading: Program) -> None:
    context, scene = reading.context, reading.window.grid.scene
    context.viewing.set(enlarged="axial")
    settle()
    for _ in range(20):
        context.viewing.scroll(context.need_picture(), "axial", 1)
    assert len([key for key, _ in scene._changes if key == "planes"]) == 1


def test_the_first_image_is_told_before_the_others_are_read(
    program: Program, study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = program.context.pictures
    read, order = pictures.read, []

    def noted(key: str, ticket: Ticket, **choices: Any) -> Any:
        order.append(f"read {choices.get('most')}")
        return read(key, ticket, **choices)

    monkeypatch.setattr(pictures, "read", noted)
    pictures.changed.connect(
        lambda key: order.append(f"told {int(_n_read(program))}" if key else "")
    )
    perform(program.context, "file.open_paths", paths=(study,))
    wait_for_jobs(program, 120, "opening")
    # The first one comes with the headers.
    assert [word for word in order if word] == ["told 1", "read None", "told 40"]


def test_the_others_are_read_once_the_first_image_is_painted(
    program: Program, study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures, pane = program.context.pictures, program.window.grid.slices["axial"]
    read, seen = pictures.read, []

    def noted(key: str, ticket: Ticket, **choices: Any) -> Any:
        seen.append(pane.presented is not None)
        return read(key, ticket, **choices)

    monkeypatch.setattr(pictures, "read", noted)
    perform(program.context, "file.open_paths", paths=(study,))
    wait_for_jobs(program, 120, "opening")
    assert seen == [True]


def test_a_first_image_that_cannot_be_read_is_tried_again_and_told(
    program: Program, study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_given: Any, **_choices: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("viewer.actions.file.decode", broken)
    perform(program.context, "file.open_paths", paths=(study,))
    wait_for_jobs(program, 120, "opening")
    assert program.context.need_picture().is_loaded
    assert not [n for n in program.door.notices if n.kind == "fault"]


def _n_read(program: Program) -> int:
    return int(program.context.need_picture().loaded_k.sum())


def test_the_collector_works_again_after_the_start() -> None:
    with undisturbed():
        assert not gc.isenabled()
    assert gc.isenabled()
    gc.unfreeze()
