"""The two commands: which verb runs, and which checks in which order."""

import os
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.packaging.scripts import ROOT, script


class Runs:
    """Keeps what would be run."""

    def __init__(self, bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
        self.prepared: list[bool] = []
        self.commands: list[list[str]] = []
        self.environments: list[dict[str, str]] = []
        self.codes: dict[str, int] = {}
        monkeypatch.setitem(sys.modules, "bootstrap", bootstrap)
        monkeypatch.setattr(bootstrap, "prepare", lambda *, tests: self.prepared.append(tests))
        monkeypatch.setattr(bootstrap, "run", self.run)

    def run(self, command: list[object], **options: object) -> int:
        words = [str(word) for word in command]
        self.commands.append(words)
        environment = options.get("env")
        if isinstance(environment, dict):
            self.environments.append(environment)
        return next((code for name, code in self.codes.items() if name in " ".join(words)), 0)

    @property
    def words(self) -> list[str]:
        """The one command that was run, without the interpreter."""
        (only,) = self.commands
        assert only[1:3] == ["-m", "viewer"]
        return only[3:]


@pytest.fixture
def runs(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Runs:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "CI", "HYPOTHESIS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "argv", ["run.py"])
    monkeypatch.setattr(sys, "platform", "linux")
    return Runs(bootstrap, monkeypatch)


def test_without_a_display_the_demonstration_runs(
    runs: Runs, capsys: pytest.CaptureFixture[str]
) -> None:
    assert script("run").main() == 0
    assert runs.words[:4] == ["demo", "--headless", "--out", "negatoscope-demo"]
    assert "There is no display" in capsys.readouterr().err
    assert runs.prepared == [False]


def test_without_a_display_paths_are_said_to_be_left(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["run.py", "/a/study"])
    script("run").main()
    assert runs.words[0] == "demo"
    assert "negatoscope scan PATH" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["DISPLAY", "WAYLAND_DISPLAY"])
def test_with_a_display_the_window_opens_on_the_built_in_study(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, ":0")
    script("run").main()
    assert runs.words == ["open", "--demo"]


def test_with_a_display_the_window_opens_on_the_paths(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(sys, "argv", ["run.py", "/a/study", "b.nii.gz"])
    script("run").main()
    assert runs.words == ["open", "/a/study", "b.nii.gz"]


def test_other_systems_always_have_a_display(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    script("run").main()
    assert runs.words == ["open", "--demo"]


def test_the_exit_code_is_that_of_the_program(runs: Runs) -> None:
    runs.codes = {"viewer": 3}
    assert script("run").main() == 3


def checks(runs: Runs) -> list[str]:
    return [" ".join([Path(program).name, *words]) for program, *words in runs.commands]


def test_all_checks_run_cheapest_first(runs: Runs) -> None:
    assert script("test").main() == 0
    found = checks(runs)
    assert found[:4] == ["ruff check .", "ruff format --check .", "lint-imports", "mypy"]
    assert "-m pytest --numprocesses=auto" in found[4]
    assert len(found) == 5
    assert runs.prepared == [True]


@pytest.mark.parametrize("failing", ["ruff check", "lint-imports", "mypy", "pytest"])
def test_the_first_failure_ends_it_with_its_code(runs: Runs, failing: str) -> None:
    runs.codes = {failing: 5}
    assert script("test").main() == 5
    assert failing in " ".join(runs.commands[-1])


def test_tests_draw_off_screen_without_a_display(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    script("test").main()
    assert len(runs.environments) == 5
    for environment in runs.environments:
        assert environment["QT_QPA_PLATFORM"] == "offscreen"
        assert environment["VTK_DEFAULT_OPENGL_WINDOW"] == "vtkEGLRenderWindow"
        assert "DISPLAY" not in environment


def test_words_after_the_command_go_to_pytest(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["test.py", "tests/domain", "-x"])
    script("test").main()
    assert runs.commands[-1][-2:] == ["tests/domain", "-x"]
    assert "tests/domain" not in runs.commands[0]


def test_continuous_integration_calls_the_same_command_and_nothing_else() -> None:
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    commands = [line for line in lines if line and not line.startswith(("#", "set ", "cd "))]
    assert commands == ["rm -rf .venv", "exec python3 packaging/test.py"]
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
