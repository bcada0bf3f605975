"""Finds the plug-ins that were installed with the program or beside it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TypeVar

from viewer.domain.finding import Finding, Severity
from viewer.domain.methods import Architecture, Filter
from viewer.domain.segmenters import Segmenter
from viewer.errors import ViewerError

Method = TypeVar("Method")
Described = Filter | Segmenter | Architecture
GROUP = "negatoscope.plugins"
# A plain checkout was not installed, so its own families are not among the entry points.
SHIPPED = ("plugins.enhance", "plugins.segment")


@dataclass(frozen=True)
class Extensions:
    """Everything that plug-ins brought; ``findings`` names those that were left out, and why.

    ``providers`` says which module brought each architecture: the worker imports it there.
    """

    filters: Mapping[str, Filter] = field(default_factory=dict)
    segmenters: Mapping[str, Segmenter] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    architectures: Mapping[str, Architecture] = field(default_factory=dict)
    providers: Mapping[str, str] = field(default_factory=dict)


class _Late(Mapping[str, Method]):
    """A table that is filled when it is first looked into."""

    def __init__(self, load: Callable[[], Mapping[str, Method]]) -> None:
        self._load = load

    def __getitem__(self, key: str) -> Method:
        return self._load()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._load())

    def __len__(self) -> int:
        return len(self._load())


def late_extensions(load: Callable[[], Extensions]) -> Extensions:
    """Return the plug-ins of ``load``, called when one of them is asked for: no start waits for it.

    ``findings`` are empty: whoever loads them tells those.
    """
    return Extensions(
        _Late(lambda: load().filters),
        _Late(lambda: load().segmenters),
        architectures=_Late(lambda: load().architectures),
        providers=_Late(lambda: load().providers),
    )


def load_extensions(modules: Iterable[str] | None = None) -> Extensions:
    """Import all plug-ins (``modules`` by name, else those found) and check what they describe."""
    names = dict.fromkeys(_found() if modules is None else modules)
    known: dict[str, Described] = {}
    providers: dict[str, str] = {}
    findings: list[Finding] = []
    for name in names:
        try:
            methods = tuple(import_module(name).METHODS)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the border: a plug-in may fail in any way
            findings.append(_left_out(name, f"it could not be loaded: {type(error).__name__}"))
            continue
        for method in methods:
            reason = _reason_against(method, known)
            if reason:
                findings.append(_left_out(name, reason))
            else:
                known[method.key] = method
                if isinstance(method, Architecture):
                    providers[method.key] = name
    filters = {key: one for key, one in known.items() if isinstance(one, Filter)}
    segmenters = {key: one for key, one in known.items() if isinstance(one, Segmenter)}
    built = {key: one for key, one in known.items() if isinstance(one, Architecture)}
    return Extensions(filters, segmenters, tuple(findings), built, providers)


def _found() -> tuple[str, ...]:
    from importlib.metadata import entry_points

    installed = tuple(point.value for point in entry_points(group=GROUP))
    return (*SHIPPED, *installed)


def _reason_against(method: object, known: Mapping[str, Described]) -> str:
    if not isinstance(method, Filter | Segmenter):
        return _reason_against_network(method, known)
    if not (method.key and method.title and method.purpose and method.caution and method.source):
        return f"{method.key or 'a method'} lacks its title, purpose, caution or source"
    reach = (method.reach_px,) if isinstance(method, Filter) else ()
    called: tuple[object, ...] = (method.function, *reach)
    if not all(callable(part) for part in called):
        return f"{method.key} has nothing to call"
    if len({parameter.key for parameter in method.parameters}) != len(method.parameters):
        return f"two parameters of {method.key} share one key"
    try:
        method.checked({})
    except (ViewerError, TypeError, ValueError):
        return f"a default of {method.key} is out of its own range"
    return f"the key {method.key} is taken" if method.key in known else ""


def _reason_against_network(network: object, known: Mapping[str, Described]) -> str:
    if not isinstance(network, Architecture):
        return f"{type(network).__name__} is no description of a method"
    if not (network.key and network.title and network.source):
        return f"{network.key or 'an architecture'} lacks its title or source"
    call: object = network.build
    if not callable(call):
        return f"{network.key} has nothing to call"
    return f"the key {network.key} is taken" if network.key in known else ""


def _left_out(name: str, reason: str) -> Finding:
    return Finding(
        Severity.WARNING, name, f"The plug-in {name} is left out: {reason}.", "Update or remove it."
    )
