"""How long a tile takes: in the chosen engine, in torch, and with all that the pipeline does."""

import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.domain.card import NetworkCard
from viewer.domain.geometry import Grid
from viewer.domain.volume import ValueMap
from viewer.inference.backend import Backend
from viewer.inference.handover import Scan
from viewer.inference.pipeline import find
from viewer.inference.predictor import Engine
from viewer.inference.worker.engines import Forms, engine_for
from viewer.inference.worker.orders import Orders

_SPACING_MM = (0.7, 0.7, 2.5)
_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")


def timed(
    card: NetworkCard, forms: Forms, shape_kji: tuple[int, int, int], rounds: int, orders: Orders
) -> dict[str, Any]:
    """Return medians of wall and processor milliseconds by engine, and the pipeline's share.

    The engines take turns on the same tile. ``pipeline_ratio`` is the time from the first tile to the
    last over the time that the engine itself took in that very run; ``peak_mb`` is what the run took
    above what the process held before (None where the system does not tell).
    """
    chosen, _ = engine_for(card, forms, Backend(), orders)
    torch, _ = engine_for(card, forms, Backend(engine="torch", device="cpu"), orders)
    tile = np.random.default_rng(1).random((1, 1, *card.tile_kji), dtype=np.float32)
    engines = {"engine": chosen, "torch": torch}
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in engines}
    for engine in engines.values():
        engine.begin()
        engine.predict(tile)
    for n in range(rounds):
        orders.report(0.5 * n / rounds, "timing tiles")
        for name, engine in engines.items():
            found[name].append(_one(engine, tile))
    walls, used = (
        {name: round(statistics.median(t[at] for t in times), 1) for name, times in found.items()}
        for at in (0, 1)
    )
    return {
        "engine": chosen.name,
        "device": chosen.device,
        "tile_ms": walls["engine"],
        "torch_tile_ms": walls["torch"],
        "tile_cpu_ms": used["engine"],
        "torch_tile_cpu_ms": used["torch"],
        **_pipeline(card, chosen, shape_kji, orders),
    }


def _one(engine: Engine, tile: NDArray[np.float32]) -> tuple[float, float]:
    wall_s, used_s = time.perf_counter(), time.process_time()
    engine.predict(tile)
    return (time.perf_counter() - wall_s) * 1000, (time.process_time() - used_s) * 1000


class _Watched:
    """An engine, and how long it was at work."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.device = engine.device
        self.spent_s: list[float] = []

    def predict(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        started_s = time.perf_counter()
        logits = self._engine.predict(batch)
        self.spent_s.append(time.perf_counter() - started_s)
        return logits


def _pipeline(
    card: NetworkCard, engine: Engine, shape_kji: tuple[int, int, int], orders: Orders
) -> dict[str, Any]:
    scan = _scan(shape_kji, card.modality)
    watched = _Watched(engine)
    tiles_s: list[float] = []

    def report(fraction: float, text: str) -> None:
        orders.report(0.5 + 0.5 * fraction, text)
        if text.startswith("tile") or (tiles_s and not text.startswith("tile")):
            tiles_s.append(time.perf_counter())

    before_mb = _forget_peak()
    started_s = time.perf_counter()
    find(scan, card, watched, report)
    total_s = time.perf_counter() - started_s
    peak_mb = _peak_mb()
    spent_s = sum(watched.spent_s)
    n_tiles = len(watched.spent_s)
    return {
        "n_tiles": n_tiles,
        "pipeline_tile_ms": round((tiles_s[n_tiles] - tiles_s[0]) * 1000 / n_tiles, 1),
        "pipeline_ratio": round((tiles_s[n_tiles] - tiles_s[0]) / spent_s, 3),
        "whole_s": round(total_s, 2),
        "whole_ratio": round(total_s / spent_s, 3),
        "peak_mb": None if peak_mb is None or before_mb is None else round(peak_mb - before_mb),
    }


def _scan(shape_kji: tuple[int, int, int], modality: str) -> Scan:
    """Return soft tissue with noise everywhere, so that no tile is left out as air."""
    random = np.random.default_rng(2)
    plane = random.integers(-100, 100, shape_kji[1:], dtype=np.int16)
    stored = np.broadcast_to(plane, shape_kji).copy()
    grid = Grid.from_axes(shape_kji, spacing_ijk_mm=_SPACING_MM)
    quantity = ValueMap.identity(shape_kji[0], "[hnsf'U]", "HU")
    return Scan(stored, grid, quantity, modality)


def _forget_peak() -> float | None:
    """Let the system count the peak of memory from now on; return what is held now, in MB."""
    if sys.platform != "linux":
        return None
    try:
        _CLEAR.write_text("5", encoding="ascii")
    except OSError:
        return None
    return _from_status("VmRSS")


def _peak_mb() -> float | None:
    return _from_status("VmHWM") if sys.platform == "linux" else None


def _from_status(name: str) -> float | None:
    for line in _STATUS.read_text(encoding="ascii").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    return None
