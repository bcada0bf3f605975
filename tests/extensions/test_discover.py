"""Finding plug-ins: a broken one is left out and named, the others stay."""

import importlib.metadata
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from viewer.domain.finding import Severity
from viewer.domain.methods import Filter, Parameter
from viewer.extensions.discover import Extensions, late_extensions, load_extensions

GOOD = Filter(
    key="good",
    title="Good",
    purpose="Does nothing at all.",
    caution="Nothing can be faked.",
    source="nobody",
    parameters=(Parameter("share", "Share", "float", 0.5),),
    function=lambda values, _parameters, _context: np.array(values),
    reach_px=lambda _parameters, _context: 0,
)


@pytest.fixture
def modules() -> Iterator[dict[str, ModuleType]]:
    """Modules by name that can be imported while the test runs."""
    made: dict[str, ModuleType] = {}
    before = dict(sys.modules)
    yield made
    for name in made:
        sys.modules.pop(name, None)
    assert before.keys() - sys.modules.keys() == set()


def _module(modules: dict[str, ModuleType], name: str, **content: object) -> str:
    module = ModuleType(name)
    vars(module).update(content)
    modules[name] = sys.modules[name] = module
    return name


def test_the_shipped_filters_are_found_without_a_fault() -> None:
    found = load_extensions()
    assert {"gaussian", "median", "clahe", "unsharp"} <= set(found.filters)
    assert found.findings == ()
    assert all(key == filter_.key for key, filter_ in found.filters.items())


def test_a_plug_in_adds_its_methods(modules: dict[str, ModuleType]) -> None:
    name = _module(modules, "a_plugin", METHODS=(GOOD,))
    found = load_extensions(["plugins.enhance", name])
    assert found.filters["good"] is GOOD
    assert "gaussian" in found.filters


def test_a_plug_in_that_is_not_there_is_left_out_and_named() -> None:
    found = load_extensions(["no_such_plugin", "plugins.enhance"])
    assert "gaussian" in found.filters
    (finding,) = found.findings
    assert finding.severity is Severity.WARNING
    assert finding.subject == "no_such_plugin"
    assert "ModuleNotFoundError" in finding.text
    assert finding.remedy


@pytest.mark.parametrize(
    "line", ["raise RuntimeError('x')", "import sys; sys.exit(3)", "def (", "1 / 0", "x = 1"]
)
def test_a_plug_in_that_cannot_be_imported_is_left_out(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_plugin.py").write_text(line + "\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "broken_plugin", raising=False)
    found = load_extensions(["broken_plugin", "plugins.enhance"])
    sys.modules.pop("broken_plugin", None)
    assert [finding.subject for finding in found.findings] == ["broken_plugin"]
    assert "gaussian" in found.filters


@pytest.mark.parametrize(
    ("method", "reason"),
    [
        ("a string", "no description"),
        (Parameter("a", "A", "float", 0.5), "no description"),
        (replace(GOOD, key=""), "lacks"),
        (replace(GOOD, title=""), "lacks"),
        (replace(GOOD, purpose=""), "lacks"),
        (replace(GOOD, caution=""), "lacks"),
        (replace(GOOD, source=""), "lacks"),
        (replace(GOOD, function=None), "nothing to call"),  # type: ignore[arg-type]
        (replace(GOOD, parameters=(Parameter("a", "A", "float", 7.0),)), "out of its own range"),
        (
            replace(GOOD, parameters=(Parameter("a", "A", "choice", "x", choices=("y",)),)),
            "out of its own range",
        ),
        (replace(GOOD, parameters=(*GOOD.parameters, *GOOD.parameters)), "share one key"),
    ],
)
def test_a_method_that_does_not_describe_itself_is_left_out(
    method: object, reason: str, modules: dict[str, ModuleType]
) -> None:
    name = _module(modules, "a_plugin", METHODS=(method, replace(GOOD, key="sound")))
    found = load_extensions([name])
    assert list(found.filters) == ["sound"]
    (finding,) = found.findings
    assert reason in finding.text


@pytest.mark.parametrize("methods", [None, 3, GOOD])
def test_a_list_of_methods_that_is_none_is_left_out(
    methods: object, modules: dict[str, ModuleType]
) -> None:
    found = load_extensions([_module(modules, "a_plugin", METHODS=methods)])
    assert not found.filters
    assert len(found.findings) == 1


def test_of_two_methods_of_one_key_the_first_stays(modules: dict[str, ModuleType]) -> None:
    second = replace(GOOD, title="Second")
    names = [
        _module(modules, "first_plugin", METHODS=(GOOD,)),
        _module(modules, "second_plugin", METHODS=(second,)),
    ]
    found = load_extensions(names)
    assert found.filters["good"] is GOOD
    (finding,) = found.findings
    assert finding.subject == "second_plugin"
    assert "the key good is taken" in finding.text


def test_a_plug_in_cannot_replace_a_shipped_filter(modules: dict[str, ModuleType]) -> None:
    name = _module(modules, "a_plugin", METHODS=(replace(GOOD, key="median"),))
    found = load_extensions(["plugins.enhance", name])
    assert found.filters["median"].title == "Median"
    assert len(found.findings) == 1


def test_a_module_that_is_named_twice_is_loaded_once(modules: dict[str, ModuleType]) -> None:
    name = _module(modules, "a_plugin", METHODS=(GOOD,))
    assert load_extensions([name, name]).findings == ()


def test_installed_plug_ins_come_after_the_shipped_ones(
    modules: dict[str, ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = _module(modules, "installed_plugin", METHODS=(GOOD,))

    def points(*, group: str) -> tuple[EntryPoint, ...]:
        assert group == "negatoscope.plugins"
        return EntryPoint("own", "plugins.enhance", group), EntryPoint("theirs", name, group)

    monkeypatch.setattr(importlib.metadata, "entry_points", points)
    found = load_extensions()
    assert list(found.filters)[-1] == "good"
    assert found.findings == ()


def test_without_plug_ins_there_are_no_filters() -> None:
    assert not load_extensions([]).filters


def test_late_plug_ins_are_loaded_when_the_first_is_asked_for() -> None:
    loads: list[int] = []

    def load() -> Extensions:
        loads.append(1)
        return load_extensions(["plugins.segment"])

    late = late_extensions(cache(load))
    assert not loads
    assert set(late.segmenters) == set(load_extensions(["plugins.segment"]).segmenters)
    assert late.filters.get("gaussian") is None
    assert len(late.filters) == 0
    assert loads == [1]
