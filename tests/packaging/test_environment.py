"""When the environment is made anew, and what goes into it."""

import json
import re
import tomllib
from importlib import metadata
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from tests.packaging.scripts import FOLDER, ROOT, script


def stamp(bootstrap: ModuleType, *, tests: bool) -> None:
    """Leave what a finished installation leaves."""
    bootstrap.python().parent.mkdir(parents=True, exist_ok=True)
    bootstrap.python().touch()
    bootstrap.STAMP.write_text(json.dumps(bootstrap.wanted(tests=tests)))


def pins() -> dict[str, str]:
    lines = (FOLDER / "constraints.txt").read_text(encoding="utf-8").splitlines()
    found = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {plain(name): version for name, version in found}


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_a_machine_without_environment_has_no_current_one(bootstrap: ModuleType) -> None:
    assert not bootstrap.is_current(tests=False)


def test_what_was_made_for_the_tests_serves_the_program(bootstrap: ModuleType) -> None:
    stamp(bootstrap, tests=True)
    assert bootstrap.is_current(tests=True)
    assert bootstrap.is_current(tests=False)


def test_what_was_made_for_the_program_does_not_serve_the_tests(bootstrap: ModuleType) -> None:
    stamp(bootstrap, tests=False)
    assert bootstrap.is_current(tests=False)
    assert not bootstrap.is_current(tests=True)


def test_a_changed_pin_makes_it_anew(bootstrap: ModuleType) -> None:
    stamp(bootstrap, tests=True)
    bootstrap.CONSTRAINTS.write_text("numpy==2.4.7\n")
    assert not bootstrap.is_current(tests=True)


def test_a_driver_that_came_makes_it_anew(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    stamp(bootstrap, tests=True)
    monkeypatch.setattr(bootstrap, "has_nvidia_driver", lambda: True)
    assert not bootstrap.is_current(tests=True)


def test_a_moved_checkout_makes_it_anew(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stamp(bootstrap, tests=True)
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path / "elsewhere")
    assert not bootstrap.is_current(tests=True)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"python": 3}'])
def test_a_broken_stamp_makes_it_anew(bootstrap: ModuleType, text: str) -> None:
    stamp(bootstrap, tests=True)
    bootstrap.STAMP.write_text(text)
    assert not bootstrap.is_current(tests=True)


def test_a_stamp_without_interpreter_makes_it_anew(bootstrap: ModuleType) -> None:
    stamp(bootstrap, tests=True)
    bootstrap.python().unlink()
    assert not bootstrap.is_current(tests=True)


