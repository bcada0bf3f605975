"""Every contract of import-linter is broken by the import that it is there for."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# Contract -> a module that must not be, and what it imports.
PLANTS = {
    "floors": ("viewer/domain", "import viewer.session"),
    "torch only in the worker": ("viewer/inference", "import torch"),
    "nobody imports the worker": ("viewer/learning", "import viewer.inference.worker"),
    "Qt only in painting and window": ("viewer/command_line", "from PySide6 import QtGui"),
    "VTK only in rendering and imaging.reslice": (
        "viewer/imaging",
        "def f():\n    from vtkmodules.vtkCommonCore import vtkPoints",
    ),
    "DICOM libraries only where files come in and go out": (
        "viewer/window",
        "def f():\n    import pydicom",
    ),
    "nouns and ways of working know NumPy alone": ("viewer/jobs", "import cv2"),
    "plug-ins see viewer.api alone": ("plugins/enhance", "import viewer.imaging.section"),
    "plug-ins apart": ("plugins/features", "import plugins.enhance"),
    "enhancement plug-ins apart": ("plugins/enhance", "import plugins.enhance.median"),
    "the program does not know its plug-ins": ("viewer/extensions", "import plugins.enhance"),
    "nothing imports what proves it": ("viewer/tools", "import viewer.testing"),
}


def copy_of_the_tree(folder: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", folder)
    for package in ("viewer", "plugins"):
        for source in (ROOT / package).rglob("*.py"):
            target = folder / source.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)


def verdicts(folder: Path) -> str:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    environment = {**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "200", "NO_COLOR": "1"}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    return str(done.stdout) + str(done.stderr)


def test_each_contract_is_broken_by_its_planted_import(tmp_path: Path) -> None:
    copy_of_the_tree(tmp_path)
    for n, (package, line) in enumerate(PLANTS.values()):
        room = tmp_path / package
        room.mkdir(exist_ok=True)
        (room / "__init__.py").touch()
        (room / f"planted_{n}.py").write_text(f"{line}\n")
    found = verdicts(tmp_path)
    details = found.partition("Broken contracts")[2]
    for n, name in enumerate(PLANTS):
        assert f"\n{name} BROKEN" in found, found
        # The reason given is the planted import, not one of its neighbours.
        reason = details.partition(f"\n{name}\n")[2].partition("\n\n\n")[0]
        assert f"planted_{n} " in reason, details


def test_each_contract_has_its_planted_import() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    assert [contract["name"] for contract in contracts] == list(PLANTS)
