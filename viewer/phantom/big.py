"""Large series for benchmarks: a small chest, enlarged."""

from pathlib import Path

import numpy as np

from viewer.domain.geometry import Grid
from viewer.phantom.chest import make_chest
from viewer.phantom.dicom import write_series


def write_big_ct(
    folder: Path, shape_kji: tuple[int, int, int] = (500, 512, 512)
) -> tuple[Path, ...]:
    """Write a CT series of any size quickly: every slice differs, anatomy repeats its detail."""
    import cv2

    small = make_chest(2, shape_kji=(64, 128, 128), spacing_ijk_mm=(2.9, 2.9, 4.3))
    n_k, n_j, n_i = shape_kji
    values = np.empty(shape_kji, dtype=np.int16)
    rng = np.random.default_rng(5)
    grain = rng.normal(0, 14, (n_j + 64, n_i + 64)).astype(np.int16)
    for k in range(n_k):
        at = k * (len(small.values_hu) - 1) / max(1, n_k - 1)
        plane = cv2.resize(small.values_hu[int(at)], (n_i, n_j), interpolation=cv2.INTER_LINEAR)
        # 4096 places for the grain, each taken once before the first comes again.
        y, x = divmod(k * 1597 % 4096, 64)
        values[k] = np.clip(plane + grain[y : y + n_j, x : x + n_i], -1024, 3071)
    spacing = (371.0 / n_i, 371.0 / n_j, 275.0 / n_k)
    grid = Grid.from_axes(shape_kji, spacing_ijk_mm=spacing, origin_lps_mm=(-185, -185, -140))
    return write_series(values, grid, folder, seed=90)
