"""The painting part of the benchmark: brush events, strokes, undo, and what history costs.

Without a window: an event is the tool's answer and the composed pixels and primitives of three
planes of a 2 x 2 layout; painting these takes 0.2 to 1.5 ms a pane (performance.md 4).
"""

import time
from typing import Any

import numpy as np

from viewer.domain.geometry import Grid
from viewer.domain.segmentation import Origin, OriginKind, Segment, Segmentation
from viewer.domain.study import Identity, Patient, Series, Study
from viewer.domain.volume import Display, Picture, ValueMap, Volume, Window
from viewer.session.edits import AddSegmentation
from viewer.session.presentation import Presenter
from viewer.session.session import Session
from viewer.session.viewing import Viewing
from viewer.tools.base import ToolScene, ToolSettings
from viewer.tools.brush import Brush
from viewer.tools.pointer import PointerEvent, PointerKind

# Issue 11, "Budgets".
TARGETS = {
    "brush_event_p95_ms": 16.0,
    "stroke_commit_p95_ms": 30.0,
    "stroke_undo_p95_ms": 50.0,
    "hundred_strokes_mb": 20.0,
}
_PANES = ("axial", "coronal", "sagittal")
_PANE_PX = (640, 480)
_EVENTS = 12
_RADIUS_MM = 8.0


def segment_figures(size: int = 512, strokes: int = 100) -> dict[str, Any]:
    """Return p95 ms of brush events, commits and undos on ``size``³, and MB of the history."""
    picture = bench_picture(size)
    session, viewing = Session(), Viewing()
    for pane in _PANES:
        viewing.resize_pane(pane, _PANE_PX)
    viewing.show(picture)
    layer = Segmentation(
        "1.2",
        "Bench",
        picture.key,
        picture.grid,
        np.zeros(picture.grid.shape_kji, dtype=np.uint8),
        (Segment(1, "Bench", (230, 159, 0)),),
        Origin(OriginKind.HAND),
    )
    session.apply(AddSegmentation.of(layer))
    viewing.set(segmentation_uid=layer.uid, segment_number=1, tool="brush")
    presenter = Presenter(session, viewing, {})
    events: list[float] = []
    commits: list[float] = []
    n_bytes = 0
    for number in range(strokes):
        n_bytes += _stroke(number, (picture, session, viewing, presenter), events, commits)
    undos = []
    for _ in range(min(strokes, 40)):
        started = time.perf_counter()
        session.undo()
        _present(picture, presenter)
        undos.append((time.perf_counter() - started) * 1000)
    return {
        "brush_event_p95_ms": _p95(events),
        "stroke_commit_p95_ms": _p95(commits),
        "stroke_undo_p95_ms": _p95(undos),
        "hundred_strokes_mb": round(n_bytes / strokes * 100 / 2**20, 2),
    }


def _stroke(
    number: int,
    shown: tuple[Picture, Session, Viewing, Presenter],
    events: list[float],
    commits: list[float],
) -> int:
    """Draw one stroke; note the times; return the bytes of its edit."""
    picture, session, viewing, presenter = shown
    rng = np.random.default_rng(number)
    plane = viewing.look.planes["axial"]
    start, step = rng.uniform(150, 330, 2), rng.uniform(-8, 8, 2)
    tool = Brush()
    n_bytes = 0
    for n in range(_EVENTS):
        kind: PointerKind = "press" if n == 0 else "release" if n == _EVENTS - 1 else "move"
        x, y = start + step * n
        scene = ToolScene(
            picture,
            session.state.segmentations[0],
            1,
            settings=ToolSettings(_RADIUS_MM, sphere=True),
            revision=session.revision,
        )
        started = time.perf_counter()
        answer = tool.handle(PointerEvent(kind, float(x), float(y), plane), scene)
        if answer.edit is not None:
            session.apply(answer.edit)
            commits.append((time.perf_counter() - started) * 1000)
            difference = getattr(answer.edit, "difference", None)
            n_bytes = len(difference.bits.data) if difference is not None else 0
        _present(picture, presenter, answer.preview)
        if kind == "move":
            events.append((time.perf_counter() - started) * 1000)
    return n_bytes


def _present(picture: Picture, presenter: Presenter, preview: Any = ()) -> None:
    for pane in _PANES:
        presenter.present(picture, pane, preview=preview if pane == "axial" else ())


def bench_picture(size: int) -> Picture:
    """Return a CT of ``size``³ voxels of 0.7 mm, noise in blocks."""
    tile = np.random.default_rng(7).normal(40, 30, (size, size)).astype(np.int16)
    values = np.empty((size, size, size), dtype=np.int16)
    for k in range(size):
        values[k] = np.roll(tile, 3 * k, axis=1)
    return Volume(
        "1.1",
        values,
        Grid.from_axes((size, size, size), spacing_ijk_mm=(0.7, 0.7, 0.7)),
        ValueMap.identity(size, "[hnsf'U]", "HU"),
        Display((Window(40, 400),)),
        Identity(Patient(), Study("1"), Series("1.1", 1, "CT"), ()),
    )


def _p95(times: list[float]) -> float:
    return round(float(np.percentile(times, 95)), 2)
