"""Rules for every source file that no linter holds: read from the syntax tree."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MOST_LINES = 450
FORBIDDEN_NAMES = {
    "QThread": "submit a job",
    "pickle": "loading one executes code",
    "dill": "loading one executes code",
    "joblib": "loading one executes code",
    "shelve": "loading one executes code",
    "marshal": "loading one executes code",
}


@cache
def sources() -> tuple[tuple[str, str], ...]:
    """Return (path, text) of every source file of the program and its plug-ins."""
    found = sorted(path for room in ("viewer", "plugins") for path in (ROOT / room).rglob("*.py"))
    return tuple((str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")) for path in found)


@cache
def tree(text: str) -> ast.Module:
    return ast.parse(text)


def names(node: ast.AST) -> Iterator[str]:
    """Yield every name that a node imports, reads or asks for, in dotted parts."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield from alias.name.split(".")
    elif isinstance(node, ast.ImportFrom):
        yield from (node.module or "").split(".")
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.Attribute):
        yield node.attr


def forbidden(text: str) -> list[str]:
    """Return "line: reason" for each forbidden thing in a source text."""
    found = []
    for node in ast.walk(tree(text)):
        line = getattr(node, "lineno", 0)
        found += [
            f"{line}: {name}: {FORBIDDEN_NAMES[name]}"
            for name in names(node)
            if name in FORBIDDEN_NAMES
        ]
        if isinstance(node, ast.Attribute) and node.attr == "sleep":
            found.append(f"{line}: sleep: wait for an event")
        if isinstance(node, ast.ImportFrom) and any(alias.name == "sleep" for alias in node.names):
            found.append(f"{line}: sleep: wait for an event")
        if isinstance(node, ast.keyword) and node.arg in ("weights_only", "allow_pickle"):
            safe = node.arg == "weights_only"
            if not (isinstance(node.value, ast.Constant) and node.value.value is safe):
                found.append(f"{line}: {node.arg}: loading executes code")
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("eval", "exec"):
            found.append(f"{line}: eval: executes code")
    return found


def dynamic_imports(text: str) -> list[str]:
    """Return the first words of modules that are imported by a name in quotes."""
    return [
        node.args[0].value.split(".")[0]
        for node in ast.walk(tree(text))
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", getattr(node.func, "attr", ""))
        in ("import_module", "__import__")
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    ]


def test_there_are_sources_to_look_at() -> None:
    assert len(sources()) > 100


def test_nothing_sleeps_unpickles_or_makes_threads_of_qt() -> None:
    found = [f"{path}:{line}" for path, text in sources() for line in forbidden(text)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "text",
    [
        "from PySide6.QtCore import QThread",
        "from PySide6 import QtCore\nQtCore.QThread()",
        "import time\ntime.sleep(1)",
        "from time import sleep",
        "import pickle",
        "import numpy as np\nnp.load('x', allow_pickle=True)",
        "import torch\ntorch.load('x', weights_only=False)",
        "import torch\nflag = False\ntorch.load('x', weights_only=flag)",
        "def f():\n    import joblib",
        "eval('1')",
    ],
)
def test_what_is_forbidden_is_found(text: str) -> None:
    assert forbidden(text)


def test_torch_loads_only_what_cannot_run() -> None:
    """Weights are safetensors; those of others are unpickled by ``weights_only=True``, in one place."""
    found = [
        f"{path}:{node.lineno}"
        for path, text in sources()
        for node in ast.walk(tree(text))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "load"
        and getattr(node.func.value, "id", "") == "torch"
        and not (path.endswith("worker/foreign_weights.py") and _takes_numbers_alone(node))
    ]
    assert not found, "\n".join(found)


def _takes_numbers_alone(call: ast.Call) -> bool:
    said = {one.arg: one.value for one in call.keywords}
    value = said.get("weights_only")
    return isinstance(value, ast.Constant) and value.value is True


def test_no_module_is_longer_than_a_person_reads() -> None:
    long = {path: n for path, text in sources() if (n := len(text.splitlines())) > MOST_LINES}
    assert not long


def test_the_painter_draws_without_widgets() -> None:
    """import-linter sees PySide6 as one; painting may use QtGui and QtCore alone."""
    for path, text in sources():
        if not path.startswith("viewer/painting/"):
            continue
        for node in ast.walk(tree(text)):
            assert "QtWidgets" not in tuple(names(node)), path


def test_imaging_takes_no_rendering_from_vtk() -> None:
    for path, text in sources():
        if not path.startswith("viewer/imaging/"):
            continue
        for node in ast.walk(tree(text)):
            assert not any(name.startswith("vtkRendering") for name in names(node)), path


def test_no_wall_is_passed_by_an_import_in_quotes() -> None:
    """import-linter does not see ``import_module("torch")``."""
    walled = {"torch", "PySide6", "vtkmodules", "pydicom", "highdicom", "plugins"}
    found = [path for path, text in sources() if walled & set(dynamic_imports(text))]
    assert not found


def test_an_import_in_quotes_is_seen() -> None:
    text = "from importlib import import_module\nx = import_module('torch.nn')"
    assert dynamic_imports(text) == ["torch"]
