"""``negatoscope segment --method``: a classical method's result as files; ``negatoscope methods``."""

import argparse
import time
from dataclasses import asdict
from typing import Any

import numpy as np

from viewer.actions.method_keeping import segmentation_of
from viewer.command_line.segment import empty_folder, write_results
from viewer.command_line.studies import chosen_source, read_picture, scanned
from viewer.domain.method_text import GRAMMAR, parse_method
from viewer.extensions.discover import load_extensions
from viewer.imaging.method_run import run_method
from viewer.jobs.job import Ticket


def segment_by_method(chosen: argparse.Namespace) -> dict[str, Any]:
    """Run the method; write labels (NIfTI, SEG of DICOM) and measurements into ``--out``."""
    methods = load_extensions().segmenters
    call = parse_method(chosen.method, methods)
    out = empty_folder(chosen)
    picture = read_picture(chosen_source(scanned(chosen.paths), chosen.series))
    started = time.monotonic()
    found = run_method(picture, call, methods, Ticket())
    elapsed_s = time.monotonic() - started
    layer = segmentation_of(picture, methods[call.key], call, found, elapsed_s)
    files = write_results(layer, picture, out)
    voxels = int(np.count_nonzero(found.mask))
    volume_ml = voxels * picture.grid.voxel_volume_mm3 / 1000 if picture.is_volume else None
    return {
        "method": asdict(layer.origin),
        "segments": [
            {"number": s.number, "name": s.name, "voxels": voxels, "volume_ml": volume_ml}
            for s in layer.segments
        ],
        "files": [path.name for path in files],
        "seconds": elapsed_s,
        "notes": list(found.notes),
    }


def methods_document() -> dict[str, Any]:
    """Return the descriptions of all segmentation methods; the form is public."""
    found = load_extensions()
    return {
        "grammar": GRAMMAR,
        "methods": [
            {
                "key": method.key,
                "title": method.title,
                "group": method.group,
                "purpose": method.purpose,
                "caution": method.caution,
                "source": method.source,
                "needs": sorted(method.needs),
                "dimensions": list(method.dimensions),
                "modalities": list(method.modalities),
                "is_slow": method.is_slow,
                "parameters": [asdict(parameter) for parameter in method.parameters],
            }
            for method in found.segmenters.values()
        ],
        "left_out": [finding.text for finding in found.findings],
    }
