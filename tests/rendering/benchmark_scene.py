"""Milliseconds of a 3-D frame: ``python -m tests.rendering.benchmark_scene [side_px]``."""

import os
import sys
import time
from collections.abc import Callable
from functools import partial
from statistics import median

import numpy as np

from viewer.domain.volume import Volume
from viewer.rendering.prepared import prepare_volume
from viewer.rendering.scene import Scene
from viewer.rendering.volume_mapper import Quality
from viewer.testing.builders import a_volume


def a_chest() -> Volume:
    """Return a torso with lungs, ribs and noise: 300 x 256 x 256 voxels."""
    builder = a_volume((300, 256, 256), spacing_ijk_mm=(1.4, 1.4, 1.1))
    z, y, x = (
        np.linspace(-1, 1, n, dtype=np.float32).reshape(shape)
        for n, shape in ((300, (-1, 1, 1)), (256, (1, -1, 1)), (256, (1, 1, -1)))
    )
    torso = (x / 0.9) ** 2 + (y / 0.6) ** 2 + 0 * z
    values = np.where(torso < 1, 40.0, -1000.0)
    values[(torso > 0.7) & (torso < 0.85) & (np.sin(z * 30 + y * 4) > 0.3)] = 600.0
    for side in (-0.4, 0.4):
        values[((x - side) / 0.32) ** 2 + (y / 0.4) ** 2 + (z / 0.8) ** 2 < 1] = -860.0
    noise = np.random.default_rng(0).normal(0, 25, values.shape)
    return builder.with_values((values + noise).astype(np.int16)).build()


def milliseconds(work: Callable[[], object]) -> float:
    """Return how long ``work`` takes."""
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1e3


def main(side_px: int) -> None:
    """Print what opening, preparing, and frames while turning and at rest take."""
    volume = a_chest()
    scene: list[Scene] = []
    rows = [("open", milliseconds(lambda: scene.append(Scene((side_px, side_px)))))]
    view = scene[0]
    prepared = prepare_volume(volume, view.max_voxels)
    rows.append(("prepare", milliseconds(lambda: prepare_volume(volume, view.max_voxels))))
    view.set_prepared(prepared)
    rows.append(("first coarse", milliseconds(lambda: view.render("coarse"))))
    rows.append(("first full", milliseconds(lambda: view.render("full"))))
    qualities: tuple[tuple[Quality, int], ...] = (("coarse", 15), ("full", 5))
    for quality, rounds in qualities:
        times = []
        for _ in range(rounds):
            view.rotate(5, 1)
            times.append(milliseconds(partial(view.render, quality)))
        rows.append((quality, median(times)))
    view.close()
    for name, duration in rows:
        sys.stdout.write(f"{name:14}{duration:8.0f} ms\n")


if __name__ == "__main__":
    os.environ.pop("DISPLAY", None)
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 512)
