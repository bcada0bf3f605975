"""Which torch is installed: never gigabytes of CUDA on a machine without a driver."""

import json
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

CPU = ("torch", "sympy", "networkx")
CUDA = ("torch", "nvidia-cublas", "nvidia-cudnn-cu13", "triton")


class Index:
    """Stands for pip and what it would find: requirement -> names, absent: it finds nothing."""

    def __init__(self, **found: tuple[str, ...]) -> None:
        self.found = {"torch==2.13.0": found.get("plain"), "torch==2.13.0+cpu": found.get("cpu")}
        self.asked: list[str] = []

    def run(self, command: list[str], **_: object) -> SimpleNamespace:
        assert "--dry-run" in command
        requirement = command[-1]
        self.asked.append(requirement)
        names = self.found[requirement]
        if names is None:
            return SimpleNamespace(returncode=1)
        report = {"install": [{"metadata": {"name": name}} for name in names]}
        Path(command[command.index("--report") + 1]).write_text(json.dumps(report))
        return SimpleNamespace(returncode=0)


def choice(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, index: Index, *, driver: bool
) -> tuple[str, str]:
    monkeypatch.setattr(bootstrap.subprocess, "run", index.run)
    monkeypatch.setattr(bootstrap, "has_nvidia_driver", lambda: driver)
    requirement, remark = bootstrap.torch_choice()
    return requirement, remark


def test_a_plain_build_without_cuda_is_taken(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = Index(plain=CPU, cpu=CPU)
    assert choice(bootstrap, monkeypatch, index, driver=False) == ("torch==2.13.0", "")
    assert index.asked == ["torch==2.13.0"]


def test_without_a_driver_a_cuda_build_gives_way_to_a_cpu_build(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = Index(plain=CUDA, cpu=CPU)
    assert choice(bootstrap, monkeypatch, index, driver=False) == ("torch==2.13.0+cpu", "")


@pytest.mark.parametrize("name", ["nvidia-cublas", "cuda-toolkit", "Triton"])
def test_without_a_driver_nothing_is_taken_when_only_cuda_is_to_be_had(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for index in (Index(plain=("torch", name)), Index(plain=("torch", name), cpu=("torch", name))):
        requirement, remark = choice(bootstrap, monkeypatch, index, driver=False)
        assert requirement == ""
        assert "torch is left out" in remark
        assert "\n" not in remark


def test_without_any_build_nothing_is_taken(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = Index()
    requirement, remark = choice(bootstrap, monkeypatch, index, driver=False)
    assert requirement == ""
    assert remark
    assert index.asked == ["torch==2.13.0", "torch==2.13.0+cpu"]


def test_with_a_driver_the_cuda_build_is_taken(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = Index(plain=CUDA, cpu=CPU)
    assert choice(bootstrap, monkeypatch, index, driver=True) == ("torch==2.13.0", "")
    assert index.asked == ["torch==2.13.0"]
