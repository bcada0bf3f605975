"""The page of third-party licences says what is installed."""

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.packaging.scripts import FOLDER, ROOT, script

ROWS = re.compile(r"^\| (\S+) \| ([0-9]\S*) \| (.+) \|$", re.MULTILINE)


@pytest.fixture
def third_party(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setitem(sys.modules, "bootstrap", script("bootstrap"))
    return script("third_party")


def listed(text: str) -> dict[str, str]:
    return {
        re.sub(r"[-_.]+", "-", name).lower(): version for name, version, _ in ROWS.findall(text)
    }


def test_the_page_names_every_package_at_its_pinned_version(third_party: ModuleType) -> None:
    found = listed((ROOT / "THIRD_PARTY.md").read_text(encoding="utf-8"))
    pinned = dict(
        line.split("==")
        for line in (FOLDER / "constraints.txt").read_text(encoding="utf-8").splitlines()
        if "==" in line
    )
    pinned = {third_party.plain(name): version for name, version in pinned.items()}
    bootstrap = script("bootstrap")
    for name in (*bootstrap.PROGRAM, *bootstrap.TESTS, "torch"):
        assert third_party.plain(name) in found, name
    stale = {name for name in found if name in pinned and pinned[name] != found[name]}
    assert not stale


def test_a_package_is_listed_with_all_that_it_brings(third_party: ModuleType) -> None:
    found = third_party.brought(["highdicom"])
    assert {"highdicom", "pydicom", "numpy", "pillow"} <= found
    assert "pytest" not in found


def test_no_licence_is_left_out(third_party: ModuleType) -> None:
    rows = ROWS.findall(third_party.page())
    assert len(rows) > 40
    for name, _, licence in rows:
        assert licence.strip(), name
        assert licence != "see the package", name


def test_the_licence_of_the_program_is_the_full_text() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text
    assert len(text.splitlines()) > 170
    assert (Path(ROOT) / "resources" / "fonts" / "LICENSE.txt").is_file()
