"""``negatoscope replay``: every number that a journal leads to, computed again from the images."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from viewer.command_line.studies import read_picture, scanned
from viewer.domain.measurement import Measurement
from viewer.domain.quantity import Quantity
from viewer.domain.segmentation import Segmentation
from viewer.domain.volume import Picture
from viewer.errors import ViewerError
from viewer.exchange.records import measurement_record, quantity_record
from viewer.session.figures import SegmentFigures, outdated
from viewer.session.replay import replay
from viewer.session.state import State


def replay_document(path: Path) -> dict[str, Any]:
    """Return history, measurements and segments of a journal; the journal is not changed.

    Where the images are still there, each number is computed again from them: ``again`` says
    "equal", "differs" (with what came out now), or why it could not be done.
    """
    found = replay(path)
    state, history = found.document.state, found.document.history
    pictures = _pictures(found.paths, {m.volume_key for m in state.measurements})
    return {
        "journal": path.name,
        "rows": found.n_rows,
        "replayed": found.n_replayed,
        "from_the_first_row": found.from_start,
        "sound": found.is_sound,
        "studies": list(found.paths),
        "history": [entry.edit.name for entry in history.done],
        "undone": [entry.edit.name for entry in reversed(history.undone)],
        "measurements": [
            {**measurement_record(m), **_again(m, state, pictures)} for m in state.measurements
        ],
        "segmentations": [_segmentation(layer) for layer in state.segmentations],
        "enhancement": [
            {"volume_key": key, "steps": [step.key for step in chain.steps]}
            for key, chain in state.chains
        ],
    }


def _segmentation(layer: Segmentation) -> dict[str, Any]:
    figures = SegmentFigures()
    return {
        "uid": layer.uid,
        "name": layer.name,
        "volume_key": layer.volume_key,
        "origin": layer.origin.short,
        "segments": [
            {
                "number": segment.number,
                "name": segment.name,
                "review": segment.review.value,
                "voxels": figures.n_voxels(layer, segment.number),
                "volume_ml": figures.volume_ml(layer, segment.number),
                "sha256": layer.fingerprint(segment.number),
            }
            for segment in layer.segments
        ],
    }


def _pictures(paths: tuple[str, ...], keys: set[str]) -> dict[str, Picture]:
    """Return the pictures that were measured, as far as their files are still there."""
    places = [Path(path) for path in paths if Path(path).exists()]
    if not places or not keys:
        return {}
    sources = {source.key: source for source in scanned(places).pictures}
    return {key: read_picture(sources[key]) for key in keys if key in sources}


def _again(
    measurement: Measurement, state: State, pictures: Mapping[str, Picture]
) -> dict[str, Any]:
    picture = pictures.get(measurement.volume_key)
    if picture is None:
        return {"again": "the images are not there"}
    try:
        found = _measured(measurement, state, picture)
    except ViewerError as error:
        return {"again": error.sentence()}
    if found is None:
        return {"again": "the segment has other voxels now"}
    if found == measurement.quantities:
        return {"again": "equal"}
    return {"again": "differs", "quantities_now": [quantity_record(q) for q in found]}


def _measured(
    measurement: Measurement, state: State, picture: Picture
) -> tuple[Quantity, ...] | None:
    from viewer.imaging.measuring import measured, measured_segment
    from viewer.imaging.measuring_special import segment_calcium

    if measurement.kind not in ("segment", "segment_calcium") or measurement.segment is None:
        calibrations = state.calibrations_of(picture.key)
        return measured(measurement.kind, measurement.points_lps_mm, picture, calibrations)[0]
    uid, number = measurement.segment
    layers = [layer for layer in state.segmentations if layer.uid == uid]
    if not layers or measurement.uid in outdated((measurement,), layers, SegmentFigures()):
        return None
    if measurement.kind == "segment_calcium":
        return segment_calcium(layers[0], number, picture)[0]
    return measured_segment(layers[0], number, picture)[0]


def replay_lines(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield the document as lines to read."""
    yield f"{document['replayed']} of {document['rows']} rows were run through again."
    for n, name in enumerate(document["history"], start=1):
        yield f"{n:4d}  {name}"
    for found in document["measurements"]:
        numbers = ", ".join(f"{q['value']} {q['unit']}" for q in found["quantities"])
        yield f"{found['label']}: {numbers} ({found['again']})"
    for layer in document["segmentations"]:
        for segment in layer["segments"]:
            yield f"{layer['name']}, {segment['name']}: {segment['volume_ml']:.3f} ml"
