"""The pages say what the program does."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from viewer.actions.registry import actions
from viewer.command_line import verb as ends
from viewer.command_line.studies import scan_document, scanned
from viewer.command_line.verbs import verb_names
from viewer.domain.finding import Finding, Severity
from viewer.errors import DISCLAIMER
from viewer.phantom.demo import make_phantom_folder
from viewer.window.menus import entries
from viewer.window.start import Program

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SCHEMA = (ROOT / "docs" / "scan-schema.md").read_text(encoding="utf-8")


def keys(value: Any) -> Iterator[str]:
    """Yield every key of a JSON document, at any depth."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys(inner)


def first_cells(text: str) -> set[str]:
    return set(re.findall(r"^\| `([a-z_]+)` \|", text, re.MULTILINE))


def test_the_schema_of_scan_names_every_key_and_no_other(tmp_path: Path) -> None:
    found = scanned([make_phantom_folder(tmp_path / "study", shape_kji=(16, 16, 16))])
    finding = Finding(Severity.NOTE, "the series", "Something.", "Do something.")
    said = tuple(replace(picture, findings=(finding,)) for picture in found.pictures)
    document = scan_document(replace(found, pictures=said))
    assert document["refused"]
    assert first_cells(SCHEMA) == set(keys(document))


def test_the_readme_names_every_verb() -> None:
    section = README.partition("## Command line")[2].partition("## ")[0]
    for verb in verb_names():
        assert f"| `{verb}" in section, verb


def test_keys_and_actions_that_the_readme_names_are_there(program: Program) -> None:
    section = README.partition("## What works")[2].partition("Not there yet")[0]
    table = entries(program.context)
    known = {key for entry in table for key in entry.keys} | {"F10", "Ctrl+K"}
    known |= {f"negatoscope {verb}" for verb in verb_names()}
    named = set(re.findall(r"`([^`]+)`", section))
    assert len(named) > 30
    assert named - known == set()
    words = {word for action in actions().values() for word in (action.title, action.group)}
    assert set(re.findall(r"(?<!\*)\*([^*]+)\*(?!\*)", section)) - words == set()


def test_every_claim_of_the_readme_names_what_shows_it() -> None:
    section = README.partition("## What works")[2].partition("Not there yet")[0]
    claims = section.split("\n- ")[1:]
    assert len(claims) > 8
    for claim in claims:
        assert "`" in claim or "menu *" in claim, claim


def test_the_readme_names_every_exit_code() -> None:
    section = README.partition("| exit code |")[2]
    codes = {int(code) for code in re.findall(r"^\| (\d+) \|", section, re.MULTILINE)}
    assert codes == {
        ends.OK,
        ends.FAULT,
        ends.USAGE,
        ends.REFUSED,
        ends.PARTLY,
        ends.INTERRUPTED,
    }


def test_the_readme_says_what_the_program_says_of_itself() -> None:
    assert f"**{DISCLAIMER}**" in README


def test_the_readme_points_only_at_what_is_there() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert {"docs/scan-schema.md", "LICENSE", "THIRD_PARTY.md"} <= set(links)
    missing = [link for link in links if not (ROOT / link).exists()]
    # The picture is made by the program, and added with a release of it.
    assert set(missing) <= {"docs/window.png"}


def test_the_readme_names_the_rooms_as_they_are() -> None:
    layout = README.partition("## How it is built")[2].partition("```")[2].partition("```")[0]
    named = set(re.findall(r"([a-z_]+)/", layout))
    packages = {path.parent.name for path in (ROOT / "viewer").glob("*/__init__.py")}
    assert packages - {"testing"} <= named
    for name in named:
        assert (ROOT / name).is_dir() or (ROOT / "viewer" / name).is_dir(), name
