"""Descriptions of networks from elsewhere, as files: sizes first, and nothing outside the folder."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from viewer.errors import Damaged, InputRefused

_LARGEST_JSON = 1 << 23


def read_json(path: Path) -> Mapping[str, Any]:
    """Return the table in a JSON file.

    Raises
    ------
    InputRefused
        It is not there, far too large, or (``Damaged``) no JSON table.
    """
    try:
        if path.stat().st_size > _LARGEST_JSON:
            raise InputRefused("This description of a network is far too large.", where=path.name)
        table = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputRefused(
            "This description of a network cannot be read.", where=path.name
        ) from error
    except (ValueError, RecursionError) as error:
        raise Damaged("This description of a network is no JSON.", where=path.name) from error
    if not isinstance(table, dict):
        raise Damaged("This description of a network is no table.", where=path.name)
    return table


def inside(folder: Path, *names: str) -> Path:
    """Return the file under ``folder``; a link that leads out of it is refused.

    Raises
    ------
    InputRefused
        It lies elsewhere.
    """
    path = folder.joinpath(*names)
    if not path.resolve().is_relative_to(folder.resolve()):
        raise InputRefused(
            "The folder names a file outside itself.",
            where=names[-1] if names else folder.name,
            remedy="Copy the file itself into the folder, if you know it.",
        )
    return path


def key_from(name: str) -> str:
    """Return a key made of a name: small letters, digits and _ alone, "" where nothing is left."""
    plain = "".join(c if c.isascii() and c.isalnum() else "_" for c in name.lower())
    key = "_".join(part for part in plain.split("_") if part).lstrip("0123456789_")[:40]
    return key if len(key) > 1 else ""
