"""The bootstrap on a machine of its own: nothing is installed, nothing outside is touched."""

from pathlib import Path
from types import ModuleType

import pytest

from tests.packaging.scripts import script


@pytest.fixture
def bootstrap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the bootstrap with its environment and constraints in a temporary folder."""
    module = script("bootstrap")
    monkeypatch.setattr(module, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(module, "STAMP", tmp_path / ".venv" / "stamp.json")
    monkeypatch.setattr(module, "CONSTRAINTS", tmp_path / "constraints.txt")
    (tmp_path / "constraints.txt").write_text("numpy==2.4.6\n")

    def nothing(*_: object, **__: object) -> None:
        raise AssertionError("a test of packaging must not run anything")

    monkeypatch.setattr(module.subprocess, "run", nothing)
    monkeypatch.setattr(module, "has_nvidia_driver", lambda: False)
    return module
