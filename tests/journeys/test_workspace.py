"""A workspace is saved, other work is done, and the workspace brings everything back."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from tests.session.scribble import fingerprint
from viewer.__main__ import main
from viewer.actions.registry import perform
from viewer.domain.volume import Window
from viewer.window.driving import settle, wait_for_jobs
from viewer.window.start import Program

_LONG_S = 60.0


def points_about(program: Program, *offsets_mm: tuple[float, float, float]) -> Sequence[object]:
    centre = program.context.need_picture().grid.centre_lps_mm
    return [centre + np.array(offset) for offset in offsets_mm]


def worked(program: Program) -> None:
    """Measure, paint, filter and look somewhere."""
    context = program.context
    distance = points_about(program, (0, 0, 0), (9, 0, 0))
    perform(context, "measure.add", kind="distance", points_lps_mm=distance)
    circle = points_about(program, (0, 0, 0), (9, 0, 0), (0, 9, 0))
    perform(context, "measure.add", kind="ellipse", points_lps_mm=circle)
    perform(context, "enhance.add", filter="median")
    perform(context, "edit.undo")
    picture = context.need_picture()
    context.viewing.set_window(picture, Window(-600.0, 1200.0))
    context.viewing.scroll(picture, "axial", 5)
    context.viewing.set(enlarged="axial")
    settle()


def test_a_workspace_brings_back_state_history_and_look(reading: Program, tmp_path: Path) -> None:
    program, context, place = reading, reading.context, tmp_path / "mine.negatoscope"
    worked(program)
    session, look = context.session, context.viewing.look
    state, history, undone = fingerprint(session.state), session.history, session.undone
    perform(context, "file.save_workspace", path=place)
    wait_for_jobs(program, _LONG_S, "saving")
    assert context.door.notices[-1].text.startswith("Saved mine.negatoscope")  # type: ignore[attr-defined]

    session.go_to(0)
    perform(context, "file.close")
    perform(context, "file.open_workspace", path=place)
    wait_for_jobs(program, _LONG_S, "opening")
    settle()
    again = context.viewing.look
    assert fingerprint(session.state) == state
    assert (session.history, session.undone) == (history, undone)
    assert again.windows[look.picture_key] == Window(-600.0, 1200.0)
    assert (again.picture_key, again.enlarged) == (look.picture_key, "axial")
    np.testing.assert_allclose(
        again.planes["axial"].origin_lps_mm, look.planes["axial"].origin_lps_mm, atol=1e-9
    )
    session.undo()
    assert session.redo_name == history[-1]


def test_work_after_opening_goes_into_another_file(reading: Program, tmp_path: Path) -> None:
    program, context, place = reading, reading.context, tmp_path / "mine.negatoscope"
    perform(context, "file.save_workspace", path=place)
    wait_for_jobs(program, _LONG_S, "saving")
    before = place.read_bytes()
    perform(context, "file.open_workspace", path=place)
    wait_for_jobs(program, _LONG_S, "opening")
    worked(program)
    assert context.session.flush()
    assert place.read_bytes() == before
    assert context.session.journal is not None
    assert context.session.journal.path != place


def test_a_file_that_is_no_workspace_changes_nothing(reading: Program, tmp_path: Path) -> None:
    context = reading.context
    worked(reading)
    wrong = tmp_path / "wrong.negatoscope"
    wrong.write_bytes(b"no workspace at all" * 20)
    state, journal = fingerprint(context.session.state), context.session.journal
    perform(context, "file.open_workspace", path=wrong)
    wait_for_jobs(reading, _LONG_S, "refusing")
    assert "broken" in context.door.notices[-1].text  # type: ignore[attr-defined]
    assert fingerprint(context.session.state) == state
    assert context.session.journal is journal
    assert context.picture is not None


def test_places_that_are_gone_are_named_and_the_numbers_kept(
    reading: Program, study: Path, tmp_path: Path
) -> None:
    program, context, place = reading, reading.context, tmp_path / "mine.negatoscope"
    worked(program)
    n = len(context.session.state.measurements)
    perform(context, "file.save_workspace", path=place)
    wait_for_jobs(program, _LONG_S, "saving")
    away = study.with_name("moved")
    study.rename(away)
    try:
        perform(context, "file.open_workspace", path=place)
        wait_for_jobs(program, _LONG_S, "opening")
    finally:
        away.rename(study)
    notices = context.door.notices  # type: ignore[attr-defined]
    assert any("cannot be found" in notice.text for notice in notices)
    assert len(context.session.state.measurements) == n


def test_the_history_panel_goes_to_any_step(reading: Program) -> None:
    program, context = reading, reading.context
    worked(program)
    perform(context, "edit.redo")
    perform(context, "view.history")
    settle()
    panel = program.window.history
    assert panel.isVisible()
    names = [panel.steps.item(n).text() for n in range(panel.steps.count())]
    assert names[1:] == list(context.session.history)
    assert panel.steps.currentRow() == 3
    full = fingerprint(context.session.state)
    panel.steps.itemClicked.emit(panel.steps.item(1))
    settle()
    assert len(context.session.state.measurements) == 1
    assert panel.steps.currentRow() == 1
    panel.steps.itemActivated.emit(panel.steps.item(3))
    assert fingerprint(context.session.state) == full


def test_a_replay_computes_every_number_again(
    reading: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    context = reading.context
    worked(reading)
    perform(context, "segment.new")
    assert context.session.flush()
    assert context.session.journal is not None
    path = context.session.journal.path
    before = path.read_bytes()
    assert main(["replay", str(path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert path.read_bytes() == before
    assert found["history"] == list(context.session.history)
    assert found["undone"] == list(context.session.undone)
    assert [m["again"] for m in found["measurements"]] == ["equal", "equal"]
    kept = context.session.state.measurements
    assert [m["quantities"][0]["value"] for m in found["measurements"]] == [
        m.quantities[0].value for m in kept
    ]
    assert main(["replay", str(path.with_name("none.negatoscope"))]) == 3
