"""The table of actions and the decorator that fills it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from inspect import Parameter as Argument
from inspect import getdoc, signature
from typing import Any

from viewer.actions.context import Context
from viewer.errors import ViewerError

Enabled = Callable[[Context], str]
Function = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Choice:
    """One ready-made set of parameters of an action, with its own title and keys.

    ``group`` puts it into a sub-menu of that name.
    """

    title: str
    parameters: Mapping[str, Any]
    keys: tuple[str, ...] = ()
    ticked: bool = False
    group: str = ""


Choices = Callable[[Context], Sequence[Choice]]


def always(_context: Context) -> str:
    """Return "" (enabled)."""
    return ""


@dataclass(frozen=True, slots=True)
class Action:
    """A verb: its id is for ever, its docstring is the help everywhere.

    ``enabled`` returns "" or the reason why it cannot be done now. ``choices`` lists ready-made
    parameters (window presets, networks); an action with required parameters and without choices
    is for programs only (journeys, command line), unless the door asks for the parameters.
    ``slow_choices``: listing them takes long (it loads plug-ins, say), so they are asked for only when
    they are shown; none of them has a key.
    """

    id: str
    title: str
    group: str
    help: str
    function: Function
    keys: tuple[str, ...] = ()
    enabled: Enabled = always
    choices: Choices | None = None
    slow_choices: bool = False

    def required(self) -> tuple[str, ...]:
        """Return the names of parameters without a default."""
        arguments = list(signature(self.function).parameters.values())[1:]
        return tuple(a.name for a in arguments if a.default is Argument.empty)

    @property
    def is_direct(self) -> bool:
        """Whether a menu entry or key can trigger it without parameters."""
        return not self.required() and self.choices is None


_TABLE: dict[str, Action] = {}


def action(  # noqa: PLR0913 - a row of the table
    id: str,  # noqa: A002 - the word that the whole program uses
    title: str,
    *,
    group: str,
    keys: tuple[str, ...] = (),
    enabled: Enabled = always,
    choices: Choices | None = None,
    slow_choices: bool = False,
) -> Callable[[Function], Function]:
    """Declare a function as an action.

    Raises
    ------
    ViewerError
        The id is taken, or the function has no docstring (its docstring is the help).
    """

    def declare(function: Function) -> Function:
        text = getdoc(function)
        if id in _TABLE or not text:
            raise ViewerError(f"The action {id} is declared twice or has no help.")
        _TABLE[id] = Action(id, title, group, text, function, keys, enabled, choices, slow_choices)
        return function

    return declare


_GROUPS = (
    "File",
    "Edit",
    "View",
    "Tools",
    "Enhance",
    "Networks",
    "Segments",
    "Measure",
    "Export",
    "Help",
)
_ORDERED: dict[str, Action] = {}
_MODULES = (
    "file",
    "workspace",
    "importing",
    "documents",
    "view",
    "enhance",
    "enhance_presets",
    "enhance_series",
    "enhance_figures",
    "presentation",
    "library",
    "networks",
    "image_networks",
    "explain",
    "doubt",
    "own_networks",
    "training",
    "live",
    "backends",
    "segment",
    "methods",
    "method_settings",
    "segment_operations",
    "painting",
    "slices",
    "compare_layers",
    "reviewing",
    "terminology",
    "dose",
    "measure",
    "calibrating",
    "measure_copy",
    "edit",
    "export",
    "exchange_segments",
    "help",
)


def actions() -> Mapping[str, Action]:
    """Return the whole table, in the order of the menus."""
    if len(_ORDERED) != len(_TABLE) or not _TABLE:
        for name in _MODULES:
            import_module(f"viewer.actions.{name}")
        rows = sorted(_TABLE.values(), key=lambda found: _GROUPS.index(found.group))
        _ORDERED.clear()
        _ORDERED.update((found.id, found) for found in rows)
    return _ORDERED


def perform(context: Context, id: str, /, **parameters: Any) -> Any:  # noqa: A002
    """Run an action by its id.

    Raises
    ------
    ViewerError
        There is no such action, it cannot be done now (the reason is in the sentence), or it
        failed.
    """
    table = actions()
    if id not in table:
        raise ViewerError(f"There is no action called {id}.")
    found = table[id]
    reason = found.enabled(context)
    if reason:
        raise ViewerError(reason, where=found.title)
    return found.function(context, **parameters)
