"""Parts of the benchmark that need no window: scanning, reading, the library."""

import os
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from viewer.domain.study import Patient, Series, Study
from viewer.intake.decode import allocate, decode
from viewer.intake.scan import scan
from viewer.jobs.job import Ticket
from viewer.library.index import Library, SeenSeries

_HEAD_BYTES = 8192
_ROUNDS = 5
_N_STUDIES = 10_000


def _median_ms(*calls: Callable[[], object], rounds: int = _ROUNDS) -> list[float]:
    """Return the median milliseconds of each call; they take turns."""
    found: list[list[float]] = [[] for _ in calls]
    for _ in range(rounds):
        for call, times in zip(calls, found, strict=True):
            started = time.perf_counter()
            call()
            times.append((time.perf_counter() - started) * 1000)
    return [round(statistics.median(times), 3) for times in found]


def scan_figures(folder: Path, files: Sequence[Path]) -> dict[str, Any]:
    """Return ms for scanning a folder beside reading the first 8 KiB of each file."""

    def read() -> None:
        for path in files:
            number = os.open(path, os.O_RDONLY)
            os.read(number, _HEAD_BYTES)
            os.close(number)

    scan([folder])
    limit_ms, scan_ms = _median_ms(read, lambda: scan([folder]))
    return {
        "scan_ms": scan_ms,
        "scan_limit_ms": limit_ms,
        "scan_ratio": round(scan_ms / max(limit_ms, 1e-3), 2),
    }


def load_figures(folder: Path, files: Sequence[Path]) -> dict[str, Any]:
    """Return ms for reading all slices beside reading the files' bytes into the same volume."""
    (source,) = scan([folder]).pictures
    picture = allocate(source)
    flat = picture.stored.reshape(len(files), -1).view(np.uint8)

    def read() -> None:
        for path, target in zip(files, flat, strict=True):
            number = os.open(path, os.O_RDONLY)
            offset = os.fstat(number).st_size - target.nbytes
            os.preadv(number, [target.data], max(offset, 0))
            os.close(number)

    def load() -> None:
        picture.loaded_k[:] = False
        decode(source, picture, Ticket())

    # The first touch of fresh memory is the system's affair: both write where pages are already.
    read()
    limit_ms, load_ms = _median_ms(read, load, rounds=3)
    return {
        "load_ms": load_ms,
        "load_limit_ms": limit_ms,
        "load_ratio": round(load_ms / max(limit_ms, 1e-3), 2),
    }


def library_figures(folder: Path) -> dict[str, Any]:
    """Return ms from a keystroke to the list at 10,000 studies, and us for each noted series."""
    library = Library(folder / "library.sqlite")
    seen = [_study(number) for number in range(_N_STUDIES)]
    started = time.perf_counter()
    library.add(seen, ["/data"])
    insert_us = (time.perf_counter() - started) / len(seen) * 1e6
    words = [one.patient.name.split("^")[0].casefold() for one in seen]
    limit_ms, hits_ms, misses_ms = _median_ms(
        lambda: [word for word in words if "family77" in word],
        lambda: library.search("family77", 60),
        lambda: library.search("nobody at all", 60),
    )
    return {
        "library_insert_us": round(insert_us, 1),
        "library_search_ms": hits_ms,
        "library_search_without_hit_ms": misses_ms,
        "library_list_in_memory_ms": limit_ms,
    }


def _study(number: int) -> SeenSeries:
    return SeenSeries(
        Patient(f"Family{number % 500}^Given{number}", f"P{number:06d}", "", "19700101", "F"),
        Study(f"1.2.{number}", f"2026{number % 12 + 1:02d}15", "", "CT chest", f"A{number}"),
        Series(f"1.2.{number}.1", 1, "CT", "Lung 1.0", "CHEST"),
        300,
    )
