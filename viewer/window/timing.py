"""Times one window for ``negatoscope bench``: run as a process of its own, prints JSON.

``python -m viewer.window.timing bare FILE`` shows one slice in a bare Qt window: the limit.
``python -m viewer.window.timing program FOLDER`` opens the program on a series.
"""

import json
import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from viewer.window.loading import undisturbed

_PANE_PX = 1024
_FRAMES = 200


def _percentiles(values_ms: list[float]) -> dict[str, float]:
    ordered = sorted(values_ms)
    return {
        "median": round(statistics.median(ordered), 3),
        "p95": round(ordered[int(len(ordered) * 0.95) - 1], 3),
    }


def _timed(*calls: Callable[[], Any], n: int = _FRAMES) -> list[dict[str, float]]:
    """Return the percentiles of each call's milliseconds; they take turns, so load meets them all."""
    found: list[list[float]] = [[] for _ in calls]
    for _ in range(n):
        for call, times in zip(calls, found, strict=True):
            started = time.perf_counter()
            call()
            times.append((time.perf_counter() - started) * 1000)
    return [_percentiles(times) for times in found]


def bare(path: Path) -> dict[str, Any]:
    """Show the first slice of a raw CT file in a bare window; return when it was painted."""
    from PySide6.QtGui import QImage, QPainter, QPaintEvent
    from PySide6.QtWidgets import QApplication, QWidget

    app = QApplication([])
    data = np.fromfile(path, dtype="<u2")[-512 * 512 :].reshape(512, 512)
    grey = np.ascontiguousarray(
        np.clip((data.astype(np.int32) - 824) // 2, 0, 255).astype(np.uint8)
    )
    painted: list[float] = []

    class Bare(QWidget):
        def paintEvent(self, _event: QPaintEvent) -> None:
            painter = QPainter(self)
            image = QImage(grey.data, 512, 512, 512, QImage.Format.Format_Grayscale8)
            painter.drawImage(self.rect(), image)
            painter.end()
            painted.append(time.time())

    window = Bare()
    window.resize(1600, 1000)
    window.show()
    while not painted:
        app.processEvents()
    return {"first_picture_at": painted[0], **_memory()}


def _memory() -> dict[str, float]:
    return {"peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)}


def program(folder: Path) -> dict[str, Any]:
    """Open the program on ``folder``; return when the first picture was painted, and frames."""
    with undisturbed():
        from viewer.window.driving import wait_for_jobs, wait_until
        from viewer.window.start import Program, make_app

    make_app()
    running = Program()
    running.window.show()
    running.window.performing.perform("file.open_paths", paths=(folder,))
    pane = running.window.grid.slices["axial"]

    def is_painted() -> bool:
        picture = running.context.picture
        if picture is None or pane.presented is None:
            return False
        k = pane.presented.section.k
        return k is not None and bool(picture.loaded_k[k])

    wait_until(is_painted, 120, "The first picture")
    at = time.time()
    loaded = sorted(
        set(sys.modules) & {"torch", "vtkmodules.all", "skimage", "SimpleITK", "pyqtgraph"}
    )
    wait_for_jobs(running, 300, "Reading")
    read_at = time.time()
    frames = _frames(running)
    result = {
        "first_picture_at": at,
        "all_read_at": read_at,
        "heavy_modules_at_first_picture": loaded,
        **frames,
        **_memory(),
    }
    running.close()
    return result


def _frames(running: Any) -> dict[str, Any]:
    """Return ms per scrolled frame and per window change at 1024 x 1024, beside a plain blit."""
    from PySide6.QtGui import QImage, QPainter

    from viewer.domain.volume import Window
    from viewer.window.driving import settle

    context, pane = running.context, running.window.grid.slices["axial"]
    picture = context.need_picture()
    context.viewing.set(enlarged="axial")
    settle()
    pane.setFixedSize(_PANE_PX, _PANE_PX)
    settle()
    image = QImage(_PANE_PX, _PANE_PX, QImage.Format.Format_RGB32)
    source = QImage(_PANE_PX, _PANE_PX, QImage.Format.Format_RGB32)
    source.fill(0)

    def blit() -> None:
        painter = QPainter(image)
        painter.drawImage(0, 0, source)
        painter.end()

    steps = iter(range(10_000))

    def scroll() -> None:
        context.viewing.scroll(picture, "axial", 1 if next(steps) % 80 < 40 else -1)
        pane.repaint()

    def window() -> None:
        at = next(steps)
        context.viewing.set_window(picture, Window(40 + at % 50, 400 + at % 90))
        pane.repaint()

    limit, scrolled, windowed = _timed(blit, scroll, window)
    ground = max(limit["median"], 1e-3)
    return {
        "blit_1024_ms": limit,
        "scroll_1024_ms": scrolled,
        "window_1024_ms": windowed,
        "scroll_p95_ratio": round(scrolled["p95"] / ground, 2),
        "window_p95_ratio": round(windowed["p95"] / ground, 2),
        "volume_mb": round(picture.stored.nbytes / 2**20, 1),
    }


if __name__ == "__main__":
    what = bare if sys.argv[1] == "bare" else program
    sys.stdout.write(json.dumps(what(Path(sys.argv[2]))) + "\n")
