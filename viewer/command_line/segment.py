"""``negatoscope segment``: a network's result as files."""

import argparse
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from viewer.actions.measure import of_segment
from viewer.actions.networks import run_networks
from viewer.command_line.backend_options import use_backend
from viewer.command_line.host import command_context
from viewer.command_line.prompts import prompt_of
from viewer.command_line.studies import chosen_source, read_picture, scanned
from viewer.domain.segmentation import Segmentation
from viewer.domain.volume import Picture
from viewer.errors import Conflict, InputRefused
from viewer.exchange.label_picture import write_labels_png
from viewer.exchange.nifti import write_labels_nifti, write_map_nifti
from viewer.exchange.seg import write_seg
from viewer.exchange.tables import write_json
from viewer.inference.doubt import INTERVAL, METHOD, Doubt
from viewer.jobs.job import Progress, Ticket


def segment(chosen: argparse.Namespace) -> dict[str, Any]:
    """Run the network; write labels (NIfTI, SEG of DICOM) and a report into ``--out``."""
    with command_context() as context:
        use_backend(context, chosen)
        if chosen.network not in context.cards:
            raise InputRefused(
                f"There is no network called {chosen.network}.",
                remedy=f"Choose one of: {', '.join(context.cards) or 'none is installed'}.",
            )
        card, _folder = context.cards[chosen.network]
        if card.task != "segment":
            raise InputRefused(f"{card.title} makes no masks.", remedy="Choose another network.")
        out = empty_folder(chosen)
        picture = read_picture(chosen_source(scanned(chosen.paths), chosen.series))
        ticket, prompt = Ticket(_progress), prompt_of(chosen)
        wants_doubt = bool(getattr(chosen, "doubt", False))
        found = run_networks(context, picture, card, ticket, prompt, doubt=wants_doubt)
        layer = found.segmentation
        files = write_results(layer, picture, out)
        if found.doubt is not None:
            values = found.doubt.levels.astype(np.float32) / np.float32(255)
            to = out / "doubt.nii.gz"
            files.append(write_map_nifti(values, layer.grid, to, METHOD, force=True).path)
    return {
        "network": asdict(layer.origin),
        "review": "UNREVIEWED",  # nobody was there to look at it
        "lesions": [
            {
                "name": s.name,
                "voxels": int(np.count_nonzero(layer.labels == s.number)),
                "scores": [
                    {"concept": x.concept.meaning, "value": x.value, "low": x.low, "high": x.high}
                    for x in s.scores
                ],
                **_intervals(found.doubt, s.number),
            }
            for s in layer.segments
        ],
        "files": [path.name for path in files],
        "seconds": found.elapsed_s,
        "notes": list(found.notes),
    }


def _intervals(doubt: Doubt | None, number: int) -> dict[str, Any]:
    """Return the intervals of a lesion's volume and diameter, and what they are."""
    if doubt is None or number > len(doubt.volumes_mm3):
        return {}
    volumes_ml = doubt.volumes_mm3[number - 1] / 1000
    sizes_mm = doubt.diameters_mm[number - 1]
    return {
        "volume_interval_ml": [float(volumes_ml.min()), float(volumes_ml.max())],
        "ball_diameter_interval_mm": [float(sizes_mm.min()), float(sizes_mm.max())],
        "interval": INTERVAL,
        "doubt": METHOD,
    }


def empty_folder(chosen: argparse.Namespace) -> Path:
    """Return ``--out``.

    Raises
    ------
    Conflict
        There is something in it, and ``--force`` is not given.
    """
    out: Path = chosen.out
    if out.exists() and any(out.iterdir()) and not chosen.force:
        raise Conflict("The folder is not empty.", where=str(out), remedy="Add --force.")
    return out


def write_results(layer: Segmentation, picture: Picture, out: Path) -> list[Path]:
    """Write labels as NIfTI (and SEG of DICOM, PNG of a flat picture) and their measurements."""
    out.mkdir(parents=True, exist_ok=True)
    files = [write_labels_nifti(layer, out / "segmentation.nii.gz", force=True).path]
    if layer.segments:
        files += _written_as_dicom(layer, picture, out)
    if not picture.is_volume and layer.labels.shape[0] == 1:
        files.append(write_labels_png(layer, out / "segmentation.png", force=True).path)
    # Without patient geometry there are no millimetres to measure in.
    measured = layer.segments if picture.is_volume else ()
    measurements = tuple(m for s in measured for m in of_segment(picture, layer, s))
    saved = write_json(measurements, (layer,), picture, out / "measurements.json", force=True)
    return [*files, saved.path]


def _written_as_dicom(layer: Segmentation, picture: Picture, out: Path) -> list[Path]:
    """Return the SEG, or nothing where the source was not DICOM."""
    try:
        return [write_seg(layer, picture, out / "segmentation.dcm", force=True).path]
    except InputRefused:
        return []


def _progress(progress: Progress) -> None:
    if sys.stderr.isatty() and progress.fraction is not None:
        print(f"\r{progress.fraction:4.0%} {progress.text}   ", end="", file=sys.stderr, flush=True)
