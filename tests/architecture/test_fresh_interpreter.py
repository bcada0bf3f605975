"""What is in memory after an import, seen in a fresh interpreter."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from viewer.phantom.demo import make_phantom_folder

ROOT = Path(__file__).resolve().parents[2]
CORE = (
    "errors",
    "resources",
    "places",
    "domain",
    "jobs",
    "imaging",
    "api",
    "intake",
    "exchange",
    "inference",
    "extensions",
    "library",
    "phantom",
    "rendering",
    "session",
    "learning",
    "tools",
    "actions",
)
TOOLKITS = ("PySide6", "shiboken6", "torch", "vtkmodules", "vtk", "pyqtgraph")
# Used first when they are needed, so that the first picture does not wait for them.
LATE = ("scipy", "skimage", "SimpleITK", "pydicom", "highdicom", "nibabel", "imagecodecs")

IMPORT_ALL = """
import importlib, json, pkgutil, sys
for room in {rooms!r}:
    package = importlib.import_module("viewer." + room)
    for found in pkgutil.walk_packages(getattr(package, "__path__", []), package.__name__ + "."):
        if not found.name.startswith("viewer.inference.worker"):
            importlib.import_module(found.name)
print(json.dumps(sorted(sys.modules)))
"""
RENDER = """
import json, sys
from viewer.__main__ import main
code = main({words!r})
print(json.dumps([code, sorted(sys.modules)]))
"""
START = """
import json, sys
from viewer.window.start import Program, make_app
make_app()
program = Program()
program.window.show()
print(json.dumps(sorted(sys.modules)))
program.close()
"""


def printed(code: str) -> object:
    """Return what a fresh interpreter prints last, as JSON."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    found: object = json.loads(done.stdout.strip().splitlines()[-1])
    return found


@pytest.fixture(scope="module")
def modules_of_the_core() -> set[str]:
    found = printed(IMPORT_ALL.format(rooms=CORE))
    assert isinstance(found, list)
    assert len(found) > 100
    return set(found)


def held(modules: set[str], packages: tuple[str, ...]) -> list[str]:
    return sorted(package for package in packages if package in modules)


def test_the_core_is_imported_whole(modules_of_the_core: set[str]) -> None:
    for name in ("viewer.session.session", "viewer.imaging.section", "viewer.actions.registry"):
        assert name in modules_of_the_core


def test_the_core_imports_no_toolkit(modules_of_the_core: set[str]) -> None:
    assert not held(modules_of_the_core, TOOLKITS)


def test_the_core_imports_heavy_libraries_late(modules_of_the_core: set[str]) -> None:
    assert not held(modules_of_the_core, LATE)


def test_every_room_of_the_core_is_named_here() -> None:
    doors = {"__init__", "__main__", "window", "command_line", "painting", "testing"}
    rooms = {
        path.stem
        for path in (ROOT / "viewer").iterdir()
        if path.suffix == ".py" or (path / "__init__.py").is_file()
    }
    assert rooms - doors == set(CORE)


def test_the_first_picture_waits_for_no_heavy_library(tmp_path: Path) -> None:
    make_phantom_folder(tmp_path / "study", shape_kji=(16, 24, 24))
    words = ["render", str(tmp_path / "study" / "dicom"), "--index", "8", "--size", "64", "--out"]
    found = printed(RENDER.format(words=[*words, str(tmp_path / "x.png")]))
    assert isinstance(found, list)
    code, modules = found
    assert code == 0
    assert (tmp_path / "x.png").stat().st_size > 100
    heavy = ("torch", "vtkmodules", "skimage", "SimpleITK", "pyqtgraph", "scipy")
    assert not held(set(modules), heavy)
    assert "PySide6" in modules  # the question was put to a process that did draw


def test_the_command_line_scans_without_a_toolkit(tmp_path: Path) -> None:
    make_phantom_folder(tmp_path / "study", shape_kji=(16, 24, 24))
    found = printed(RENDER.format(words=["scan", str(tmp_path / "study" / "dicom")]))
    assert isinstance(found, list)
    code, modules = found
    assert code == 0
    assert not held(set(modules), TOOLKITS)


def test_the_empty_window_waits_for_no_plug_in_and_no_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEGATOSCOPE_HOME", str(tmp_path))
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    found = printed(START)
    assert isinstance(found, list)
    assert "viewer.window.main" in found
    late = ("plugins.enhance", "plugins.segment", "viewer.inference.supervisor", *LATE)
    assert not held(set(found), late)
