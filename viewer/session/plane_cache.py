"""Enhanced planes and what came between their steps: kept within a bound of bytes, by any thread."""

import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from viewer.domain.chain import Step

CACHE_BYTES = 256 * 2**20


@dataclass(frozen=True, eq=False)
class Histogram:
    """How often values occur before and after: ``edges`` (n + 1) in the unit, shares (n) each."""

    edges: NDArray[np.float64]
    before: NDArray[np.float64]
    after: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Computed:
    """A plane after its chain (h, w), how long it took, and which steps failed.

    ``is_coarse``: made of every n-th pixel, and stretched.
    """

    values: NDArray[np.float32]
    elapsed_ms: float
    failures: tuple[tuple[Step, str], ...] = ()
    is_coarse: bool = False
    histogram: Histogram | None = None


class PlaneCache:
    """Least recently used out first; any thread may ask."""

    def __init__(self, limit_bytes: int = CACHE_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self._n_bytes = 0
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, Computed] = OrderedDict()

    @property
    def n_bytes(self) -> int:
        """How much is kept now."""
        return self._n_bytes

    def get(self, key: Hashable) -> Computed | None:
        """Return what was kept, or None."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def put(self, key: Hashable, found: Computed) -> None:
        """Keep it, and let go of the oldest until the bound holds.

        The newest one stays also beyond the bound: whoever paints it would else have it computed
        again and again.
        """
        with self._lock:
            older = self._kept.pop(key, None)
            self._n_bytes += found.values.nbytes - (older.values.nbytes if older else 0)
            self._kept[key] = found
            while self._n_bytes > self._limit_bytes and len(self._kept) > 1:
                _, oldest = self._kept.popitem(last=False)
                self._n_bytes -= oldest.values.nbytes

    def clear(self) -> None:
        """Let go of everything."""
        with self._lock:
            self._kept.clear()
            self._n_bytes = 0
