"""Writes THIRD_PARTY.md from what the installed packages say of themselves.

Run it with the environment's interpreter after a change of the constraints:
``.venv/bin/python packaging/third_party.py``.
"""

import re
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

import bootstrap

_HEAD = """# Third-party software

Negatoscope itself is under the Apache License 2.0 (LICENSE). It is delivered as source; the packages
below are fetched when the environment is made, at these versions, each under its own licence. This
page is written by `packaging/third_party.py` from what the installed packages say of themselves. A
package may carry further libraries inside; their licences lie beside it, in its `dist-info` folder in
`.venv`. Qt comes as PySide6 under the LGPL-3.0: dynamically linked, unmodified, and replaceable.
"""
_FONTS = """
## In this repository

| what | where | licence |
| --- | --- | --- |
| Inter (fonts) | resources/fonts | OFL-1.1 (resources/fonts/LICENSE.txt) |
"""


def plain(name: str) -> str:
    """Return a distribution's name in its normal form."""
    return re.sub(r"[-_.]+", "-", name).lower()


def licence(name: str) -> str:
    """Return the licence that a package states, as shortly as it states it."""
    found = metadata.metadata(name)
    said = (found.get("License-Expression") or found.get("License") or "").strip()
    if said and "\n" not in said and len(said) < 120:
        return said
    words = [
        classifier.split(" :: ")[-1]
        for classifier in found.get_all("Classifier") or []
        if classifier.startswith("License :: ")
    ]
    return ", ".join(words) or "see the package"


def _split(requirement: str) -> tuple[str, tuple[str, ...]]:
    """Return the name and the extras of a requirement."""
    found = re.match(r"([A-Za-z0-9._-]+)\s*(?:\[([^\]]*)\])?", requirement)
    assert found is not None, requirement  # noqa: S101 - metadata that pip itself could not read
    extras = tuple(part.strip() for part in (found[2] or "").split(",") if part.strip())
    return plain(found[1]), extras


def brought(names: Iterable[str]) -> set[str]:
    """Return the packages that ``names`` need, and theirs, as far as they are installed."""
    found: set[tuple[str, tuple[str, ...]]] = set()
    waiting = [(plain(name), ()) for name in names]
    while waiting:
        name, extras = waiting.pop()
        if (name, extras) in found:
            continue
        try:
            needed = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue  # for another system or another Python
        found.add((name, extras))
        for line in needed:
            asked = re.search(r"extra\s*==\s*[\"']([^\"']+)", line)
            if asked is None or asked[1] in extras:
                waiting.append(_split(line))
    return {name for name, _ in found}


def table(names: Iterable[str]) -> str:
    """Return a Markdown table of packages."""
    rows = [
        f"| {metadata.metadata(name)['Name']} | {metadata.version(name).split('+')[0]} "
        f"| {licence(name)} |"
        for name in sorted(names)
    ]
    return "\n".join(["| package | version | licence |", "| --- | --- | --- |", *rows])


def page() -> str:
    """Return the whole page."""
    wanted = {plain(name) for name in (*bootstrap.PROGRAM, "torch")}
    installed = brought(wanted)
    program, behind = installed & wanted, installed - wanted
    tests = brought(bootstrap.TESTS) - program - behind
    parts = (
        _HEAD,
        f"\n## What the program uses\n\n{table(program)}\n",
        f"\n## What these bring\n\n{table(behind)}\n",
        f"\n## What the tests use\n\n{table(tests)}\n",
        _FONTS,
    )
    return "".join(parts)


if __name__ == "__main__":
    Path(bootstrap.ROOT / "THIRD_PARTY.md").write_text(page(), encoding="utf-8")
