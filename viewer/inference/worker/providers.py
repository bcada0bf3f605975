"""Architectures that plug-ins bring, imported in this process when a card names one.

Which module may be imported is said by the program, which found the plug-ins; a card cannot say it.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from viewer.domain.methods import Architecture
from viewer.errors import Unsupported
from viewer.inference.messages import Message

_PROVIDERS: dict[str, str] = {}


def take_note(message: Message) -> None:
    """Remember which module brings which architecture, as the program says with each job."""
    named = message.header.get("providers")
    if isinstance(named, Mapping):
        _PROVIDERS.clear()
        _PROVIDERS.update({str(key): str(module) for key, module in named.items()})


def provided(key: str) -> Architecture | None:
    """Return the architecture ``key`` of a plug-in, None where no plug-in brings such.

    Raises
    ------
    Unsupported
        The plug-in cannot be loaded here.
    """
    module = _PROVIDERS.get(key)
    if module is None:
        return None
    try:
        methods: tuple[Any, ...] = tuple(import_module(module).METHODS)
    except (Exception, SystemExit) as error:
        raise Unsupported(
            f"The plug-in {module}, which brings {key}, could not be loaded: {type(error).__name__}.",
            remedy="Update or remove it.",
        ) from error
    return next((m for m in methods if isinstance(m, Architecture) and m.key == key), None)
