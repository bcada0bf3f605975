"""The installed networks as plain values: what their cards say."""

from pathlib import Path
from typing import Any

from viewer.domain.card import NetworkCard
from viewer.inference.cards import load_cards


def listed() -> list[dict[str, Any]]:
    """Return every installed network's card, in the order of their keys."""
    return [card_record(card, folder) for _, (card, folder) in sorted(load_cards().items())]


def card_record(card: NetworkCard, folder: Path) -> dict[str, Any]:
    """Return a card in the public form of ``negatoscope networks --json``."""
    return {
        "key": card.key,
        "title": card.title,
        "version": card.version,
        "kind": card.kind,
        "task": card.task,
        "reads": card.reads,
        "modalities": card.modality.split(),
        "classes": list(card.classes),
        "concept": {
            "value": card.concept.value,
            "scheme": card.concept.scheme,
            "meaning": card.concept.meaning,
        },
        "architecture": card.architecture,
        "input_spacing_mm": list(card.spacing_ijk_mm) if card.reads == "volume" else None,
        "tile_kji": list(card.tile_kji),
        "threshold": card.threshold,
        "trained_on": card.trained_on,
        "data_licence": card.data_licence,
        "intended_use": card.intended_use,
        "unintended_use": card.unintended_use,
        "limits": card.limits,
        "failure_cases": list(card.failure_cases),
        "licence": card.licence,
        "figures": [
            {
                "name": figure.name,
                "value": figure.value,
                "interval_95": [figure.low, figure.high],
                "n_cases": figure.n_cases,
            }
            for figure in card.figures
        ],
        "weights_sha256": card.weights_sha256,
        "onnx_sha256": card.onnx_sha256,
        "folder": str(folder),
    }
