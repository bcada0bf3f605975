"""The demonstration without a display: the whole path, by the same actions that menus trigger."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from viewer.actions.context import Context
from viewer.actions.registry import perform
from viewer.domain.ledger import LoadLedger
from viewer.domain.segmentation import Segment, Segmentation
from viewer.errors import DISCLAIMER, Conflict, InputRefused, ViewerError
from viewer.exchange.seg import read_seg
from viewer.exchange.sr import read_sr
from viewer.imaging.agreement import dice, lesion_matches
from viewer.phantom.demo import demo_folder
from viewer.phantom.truth import Truth, read_truth
from viewer.window.driving import settle, wait_for_jobs
from viewer.window.start import Program, make_app

FILES = (
    "window.png",
    "segmentation.dcm",
    "measurements.dcm",
    "measurements.csv",
    "measurements.json",
    "report.json",
)
_OPEN_S, _NETWORK_S = 120.0, 300.0


class Clock:
    """Seconds per step, told on stderr while they pass."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time one step."""
        print(f"{name} ...", end=" ", file=sys.stderr, flush=True)
        started = time.perf_counter()
        yield
        self.seconds[name] = round(time.perf_counter() - started, 3)
        print(f"{self.seconds[name]:.1f} s", file=sys.stderr, flush=True)


def run_demo(out: Path, *, force: bool, as_json: bool) -> int:
    """Run everything once and write ``FILES`` into ``out``; return the exit code."""
    _prepare(out, force=force)
    clock = Clock()
    with clock.step("start"):
        make_app()
        program = Program()
        program.window.show()
        settle()
    try:
        report = _journey(program, out, clock)
    finally:
        program.close()
    text = json.dumps(report, indent=2, ensure_ascii=False)
    (out / "report.json").write_text(text + "\n", encoding="utf-8")
    if as_json:
        print(text)
    return 0


def _prepare(out: Path, *, force: bool) -> None:
    if out.exists() and not out.is_dir():
        raise InputRefused("This is not a folder.", where=str(out), remedy="Name another one.")
    taken = [name for name in FILES if (out / name).exists()]
    if taken and not force:
        raise Conflict(
            f"{', '.join(taken)} would be replaced.", where=str(out), remedy="Add --force."
        )
    out.mkdir(parents=True, exist_ok=True)


def _journey(program: Program, out: Path, clock: Clock) -> dict[str, Any]:
    context = program.context
    with clock.step("open the study"):
        folder = demo_folder()
        perform(context, "file.open_paths", paths=(study_folder(folder),))
        wait_for_jobs(program, _OPEN_S, "Opening the study")
    with clock.step("enhance"):
        perform(context, "enhance.add", filter="unsharp")
        perform(context, "enhance.set", index=0, parameter="amount", value=0.6)
        settle()
    with clock.step("run the network"):
        perform(context, "ai.run", network="lesions")
        wait_for_jobs(program, _NETWORK_S, "The network")
    if context.segmentation is None:
        said = "; ".join(notice.text for notice in program.door.notices)
        raise ViewerError(f"The network gave no result. {said}")
    found = context.segmentation
    with clock.step("correct and undo"):
        corrected = _correct(context)
    with clock.step("measure"):
        _measure(context, found)
    with clock.step("export and read back"):
        checks = _export(context, found, out)
    with clock.step("picture of the window"):
        perform(context, "view.window", center=-550, width=1500)
        program.window.refresh_now()
        wait_for_jobs(program, _OPEN_S, "The picture")
        program.window.refresh_now()
        settle()
        perform(context, "export.png", path=out / "window.png", pane="window", force=True)
    truth = read_truth(folder)
    return {
        "program": "Negatoscope",
        "disclaimer": DISCLAIMER,
        "study": "generated; no patient",
        "ledger": ledger_document(context.pictures.ledger),
        "network": asdict(found.origin),
        "device": found.origin.device,
        "lesions": lesions_document(found, truth),
        "agreement": agreement_document(found, truth),
        "measurements": _measured_document(context, truth, found),
        "corrected": corrected,
        "read_back": checks,
        "seconds": clock.seconds,
        "notices": [notice.text for notice in program.door.notices],
    }


def study_folder(folder: Path) -> Path:
    """Return where the DICOM files of a generated study lie."""
    inner = folder / "dicom"
    return inner if inner.is_dir() else folder


def _correct(context: Context) -> dict[str, Any]:
    """Accept, edit a copy, paint, undo: the network's own voxels must stay as they were."""
    original = context.segmentation
    if original is None:
        raise ViewerError("There is no segmentation to correct.")
    before = original.labels.copy()
    perform(context, "ai.edit_copy")
    copy, segment = context.need_segment()
    voxels = int(np.count_nonzero(copy.labels == segment.number))
    centre = context.viewing.look.crosshair_lps_mm
    # To beyond the lesion's rim, so that the stroke surely changes voxels.
    inside = copy.grid.world(np.argwhere(copy.labels == segment.number)[:, ::-1])
    rim = (float(inside[:, 0].max()) + 3.0, centre[1], centre[2])
    perform(context, "paint.stroke", points_lps_mm=(centre, rim), radius_mm=4.0)
    painted = int(np.count_nonzero(copy.labels == segment.number))
    history = list(context.session.history)
    if painted == voxels:
        raise ViewerError("The stroke has changed nothing.")
    perform(context, "edit.undo")
    restored = int(np.count_nonzero(copy.labels == segment.number))
    perform(context, "edit.undo")
    context.viewing.set(tool="window")
    perform(context, "segment.choose", uid=original.uid, number=original.segments[0].number)
    return {
        "voxels_before": voxels,
        "voxels_painted": painted,
        "voxels_after_undo": restored,
        "network_result_unchanged": bool(np.array_equal(before, original.labels)),
        "history": history,
    }


