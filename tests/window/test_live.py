"""A classifier that follows the frames that are shown in the window."""

from pathlib import Path

import cv2
import numpy as np

from viewer.actions.registry import actions, perform
from viewer.window.driving import settle, wait_for_jobs, wait_until
from viewer.window.start import Program

_NETWORK = "breast_ultrasound"


def test_the_score_follows_the_frame_and_stops_when_asked_again(
    program: Program, tmp_path: Path
) -> None:
    context = program.context
    random = np.random.default_rng(1)
    for n in range(4):
        grey = random.integers(0, 255, (48, 48), dtype=np.uint8)
        assert cv2.imwrite(str(tmp_path / f"{n}.png"), grey)
    perform(context, "file.open_paths", paths=(tmp_path / "0.png",))
    wait_for_jobs(program, 60, "opening")
    picture = context.need_picture()
    perform(context, "ai.live", network=_NETWORK)
    wait_until(lambda: bool(context.image_results.of(picture.key)), 60, "the first score")
    (row,) = context.image_results.of(picture.key)
    assert row.title.endswith("(live)")
    assert "ms behind" in row.device
    perform(context, "file.open_paths", paths=(tmp_path / "1.png",))
    wait_until(lambda: context.need_picture().key != picture.key, 60, "opening another one")
    other = context.need_picture()
    wait_until(lambda: bool(context.image_results.of(other.key)), 60, "the next score")
    assert context.image_results.of(picture.key) == ()
    choices = actions()["ai.live"].choices
    assert choices is not None
    assert [c.parameters["network"] for c in choices(context) if c.ticked] == [_NETWORK]
    perform(context, "ai.live", network=_NETWORK)
    wait_for_jobs(program, 60, "stopping")
    settle()
    assert "no longer follows" in program.door.notices[-1].text
