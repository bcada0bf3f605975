"""Processes that are killed cost one job, or nothing."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from viewer.actions.registry import perform
from viewer.session.recovery import recover, unfinished
from viewer.window.driving import wait_for_jobs, wait_until
from viewer.window.start import Program

_CHILD = """
import os, sys
from viewer.actions.registry import perform
from viewer.window.driving import settle, wait_for_jobs
from viewer.window.start import Program, make_app
make_app()
program = Program()
program.window.show()
perform(program.context, "file.open_paths", paths=(sys.argv[1],))
wait_for_jobs(program, 120, "opening")
perform(program.context, "segment.new")
centre = program.context.need_picture().grid.centre_lps_mm
perform(program.context, "paint.stroke", points_lps_mm=[centre], radius_mm=9.0)
perform(program.context, "enhance.add", filter="median")
program.session.keep("look", program.context.viewing.look)
program.session.flush()
n = int((program.session.state.segmentations[0].labels > 0).sum())
print(n, flush=True)
os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("computing", [False, True], ids=["as it starts", "as it computes"])
def test_a_killed_worker_costs_one_job_and_one_sentence(
    program: Program, study: Path, computing: bool
) -> None:
    context = program.context
    perform(context, "file.open_paths", paths=(study,))
    wait_for_jobs(program, 120, "opening")
    job = perform(context, "ai.run", network="lesions")
    wait_until(lambda: context.supervisor.status()["pid"] is not None, 60, "the worker")
    if computing:
        wait_until(lambda: (job.progress.fraction or 0) > 0, 120, "the first tile")
    assert not job.is_over
    os.kill(context.supervisor.status()["pid"], signal.SIGKILL)
    wait_for_jobs(program, 120, "the network")
    assert not context.session.state.segmentations
    assert not context.session.can_undo
    assert "inference process" in program.door.notices[-1].text
    perform(context, "view.invert")  # the window goes on
    perform(context, "ai.run", network="lesions")
    wait_for_jobs(program, 180, "the network")
    assert context.session.state.segmentations


def test_a_cancelled_network_changes_nothing(program: Program, study: Path) -> None:
    context = program.context
    perform(context, "file.open_paths", paths=(study,))
    wait_for_jobs(program, 120, "opening")
    job = perform(context, "ai.run", network="lesions")
    wait_until(lambda: (job.progress.fraction or 0) > 0 or job.is_over, 120, "the first tile")
    job.cancel()
    wait_for_jobs(program, 30, "cancelling")
    assert not context.session.state.segmentations
    assert not context.session.can_undo


def test_a_killed_program_comes_back_with_its_undo_stack(study: Path) -> None:
    child = subprocess.run(
        [sys.executable, "-c", _CHILD, str(study)], capture_output=True, text=True, check=False
    )
    assert child.returncode == -signal.SIGKILL, child.stderr
    home = Path(os.environ["NEGATOSCOPE_HOME"])
    (left,) = unfinished(home / "data" / "sessions")
    session = recover(left)
    assert int((session.state.segmentations[0].labels > 0).sum()) == int(child.stdout)
    assert session.history == (
        "add By hand",
        "paint 18 mm on Segment 1",
        "add Median",
    )
    session.undo()
    session.undo()
    assert not session.state.segmentations[0].labels.any()
    session.close()


def test_a_recovered_program_shows_what_was_open(study: Path, qapp: object, tmp_path: Path) -> None:
    del qapp, tmp_path
    subprocess.run(
        [sys.executable, "-c", _CHILD, str(study)], capture_output=True, text=True, check=False
    )
    home = Path(os.environ["NEGATOSCOPE_HOME"])
    (left,) = unfinished(home / "data" / "sessions")
    from viewer.window.start import make_app

    make_app()
    program = Program(recover(left))
    program.window.show()
    program.restore()
    wait_for_jobs(program, 120, "restoring")
    assert program.context.need_picture().is_loaded
    assert program.context.segmentation is not None
    program.close()
