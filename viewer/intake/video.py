"""Frames of video streams (MPEG-2, MPEG-4 AVC/H.264, HEVC/H.265), decoded by OpenCV's FFmpeg.

Frames of a video lean on each other, so a stream is decoded once, from its beginning, in a process
of its own: a stream that is made to crash a decoder costs one file.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from viewer.errors import Damaged, OutOfResources
from viewer.intake.layout import Layout
from viewer.intake.video_frames import OTHER_SIZE

_PREFIX = "1.2.840.10008.1.2.4."
_NUMBERS = range(100, 109)
_START_S, _FRAME_S = 30.0, 0.5
_KEPT_FREE_BYTES = 500_000_000
_COPY_AGAIN = "Copy the file again from its source."


def is_video(syntax: str) -> bool:
    """Whether a transfer syntax is one of MPEG-2, H.264 or H.265, in one piece or fragmentable."""
    tail = syntax.removeprefix(_PREFIX).split(".")[0]
    return syntax.startswith(_PREFIX) and tail.isdigit() and int(tail) in _NUMBERS


class Video:
    """The frames of one stream, on disk until it is closed."""

    def __init__(self, stream: bytes, layout: Layout, n_frames: int) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="negatoscope-video-")
        try:
            self._frames = _decoded(Path(self._folder.name), stream, layout, n_frames)
        except BaseException:
            self._folder.cleanup()
            raise

    def frame(self, index: int) -> NDArray[np.uint8]:
        """Return frame ``index`` (rows, columns, 3) as RGB.

        Raises
        ------
        Damaged
            The stream ends before it.
        """
        if index >= len(self._frames):
            raise Damaged(f"The video ends after {len(self._frames)} frames.", remedy=_COPY_AGAIN)
        return np.array(self._frames[index])

    def close(self) -> None:
        """Delete the frames."""
        self._frames = np.zeros((0, 0, 0, 3), dtype=np.uint8)
        self._folder.cleanup()


def _decoded(folder: Path, stream: bytes, layout: Layout, n_frames: int) -> NDArray[np.uint8]:
    frame_bytes = layout.rows * layout.columns * 3
    free = shutil.disk_usage(folder).free - _KEPT_FREE_BYTES
    if n_frames * frame_bytes > free:
        raise OutOfResources(
            f"The video's {n_frames} frames need {n_frames * frame_bytes / 1e9:.1f} GB on disk.",
            remedy="Make room for temporary files.",
        )
    source, frames = folder / "stream", folder / "frames"
    source.write_bytes(stream)
    words = [str(source), str(frames), str(layout.rows), str(layout.columns), str(n_frames)]
    command = [sys.executable, "-m", "viewer.intake.video_frames", *words]
    try:
        ended = subprocess.run(  # noqa: S603 - our own module, on our own files
            command,
            cwd=Path(__file__).parents[2],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_START_S + _FRAME_S * n_frames,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise Damaged("The video takes far too long to decode.", remedy=_COPY_AGAIN) from error
    if ended.returncode == OTHER_SIZE:
        raise Damaged("The video has another size than its header says.", remedy=_COPY_AGAIN)
    if ended.returncode != 0:
        raise Damaged("The video cannot be decoded.", remedy=_COPY_AGAIN)
    n_there = frames.stat().st_size // frame_bytes
    return np.memmap(frames, np.uint8, "r", shape=(n_there, layout.rows, layout.columns, 3))
