"""Shared libraries: what is missing is installed, or named in one exact line."""

from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

ABSENT = {
    "libabsent.so.9": {"apt-get": "libabsent9", "dnf": "absent-libs", "pacman": "absent"},
    "libgone.so.1": {"apt-get": "libgone1", "dnf": "absent-libs", "pacman": "gone"},
}


@pytest.fixture
def drivers(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    folder = tmp_path / "dri"
    folder.mkdir()
    (folder / "swrast_dri.so").touch()
    monkeypatch.setattr(bootstrap, "DRIVER_FOLDERS", (str(tmp_path / "none"), str(folder)))
    return folder


def opens(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, *present: str) -> None:
    """Let only ``present`` be opened."""

    def cdll(name: str) -> None:
        if name not in present:
            raise OSError(name)

    monkeypatch.setattr(bootstrap, "ctypes", SimpleNamespace(CDLL=cdll))


def machine(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, manager: str, *, root: bool
) -> list[list[str]]:
    """Be a machine with one package manager; return the commands that will be run."""
    commands: list[list[str]] = []

    def which(name: str) -> str | None:
        return f"/usr/bin/{name}" if name == manager else None

    def run(command: list[str], **options: dict[str, str]) -> int:
        assert options["env"]["DEBIAN_FRONTEND"] == "noninteractive"
        commands.append(list(command))
        return 0

    monkeypatch.setattr(bootstrap.shutil, "which", which)
    monkeypatch.setattr(bootstrap.os, "geteuid", lambda: 0 if root else 1000)
    monkeypatch.setattr(bootstrap, "run", run)
    return commands


@pytest.mark.usefixtures("drivers")
def test_only_what_cannot_be_opened_is_missing(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "LIBRARIES", ABSENT)
    opens(bootstrap, monkeypatch, "libgone.so.1")
    assert bootstrap.missing_libraries() == [ABSENT["libabsent.so.9"]]
    opens(bootstrap, monkeypatch, *ABSENT)
    assert bootstrap.missing_libraries() == []


def test_drivers_that_are_not_there_are_missing(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, drivers: Path
) -> None:
    opens(bootstrap, monkeypatch, *bootstrap.LIBRARIES)
    assert bootstrap.missing_libraries() == []
    (drivers / "swrast_dri.so").unlink()
    assert bootstrap.missing_libraries() == [bootstrap.DRIVERS]


def test_other_systems_bring_their_own(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    opens(bootstrap, monkeypatch)
    monkeypatch.setattr(bootstrap, "sys", SimpleNamespace(platform="darwin"))
    assert bootstrap.missing_libraries() == []


@pytest.mark.usefixtures("drivers")
@pytest.mark.parametrize(
    ("manager", "line"),
    [
        ("apt-get", "  apt-get install -y libabsent9 libgone1\n"),
        ("dnf", "  dnf install -y absent-libs\n"),
        ("pacman", "  pacman -S --needed --noconfirm absent gone\n"),
        ("none", "  apt-get install -y libabsent9 libgone1\n"),
    ],
)
def test_the_exact_line_is_named(
    bootstrap: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    manager: str,
    line: str,
) -> None:
    monkeypatch.setattr(bootstrap, "LIBRARIES", ABSENT)
    opens(bootstrap, monkeypatch)
    commands = machine(bootstrap, monkeypatch, manager, root=False)
    with pytest.raises(SystemExit) as ended:
        bootstrap.check_libraries()
    assert ended.value.code == 1
    assert capsys.readouterr().err.endswith(line)
    assert not commands


@pytest.mark.usefixtures("drivers")
def test_root_gets_them_installed(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "LIBRARIES", ABSENT)
    commands = machine(bootstrap, monkeypatch, "apt-get", root=True)
    answers = iter([[*ABSENT.values()], []])
    monkeypatch.setattr(bootstrap, "missing_libraries", lambda: next(answers))
    bootstrap.check_libraries()
    assert commands == [
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-y", "libabsent9", "libgone1", "-qq"],
    ]


@pytest.mark.usefixtures("drivers")
def test_an_installation_that_did_not_help_is_told(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bootstrap, "LIBRARIES", ABSENT)
    opens(bootstrap, monkeypatch)
    machine(bootstrap, monkeypatch, "apt-get", root=True)
    with pytest.raises(SystemExit):
        bootstrap.check_libraries()
    assert "Install them with:\n  apt-get install -y libabsent9 libgone1" in capsys.readouterr().err


@pytest.mark.usefixtures("drivers")
def test_where_nothing_is_missing_nothing_is_run(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opens(bootstrap, monkeypatch, *bootstrap.LIBRARIES)
    commands = machine(bootstrap, monkeypatch, "apt-get", root=True)
    bootstrap.check_libraries()
    assert not commands
    assert capsys.readouterr() == ("", "")


def test_every_library_has_a_package_for_every_manager(bootstrap: ModuleType) -> None:
    for names in (*bootstrap.LIBRARIES.values(), bootstrap.DRIVERS):
        assert set(names) == set(bootstrap.INSTALLERS)


@pytest.mark.usefixtures("bootstrap")
def test_the_libraries_of_this_machine_are_there() -> None:
    """The tests draw: what the table asks for must be here, or it asks for too little."""
    from tests.packaging.scripts import script

    assert script("bootstrap").missing_libraries() == []