def _measure(context: Context, found: Segmentation) -> None:
    perform(context, "measure.all_segments")
    across = next(
        m
        for m in context.session.state.measurements
        if m.kind == "bidirectional" and m.segment == (found.uid, found.segments[0].number)
    )
    perform(context, "edit.select", uid=across.uid)
    middle = np.mean(np.array(across.points_lps_mm), axis=0)
    perform(context, "view.go_to", point_lps_mm=tuple(float(v) for v in middle))


def _export(context: Context, found: Segmentation, out: Path) -> dict[str, Any]:
    saved: dict[str, Any] = {}
    for verb, name in (
        ("export.seg", "segmentation.dcm"),
        ("export.sr", "measurements.dcm"),
        ("export.csv", "measurements.csv"),
        ("export.json", "measurements.json"),
    ):
        # Nobody reads this study: its files say UNREVIEWED.
        result = perform(context, verb, path=out / name, force=True, unreviewed=True)
        saved[name] = {"sha256": result.sha256, "checks": list(result.checks)}
    again = read_seg(out / "segmentation.dcm", context.need_picture())
    saved["segmentation.dcm"]["labels_equal"] = bool(np.array_equal(again.labels, found.labels))
    values = sorted(q.value for m in context.session.state.measurements for q in m.quantities)
    back = sorted(q.value for m in read_sr(out / "measurements.dcm") for q in m.quantities)
    saved["measurements.dcm"]["values_equal"] = len(values) == len(back) and bool(
        np.allclose(values, back, rtol=1e-9)
    )
    return saved


def ledger_document(ledger: LoadLedger) -> dict[str, Any]:
    """Return the ledger's sums as JSON."""
    from viewer.domain.ledger import Outcome

    return {
        "files": ledger.n_files,
        "shown": ledger.count(Outcome.SHOWN),
        "grouped": ledger.count(Outcome.GROUPED),
        "refused": len(ledger.refused),
    }


def lesions_document(found: Segmentation, truth: Truth) -> list[dict[str, Any]]:
    """Return each found lesion with its scores and the true lesion that it touches."""
    return [_lesion(found, segment, truth) for segment in found.segments]


def _lesion(found: Segmentation, segment: Segment, truth: Truth) -> dict[str, Any]:
    mask = found.labels == segment.number
    numbers = np.bincount(truth.labels[mask], minlength=1)
    numbers[0] = 0
    match = int(numbers.argmax()) if numbers.any() else 0
    true = next((lesion for lesion in truth.lesions if lesion.number == match), None)
    return {
        "name": segment.name,
        "volume_mm3": float(mask.sum() * found.grid.voxel_volume_mm3),
        "scores": [
            {"concept": s.concept.meaning, "value": s.value, "interval": [s.low, s.high]}
            for s in segment.scores
        ],
        "true_lesion": match or None,
        "true_kind": None if true is None else true.kind,
        "true_volume_mm3": None if true is None else true.volume_mm3,
        "dice": None if true is None else dice(mask, truth.labels == match),
    }


def agreement_document(found: Segmentation, truth: Truth) -> dict[str, Any]:
    """Return how the whole mask agrees with the known truth."""
    matches = lesion_matches(found.labels, truth.labels)
    return {
        "dice": dice(found.labels > 0, truth.labels > 0),
        "lesions_in_truth": len(truth.lesions),
        "hit": len(matches.hit),
        "missed": len(matches.missed),
        "false": len(matches.false),
    }


def _measured_document(context: Context, truth: Truth, found: Segmentation) -> list[dict[str, Any]]:
    lesions = {lesion["name"]: lesion for lesion in lesions_document(found, truth)}
    by_number = {lesion.number: lesion for lesion in truth.lesions}
    rows = []
    for measurement in context.session.state.measurements:
        row: dict[str, Any] = {"label": measurement.label, "kind": measurement.kind}
        row["quantities"] = {
            q.concept.meaning: {"value": q.value, "unit": q.unit} for q in measurement.quantities
        }
        segment = measurement.segment
        name = found.segment(segment[1]).name if segment is not None else ""
        true = by_number.get(lesions[name]["true_lesion"] or 0) if name in lesions else None
        if true is not None:
            row["truth"] = {
                "volume_ml": true.volume_mm3 / 1000,
                "longest_diameter_mm": true.longest_diameter_mm,
            }
        rows.append(row)
    return rows
