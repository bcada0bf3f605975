"""Decodes one video stream to RGB frames in a file; run as a process of its own.

``python -m viewer.intake.video_frames STREAM FRAMES ROWS COLUMNS N`` writes at most N frames, each
rows x columns x 3 bytes, and exits with 0; with 2 where the stream has another size, with 3 where
nothing could be decoded. A hostile stream can end this process, not the program.
"""

import os
import sys
from pathlib import Path

# Streams as DICOM knows them (PS3.5 8.2.5-8.2.10), and nothing that names further files: a play list
# would make the decoder open what it names.
_FORMATS = "mpegts,mpeg,mpegvideo,mov,mp4,h264,hevc"
_OPTIONS = f"protocol_whitelist;file|format_whitelist;{_FORMATS}"
OTHER_SIZE, NOTHING = 2, 3


def main(stream: str, frames: str, rows: int, columns: int, n_frames: int) -> int:
    """Write the frames; return the exit code."""
    os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = _OPTIONS
    import cv2

    cv2.setNumThreads(1)
    video = cv2.VideoCapture(stream, cv2.CAP_FFMPEG)
    n_written = 0
    with Path(frames).open("wb") as out:
        while n_written < n_frames:
            is_there, frame = video.read()
            if not is_there:
                break
            if frame.shape != (rows, columns, 3):
                return OTHER_SIZE
            out.write(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB).tobytes())
            n_written += 1
    video.release()
    return 0 if n_written else NOTHING


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1], sys.argv[2], *(int(word) for word in sys.argv[3:])))
