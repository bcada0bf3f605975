"""``negatoscope bench``: the program beside limits measured in the same run, as ratios."""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from viewer.command_line.bench_enhance import WHOLE_GAUSSIAN_RATIO, enhance_figures
from viewer.command_line.bench_methods import TARGETS as METHOD_TARGETS
from viewer.command_line.bench_methods import method_figures
from viewer.command_line.bench_networks import TARGETS as NETWORK_TARGETS
from viewer.command_line.bench_networks import network_figures
from viewer.command_line.bench_parts import library_figures, load_figures, scan_figures
from viewer.command_line.bench_segment import TARGETS as SEGMENT_TARGETS
from viewer.command_line.bench_segment import segment_figures
from viewer.errors import ViewerError
from viewer.phantom.big import write_big_ct
from viewer.places import cache_folder

_FULL = 100  # slices; fewer try the benchmark, not the machine
# performance.md, sections 1 to 4, 11 and 12.
TARGETS = {
    "first_picture_ratio": 2.0,
    "scroll_p95_ratio": 12.0,
    "window_p95_ratio": 12.0,
    "scan_ratio": 8.0,
    "load_ratio": 1.5,
    "library_search_ms": 5.0,
    "enhance_n_over_budget": 0.0,
    "enhance_whole_gaussian_ratio": WHOLE_GAUSSIAN_RATIO,
    **NETWORK_TARGETS,
    **SEGMENT_TARGETS,
    **METHOD_TARGETS,
}


def bench(chosen: argparse.Namespace) -> dict[str, Any]:
    """Time the bare window and the program by turns on a generated CT; return medians."""
    with tempfile.TemporaryDirectory(dir=cache_folder()) as place:
        folder = Path(place) / "ct"
        say(f"writing {chosen.slices} slices of 512 x 512")
        files = write_big_ct(folder, (chosen.slices, 512, 512))
        limits, runs = [], []
        for number in range(chosen.repeats):
            say(f"round {number + 1} of {chosen.repeats}")
            limits.append(_run("bare", files[0], place))
            runs.append(_run("program", folder, place))
        say("scanning, reading, the library, the filters")
        parts = {
            **_enhance_figures(chosen.slices),
            **scan_figures(folder, files),
            **load_figures(folder, files),
            **library_figures(Path(place)),
        }
        say("a network, tile by tile")
        parts |= _network_figures(chosen.slices)
        say("painting")
        parts |= method_figures() if chosen.slices >= _FULL else method_figures(48, 24, 24)
        parts |= segment_figures() if chosen.slices >= _FULL else segment_figures(48, 3)
    return _document(limits, runs, parts, chosen)


def _enhance_figures(slices: int) -> dict[str, Any]:
    """Time the filters; on a small study (a trial of the benchmark itself) on small planes."""
    return enhance_figures() if slices >= _FULL else enhance_figures(size_px=96, rounds=2)


def _network_figures(slices: int) -> dict[str, Any]:
    """Time the demonstration network on 512 x 512 x 100, or on a small volume for a trial."""
    return (
        network_figures((100, 512, 512), 5) if slices >= _FULL else network_figures((16, 96, 96), 1)
    )


def say(text: str) -> None:
    """Tell what is going on."""
    print(text, file=sys.stderr, flush=True)


def _run(what: str, path: Path, home: str) -> dict[str, Any]:
    environment = {**os.environ, "NEGATOSCOPE_HOME": home}
    # Modules are compiled once and kept, as they are for whoever starts the program a second time.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        # Without a display both windows draw off-screen: the ratio stays a fair one.
        environment.setdefault("QT_QPA_PLATFORM", "offscreen")
        environment.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")
    started = time.time()
    done = subprocess.run(  # noqa: S603 - our own interpreter and module
        [sys.executable, "-m", "viewer.window.timing", what, str(path)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise ViewerError(f"The timed window failed: {done.stderr.strip()[-400:]}")
    result: dict[str, Any] = json.loads(done.stdout)
    result["first_picture_s"] = result["first_picture_at"] - started
    if "all_read_at" in result:
        result["all_read_s"] = result["all_read_at"] - started
    return result


def _median(rows: list[dict[str, Any]], name: str) -> float:
    return round(float(statistics.median(row[name] for row in rows)), 3)


def _is_met(value: float | None, limit: float) -> bool:
    return value is not None and value <= limit


def _document(
    limits: list[dict[str, Any]],
    runs: list[dict[str, Any]],
    parts: dict[str, Any],
    chosen: argparse.Namespace,
) -> dict[str, Any]:
    bare_s, first_s = _median(limits, "first_picture_s"), _median(runs, "first_picture_s")
    ratios: dict[str, float | None] = {
        "first_picture_ratio": round(first_s / bare_s, 2),
        "scroll_p95_ratio": _median(runs, "scroll_p95_ratio"),
        "window_p95_ratio": _median(runs, "window_p95_ratio"),
        "scan_ratio": parts["scan_ratio"],
        "load_ratio": parts["load_ratio"],
        "library_search_ms": parts["library_search_ms"],
        "enhance_n_over_budget": len(parts["enhance_over_budget"]),
        "enhance_whole_gaussian_ratio": parts["enhance_whole_gaussian_ratio"],
        **{name: parts.get(name) for name in (*NETWORK_TARGETS, *SEGMENT_TARGETS, *METHOD_TARGETS)},
    }
    volume_mb = runs[0]["volume_mb"]
    return {
        "slices": chosen.slices,
        "repeats": chosen.repeats,
        "bare_window_first_picture_s": bare_s,
        "first_picture_s": first_s,
        "all_read_s": _median(runs, "all_read_s"),
        "blit_1024_ms": runs[-1]["blit_1024_ms"],
        "scroll_1024_ms": runs[-1]["scroll_1024_ms"],
        "window_1024_ms": runs[-1]["window_1024_ms"],
        "volume_mb": volume_mb,
        "peak_mb": _median(runs, "peak_mb"),
        "peak_beyond_bare_and_volume_mb": round(
            _median(runs, "peak_mb") - volume_mb - _median(limits, "peak_mb"), 1
        ),
        "heavy_modules_at_first_picture": runs[-1]["heavy_modules_at_first_picture"],
        **parts,
        **ratios,
        "targets": TARGETS,
        "met": {name: _is_met(ratios[name], limit) for name, limit in TARGETS.items()},
    }
