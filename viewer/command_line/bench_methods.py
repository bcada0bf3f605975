"""The methods' part of the benchmark: previews and regions beside limits of the same run.

A ratio to a limit that was measured a moment before, on the same machine, says more than
milliseconds: the limit of a preview is one pass over memory, of a region one labelling of the volume
(``scipy.ndimage.label``), of grow-cut a labelling of its box.
"""

import time
from dataclasses import replace
from typing import Any

import numpy as np

from viewer.actions.registry import perform
from viewer.command_line.bench_segment import bench_picture
from viewer.command_line.host import command_context
from viewer.domain.geometry import Grid
from viewer.domain.method_text import MethodCall
from viewer.domain.segmenters import SegmentRequest
from viewer.domain.volume import Picture, ValueMap
from viewer.extensions.discover import load_extensions
from viewer.imaging.method_run import MethodRun, run_method
from viewer.imaging.segmenting import segmented
from viewer.jobs.job import Ticket

# Issue 11, "Budgets".
TARGETS = {"threshold_preview_ms": 30.0, "region_first_ms": 1000.0, "grow_cut_ms": 1000.0}
_ROUNDS = 5


def method_figures(size: int = 512, slices: int = 300, box: int = 128) -> dict[str, Any]:
    """Return ms of previews, regions and grow-cut, and their ratios to limits of this run."""
    picture = _with_ball(bench_picture(size), slices)
    found = {**_preview(picture), **_region(picture), **_grow_cut(box)}
    return {name: round(value, 2) for name, value in found.items()}


def _with_ball(picture: Picture, slices: int) -> Picture:
    """Return the first slices with a ball of 150 HU more that a click can grow into."""
    n, size = min(slices, picture.grid.shape_kji[0]), picture.grid.shape_kji[1]
    stored = picture.stored[:n].copy()
    j, i = np.ogrid[:size, :size]
    for k in range(n):
        inside = (k - n / 2) ** 2 + (j - size / 2) ** 2 + (i - size / 2) ** 2 < (0.2 * size) ** 2
        stored[k][inside] = stored[k][inside] // 4 + 150
    grid = Grid.from_axes(stored.shape, spacing_ijk_mm=(0.7, 0.7, 0.7))
    quantity = ValueMap.identity(n, "[hnsf'U]", "HU")
    loaded = np.ones(n, dtype=bool)
    return replace(picture, stored=stored, grid=grid, quantity=quantity, loaded_k=loaded)


def _preview(picture: Picture) -> dict[str, float]:
    """Time from a moved threshold to the layer of the three shown planes."""
    with command_context() as context:
        context.pictures.loaded[picture.key] = picture
        context.viewing.show(picture)
        context.jobs.close()  # the shown planes alone: the volume follows in a job
        perform(context, "method.choose", method="threshold")
        times = []
        for n in range(_ROUNDS):
            started = time.perf_counter()
            perform(context, "method.set", parameter="low", value=100.0 + n)
            times.append((time.perf_counter() - started) * 1000)
    planes = picture.stored[0], picture.stored[:, 0], picture.stored[:, :, 0]
    started = time.perf_counter()
    for plane in planes:
        (plane.astype(np.float32) > 100).any()
    limit = (time.perf_counter() - started) * 1000
    best = float(np.median(times))
    return {"threshold_preview_ms": best, "threshold_preview_ratio": best / max(limit, 1e-3)}


def _region(picture: Picture) -> dict[str, float]:
    from scipy import ndimage

    methods = load_extensions().segmenters
    nk, nj, ni = picture.grid.shape_kji
    x, y, z = picture.grid.world((ni / 2, nj / 2, nk / 2)).tolist()
    call = MethodCall("region_growing", (("tolerance", 60.0),), ((x, y, z),))
    firsts: list[float] = []
    started = time.perf_counter()

    def watch(_part: MethodRun) -> bool:
        firsts.append((time.perf_counter() - started) * 1000)
        return True

    run_method(picture, call, methods, Ticket(), watch=watch)
    whole = (time.perf_counter() - started) * 1000
    started = time.perf_counter()
    ndimage.label(picture.stored > 100)
    limit = (time.perf_counter() - started) * 1000
    return {
        "region_first_ms": firsts[0] if firsts else whole,
        "region_ms": whole,
        "region_ratio": whole / limit,
    }


def _grow_cut(box: int) -> dict[str, float]:
    from scipy import ndimage

    rng = np.random.default_rng(11)
    squares = sum((axis - box / 2) ** 2 for axis in np.ogrid[:box, :box, :box])
    values = np.where(squares < (0.3 * box) ** 2, 100.0, 0.0) + rng.normal(0, 20, (box,) * 3)
    middle = box // 2
    inside = tuple((middle, middle, i) for i in range(box // 3, 2 * box // 3))
    outside = tuple((2, 2, i) for i in range(2, box - 2))
    request = SegmentRequest(values.astype(np.float32), (1.0, 1.0, 1.0), "1", "CT", inside, outside)
    method = load_extensions().segmenters["grow_cut"]
    started = time.perf_counter()
    segmented(request, method, {"margin_mm": float(box)}, Ticket())
    taken = (time.perf_counter() - started) * 1000
    started = time.perf_counter()
    ndimage.label(values > 50)
    limit = (time.perf_counter() - started) * 1000
    return {"grow_cut_ms": taken, "grow_cut_ratio": taken / limit}