def test_nothing_is_done_when_nothing_changed(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stamp(bootstrap, tests=True)
    monkeypatch.setattr(bootstrap, "check_libraries", lambda: pytest.fail("libraries"))
    monkeypatch.setattr(bootstrap, "install", lambda **_: pytest.fail("install"))
    bootstrap.prepare(tests=True)
    bootstrap.prepare(tests=False)
    assert capsys.readouterr() == ("", "")


def test_an_old_python_is_told_so(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    old = SimpleNamespace(version_info=(3, 10, 9), platform="linux", stderr=bootstrap.sys.stderr)
    monkeypatch.setattr(bootstrap, "sys", old)
    monkeypatch.setattr(bootstrap, "say", print)
    with pytest.raises(SystemExit) as ended:
        bootstrap.prepare(tests=False)
    assert ended.value.code == 1
    assert "3.11" in capsys.readouterr().out


class Installation:
    """Stands for venv, pip and torch: keeps the commands, fails where it is told to."""

    def __init__(self, bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
        self.commands: list[list[str]] = []
        self.fails_on = ""
        self.torch = ("torch==2.13.0", "")
        monkeypatch.setattr(bootstrap, "run", self.run)
        monkeypatch.setattr(bootstrap, "torch_choice", lambda: self.torch)
        monkeypatch.setattr(bootstrap, "check_libraries", lambda: None)
        monkeypatch.setattr(bootstrap, "_write_launcher", lambda: None)
        monkeypatch.setattr(bootstrap.venv, "EnvBuilder", self.builder)
        self.bootstrap = bootstrap

    def run(self, command: list[object], **_: object) -> int:
        words = [str(word) for word in command]
        self.commands.append(words)
        return int(bool(self.fails_on) and self.fails_on in words)

    def builder(self, *, with_pip: bool) -> SimpleNamespace:
        assert with_pip

        def create(folder: Path) -> None:
            (folder / "bin").mkdir(parents=True)
            self.bootstrap.python().touch()

        return SimpleNamespace(create=create)


@pytest.fixture
def installation(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Installation:
    return Installation(bootstrap, monkeypatch)


def test_torch_comes_first_and_everything_is_held_by_the_constraints(
    bootstrap: ModuleType, installation: Installation
) -> None:
    bootstrap.prepare(tests=True)
    first, second = installation.commands
    assert "torch==2.13.0" in first
    assert {"numpy", "vtk", "pytest", "mypy"} <= set(second)
    for command in (first, second):
        assert command[-2:] == ["-c", str(bootstrap.CONSTRAINTS)]
    assert bootstrap.is_current(tests=True)


def test_the_program_does_not_bring_the_tests(
    bootstrap: ModuleType, installation: Installation
) -> None:
    bootstrap.prepare(tests=False)
    assert not {"pytest", "mypy", "ruff"} & set(installation.commands[1])
    assert bootstrap.is_current(tests=False)


def test_without_a_build_of_torch_everything_else_is_installed(
    bootstrap: ModuleType, installation: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    installation.torch = ("", "torch is left out: no build.")
    bootstrap.prepare(tests=False)
    (only,) = installation.commands
    assert "numpy" in only
    assert not any(word.startswith("torch") for word in only)
    assert "torch is left out: no build." in capsys.readouterr().err
    assert bootstrap.is_current(tests=False)


@pytest.mark.parametrize("fails_on", ["torch==2.13.0", "numpy"])
def test_a_failed_installation_ends_and_is_not_taken_for_a_finished_one(
    bootstrap: ModuleType, installation: Installation, fails_on: str
) -> None:
    installation.fails_on = fails_on
    with pytest.raises(SystemExit) as ended:
        bootstrap.prepare(tests=True)
    assert ended.value.code == 1
    assert not bootstrap.is_current(tests=True)


def test_an_earlier_environment_is_removed_whole(
    bootstrap: ModuleType, installation: Installation
) -> None:
    left = bootstrap.VENV / "lib" / "old.py"
    left.parent.mkdir(parents=True)
    left.touch()
    bootstrap.prepare(tests=False)
    assert not left.exists()
    assert installation.commands


def test_python_without_venv_names_the_package(
    bootstrap: ModuleType,
    installation: Installation,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def broken(*, with_pip: bool) -> SimpleNamespace:
        def create(_: Path) -> None:
            raise bootstrap.subprocess.CalledProcessError(1, f"ensurepip {with_pip}")

        return SimpleNamespace(create=create)

    monkeypatch.setattr(bootstrap.venv, "EnvBuilder", broken)
    with pytest.raises(SystemExit):
        bootstrap.prepare(tests=False)
    assert "apt-get install -y python3-venv" in capsys.readouterr().err
    assert not installation.commands


def test_the_lists_of_packages_agree() -> None:
    bootstrap = script("bootstrap")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {plain(re.split(r"[!=<>~]", line)[0]) for line in project["dependencies"]}
    assert declared == {plain(name) for name in bootstrap.PROGRAM}


def test_every_package_is_pinned() -> None:
    bootstrap = script("bootstrap")
    pinned = pins()
    for name in (*bootstrap.PROGRAM, *bootstrap.TESTS):
        assert plain(name) in pinned, name
    assert bootstrap.TORCH == f"torch=={pinned['torch']}" == "torch==2.13.0"
    assert pinned["pyside6-essentials"] == pinned["shiboken6"] == "6.11.3"


def test_what_is_installed_is_what_is_pinned() -> None:
    installed = {plain(found.name): found.version for found in metadata.distributions()}
    wrong = {
        name: (installed[name], version)
        for name, version in pins().items()
        if name in installed and installed[name].split("+")[0] != version
    }
    assert not wrong


def test_the_folder_of_the_scripts_is_no_package() -> None:
    """It would hide the library ``packaging`` from everything that runs in the checkout."""
    assert not (FOLDER / "__init__.py").exists()


def test_the_scripts_need_the_standard_library_alone() -> None:
    import ast
    import sys

    for path in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            roots = {name.split(".")[0] for name in names} - {"bootstrap"}
            assert roots <= sys.stdlib_module_names, path
