"""``negatoscope filters --reference``: the reference page, its pictures and its table, made anew."""

import argparse
import json
from pathlib import Path
from typing import Any

import cv2

from viewer.command_line.evaluations.enhancement import evaluate
from viewer.errors import ViewerError
from viewer.exchange.atomic import save_bytes
from viewer.extensions.discover import load_extensions
from viewer.extensions.presets import load_presets
from viewer.learning.filter_reference import example, reference_text

_PICTURES = Path("resources") / "help" / "filters"
_TABLE = Path("resources") / "help" / "enhancement.json"
_PAGE = Path("docs") / "filters.md"


def write_reference(root: Path, *, data: Path | None = None, n: int = 6) -> dict[str, Any]:
    """Write page, pictures and table below ``root`` (a checkout); return what was written."""
    filters = load_extensions().filters
    presets = load_presets(filters)
    shipped = [preset for preset in presets.known.values() if not preset.is_own]
    table = evaluate(argparse.Namespace(n=n, data=data, preset=None))
    folder = root / _PICTURES
    folder.mkdir(parents=True, exist_ok=True)
    (root / _PAGE).parent.mkdir(parents=True, exist_ok=True)
    pictures, without = {}, []
    for key, found in filters.items():
        try:
            pair = example(found).pair()
        except ViewerError as error:
            without.append(f"{key}: {error.sentence()}")
            continue
        done, data_png = cv2.imencode(".png", pair, [cv2.IMWRITE_PNG_COMPRESSION, 9])
        if done:
            _put(folder / f"{key}.png", data_png.tobytes())
            pictures[key] = f"../{_PICTURES.as_posix()}/{key}.png"
    for old in folder.glob("*.png"):
        if old.stem not in filters:
            old.unlink()
    _put(root / _TABLE, (json.dumps(table, indent=1, ensure_ascii=False) + "\n").encode())
    _put(root / _PAGE, reference_text(filters, shipped, table, pictures).encode())
    size = sum(path.stat().st_size for path in folder.glob("*.png"))
    return {
        "page": str(root / _PAGE),
        "pictures": len(pictures),
        "picture_bytes": size,
        "without_picture": without,
        "rows": len(table["rows"]),
    }


def _put(path: Path, data: bytes) -> None:
    save_bytes(path, data, lambda _written: (), force=True)
