"""``negatoscope report``: a structured report as text, or as a tree in JSON."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from viewer.exchange.sr_outline import read_outline


def report_text(path: Path) -> str:
    """Return the report as plain text."""
    return read_outline(path).text


def report_document(path: Path) -> dict[str, Any]:
    """Return the report as a tree: concept, kind, value, unit and children of every item."""
    outline = read_outline(path)
    return {
        "title": outline.title,
        "head": dict(outline.head),
        "items": [asdict(item) for item in outline.items],
        "is_cut": outline.is_cut,
    }
